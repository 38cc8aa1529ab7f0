"""The brake: what a run would do, held against the tenant's limits. Pure: counts in, findings out.

A limit is a share and a number, each of which may be empty. Going beyond either holds the run; up to FEW never do:
two leavers in a team of eight are no fault of anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

FEW = 3
NAMES = 200
"""So many of those concerned are named in a finding."""


class Limit(StrEnum):
    """What is limited: changes of the map, and what is missing from a directory compared with the last time."""

    FIRST = "first"
    MAP = "map"
    REMAP = "remap"
    UNMAP = "unmap"
    ACCOUNTS = "accounts"
    USERS = "users"
    ELIGIBLE = "eligible"


class Bounds(NamedTuple):
    share: int | None
    """In per cent of those there were."""
    number: int | None


class Measure(NamedTuple):
    """`touched` of the `of` there are would be touched; `names` are some of them."""

    limit: Limit
    touched: int
    of: int
    names: Iterable[str] = ()


def findings(measures: Iterable[Measure], bounds: Mapping[Limit, Bounds]) -> list[dict[str, Any]]:
    """What goes beyond its bounds, as it is kept on the run: {"limit", "count", "of", "share", "number", "names"}."""
    return [
        {
            "limit": measure.limit.value,
            "count": measure.touched,
            "of": measure.of,
            "share": bounds[measure.limit].share,
            "number": bounds[measure.limit].number,
            "names": list(measure.names)[:NAMES],
        }
        for measure in measures
        if goes_beyond(measure, bounds[measure.limit])
    ]


def goes_beyond(measure: Measure, bounds: Bounds) -> bool:
    if measure.touched <= FEW:
        return False
    if bounds.number is not None and measure.touched > bounds.number:
        return True
    return bounds.share is not None and measure.touched * 100 > measure.of * bounds.share
