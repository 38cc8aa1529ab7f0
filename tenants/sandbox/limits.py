"""RingCentral's usage groups: a sliding minute per user, app and group, and a penalty that an impatient call
restarts.

https://developers.ringcentral.com/guide/basics/rate-limits
"""

import math
import threading
from collections import deque
from dataclasses import dataclass

PER_MINUTE = {"light": 50, "medium": 40, "heavy": 10, "auth": 5}
WINDOW = 60.0
PENALTY = 60.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a call may pass; the headers go on every answer."""

    allowed: bool
    headers: list[tuple[str, str]]


class Limits:
    """Counts calls per (user and app, group)."""

    def __init__(self) -> None:
        self._calls: dict[tuple[str, str], deque[float]] = {}
        self._penalty_until: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def spend(self, who: str, group: str, now: float, factor: float = 1.0) -> Verdict:
        budget = max(1, int(PER_MINUTE[group] * factor))
        key = (who, group)
        with self._lock:
            calls = self._calls.setdefault(key, deque())
            while calls and calls[0] <= now - WINDOW:
                calls.popleft()
            if now < self._penalty_until.get(key, 0.0) or len(calls) >= budget:
                # "A call sent during the penalty restarts it", and so does the one that exceeds the budget.
                self._penalty_until[key] = now + PENALTY
                headers = self._headers(group, budget, 0)
                return Verdict(False, [*headers, ("Retry-After", str(math.ceil(PENALTY)))])
            calls.append(now)
            return Verdict(True, self._headers(group, budget, budget - len(calls)))

    def clear(self) -> None:
        with self._lock:
            self._calls.clear()
            self._penalty_until.clear()

    @staticmethod
    def _headers(group: str, budget: int, remaining: int) -> list[tuple[str, str]]:
        return [
            ("X-Rate-Limit-Group", group),
            ("X-Rate-Limit-Limit", str(budget)),
            ("X-Rate-Limit-Remaining", str(remaining)),
            ("X-Rate-Limit-Window", str(int(WINDOW))),
        ]
