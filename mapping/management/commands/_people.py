"""How commands name people."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError

from mapping.models import UserMapping
from tenants.models import Tenant


def mapping_of(tenant: Tenant, name: str) -> UserMapping:
    """The CXone user of this id, username or e-mail. CommandError when there is none or there are several."""
    users = UserMapping.objects.filter(tenant=tenant)
    for field in ("cxone_id", "username__iexact", "email__iexact"):
        found = list(users.filter(**{field: name})[:3])
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(f"{one.cxone_id} ({one})" for one in found)
            raise CommandError(f"“{name}” means several users: {ids}. Give the CXone user id.", returncode=2)
    raise CommandError(
        f"{tenant} has no CXone user “{name}”; run Auto Sync first to read them.", returncode=2
    )


def actor(username: str | None) -> Any:
    """The staff user of this name; None, a command's own doing, without one."""
    if username is None:
        return None
    user = get_user_model().objects.filter(username=username).first()
    if user is None:
        raise CommandError(f"There is no staff user “{username}”.", returncode=2)
    return user
