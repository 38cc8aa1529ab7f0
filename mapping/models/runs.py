"""Auto Sync's executions. The row is the truth about a run; the queue only delivers tickets for it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tenants.models import Tenant


class SyncRunQuerySet(models.QuerySet):  # type: ignore[type-arg]
    def for_staff(self, user: Any) -> SyncRunQuerySet:
        return self.filter(tenant__in=Tenant.objects.for_staff(user))

    def live(self) -> SyncRunQuerySet:
        return self.filter(status__in=SyncRun.LIVE)


class SyncRun(models.Model):
    """One execution of Auto Sync for one tenant: a first try, then one retry pass."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        WAITING = "waiting", _("waiting for the second try")
        HELD = "held", _("waiting for a decision")
        SUCCEEDED = "succeeded", _("succeeded")
        PARTIAL = "partial", _("finished with errors")
        FAILED = "failed", _("failed")
        INTERRUPTED = "interrupted", _("interrupted")
        DISCARDED = "discarded", _("discarded")
        CANCELED = "canceled", _("canceled")

    class Phase(models.TextChoices):
        CXONE = "cxone", _("Read CXone")
        EXTERNAL = "external", _("Read the external platform")
        STORE = "store", _("Keep what was read")
        MATCH = "match", _("Match by e-mail")
        APPLY = "apply", _("Apply the changes")
        REPORT = "report", _("Report")

    class Trigger(models.TextChoices):
        HAND = "hand", _("by hand")
        COMMAND = "command", _("by command")
        SCHEDULE = "schedule", _("by schedule")
        RECOVERY = "recovery", _("after an interrupted run")

    TROUBLE = (Status.FAILED.value, Status.PARTIAL.value, Status.INTERRUPTED.value)
    LIVE = (Status.QUEUED.value, Status.RUNNING.value)
    OVER = (
        Status.SUCCEEDED.value,
        Status.PARTIAL.value,
        Status.FAILED.value,
        Status.INTERRUPTED.value,
        Status.DISCARDED.value,
        Status.CANCELED.value,
    )

    tenant = models.ForeignKey(
        Tenant, verbose_name=_("tenant"), on_delete=models.CASCADE, related_name="runs"
    )
    status = models.CharField(_("status"), max_length=12, choices=Status.choices, default=Status.QUEUED)
    phase = models.CharField(_("phase"), max_length=10, choices=Phase.choices, default=Phase.CXONE)
    try_number = models.PositiveSmallIntegerField(_("try"), default=1)
    trigger = models.CharField(_("started"), max_length=10, choices=Trigger.choices)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("started by"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
    )
    is_preview = models.BooleanField(
        _("preview"),
        default=False,
        help_text=_("Stops when the changes are proposed, until a person decides."),
    )
    retry_delay = models.DurationField(_("retry delay"), default=timedelta(minutes=10))

    created_at = models.DateTimeField(_("asked for"), auto_now_add=True)
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    read_at = models.DateTimeField(_("directories read"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    # Which due time of the schedule it answers, and those that passed while nobody was there to start it.
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    missed = models.JSONField(_("missed"), default=list, blank=True)
    missed_count = models.PositiveIntegerField(_("missed runs"), default=0)
    coalesced = models.JSONField(_("left to this run"), default=list, blank=True)  # due while it was at work
    retry_of = models.ForeignKey(
        "self",
        verbose_name=_("tries again what failed in"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="retries",
    )

    # The brake. `held_for` are the limits it would break, see brake.py; approving counts for this run alone.
    held_for = models.JSONField(_("held for"), default=list, blank=True)
    held_until = models.DateTimeField(_("held until"), null=True, blank=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("approved by"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    approved_at = models.DateTimeField(_("approved"), null=True, blank=True)
    approval = models.TextField(_("why it was approved"), blank=True)

    # Somebody asked for its end.
    canceled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("canceled by"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    cancel_asked_at = models.DateTimeField(_("asked to cancel"), null=True, blank=True)

    # Who works on it now, and when it may go on. See sync/lease.py.
    token = models.UUIDField(null=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    not_before = models.DateTimeField(_("not before"), null=True, blank=True)
    ticketed_at = models.DateTimeField(null=True, editable=False)
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=1)
    successor_of = models.OneToOneField(
        "self",
        verbose_name=_("takes the place of"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="successor",
    )

    # How far it is.
    phase_at = models.DateTimeField(null=True, editable=False)  # when this phase began, for the time left
    expected = models.PositiveIntegerField(_("rows announced"), default=0)
    done = models.PositiveIntegerField(_("rows done"), default=0)
    ids_digest = models.CharField(max_length=64, blank=True, editable=False)
    asked = models.JSONField(null=True, editable=False)  # addresses looked up by the second try
    unanswered = models.JSONField(default=dict, editable=False)  # those of them that could not be
    rereads = models.PositiveSmallIntegerField(_("reads repeated"), default=0)
    postponed = models.PositiveSmallIntegerField(default=0, editable=False)
    requests = models.PositiveIntegerField(_("requests"), default=0)
    throttled = models.FloatField(_("seconds waited for rate limits"), default=0)

    # What came of it.
    users = models.PositiveIntegerField(_("users"), default=0)
    mapped = models.PositiveIntegerField(_("mapped"), default=0)
    unmapped = models.PositiveIntegerField(_("unmapped"), default=0)
    skipped = models.PositiveIntegerField(_("skipped"), default=0)
    failed = models.PositiveIntegerField(_("failed"), default=0)
    changed = models.PositiveIntegerField(_("changes"), default=0)
    error = models.TextField(_("what went wrong"), blank=True)
    note = models.TextField(_("note"), blank=True)

    objects = SyncRunQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("sync run")
        verbose_name_plural = _("sync runs")
        permissions = [("approve_syncrun", _("User Mapping: Approve held runs"))]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant"],
                condition=Q(status__in=["queued", "running"]),
                name="one_live_run_per_tenant",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "not_before"]),
            models.Index(fields=["tenant", "id"], name="newest_runs_of_a_tenant"),
        ]

    def __str__(self) -> str:
        return f"Auto Sync {self.pk} of {self.tenant}"

    @property
    def is_live(self) -> bool:
        return self.status in self.LIVE

    @property
    def is_over(self) -> bool:
        return self.status in self.OVER

    @property
    def duration(self) -> timedelta | None:
        end: datetime | None = self.finished_at
        return end - self.started_at if end and self.started_at else None


class StagedPage(models.Model):
    """One page of a directory, kept from when it was read until the run has used it, so that a run can be
    worked on in slices and nothing is believed before the whole directory is proven complete."""

    class Kind(models.TextChoices):
        ROLES = "roles", _("CXone roles")
        USERS = "users", _("CXone users")
        ACCOUNTS = "accounts", _("external accounts")

    run = models.ForeignKey(SyncRun, on_delete=models.CASCADE, related_name="pages")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    number = models.PositiveIntegerField()
    total = models.IntegerField()
    last = models.BooleanField()
    body = models.BinaryField()

    class Meta:
        default_permissions = ()
        ordering = ["run", "kind", "number"]
        constraints = [models.UniqueConstraint(fields=["run", "kind", "number"], name="one_staged_page")]

    def __str__(self) -> str:
        return f"page {self.number} of {self.kind} for run {self.run_id}"
