"""Each invariant can fail: a sound company, one row of it broken as no code of ours would, and the invariant that
says so. Two of them the database itself forbids to break."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from mapping import by_hand
from mapping.history import as_json, kind_of
from mapping.matching import Flag, Method, Reason, State
from mapping.models import Change, ExternalAccount, StagedPage, SyncRun, UserMapping
from mapping.verify import INVARIANTS, past, people, verify
from tenants.models import Tenant

Status = SyncRun.Status
LONG_AGO = timedelta(hours=1)


@dataclass
class Scene:
    """Ada is mapped by a run, Bo by hand, Cy was unmapped by hand, Di has no match; two accounts are spare."""

    tenant: Tenant

    def __post_init__(self) -> None:
        accounts = [
            ExternalAccount(tenant=self.tenant, platform_id=str(n), name=f"Ext {n}") for n in range(5)
        ]
        self.accounts = ExternalAccount.objects.bulk_create(accounts)
        people = [
            UserMapping(tenant=self.tenant, cxone_id=name, name=name) for name in ("Ada", "Bo", "Cy", "Di")
        ]
        self.ada, self.bo, self.cy, self.di = UserMapping.objects.bulk_create(people)
        self.run = self.a_run()
        self.by_run(self.ada, self.auto(0))
        self.by_run(self.di, State(reason=Reason.NO_MATCH))
        for row, account in ((self.bo, self.accounts[1]), (self.cy, self.accounts[2])):
            by_hand.map_user(row, account, actor=None)
        by_hand.unmap_user(self.cy, actor=None)

    def a_run(self, **more: Any) -> SyncRun:
        counts = {"users": 4, "mapped": 2, "unmapped": 2}
        return SyncRun.objects.create(
            **{"tenant": self.tenant, "status": Status.SUCCEEDED, "trigger": "hand", **counts, **more}
        )

    def auto(self, number: int, **more: Any) -> State:
        return State(account=self.accounts[number].pk, method=Method.AUTO, **more)

    def by_run(self, row: UserMapping, after: State, run: SyncRun | None = None, **more: Any) -> Change:
        """What a run does to one row, with its Change, whatever the walls say."""
        run = run or self.run
        change = note(row, after, run=run, **more)
        row.record(after, evidence=change.evidence)
        row.save()
        SyncRun.objects.filter(pk=run.pk).update(changed=run.changes.filter(outcome="applied").count())
        return change


def note(row: UserMapping, after: State, **more: Any) -> Change:
    row.refresh_from_db()
    return Change.objects.create(
        **{
            "tenant_id": row.tenant_id,
            "mapping": row,
            "kind": kind_of(row.recorded, after),
            "before": as_json(row.recorded, None),
            "after": as_json(after, None),
            "reason": after.reason.value,
            "outcome": Change.Outcome.APPLIED,
            "settled_at": timezone.now(),
            **more,
        }
    )


@pytest.fixture
def scene(db: None) -> Scene:
    return Scene(Tenant.objects.create(name="Acme", slug="acme"))


def update(row: Any, **fields: Any) -> None:
    type(row).objects.filter(pk=row.pk).update(**fields)


def missing(scene: Scene, run: SyncRun) -> None:
    scene.by_run(scene.ada, scene.auto(0, flag=Flag.ACCOUNT_GONE, flag_reads=1), run)


def released(scene: Scene, run: SyncRun) -> None:
    evidence = {"accounts": [{"id": "0"}]}
    scene.by_run(scene.ada, State(reason=Reason.ACCOUNT_GONE), run, evidence=evidence)


# --- one way to break each ------------------------------------------------------------------------------------


def written_without_history(scene: Scene) -> None:
    update(scene.di, reason=Reason.NO_EMAIL)


def went_on_from_there(scene: Scene) -> None:
    update(scene.di, reason=Reason.NO_EMAIL)
    scene.by_run(scene.di, State(reason=Reason.NO_PERMISSION))


def says_another_kind(scene: Scene) -> None:
    update(scene.run.changes.get(mapping=scene.ada), kind="flag")


def says_no_time(scene: Scene) -> None:
    update(scene.run.changes.get(mapping=scene.ada), settled_at=None)


def of_another_tenant(scene: Scene) -> None:
    update(
        scene.run.changes.get(mapping=scene.ada), tenant=Tenant.objects.create(name="Globex", slug="globex")
    )


def a_run_remapped_bo(scene: Scene) -> None:
    scene.by_run(scene.bo, scene.auto(3))


def a_run_took_over_bo(scene: Scene) -> None:
    scene.by_run(scene.bo, scene.auto(1))


def a_run_mapped_cy(scene: Scene) -> None:
    scene.by_run(scene.cy, scene.auto(3))


def a_run_found_another_reason_for_cy(scene: Scene) -> None:
    scene.by_run(scene.cy, State(reason=Reason.NO_MATCH))


def released_at_once(scene: Scene) -> None:
    released(scene, scene.run)


def released_by_the_read_that_flagged(scene: Scene) -> None:
    missing(scene, scene.run)
    released(scene, scene.run)


def given_while_ada_had_it(scene: Scene) -> None:
    moment = timezone.now()
    released(scene, scene.run)
    update(scene.run.changes.filter(mapping=scene.ada).first(), settled_at=moment + LONG_AGO)
    scene.by_run(scene.di, scene.auto(0), settled_at=moment)


def moved_by_one_run(scene: Scene) -> None:
    missing(scene, scene.run)
    later = scene.a_run()
    released(scene, later)
    scene.by_run(scene.di, scene.auto(0), later)


def an_account_of_another_tenant(scene: Scene) -> None:
    update(scene.accounts[0], tenant=Tenant.objects.create(name="Globex", slug="globex"))


def several_accounts_but_one(scene: Scene) -> None:
    scene.by_run(scene.di, State(reason=Reason.MULTIPLE_ACCOUNTS), evidence={"accounts": [{"id": "1"}]})


def an_account_that_cannot_be_told(scene: Scene) -> None:
    scene.by_run(scene.di, State(reason=Reason.ACCOUNT_DISABLED), evidence={"accounts": [{"name": ""}]})


def bo_is_elsewhere(scene: Scene) -> None:
    update(scene.bo, account=scene.accounts[3])


def ada_was_rejected(scene: Scene) -> None:
    update(scene.ada, rejected=[scene.accounts[0].pk])


def run_with(**fields: Any) -> Callable[[Scene], None]:
    return lambda scene: update(scene.run, **fields)


def a_proposal_is_left(scene: Scene) -> None:
    note(scene.di, State(reason=Reason.NO_EMAIL), run=scene.run, outcome="pending", settled_at=None)


def a_page_is_left(scene: Scene) -> None:
    StagedPage.objects.create(run=scene.run, kind="users", number=1, total=1, last=True, body=b"")
    update(scene.run, finished_at=timezone.now() - LONG_AGO)


BROKEN: list[tuple[Callable[[Scene], None], str]] = [
    (written_without_history, "each row is what its history says"),
    (went_on_from_there, "each change begins where the one before it ended"),
    (says_another_kind, "each change says of itself what it did"),
    (says_no_time, "each change says of itself what it did"),
    (of_another_tenant, "each change says of itself what it did"),
    (a_run_remapped_bo, "no run alters a mapping made by hand"),
    (a_run_took_over_bo, "no run alters a mapping made by hand"),
    (a_run_mapped_cy, "no run takes back what a person decided"),
    (a_run_found_another_reason_for_cy, "no run takes back what a person decided"),
    (released_at_once, "no run takes an account before two reads agree"),
    (released_by_the_read_that_flagged, "no run takes an account before two reads agree"),
    (given_while_ada_had_it, "no account is given while somebody has it"),
    (moved_by_one_run, "no run moves an account from one user to another"),
    (an_account_of_another_tenant, "an account is of its users own tenant"),
    (several_accounts_but_one, "each reason has the data its sentence needs"),
    (an_account_that_cannot_be_told, "each reason has the data its sentence needs"),
    (bo_is_elsewhere, "what was decided by hand stands"),
    (ada_was_rejected, "no rejected account is mapped by itself"),
    (run_with(mapped=3), "the counts of a run add up"),
    (run_with(mapped=0, unmapped=0), "the counts of a run add up"),
    (run_with(status=Status.CANCELED, mapped=3), "the counts of a run add up"),
    (run_with(changed=7), "a run has changed what its changes say"),
    (run_with(failed=2, unmapped=0), "a run succeeds without errors only"),
    (run_with(error="HTTP 500"), "a run succeeds without errors only"),
    (a_proposal_is_left, "a run that is over proposes nothing"),
    (run_with(status=Status.RUNNING, lease_until=None), "a run at work has a worker"),
    (a_page_is_left, "what a run has read goes with it"),
]
FORBIDDEN = {
    "a user has an account or a reason",
    "no account has two users",
    "a tenant has one live run",
}
"""The database does not let them be broken."""


def test_a_sound_company_has_no_violations(scene: Scene) -> None:
    assert verify([scene.tenant]) == []


@pytest.mark.parametrize(("broken", "name"), BROKEN, ids=lambda value: getattr(value, "__name__", str(value)))
def test_what_is_broken_is_named_with_its_row(
    scene: Scene, broken: Callable[[Scene], None], name: str
) -> None:
    broken(scene)
    found = {violation.invariant: violation for violation in verify([scene.tenant])}
    assert name in found and found[name].wrong
    assert found[name].row.split()[0] in ("Change", "UserMapping", "SyncRun")


def test_every_invariant_is_shown_to_fail_or_is_forbidden_by_the_database() -> None:
    assert {name for _, name in BROKEN} | FORBIDDEN == set(INVARIANTS)


@pytest.mark.parametrize(
    "fields",
    [{"reason": Reason.NO_MATCH}, {"method": ""}, {"account": None}],
    ids=["account and reason", "account without method", "neither account nor reason"],
)
def test_the_database_wants_an_account_or_a_reason(scene: Scene, fields: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        update(scene.ada, **fields)


def test_the_database_lets_a_tenant_have_one_live_run(scene: Scene) -> None:
    scene.a_run(status=Status.QUEUED)
    with pytest.raises(IntegrityError), transaction.atomic():
        scene.a_run(status=Status.RUNNING)


def test_without_the_databases_help_a_user_with_both_or_neither_is_told_of(scene: Scene) -> None:
    for fields in (
        {"account_id": 1, "method": "auto", "reason": "no_match"},
        {"reason": ""},
        {"flag": "user_gone"},
    ):
        assert people.a_user_has_an_account_or_a_reason(UserMapping(**fields), past.Past()), fields


def test_without_the_databases_help_two_live_runs_are_told_of(scene: Scene) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX one_live_run_per_tenant")  # comes back with the test's end
    scene.a_run(status=Status.QUEUED), scene.a_run(status=Status.QUEUED)
    assert "a tenant has one live run" in {violation.invariant for violation in verify([scene.tenant])}


def test_the_database_lets_an_account_have_one_user_and_without_its_help_two_are_told_of(
    scene: Scene,
) -> None:
    """SQLite cannot do without: there the constraint is part of the column."""
    with pytest.raises(IntegrityError), transaction.atomic():
        update(scene.bo, account=scene.accounts[0])
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(
                "ALTER TABLE mapping_usermapping DROP CONSTRAINT mapping_usermapping_account_id_key"
            )
        update(scene.bo, account=scene.accounts[0])
        assert "no account has two users" in {violation.invariant for violation in verify([scene.tenant])}


def test_what_a_dead_worker_left_is_the_ticks_to_clear_for_a_while(scene: Scene) -> None:
    update(scene.run, status=Status.RUNNING, lease_until=timezone.now() - timedelta(minutes=5))
    assert verify([scene.tenant]) == []
    assert verify([scene.tenant], patience=timedelta(minutes=1)) != []


def test_a_release_that_two_reads_agree_upon_is_in_order(scene: Scene) -> None:
    missing(scene, scene.run)
    released(scene, scene.a_run())
    assert verify([scene.tenant]) == []


def test_a_newcomer_may_get_an_account_that_an_earlier_run_released(scene: Scene) -> None:
    missing(scene, scene.run)
    released(scene, scene.a_run())
    scene.by_run(scene.di, scene.auto(0), scene.a_run())
    assert verify([scene.tenant]) == []


def test_queries_do_not_grow_with_the_users(scene: Scene, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(11):
        verify([scene.tenant])
    Scene(Tenant.objects.create(name="Globex", slug="globex"))
    with django_assert_num_queries(11):
        verify([scene.tenant])


# --- the command ----------------------------------------------------------------------------------------------


def test_the_command_says_how_many_invariants_hold_for_whom(scene: Scene, capsys: Any) -> None:
    call_command("verify")
    assert capsys.readouterr().out == f"{len(INVARIANTS)} invariants hold for 4 users of 1 tenants.\n"


def test_the_command_lists_what_is_wrong_and_ends_with_1(scene: Scene, capsys: Any) -> None:
    bo_is_elsewhere(scene)
    with pytest.raises(SystemExit) as end:
        call_command("verify", "acme")
    assert end.value.code == 1
    assert f"acme: what was decided by hand stands: UserMapping {scene.bo.pk}: " in capsys.readouterr().out


def test_the_command_speaks_json(scene: Scene, capsys: Any) -> None:
    bo_is_elsewhere(scene)
    with pytest.raises(SystemExit):
        call_command("verify", "--json")
    said = json.loads(capsys.readouterr().out)
    assert (said["users"], said["tenants"], len(said["violations"])) == (4, 1, 2)
    assert set(said["violations"][0]) == {"tenant", "invariant", "row", "wrong"}


@pytest.mark.parametrize("words", [["globex"], []])
def test_the_command_called_wrongly_ends_with_2(db: None, words: list[str]) -> None:
    with pytest.raises(CommandError) as error:
        call_command("verify", *words)
    assert error.value.returncode == 2
