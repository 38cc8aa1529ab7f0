"""The forms of the page Auto Syncing: the timetable, which is also read while one edits, and who is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from tenants.platforms import webhook
from tenants.vault import VaultError, keyring

from ..models import SyncSchedule

TIMETABLE = ("enabled", "frequency", "every", "days", "day", "cron", "at", "time_zone")
TOLD = ("notify", "webhook_url", "unmapped_days")


class TimetableForm(forms.ModelForm):
    """The schedule as people say it: days by name, the retry delay in minutes."""

    days = forms.TypedMultipleChoiceField(
        label=_("Days"),
        choices=list(WEEKDAYS.items()),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    retry_minutes = forms.IntegerField(
        label=_("Retry delay"),
        min_value=0,
        max_value=24 * 60,
        help_text=_("Minutes after the first try until those left unmapped are tried once more."),
    )

    class Meta:
        model = SyncSchedule
        fields = TIMETABLE
        widgets = {
            "at": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "time_zone": forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "retry_minutes" in self.fields:
            self.fields["retry_minutes"].initial = int(self.instance.retry_delay.total_seconds() // 60)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("retry_minutes") is not None:
            self.instance.retry_delay = timedelta(minutes=cleaned["retry_minutes"])
        return cleaned


class ScheduleForm(TimetableForm):
    """All of the page. The webhook's secret goes in and never comes out; left empty, it stays."""

    new_secret = forms.CharField(
        label=_("Webhook secret"),
        required=False,
        max_length=200,
        help_text=_(
            "As your receiver gave it (whsec_…). Leave it empty to keep what is stored, or to get a new one."
        ),
        widget=forms.PasswordInput(
            render_value=False,
            attrs={"autocomplete": "new-password", "spellcheck": "false", "class": "vTextField"},
        ),
    )

    class Meta(TimetableForm.Meta):
        fields: Any = (*TIMETABLE, *TOLD)
        widgets: Any = TimetableForm.Meta.widgets | {
            "notify": forms.Textarea(attrs={"rows": 3}),
            "webhook_url": forms.URLInput(attrs={"class": "vURLField", "autocomplete": "off"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "new_secret" in self.fields and self.instance.webhook_secret:
            self.fields["new_secret"].widget.attrs["placeholder"] = _("stored – leave empty to keep")

    def clean_webhook_url(self) -> str:
        return str(self.cleaned_data["webhook_url"]).strip()

    def clean_new_secret(self) -> str:
        secret = str(self.cleaned_data["new_secret"]).strip()
        try:
            if secret:
                webhook.key_of(secret)
                keyring()
        except (ValueError, VaultError) as error:
            raise forms.ValidationError(str(error)) from None
        return secret
