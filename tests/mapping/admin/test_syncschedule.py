"""Auto Syncing: the page that sets schedule and frequency."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from mapping.models import SyncSchedule
from tenants.models import Tenant

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


def signed_in(tenant: Tenant, *permissions: str) -> Client:
    user = get_user_model().objects.create_user("somebody", is_staff=True)
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
