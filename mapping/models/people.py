"""Both sides as last read, and who is who."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tenants.models import Tenant
from tenants.platforms.records import AccountState

from ..matching import Flag, Method, Reason, State
from ..reasons import FLAGS, METHODS, REASONS


class ExternalAccount(models.Model):
    """An account of the external platform as last read. Its key is the platform's own id:
    e-mails and extension numbers are recycled."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="accounts")
    platform_id = models.CharField(_("platform id"), max_length=100)
    name = models.CharField(_("name"), max_length=300, blank=True)
    email = models.CharField(_("e-mail"), max_length=320, blank=True)
    email_key = models.CharField(max_length=320, blank=True, editable=False)
    extension = models.CharField(_("extension"), max_length=30, blank=True)
    department = models.CharField(_("department"), max_length=200, blank=True)
    phone = models.CharField(_("phone"), max_length=50, blank=True)
    type = models.CharField(_("type"), max_length=50, blank=True)
    status = models.CharField(_("status on the platform"), max_length=50, blank=True)
    is_person = models.BooleanField(_("a person"), default=False)
    state = models.CharField(
        _("state"),
        max_length=20,
        choices=[(state.value, state.value.replace("_", " ")) for state in AccountState],
        default=AccountState.ENABLED.value,
    )
    search_text = models.TextField(blank=True, editable=False)  # see search.py
    gone_since = models.DateTimeField(_("gone since"), null=True, blank=True)

    class Meta:
        verbose_name = _("external account")
        verbose_name_plural = _("external accounts")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "platform_id"], name="one_row_per_external_account"),
        ]
        indexes = [models.Index(fields=["tenant", "email_key"]), models.Index(fields=["tenant", "extension"])]

    def __str__(self) -> str:
        return f"{self.name} ext. {self.extension}" if self.extension else self.name or self.platform_id

    @property
    def is_candidate(self) -> bool:
        return self.is_person and self.state == AccountState.ENABLED and self.gone_since is None


class UserMappingQuerySet(models.QuerySet):  # type: ignore[type-arg]
    def for_staff(self, user: Any) -> UserMappingQuerySet:
        return self.filter(tenant__in=Tenant.objects.for_staff(user))

    def mapped(self) -> UserMappingQuerySet:
        return self.filter(account__isnull=False)

    def unmapped(self) -> UserMappingQuerySet:
        return self.filter(account__isnull=True)


class UserMapping(models.Model):
    """One CXone user of a tenant: who they are, their Status, and which external account is theirs.

    Status is not stored: a row with an account is Mapped, one without is Unmapped and has a reason.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="mappings")
    cxone_id = models.CharField(_("CXone user id"), max_length=100)
    name = models.CharField(_("name"), max_length=300, blank=True)
    username = models.CharField(_("username"), max_length=320, blank=True)
    email = models.CharField(_("e-mail"), max_length=320, blank=True)
    email_key = models.CharField(max_length=320, blank=True, editable=False)
    email_problem = models.CharField(max_length=20, blank=True, editable=False)
    team = models.CharField(_("team"), max_length=200, blank=True)
    roles = models.TextField(_("roles"), blank=True, editable=False)  # see role_names
    cxone_status = models.CharField(_("status in CXone"), max_length=30, blank=True)
    eligible = models.BooleanField(
        _("has User Mapping: Map"), default=True, help_text=_("Auto Sync skips users without it.")
    )
    present = models.BooleanField(_("in CXone"), default=True)
    absent_since = models.DateTimeField(
        null=True, editable=False
    )  # not listed; null for one CXone says has left

    account = models.OneToOneField(
        ExternalAccount,
        verbose_name=_("account"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="mapping",
    )
    method = models.CharField(_("method"), max_length=10, choices=METHODS, blank=True)
    reason = models.CharField(
        _("reason"), max_length=30, choices=REASONS, blank=True, default=Reason.NOT_YET_SYNCED.value
    )
    evidence = models.JSONField(_("data behind the reason"), default=dict, blank=True)
    flag = models.CharField(_("flag"), max_length=30, choices=FLAGS, blank=True)
    flag_reads = models.PositiveSmallIntegerField(default=0, editable=False)
    rejected = models.JSONField(
        _("rejected accounts"),
        default=list,
        blank=True,
        help_text=_("Accounts refused by hand for this user."),
    )
    changed_at = models.DateTimeField(_("last changed"), null=True, blank=True)

    objects = UserMappingQuerySet.as_manager()

    class Meta:
        verbose_name = _("user mapping")
        verbose_name_plural = _("User Mapping")
        permissions = [("map_usermapping", _("User Mapping: Map"))]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "cxone_id"], name="one_row_per_cxone_user"),
            models.CheckConstraint(
                condition=Q(account__isnull=False, reason="") & ~Q(method="")
                | Q(account__isnull=True, method="", flag="") & ~Q(reason=""),
                name="mapped_or_with_a_reason",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "reason", "id"]),
            models.Index(fields=["tenant", "name", "id"]),
        ]

    def __str__(self) -> str:
        return self.name or self.username or self.cxone_id

    @property
    def role_names(self) -> list[str]:
        """The primary role first. Kept as lines, a line break before and after each, so that a role is found
        by its whole name on any database."""
        return self.roles.strip("\n").split("\n") if self.roles else []

    @property
    def is_mapped(self) -> bool:
        return self.account_id is not None

    @property
    def recorded(self) -> State:
        return State(
            account=self.account_id,
            method=Method(self.method),
            reason=Reason(self.reason),
            flag=Flag(self.flag),
            flag_reads=self.flag_reads,
        )

    def record(self, state: State, *, evidence: dict[str, Any]) -> None:
        """Put `state` on the row, unsaved."""
        self.account_id = state.account
        self.method, self.reason = state.method.value, state.reason.value
        self.flag, self.flag_reads = state.flag.value, state.flag_reads
        self.evidence = evidence


RECORDED = ("account", "method", "reason", "flag", "flag_reads", "evidence", "changed_at")
"""The fields that `record` sets and that are saved with it."""
