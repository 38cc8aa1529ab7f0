"""Auto Sync from end to end, over real HTTP against the sandbox."""

from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from mapping import by_hand, sync
from mapping.matching import Method, Reason
from mapping.models import Change, ExternalAccount, StagedPage, SyncRun, SyncSchedule, UserMapping
from mapping.sync import second_try
from tenants.models import Connection
from tenants.platforms.errors import BadAnswer

from .conftest import Company

Status = SyncRun.Status


def test_every_user_ends_as_the_sandbox_says(company: Company) -> None:
    run = company.run()
    expected = dict(company.world.expected())
    assert run.status == Status.SUCCEEDED
    assert {who: reason or "mapped" for who, (_, reason) in company.users().items()} == {
        who: expected[who] for who in company.users()
    }


def test_the_counts_add_up_and_are_those_of_the_rows(company: Company) -> None:
    run = company.run()
    reasons = Counter(reason for _, reason in company.users().values())
    assert run.users == run.mapped + run.unmapped + run.skipped + run.failed == len(company.users())
    assert (run.mapped, run.skipped, run.failed) == (reasons[""], reasons["no_permission"], 0)


def test_each_account_belongs_to_the_address_of_its_user(company: Company) -> None:
    company.run()
    pairs = UserMapping.objects.mapped().values_list("email_key", "account__email_key", "method")
    assert pairs and all(ours == theirs and method == Method.AUTO for ours, theirs, method in pairs)


def test_a_second_run_changes_nothing(company: Company) -> None:
    company.run()
    before = (
        list(UserMapping.objects.order_by("pk").values()),
        list(ExternalAccount.objects.order_by("pk").values()),
    )
    changes = Change.objects.count()
    run = company.run()
    assert (run.status, run.changed, Change.objects.count()) == (Status.SUCCEEDED, 0, changes)
    after = (
        list(UserMapping.objects.order_by("pk").values()),
        list(ExternalAccount.objects.order_by("pk").values()),
    )
    assert after == before


def test_every_change_is_kept_with_its_run(company: Company) -> None:
    run = company.run()
    kinds = Counter(run.changes.values_list("kind", "outcome"))
    assert kinds == {("map", "applied"): run.mapped, ("reason", "applied"): run.users - run.mapped}


def test_every_unmapped_user_has_a_sentence_and_a_next_step(company: Company) -> None:
    from mapping.reasons import next_step, sentence

    company.run()
    for row in UserMapping.objects.unmapped():
        said = sentence(row.reason, row.evidence, email=row.email, platform="RingCentral")
        assert said and "{" not in said and ": ." not in said, (row.reason, said)
        assert next_step(row.reason, platform="RingCentral")


def test_nothing_that_was_read_is_kept_after_the_run(company: Company) -> None:
    company.run()
    assert not StagedPage.objects.exists()


# --- the second try -----------------------------------------------------------------------------------------


def unmatched(company: Company, kind: str = "no_match") -> str:
    """The CXone id of somebody whom the first try leaves without a match."""
    return next(who for who, reason in company.world.expected() if reason == kind)


def newcomer(company: Company) -> str:
    """The id of a new extension that nobody in CXone belongs to."""
    return company.world.hire("Nia", "Newman", email="nia@acme.example", cxone=False)["ringcentral"]


def test_an_address_corrected_in_cxone_between_the_tries_is_mapped_by_the_second(company: Company) -> None:
    who, extension = unmatched(company), newcomer(company)
    address = company.world.find("ringcentral", extension).email
    run = company.run(between=lambda: company.world.set_email("cxone", who, address))
    assert company.users()[who] == (extension, "")
    assert run.changes.filter(mapping__cxone_id=who, outcome="applied").count() == 2


def test_an_address_corrected_in_ringcentral_between_the_tries_is_mapped_by_the_second(
    company: Company,
) -> None:
    who = unmatched(company)
    extension = newcomer(company)
    address = company.world.find("cxone", who).email
    company.run(between=lambda: company.world.set_email("ringcentral", extension, address))
    assert company.users()[who] == (extension, "")


def test_an_address_corrected_after_the_second_try_is_mapped_by_the_next_run(company: Company) -> None:
    who = unmatched(company)
    company.run()
    extension = newcomer(company)
    company.world.set_email("ringcentral", extension, company.world.find("cxone", who).email)
    assert company.users()[who] == ("", "no_match")
    company.run()
    assert company.users()[who] == (extension, "")


def test_a_missing_address_given_between_the_tries_is_mapped_by_the_second(company: Company) -> None:
    who, extension = unmatched(company, "no_email"), newcomer(company)
    address = company.world.find("ringcentral", extension).email
    company.run(between=lambda: company.world.set_email("cxone", who, address))
    assert company.users()[who] == (extension, "")


def test_of_two_accounts_the_one_that_keeps_the_address_is_mapped_by_the_second_try(company: Company) -> None:
    who = unmatched(company, "multiple_accounts")
    kept, moved, *_ = company.world.by_email("ringcentral", company.world.find("cxone", who).email)
    company.run(between=lambda: company.world.set_email("ringcentral", moved.id, "elsewhere@acme.example"))
    assert company.users()[who] == (kept.id, "")


def test_each_unmapped_address_is_asked_for_exactly_once_in_the_second_try(company: Company) -> None:
    company.run()
    calls = company.sandbox.log.calls(path="/extension", side="ringcentral")
    whole = [call for call in calls if "email" not in call.query]
    asked = Counter(address for call in calls for address in call.query.get("email", []))
    tried = UserMapping.objects.unmapped().exclude(email_key="").exclude(reason="no_permission")
    assert [call.query["page"] for call in whole] == [["1"], ["2"], ["3"]]
    assert set(asked.values()) == {1}
    assert {row.email.strip() for row in tried} <= set(asked)


def test_somebody_hired_between_the_tries_waits_for_the_next_run(company: Company) -> None:
    hired: list[str] = []
    run = company.run(
        between=lambda: hired.append(
            company.world.hire("Ada", "Late", email="ada.late@acme.example")["cxone"]
        )
    )
    assert run.status == Status.SUCCEEDED and hired[0] not in company.users()
    company.run()
    assert company.users()[hired[0]][1] == ""


def test_the_second_try_waits_for_the_schedules_delay(company: Company) -> None:
    SyncSchedule.objects.create(tenant=company.tenant, retry_delay=timedelta(minutes=7))
    run = sync.request(company.tenant, trigger=SyncRun.Trigger.HAND, ticket=False)
    sync.execute(run.pk, ticket=False)
    run.refresh_from_db()
    assert run.status == Status.WAITING
    assert timedelta(minutes=6) < run.not_before - timezone.now() <= timedelta(minutes=7)


def test_the_tick_starts_the_second_try_when_its_time_has_come(company: Company) -> None:
    run = sync.request(company.tenant, trigger=SyncRun.Trigger.HAND, ticket=False, retry_delay=timedelta(0))
    sync.execute(run.pk, ticket=False)
    sync.tick()
    run.refresh_from_db()
    assert (run.status, run.try_number) == (Status.QUEUED, 2)


def test_a_new_run_takes_the_place_of_one_that_waits(company: Company) -> None:
    waiting = sync.request(company.tenant, trigger=SyncRun.Trigger.HAND, ticket=False)
    sync.execute(waiting.pk, ticket=False)
    run = sync.request(company.tenant, trigger=SyncRun.Trigger.HAND, ticket=False)
    waiting.refresh_from_db()
    assert (waiting.status, str(run.pk) in waiting.note) == (Status.SUCCEEDED, True)


class Picky:
    """A platform that refuses any look-up in which an address with an exclamation mark stands."""

    def lookup(self, emails: list[str]) -> list[str]:
        if any("!" in email for email in emails):
            raise BadAnswer("Parameter [email] value is invalid.", status=400, code="CMN-101")
        return emails


def test_an_address_that_the_platform_cannot_bear_spoils_nobody_elses_try() -> None:
    found, unanswered = second_try.ask(Picky(), ["a", "b", "c!", "d", "e!", "f", "g"])
    assert found == ["a", "b", "d", "f", "g"]
    assert {who: "CMN-101" in said for who, said in unanswered.items()} == {"c!": True, "e!": True}


def test_an_address_that_could_not_be_looked_up_is_a_platform_error(company: Company) -> None:
    who = unmatched(company)
    run = sync.request(company.tenant, trigger=SyncRun.Trigger.HAND, ticket=False, retry_delay=timedelta(0))
    sync.execute(run.pk, ticket=False)
    said = {company.world.find("cxone", who).email: "HTTP 400"}
    SyncRun.objects.filter(pk=run.pk).update(unanswered=said)
    run = sync.run_here(run, watch=lambda run: None, poll=0.01)
    assert company.users()[who] == ("", "platform_error")
    assert (run.status, run.failed) == (Status.PARTIAL, 1)
    assert company.run().status == Status.SUCCEEDED


# --- what a person did --------------------------------------------------------------------------------------


def test_a_manual_mapping_stands_though_another_account_has_the_address(company: Company) -> None:
    company.run()
    mapped = UserMapping.objects.mapped().first()
    spare = ExternalAccount.objects.filter(mapping=None, is_person=True, state="enabled").first()
    by_hand.map_user(mapped, spare, actor=None)
    company.run()
    mapped.refresh_from_db()
    assert (mapped.account_id, mapped.method) == (spare.pk, Method.MANUAL)


def test_what_was_unmapped_by_hand_stays_unmapped(company: Company) -> None:
    company.run()
    mapped = UserMapping.objects.mapped().first()
    by_hand.unmap_user(mapped, actor=None)
    company.run()
    mapped.refresh_from_db()
    assert (mapped.account_id, mapped.reason) == (None, Reason.UNMAPPED_BY_HAND)


def test_a_row_changed_by_hand_after_the_plan_is_refused_and_listed(company: Company) -> None:
    run = sync.request(company.tenant, trigger=SyncRun.Trigger.HAND, ticket=False, retry_delay=timedelta(0))
    stop_before_apply(company, run)
    proposed = run.changes.filter(kind="map").select_related("mapping").first()
    account = ExternalAccount.objects.get(pk=proposed.after["account"])
    somebody = UserMapping.objects.exclude(pk=proposed.mapping_id).filter(reason="not_yet_synced").last()
    by_hand.map_user(somebody, account, actor=None)
    run = sync.run_here(run, watch=lambda run: None, poll=0.01)
    proposed.refresh_from_db()
    assert (run.status, proposed.outcome, bool(proposed.refusal)) == (Status.PARTIAL, "refused", True)
    assert UserMapping.objects.get(account=account).pk == somebody.pk


def stop_before_apply(company: Company, run: SyncRun) -> None:
    from mapping.sync import work

    lease = work.claim(run.pk)
    for phase in work.ORDER[: work.ORDER.index(SyncRun.Phase.APPLY)]:
        lease.run.phase = phase
        work.STEPS[phase](lease)
    lease.release(ticket=False, phase=SyncRun.Phase.APPLY, done=0)


# --- leavers ------------------------------------------------------------------------------------------------


def mapped_extension(company: Company) -> tuple[str, str]:
    return next((who, account) for who, (account, _) in sorted(company.users().items()) if account)


@pytest.mark.parametrize(("leave", "flag"), [("remove", "account_gone"), ("disable", "account_disabled")])
def test_an_account_that_left_is_flagged_at_once_and_released_by_the_second_read(
    company: Company, leave: str, flag: str
) -> None:
    company.run()
    who, extension = mapped_extension(company)
    company.world.remove("ringcentral", extension) if leave == "remove" else company.world.disable(extension)
    company.run()
    assert (company.users()[who][0], company.user(who).flag) == (extension, flag)
    company.run()
    assert company.users()[who] == ("", flag)


def test_an_account_that_came_back_in_time_is_flagged_no_more(company: Company) -> None:
    company.run()
    who, extension = mapped_extension(company)
    company.world.disable(extension)
    company.run()
    company.world.enable(extension)
    company.run()
    assert (company.users()[who][0], company.user(who).flag) == (extension, "")


def test_a_recycled_address_never_hands_a_mapping_to_the_newcomer(company: Company) -> None:
    company.run()
    who, extension = mapped_extension(company)
    address = company.world.find("ringcentral", extension).email
    company.world.set_email("cxone", who, "somebody.else@acme.example")
    newcomer = company.world.hire("New", "Comer", ringcentral=False)["cxone"]
    company.world.set_email("cxone", newcomer, address)
    company.run()
    assert company.users()[who][0] == extension
    assert company.users()[newcomer] == ("", "account_taken")


def test_somebody_deactivated_in_cxone_keeps_the_row_and_is_not_counted(company: Company) -> None:
    first = company.run()
    who, _ = mapped_extension(company)
    company.world.set_status("cxone", who, "DELETED")
    run = company.run()
    assert run.users == first.users - 1
    assert company.user(who).present is False


# --- one at a time ------------------------------------------------------------------------------------------


def test_a_tenant_has_one_live_run(company: Company) -> None:
    run = sync.request(company.tenant, trigger=SyncRun.Trigger.HAND)
    with pytest.raises(sync.AlreadyRunning) as busy:
        sync.request(company.tenant, trigger=SyncRun.Trigger.HAND)
    assert busy.value.run == run


def test_a_ticket_delivered_twice_does_nothing_the_second_time(company: Company) -> None:
    run = company.run()
    requests = len(company.sandbox.log.calls())
    sync.execute(run.pk)
    assert len(company.sandbox.log.calls()) == requests


def test_a_dead_run_is_interrupted_and_a_successor_does_the_rest(company: Company) -> None:
    run = sync.request(company.tenant, trigger=SyncRun.Trigger.HAND, ticket=False, retry_delay=timedelta(0))
    stop_before_apply(company, run)
    SyncRun.objects.filter(pk=run.pk).update(
        status=Status.RUNNING, token="0" * 32, lease_until=timezone.now() - timedelta(seconds=1)
    )
    sync.tick()
    run.refresh_from_db()
    successor = sync.run_here(run.successor, watch=lambda run: None, poll=0.01)
    assert (run.status, successor.status, successor.trigger) == (
        Status.INTERRUPTED,
        Status.SUCCEEDED,
        "recovery",
    )
    assert not run.changes.exclude(outcome=Change.Outcome.DROPPED).exists()


def test_a_run_that_keeps_dying_is_given_up(company: Company) -> None:
    run = sync.request(company.tenant, trigger=SyncRun.Trigger.HAND)
    for _ in range(5):
        SyncRun.objects.filter(tenant=company.tenant).live().update(
            status=Status.RUNNING, token="0" * 32, lease_until=timezone.now() - timedelta(seconds=1)
        )
        sync.tick()
    assert Counter(SyncRun.objects.values_list("status", flat=True)) == {Status.INTERRUPTED: 3}
    assert run.pk


def test_who_lost_the_lease_writes_nothing_more(company: Company) -> None:
    from mapping.sync.lease import LeaseLost, claim

    run = sync.request(company.tenant, trigger=SyncRun.Trigger.HAND)
    lease = claim(run.pk)
    SyncRun.objects.filter(pk=run.pk).update(token="1" * 32)
    with pytest.raises(LeaseLost):
        lease.keep(done=5)
    run.refresh_from_db()
    assert run.done == 0


def test_a_run_is_worked_off_in_slices(company: Company, settings: object) -> None:
    settings.SYNC_SLICE_SECONDS = 0
    run = company.run()
    assert run.status == Status.SUCCEEDED
    assert len(company.sandbox.log.calls(path="/users/search")) > 3


def test_a_lost_ticket_is_sent_again(company: Company) -> None:
    from django_q.models import OrmQ

    run = sync.request(company.tenant, trigger=SyncRun.Trigger.HAND)
    OrmQ.objects.all().delete()
    SyncRun.objects.filter(pk=run.pk).update(ticketed_at=timezone.now() - timedelta(hours=1))
    sync.tick()
    assert OrmQ.objects.count() == 1


def test_tickets_that_wait_behind_others_are_not_sent_once_more(company: Company) -> None:
    from django_q.models import OrmQ

    sync.request(company.tenant, trigger=SyncRun.Trigger.HAND)
    SyncRun.objects.update(ticketed_at=timezone.now() - timedelta(hours=1))
    sync.tick()
    assert OrmQ.objects.count() == 1


def test_a_postponed_run_gets_its_ticket_however_long_the_queue_is(company: Company) -> None:
    from django_q.models import OrmQ
    from django_q.tasks import async_task

    run = sync.request(company.tenant, trigger=SyncRun.Trigger.HAND, ticket=False)
    ago = timezone.now() - timedelta(seconds=10)
    SyncRun.objects.filter(pk=run.pk).update(ticketed_at=ago - timedelta(seconds=40), not_before=ago)
    for _ in range(5):
        async_task("math.sqrt", 4)
    sync.tick()
    assert OrmQ.objects.count() == 6


# --- credentials --------------------------------------------------------------------------------------------


def test_a_tenant_without_credentials_fails_in_words(company: Company) -> None:
    company.tenant.connection(Connection.Side.EXTERNAL).set_credentials({})
    company.tenant.connection(Connection.Side.CXONE)
    run = company.run()
    assert run.status == Status.FAILED and "RingCentral" in run.error


def test_a_failing_connection_says_so_until_it_works_again(company: Company) -> None:
    company.sandbox.faults.arm("forbidden", path="/roles/search", times=1)
    company.run()
    assert company.tenant.connection(Connection.Side.CXONE).health == Connection.Health.FAILING
    company.run()
    assert company.tenant.connection(Connection.Side.CXONE).health == Connection.Health.WORKING


# --- trying again what failed -------------------------------------------------------------------------------


def partial(company: Company) -> tuple[SyncRun, Change]:
    """A run that refused one row, because somebody parked the user while it was held, and left them alone since."""
    run = company.run(is_preview=True)
    change = run.changes.filter(kind="map").first()
    by_hand.do_not_map(change.mapping, actor=None)
    sync.apply_held(run, actor=None)
    run = sync.run_here(run, watch=lambda run: None, poll=0.01)
    by_hand.leave_to_auto_sync(change.mapping, actor=None)
    return run, change


def test_what_failed_is_tried_again_by_a_run_that_reads_anew(company: Company) -> None:
    run, change = partial(company)
    assert (run.status, run.failed) == (Status.PARTIAL, 1)
    calls = len(company.sandbox.log.calls(path="/extension", side="ringcentral"))
    again = sync.run_here(sync.retry_failed(run, actor=None), watch=lambda run: None, poll=0.01)
    assert (again.status, again.failed, again.users) == (Status.SUCCEEDED, 0, run.users)
    assert company.user(change.mapping.cxone_id).account_id == change.after["account"]
    asked = company.sandbox.log.calls(path="/extension", side="ringcentral")[calls:]
    assert asked and all("email" in call.query for call in asked)


def test_a_retry_that_fails_leaves_everything_and_says_so(company: Company) -> None:
    run, _change = partial(company)
    before = company.users()
    company.sandbox.faults.arm("error500", side="cxone", path="users/search", times="always")
    again = sync.run_here(sync.retry_failed(run, actor=None), watch=lambda run: None, poll=0.01)
    assert (again.status, bool(again.error), company.users()) == (Status.FAILED, True, before)
