"""Auto Syncing: when Auto Sync runs for a tenant, with the next runs shown while one edits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from tenants.admin.scope import TenantScoped, tenant_or_404, tenants_of

from ..models import SyncSchedule
from ..schedules import BadTimetable, next_times

NEXT_RUNS = 5


class ScheduleForm(forms.ModelForm):
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
        fields = ("enabled", "frequency", "every", "days", "day", "cron", "at", "time_zone", "notify")
        widgets = {
            "at": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "time_zone": forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off"}),
            "notify": forms.Textarea(attrs={"rows": 3}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["retry_minutes"].initial = int(self.instance.retry_delay.total_seconds() // 60)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("retry_minutes") is not None:
            self.instance.retry_delay = timedelta(minutes=cleaned["retry_minutes"])
        return cleaned


@admin.register(SyncSchedule)
class SyncScheduleAdmin(TenantScoped):
    list_display = ("tenant", "enabled", "in_words", "next_run")
    list_display_links = ("tenant",)
    list_select_related = ("tenant",)
    actions = None
    form = ScheduleForm
    change_form_template = "admin/mapping/syncschedule/change_form.html"
    fieldsets = (
        (None, {"fields": ("enabled",)}),
        (
            _("Schedule and frequency"),
            {"fields": ("frequency", "every", "days", "day", "cron", "at", "time_zone")},
        ),
        (_("Second try"), {"fields": ("retry_minutes",)}),
        (_("Notifications"), {"fields": ("notify",)}),
    )

    @admin.display(description=_("frequency"))
    def in_words(self, schedule: SyncSchedule) -> str:
        return str(schedule.get_frequency_display())

    @admin.display(description=_("next run"))
    def next_run(self, schedule: SyncSchedule) -> Any:
        return schedule.due_at or "–"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("mapping.map_usermapping")  # type: ignore[union-attr]

    def get_urls(self) -> list[Any]:
        own = [
            path(
                "of/<int:tenant>/", self.admin_site.admin_view(self.of_tenant), name="mapping_syncschedule_of"
            ),
            path(
                "<int:pk>/next-runs/",
                self.admin_site.admin_view(self.next_runs),
                name="mapping_syncschedule_next_runs",
            ),
        ]
        return own + super().get_urls()

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """With one tenant there is nothing to choose."""
        tenants = list(tenants_of(request)[:2])
        for tenant in tenants_of(request).filter(schedule=None):
            SyncSchedule.objects.get_or_create(tenant=tenant)
        if len(tenants) == 1 and self.has_view_permission(request):
            return self.of_tenant(request, tenants[0].pk)
        return super().changelist_view(request, {"title": _("Auto Syncing")} | (extra_context or {}))

    def of_tenant(self, request: HttpRequest, tenant: int) -> HttpResponse:
        """The page of a tenant's schedule; a tenant without one gets the defaults, which start nothing."""
        schedule, _is_new = SyncSchedule.objects.get_or_create(tenant=tenant_or_404(request, tenant))
        return HttpResponseRedirect(reverse("admin:mapping_syncschedule_change", args=[schedule.pk]))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        schedule = context["original"]
        if schedule:
            context |= upcoming(schedule) | {"title": _("Auto Syncing"), "subtitle": str(schedule)}
            context["time_zones"] = sorted(available_timezones())
        return super().render_change_form(request, context, *args, **kwargs)

    def next_runs(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The fragment that follows the form: what the schedule would be, without saving anything."""
        schedule = self.get_object(request, str(pk))
        form = ScheduleForm(request.GET, instance=schedule)
        form.is_valid()
        context = {"errors": form.errors} if form.errors else upcoming(form.instance)
        return TemplateResponse(request, "admin/mapping/syncschedule/next_runs.html", context)


def upcoming(schedule: SyncSchedule) -> dict[str, Any]:
    try:
        times = next_times(schedule.timetable, timezone.now(), NEXT_RUNS)
    except BadTimetable as error:
        return {"errors": {error.field: [str(error)]}}
    return {"times": times, "is_enabled": schedule.enabled, "zone": schedule.time_zone}
