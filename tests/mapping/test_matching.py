"""Who is who: stories that anyone can read and extend in matching_oracle.csv, and what must hold for all of them."""

import csv
import random
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.addresses import Rules, email_key
from mapping.matching import BY_HAND, Candidate, Flag, Method, Reason, State, User, decide

STORIES: dict[str, list[dict[str, str]]] = defaultdict(list)
for line in csv.DictReader((Path(__file__).parent / "matching_oracle.csv").open(encoding="utf-8")):
    STORIES[line["story"]].append(line)


def account(row: dict[str, str], ids: dict[str, int]) -> Candidate:
    detail = row["detail"]
    usable = detail == ""
    key = email_key(row["email"], Rules()).value
    return Candidate(ids[row["who"]], key, detail != "not a person", usable, detail == "gone")


def user(row: dict[str, str], ids: dict[str, int]) -> User:
    """`detail` is words: "no permission", "absent", "was REASON", "rejected A", or "METHOD A [FLAG READS]"."""
    words, eligible = row["detail"].replace("no permission", "").split(), "no permission" not in row["detail"]
    state, rejected = State(reason=Reason.NOT_YET_SYNCED), frozenset[int]()
    match words:
        case ["was", reason]:
            state = State(reason=Reason(reason))
        case ["rejected", who]:
            rejected = frozenset({ids[who]})
        case [method, who]:
            state = State(ids[who], Method(method))
        case [method, who, flag, reads]:
            state = State(ids[who], Method(method), flag=Flag(flag), flag_reads=int(reads))
    key = email_key(row["email"], Rules())
    return User(
        ids[row["who"]], key.value, Reason(key.problem), eligible, words != ["absent"], state, rejected
    )


def outcome(person: User, decided: dict[int, State], names: dict[int, str]) -> str:
    if not person.present:
        return "-" if person.id not in decided else "decided about somebody absent"
    state = decided.get(person.id, person.state)
    if state.account is None:
        return state.reason
    return f"{names[state.account]} {state.flag}".strip()


@pytest.mark.parametrize("story", STORIES)
def test_story(story: str) -> None:
    rows = STORIES[story]
    ids = {row["who"]: number for number, row in enumerate(rows, start=1)}
    people = [user(row, ids) for row in rows if row["side"] == "user"]
    accounts = [account(row, ids) for row in rows if row["side"] == "account"]
    decided = {decision.user: decision.state for decision in decide(people, accounts)}
    names = {number: who for who, number in ids.items()}
    expected = {row["who"]: row["becomes"] for row in rows if row["side"] == "user"}
    assert {names[one.id]: outcome(one, decided, names) for one in people} == expected


def test_the_stories_know_every_reason() -> None:
    told = {word for rows in STORIES.values() for row in rows for word in row["becomes"].split()}
    decided_elsewhere = {Reason.NONE, Reason.NOT_YET_SYNCED, Reason.PLATFORM_ERROR}
    assert {reason.value for reason in set(Reason) - decided_elsewhere} <= told


KEYS = st.sampled_from(["", "a@x.io", "b@x.io", "c@x.io", "d@x.io"])


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[User], list[Candidate]]:
    accounts = [
        Candidate(number, draw(KEYS), draw(st.booleans()), draw(st.booleans()) and not gone, gone)
        for number in range(100, 100 + draw(st.integers(0, 6)))
        for gone in [draw(st.booleans())]
    ]
    free = [one.id for one in accounts]
    people = []
    for number in range(draw(st.integers(0, 6))):
        key = draw(KEYS)
        taken = draw(st.sampled_from([None, *free]))
        if taken is None:
            state = State(reason=draw(st.sampled_from([one for one in Reason if one])))
        else:
            free.remove(taken)
            state = State(taken, draw(st.sampled_from([one for one in Method if one])), flag_reads=0)
            if draw(st.booleans()):
                flag = draw(st.sampled_from([Flag.ACCOUNT_GONE, Flag.ACCOUNT_DISABLED]))
                state = state._replace(flag=flag, flag_reads=draw(st.integers(1, 2)))
        rejected = frozenset(
            draw(st.lists(st.sampled_from([one.id for one in accounts]))) if accounts else []
        )
        problem = Reason.NONE if key else Reason.NO_EMAIL
        people.append(User(number, key, problem, draw(st.booleans()), draw(st.booleans()), state, rejected))
    return people, accounts


def after(people: list[User], accounts: list[Candidate]) -> dict[int, State]:
    known = {one.id: one.state for one in people}
    return known | {decision.user: decision.state for decision in decide(people, accounts)}


@given(worlds(), st.randoms())
def test_the_order_of_the_input_is_nothing(
    world: tuple[list[User], list[Candidate]], dice: random.Random
) -> None:
    people, accounts = world
    shuffled = dice.sample(people, len(people)), dice.sample(accounts, len(accounts))
    assert sorted(decide(people, accounts)) == sorted(decide(*shuffled))


@given(worlds())
def test_no_account_is_ever_given_to_two_users(world: tuple[list[User], list[Candidate]]) -> None:
    given_out = [state.account for state in after(*world).values() if state.account is not None]
    assert len(given_out) == len(set(given_out))


@given(worlds())
def test_an_unrelated_user_changes_nothing(world: tuple[list[User], list[Candidate]]) -> None:
    people, accounts = world
    stranger = User(99, "stranger@x.io", Reason.NONE, True, True, State(reason=Reason.NOT_YET_SYNCED))
    with_stranger = after([*people, stranger], accounts)
    assert with_stranger.pop(99).reason == Reason.NO_MATCH
    assert with_stranger == after(people, accounts)


@given(worlds())
def test_every_unmapped_user_has_a_reason_and_every_mapped_one_a_method(
    world: tuple[list[User], list[Candidate]],
) -> None:
    for state in after(*world).values():
        assert bool(state.reason) == (state.account is None) == (not state.method)


@given(worlds())
def test_what_a_person_decided_stands(world: tuple[list[User], list[Candidate]]) -> None:
    people, accounts = world
    now = after(people, accounts)
    for one in people:
        if one.state.method in (Method.MANUAL, Method.IMPORT):
            assert now[one.id].account == one.state.account
        if one.state.reason in BY_HAND:
            assert now[one.id] == one.state


@given(worlds())
def test_nobody_gets_an_account_that_cannot_be_used(world: tuple[list[User], list[Candidate]]) -> None:
    people, accounts = world
    usable = {one.id for one in accounts if one.usable and one.is_person and not one.gone}
    had = {one.id: one.state.account for one in people}
    for number, state in after(people, accounts).items():
        assert state.account in (None, had[number]) or state.account in usable


@given(worlds())
def test_a_third_look_changes_nothing(world: tuple[list[User], list[Candidate]]) -> None:
    people, accounts = world

    def looked_again(people: list[User]) -> list[User]:
        now = after(people, accounts)
        return [one._replace(state=now[one.id]) for one in people]

    settled = looked_again(looked_again(looked_again(people)))
    assert looked_again(settled) == settled
