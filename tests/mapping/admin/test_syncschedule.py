"""Auto Syncing: the page that sets schedule and frequency."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mapping.models import Notification, SyncSchedule
from tenants.models import Tenant
from tenants.platforms import webhook
from tests.platforms.stage import Vendor, on_a_socket, says

GOOD = {
    "enabled": "on",
    "frequency": "weekly",
    "every": "1",
    "days": ["0", "4"],
    "day": "1",
    "cron": "",
    "at": "06:30",
    "time_zone": "Europe/Prague",
    "retry_minutes": "15",
    "notify": "ops@acme.example",
    "webhook_url": "",
    "unmapped_days": "7",
}


@pytest.fixture
def tenant(db: None) -> Tenant:
    return Tenant.objects.create(name="Acme", slug="acme")


def signed_in(tenant: Tenant, *permissions: str, name: str = "somebody") -> Client:
    user = get_user_model().objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    tenant.members.add(user)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def mapper(tenant: Tenant) -> Client:
    return signed_in(tenant, "map_usermapping", "view_syncschedule")


def page(tenant: Tenant) -> str:
    schedule, _ = SyncSchedule.objects.get_or_create(tenant=tenant)
    return reverse("admin:mapping_syncschedule_change", args=[schedule.pk])


def test_saving_sets_schedule_and_frequency(mapper: Client, tenant: Tenant) -> None:
    assert mapper.post(page(tenant), GOOD).status_code == 302
    schedule = SyncSchedule.objects.get()
    assert (schedule.enabled, schedule.days, schedule.retry_delay.total_seconds()) == (True, [0, 4], 900)
    assert f"{schedule.due_at.astimezone(schedule.next_runs()[0].tzinfo):%H:%M}" == "06:30"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"time_zone": "Mars/Olympus"}, "not an IANA time zone"),
        ({"frequency": "cron", "cron": "every day"}, "not a cron expression"),
        ({"frequency": "minutes", "every": "5"}, "less than 10 minutes apart"),
        ({"days": []}, "at least one day"),
        ({"retry_minutes": "100000"}, "less than or equal to 1440"),
        ({"notify": "nobody"}, "not an e-mail address"),
        ({"at": "25:99"}, "valid time"),
    ],
)
def test_what_cannot_be_kept_is_said_at_its_field_and_nothing_is_saved(
    mapper: Client, tenant: Tenant, wrong: dict[str, object], said: str
) -> None:
    answer = mapper.post(page(tenant), GOOD | wrong)
    assert said in answer.content.decode()
    assert SyncSchedule.objects.get().enabled is False


def test_the_next_five_runs_follow_the_form_without_saving(mapper: Client, tenant: Tenant) -> None:
    page(tenant)
    url = reverse("admin:mapping_syncschedule_next_runs", args=[SyncSchedule.objects.get().pk])
    shown = mapper.get(url, GOOD).content.decode()
    assert shown.count("06:30") == 5 and shown.count("Monday") + shown.count("Friday") == 5
    assert SyncSchedule.objects.get().enabled is False


def test_the_next_runs_of_nonsense_are_an_error_in_words(mapper: Client, tenant: Tenant) -> None:
    page(tenant)
    url = reverse("admin:mapping_syncschedule_next_runs", args=[SyncSchedule.objects.get().pk])
    assert (
        "not a cron expression" in mapper.get(url, GOOD | {"frequency": "cron", "cron": "x"}).content.decode()
    )


def test_who_sees_one_tenant_is_led_to_its_page(mapper: Client, tenant: Tenant) -> None:
    answer = mapper.get(reverse("admin:mapping_syncschedule_changelist"), follow=True)
    assert "Next five runs" in answer.content.decode()


def test_a_viewer_reads_and_cannot_save(tenant: Tenant) -> None:
    viewer = signed_in(tenant, "view_syncschedule")
    assert viewer.get(page(tenant)).status_code == 200
    assert viewer.post(page(tenant), GOOD).status_code == 403


def test_another_tenants_schedule_is_not_there(mapper: Client, tenant: Tenant) -> None:
    other = Tenant.objects.create(name="Globex", slug="globex")
    assert mapper.get(page(other)).status_code == 404
    assert mapper.get(reverse("admin:mapping_syncschedule_of", args=[other.pk])).status_code == 404


# notifications

SECRET = webhook.new_secret()
HOOK = GOOD | {"webhook_url": "https://hooks.example.org/acme/with-a-token"}


def schedule_of(tenant: Tenant) -> SyncSchedule:
    page(tenant)
    return SyncSchedule.objects.get(tenant=tenant)


def at(verb: str, tenant: Tenant) -> str:
    return reverse(f"admin:mapping_syncschedule_{verb}", args=[schedule_of(tenant).pk])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"webhook_url": "http://hooks.example.org/"}, "plain https://"),
        ({"webhook_url": "https://10.0.0.5/hook"}, "not on the public internet"),
        ({"webhook_url": "https://intranet/"}, "not on the public internet"),
        ({"webhook_url": "javascript:alert(1)"}, "plain https://"),
        ({"new_secret": "secret"}, "A secret is “whsec_”"),
        ({"unmapped_days": "366"}, "less than or equal to 365"),
        ({"unmapped_days": ""}, "This field is required"),
        ({"notify": "\n".join(f"a{n}@b.example" for n in range(21))}, "At most 20 addresses"),
    ],
)
def test_notifications_that_cannot_be_are_said_at_their_field(
    mapper: Client, tenant: Tenant, wrong: dict[str, str], said: str
) -> None:
    assert said in mapper.post(page(tenant), GOOD | wrong).content.decode()
    assert SyncSchedule.objects.get().enabled is False


def test_this_machine_is_a_webhook_only_where_the_site_allows_it(
    mapper: Client, tenant: Tenant, settings: Any
) -> None:
    local = GOOD | {"webhook_url": "http://127.0.0.1:9/hook"}
    settings.ALLOW_LOOPBACK_PLATFORMS = False
    assert "not on the public internet" in mapper.post(page(tenant), local).content.decode()
    settings.ALLOW_LOOPBACK_PLATFORMS = True
    assert "whsec_" in mapper.post(page(tenant), local).content.decode()


def test_a_webhook_without_a_secret_gets_one_that_is_shown_once(mapper: Client, tenant: Tenant) -> None:
    answer = mapper.post(page(tenant), HOOK)
    [secret] = schedule_of(tenant).signing_secrets(timezone.now())
    assert secret in answer.content.decode() and "no-store" in answer["Cache-Control"]
    assert secret[6:] not in mapper.get(page(tenant)).content.decode()
    assert mapper.post(page(tenant), HOOK).status_code == 302
    assert schedule_of(tenant).signing_secrets(timezone.now()) == [secret]


def test_a_secret_that_is_entered_is_kept_and_never_shown(mapper: Client, tenant: Tenant) -> None:
    assert mapper.post(page(tenant), HOOK | {"new_secret": SECRET}).status_code == 302
    kept = schedule_of(tenant)
    assert kept.signing_secrets(timezone.now()) == [SECRET] and SECRET not in kept.webhook_secret.text
    wrong = mapper.post(page(tenant), HOOK | {"new_secret": SECRET, "at": "25:99"}).content.decode()
    assert SECRET not in wrong + mapper.get(page(tenant)).content.decode()


def test_an_empty_secret_keeps_what_is_stored(mapper: Client, tenant: Tenant) -> None:
    mapper.post(page(tenant), HOOK | {"new_secret": SECRET})
    mapper.post(page(tenant), HOOK | {"new_secret": ""})
    assert schedule_of(tenant).signing_secrets(timezone.now()) == [SECRET]


def test_a_new_secret_signs_first_and_the_old_one_for_a_day(mapper: Client, tenant: Tenant) -> None:
    mapper.post(page(tenant), HOOK | {"new_secret": SECRET})
    shown = mapper.post(at("new_secret", tenant)).content.decode()
    new, old = schedule_of(tenant).signing_secrets(timezone.now())
    assert new in shown and old == SECRET and SECRET not in shown


def test_a_new_secret_does_not_touch_the_timetable(mapper: Client, tenant: Tenant) -> None:
    mapper.post(page(tenant), HOOK | {"new_secret": SECRET})
    past = timezone.now() - timedelta(minutes=1)
    SyncSchedule.objects.update(due_at=past)
    mapper.post(at("new_secret", tenant))
    assert schedule_of(tenant).due_at == past


def test_keys_that_are_none_are_said_and_no_secret_is_shown(
    mapper: Client, tenant: Tenant, settings: Any
) -> None:
    settings.CREDENTIAL_KEYS = ["no key"]
    shown = mapper.post(page(tenant), HOOK).content.decode()
    assert "not a Fernet key" in shown and "whsec_" not in shown


def test_the_fragment_of_the_next_runs_is_never_asked_with_a_secret(mapper: Client, tenant: Tenant) -> None:
    shown = mapper.get(page(tenant)).content.decode()
    [sent] = re.findall(r'hx-params="([^"]*)"', shown)
    fields = set(re.findall(r'name="(\w+)"', shown))
    assert {"new_secret", "webhook_url", "csrfmiddlewaretoken", "enabled"} <= fields
    assert fields - set(sent.split(",")) >= {"new_secret", "webhook_url", "csrfmiddlewaretoken", "notify"}
    url = at("next_runs", tenant)
    assert "06:30" in mapper.get(url, {name: GOOD[name] for name in sent.split(",")}).content.decode()


@pytest.fixture
def receiver(tenant: Tenant) -> Iterator[Vendor]:
    """The tenant's webhook, on a real server, which knows no such page."""
    vendor = Vendor(says({"error": SECRET}, 404))
    with on_a_socket(vendor) as url:
        kept = schedule_of(tenant)
        kept.webhook_url, kept.notify = url + "/with-a-token", "ops@acme.example"
        kept.save()
        kept.set_secret(SECRET, timezone.now())
        yield vendor


def test_a_test_shows_for_each_target_what_happened(
    mapper: Client, tenant: Tenant, receiver: Vendor, mailoutbox: list[Any]
) -> None:
    shown = mapper.post(at("send_test", tenant)).content.decode()
    assert "127.0.0.1 answered 404. Nothing is at this address." in shown
    assert "ops@acme.example" in shown and [mail.to for mail in mailoutbox] == [["ops@acme.example"]]
    assert len(receiver.asked) == 1 and SECRET not in shown and "with-a-token" not in shown


def test_the_newest_ten_deliveries_are_on_the_page(
    mapper: Client, tenant: Tenant, receiver: Vendor, mailoutbox: list[Any]
) -> None:
    for _ in range(6):
        mapper.post(at("send_test", tenant))
    shown = mapper.get(page(tenant)).content.decode()
    assert shown.count("Acme: a test of the notifications") == 10
    assert "given up" in shown and "answered 404" in shown and "with-a-token" in shown


def test_a_test_with_nobody_to_tell_says_so(mapper: Client, tenant: Tenant) -> None:
    assert "There is nobody to tell" in mapper.post(at("send_test", tenant)).content.decode()


def test_the_page_says_when_mail_is_only_printed(mapper: Client, tenant: Tenant, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    mapper.post(page(tenant), GOOD)
    assert "EMAIL_URL is not set" in mapper.get(page(tenant)).content.decode()


def test_a_viewer_sees_deliveries_but_no_path_and_no_verb(
    mapper: Client, tenant: Tenant, receiver: Vendor, mailoutbox: list[Any]
) -> None:
    mapper.post(at("send_test", tenant))
    viewer = signed_in(tenant, "view_syncschedule", name="viewer")
    shown = viewer.get(page(tenant)).content.decode()
    assert "answered 404" in shown and "127.0.0.1" in shown
    assert "with-a-token" not in shown and "Send test" not in shown and "New webhook secret" not in shown


@pytest.mark.parametrize("verb", ["send_test", "new_secret"])
def test_verbs_want_the_permission_the_tenant_and_a_press(
    mapper: Client, tenant: Tenant, verb: str, mailoutbox: list[Any]
) -> None:
    other = Tenant.objects.create(name="Globex", slug="globex")
    viewer = signed_in(tenant, "view_syncschedule", name="viewer")
    assert mapper.get(at(verb, tenant)).status_code == 405
    assert viewer.post(at(verb, tenant)).status_code == 403
    assert mapper.post(at(verb, other)).status_code == 404
    assert Client().post(at(verb, tenant)).status_code == 302
    assert not Notification.objects.exists() and not mailoutbox


def test_another_tenants_deliveries_are_not_shown(mapper: Client, tenant: Tenant) -> None:
    other = Tenant.objects.create(name="Globex", slug="globex")
    Notification.objects.create(
        tenant=other, topic="run", subject="Foreign", channel="email", target="x@y.zz"
    )
    assert "Foreign" not in mapper.get(page(tenant)).content.decode()


def test_the_history_tells_of_a_test_and_of_a_secret_but_not_which(
    mapper: Client, tenant: Tenant, receiver: Vendor
) -> None:
    mapper.post(at("send_test", tenant))
    mapper.post(at("new_secret", tenant))
    mapper.post(page(tenant), HOOK | {"new_secret": SECRET})
    said = " ".join(str(entry) for entry in LogEntry.objects.values_list("change_message", flat=True))
    assert "Sent a test" in said and "Made a new webhook secret" in said and "whsec_" not in said
