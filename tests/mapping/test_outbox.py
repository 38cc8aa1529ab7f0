"""The outbox: sent once, tried again for a day, given up in words; and nobody's dead target delays another's."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from mapping import sync
from mapping.models import Notification, SyncSchedule
from mapping.sync import notices, outbox
from mapping.sync.news import News
from tenants.models import Tenant
from tenants.platforms import webhook
from tenants.reach import note_health
from tests.platforms.stage import SILENT, Asked, Said, Vendor, on_a_socket, says

from .mailbox import Mailbox

NOW = datetime.fromisoformat("2026-11-25T09:00:00+00:00")
MINUTE = timedelta(minutes=1)
SECRET = webhook.new_secret()
FINE = says({})


@pytest.fixture
def acme(db: None) -> Tenant:
    return Tenant.objects.create(name="Acme", slug="acme")


@pytest.fixture
def mailbox(settings: Any) -> Mailbox:
    """Known to the installation, and not yet open."""
    mailbox = Mailbox()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", mailbox.port, 5
    return mailbox


@pytest.fixture
def hears(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Vendor]]:
    """hears(tenant, answer, …): its webhook, on a real server."""
    monkeypatch.setattr(webhook, "TIMEOUTS", (1.0, 0.5))
    with ExitStack() as servers:

        def make(tenant: Tenant, *answers: Said) -> Vendor:
            vendor = Vendor(*answers)
            url = servers.enter_context(on_a_socket(vendor)) + "/hook/with-a-token"
            schedule, _ = SyncSchedule.objects.update_or_create(tenant=tenant, defaults={"webhook_url": url})
            schedule.set_secret(SECRET, NOW)
            return vendor

        yield make


def writes_to(tenant: Tenant, *addresses: str) -> None:
    SyncSchedule.objects.update_or_create(tenant=tenant, defaults={"notify": "\n".join(addresses)})


def queued(tenant: Tenant, count: int = 1) -> list[Notification]:
    """Happenings, which do not overtake each other."""
    schedule = SyncSchedule.objects.select_related("tenant").get(tenant=tenant)
    link = "https://presence.example.org/admin/"
    return [
        row
        for number in range(count)
        for row in notices.queue(
            schedule,
            News(tenant, "missed", f"run:{number}", "runs.missed", "Acme: müssed", "What.", "Do.", link),
            NOW,
        )
    ]


def stands(row: Notification) -> tuple[str, int, str]:
    row.refresh_from_db()
    return row.status, row.attempts, row.error


# what arrives


def test_a_mail_says_what_happened_what_to_do_and_where(acme: Tenant, mailbox: Mailbox) -> None:
    writes_to(acme, "ops@acme.example")
    [row] = queued(acme)
    with mailbox.is_open():
        outbox.deliver(NOW)
    [mail] = mailbox.messages
    assert (mail["Subject"], mail["To"]) == ("Acme: müssed", "ops@acme.example")
    assert mail.get_content().split() == ["What.", "Do.", "https://presence.example.org/admin/"]
    assert mail["Auto-Submitted"] == "auto-generated" and row.key.hex in mail["Message-ID"]
    assert stands(row) == ("sent", 1, "")


def test_the_verification_of_the_readme_accepts_what_is_sent(acme: Tenant, hears: Any) -> None:
    vendor = hears(acme, FINE)
    queued(acme)
    outbox.deliver()
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    snippet = re.search(r"```python\n(.*?def verified.*?)```", readme, re.DOTALL)
    assert snippet
    namespace: dict[str, Any] = {}
    exec(snippet[1], namespace)
    [asked] = vendor.asked
    headers = {name.lower(): value for name, value in asked.headers.items()}
    assert namespace["verified"](headers, asked.body, SECRET) is True
    assert namespace["verified"](headers, asked.body + b" ", SECRET) is False
    assert namespace["verified"](headers, asked.body, webhook.new_secret()) is False
    assert namespace["verified"](headers | {"webhook-timestamp": "1"}, asked.body, SECRET) is False


def test_a_webhook_carries_type_time_and_data(acme: Tenant, hears: Any) -> None:
    vendor = hears(acme, FINE)
    [row] = queued(acme)
    outbox.deliver(NOW)
    said = vendor.asked[0].json
    assert (said["type"], said["timestamp"]) == ("runs.missed", "2026-11-25T09:00:00+00:00")
    assert (said["data"]["tenant"], said["data"]["text"], said["data"]["next_step"]) == (
        "acme",
        "What.",
        "Do.",
    )
    assert vendor.asked[0].headers["webhook-id"] == row.webhook_id


def test_for_a_day_after_a_new_secret_the_old_one_signs_as_well(acme: Tenant, hears: Any) -> None:
    vendor = hears(acme, FINE)
    new = webhook.new_secret()
    acme.schedule.set_secret(new, NOW)
    for now in (NOW, NOW + timedelta(hours=25)):
        queued(acme)
        outbox.deliver(now)
    assert [signers(asked, new, SECRET) for asked in vendor.asked] == [[new, SECRET], [new]]


def signers(asked: Asked, *secrets: str) -> list[str]:
    """Whose signature a webhook bears."""
    id, timestamp = asked.headers["webhook-id"], int(asked.headers["webhook-timestamp"])
    made = {secret: webhook.signature(secret, id, timestamp, asked.body) for secret in secrets}
    return [secret for secret in secrets if made[secret] in asked.headers["webhook-signature"].split()]


def test_the_tick_sends_what_it_noticed(acme: Tenant, mailbox: Mailbox) -> None:
    writes_to(acme, "ops@acme.example")
    note_health(acme.connection("cxone"), ["refused"])
    with mailbox.is_open():
        sync.tick()
        sync.tick()
    assert [mail["Subject"] for mail in mailbox.messages] == [
        "Acme: the connection to NICE CXone does not work"
    ]


# trying again


def test_it_is_tried_again_later_and_later_and_then_given_up(acme: Tenant, hears: Any) -> None:
    vendor = hears(acme, says({}, 500))
    [row] = queued(acme)
    now, waits = NOW, []
    while stands(row)[0] == "queued":
        outbox.deliver(row.not_before - timedelta(seconds=1))
        outbox.deliver(row.not_before)
        now = row.not_before
        row.refresh_from_db()
        waits.append((row.not_before - now) // MINUTE)
    assert waits[:-1] == [1, 5, 30, 120, 360] and len(vendor.asked) == 6
    assert stands(row) == ("given_up", 6, "127.0.0.1 answered 500.")


def test_every_attempt_has_the_same_id_and_body(acme: Tenant, hears: Any) -> None:
    vendor = hears(acme, says({}, 503), says({}, 503), FINE)
    [row] = queued(acme)
    for later in (0, 1, 6):
        outbox.deliver(NOW + later * MINUTE)
    assert stands(row) == ("sent", 3, "")
    assert len({(asked.headers["webhook-id"], asked.body) for asked in vendor.asked}) == 1
    assert len({asked.headers["webhook-timestamp"] for asked in vendor.asked}) == 3


def test_a_receiver_that_asks_for_time_gets_it_within_bounds(acme: Tenant, hears: Any) -> None:
    hears(acme, says({}, 429, Retry_After="900"), says({}, 503, Retry_After="9999999"))
    [row] = queued(acme)
    outbox.deliver(NOW)
    row.refresh_from_db()
    assert row.not_before == NOW + 15 * MINUTE
    outbox.deliver(row.not_before)
    row.refresh_from_db()
    assert row.not_before == NOW + 15 * MINUTE + timedelta(hours=6)


def test_a_receiver_that_wants_no_more_is_not_asked_again(acme: Tenant, hears: Any) -> None:
    hears(acme, says({}, 410))
    [row] = queued(acme)
    outbox.deliver(NOW)
    assert stands(row)[:2] == ("given_up", 1)


def test_a_mail_server_that_is_away_costs_one_attempt_of_one_mail(acme: Tenant, mailbox: Mailbox) -> None:
    writes_to(acme, "ops@acme.example")
    rows = queued(acme, 4)
    outbox.deliver(NOW)
    assert sorted(stands(row)[1] for row in rows) == [0, 0, 0, 1]
    assert "The mail server 127.0.0.1 cannot be used" in stands(rows[0])[2]
    with mailbox.is_open():
        outbox.deliver(NOW + MINUTE)
    assert {stands(row)[0] for row in rows} == {"sent"} and len(mailbox.messages) == 4


def test_an_address_that_is_refused_holds_no_other_up(acme: Tenant, mailbox: Mailbox) -> None:
    writes_to(acme, "gone@acme.example", "ops@acme.example")
    mailbox.refuses = {"gone@acme.example"}
    gone, ops = queued(acme)
    with mailbox.is_open():
        outbox.deliver(NOW)
    assert (mailbox.to(), stands(ops)[0]) == (["ops@acme.example"], "sent")
    assert stands(gone) == ("queued", 1, "127.0.0.1 refused this address (550).")


def test_a_mail_that_the_server_puts_off_is_tried_again(acme: Tenant, mailbox: Mailbox) -> None:
    writes_to(acme, "ops@acme.example")
    mailbox.answers = ["451 Later"]
    [row] = queued(acme)
    with mailbox.is_open():
        outbox.deliver(NOW)
        assert stands(row) == ("queued", 1, "127.0.0.1 answered 451.")
        outbox.deliver(NOW + MINUTE)
    assert stands(row)[0] == "sent"


# fair and bounded


def test_a_dead_webhook_delays_nobody_and_is_called_once_a_tick(acme: Tenant, hears: Any) -> None:
    dead = hears(acme, SILENT)
    theirs = queued(acme, 3)
    others = []
    for number in range(6):
        tenant = Tenant.objects.create(name=f"T{number}", slug=f"t{number}")
        hears(tenant, FINE)
        others += queued(tenant)
    began = time.monotonic()
    outbox.deliver(NOW)
    assert {stands(row)[0] for row in others} == {"sent"} and time.monotonic() - began < 10
    assert len(dead.asked) == 1 and [stands(row)[1] for row in theirs] == [1, 0, 0]


def test_a_tenant_with_much_to_say_lets_the_others_in(acme: Tenant) -> None:
    writes_to(acme, "ops@acme.example")
    queued(acme, 30)
    quiet = Tenant.objects.create(name="Quiet", slug="quiet")
    writes_to(quiet, "ops@quiet.example")
    queued(quiet)
    assert Counter(row.tenant for row in outbox.claim(NOW, most=5)) == {acme: 4, quiet: 1}


def test_what_failed_gives_way_to_what_was_never_tried(acme: Tenant) -> None:
    writes_to(acme, "ops@acme.example")
    old, new = queued(acme, 2)
    Notification.objects.filter(pk=old.pk).update(attempts=1)
    assert outbox.claim(NOW, most=1) == [new]


def test_a_tick_sends_no_more_than_its_share(
    acme: Tenant, hears: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "SECONDS_A_TICK", -1.0)
    vendor = hears(acme, FINE)
    rows = queued(acme, 3)
    outbox.deliver(NOW)
    assert vendor.asked == [] and {stands(row)[:2] for row in rows} == {("queued", 0)}


def test_a_tenants_outbox_is_bounded_and_the_oldest_give_way(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "MOST_QUEUED", 5)
    writes_to(acme, "ops@acme.example", "ann@acme.example")
    rows = queued(acme, 4)
    left = Notification.objects.filter(status="queued").count()
    assert left == 5 and stands(rows[0])[::2] == ("given_up", "Too many were waiting to be sent.")
    assert stands(rows[-1])[0] == "queued"


def test_old_rows_go_but_not_what_was_told_last(acme: Tenant) -> None:
    writes_to(acme, "ops@acme.example")
    rows = queued(acme, 3)
    Notification.objects.update(status="sent", settled_at=NOW)
    outbox.deliver(NOW + timedelta(days=29))
    assert Notification.objects.count() == 3
    outbox.deliver(NOW + timedelta(days=31))
    assert list(Notification.objects.all()) == [rows[-1]]


# once


@pytest.mark.django_db(transaction=True)
def test_two_ticks_at_once_send_each_once(hears: Any) -> None:
    acme = Tenant.objects.create(name="Acme", slug="acme")
    vendor = hears(acme, FINE)
    rows = queued(acme, 30)
    gate = threading.Barrier(3)

    def send() -> None:
        gate.wait()
        outbox.deliver(NOW)
        connection.close()

    ticks = [threading.Thread(target=send) for _ in range(3)]
    for tick in ticks:
        tick.start()
    for tick in ticks:
        tick.join()
    assert Counter(asked.headers["webhook-id"] for asked in vendor.asked) == {
        row.webhook_id: 1 for row in rows
    }


def test_what_a_killed_worker_had_in_hand_is_sent_after_its_lease(acme: Tenant, hears: Any) -> None:
    vendor = hears(acme, FINE)
    [row] = queued(acme)
    assert outbox.claim(NOW) == [row]
    outbox.deliver(NOW + outbox.LEASE - timedelta(seconds=1))
    assert vendor.asked == []
    outbox.deliver(NOW + outbox.LEASE)
    assert stands(row)[:2] == ("sent", 2)


def test_whoever_comes_back_late_does_not_undo_what_another_did(acme: Tenant, hears: Any) -> None:
    hears(acme, FINE)
    [row] = queued(acme)
    [late] = outbox.claim(NOW)
    outbox.deliver(NOW + outbox.LEASE)
    outbox.settle(late, outbox.Result(False, "late"), NOW)
    assert stands(row)[0] == "sent"


# what changed meanwhile


def test_who_was_taken_off_the_list_is_not_written_to(acme: Tenant, mailbox: Mailbox) -> None:
    writes_to(acme, "gone@acme.example")
    [row] = queued(acme)
    writes_to(acme, "ops@acme.example")
    with mailbox.is_open():
        outbox.deliver(NOW)
    assert mailbox.messages == [] and stands(row)[::2] == ("given_up", outbox.NOT_WANTED)


def test_a_corrected_webhook_gets_what_waits(acme: Tenant, hears: Any) -> None:
    hears(acme, says({}, 404))
    [row] = queued(acme)
    outbox.deliver(NOW)
    hears(acme, FINE)
    outbox.deliver(NOW + MINUTE)
    assert stands(row)[0] == "sent"


def test_without_a_secret_nothing_is_sent_and_it_is_said(acme: Tenant, hears: Any) -> None:
    vendor = hears(acme, FINE)
    SyncSchedule.objects.update(webhook_secret=SyncSchedule().webhook_secret)
    [row] = queued(acme)
    outbox.deliver(NOW)
    assert vendor.asked == [] and "has no secret yet" in stands(row)[2]


def test_a_secret_under_another_key_is_said_and_a_new_one_works(
    acme: Tenant, hears: Any, settings: Any
) -> None:
    hears(acme, FINE)
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode()]
    [row] = queued(acme)
    outbox.deliver(NOW)
    assert "sealed with another key" in stands(row)[2]
    acme.schedule.set_secret(webhook.new_secret(), NOW)
    outbox.deliver(NOW + MINUTE)
    assert stands(row)[0] == "sent"


def test_rotated_keys_seal_the_webhooks_secret_anew(acme: Tenant, hears: Any, settings: Any) -> None:
    hears(acme, FINE)
    new = Fernet.generate_key().decode()
    settings.CREDENTIAL_KEYS = [new, *settings.CREDENTIAL_KEYS]
    call_command("rotate_credentials")
    settings.CREDENTIAL_KEYS = [new]
    assert SyncSchedule.objects.get().signing_secrets(NOW) == [SECRET]


def test_in_production_this_machine_is_not_called(acme: Tenant, hears: Any, settings: Any) -> None:
    vendor = hears(acme, FINE)
    settings.ALLOW_LOOPBACK_PLATFORMS = False
    [row] = queued(acme)
    outbox.deliver(NOW)
    assert vendor.asked == [] and "not on the public internet" in stands(row)[2]


# e-mail that goes nowhere


def test_e_mail_that_is_switched_off_is_given_up_and_says_so(acme: Tenant, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    writes_to(acme, "ops@acme.example")
    [row] = queued(acme)
    outbox.deliver(NOW)
    assert stands(row)[0] == "given_up" and "switched off" in stands(row)[2]


def test_a_test_tells_every_target_and_what_each_made_of_it(
    acme: Tenant, hears: Any, mailbox: Mailbox
) -> None:
    hears(acme, says({}, 404))
    writes_to(acme, "ops@acme.example", "gone@acme.example")
    mailbox.refuses = {"gone@acme.example"}
    with mailbox.is_open():
        outcome = outbox.send_test(SyncSchedule.objects.get(), NOW)
    assert {row.target: result.words for row, result in outcome} == {
        "ops@acme.example": "127.0.0.1 took it.",
        "gone@acme.example": "127.0.0.1 refused this address (550).",
        "127.0.0.1": "127.0.0.1 answered 404. Nothing is at this address.",
    }
    assert Counter(Notification.objects.values_list("status", flat=True)) == {"sent": 1, "given_up": 2}


def test_a_test_says_when_mail_is_only_printed(acme: Tenant, settings: Any, capsys: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    writes_to(acme, "ops@acme.example")
    [(_row, result)] = outbox.send_test(SyncSchedule.objects.get())
    assert result.sent and "EMAIL_URL is not set" in result.words
    assert "a test of the notifications" in capsys.readouterr().out


def test_a_test_is_no_news_of_the_tenant(acme: Tenant, mailbox: Mailbox) -> None:
    writes_to(acme, "ops@acme.example")
    note_health(acme.connection("cxone"), ["refused"])
    outbox.send_test(SyncSchedule.objects.get())
    notices.tell(timezone.now())
    assert set(Notification.objects.values_list("event", flat=True)) == {"test", "connection.failing"}


def test_no_secret_is_in_a_row_or_in_the_log(
    acme: Tenant, hears: Any, mailbox: Mailbox, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "mapping")
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "us3r", "pa55word"
    hears(acme, says({"echo": SECRET}, 500))
    writes_to(acme, "ops@acme.example")
    queued(acme)
    with mailbox.is_open():  # it offers no sign-in
        outbox.deliver(NOW)
    said = caplog.text + repr(list(Notification.objects.values()))
    assert "cannot be used" in said or "answered" in said
    assert not [secret for secret in (SECRET, SECRET[6:], "pa55word", "with-a-token") if secret in said]
