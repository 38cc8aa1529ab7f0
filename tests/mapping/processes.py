"""Real processes on the test's own database: starting them, reading what they say, and counting who survives."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import connection, connections
from django_q.models import Schedule

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0
READY = r"ready for work at (\d+)"
RUNNING = r"Q Cluster .* running"
TICK = ("shell", "-c", "from mapping import sync; sync.tick()")
"""What the queue calls once a minute, called now, by a process that has the same settings as the worker."""


def until(
    condition: Callable[[], object], *, what: str, of: "Command | None" = None, seconds: float = PATIENCE
) -> None:
    """Wait for a condition, never for a time. In vain, what `of` said last is shown."""
    give_up = time.monotonic() + seconds
    while not condition():
        said = f"\n{of.said[-3000:]}" if of else ""
        assert time.monotonic() < give_up, f"Waited {seconds:.0f} s in vain: {what}.{said}"
        time.sleep(0.02)


def database_url() -> str:
    """The test's own database, as DATABASE_URL for another process."""
    known = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{known['NAME']}"
    who = known["USER"] + (f":{known['PASSWORD']}" if known["PASSWORD"] else "")
    return f"postgres://{who}@{known['HOST']}:{known['PORT'] or 5432}/{known['NAME']}"


def environment(folder: Path, **more: object) -> dict[str, str]:
    """Of a process that is one of this installation's: same database, same keys, a cache of its own."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "presence_sync.settings",
        "DATA_DIR": str(folder),
        "DATABASE_URL": database_url(),
        "CACHE_URL": f"filecache://{folder / 'cache'}",
        "SECRET_KEY": settings.SECRET_KEY,
        "CREDENTIAL_KEYS": ",".join(settings.CREDENTIAL_KEYS),
        "LOG_LEVEL": "INFO",
        "PYTHONUNBUFFERED": "1",
        **{name: str(value) for name, value in more.items()},
    }


class Command:
    """`manage.py …` or, after "-m", a module, started. `said` is everything it and its children printed so far."""

    def __init__(self, *words: str, env: dict[str, str], log: Path) -> None:
        self.log = log
        what = words if words[0] == "-m" else (str(ROOT / "manage.py"), *words)
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                [sys.executable, *what],
                cwd=ROOT,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.everybody: set[int] = {self.process.pid}

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def says(self, pattern: str, *, times: int = 1) -> None:
        until(
            lambda: len(re.findall(pattern, self.said)) >= times or self.process.poll() is not None,
            what=f"“{pattern}”",
            of=self,
        )
        assert len(re.findall(pattern, self.said)) >= times, self.said

    def pids(self, pattern: str) -> list[int]:
        """The processes that named themselves in the log, e.g. r"ready for work at (\\d+)"."""
        return [int(pid) for pid in re.findall(pattern, self.said)]

    def send(self, number: signal.Signals) -> None:
        self.everybody |= descendants(self.pid)
        os.kill(self.pid, number)

    def ends(self, seconds: float = PATIENCE) -> int:
        self.everybody |= descendants(self.pid)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"It did not end:\n{self.said[-3000:]}") from None

    def leaves_nobody_behind(self) -> None:
        until(lambda: not any(map(lives, self.everybody)), what="its processes to die", seconds=15)

    def kill(self) -> None:
        """For the end of a test, whatever happened."""
        for pid in self.everybody | descendants(self.pid):
            if lives(pid):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


def descendants(pid: int) -> set[int]:
    """All processes below `pid`, from /proc."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        if stat := _stat(int(folder.name)):
            children.setdefault(int(stat[1]), []).append(int(folder.name))
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        for child in children.get(waiting.pop(), []):
            found.add(child)
            waiting.append(child)
    return found


def lives(pid: int) -> bool:
    stat = _stat(pid)
    return stat is not None and stat[0] != "Z"


def _stat(pid: int) -> list[str] | None:
    """[state, parent, …]"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


Start = Callable[..., Command]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """start(NAME=value, …) starts a worker with that environment, start("command", …) something else. Whatever is
    left of it is killed in the end."""
    started: list[Command] = []

    def start(*words: str, **more: object) -> Command:
        log = tmp_path / f"worker{len(started)}.log"
        env = environment(tmp_path, **{"Q_WORKERS": 1} | more)
        started.append(Command(*words or ("run_worker",), env=env, log=log))
        return started[-1]

    ContentType.objects.get_for_model(Schedule)
    yield start
    for command in started:
        command.kill()
    connections.close_all()


class Doom:
    """A worker with this `environment` loses its process at work where the test says; see doomed.py. Its runs come in
    many small steps."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.environment = {
            "DJANGO_SETTINGS_MODULE": "tests.mapping.doomed",
            "DOOM": file,
            "SYNC_BATCH_SIZE": 20,
        }

    def at(self, phase: str, statements: int) -> None:
        self.file.write_text(f"{phase} {statements}")

    def has_struck(self, worker: Command) -> None:
        until(lambda: not self.file.exists(), what="the process to die", of=worker)


@pytest.fixture
def doom(tmp_path: Path) -> Doom:
    return Doom(tmp_path / "doom")
