"""make screenshots: the pictures of the README, taken from a demo that starts for them and goes away again.

Not a test. It drives `manage.py demo` on a folder of its own and free ports, with the Chromium of the tests."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
WINDOW = {"width": 1440, "height": 900}
AT_MOST = 300_000
"""Bytes of a picture: they are in git."""

WHO = "administrator"


@contextmanager
def demo() -> Iterator[tuple[str, str]]:
    """(address of the admin, the administrator's password) of a demo whose first Auto Sync is done."""
    with tempfile.TemporaryDirectory(prefix="presence-sync-pictures-") as folder:
        ours = {
            "ENV_FILE": os.devnull,
            "DATA_DIR": folder,
            "DATABASE_URL": f"sqlite:///{folder}/demo.sqlite3",
        }
        ours |= {"CACHE_URL": f"filecache://{folder}/cache", "SITE_URL": "http://127.0.0.1:8000"}
        ours |= dict.fromkeys(("SECRET_KEY", "CREDENTIAL_KEYS", "Q_BROKER_URL"), "")
        command = [sys.executable, "-u", "manage.py", "demo", "--port", "8700", "--sandbox-port", "8800"]
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | ours,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield _welcome(process)
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=120)


def _welcome(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Read on until the demo says where it is and who may come in."""
    said, site = "", ""
    for line in process.stdout or ():
        said += line
        if found := re.search(r"Presence Sync: (http://\S+)/admin/", line):
            site = found[1]
        if site and (found := re.match(rf"\s+{WHO}\s+(\S+)", line)):
            return site, found[1]
    raise SystemExit(f"The demo ended before it was ready:\n{said}")


def take(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    path = DOCS / f"{name}.png"
    size = len(page.screenshot(path=path, animations="disabled"))
    if size > AT_MOST:
        raise SystemExit(f"{path} is {size} bytes; {AT_MOST} is the limit.")
    print(f"{path.relative_to(ROOT)}  {size // 1024} kB")


def walk(page: Page, site: str, password: str) -> None:
    page.goto(f"{site}/admin/")
    page.get_by_label("Username").fill(WHO)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    while page.get_by_text("waiting for the second try").or_(page.get_by_text("running")).count():
        page.wait_for_timeout(2_000)
        page.reload()
    take(page, "home")
    page.get_by_role("link", name="User Mapping").first.click()
    page.locator("summary", has_text="Tenant").last.click()
    page.get_by_role("link", name=re.compile("^Acme Support")).click()
    take(page, "user-mapping")
    page.locator("details.drop summary", has_text="Reason").click()
    page.get_by_role("link", name=re.compile("^No match")).click()
    page.locator("#result_list tbody th a", has_text=re.compile("Chlo")).first.click()
    page.locator(".object-tools").get_by_role("link", name="Map User", exact=True).click()
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("tran", delay=20)
    expect(page.locator("#results [data-typed=tran]")).to_be_visible()
    page.keyboard.press("ArrowDown")
    take(page, "map-user")
    page.get_by_role("link", name="Sync runs").first.click()
    page.locator("#result_list tbody tr", has_text="Acme Support").get_by_role("link").first.click()
    take(page, "sync-run")


def main() -> None:
    with demo() as (site, password), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        window = {
            "viewport": WINDOW,
            "color_scheme": "light",
            "reduced_motion": "reduce",
            "timezone_id": "UTC",
        }
        page = browser.new_context(**window).new_page()  # type: ignore[arg-type]
        page.set_default_timeout(30_000)
        walk(page, site, password)
        browser.close()


if __name__ == "__main__":
    main()
