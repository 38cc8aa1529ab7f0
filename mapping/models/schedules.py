"""When Auto Sync runs for a tenant."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, validate_email
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.models import Tenant

from ..schedules import BadTimetable, Frequency, Timetable, check, next_times

FREQUENCIES = [
    (Frequency.MINUTES.value, _("every N minutes")),
    (Frequency.HOURS.value, _("every N hours")),
    (Frequency.DAILY.value, _("daily")),
    (Frequency.WEEKLY.value, _("weekly, on days")),
    (Frequency.MONTHLY.value, _("monthly")),
    (Frequency.CRON.value, _("cron expression")),
]
LONGEST_RETRY_DELAY = timedelta(hours=24)


class SyncSchedule(models.Model):
    """One per tenant. A tenant without one has the defaults: nothing is scheduled."""

    tenant = models.OneToOneField(
        Tenant, verbose_name=_("tenant"), on_delete=models.CASCADE, related_name="schedule"
    )
    enabled = models.BooleanField(_("enabled"), default=False)
    frequency = models.CharField(
        _("frequency"), max_length=10, choices=FREQUENCIES, default=Frequency.DAILY.value
    )
    every = models.PositiveSmallIntegerField(_("every"), default=1, validators=[MinValueValidator(1)])
    at = models.TimeField(_("time of day"), default=time(2, 0))
    days = models.JSONField(_("days"), default=list, blank=True)
    day = models.PositiveSmallIntegerField(
        _("day of the month"),
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(32)],
        help_text=_("A month that lacks the day has its run on its last day; 32 means the last day."),
    )
    cron = models.CharField(
        _("cron expression"), max_length=100, blank=True, help_text=_("Five fields, such as “30 6 * * 1-5”.")
    )
    time_zone = models.CharField(_("time zone"), max_length=60, default="UTC")
    retry_delay = models.DurationField(
        _("retry delay"),
        default=timedelta(minutes=10),
        help_text=_(
            "How long after the first try those left unmapped are tried once more (hours:minutes:seconds)."
        ),
    )
    notify = models.TextField(
        _("notification addresses"),
        blank=True,
        help_text=_("Who is told when something is wrong. One a line."),
    )
    due_at = models.DateTimeField(null=True, editable=False)
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("Auto Syncing")
        verbose_name_plural = _("Auto Syncing")

    def __str__(self) -> str:
        return f"{self.tenant}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """What was saved counts from now on: the old due time is forgotten."""
        upcoming = self.next_runs(count=1)
        self.due_at = upcoming[0] if upcoming else None
        super().save(*args, **kwargs)

    @property
    def timetable(self) -> Timetable:
        return Timetable(
            frequency=Frequency(self.frequency),
            zone=self.time_zone,
            every=self.every,
            at=self.at,
            days=self.days,
            day=self.day,
            cron=self.cron,
        )

    def next_runs(self, after: datetime | None = None, count: int = 5) -> list[datetime]:
        """In the schedule's own zone; none while it is disabled."""
        return next_times(self.timetable, after or timezone.now(), count) if self.enabled else []

    def clean(self) -> None:
        errors: dict[str, Any] = {}
        try:
            check(self.timetable, timezone.now())
        except BadTimetable as error:
            errors[error.field] = str(error)
        if not timedelta(0) <= (self.retry_delay or timedelta(0)) <= LONGEST_RETRY_DELAY:
            errors["retry_delay"] = _("Between nothing and 24 hours.")
        for address in self.addresses:
            try:
                validate_email(address)
            except ValidationError:
                errors["notify"] = _("“%(address)s” is not an e-mail address.") % {"address": address}
        if errors:
            raise ValidationError(errors)

    @property
    def addresses(self) -> list[str]:
        return [line.strip() for line in self.notify.replace(",", "\n").splitlines() if line.strip()]
