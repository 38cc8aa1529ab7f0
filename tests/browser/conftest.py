"""Chromium, a served admin, and a tenant that a real Auto Sync has filled. Whatever the browser complains of (a
script's error, a violation of the Content-Security-Policy, a file that is not there) fails the test."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from playwright.sync_api import Browser, BrowserContext, Locator, Page, sync_playwright

from tenants import reach
from tenants.models import Tenant
from tenants.sandbox import Sandbox, World, serve

from ..conftest import IN_CI
from ..mapping.conftest import Company

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
AXE = Path(importlib.util.find_spec("axe_playwright_python").origin).with_name("axe.min.js")  # type: ignore[union-attr, arg-type]
ARTIFACTS = Path(__file__).parents[2] / "artifacts"
MAPPER = ("map_usermapping", "view_usermapping", "view_syncrun", "view_change", "view_externalaccount")
VIEWER = MAPPER[1:]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        how = f"No Chromium at {CHROMIUM}: apt-get install chromium, or set CHROMIUM."
        (pytest.fail if IN_CI else pytest.skip)(how)
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright's own loop runs in this thread
    flags = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=flags)


@pytest.fixture
def company(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    """Acme, 200 people, synced."""
    monkeypatch.setattr(reach, "wait", lambda seconds: None)
    sandbox = Sandbox(World(200, name="acme"))
    sandbox.limits = False
    with serve(sandbox) as server:
        company = Company(Tenant.objects.create(name="Acme", slug="acme"), sandbox.worlds["acme"], sandbox)
        company.connect(server.url)
        company.run()
        yield company


@dataclass
class Visitor:
    """Somebody at the browser. `complaints` is what the browser said that nobody wants to hear."""

    page: Page
    site: str
    complaints: list[str]

    def go(self, path: str) -> Page:
        self.page.goto(self.site + path)
        return self.page

    def row(self, name: str) -> None:
        """Open the three dots of the row of this user."""
        row = self.page.locator("#result_list tr", has_text=name).first
        row.locator(".row-menu summary").click()


@dataclass
class Keyboard:
    """All that somebody without a mouse has. `presses` counts the keys."""

    page: Page
    presses: int = 0

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.presses += 1

    def follow(self, key: str) -> None:
        """Press a key that leads to another page."""
        with self.page.expect_navigation():
            self.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)
        self.presses += len(text)

    def go_to(self, place: Locator, key: str = "Tab", *, within: int = 60) -> None:
        """Press `key` until the place has the focus."""
        for _ in range(within):
            self.press(key)
            if place.evaluate("place => place === document.activeElement"):
                return
        raise AssertionError(f"{key} does not lead to {place}")


class Reception:
    """Lets people in: a browser window each, signed in."""

    def __init__(self, browser: Browser, site: str, company: Company) -> None:
        self.browser, self.site, self.company = browser, site, company
        self.visitors: list[Visitor] = []
        self.contexts: list[BrowserContext] = []

    def enter(self, *permissions: str, superuser: bool = False, **window: object) -> Visitor:
        name = f"somebody{len(self.visitors)}"
        user = get_user_model().objects.create_user(
            name, password="s3cret", is_staff=True, is_superuser=superuser
        )
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        self.company.tenant.members.add(user)
        context = self.browser.new_context(**{"viewport": {"width": 1440, "height": 900}} | window)  # type: ignore[arg-type]
        context.set_default_timeout(15_000)
        visitor = Visitor(context.new_page(), self.site, [])
        visitor.page.on("console", lambda said: self._hear(visitor, said.type, said.text))
        visitor.page.on("response", lambda answer: self._watch(visitor, answer.status, answer.url))
        visitor.page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
        page = visitor.go("/admin/login/")
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill("s3cret")
        page.get_by_role("button", name="Log in").click()
        self.visitors.append(visitor)
        self.contexts.append(context)
        return visitor

    def _watch(self, visitor: Visitor, status: int, url: str) -> None:
        if status >= 400:
            visitor.complaints.append(f"{status} {url}")

    def _hear(self, visitor: Visitor, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            visitor.complaints.append(text)


@pytest.fixture
def reception(chromium: Browser, live_server: object, company: Company) -> Iterator[Reception]:
    reception = Reception(chromium, str(live_server), company)
    yield reception
    for context in reception.contexts:
        context.close()
    assert [visitor.complaints for visitor in reception.visitors if visitor.complaints] == []
