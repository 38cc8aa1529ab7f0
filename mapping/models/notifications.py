"""What people were told, and what is still to be sent: the outbox. One row for each whom it goes to."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.models import Tenant

from .runs import SyncRun


class Notification(models.Model):
    """One piece of news for one address or webhook.

    `state` is what makes two of a topic alike, "" when all is well: the rows of a topic remember what was told
    already, so the newest of each outlives the others. While it is queued, `attempts` is the fencing token of
    whoever sends it and `not_before` their lease, see sync/outbox.py.
    """

    class Topic(models.TextChoices):
        CXONE = "cxone", _("CXone connection")
        EXTERNAL = "external", _("external connection")
        RUN = "run", _("Auto Sync")
        MISSED = "missed", _("missed runs")
        BREAKER = "breaker", _("slowed down")
        UNMAPPED = "unmapped", _("people left unmapped")
        TEST = "test", _("test")

    class Channel(models.TextChoices):
        EMAIL = "email", _("e-mail")
        WEBHOOK = "webhook", _("webhook")

    class Status(models.TextChoices):
        QUEUED = "queued", _("to be sent")
        SENT = "sent", _("sent")
        GIVEN_UP = "given_up", _("given up")

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="notifications")
    topic = models.CharField(_("topic"), max_length=10, choices=Topic.choices)
    state = models.CharField(max_length=80, blank=True)
    event = models.CharField(_("event"), max_length=40)  # as webhooks call it: run.failed
    run = models.ForeignKey(SyncRun, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    channel = models.CharField(_("by"), max_length=10, choices=Channel.choices)
    target = models.CharField(_("to"), max_length=320)  # an address, or the host of the webhook
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)  # the same at every attempt
    subject = models.CharField(_("subject"), max_length=300)
    body = models.TextField(_("text"))
    payload = models.JSONField(default=dict)

    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    not_before = models.DateTimeField(_("not before"), default=timezone.now)
    error = models.TextField(_("what went wrong"), blank=True)
    created_at = models.DateTimeField(_("noticed"), default=timezone.now)
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        default_permissions = ()
        indexes = [
            models.Index(fields=["not_before"], condition=Q(status="queued"), name="notification_queued"),
            models.Index(fields=["tenant", "topic", "state", "id"], name="notification_told"),
            models.Index(fields=["settled_at"], name="notification_settled"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} → {self.target}"

    @property
    def webhook_id(self) -> str:
        return f"msg_{self.key.hex}"
