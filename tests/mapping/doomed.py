"""The settings as they are, for a worker whose process at work dies, as by kill -9, at a statement of our choice.

The file that DOOM names holds a phase and a number: so many statements about our own rows after a run has entered
that phase, the process kills itself, in the middle of a transaction if there is one. The file is gone then, so that it
dies once; with DOOM_AGAIN it stays.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db.backends.signals import connection_created

from presence_sync.settings import *  # noqa: F403
from presence_sync.settings import DATABASES, Q_CLUSTER

FILE = Path(os.environ["DOOM"])
Q_CLUSTER["timeout"] = int(os.environ.get("Q_TIMEOUT", Q_CLUSTER["timeout"]))
if "SQLITE_PATIENCE" in os.environ and "OPTIONS" in DATABASES["default"]:
    DATABASES["default"]["OPTIONS"]["timeout"] = float(os.environ["SQLITE_PATIENCE"])


class Doom:
    """Counts statements from the one with which a run enters the phase."""

    def __init__(self) -> None:
        self.left: int | None = None

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if self.left is not None:
            self.left -= '"mapping_' in sql
        elif FILE.exists():
            phase, statements = FILE.read_text().split()
            if enters(phase, sql, params):
                self.left = int(statements)
        if self.left == 0:
            if "DOOM_AGAIN" not in os.environ:
                FILE.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return result


def enters(phase: str, sql: str, params: Any) -> bool:
    if phase == "login":  # the lock of the first sign-in is taken
        return sql.startswith('UPDATE "tenants_accesstoken" SET "locked_by"')
    if not sql.startswith('UPDATE "mapping_syncrun" SET'):
        return False
    if phase == "cxone":  # a run is claimed for its first phase
        return '"started_at" = COALESCE' in sql
    return '"phase" = ' in sql and phase in (params or ())


def doom(connection: Any, **_: object) -> None:
    if not any(isinstance(wrapper, Doom) for wrapper in connection.execute_wrappers):
        connection.execute_wrappers.append(Doom())


connection_created.connect(doom, weak=False, dispatch_uid="doom")
