"""How commands name tenants."""

from django.core.management.base import CommandError

from tenants.models import Tenant


def named(name: str) -> Tenant:
    """The tenant of this short name, name or number. CommandError names those that exist."""
    for field in ("slug", "name__iexact", *(["pk"] if name.isdigit() else [])):
        if tenant := Tenant.objects.filter(**{field: name}).first():
            return tenant
    known = ", ".join(Tenant.objects.values_list("slug", flat=True)[:20]) or "none yet"
    raise CommandError(f"There is no tenant “{name}”. Tenants: {known}.", returncode=2)
