"""What a company is born with: every row on either side, computed from the seed and the row's number."""

import uuid
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from tenants.sandbox.addresses import SPELLINGS
from tenants.sandbox.layout import SIDES, Layout, shuffled
from tenants.sandbox.names import NameBook
from tenants.sandbox.roles import ORDINARY
from tenants.sandbox.stories import PERSON_TYPES, Cx

_STEP = 0x700
_FIRST_ID = 0x10000000
_NAMED_AFTER_PEOPLE = PERSON_TYPES | {"Voicemail", "SharedLinesGroup"}


@dataclass(slots=True)
class Row:
    """One CXone user or one RingCentral extension. `role` and `secondary` are CXone's, `type` is
    RingCentral's.
    """

    side: str
    number: int
    id: str
    person: int
    story: str
    given: str
    family: str
    name: str
    email: str | None
    status: str
    type: str = "User"
    hidden: bool = False
    role: str = ""
    secondary: tuple[str, ...] = ()
    impersonated: bool = False
    removed: bool = False


class Company:
    """Rows as they were before anybody changed anything. Beyond the last row there are strangers."""

    def __init__(self, people: int, seed: int, name: str) -> None:
        self.domain = f"{name.lower()}.example"
        mark = zlib.crc32(f"{name}/{seed}".encode())
        self.account_id = (100 + mark % 9000) * 10**10 + 4008
        self.tenant_id = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"tenant.{seed}.{self.domain}"))
        self._tail = f"{mark >> 12 & 0xFFFF:04x}-4{mark >> 8 & 0xFFF:03x}-9{mark & 0xFFF:03x}-{mark:08x}"
        self._names = NameBook(seed)
        stories = shuffled(seed)
        self.layouts = {side: Layout(stories, people, side) for side in SIDES}

    def row(self, side: str, number: int) -> Row:
        person, (_, _, story, plan) = self.layouts[side].person(number)
        given, family, first, last, suffix = self._names.at(person, twin=plan.twin)
        if plan.twin:
            # The twin uses the address of the person whose story this is.
            _, _, first, last, suffix = self._names.at(person)
        email = SPELLINGS[plan.email](first, last, suffix, person, self.domain)
        id = self.id(side, number)
        if isinstance(plan, Cx):
            role = plan.role or (
                "Administrator" if person == 0 else ORDINARY[person * 7 // 3 % len(ORDINARY)]
            )
            name = f"{given} {family}"
            return Row(
                side, number, id, person, story.name, given, family, name, email, plan.status,
                role=role, secondary=plan.secondary, impersonated=plan.impersonated,
            )  # fmt: skip
        name = f"{family}, {given}" if person % 9 == 4 else f"{given} {family}"
        if plan.type not in _NAMED_AFTER_PEOPLE:
            given, family, name = f"{plan.type} {person}", "", f"{plan.type} {person}"
        return Row(
            side,
            number,
            id,
            person,
            story.name,
            given,
            family,
            name,
            email,
            plan.status,
            plan.type,
            plan.hidden,
        )

    def id(self, side: str, number: int) -> str:
        if side == "ringcentral":
            return str(self.account_id + number * 1000)
        # Ids rise with the row number, so that "orderBy id" is the list's own order and costs nothing.
        head = _FIRST_ID + number * _STEP + number * 2654435761 % _STEP
        return f"{head:08x}-{self._tail}{number & 0xFFFF:04x}"

    def number(self, side: str, id: str) -> int:
        """The number an id was made of; of a foreign id, any number: compare the row's own id."""
        if side == "ringcentral":
            return (int(id) - self.account_id) // 1000 if id.isascii() and id.isdecimal() else -1
        try:
            return (int(id[:8], 16) - _FIRST_ID) // _STEP
        except ValueError:
            return -1

    def owners(self, side: str, email: str) -> Iterator[int]:
        """Numbers of the few rows that may have been born with this address."""
        for person in self._names.owners(email):
            yield from self.layouts[side].rows_of(person)
