"""Faults on demand: which call is spoilt, and how. Arming a rule changes nothing until a call matches it."""

import itertools
import re
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

# The answer is replaced by another one.
ANSWERS = (
    "unauthorized", "forbidden", "throttled", "error500", "error502", "error503",
    "html", "garbage", "reset", "truncated", "slow",
)  # fmt: skip
# The rows of a list are spoilt and everything else is in order.
LISTS = ("repeated_page", "drift", "silent_drift", "empty", "half", "other_account")
KINDS = (*ANSWERS, *LISTS)
# These need an earlier page to be seen: only calls for a later page count as matching.
_LATER_PAGES = ("repeated_page", "drift", "silent_drift")


@dataclass(slots=True)
class Fault:
    """One rule. What is left at None matches any call; of the matching calls, `at` is the first one spoilt.

    kind     one of KINDS
    method   "GET", "POST"
    path     part of the path, or a regular expression found in it
    side     "cxone" or "ringcentral"; world: its name
    where    query parameters or top-level JSON members that must have these values: {"page": "2"}
    at       1 = from the next matching call on, 3 = from the third on
    times    how many calls are spoilt, or "always"
    seconds  the rule ends so long after it was armed
    value    slow: seconds to wait (5)
             throttled: Retry-After as "small" (1 s), "huge" (a day), "missing", "date", "iso", or a number
             drift: rows that vanish per page (1); negative: rows that appear
             silent_drift: "moved", gone rows come back at the end (the default), or "swapped", strangers take
             their place and nothing in the answers tells
             html: the text
    """

    kind: str
    method: str | None = None
    path: str | None = None
    side: str | None = None
    world: str | None = None
    where: dict[str, str] = field(default_factory=dict)
    at: int = 1
    times: int | Literal["always"] = 1
    seconds: float | None = None
    value: Any = None
    id: int = 0
    seen: int = 0
    hits: int = 0
    armed_at: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no such fault: {self.kind!r}; there are {', '.join(KINDS)}")
        if self.times != "always" and type(self.times) is not int:
            raise ValueError('times is a number of calls or "always"')
        if type(self.at) is not int or not isinstance(self.seconds, int | float | None):
            raise ValueError("at is a number of calls, seconds a number of seconds")
        if not isinstance(self.where, dict):
            raise ValueError('where names parameters and their values: {"page": "2"}')
        try:
            re.compile(self.path or "")
        except re.error as wrong:
            raise ValueError(f"path is no regular expression: {wrong}") from None


@dataclass(frozen=True, slots=True)
class Target:
    """The call a rule is compared with."""

    method: str
    path: str
    side: str
    world: str
    values: dict[str, list[str]]
    later_page: bool


class Faults:
    """The armed rules, in order of arming: the first that matches and is due wins."""

    def __init__(self, now: Any) -> None:
        self._now = now
        self._rules: list[Fault] = []
        self._ids = itertools.count(1)
        self._lock = threading.Lock()

    def arm(self, fault: "Fault | str", **fields: Any) -> Fault:
        """Arm a rule, or make one: arm("throttled", side="ringcentral", times="always")."""
        rule = fault if isinstance(fault, Fault) else Fault(fault, **fields)
        with self._lock:
            rule.id, rule.seen, rule.hits, rule.armed_at = next(self._ids), 0, 0, self._now()
            self._rules.append(rule)
        return rule

    def disarm(self, id: int) -> None:
        with self._lock:
            self._rules = [rule for rule in self._rules if rule.id != id]

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def __iter__(self) -> Iterator[Fault]:
        return iter(list(self._rules))

    def __len__(self) -> int:
        return len(self._rules)

    def match(self, target: Target) -> Fault | None:
        if not self._rules:
            return None
        with self._lock:
            now = self._now()
            for rule in self._rules:
                if _fits(rule, target) and _due(rule, now):
                    rule.hits += 1
                    return rule
        return None


def _fits(rule: Fault, target: Target) -> bool:
    return (
        rule.method in (None, "", target.method)
        and rule.side in (None, "", target.side)
        and rule.world in (None, "", target.world)
        and (not rule.path or rule.path in target.path or re.search(rule.path, target.path) is not None)
        and all(str(value) in target.values.get(name, ()) for name, value in rule.where.items())
        and (rule.kind not in _LATER_PAGES or target.later_page)
    )


def _due(rule: Fault, now: float) -> bool:
    if rule.seconds is not None and now >= rule.armed_at + rule.seconds:
        return False
    rule.seen += 1
    return rule.seen >= rule.at and (rule.times == "always" or rule.hits < rule.times)


def as_json(rule: Fault) -> dict[str, Any]:
    return asdict(rule)
