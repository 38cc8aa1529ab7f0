"""The three groups that people are put into. Run again, it gives each group what it should have."""

from django.contrib.auth.management import create_permissions
from django.db import migrations
from django.db.models import Q

VIEW = Q(content_type__app_label="mapping", codename__startswith="view_") | Q(
    content_type__app_label="tenants", codename="view_tenant"
)
MAP = VIEW | Q(content_type__app_label="mapping", codename="map_usermapping")
GROUPS = {
    "Presence Sync administrators": MAP | Q(content_type__app_label="tenants"),
    "Mappers": MAP,
    "Viewers": VIEW,
}


def make_groups(apps, schema_editor):
    database = schema_editor.connection.alias
    _make_permissions(apps, database)
    permissions = apps.get_model("auth", "Permission").objects.using(database)
    for name, which in GROUPS.items():
        group, _ = apps.get_model("auth", "Group").objects.using(database).get_or_create(name=name)
        group.permissions.add(*permissions.filter(which))


def _make_permissions(apps, database):
    """Django makes them only after the last migration; here they are needed now."""
    for label in ("tenants", "mapping"):
        config = apps.get_app_config(label)
        module = getattr(config, "models_module", None)
        config.models_module = True
        create_permissions(config, apps=apps, using=database, verbosity=0)
        config.models_module = module


class Migration(migrations.Migration):
    dependencies = [
        ("mapping", "0001_initial"),
        ("tenants", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
