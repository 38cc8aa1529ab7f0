"""Notifications as a person sets them up: the secret goes into no address, and every page is free of what axe-core
calls a violation."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from mapping.models import SyncSchedule
from tenants.platforms import webhook

from ..mapping.conftest import Company
from ..platforms.stage import Vendor, on_a_socket, says
from .conftest import ARTIFACTS, MAPPER, Reception, Visitor
from .test_every_page import violations

pytestmark = pytest.mark.browser

MAY = (*MAPPER, "view_syncschedule")


@pytest.fixture
def receiver() -> Iterator[tuple[str, Vendor]]:
    vendor = Vendor(says({}), says({}, 404))
    with on_a_socket(vendor) as url:
        yield url + "/hook", vendor


def page_of(company: Company) -> str:
    schedule, _ = SyncSchedule.objects.get_or_create(tenant=company.tenant)
    return f"/admin/mapping/syncschedule/{schedule.pk}/change/"


def test_what_is_typed_as_secret_is_in_no_address(reception: Reception, company: Company) -> None:
    visitor = reception.enter(*MAY)
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    page = visitor.go(page_of(company))
    secret = webhook.new_secret()
    with page.expect_response(lambda answer: "next-runs" in answer.url) as first:
        page.get_by_label("Webhook secret").fill(secret)
    with page.expect_response(lambda answer: "next-runs" in answer.url and answer != first.value):
        page.get_by_label("Time of day").fill("06:30")
    expect(page.locator("#next-runs li").first).to_contain_text("06:30")
    assert any("at=06%3A30" in url for url in asked)
    assert not [url for url in asked if "whsec" in url or "csrf" in url or "secret" in url]


def checked(visitor: Visitor, page: Page, name: str) -> list[str]:
    page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=True)
    heard = len(visitor.complaints)
    found = violations(page)
    del visitor.complaints[heard:]  # axe measures by inline styles, which our own policy forbids
    wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1")
    return found + (["the page scrolls sideways"] if wide else [])


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_from_the_address_to_the_first_delivery(
    reception: Reception, company: Company, receiver: tuple[str, Vendor], scheme: str, width: int
) -> None:
    ARTIFACTS.mkdir(exist_ok=True)
    url, vendor = receiver
    visitor = reception.enter(*MAY, color_scheme=scheme, viewport={"width": width, "height": 900})
    page = visitor.go(page_of(company))
    page.get_by_label("Notification addresses").fill("ops@acme.example")
    page.get_by_label("Webhook address").fill(url)
    page.get_by_role("button", name="Save", exact=True).click()
    secret = page.locator("#webhook-secret").inner_text()
    assert secret.startswith("whsec_") and checked(visitor, page, f"secret-{scheme}-{width}") == []
    page.get_by_role("link", name="Back to Auto Syncing").click()
    page.get_by_role("button", name="Send test").click()
    expect(page.get_by_text("127.0.0.1 took it.")).to_be_visible()
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_text("127.0.0.1 answered 404.")).to_be_visible()
    assert checked(visitor, page, f"notifications-test-{scheme}-{width}") == []
    page.get_by_role("link", name="Back to Auto Syncing").click()
    expect(page.locator("#deliveries tbody tr")).to_have_count(4)
    assert secret not in page.content() and checked(visitor, page, f"deliveries-{scheme}-{width}") == []
    first = vendor.asked[0]
    made = webhook.signature(
        secret, first.headers["webhook-id"], int(first.headers["webhook-timestamp"]), first.body
    )
    assert first.headers["webhook-signature"] == made
