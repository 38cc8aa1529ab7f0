"""Secrets of an installation that was given none: made once, kept in a file only its owner reads."""

import os
import sys
from collections.abc import Callable
from pathlib import Path


def secret(name: str, *, folder: Path, make: Callable[[], str]) -> tuple[str, bool]:
    """The secret `name` and whether the environment gave it: NAME, else the file in NAME_FILE, else
    `folder`/name, which is made with mode 600 when it is not there."""
    if given := os.environ.get(name):
        return given, True
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path).read_text().strip(), True
    return kept(folder / name.lower(), make), False


def kept(path: Path, make: Callable[[], str]) -> str:
    """The content of `path`; the first of several processes to ask writes it, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(make())
        try:
            os.link(draft, path)
            print(f"Made {path} (mode 600): keep it with your backups.", file=sys.stderr)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
