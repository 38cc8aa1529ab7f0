"""The requests the sandbox has seen, for tests to count and for the page to show. Credentials are not
kept.
"""

import threading
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

_KEPT = 100_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One request and how it ended. `fault` names the kind that spoilt it; `world` is "" for the
    unauthenticated.
    """

    time: float
    world: str
    side: str
    method: str
    path: str
    query: dict[str, list[str]]
    body: Any
    status: int
    fault: str = ""


class Log:
    """The last 100,000 requests, oldest first. Form bodies and token requests are logged without their
    body.
    """

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_KEPT)
        self._lock = threading.Lock()

    def add(self, entry: Entry) -> None:
        with self._lock:
            self._entries.append(entry)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Any:
        with self._lock:
            return iter(list(self._entries))

    def calls(
        self,
        *,
        path: str = "",
        side: str = "",
        world: str = "",
        method: str = "",
        status: int = 0,
    ) -> list[Entry]:
        """Entries whose path contains `path` and whose other fields equal what is given."""
        return [
            entry
            for entry in self
            if path in entry.path
            and side in ("", entry.side)
            and world in ("", entry.world)
            and method in ("", entry.method)
            and status in (0, entry.status)
        ]

    def last(self, count: int) -> list[Entry]:
        return list(self)[-count:]

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()


def as_json(entry: Entry) -> dict[str, Any]:
    return asdict(entry)
