"""Every page: nothing that axe-core calls a violation of WCAG 2.2 AA, in light and dark, on a desk and on a phone;
and a picture of each for whoever wants to look (artifacts/, not in git)."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from mapping.models import Change, ExternalAccount, SyncRun, SyncSchedule, UserMapping

from ..mapping.conftest import Company
from .conftest import ARTIFACTS, AXE, Reception

pytestmark = pytest.mark.browser

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def addresses(company: Company) -> dict[str, str]:
    unmapped = UserMapping.objects.filter(reason="multiple_accounts")[0]
    mapped = UserMapping.objects.mapped()[0]
    schedule, _ = SyncSchedule.objects.get_or_create(tenant=company.tenant)
    mapping = "/admin/mapping"
    preview = company.run(is_preview=True)
    return {
        "home": "/admin/",
        "user-mapping": f"{mapping}/usermapping/",
        "nobody-found": f"{mapping}/usermapping/?q=nobody-is-called-so",
        "unmapped": f"{mapping}/usermapping/{unmapped.pk}/change/",
        "mapped": f"{mapping}/usermapping/{mapped.pk}/change/",
        "map-user": f"{mapping}/usermapping/{unmapped.pk}/map/?q=a",
        "runs": f"{mapping}/syncrun/",
        "run": f"{mapping}/syncrun/{SyncRun.objects.latest('pk').pk}/change/",
        "proposals": f"{mapping}/syncrun/{preview.pk}/proposals/",
        "changes": f"{mapping}/change/",
        "change": f"{mapping}/change/{Change.objects.latest('pk').pk}/change/",
        "accounts": f"{mapping}/externalaccount/",
        "account": f"{mapping}/externalaccount/{ExternalAccount.objects.latest('pk').pk}/change/",
        "auto-syncing": f"{mapping}/syncschedule/{schedule.pk}/change/",
        "tenants": "/admin/tenants/tenant/",
        "tenant": f"/admin/tenants/tenant/{company.tenant.pk}/change/",
        "connection": f"/admin/tenants/connection/{company.tenant.connection('cxone').pk}/change/",
        "staff": "/admin/auth/user/",
        "password": "/admin/password_change/",
    }


def violations(page: Page) -> list[str]:
    page.evaluate(AXE.read_text())
    found: dict[str, Any] = page.evaluate(
        "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", TAGS
    )
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found["violations"]]


@pytest.mark.parametrize("width", [390, 768, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(reception: Reception, company: Company, scheme: str, width: int) -> None:
    window = {"color_scheme": scheme, "viewport": {"width": width, "height": 900}}
    visitor = reception.enter(superuser=True, **window)
    ARTIFACTS.mkdir(exist_ok=True)
    found = {}
    for name, path in addresses(company).items():
        page = visitor.go(path)
        page.screenshot(path=ARTIFACTS / f"{name}-{scheme}-{width}.png")
        heard = len(visitor.complaints)
        found[name] = violations(page)
        del visitor.complaints[heard:]  # axe measures by inline styles, which our own policy forbids
        wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1")
        found[name] += ["the page scrolls sideways"] if wide else []
    assert {name: said for name, said in found.items() if said} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_way_in_and_where_one_is_asked(
    reception: Reception, company: Company, scheme: str
) -> None:
    visitor = reception.enter(superuser=True, color_scheme=scheme)
    taken = UserMapping.objects.mapped().select_related("account")[0]
    free = UserMapping.objects.unmapped()[0]
    page = visitor.go(f"/admin/mapping/usermapping/{free.pk}/map/?q={taken.account.extension}")
    page.locator("#results .choice input[type=radio]").first.check()
    page.get_by_role("button", name="Map User", exact=True).click()
    found = {"confirm": violations(page)}
    page = visitor.go("/admin/mapping/usermapping/")
    page.locator("#action-toggle").check()
    page.get_by_label("Action:").select_option(label="Do not map")
    page.get_by_role("button", name="Run", exact=False).or_(page.locator("button[name=index]")).first.click()
    found["bulk"] = violations(page)
    page.context.clear_cookies()
    found["login"] = violations(visitor.go("/admin/login/"))
    visitor.complaints.clear()  # axe measures by inline styles, which our own policy forbids
    assert {name: said for name, said in found.items() if said} == {}
