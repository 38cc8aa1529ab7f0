"""Several commands as one: started together, their lines prefixed, started again when they end unasked, and stopped
together when asked or when one of them is lost for good. Knows nothing of what they do."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STOP_SECONDS = 90.0
STEADY_SECONDS = 60.0
"""A part that ran for so long has recovered: what went wrong before is no longer counted."""

_libc: Any = ctypes.CDLL(None) if sys.platform.startswith("linux") else None


@dataclass
class Part:
    """One command. It may fail `restarts` times in a row; `environment` is added to ours."""

    name: str
    argv: list[str]
    restarts: int = 5
    environment: dict[str, str] = field(default_factory=dict)
    failures: int = 0
    started_at: float = 0.0
    process: subprocess.Popen[str] | None = None
    relay: threading.Thread | None = None

    def start(self) -> None:
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(
            self.argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=os.environ | {"PYTHONUNBUFFERED": "1"} | self.environment,
            start_new_session=True,  # Ctrl-C reaches us alone, and we stop them in order
            preexec_fn=_die_with_parent if _libc else None,  # calls C only, takes no lock
        )
        self.relay = threading.Thread(target=self._relay, args=(self.process,), daemon=True)
        self.relay.start()

    def _relay(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout
        for line in process.stdout:
            sys.stdout.write(f"{self.name:>7} │ {line.rstrip()}\n")
            sys.stdout.flush()

    def ended(self) -> int | None:
        """The exit code of a part that ended, negative for a signal; None while it runs."""
        return self.process.poll() if self.process else None

    def may_start_again(self) -> bool:
        if time.monotonic() - self.started_at > STEADY_SECONDS:
            self.failures = 0
        self.failures += 1
        return self.failures <= self.restarts

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()

    def end(self) -> None:
        """Kill what is left of it, and let its last lines be heard."""
        if self.process is None or self.relay is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.relay.join(1)


def _die_with_parent() -> None:
    _libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: a killed supervisor leaves nobody behind


class Supervisor:
    """Use it as a context manager: however the block is left, its parts are stopped, the last one first."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self.parts: list[Part] = []
        self.say = say
        self.signals = 0
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, *_: object) -> None:
        """One after the other: what a part still needs in order to end well stays until it has ended."""
        self.say("Stopping; what is in hand is finished first. Ctrl-C again stops at once.")
        until = time.monotonic() + STOP_SECONDS
        for part in reversed(self.parts):
            part.stop()
            while part.ended() is None and time.monotonic() < until and self.signals < 2:
                time.sleep(0.05)
            part.end()

    @property
    def asked_to_stop(self) -> bool:
        return self.signals > 0

    def _note(self, number: int, frame: object) -> None:
        self.signals += 1

    def start(self, part: Part) -> None:
        part.start()
        self.parts.append(part)

    def look(self) -> bool:
        """Start again what ended. False when it is time to stop: asked to, or a part is lost for good."""
        for part in self.parts:
            if self.asked_to_stop:
                return False
            code = part.ended()
            if code is None:
                continue
            if not part.may_start_again():
                self.say(f"{part.name} has ended (exit code {code}) and is not started again.")
                return False
            self.say(f"{part.name} has ended (exit code {code}); starting it again.")
            self._pause(part.failures - 1)
            part.start()
        return not self.asked_to_stop

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.asked_to_stop:
            time.sleep(0.1)

    def watch(self) -> int:
        """Look after the parts until it is time to stop. The exit code: 0 when asked to stop, else 1."""
        while self.look():
            time.sleep(0.2)
        return 0 if self.asked_to_stop else 1


def server_parts(address: str) -> list[Part]:
    """The web server at `address` (host:port) and one worker."""
    manage = [sys.executable, sys.argv[0]]
    web = [sys.executable, "-m", "gunicorn", "presence_sync.wsgi", "--bind", address, "--threads", "8"]
    return [
        Part("worker", [*manage, "run_worker"]),
        Part("web", [*web, "--worker-tmp-dir", _shared_memory(), "--no-control-socket"]),
    ]


def _shared_memory() -> str:
    """Where gunicorn's heartbeat file does not wait for a disk."""
    memory = Path("/dev/shm")  # noqa: S108
    return str(memory) if memory.is_dir() else tempfile.gettempdir()
