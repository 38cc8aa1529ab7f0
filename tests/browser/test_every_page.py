"""Every page: nothing that axe-core calls a violation of WCAG 2.2 AA, in light and dark, on a desk and on a phone;
and a picture of each for whoever wants to look (artifacts/, not in git).

The pages are read from the URLconf, so that a new one is covered by itself: what answers with a page is looked at,
and what cannot be reached with the rows made here fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse
from django.utils import timezone
from django_q.models import Failure, OrmQ, Schedule, Success
from playwright.sync_api import Page

from mapping.matching import Reason
from mapping.models import ExternalAccount, SyncRun, SyncSchedule, UserMapping

from ..mapping.conftest import Company
from .conftest import ARTIFACTS, AXE, Reception, Visitor

pytestmark = pytest.mark.browser

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
BY_COLOUR = ["color-contrast", "link-in-text-block"]
"""What another colour scheme can change; the rest of a page is the same in both."""

NO_PAGES = {"view_on_site", "autocomplete", "jsi18n"}
"""Of the framework: they answer with data, or lead out of the admin."""

LEADS_ELSEWHERE = {302, 403, 405}
"""A redirect, a page nobody may see (people are not added by hand), or a verb that only takes POST."""


def patterns(inside: list[Any]) -> Iterator[tuple[str, set[str]]]:
    """(name, its parameters) of every address of the admin."""
    for pattern in inside:
        if not isinstance(pattern, URLPattern):
            yield from patterns(pattern.url_patterns)
        elif pattern.name and pattern.name not in NO_PAGES:
            yield pattern.name, set(pattern.pattern.regex.groupindex)


def addresses(company: Company) -> dict[str, str]:
    """{name: address}, with the latest row of its model where an address names one."""
    admin = next(one for one in get_resolver().url_patterns if getattr(one, "app_name", "") == "admin")
    given: dict[str, Any] = {"verb": "unmap", "app_label": "mapping"}
    given |= dict.fromkeys(("tenant", "tenant_pk"), company.tenant.pk)
    found = {}
    for name, parameters in patterns(admin.url_patterns):
        values = {one: given[one] if one in given else latest(name) for one in parameters}
        found[name] = reverse(f"admin:{name}", kwargs=values)
    return found


def latest(name: str) -> Any:
    """The key of the newest row of the model in “mapping_syncrun_change”."""
    label = "django_q" if name.startswith("django_q") else name.partition("_")[0]
    model = name.removeprefix(f"{label}_").partition("_")[0]
    return apps.get_model(label, model).objects.latest("pk").pk


def a_row_of_each(company: Company) -> None:
    """What no Auto Sync makes; and the newest run is a preview, whose proposals can be looked at."""
    now = timezone.now()
    for model, success in ((Success, True), (Failure, False)):
        model.objects.create(
            id=f"{success}", name="tick", func="mapping.tasks.tick", started=now, stopped=now, success=success
        )
    Schedule.objects.create(name="tick", func="mapping.tasks.tick")
    OrmQ.objects.create(key="presence-sync", payload="")
    SyncSchedule.objects.get_or_create(tenant=company.tenant)
    UserMapping.objects.filter(pk__in=UserMapping.objects.mapped()[:5]).update(
        account=None, method="", flag="", reason="no_match"
    )
    Group.objects.get_or_create(name="Mappers")
    company.run(is_preview=True)
    few = [row.pk for reason in Reason for row in UserMapping.objects.filter(reason=reason)[:4]]
    UserMapping.objects.exclude(pk__in=few).delete()  # axe looks at each row: a few of each kind say all
    ExternalAccount.objects.filter(mapping=None).exclude(pk__in=ExternalAccount.objects.all()[:20]).delete()


def pages(company: Company) -> dict[str, str]:
    """Of the addresses those that are pages, and states of them that people see."""
    client, found = Client(), {}
    client.force_login(User.objects.filter(is_superuser=True)[0])
    for name, path in addresses(company).items():
        answer = client.get(path)
        if answer.status_code == 200 and b"<html" in answer.content:
            found[name] = path
        else:
            assert answer.status_code in {200, *LEADS_ELSEWHERE}, (name, path, answer.status_code)
    return found | states()


def states() -> dict[str, str]:
    people = "/admin/mapping/usermapping/"
    several = UserMapping.objects.filter(reason="multiple_accounts")[0].pk
    mapped, applied = UserMapping.objects.mapped()[0].pk, SyncRun.objects.earliest("pk").pk
    return {
        "nobody-found": f"{people}?q=nobody-is-called-so",
        "filtered": f"{people}?status=unmapped&decision=yes",
        "several-accounts": f"{people}{several}/change/",
        "mapped": f"{people}{mapped}/change/",
        "results": f"{people}{several}/map/?q=a",
        "run": f"/admin/mapping/syncrun/{applied}/change/",
    }


def violations(page: Page, *, only: list[str] | None = None) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    what = {"type": "rule", "values": only} if only else {"type": "tag", "values": TAGS}
    found: dict[str, Any] = page.evaluate(
        "what => axe.run(document, {runOnly: what, resultTypes: ['violations']})", what
    )
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found["violations"]]


def look(visitor: Visitor, name: str, scheme: str) -> list[str]:
    """What is wrong with the page that is open."""
    visitor.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    width = visitor.page.viewport_size["width"]  # type: ignore[index]
    visitor.page.screenshot(path=ARTIFACTS / f"{name}-{scheme}-{width}.png")
    heard = len(visitor.complaints)
    found = violations(visitor.page, only=BY_COLOUR if scheme == "dark" else [])
    del visitor.complaints[heard:]  # axe measures by inline styles, which our own policy forbids
    wide = visitor.page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1")
    return [*found, *(["the page scrolls sideways"] if wide else [])]


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_axe_finds_nothing(reception: Reception, company: Company, width: int) -> None:
    window = {"viewport": {"width": width, "height": 900}, "reduced_motion": "reduce"}
    visitor = reception.enter(superuser=True, **window)
    ARTIFACTS.mkdir(exist_ok=True)
    a_row_of_each(company)
    found = []
    for name, path in pages(company).items():
        visitor.go(path)
        for scheme in ("light", "dark"):
            found += [f"{name}, {scheme}: {said}" for said in look(visitor, name, scheme)]
    assert not found, "\n".join(found)


def test_the_pages_were_read_from_the_urlconf(company: Company) -> None:
    User.objects.create_superuser("administrator")
    a_row_of_each(company)
    found = pages(company)
    assert {"index", "mapping_usermapping_map", "mapping_syncrun_proposals", "auth_user_add"} <= found.keys()
    assert {"mapping_usermapping_results", "mapping_syncrun_start", "switch"} & found.keys() == set()


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
