"""What the worker's tests put into the queue; worker processes import it by name."""

import os
import time
from pathlib import Path


def leave_a_mark(path: str) -> None:
    Path(path).write_text(str(os.getpid()))


def wait_for_the_word(folder: str) -> None:
    """Says that it began, and goes on when `folder`/go is there; gives up after a minute."""
    here = Path(folder)
    (here / "begun").write_text(str(os.getpid()))
    give_up = time.monotonic() + 60
    while not (here / "go").exists() and time.monotonic() < give_up:
        time.sleep(0.02)
    (here / "ended").write_text("")


def fail(path: str) -> None:
    with Path(path).open("a") as file:
        file.write("failed\n")
    raise ValueError("as asked")
