"""A company with people in CXone and RingCentral: seeded, of any size, and open to change.

Rows are made from their number when asked for; only what a test or a visitor changed is kept. It knows who
exists and nothing of HTTP, tokens or wire formats.
"""

import threading
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from tenants.sandbox.company import Company, Row
from tenants.sandbox.layout import SIDES
from tenants.sandbox.roles import ROLES, role_id
from tenants.sandbox.stories import STORIES

# Rows of people hired by hand are numbered from here: beyond every seeded row, and ids still fit (see below).
HIRED = 2_100_000
_LARGEST = 1_000_000


class World:
    """One company. `side` is "cxone" or "ringcentral" throughout; ids are strings on both sides."""

    def __init__(self, people: int = 400, seed: int = 1, *, name: str = "acme") -> None:
        if not 0 <= people <= _LARGEST:
            raise ValueError(f"a world has 0 to {_LARGEST:,} people, not {people:,}")
        self.people, self.seed, self.name = people, seed, name
        self._born = Company(people, seed, name)
        self.domain, self.account_id, self.tenant_id = (
            self._born.domain,
            self._born.account_id,
            self._born.tenant_id,
        )
        self.version = 0
        self._edits: dict[str, dict[int, dict[str, Any]]] = {side: {} for side in SIDES}
        self._hired: dict[str, dict[int, Row]] = {side: {} for side in SIDES}
        self._edited_emails: dict[str, dict[str, set[int]]] = {side: {} for side in SIDES}
        self._views: dict[tuple[Any, ...], Sequence[int]] = {}
        self._lock = threading.RLock()

    # -- rows --

    def row(self, side: str, number: int) -> Row:
        """The row as it is now. Numbers beyond the last one give plausible strangers (used by a fault)."""
        if (hired := self._hired[side].get(number)) is not None:
            made = hired
        else:
            made = self._born.row(side, number)
        if edits := self._edits[side].get(number):
            made = replace(made, **edits)
        return made

    def find(self, side: str, id: str) -> Row | None:
        """The row with this id, or None when there is none or RingCentral has deleted it."""
        number = self._number(side, str(id))
        if number is None:
            return None
        row = self.row(side, number)
        return None if row.removed or row.id != str(id) else row

    def by_email(self, side: str, email: str) -> list[Row]:
        """Rows that use this address, whatever its case, without reading the whole company."""
        key = email.strip().lower()
        numbers = set(self._edited_emails[side].get(key, ()))
        numbers.update(self._born.owners(side, key))
        rows = (self.row(side, number) for number in sorted(numbers))
        return [row for row in rows if not row.removed and row.email and row.email.strip().lower() == key]

    def numbers(self, side: str, types: Iterable[str] = (), statuses: Iterable[str] = ()) -> Sequence[int]:
        """Numbers of the listed rows in list order. A million of them take four megabytes, and only when
        filtered.
        """
        of_types, of_statuses = frozenset(types), frozenset(statuses)
        return self.cached((side, of_types, of_statuses), lambda: self._listed(side, of_types, of_statuses))

    def cached(self, key: tuple[Any, ...], make: Callable[[], Sequence[int]]) -> Sequence[int]:
        """A list of row numbers that is expensive to make, kept until something changes."""
        with self._lock:
            kept = self._views.get((*key, self.version))
            if kept is None:
                while len(self._views) > 7:
                    self._views.pop(next(iter(self._views)))
                kept = self._views[(*key, self.version)] = make()
            return kept

    def rows(self, side: str, start: int = 0, count: int | None = None) -> Iterator[Row]:
        numbers = self.numbers(side)
        for number in numbers[start : None if count is None else start + count]:
            yield self.row(side, number)

    def count(self, side: str) -> int:
        return len(self.numbers(side))

    # -- stories: examples to test with --

    def examples(self, kind: str, limit: int = 10) -> list[dict[str, list[str]]]:
        """People whose seeded story, or the reason it comes to, is `kind`: {"cxone": [ids], "ringcentral":
        [ids]}.

        Kinds are the names and reasons in stories.py: "same", "rejoiner", … and "mapped", "no_match",
        "multiple_accounts", "multiple_users", "no_email", "bad_email", "account_disabled", "no_permission",
        "leaver", "ringcentral_only". People changed by hand keep the story they were born with.
        """
        found = []
        for person in range(self.people):
            rows = [(side, number) for side in SIDES for number in self._born.layouts[side].rows_of(person)]
            story = self._born.layouts[rows[0][0]].person(rows[0][1])[1][2]
            if kind in (story.name, story.reason):
                ids = {side: [self._born.id(side, n) for where, n in rows if where == side] for side in SIDES}
                found.append(ids)
                if len(found) == limit:
                    break
        return found

    def example(self, kind: str) -> dict[str, list[str]]:
        """The first of examples(kind); LookupError when this company has none."""
        if not any(kind in (story.name, story.reason) for story in STORIES):
            raise LookupError(f"no story and no reason is called {kind!r}")
        for found in self.examples(kind, 1):
            return found
        raise LookupError(f"nobody of {self.people} people in {self.name} has the story {kind!r}")

    def expected(self) -> Iterator[tuple[str, str]]:
        """(CXone id, reason an honest match comes to) for every seeded CXone user, before any change by
        hand.
        """
        layout = self._born.layouts["cxone"]
        for number in range(layout.rows):
            yield self._born.id("cxone", number), layout.person(number)[1][2].reason

    # -- verbs --

    def set_email(self, side: str, id: str, email: str | None) -> None:
        self._edit(side, id, email=email)

    def rename(self, side: str, id: str, given: str, family: str) -> None:
        self._edit(side, id, given=given, family=family, name=f"{given} {family}".strip())

    def disable(self, extension_id: str) -> None:
        self._edit("ringcentral", extension_id, status="Disabled")

    def enable(self, extension_id: str) -> None:
        self._edit("ringcentral", extension_id, status="Enabled")

    def set_status(self, side: str, id: str, status: str) -> None:
        self._edit(side, id, status=status)

    def set_roles(self, user_id: str, role: str, *secondary: str) -> None:
        """Give a CXone user a primary role and up to ten secondary ones, by name (see roles.py)."""
        if unknown := {role, *secondary} - {known.name for known in ROLES}:
            raise ValueError(f"no such role: {', '.join(sorted(unknown))}")
        self._edit("cxone", user_id, role=role, secondary=secondary)

    def remove(self, side: str, id: str) -> None:
        """CXone users are never deleted, they become DELETED and stay; RingCentral extensions leave the
        list.
        """
        self._edit(side, id, **({"status": "DELETED"} if side == "cxone" else {"removed": True}))

    def restore(self, side: str, id: str) -> None:
        """Undo remove(): a revived CXone user keeps the id and is ACTIVE, the extension is listed again."""
        self._edit(side, id, **({"status": "ACTIVE"} if side == "cxone" else {"removed": False}))

    def hire(
        self,
        given: str,
        family: str,
        *,
        email: str | None = None,
        cxone: bool | dict[str, Any] = True,
        ringcentral: bool | dict[str, Any] = True,
    ) -> dict[str, str]:
        """Add a person to both sides, or to one (pass False for the other); returns the new ids by side.

        A dict changes fields of that side's Row: hire("Ada", "Lee", email="a@x", ringcentral={"status":
        "Disabled"}).
        """
        wanted = {
            side: fields if isinstance(fields, dict) else {}
            for side, fields in (("cxone", cxone), ("ringcentral", ringcentral))
            if fields is not False
        }
        if unknown := {name for fields in wanted.values() for name in fields} - set(Row.__slots__):
            raise ValueError(f"a row has no field {', '.join(sorted(unknown))}")
        with self._lock:
            ids = {side: self._hire(side, given, family, email, fields) for side, fields in wanted.items()}
            self.version += 1
        return ids

    # -- inside --

    def _number(self, side: str, id: str) -> int | None:
        number = self._born.number(side, id)
        known = 0 <= number < self._born.layouts[side].rows or number in self._hired[side]
        return number if known and self._born.id(side, number) == id else None

    def _edit(self, side: str, id: str, **fields: Any) -> None:
        with self._lock:
            number = self._number(side, str(id))
            if number is None:
                raise LookupError(f"no {side} row has the id {id}")
            self._edits[side].setdefault(number, {}).update(fields)
            if fields.get("email"):
                self._remember_email(side, fields["email"], number)
            self.version += 1

    def _hire(self, side: str, given: str, family: str, email: str | None, fields: dict[str, Any]) -> str:
        number = HIRED + len(self._hired[side])
        status = "ACTIVE" if side == "cxone" else "Enabled"
        name = f"{given} {family}".strip()
        id = self._born.id(side, number)
        row = Row(side, number, id, number, "hired", given, family, name, email, status, role="Agent")
        row = replace(row, **fields)
        self._hired[side][number] = row
        if row.email:
            self._remember_email(side, row.email, number)
        return row.id

    def _remember_email(self, side: str, email: str, number: int) -> None:
        self._edited_emails[side].setdefault(email.strip().lower(), set()).add(number)

    def _listed(self, side: str, types: frozenset[str], statuses: frozenset[str]) -> Sequence[int]:
        layout, edits, hired = self._born.layouts[side], self._edits[side], self._hired[side]
        if not (types or statuses or hired or any("removed" in fields for fields in edits.values())):
            return range(layout.rows)

        def fits(of: Callable[[str], str]) -> bool:
            return (not types or of("type") in types) and (not statuses or of("status") in statuses)

        wanted = [fits(lambda key, plan=place[3]: getattr(plan, key, "User")) for place in layout.places]  # type: ignore[misc]
        numbers = array("I", layout.rows_where(wanted))
        changed = {
            n for n, fields in edits.items() if fields.keys() & {"status", "type", "removed"}
        } | hired.keys()
        if changed:
            for number in changed:
                row = self.row(side, number)
                changed_fits = not row.removed and fits(lambda key, row=row: getattr(row, key))  # type: ignore[misc]
                _place(numbers, number, changed_fits)
        return numbers

    def role_ids(self, names: Iterable[str]) -> list[str]:
        return [role_id(self.domain, name) for name in names]


def _place(numbers: array, number: int, wanted: bool) -> None:  # type: ignore[type-arg]
    """Put a row number into the sorted list, or take it out."""
    at = bisect_left(numbers, number)
    present = at < len(numbers) and numbers[at] == number
    if wanted and not present:
        numbers.insert(at, number)
    elif present and not wanted:
        numbers.pop(at)
