"""The queue's worker: django-q2's Cluster, with safe signals, no ghosts, and an end when it hangs.

django-q2 stops from inside a signal handler (a second signal then deadlocks), leaves its children behind when it is
killed, and goes silent for ever when an idle worker is. So here: handlers only take a note; every child dies with its
parent; and a worker that hangs exits, so that whatever restarts it heals it. No work is lost by that: the truth
about a run is its row, and the tick delivers lost tickets again.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import signal
import sys
import threading
import time
from typing import Any

from django.conf import settings
from django.db import connections
from django_q.cluster import Cluster
from django_q.signals import pre_execute
from django_q.status import Stat

from . import heart, metronome

log = logging.getLogger(__name__)

STOPPED, GUARD_DIED, HUNG, STOP_TOOK_TOO_LONG = 0, 1, 2, 3
POLL_SECONDS = 0.5


class Worker(Cluster):  # type: ignore[misc]
    """`run` returns the exit code: 0 stopped as asked, 1 its guard died, 2 hung, 3 a task did not end in time."""

    def __init__(self) -> None:
        self.asked_to_stop = False
        self.stat_seen: float | None = None
        super().__init__()

    def sig_handler(self, signum: int, frame: object) -> None:
        self.asked_to_stop = True

    def run(self) -> int:
        heart.start()
        pre_execute.connect(_beat, dispatch_uid="heart")
        die_with_parent()
        connections.close_all()  # a forked child must not share our connection
        try:
            self.start()
        except RuntimeError:
            return GUARD_DIED
        threading.Thread(target=metronome.watch, args=(lambda: self.asked_to_stop,), daemon=True).start()
        while not self.asked_to_stop:
            time.sleep(POLL_SECONDS)
            if not self.sentinel.is_alive():
                log.error("The worker's guard died.")
                return GUARD_DIED
            if self.hangs():
                log.error(
                    "The worker hangs: tasks wait and nothing has moved for %.0f s.", heart.silent_for()
                )
                return HUNG
        return self.finish()

    def hangs(self) -> bool:
        """Tasks wait in memory while nothing moves, or the guard has stopped reporting at all. The reports come
        through the cache or Redis: while those are away, nothing is known and nobody is called hung."""
        now = time.monotonic()
        try:
            stat = Stat.get(pid=self.pid, cluster_id=self.cluster_id)
        except Exception as error:
            log.debug("No report from the guard: %s", error)
            self.stat_seen = None
            return False
        if stat.status != "Stopped":
            self.stat_seen = now
        limit = settings.Q_HANG_SECONDS
        guard_is_silent = self.stat_seen is not None and now - self.stat_seen > limit
        return guard_is_silent or bool(stat.task_q_size and heart.silent_for() > limit)

    def finish(self) -> int:
        """Let the tasks in hand end, up to Q_STOP_SECONDS. Event.set() may itself block when a child was
        killed while it held the event's lock, so it has a thread of its own."""
        log.info("Stopping: the tasks in hand are finished first.")
        threading.Thread(target=self.stop_event.set, daemon=True).start()
        self.sentinel.join(settings.Q_STOP_SECONDS)
        return STOP_TOOK_TOO_LONG if self.sentinel.is_alive() else STOPPED


def _beat(**_: Any) -> None:
    heart.beat()


def die_with_parent() -> None:
    """Every process forked from here on is killed by the kernel when the one that forked it dies (Linux), and has
    a group of its own, so that a signal to our group reaches us alone and we stop our children in order."""
    if not sys.platform.startswith("linux"):
        return
    forked_by: list[int] = []

    def remember() -> None:
        forked_by[:] = [os.getpid()]

    def bind() -> None:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        with contextlib.suppress(PermissionError):
            os.setpgid(0, 0)
        if os.getppid() != forked_by[0]:  # it died before we could ask
            os._exit(1)

    os.register_at_fork(before=remember, after_in_child=bind)
