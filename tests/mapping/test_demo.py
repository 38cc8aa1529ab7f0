"""The demo as a newcomer meets it: real processes on a folder of their own."""

import os
import re
import signal
import socket
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from mapping.management.commands._ports import free_port

from .processes import Command

pytestmark = pytest.mark.slow

Demo = Callable[..., Command]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """demo("--once") starts one, on the folder and the database of this test."""
    started: list[Command] = []
    place = {
        "DJANGO_SETTINGS_MODULE": "presence_sync.settings",
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{tmp_path / 'demo.sqlite3'}",
        "CACHE_URL": f"filecache://{tmp_path / 'cache'}",
        "STATICFILES_BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage",
        "SITE_URL": "http://127.0.0.1:8000",
        "LOG_LEVEL": "INFO",
        "PYTHONUNBUFFERED": "1",
        "COLUMNS": "120",
    }

    def start(*words: str) -> Command:
        log = tmp_path / f"demo{len(started)}.log"
        started.append(Command("demo", *words, env=os.environ | place, log=log))
        return started[-1]

    yield start
    for command in started:
        command.kill()


def rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(folder / "demo.sqlite3") as database:
        return database.execute(query).fetchall()


def test_once_syncs_both_tenants_and_prints_what_came_of_it(demo: Demo) -> None:
    once = demo("--once")
    assert once.ends(120) == 0, once.said
    assert re.search(r"Acme Support\s+│ succeeded │\s+\d{3}", once.said)
    assert re.search(r"Globex Care\s+│ succeeded │", once.said)
    assert "several accounts" in once.said.lower() or "accounts use" in once.said.lower(), once.said


def test_twice_is_harmless(demo: Demo, tmp_path: Path) -> None:
    assert demo("--once").ends(120) == 0
    passwords = {path.name: path.read_text() for path in tmp_path.glob("password_*")}
    again = demo("--once")
    assert again.ends(120) == 0, again.said
    assert rows(tmp_path, "SELECT count(*) FROM tenants_tenant") == [(2,)]
    assert rows(tmp_path, "SELECT count(*) FROM auth_user") == [(3,)]
    assert {path.name: path.read_text() for path in tmp_path.glob("password_*")} == passwords


def test_only_their_owner_reads_the_passwords(demo: Demo, tmp_path: Path) -> None:
    assert demo("--once").ends(120) == 0
    modes = {path.stat().st_mode & 0o777 for path in tmp_path.glob("password_*")}
    assert modes == {0o600}


def test_it_is_not_seeded_into_an_installation_with_tenants_of_its_own(demo: Demo, tmp_path: Path) -> None:
    assert demo("--once").ends(120) == 0
    for path in tmp_path.glob("password_*"):
        path.unlink()
    refused = demo("--once")
    assert refused.ends() == 1
    assert "not the demo's" in refused.said


def test_it_serves_a_synced_admin_until_it_is_asked_to_stop(demo: Demo, tmp_path: Path) -> None:
    """With both ports taken, the next ones serve; a second demo on the same data is refused."""
    with socket.socket() as web, socket.socket() as box:
        taken = [_take(web), _take(box)]
        served = demo("--port", str(taken[0]), "--sandbox-port", str(taken[1]))
        served.says(r"Presence Sync: (http\S+)")
    assert f"Port {taken[0]} is taken" in served.said and f"Port {taken[1]} is taken" in served.said
    [address] = re.findall(r"Presence Sync: (http\S+)", served.said)
    with urlopen(address) as page:
        assert page.status == 200 and "csrfmiddlewaretoken" in page.read().decode()
    assert rows(tmp_path, "SELECT count(*) > 200 FROM mapping_usermapping WHERE account_id IS NOT NULL") == [
        (1,)
    ]
    second = demo()
    assert second.ends() == 1 and "running on this data already" in second.said
    served.send(signal.SIGINT)
    assert served.ends() == 0, served.said
    served.leaves_nobody_behind()


def _take(listener: socket.socket) -> int:
    """A port in use, whose successor is most likely free."""
    port = free_port(20_000 + os.getpid() % 20_000)
    assert port
    listener.bind(("127.0.0.1", port))
    listener.listen()
    return port


def test_it_ends_when_a_part_is_lost_for_good_and_restarts_a_killed_worker(demo: Demo) -> None:
    served = demo("--port", "31000", "--sandbox-port", "32000")
    served.says("Ctrl-C stops everything")
    os.kill(_part(served, "run_worker"), signal.SIGKILL)
    served.says("worker has ended .* starting it again")
    served.send(signal.SIGCONT)  # remembers who is there
    os.kill(_part(served, "sandbox"), signal.SIGKILL)
    assert served.ends() == 1
    assert "sandbox has ended" in served.said
    served.leaves_nobody_behind()


def _part(served: Command, name: str) -> int:
    """The process of this part of the demo."""
    children = Path(f"/proc/{served.pid}/task/{served.pid}/children").read_text().split()
    [part] = [pid for pid in children if name in Path(f"/proc/{pid}/cmdline").read_text().split("\0")]
    return int(part)
