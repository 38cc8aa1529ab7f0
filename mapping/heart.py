"""A sign of life that all processes of one worker share, so that a hung one can be told from a busy one."""

import time
from multiprocessing import Value
from typing import Any

_last_beat: Any = None


def start() -> None:
    """Called before the worker forks; elsewhere nobody listens. Without a lock: a process that is killed while
    it holds one would stop the heart of all others, and an aligned double is written in one go."""
    global _last_beat
    _last_beat = Value("d", time.time(), lock=False)


def beat() -> None:
    if _last_beat is not None:
        _last_beat.value = time.time()


def silent_for() -> float:
    """Seconds since the last beat; 0 where nobody listens."""
    return time.time() - _last_beat.value if _last_beat is not None else 0.0
