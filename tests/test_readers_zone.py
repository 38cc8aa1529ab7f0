"""Times in the zone that the reader's browser says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from mapping.models import SyncRun, UserMapping
from tenants.models import Tenant

LIST = "/admin/mapping/usermapping/"


@pytest.fixture
def client(db: None) -> Client:
    """Somebody who sees one user, read at four minutes past three in the afternoon, UTC."""
    tenant = Tenant.objects.create(name="Acme", slug="acme")
    UserMapping.objects.create(tenant=tenant, cxone_id="1", name="Ada")
    SyncRun.objects.create(tenant=tenant, trigger="hand", read_at=datetime(2031, 5, 4, 15, 4, tzinfo=UTC))
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("administrator"))
    return client


def shown(client: Client, zone: str | None) -> str:
    client.cookies.clear() if zone is None else client.cookies.load({"timezone": zone})
    client.force_login(get_user_model().objects.get())
    return client.get(LIST).content.decode()


@pytest.mark.parametrize(
    ("zone", "time"),
    [
        ("Asia/Tokyo", "5 May 2031, 00:04"),
        ("America/New_York", "4 May 2031, 11:04"),
        ("Asia/Calcutta", "4 May 2031, 20:34"),
        ("UTC", "4 May 2031, 15:04"),
    ],
)
def test_times_are_in_the_readers_zone_and_the_page_says_so(client: Client, zone: str, time: str) -> None:
    text = shown(client, zone)
    assert f'title="{zone}">{time}</time>' in text
    assert f"Times are in {zone}." in text


@pytest.mark.parametrize(
    "said", [None, "", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "asia/tokyo", "<b>", "x" * 4000]
)
def test_what_is_no_zone_changes_nothing(client: Client, said: str | None) -> None:
    text = shown(client, said)
    assert "4 May 2031, 15:04" in text and "Times are in UTC." in text


def test_one_readers_zone_is_not_the_next_ones(client: Client) -> None:
    shown(client, "Asia/Tokyo")
    assert timezone.get_current_timezone_name() == "UTC"
