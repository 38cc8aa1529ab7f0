"""The history, replayed: every applied Change in the order in which they were settled, each held against what the
ones before it left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tenants.models import Tenant

from ..history import from_json, kind_of
from ..matching import BY_HAND, READS_TO_RELEASE, Flag, Method, Reason, State
from ..models import Change
from .found import Violation, name_of

BORN = State(reason=Reason.NOT_YET_SYNCED)
"""What is recorded of a user before anything was decided."""

FIELDS = "pk mapping_id tenant_id run_id kind before after reason settled_at".split()


class Past(NamedTuple):
    """One user's history so far: what it leaves, what a person last decided, and which run raised the flag."""

    state: State = BORN
    by_hand: State | None = None
    flagged_by: int | None = None


@dataclass
class History:
    """All users' pasts; who has each account; and in which run its last owner lost it (None: by hand)."""

    pasts: dict[int, Past] = field(default_factory=dict)
    owner: dict[int, int] = field(default_factory=dict)
    lost: dict[int, tuple[int, int | None]] = field(default_factory=dict)

    def of(self, mapping: int) -> Past:
        return self.pasts.get(mapping, Past())


class Step(NamedTuple):
    """One applied Change, and the history before it."""

    change: int
    mapping: int
    run: int | None
    kind: str
    before: State
    after: State
    reason: str
    is_dated: bool
    is_at_home: bool
    past: Past
    owner: int | None
    lost: tuple[int, int | None] | None

    @property
    def takes(self) -> bool:
        return self.before.account is not None and self.before.account != self.after.account

    @property
    def gives(self) -> bool:
        return self.after.account is not None and self.before.account != self.after.account


# --- the invariants: each returns in words what is wrong, or nothing ------------------------------------------------


def each_change_begins_where_the_one_before_it_ended(step: Step) -> str:
    if step.before == step.past.state:
        return ""
    return f"it began at {in_words(step.before)}, but the history had left {in_words(step.past.state)}"


def each_change_says_of_itself_what_it_did(step: Step) -> str:
    if not step.is_dated:
        return "it does not say when it was settled"
    if not step.is_at_home:
        return "it is of another tenant than its user"
    if step.kind != kind_of(step.before, step.after) or step.reason != step.after.reason:
        return f"“{step.kind}, {step.reason}” is not what leads to {in_words(step.after)}"
    return ""


def no_run_alters_a_mapping_made_by_hand(step: Step) -> str:
    was_by_hand = step.before.method in (Method.MANUAL, Method.IMPORT)
    if step.run is None or not was_by_hand or step.before[:3] == step.after[:3]:
        return ""
    return f"run {step.run} made {in_words(step.after)} of {in_words(step.before)}"


def no_run_takes_back_what_a_person_decided(step: Step) -> str:
    if step.run is None or step.before.reason not in BY_HAND or step.before == step.after:
        return ""
    return f"run {step.run} made {in_words(step.after)} of {in_words(step.before)}"


def no_run_takes_an_account_before_two_reads_agree(step: Step) -> str:
    if step.run is None or not step.takes:
        return ""
    found_lacking = step.before.flag in (Flag.ACCOUNT_GONE, Flag.ACCOUNT_DISABLED)
    if not found_lacking or step.before.flag_reads < READS_TO_RELEASE - 1:
        return f"run {step.run} took account {step.before.account}, which no run before it had found lacking"
    if step.past.flagged_by == step.run:
        return f"run {step.run} took account {step.before.account} on its own read alone"
    return ""


def no_account_is_given_while_somebody_has_it(step: Step) -> str:
    if not step.gives or step.owner in (None, step.mapping):
        return ""
    return f"account {step.after.account} was given while user {step.owner} had it"


def no_run_moves_an_account_from_one_user_to_another(step: Step) -> str:
    if step.run is None or not step.gives or step.lost is None:
        return ""
    loser, run = step.lost
    if loser == step.mapping or run != step.run:
        return ""
    return f"run {step.run} took account {step.after.account} from user {loser} and gave it to user {step.mapping}"


INVARIANTS: tuple[Callable[[Step], str], ...] = (
    each_change_begins_where_the_one_before_it_ended,
    each_change_says_of_itself_what_it_did,
    no_run_alters_a_mapping_made_by_hand,
    no_run_takes_back_what_a_person_decided,
    no_run_takes_an_account_before_two_reads_agree,
    no_account_is_given_while_somebody_has_it,
    no_run_moves_an_account_from_one_user_to_another,
)


# --- the replay -----------------------------------------------------------------------------------------------------


def check(tenant: Tenant, history: History) -> Iterator[Violation]:
    """Replays all of the tenant's history into `history`, and says what is wrong on the way."""
    applied = Change.objects.filter(mapping__tenant=tenant, outcome=Change.Outcome.APPLIED)
    rows = applied.order_by("settled_at", "pk").values_list(*FIELDS)
    for row in rows.iterator(chunk_size=5000):
        step = _step(tenant, history, row)
        for invariant in INVARIANTS:
            if wrong := invariant(step):
                yield Violation(tenant.slug, name_of(invariant), f"Change {step.change}", wrong)
        _go(history, step)


def _step(tenant: Tenant, history: History, row: tuple[Any, ...]) -> Step:
    pk, mapping, home, run, kind, before, after, reason, settled_at = row
    after = from_json(after)
    return Step(
        change=pk,
        mapping=mapping,
        run=run,
        kind=kind,
        before=from_json(before),
        after=after,
        reason=reason,
        is_dated=settled_at is not None,
        is_at_home=home == tenant.pk,
        past=history.of(mapping),
        owner=history.owner.get(after.account) if after.account else None,
        lost=history.lost.get(after.account) if after.account else None,
    )


def _go(history: History, step: Step) -> None:
    past = step.past
    if step.takes and step.before.account and history.owner.get(step.before.account) == step.mapping:
        del history.owner[step.before.account]
        history.lost[step.before.account] = (step.mapping, step.run)
    if step.gives and step.after.account:
        history.owner[step.after.account] = step.mapping
    flagged_by = past.flagged_by if step.after.flag == past.state.flag else step.run
    by_hand = step.after if step.run is None else past.by_hand
    history.pasts[step.mapping] = Past(step.after, by_hand, flagged_by if step.after.flag else None)


def in_words(state: State) -> str:
    """“account 7 (auto), account_gone ×1” or “no_match”."""
    if state.account is None:
        return state.reason.value or "nothing at all"
    flag = f", {state.flag} ×{state.flag_reads}" if state.flag else ""
    return f"account {state.account} ({state.method}){flag}"
