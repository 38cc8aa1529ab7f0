"""What everything stands on goes away under a living worker: the database, its lock, its disk, Redis. The run is
finished or says interrupted, nothing is doubled, and the next one is healthy."""

import resource
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from mapping.models import SyncRun

from ..conftest import GET_REDIS, IN_CI, answers
from .afterwards import (
    a_lease_later,
    ask,
    assert_recovered,
    assert_sound,
    ends_well,
    ends_well_there,
    is_reading,
    latest,
    reading,
)
from .conftest import Company
from .processes import RUNNING, Command, Doom, Start, database_url, descendants, until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

Status = SyncRun.Status


def left_in_the_middle(worker: Command) -> None:
    worker.says(r"was left in the middle")


def goes_on(worker: Command, start: Start) -> Command:
    """The same worker, or the one started in its place by whatever watches over it."""
    return worker if worker.process.poll() is None else start()


# --- the database is away -----------------------------------------------------------------------


@contextmanager
def no_database() -> Iterator[None]:
    """Everybody is thrown out of the test's own database on PostgreSQL, and nobody gets in."""
    name = connection.settings_dict["NAME"]
    server = database_url().rpartition("/")[0] + "/postgres"
    connection.close()
    with psycopg.connect(server, autocommit=True) as postgres:
        allow = f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS '
        postgres.execute(allow + "false")
        try:
            postgres.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
            yield
        finally:
            postgres.execute(allow + "true")


@pytest.mark.on("postgresql")
def test_a_database_that_went_away_in_the_middle_of_a_run_costs_that_run_alone(
    start: Start, company: Company
) -> None:
    reading(company)
    run = ask(company)
    worker = start(Q_WORKERS=2)
    until(lambda: is_reading(run), what="the reading", of=worker)
    with no_database():
        left_in_the_middle(worker)
        worker.says("Failed to pull task from broker")
    company.sandbox.faults.clear()
    a_lease_later(run)
    assert_recovered(run, ends_well(goes_on(worker, start)), company)


@pytest.mark.on("postgresql")
def test_a_worker_that_starts_without_a_database_ends_and_says_so(start: Start, company: Company) -> None:
    run = ask(company)
    with no_database():
        worker = start()
        assert worker.ends() == 1
    assert "not currently accepting connections" in worker.said and "Traceback" not in worker.said
    assert (ends_well(start()), latest().status) == (run, Status.SUCCEEDED)


# --- SQLite is locked ---------------------------------------------------------------------------

LOCK = """
import sqlite3, sys, time
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
time.sleep(float(sys.argv[2]))
database.execute("COMMIT")
"""


@contextmanager
def locked(seconds: float) -> Iterator[subprocess.Popen[str]]:
    """Another process holds SQLite's lock for so long."""
    argv = [sys.executable, "-c", LOCK, connection.settings_dict["NAME"], str(seconds)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout and holder.stdout.readline() == "locked\n"
        yield holder


@pytest.mark.on("sqlite")
def test_a_run_outlasts_another_process_that_locks_sqlite_for_long(start: Start, company: Company) -> None:
    """15 s: three times what Python's own patience with a lock would be."""
    reading(company)
    run = ask(company)
    worker = start()
    until(lambda: is_reading(run), what="the reading", of=worker)
    company.sandbox.faults.clear()
    with locked(15) as holder:
        assert holder.wait() == 0
    assert (ends_well(worker), latest().status) == (run, Status.SUCCEEDED)
    assert "database is locked" not in worker.said
    assert_sound(company)


@pytest.mark.on("sqlite")
def test_a_lock_longer_than_all_patience_costs_that_run_alone(
    start: Start, company: Company, doom: Doom
) -> None:
    reading(company)
    run = ask(company)
    worker = start(**doom.environment, SQLITE_PATIENCE=0.5)
    until(lambda: is_reading(run), what="the reading", of=worker)
    with locked(60) as holder:
        left_in_the_middle(worker)
        holder.kill()
    company.sandbox.faults.clear()
    a_lease_later(run)
    assert_recovered(run, ends_well(goes_on(worker, start)), company)


# --- the disk is full ---------------------------------------------------------------------------


def may_write(worker: Command, size: int) -> None:
    """No process of this worker may make a file longer than `size` bytes: to SQLite, the disk is full."""
    for pid in {worker.pid} | descendants(worker.pid):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@pytest.mark.on("sqlite")
def test_a_full_disk_leaves_the_map_as_it_was_and_the_next_run_completes(
    start: Start, company: Company
) -> None:
    company.run()
    before = company.users()
    reading(company)
    run = ask(company)
    worker = start()
    until(lambda: is_reading(run), what="the reading", of=worker)
    may_write(worker, 100_000)
    worker.says("disk I/O error|database or disk is full")
    left_in_the_middle(worker)
    assert company.users() == before
    may_write(worker, resource.RLIM_INFINITY)
    company.sandbox.faults.clear()
    a_lease_later(run)
    assert_recovered(run, ends_well(goes_on(worker, start)), company)


# --- Redis is away ------------------------------------------------------------------------------


class Redis:
    """A server of the test's own that keeps nothing on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as any_free:
            any_free.bind(("127.0.0.1", 0))
            self.port = any_free.getsockname()[1]
        self.environment = {"Q_BROKER_URL": f"redis://127.0.0.1:{self.port}/0"}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        words = f"--port {self.port} --bind 127.0.0.1 --appendonly no --dir {self.folder} --save".split()
        self.process = subprocess.Popen(["redis-server", *words, ""], stdout=subprocess.DEVNULL)
        until(lambda: answers(self.environment["Q_BROKER_URL"], self.port), what="Redis")

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    if not shutil.which("redis-server"):
        (pytest.fail if IN_CI else pytest.skip)(GET_REDIS)
    server = Redis(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.mark.redis
def test_a_redis_killed_and_started_empty_under_a_living_worker_loses_no_run(
    start: Start, company: Company, redis: Redis
) -> None:
    worker = start(**redis.environment)
    worker.says(RUNNING)
    redis.kill()
    asked = start("sync_users", "acme", "--retry-delay", "0", **redis.environment)
    assert asked.ends() == 0, asked.said
    worker.says("Failed to pull task from broker")
    redis.start()
    SyncRun.objects.update(ticketed_at=timezone.now().replace(year=2000))
    worker = goes_on(worker, lambda: start(**redis.environment))
    assert ends_well_there(start, **redis.environment).status == Status.SUCCEEDED
    assert_sound(company)


@pytest.mark.redis
def test_a_worker_that_starts_without_redis_ends_and_the_next_goes_on(
    start: Start, company: Company, redis: Redis
) -> None:
    redis.kill()
    assert start(**redis.environment).ends() == 1
    redis.start()
    start(**redis.environment).says(RUNNING)
    assert start("sync_users", "acme", "--retry-delay", "0", **redis.environment).ends() == 0
    assert ends_well_there(start, **redis.environment).status == Status.SUCCEEDED
