"""Whoever reads: in Tokyo, on a telephone, with a name that is long or written from right to left."""

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from mapping.models import UserMapping

from ..mapping.conftest import Company
from .conftest import MAPPER, Reception

pytestmark = pytest.mark.browser

LIST = "/admin/mapping/usermapping/"
PHONE = {"viewport": {"width": 390, "height": 844}}
LONG = "Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh of Cholmondeley " * 2
ARABIC = "عبد الرحمن بن محمد بن عبد العزيز الفلاني"


@pytest.mark.parametrize(("zone", "hour"), [("Asia/Tokyo", "00:04"), ("Europe/Berlin", "17:04")])
def test_times_are_those_of_the_readers_clock(
    reception: Reception, company: Company, zone: str, hour: str
) -> None:
    read = timezone.now().replace(year=2031, month=5, day=4, hour=15, minute=4)
    company.tenant.runs.update(read_at=read)
    user = UserMapping.objects.mapped()[0]
    user.changes.update(created_at=read)
    page = reception.enter(*MAPPER, timezone_id=zone).go(LIST)
    expect(page.locator("#result_list tbody tr").first).to_contain_text(hour)
    expect(page.locator("#footer")).to_contain_text(f"Times are in {zone}.")
    page.goto(page.url + f"{user.pk}/change/")
    expect(page.locator(".timeline li").first).to_contain_text(hour)


def wider_than_the_window(page: Page) -> list[str]:
    """What sticks out of the window, or has to be scrolled sideways to be read."""
    return page.evaluate(
        """() => [...document.querySelectorAll("#content *")].filter((one) => {
            const box = one.getBoundingClientRect();
            const mayScroll = /auto|scroll/.test(getComputedStyle(one).overflowX);
            const outside = box.right > innerWidth + 1 || box.left < -1;
            const scrolls = mayScroll && one.scrollWidth > one.clientWidth + 1;
            return box.width && !one.closest(".visually-hidden") && (outside || scrolls);
        }).map((one) => one.outerHTML.slice(0, 120))"""
    )


@pytest.mark.parametrize("name", [LONG, ARABIC])
def test_lists_are_read_on_a_telephone_without_scrolling_sideways(
    reception: Reception, company: Company, name: str
) -> None:
    company.tenant.mappings.update(name=name, team="x" * 90, username="u" * 90)
    company.tenant.accounts.update(name=name, department="d" * 90)
    visitor = reception.enter(superuser=True, **PHONE)
    lists = ("usermapping/", "externalaccount/", "change/", "syncrun/", "usermapping/?q=nobody")
    found = {path: wider_than_the_window(visitor.go(f"/admin/mapping/{path}")) for path in lists}
    assert {path: wide for path, wide in found.items() if wide} == {}
    visitor.go("/admin/mapping/change/").evaluate(
        "document.getElementById('result_list').style.width = '900px'"
    )
    assert wider_than_the_window(visitor.page), "this would find nothing anywhere"


def test_a_row_on_a_telephone_says_status_name_reason_and_has_its_menu(
    reception: Reception, company: Company
) -> None:
    user = UserMapping.objects.filter(reason="no_match")[0]
    page = reception.enter(*MAPPER, **PHONE).go(f"{LIST}?q={user.username}")
    row = page.locator("#result_list tbody tr").first
    for words in ("Unmapped", str(user), "No match", user.email):
        expect(row.get_by_text(words, exact=False).first).to_be_in_viewport(ratio=1)
    row.locator(".row-menu summary").click()
    expect(row.get_by_text("Do not map")).to_be_in_viewport(ratio=1)
    expect(row.get_by_role("cell").filter(has_text=user.email).first).to_have_attribute(
        "data-label", "E-mail"
    )


@pytest.mark.parametrize("width", [768, 1440, 2560])
@pytest.mark.parametrize("name", [LONG, ARABIC])
def test_a_long_name_stays_on_its_page(reception: Reception, company: Company, name: str, width: int) -> None:
    company.tenant.mappings.update(name=name, team="x" * 90)
    company.tenant.accounts.update(name=name)
    user = company.tenant.mappings.unmapped()[0]
    page = reception.enter(superuser=True, viewport={"width": width, "height": 900}).go(LIST)
    for path in ("", f"{user.pk}/change/", f"{user.pk}/map/?q=a"):
        page.goto(reception.site + LIST + path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
