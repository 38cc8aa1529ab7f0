"""What holds for every test: nothing leaves this machine, nothing is kept in the checkout, nothing skips in CI.
The environment is made in tests/settings.py, which is read before this."""

import os
import socket
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

IN_CI = os.environ.get("CI") == "true"
LOOPBACK = ("127.", "::1", "localhost")

POSTGRES_URL = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/9")
GET_POSTGRES = "PostgreSQL does not answer: apt-get install postgresql, or set TEST_POSTGRES_URL=postgres://…"
GET_REDIS = "Redis does not answer: apt-get install redis-server, or set TEST_REDIS_URL=redis://…"

TOUCHES_THE_DATABASE = {"db", "transactional_db", "django_db_reset_sequences", "live_server"}


def pytest_configure(config: pytest.Config) -> None:
    """A run on PostgreSQL where there is none is left out, with the line that helps; in CI it fails."""
    url = os.environ.get("DATABASE_URL", "")
    if url.startswith("postgres") and not hasattr(config, "workerinput") and not answers(url, 5432):
        pytest.exit(f"Left out. {GET_POSTGRES}", returncode=1 if IN_CI else 0)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    elsewhere = [item for item in items if _is_of_another_database(item)]
    config.hook.pytest_deselected(items=elsewhere)
    items[:] = [item for item in items if item not in elsewhere]
    for item in items:
        if item.get_closest_marker("django_db") or TOUCHES_THE_DATABASE & set(
            getattr(item, "fixturenames", ())
        ):
            item.add_marker("database")


def _is_of_another_database(item: pytest.Item) -> bool:
    from django.db import connection

    mark = item.get_closest_marker("on")
    return mark is not None and mark.args != (connection.vendor,)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if IN_CI and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if IN_CI and terminalreporter.stats.get("skipped"):
        terminalreporter.write_line("In CI nothing may skip.", red=True)


@pytest.fixture(autouse=True)
def nothing_leaves_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def guarded(connect: Callable[..., Any]) -> Callable[..., Any]:
        def to(self: socket.socket, address: Any) -> Any:
            if isinstance(address, tuple) and not str(address[0]).startswith(LOOPBACK):
                raise AssertionError(f"A test tried to reach {address[0]}.")
            return connect(self, address)

        return to

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))


@pytest.fixture(autouse=True)
def _clean_cache() -> Iterator[None]:
    yield
    from django.core.cache import cache

    cache.clear()


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """A PostgreSQL server on which databases may be made. A test that wants it is marked postgres."""
    return _service(POSTGRES_URL, 5432, GET_POSTGRES)


@pytest.fixture(scope="session")
def redis_url() -> str:
    """A Redis of which a test uses its own keys only. A test that wants it is marked redis."""
    return _service(REDIS_URL, 6379, GET_REDIS)


def _service(url: str, port: int, how: str) -> str:
    if not answers(url, port):
        (pytest.fail if IN_CI else pytest.skip)(how)
    return url


def answers(url: str, port: int) -> bool:
    where = urlsplit(url)
    try:
        socket.create_connection((where.hostname or "127.0.0.1", where.port or port), timeout=2).close()
    except OSError:
        return False
    return True
