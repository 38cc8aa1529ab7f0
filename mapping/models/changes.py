"""The history: every change of the map, as proposed and as it came out."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models import Tenant

from ..reasons import REASONS
from .people import UserMapping
from .runs import SyncRun


class ChangeQuerySet(models.QuerySet):  # type: ignore[type-arg]
    def for_staff(self, user: Any) -> ChangeQuerySet:
        return self.filter(tenant__in=Tenant.objects.for_staff(user))


class Change(models.Model):
    """One proposed or applied change of one UserMapping. Rows are added and settled, never altered after.

    `before` and `after` hold what was and will be recorded (account, method, reason, flag, flag_reads) and how
    the account was then called; `reason` is the reason after the change, "" for a mapping.
    """

    class Kind(models.TextChoices):
        MAP = "map", _("mapped")
        REMAP = "remap", _("account changed")
        UNMAP = "unmap", _("unmapped")
        REASON = "reason", _("left unmapped")
        FLAG = "flag", _("flagged")

    class Outcome(models.TextChoices):
        PENDING = "pending", _("proposed")
        APPLIED = "applied", _("applied")
        REFUSED = "refused", _("refused")
        DROPPED = "dropped", _("dropped")

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    mapping = models.ForeignKey(
        UserMapping, verbose_name=_("user"), on_delete=models.CASCADE, related_name="changes"
    )
    run = models.ForeignKey(
        SyncRun,
        verbose_name=_("run"),
        on_delete=models.RESTRICT,  # the history goes with its tenant, never with a run
        null=True,
        blank=True,
        related_name="changes",
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("by"), on_delete=models.SET_NULL, null=True, blank=True
    )
    kind = models.CharField(_("change"), max_length=10, choices=Kind.choices)
    before = models.JSONField(_("before"))
    after = models.JSONField(_("after"))
    reason = models.CharField(_("reason"), max_length=30, choices=REASONS, blank=True)
    evidence = models.JSONField(_("data behind the reason"), default=dict, blank=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome.choices, default=Outcome.PENDING)
    refusal = models.TextField(_("why refused"), blank=True)
    created_at = models.DateTimeField(_("proposed"), auto_now_add=True)
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)

    objects = ChangeQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("change")
        verbose_name_plural = _("changes")
        default_permissions = ("view",)
        indexes = [models.Index(fields=["run", "outcome", "id"])]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.mapping_id}"
