"""When Auto Sync runs for a tenant."""

from __future__ import annotations

from collections import deque
from datetime import datetime, time, timedelta
from typing import Any
from zlib import crc32

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, validate_email
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.models import Tenant
from tenants.platforms import webhook
from tenants.vault import Sealed, SealedField, VaultError

from ..schedules import BadTimetable, Frequency, Timetable, check, due_times, next_times

FREQUENCIES = [
    (Frequency.MINUTES.value, _("every N minutes")),
    (Frequency.HOURS.value, _("every N hours")),
    (Frequency.DAILY.value, _("daily")),
    (Frequency.WEEKLY.value, _("weekly, on days")),
    (Frequency.MONTHLY.value, _("monthly")),
    (Frequency.CRON.value, _("cron expression")),
]
LONGEST_RETRY_DELAY = timedelta(hours=24)

GRACE = timedelta(minutes=5)
LOOK_BACK = timedelta(days=31)
MOST_PASSED = 5_000
"""A month of due times every ten minutes: what passed before that is not listed one by one."""

MOST_ADDRESSES = 20
OVERLAP = timedelta(days=1)
"""So long webhooks are signed with the secret before the present one, too."""


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
    webhook_url = models.CharField(
        _("webhook address"),
        max_length=500,
        blank=True,
        help_text=_("An https:// address that is told the same, signed."),
    )
    webhook_secret = SealedField()  # {"current": whsec_…} and for a day "previous" with "until"
    unmapped_days = models.PositiveSmallIntegerField(
        _("unmapped for more than, days"),
        default=7,
        validators=[MaxValueValidator(365)],
        help_text=_(
            "Once a day, and only when it is not the same people as before, the list of those who need a decision "
            "for longer than this. 0 turns it off."
        ),
    )
    due_at = models.DateTimeField(null=True, editable=False)
    digest_at = models.DateTimeField(null=True, editable=False)  # when the list above is looked at next
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

    @property
    def starts_at(self) -> datetime:
        """When the run due at `due_at` is started: a little later for each tenant, so that what a hundred of them
        have due at 02:00 does not fall upon the platforms in the same second."""
        assert self.due_at is not None
        due: datetime = self.due_at
        spread = settings.SYNC_SPREAD_SECONDS
        return due + timedelta(seconds=crc32(str(self.tenant_id).encode()) % spread if spread else 0)

    def passed(self, now: datetime) -> tuple[list[datetime], datetime | None]:
        """The due times from `due_at` to `now`, at most MOST_PASSED of them, the newest last, and the next one."""
        if not self.enabled or self.due_at is None or self.due_at > now:
            return [], self.due_at
        times = deque([self.due_at], maxlen=MOST_PASSED)
        upcoming = None
        for due in due_times(self.timetable, max(self.due_at, now - LOOK_BACK)):
            if due > now:
                upcoming = due
                break
            times.append(due)
        return list(times), upcoming

    def missed(self, now: datetime) -> list[datetime]:
        """Those of the passed due times that nobody was there to start: all but the newest, and that one as well
        when it is late beyond what the tick, a busy worker and the spread explain."""
        times, _upcoming = self.passed(now)
        return times if times and now - times[-1] > GRACE else times[:-1]

    def clean(self) -> None:
        errors: dict[str, Any] = {}
        try:
            check(self.timetable, timezone.now())
        except BadTimetable as error:
            errors[error.field] = str(error)
        if not timedelta(0) <= (self.retry_delay or timedelta(0)) <= LONGEST_RETRY_DELAY:
            errors["retry_delay"] = _("Between nothing and 24 hours.")
        if self.webhook_url:
            try:
                webhook.check_url(self.webhook_url, loopback=settings.ALLOW_LOOPBACK_PLATFORMS)
            except ValueError as error:
                errors["webhook_url"] = str(error)
        if len(self.addresses) > MOST_ADDRESSES:
            errors["notify"] = _("At most %(count)d addresses; use a distribution list.") % {
                "count": MOST_ADDRESSES
            }
        for address in self.addresses:
            try:
                validate_email(address)
            except ValidationError:
                errors["notify"] = _("“%(address)s” is not an e-mail address.") % {"address": address}
        if errors:
            raise ValidationError(errors)

    @property
    def addresses(self) -> list[str]:
        """Each once."""
        lines = map(str.strip, self.notify.replace(",", "\n").splitlines())
        return list({line.casefold(): line for line in lines if line}.values())

    @property
    def webhook_host(self) -> str:
        """What is shown of the webhook's address: its path may be a secret."""
        return webhook.host_of(self.webhook_url)

    def signing_secrets(self, now: datetime) -> list[str]:
        """The secret, and for a day after a new one was made the one before. VaultError when sealed otherwise."""
        kept = self.webhook_secret.open()
        secrets = [kept["current"]] if kept else []
        if kept.get("until", "") > now.isoformat():
            secrets.append(kept["previous"])
        return secrets

    def set_secret(self, secret: str, now: datetime) -> None:
        """Saves it, and nothing else of the row. Receivers have OVERLAP to change over."""
        kept = {"current": secret}
        try:
            if before := self.webhook_secret.open().get("current"):
                kept |= {"previous": before, "until": (now + OVERLAP).isoformat()}
        except VaultError:
            pass  # what cannot be opened signs nothing any more
        self.webhook_secret = Sealed.of(kept)
        type(self)._default_manager.filter(pk=self.pk).update(webhook_secret=self.webhook_secret)
