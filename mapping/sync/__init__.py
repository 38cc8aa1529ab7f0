"""One run of Auto Sync: claim, read, match, plan, brake, apply, try again, report. The only place where all meet.

`request` asks for a run, `execute` works on one for a slice, `run_here` works one off in this process, `apply_held`,
`discard` and `cancel` are what a person decides about one, and `tick` keeps all of them going. Each of them may be
called twice, or by two processes at once, without harm.
"""

from .dispatch import request, retry_failed
from .end import NotApproved, apply_held, cancel, discard
from .lease import AlreadyRunning
from .tick import tick
from .work import execute, run_here

__all__ = [
    "AlreadyRunning",
    "NotApproved",
    "apply_held",
    "cancel",
    "discard",
    "execute",
    "request",
    "retry_failed",
    "run_here",
    "tick",
]
