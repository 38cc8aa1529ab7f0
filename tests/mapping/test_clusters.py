"""Two workers and three web servers on one database at once, with people who all press Auto Sync now."""

import re
import socket
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
import requests
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from mapping import sync
from mapping.models import SyncRun, UserMapping

from .afterwards import assert_sound
from .conftest import Company
from .processes import RUNNING, Command, Start, until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

WEB_SERVERS, PEOPLE, PRESSES = 3, 6, 6


class Web:
    """A web server as an installation has it."""

    def __init__(self, start: Start) -> None:
        with socket.socket() as any_free:
            any_free.bind(("127.0.0.1", 0))
            self.site = f"http://127.0.0.1:{any_free.getsockname()[1]}"
        bind = self.site.removeprefix("http://")
        words = f"-m gunicorn presence_sync.wsgi --bind {bind} --threads 4 --no-control-socket".split()
        plain = "django.contrib.staticfiles.storage.StaticFilesStorage"
        self.server: Command = start(*words, SITE_URL=self.site, STATICFILES_BACKEND=plain)

    def is_ready(self) -> bool:
        try:
            return requests.get(f"{self.site}/readyz", timeout=10).ok
        except requests.ConnectionError:
            return False


class Person:
    """Somebody on the staff, signed in through the form."""

    def __init__(self, web: Web, name: str) -> None:
        self.web, self.session = web, requests.Session()
        page = self.session.get(f"{web.site}/admin/login/", timeout=30)
        self.session.headers["X-CSRFToken"] = re.findall(r'csrfmiddlewaretoken" value="(\w+)', page.text)[0]
        answer = self._post("/admin/login/?next=/admin/", {"username": name, "password": "s3cret"})
        assert answer.status_code == 302, answer.text

    def _post(self, path: str, form: dict[str, str]) -> requests.Response:
        return self.session.post(self.web.site + path, form, allow_redirects=False, timeout=60)

    def presses(self, company: Company) -> int:
        self.session.headers["X-CSRFToken"] = self.session.cookies["csrftoken"]
        return self._post(f"/admin/mapping/syncrun/start/{company.tenant.pk}/", {}).status_code

    def looks(self) -> int:
        return self.session.get(f"{self.web.site}/admin/mapping/syncrun/", timeout=60).status_code


@pytest.fixture
def people(start: Start) -> list[Person]:
    """Two of them at each web server."""
    sealed = PBKDF2PasswordHasher().encode("s3cret", "salt", 1000)
    for number in range(PEOPLE):
        get_user_model().objects.create(
            username=f"person{number}", password=sealed, is_staff=True, is_superuser=True
        )
    webs = [Web(start) for _ in range(WEB_SERVERS)]
    for web in webs:
        until(web.is_ready, what="the web server", of=web.server)
    return [Person(webs[number % WEB_SERVERS], f"person{number}") for number in range(PEOPLE)]


def test_two_workers_and_three_web_servers_at_once_double_nothing(
    start: Start, companies: list[Company], people: list[Person]
) -> None:
    workers = [start(Q_WORKERS=2), start(Q_WORKERS=2)]
    for worker in workers:
        worker.says(RUNNING)
    with ThreadPoolExecutor(PEOPLE) as crowd:
        statuses = [
            status for each in crowd.map(lambda who: storm(who, companies), people) for status in each
        ]
    assert set(statuses) == {200, 302}
    until(all_over, what="the runs to end", of=workers[0])
    assert {run.status for run in SyncRun.objects.all()} == {SyncRun.Status.SUCCEEDED}
    for company in companies:
        assert_one_after_the_other(company)
    assert_sound(*companies)
    assert [worker.process.poll() for worker in workers] == [None, None]


def storm(person: Person, companies: list[Company]) -> list[int]:
    return [
        answer
        for _ in range(PRESSES)
        for company in companies
        for answer in (person.presses(company), person.looks())
    ]


def all_over() -> bool:
    """Their second tries are not waited for: a minute or ten later."""
    SyncRun.objects.filter(status=SyncRun.Status.WAITING).update(not_before="2000-01-01T00:00Z")
    sync.tick()
    return not SyncRun.objects.exclude(status__in=SyncRun.OVER).exists()


def assert_one_after_the_other(company: Company) -> None:
    runs = list(SyncRun.objects.filter(tenant=company.tenant).order_by("pk"))
    assert all(earlier.finished_at <= later.started_at for earlier, later in pairwise(runs))
    assert runs and UserMapping.objects.filter(tenant=company.tenant).mapped().exists()
