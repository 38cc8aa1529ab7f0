"""manage.py run_worker: work on what is queued until asked to stop.

Exit codes: 0 stopped as asked; 1 its guard died; 2 it hung; 3 a task did not end in time. Run it under something that
starts it again: `manage.py serve`, systemd (Restart=always, KillMode=mixed), a container's restart policy.
"""

import logging
import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from mapping.metronome import ensure_tick
from mapping.worker import GUARD_DIED, STOPPED, Worker

log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Work on queued runs until asked to stop (SIGTERM or Ctrl-C finishes what is in hand). "
        "Exit codes: 0 stopped as asked, 1 its guard died, 2 it hung, 3 a task did not end in time."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            ensure_tick()
        except DatabaseError as error:
            raise CommandError(
                f"The database is not ready ({error}). Run “manage.py migrate” first."
            ) from error
        try:
            code = Worker().run()
        except Exception:
            log.exception("The worker failed by a fault of ours.")
            code = GUARD_DIED
        if code != STOPPED:
            # The children die with us; waiting for them, as a normal exit does, could take for ever.
            logging.shutdown()
            sys.stderr.flush()
            os._exit(code)
