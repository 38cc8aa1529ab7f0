"""Auto Syncing: when Auto Sync runs for a tenant, with the next runs shown while one edits, and who is told."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from tenants.admin.scope import TenantScoped, tenant_or_404, tenants_of
from tenants.platforms import webhook
from tenants.vault import VaultError

from ..models import SyncSchedule
from ..schedules import BadTimetable, Frequency, next_times, zone_names
from ..sync import outbox
from . import overdue
from .columns import moment
from .deliveries import findings, newest, notice
from .schedule_form import TIMETABLE, ScheduleForm, TimetableForm

NEXT_RUNS = 5
BASE = "admin/mapping/syncschedule/"


@admin.register(SyncSchedule)
class SyncScheduleAdmin(TenantScoped):
    list_display = ("tenant", "enabled", "in_words", "next_run")
    list_display_links = ("tenant",)
    list_select_related = ("tenant",)
    actions = None
    form = ScheduleForm
    change_form_template = BASE + "change_form.html"

    # columns and fields

    @admin.display(description=_("frequency"))
    def in_words(self, schedule: SyncSchedule) -> str:
        return frequency_in_words(schedule)

    @admin.display(description=_("next run"))
    def next_run(self, schedule: SyncSchedule) -> Any:
        return moment(schedule.due_at) if schedule.due_at else "–"

    @admin.display(description=_("webhook"))
    def webhook_host(self, schedule: SyncSchedule) -> str:
        return schedule.webhook_host or "–"

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Those who may only look do not see the path of the webhook's address: it may be a secret of its own."""
        may_change = self.has_change_permission(request, obj)
        told = ("notify", "webhook_url", "new_secret", "unmapped_days")
        return (
            (None, {"fields": TIMETABLE[:1]}),
            (_("Schedule and frequency"), {"fields": TIMETABLE[1:]}),
            (_("Second try"), {"fields": ("retry_minutes" if may_change else "retry_delay",)}),
            (
                _("Notifications"),
                {"fields": told if may_change else ("notify", "webhook_host", "unmapped_days")},
            ),
        )

    # permissions

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("mapping.map_usermapping")  # type: ignore[union-attr]

    # pages

    def get_urls(self) -> list[Any]:
        def at(route: str, view: Any, name: str) -> Any:
            return path(route, self.admin_site.admin_view(view), name=f"mapping_syncschedule_{name}")

        own = [
            at("of/<int:tenant>/", self.of_tenant, "of"),
            at("<int:pk>/next-runs/", self.next_runs, "next_runs"),
            at("<int:pk>/send-test/", self.send_test, "send_test"),
            at("<int:pk>/new-secret/", self.new_secret, "new_secret"),
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
            context["time_zones"] = sorted(zone_names())
            context |= {"deliveries": newest(schedule), "notice": notice(schedule)}
            context |= overdue.of_schedule(schedule)
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: SyncSchedule, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if secret := form.cleaned_data.get("new_secret"):
            obj.set_secret(secret, timezone.now())

    def response_change(self, request: HttpRequest, obj: SyncSchedule) -> HttpResponse:
        """A webhook that has no secret yet gets one, shown now and never again."""
        if obj.webhook_url and not obj.webhook_secret:
            self.message_user(request, _("Auto Syncing was saved."), messages.SUCCESS)
            return self._new_secret(request, obj)
        return super().response_change(request, obj)

    def next_runs(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The fragment that follows the form: what the schedule would be, without saving anything."""
        schedule = self.get_object(request, str(pk))
        form = TimetableForm(request.GET, instance=schedule)
        form.is_valid()
        context = {"errors": form.errors} if form.errors else upcoming(form.instance)
        return TemplateResponse(request, BASE + "next_runs.html", context)

    @method_decorator(require_POST)
    def send_test(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Tell every target now, and show what each of them made of it."""
        schedule = self._theirs(request, pk)
        outcome = outbox.send_test(schedule)
        self.log_change(request, schedule, str(_("Sent a test of the notifications.")))
        context = {"findings": findings(outcome), "notice": notice(schedule)}
        return self._page(request, schedule, "test.html", _("Test of the notifications"), context)

    @method_decorator(require_POST)
    def new_secret(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._new_secret(request, self._theirs(request, pk))

    def _new_secret(self, request: HttpRequest, schedule: SyncSchedule) -> HttpResponse:
        """Shown in this answer alone: it goes through no session, no message and no address."""
        secret, trouble = webhook.new_secret(), ""
        try:
            schedule.set_secret(secret, timezone.now())
            self.log_change(request, schedule, str(_("Made a new webhook secret.")))
        except VaultError as error:
            secret, trouble = "", str(error)
        context = {"secret": secret, "trouble": trouble}
        return self._page(request, schedule, "secret.html", _("Webhook secret"), context)

    def _theirs(self, request: HttpRequest, pk: int) -> SyncSchedule:
        schedule: SyncSchedule = self.get_object(request, str(pk))
        if not self.has_change_permission(request, schedule):
            raise PermissionDenied
        return schedule

    def _page(
        self, request: HttpRequest, schedule: SyncSchedule, template: str, title: Any, context: dict[str, Any]
    ) -> HttpResponse:
        frame = self.admin_site.each_context(request) | {"opts": self.opts, "title": title}
        return TemplateResponse(request, BASE + template, frame | {"schedule": schedule} | context)


def upcoming(schedule: SyncSchedule) -> dict[str, Any]:
    try:
        times = next_times(schedule.timetable, timezone.now(), NEXT_RUNS)
    except BadTimetable as error:
        return {"errors": {error.field: [str(error)]}}
    return {"times": times, "is_enabled": schedule.enabled, "zone": schedule.time_zone}


def frequency_in_words(schedule: SyncSchedule) -> str:
    """“every 10 minutes”, “daily at 02:00”, “off”."""
    if not schedule.enabled:
        return str(_("off"))
    if schedule.frequency == Frequency.MINUTES:
        return ngettext("every %d minute", "every %d minutes", schedule.every) % schedule.every
    if schedule.frequency == Frequency.HOURS:
        return ngettext("every %d hour", "every %d hours", schedule.every) % schedule.every
    if schedule.frequency == Frequency.CRON:
        return schedule.cron
    at = {"frequency": schedule.get_frequency_display(), "time": schedule.at.strftime("%H:%M")}
    return str(_("%(frequency)s at %(time)s") % at)
