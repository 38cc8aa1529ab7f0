"""How fast we may go: Retry-After in all its spellings, and a limiter per rate-limit group.

Nothing here sleeps; it only says for how long one would have to.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

DEFAULT_WINDOW = 60.0
_SECONDS = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*(?:s|secs?|seconds?)?", re.IGNORECASE)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that the answer asks us to wait, None when it does not say. A date counts from the answer's
    own Date header, because the two clocks need not agree; from `now` (epoch seconds) without one."""
    value = headers.get("Retry-After", "").strip()
    if match := _SECONDS.fullmatch(value):
        return float(match[1])
    until = _moment(value)
    if until is None:
        return None
    start = _moment(headers.get("Date", ""))
    return max(0.0, until - (now if start is None else start))


def _moment(text: str) -> float | None:
    """Epoch seconds of an HTTP or ISO date, without a zone read as UTC."""
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = read(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


class Limiter:
    """Knows until when a rate-limit group is spent, from the X-Rate-Limit headers of its answers.

    Groups are named by the caller ("medium"), and learned: when answers to that name carry another group in
    their headers, that one counts, because "group names may change":
    https://developers.ringcentral.com/guide/basics/rate-limits
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._group_of: dict[str, str] = {}
        self._free_at: dict[str, float] = {}

    def wait_for(self, name: str) -> float:
        """Seconds until a call of this group may be sent."""
        return max(0.0, self._free_at.get(self._group(name), 0.0) - self._clock())

    def heard(self, name: str, headers: Mapping[str, str]) -> None:
        """Learn from an answer. Remaining 0 closes the group for its window."""
        if group := headers.get("X-Rate-Limit-Group", "").strip().casefold():
            self._group_of[name] = group
        if _number(headers.get("X-Rate-Limit-Remaining")) == 0:
            window = _number(headers.get("X-Rate-Limit-Window"))
            self.close(name, DEFAULT_WINDOW if window is None else window)

    def close(self, name: str, seconds: float) -> None:
        """No call of this group for so long: one that is sent during a penalty starts it anew."""
        group = self._group(name)
        self._free_at[group] = max(self._free_at.get(group, 0.0), self._clock() + seconds)

    def _group(self, name: str) -> str:
        return self._group_of.get(name, name.casefold())


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
