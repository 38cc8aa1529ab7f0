"""What happens to a run in the middle: its worker dies, or somebody does something meanwhile."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from mapping.sync.lease import Lease


class Killed(BaseException):
    """What kill -9 is to a process: nothing of ours gets to clean up."""


@contextmanager
def killed(moment: int) -> Iterator[None]:
    """The worker dies in the middle of its `moment`-th step, and what it had not committed is lost."""
    keep, steps = Lease.keep, iter(range(1, 1_000_000))

    def dies(lease: Lease, **progress: Any) -> None:
        keep(lease, **progress)
        if next(steps) == moment:
            raise Killed

    Lease.keep = dies
    try:
        yield
    except Killed:
        pass
    finally:
        Lease.keep = keep


@contextmanager
def meanwhile(moment: int | str, happens: Callable[[], object]) -> Iterator[None]:
    """Something happens before a run enters a phase, or at the `moment`-th pause between two pages or batches."""
    pause, keep, steps = Lease.pause_when_due, Lease.keep, iter(range(1, 1_000_000))

    def paused(lease: Lease) -> None:
        if next(steps) == moment:
            happens()
        pause(lease)

    def kept(lease: Lease, **progress: Any) -> None:
        if progress.get("phase") == moment:
            happens()
        keep(lease, **progress)

    Lease.pause_when_due, Lease.keep = paused, kept
    try:
        yield
    finally:
        Lease.pause_when_due, Lease.keep = pause, keep
