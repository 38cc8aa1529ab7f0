"""The worker as a process among processes: what it finishes, what it leaves behind, and how it comes back."""

import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone
from django_q.models import OrmQ, Schedule
from django_q.signals import post_execute, post_execute_in_worker
from django_q.tasks import async_task

from mapping import sync
from mapping.metronome import ensure_tick, tick_when_late
from mapping.models import SyncRun

from .afterwards import status
from .conftest import Company
from .processes import READY, RUNNING, Command, Start, until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def ask(path: Path) -> None:
    async_task("tests.mapping.queued.leave_a_mark", str(path))


def busy(start: Start, folder: Path, **more: object) -> Command:
    """A worker in the middle of a task."""
    async_task("tests.mapping.queued.wait_for_the_word", str(folder))
    worker = start(**more)
    until((folder / "begun").exists, what="the task to begin", of=worker)
    return worker


def test_a_ticket_is_worked_off_and_leaves_the_queue(start: Start, tmp_path: Path) -> None:
    ask(tmp_path / "mark")
    worker = start()
    until((tmp_path / "mark").exists, what="the task")
    until(lambda: not OrmQ.objects.filter(payload__isnull=False).exists(), what="the receipt")
    worker.send(signal.SIGTERM)
    assert worker.ends() == 0
    worker.leaves_nobody_behind()


@pytest.mark.parametrize(
    "signals",
    [[signal.SIGTERM], [signal.SIGTERM] * 3, [signal.SIGINT], [signal.SIGINT, signal.SIGTERM]],
    ids=["SIGTERM", "three SIGTERMs", "Ctrl-C", "Ctrl-C and SIGTERM"],
)
def test_a_signal_lets_the_task_in_hand_end(
    start: Start, tmp_path: Path, signals: list[signal.Signals]
) -> None:
    worker = busy(start, tmp_path)
    for number in signals:
        worker.send(number)
    worker.says("the tasks in hand are finished first")
    (tmp_path / "go").touch()
    assert worker.ends() == 0, worker.said
    assert (tmp_path / "ended").exists()
    worker.leaves_nobody_behind()


def test_a_signal_to_the_whole_group_lets_the_task_end_too(start: Start, tmp_path: Path) -> None:
    worker = busy(start, tmp_path)
    os.killpg(worker.pid, signal.SIGTERM)
    worker.says("the tasks in hand are finished first")
    (tmp_path / "go").touch()
    assert worker.ends() == 0
    assert (tmp_path / "ended").exists()


def test_a_task_that_does_not_end_in_time_ends_with_the_worker(start: Start, tmp_path: Path) -> None:
    worker = busy(start, tmp_path, Q_STOP_SECONDS=1)
    worker.send(signal.SIGTERM)
    assert worker.ends() == 3, worker.said
    worker.leaves_nobody_behind()


def test_a_killed_worker_leaves_no_ghosts(start: Start, tmp_path: Path) -> None:
    worker = busy(start, tmp_path, Q_WORKERS=2)
    worker.send(signal.SIGKILL)
    assert worker.ends() == -signal.SIGKILL
    worker.leaves_nobody_behind()


def test_a_worker_whose_guard_is_killed_ends_with_an_error_and_leaves_nobody(
    start: Start, tmp_path: Path
) -> None:
    worker = busy(start, tmp_path)
    [guard] = direct_children(worker)
    worker.send(signal.SIGCONT)  # remembers who is there
    os.kill(guard, signal.SIGKILL)
    assert worker.ends() == 1, worker.said
    worker.leaves_nobody_behind()


def direct_children(worker: Command) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()]


def test_killed_idle_processes_heal_or_end_the_worker_and_the_next_one_goes_on(
    start: Start, tmp_path: Path
) -> None:
    """They die while they hold the lock of the queue, so that their successors wait for ever: django-q2's old fault."""
    worker = start(Q_WORKERS=2, Q_HANG_SECONDS=3)
    worker.says(READY, times=2)
    worker.says("pushing tasks at")
    for pid in worker.pids(READY):
        os.kill(pid, signal.SIGKILL)
    for number in range(4):
        ask(tmp_path / f"mark{number}")
    done = lambda: all((tmp_path / f"mark{number}").exists() for number in range(4))  # noqa: E731
    until(lambda: done() or worker.process.poll() is not None, what="either", of=worker)
    if not done():
        assert worker.ends() == 2, worker.said
        worker.leaves_nobody_behind()
    start()
    ask(tmp_path / "later")
    until((tmp_path / "later").exists, what="the next worker to go on")


def test_a_busy_worker_is_not_taken_for_a_hung_one(start: Start, tmp_path: Path, company: Company) -> None:
    """A run longer than the limit, with another ticket waiting behind it, beats all the time."""
    company.sandbox.faults.arm("slow", side="ringcentral", path="extension", times="always", value=1)
    company.sandbox.ringcentral_page = 40
    run = sync.request(company.tenant, trigger=SyncRun.Trigger.HAND)
    for number in range(3):
        ask(tmp_path / f"mark{number}")
    worker = start(Q_HANG_SECONDS=3)
    until(lambda: status(run) == SyncRun.Status.WAITING, what="the run", of=worker)
    until((tmp_path / "mark2").exists, what="what waited behind it")
    assert worker.process.poll() is None


def test_two_workers_that_start_at_once_make_one_tick(start: Start) -> None:
    workers = [start(), start()]
    for worker in workers:
        worker.says(RUNNING)
    assert Schedule.objects.count() == 1


def test_the_tick_is_exactly_what_the_code_says() -> None:
    ContentType.objects.get_for_model(Schedule)
    for _ in range(2):
        Schedule.objects.create(name="tick", func="os.getcwd", schedule_type=Schedule.YEARLY, repeats=3)
    ensure_tick()
    ensure_tick()
    [tick] = Schedule.objects.all()
    kept = (tick.func, tick.schedule_type, tick.minutes, tick.repeats, tick.args, tick.hook)
    assert kept == ("mapping.tasks.tick", Schedule.MINUTES, 1, -1, None, None)


def test_schedules_that_are_not_ours_are_left_alone_and_told_of(caplog: pytest.LogCaptureFixture) -> None:
    ContentType.objects.get_for_model(Schedule)
    Schedule.objects.create(name="another", func="math.sqrt", schedule_type=Schedule.YEARLY)
    with caplog.at_level("WARNING"):
        ensure_tick()
    assert Schedule.objects.count() == 2
    assert "not ours" in caplog.text


def without_ticket(company: Company) -> SyncRun:
    hour = timedelta(hours=1)
    return sync.request(company.tenant, trigger=SyncRun.Trigger.HAND, ticket=False, retry_delay=hour)


def test_a_worker_ticks_as_soon_as_it_starts(start: Start, company: Company) -> None:
    run = without_ticket(company)
    worker = start()
    until(lambda: status(run) == SyncRun.Status.WAITING, what="the tick", of=worker, seconds=20)


def test_the_worker_ticks_again_by_schedule_and_delivers_a_lost_ticket(
    start: Start, company: Company
) -> None:
    worker = start()
    worker.says("Processed 'mapping.tasks.tick'")
    run = without_ticket(company)
    until(lambda: status(run) == SyncRun.Status.WAITING, what="the tick", of=worker, seconds=100)


def test_a_broken_schedule_of_somebody_else_does_not_stop_the_tick(start: Start, company: Company) -> None:
    """django-q2 reads all schedules in one transaction: one that it cannot read stops them all."""
    Schedule.objects.create(
        name="broken", func="math.sqrt", args="not a literal", next_run="2000-01-01T00:00Z"
    )
    worker = start()
    worker.says("Processed 'mapping.tasks.tick'")
    run = without_ticket(company)
    Schedule.objects.filter(name="tick").update(next_run=timezone.now() - timedelta(minutes=3))
    until(lambda: status(run) == SyncRun.Status.WAITING, what="the tick", of=worker, seconds=25)
    assert "The tick was late" in worker.said


def test_of_two_workers_one_sees_to_a_late_tick() -> None:
    ContentType.objects.get_for_model(Schedule)
    ensure_tick()
    assert not tick_when_late()
    Schedule.objects.update(next_run=timezone.now() - timedelta(minutes=3))
    assert [tick_when_late(), tick_when_late()] == [True, False]


def test_a_task_that_raises_is_not_delivered_again(start: Start, tmp_path: Path) -> None:
    """django-q2 would by default, for ever; what is to be tried again is our own tick's to say."""
    async_task("tests.mapping.queued.fail", str(tmp_path / "mark"))
    worker = start()
    worker.says("Failed 'tests.mapping.queued.fail'")
    until(lambda: not OrmQ.objects.filter(lock__isnull=False).exists(), what="the receipt", of=worker)
    assert (tmp_path / "mark").read_text() == "failed\n"


def test_nothing_of_ours_runs_where_a_kill_would_stop_the_guard() -> None:
    """A process killed in one of these receivers takes a lock of the whole worker with it."""
    assert not post_execute_in_worker.receivers and not post_execute.receivers


@pytest.mark.redis
def test_a_run_comes_through_redis_too(
    start: Start, company: Company, redis_url: str, tmp_path: Path
) -> None:
    through = {"Q_BROKER_URL": redis_url, "Q_NAME": f"test-{tmp_path.parent.name}-{tmp_path.name}"}
    worker = start(**through)
    worker.says(RUNNING)
    assert start("sync_users", "acme", "--retry-delay", "3600", **through).ends() == 0
    until(lambda: status(SyncRun.objects.get()) == SyncRun.Status.WAITING, what="the run", of=worker)
    worker.send(signal.SIGTERM)
    assert worker.ends() == 0
