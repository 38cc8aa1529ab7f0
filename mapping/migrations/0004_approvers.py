"""The group that may approve what the brake holds."""

from importlib import import_module

from django.db import migrations
from django.db.models import Q

groups = import_module("mapping.migrations.0002_groups")


def let_administrators_approve(apps, schema_editor):
    database = schema_editor.connection.alias
    groups._make_permissions(apps, database)
    approve = Q(content_type__app_label="mapping", codename="approve_syncrun")
    permissions = apps.get_model("auth", "Permission").objects.using(database).filter(approve)
    group = apps.get_model("auth", "Group").objects.using(database).get(name="Presence Sync administrators")
    group.permissions.add(*permissions)


class Migration(migrations.Migration):
    dependencies = [
        ("mapping", "0003_brake_missed_cancel"),
        ("tenants", "0002_brake"),
    ]

    operations = [migrations.RunPython(let_administrators_approve, migrations.RunPython.noop)]
