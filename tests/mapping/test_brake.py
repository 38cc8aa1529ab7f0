"""What is held, what is let through, and what a person does about it."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from mapping import by_hand, sync
from mapping.brake import FEW, Bounds, Limit, Measure, findings, goes_beyond
from mapping.models import ExternalAccount, SyncRun, UserMapping

from .conftest import Company

Status = SyncRun.Status


# --- pure ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("touched", "of", "share", "number", "held"),
    [
        (20, 200, 10, None, False),
        (21, 200, 10, None, True),
        (21, 200, None, None, False),
        (21, 200, None, 20, True),
        (20, 200, None, 20, False),
        (21, 10_000, 10, 20, True),
        (FEW, 4, 0, 0, False),
        (FEW + 1, 4, 0, None, True),
        (4, 0, 10, None, True),
    ],
)
def test_a_share_or_a_number_holds_and_a_few_never_do(
    touched: int, of: int, share: int | None, number: int | None, held: bool
) -> None:
    assert goes_beyond(Measure(Limit.UNMAP, touched, of), Bounds(share, number)) is held


def test_a_finding_keeps_what_it_was_held_against_and_a_bounded_list_of_names() -> None:
    names = (f"Person {number}" for number in range(10_000))
    [found] = findings([Measure(Limit.USERS, 10_000, 10_000, names)], {Limit.USERS: Bounds(20, None)})
    assert (found["limit"], found["count"], found["of"], found["share"]) == ("users", 10_000, 10_000, 20)
    assert len(found["names"]) == 200


# --- runs ---------------------------------------------------------------------------------------------------


def limit(company: Company, **limits: Any) -> None:
    for name, value in limits.items():
        setattr(company.tenant, name, value)
    company.tenant.save()


def map_of(company: Company) -> dict[str, str]:
    return {who: account for who, (account, _) in company.users().items()}


def kinds(run: SyncRun) -> list[str]:
    return [each["limit"] for each in run.held_for]


def many_change_accounts(company: Company) -> None:
    """Thirty people's addresses swap hands: their accounts vanish, and others appear under the same addresses."""
    for row in list(UserMapping.objects.filter(method="auto").select_related("account")[:30]):
        extension = row.account.platform_id
        company.world.remove("ringcentral", extension)
        company.world.hire("New", "Phone", email=row.account.email, cxone=False)


def half(company: Company, side: str = "ringcentral") -> SyncRun:
    """A run to which one side shows half of its directory, as if it were all."""
    company.sandbox.faults.arm("half", side=side, path="users/search|extension$", times="always")
    run = company.run()
    company.sandbox.faults.clear()
    return run


def approve(run: SyncRun) -> SyncRun:
    assert sync.apply_held(run, actor=None, approval="Checked with the customer.")
    return sync.run_here(run, watch=lambda run: None, poll=0.01)


def test_the_first_run_maps_everybody_whatever_the_limit(company: Company) -> None:
    limit(company, map_limit=1, map_limit_number=1)
    assert company.run().mapped > 100


def test_new_mappings_beyond_the_limit_are_held_and_move_nobody(company: Company) -> None:
    company.run()
    limit(company, map_limit=5)
    for number in range(30):
        company.world.hire("Nia", f"Newman{number}", email=f"nia{number}@acme.example")
    before = map_of(company)
    run = company.run()
    assert (run.status, kinds(run)) == (Status.HELD, ["map"])
    assert before.items() <= map_of(company).items() and run.held_for[0]["count"] == 30
    assert approve(run).mapped == len(list(filter(None, before.values()))) + 30


def test_releases_and_changed_accounts_beyond_the_limit_are_held(company: Company) -> None:
    company.run()
    limit(company, shrink_limit=None)
    many_change_accounts(company)
    before = map_of(company)
    assert company.run().status == Status.SUCCEEDED  # flagged
    run = company.run()
    assert (run.status, kinds(run)) == (Status.HELD, ["remap"])
    assert map_of(company) == before
    assert approve(run).changed == 30


@pytest.mark.parametrize("side", ["cxone", "ringcentral"])
def test_a_directory_that_shrank_is_held_before_anything_of_it_is_kept(company: Company, side: str) -> None:
    company.run()
    before = map_of(company)
    run = half(company, side)
    assert (run.status, kinds(run)) == (Status.HELD, ["users" if side == "cxone" else "accounts"])
    assert map_of(company) == before and run.held_for[0]["names"]
    assert not ExternalAccount.objects.exclude(gone_since=None).exists()
    assert not UserMapping.objects.filter(present=False, reason="not_yet_synced").exists()


def test_a_shrunken_directory_that_is_approved_flags_and_its_releases_are_held_again(
    company: Company,
) -> None:
    company.run()
    limit(company, shrink_limit=5)
    for row in list(UserMapping.objects.mapped().select_related("account")[:30]):
        company.world.remove("ringcentral", row.account.platform_id)
    run = company.run()
    assert (run.status, kinds(run)) == (Status.HELD, ["accounts"])
    assert approve(run).status == Status.SUCCEEDED
    assert UserMapping.objects.filter(flag="account_gone").count() == 30
    assert kinds(company.run()) == ["unmap"]


def test_people_who_all_lose_the_permission_are_held(company: Company) -> None:
    company.run()
    for row in UserMapping.objects.filter(eligible=True)[:60]:
        company.world.set_roles(row.cxone_id, "Evaluator")
    run = company.run()
    assert (run.status, kinds(run)) == (Status.HELD, ["eligible"])
    assert UserMapping.objects.filter(eligible=True).count() > 100


def test_what_the_brake_holds_needs_a_reason_and_is_decided_once(company: Company) -> None:
    company.run()
    run = half(company)
    with pytest.raises(sync.NotApproved):
        sync.apply_held(run, actor=None, approval="  ")
    assert sync.apply_held(run, actor=None, approval="True.")
    assert not sync.apply_held(run, actor=None, approval="True.") and not sync.discard(run, actor=None)


def test_the_next_run_takes_the_place_of_a_held_one_and_heals_by_itself(company: Company) -> None:
    company.run()
    held = half(company)
    assert company.run().status == Status.SUCCEEDED
    held.refresh_from_db()
    assert held.status == Status.DISCARDED and "looked again" in held.note
    sync.tick()
    assert not held.pages.exists()


def test_a_held_run_that_nobody_approves_in_time_is_discarded_by_the_tick(company: Company) -> None:
    company.run()
    run = half(company)
    SyncRun.objects.filter(pk=run.pk).update(held_until=timezone.now() - timedelta(seconds=5))
    assert not sync.apply_held(run, actor=None, approval="Too late.")
    sync.tick()
    run.refresh_from_db()
    assert (run.status, run.pages.exists()) == (Status.DISCARDED, False) and "in time" in run.note


def test_a_preview_is_held_against_the_same_limits(company: Company) -> None:
    company.run()
    limit(company, map_limit=5)
    for number in range(30):
        company.world.hire("Nia", f"Newman{number}", email=f"nia{number}@acme.example")
    run = company.run(is_preview=True)
    assert (run.status, kinds(run)) == (Status.HELD, ["map"])


def test_a_row_decided_by_hand_while_the_run_was_held_is_refused(company: Company) -> None:
    company.run()
    limit(company, map_limit=5)
    for number in range(30):
        company.world.hire("Nia", f"Newman{number}", email=f"nia{number}@acme.example")
    run = company.run()
    parked = run.changes.filter(kind="map").first().mapping
    by_hand.do_not_map(parked, actor=None)
    assert approve(run).status == Status.PARTIAL
    parked.refresh_from_db()
    assert parked.reason == "do_not_map"


# --- an answer that says 200 and is not true ----------------------------------------------------------------


@pytest.mark.parametrize("side", ["cxone", "ringcentral"])
@pytest.mark.parametrize("fault", ["empty", "half"])
def test_an_empty_or_half_directory_moves_nobody_whatever_else_there_was_to_do(
    company: Company, fault: str, side: str
) -> None:
    company.run()
    company.world.hire("Nia", "Newman", email="nia@acme.example")  # would be mapped
    company.world.disable(company.user(company.world.example("same")["cxone"][0]).account.platform_id)
    company.sandbox.faults.arm(fault, side=side, path="users/search|extension$", times="always")
    before = map_of(company)
    run = company.run(trigger=SyncRun.Trigger.SCHEDULE)
    assert run.status in (Status.FAILED, Status.HELD) and (run.error or run.held_for)
    assert map_of(company) == before and not run.changes.filter(outcome="applied").exists()


def test_a_preview_confirmed_after_another_run_met_a_newcomer_adds_up(company: Company) -> None:
    company.run()
    held = company.run(is_preview=True)
    company.world.hire("Nia", "Newman", email="nia@acme.example")
    assert company.run().users == held.users + 1
    sync.apply_held(held, actor=None)
    held = sync.run_here(held, watch=lambda run: None, poll=0.01)
    assert (held.status, held.users) == (Status.SUCCEEDED, len(company.users()))


def scheduled(company: Company) -> SyncRun:
    return company.run(trigger=SyncRun.Trigger.SCHEDULE, due_at=timezone.now())


@pytest.mark.parametrize("fault", ["half", None])
def test_a_first_run_by_schedule_waits_until_a_person_has_looked(company: Company, fault: str | None) -> None:
    """Half a directory would look just like a whole one."""
    if fault:
        company.sandbox.faults.arm(fault, side="ringcentral", path="extension$", times="always")
    run = scheduled(company)
    assert (run.status, kinds(run)) == (Status.HELD, ["first"])
    assert not any(map_of(company).values())
    company.sandbox.faults.clear()
    assert approve(scheduled(company)).mapped > 100
    assert scheduled(company).status == Status.SUCCEEDED
