"""One run of Auto Sync: claim, read, match, plan, apply, try again, report. The only place where all meet.

`request` asks for a run, `execute` works on one for a slice, `run_here` works one off in this process,
and `tick` keeps all of them going. Each of them may be called twice, or by two processes at once, without harm.
"""

from .dispatch import AlreadyRunning, apply_held, discard, request, tick
from .work import execute, run_here

__all__ = ["AlreadyRunning", "apply_held", "discard", "execute", "request", "run_here", "tick"]
