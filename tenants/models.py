"""Tenants, and how each of their two sides is reached."""

from __future__ import annotations

from typing import Any

import idna
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from .platforms import CXONE, PLATFORMS, Platform
from .platforms.cxone import USER_MAPPING_MAP
from .vault import Sealed, SealedField


class TenantQuerySet(models.QuerySet):  # type: ignore[type-arg]
    def for_staff(self, user: Any) -> TenantQuerySet:
        """The tenants this person may see: all for a superuser, else those they belong to."""
        return self if user.is_superuser else self.filter(members=user.pk)


def _share(name: Any, default: int) -> Any:
    """A limit of the brake as a share. Empty is no limit."""
    return models.PositiveSmallIntegerField(
        name, default=default, null=True, blank=True, validators=[MaxValueValidator(100)]
    )


def _number(name: Any, default: int) -> Any:
    """A limit of the brake as a number. Empty is no limit."""
    return models.PositiveIntegerField(name, default=default, null=True, blank=True)


class Tenant(models.Model):
    """One customer organisation: one CXone tenant and one external platform."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    slug = models.SlugField(
        _("short name"), unique=True, help_text=_("How commands name this tenant, e.g. acme.")
    )
    platform = models.CharField(
        _("external platform"),
        max_length=30,
        choices=[(kind, platform.label) for kind, platform in PLATFORMS.items()],
        default="ringcentral",
    )
    map_permission = models.CharField(
        _("User Mapping: Map"),
        max_length=200,
        default=USER_MAPPING_MAP,
        help_text=_(
            "The CXone role permission without which Auto Sync skips a user, as printed by "
            "“manage.py cxone_roles”."
        ),
    )
    domain_aliases = models.TextField(
        _("domain aliases"),
        blank=True,
        help_text=_(
            "One rule a line, such as “acme.co.uk = acme.com”: both domains count as the same in the e-mail match."
        ),
    )
    ignore_plus_tags = models.BooleanField(
        _("ignore plus-tags"), default=False, help_text=_("Treat ann+work@acme.com as ann@acme.com.")
    )
    # The brake: a run that would go beyond one of these is held until a person approves it.
    map_limit = _share(_("new mappings, per cent"), 50)
    map_limit_number = _number(_("new mappings, number"), 2_000)
    remap_limit = _share(_("changed accounts, per cent"), 10)
    remap_limit_number = _number(_("changed accounts, number"), 200)
    unmap_limit = _share(_("released accounts, per cent"), 10)
    unmap_limit_number = _number(_("released accounts, number"), 200)
    shrink_limit = _share(_("missing from a directory, per cent"), 20)
    shrink_limit_number = _number(_("missing from a directory, number"), 2_000)
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        verbose_name=_("staff"),
        blank=True,
        related_name="tenants",
        help_text=_("Who may see this tenant. Superusers see all tenants."),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("tenant")
        verbose_name_plural = _("tenants")

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """A tenant always has its two connections, empty until somebody fills them."""
        with transaction.atomic():
            super().save(*args, **kwargs)
            for side in Connection.Side.values:
                Connection.objects.get_or_create(
                    tenant=self, side=side, defaults={"base_url": self.kind_of(side).base_url}
                )

    def clean(self) -> None:
        try:
            self.aliases()
        except ValueError as error:
            raise ValidationError({"domain_aliases": str(error)}) from error

    def kind_of(self, side: str) -> Platform:
        return CXONE if side == Connection.Side.CXONE else PLATFORMS[self.platform]

    def connection(self, side: str) -> Connection:
        return self.connections.get(side=side)

    def aliases(self) -> dict[str, str]:
        """{other domain: chosen domain}, both in ASCII form. ValueError names the line that is wrong."""
        rules: dict[str, str] = {}
        for line in filter(None, map(str.strip, self.domain_aliases.splitlines())):
            other, equals, chosen = (part.strip().casefold() for part in line.partition("="))
            if not (equals and "." in other and "." in chosen) or "@" in line:
                raise ValueError(f"“{line}” is not of the form “acme.co.uk = acme.com”.")
            try:
                rules[_ascii(other)] = _ascii(chosen)
            except idna.IDNAError as error:
                raise ValueError(f"“{line}” holds something that cannot be a domain.") from error
        for other, chosen in rules.items():
            if chosen in rules:
                raise ValueError(f"“{other} = {chosen}”: {chosen} is itself an alias; name the final domain.")
        return rules


def _ascii(domain: str) -> str:
    return idna.encode(domain, uts46=True).decode()


class Connection(models.Model):
    """How one side of a tenant is reached, and how that went the last time it was tried."""

    class Side(models.TextChoices):
        CXONE = "cxone", _("CXone")
        EXTERNAL = "external", _("external platform")

    class Health(models.TextChoices):
        UNKNOWN = "unknown", _("never tested")
        WORKING = "working", _("working")
        FAILING = "failing", _("failing")

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="connections")
    side = models.CharField(_("side"), max_length=10, choices=Side.choices, editable=False)
    base_url = models.URLField(_("address"), max_length=200)
    credentials = SealedField()
    health = models.CharField(_("health"), max_length=10, choices=Health.choices, default=Health.UNKNOWN)
    health_text = models.TextField(_("what was found"), blank=True)
    checked_at = models.DateTimeField(_("last checked"), null=True, blank=True)

    class Meta:
        ordering = ["tenant", "side"]
        verbose_name = _("connection")
        verbose_name_plural = _("connections")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "side"], name="one_connection_per_side"),
        ]

    def __str__(self) -> str:
        return f"{self.tenant} – {self.kind.label}"

    @property
    def kind(self) -> Platform:
        return self.tenant.kind_of(self.side)

    @property
    def is_complete(self) -> bool:
        """Whether credentials have been entered; the form lets nobody save half of them."""
        return bool(self.credentials)

    def set_credentials(self, values: dict[str, str]) -> None:
        """Seal `values` and forget the access token that the old ones gave. Saves the row."""
        with transaction.atomic():
            self.credentials = Sealed.of(values)
            self.health, self.health_text, self.checked_at = self.Health.UNKNOWN, "", None
            self.save()
            AccessToken.objects.filter(connection=self).delete()


class AccessToken(models.Model):
    """The one access token that all processes share for a connection, and the lock under which it is renewed.

    RingCentral keeps about five sessions a user and app: workers that each sign in log each other out.
    """

    connection = models.OneToOneField(Connection, on_delete=models.CASCADE, primary_key=True)
    sealed = SealedField()
    locked_by = models.CharField(max_length=32, blank=True)
    locked_until = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"access token of connection {self.pk}"
