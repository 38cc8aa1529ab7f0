"""What crosses the border between a platform's client and the rest of the house.

Frozen values without behaviour: no Django, no requests. They are msgspec structs
rather than dataclasses because a directory has up to a million of them: a third of
the memory, and a page of them is written and read back as one small blob.
"""

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

import msgspec

from .errors import BadAnswer


class Role(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A CXone role. `permissions` are strings `application/feature/privilege:action`
    (`application/privilege:action` where a privilege sits directly under its application)."""

    id: str
    name: str
    active: bool
    permissions: frozenset[str]


class CxoneUser(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A person in CXone. `email` is the address as typed, "" when there is none;
    `role_ids` has the primary role first."""

    id: str
    username: str
    name: str
    email: str
    status: str
    role_ids: tuple[str, ...]
    team: str = ""


class AccountState(StrEnum):
    """What an external account's own status means to us."""

    ENABLED = "enabled"
    NOT_ACTIVATED = "not_activated"
    DISABLED = "disabled"


class Account(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An account of the external platform. `id` is always a string; `type` and `status`
    are the platform's own words, `is_person` and `state` are our reading of them.
    Only an enabled person is a candidate for Auto Sync."""

    id: str
    name: str
    email: str
    extension: str
    type: str
    status: str
    is_person: bool
    state: AccountState
    department: str = ""
    phone: str = ""

    @property
    def is_candidate(self) -> bool:
        return self.is_person and self.state is AccountState.ENABLED


class _Known(Protocol):
    @property
    def id(self) -> str: ...


R = TypeVar("R")
K = TypeVar("K", bound=_Known)

UNKNOWN_TOTAL = -1


class Page(msgspec.Struct, Generic[R], frozen=True):
    """One page of a directory. `number` counts from 1; `total` is what the platform said the
    whole directory holds when it answered this page, UNKNOWN_TOTAL when it did not say (the last
    page then has what was counted); `last` is our judgement that no page follows. `left_out` are
    ids of rows that came but are nobody's business, such as system users: they count for the
    proof and for nothing else."""

    number: int
    rows: list[R]
    total: int
    last: bool
    left_out: list[str] = []


class Drifted(BadAnswer):
    """The directory changed while it was read: read it again from the first page."""


def prove_complete(totals: Iterable[int], ids: Iterable[str]) -> None:
    """Raise Drifted unless every page spoke of the same total and that many different ids came.
    `ids` are those of all rows, also of those in `Page.left_out`."""
    spoken = set(totals) - {UNKNOWN_TOTAL}
    if len(spoken) > 1:
        raise Drifted(f"The directory changed size while it was read ({min(spoken)} to {max(spoken)} rows).")
    seen, different = 0, set()
    for row_id in ids:
        seen += 1
        different.add(row_id)
    expected = spoken.pop() if spoken else 0
    if len(different) != seen or seen != expected:
        raise Drifted(
            f"The directory announced {expected} rows, but {seen} came, "
            f"of which {len(different)} are different."
        )


def read_proven(pages: Callable[[], Iterator[Page[K]]], *, reads: int = 3) -> list[K]:
    """All rows, proven complete. A read that drifts is repeated; the last one's Drifted is raised.

    Where the platform does not say how many rows there are, a row lost to a shifting page would leave no
    trace in one read: then two reads must bring the same ids.
    """
    before: set[str] | None = None
    drifted = Drifted("The directory changed with every time it was read.")
    for _ in range(reads):
        try:
            rows, ids, is_counted = _read(pages())
        except Drifted as problem:
            drifted = problem
            continue
        if is_counted or set(ids) == before:
            return rows
        before = set(ids)
    raise drifted


def _read(pages: Iterator[Page[K]]) -> tuple[list[K], list[str], bool]:
    """(rows, ids with those left out, whether the platform itself said how many there are)."""
    rows: list[K] = []
    ids: list[str] = []
    totals: list[int] = []
    for page in pages:
        rows += page.rows
        ids += [row.id for row in page.rows]
        ids += page.left_out
        totals.append(page.total)
    prove_complete(totals, ids)
    return rows, ids, UNKNOWN_TOTAL not in totals


class Finding(msgspec.Struct, frozen=True):
    """One line of a connection test: what was tried, whether it went well, and what it says
    in plain words, with what to do when it did not."""

    step: str
    ok: bool
    text: str
