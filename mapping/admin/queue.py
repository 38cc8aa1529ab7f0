"""The queue's own rows: superusers may look, nobody may touch. Whoever can edit a Schedule can run any code.
Arguments and results are pickles: they are neither shown nor read."""

from __future__ import annotations

from typing import Any, ClassVar

import django_q.admin  # noqa: F401  registers its pages, which we replace
from django.contrib import admin
from django.http import Http404, HttpRequest
from django_q.models import Failure, OrmQ, Schedule, Success

from tenants.admin.scope import ReadOnly

for model in (Failure, OrmQ, Schedule, Success):
    if admin.site.is_registered(model):  # OrmQ is not with every broker
        admin.site.unregister(model)


class QueueAdmin(ReadOnly):
    """Rows of django-q2. What is not among `fields` is not read from the database either."""

    actions = None
    fields: ClassVar[Any] = ()
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).only("pk", *self.fields)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        found = super().get_object(request, object_id, from_field)
        if found is None:
            raise Http404
        return found

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)  # type: ignore[union-attr]


@admin.register(Success, Failure)
class TaskAdmin(QueueAdmin):
    list_display = ["name", "func", "started", "stopped", "attempt_count"]
    fields = ["id", "name", "func", "group", "cluster", "started", "stopped", "success", "attempt_count"]
    ordering = ["-stopped"]


@admin.register(Schedule)
class ScheduleAdmin(QueueAdmin):
    list_display = ["name", "func", "schedule_type", "next_run"]
    fields = ["name", "func", "schedule_type", "minutes", "repeats", "cron", "next_run", "cluster"]
    ordering = ["next_run"]


@admin.register(OrmQ)
class TicketAdmin(QueueAdmin):
    """Its payload holds the whole task, so that it stays closed."""

    list_display = ["id", "key", "lock"]
    fields = ["key", "lock"]
    ordering = ["id"]
