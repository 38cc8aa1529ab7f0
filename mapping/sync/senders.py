"""One attempt to send, by e-mail or by webhook. Knows no rows that it would have to save, so that several webhooks
can be called at once, each in a thread of its own."""

from __future__ import annotations

import json
import logging
import smtplib
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.utils.translation import gettext as _

from tenants.platforms import webhook

from ..models import Notification

log = logging.getLogger(__name__)

OFF = "django.core.mail.backends.dummy.EmailBackend"
PRINTED = "django.core.mail.backends.console.EmailBackend"


class Result(NamedTuple):
    """How an attempt came out, in words that hold no secret. `final`: repeating is of no use; `absent`: nobody is
    there, so the others to the same place need not be tried now; `after`: seconds that were asked for."""

    sent: bool
    words: str
    final: bool = False
    absent: bool = False
    after: float | None = None


class Endpoint(NamedTuple):
    """Where a tenant's webhooks go; `trouble` says why they cannot."""

    url: str = ""
    secrets: Sequence[str] = ()
    trouble: str = ""

    def __repr__(self) -> str:
        return f"<Endpoint {webhook.host_of(self.url)}>"


Outcomes = Iterator[tuple[Notification, Result]]


def by_email(rows: Sequence[Notification], ends: float) -> Outcomes:
    """Over one connection, until `ends` (monotonic). Rows that were not tried are not among the outcomes."""
    if settings.EMAIL_BACKEND == OFF:
        off = Result(False, _("E-mail is switched off on this installation (EMAIL_URL)."), final=True)
        yield from ((row, off) for row in rows)
        return
    connection = get_connection()
    server = _server()
    for row in rows:
        if time.monotonic() > ends:
            break
        result = _mail(row, connection, server)
        yield row, result
        if result.absent:
            break
    try:
        connection.close()
    except (OSError, smtplib.SMTPException):
        log.debug("%s hung up first.", server)


def _mail(row: Notification, connection: BaseEmailBackend, server: str) -> Result:
    site = urlsplit(settings.SITE_URL).hostname or "localhost"
    headers = {"Message-ID": f"<{row.key.hex}@{site}>", "Auto-Submitted": "auto-generated"}
    message = EmailMessage(row.subject, row.body, to=[row.target], headers=headers, connection=connection)
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused as error:
        codes = ", ".join(str(code) for code, _text in error.recipients.values())
        return Result(
            False, _("%(server)s refused this address (%(code)s).") % {"server": server, "code": codes}
        )
    except smtplib.SMTPAuthenticationError as error:
        words = _("%(server)s does not accept the sign-in of EMAIL_URL (%(code)s).")
        return Result(False, words % {"server": server, "code": error.smtp_code}, absent=True)
    except smtplib.SMTPResponseException as error:
        words = _("%(server)s answered %(code)s.") % {"server": server, "code": error.smtp_code}
        return Result(False, words, absent=isinstance(error, smtplib.SMTPConnectError))
    except (OSError, smtplib.SMTPException) as error:
        kind = type(error).__name__
        words = _("The mail server %(server)s cannot be used (%(kind)s).") % {"server": server, "kind": kind}
        return Result(False, words, absent=True)
    except ValueError:  # a header or an address that no message can have
        return Result(False, _("The message cannot be written to this address."), final=True)
    if settings.EMAIL_BACKEND == PRINTED:
        return Result(True, _("Printed to the server’s log: EMAIL_URL is not set."))
    return Result(True, _("%(server)s took it.") % {"server": server})


def _server() -> str:
    return settings.EMAIL_HOST or _("the mail backend")


def by_webhook(rows: Sequence[Notification], endpoint: Endpoint, ends: float, now: float) -> Outcomes:
    """As by_email. `now` is the time of the signature."""
    for row in rows:
        if time.monotonic() > ends:
            break
        result = Result(False, endpoint.trouble) if endpoint.trouble else _post(row, endpoint, now)
        yield row, result
        if result.absent:
            break


def _post(row: Notification, endpoint: Endpoint, now: float) -> Result:
    body = json.dumps(row.payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    host = webhook.host_of(endpoint.url)
    try:
        webhook.deliver(
            endpoint.url,
            body,
            id=row.webhook_id,
            secrets=endpoint.secrets,
            loopback=settings.ALLOW_LOOPBACK_PLATFORMS,
            now=now,
        )
    except webhook.Undelivered as problem:
        return Result(False, str(problem), problem.final, absent=not problem.answered, after=problem.after)
    return Result(True, _("%(host)s took it.") % {"host": host})
