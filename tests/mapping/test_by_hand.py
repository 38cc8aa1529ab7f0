"""What people do by hand, and what undoes it."""

import pytest

from mapping import by_hand
from mapping.by_hand import NotPossible
from mapping.matching import Method, Reason
from mapping.models import Change, ExternalAccount, UserMapping
from tenants.models import Tenant


@pytest.fixture
def tenant(db: None) -> Tenant:
    return Tenant.objects.create(name="Acme", slug="acme")


def user(tenant: Tenant, name: str) -> UserMapping:
    return UserMapping.objects.create(tenant=tenant, cxone_id=name, name=name)


def account(tenant: Tenant, name: str, **more: object) -> ExternalAccount:
    return ExternalAccount.objects.create(tenant=tenant, platform_id=name, name=name, is_person=True, **more)


def states(*users: UserMapping) -> list[tuple[object, str, str]]:
    rows = UserMapping.objects.in_bulk([one.pk for one in users])
    return [(rows[one.pk].account_id, rows[one.pk].method, rows[one.pk].reason) for one in users]


def test_map_gives_the_account_and_keeps_history(tenant: Tenant) -> None:
    ada, ext = user(tenant, "Ada"), account(tenant, "101")
    (change,) = by_hand.map_user(ada, ext, actor=None)
    assert states(ada) == [(ext.pk, Method.MANUAL, "")]
    assert (change.kind, change.outcome, change.after["account_name"]) == ("map", "applied", "101")


def test_an_account_of_another_tenant_is_refused(tenant: Tenant) -> None:
    other = Tenant.objects.create(name="Globex", slug="globex")
    with pytest.raises(NotPossible, match="another tenant"):
        by_hand.map_user(user(tenant, "Ada"), account(other, "101"), actor=None)


def test_a_taken_account_is_refused_and_names_who_has_it(tenant: Tenant) -> None:
    ada, bo, ext = user(tenant, "Ada"), user(tenant, "Bo"), account(tenant, "101")
    by_hand.map_user(ada, ext, actor=None)
    with pytest.raises(NotPossible, match="101 is mapped to Ada"):
        by_hand.map_user(bo, ext, actor=None)


def test_reassigning_takes_it_from_one_and_gives_it_to_the_other(tenant: Tenant) -> None:
    ada, bo, ext = user(tenant, "Ada"), user(tenant, "Bo"), account(tenant, "101")
    by_hand.map_user(ada, ext, actor=None)
    by_hand.map_user(bo, ext, actor=None, reassign=True)
    assert states(ada, bo) == [(None, "", Reason.UNMAPPED_BY_HAND), (ext.pk, Method.MANUAL, "")]


def test_undoing_a_reassignment_gives_it_back(tenant: Tenant) -> None:
    ada, bo, ext = user(tenant, "Ada"), user(tenant, "Bo"), account(tenant, "101")
    by_hand.map_user(ada, ext, actor=None)
    before = states(ada, bo)
    by_hand.undo(by_hand.map_user(bo, ext, actor=None, reassign=True), actor=None)
    assert states(ada, bo) == before


def test_undoing_brings_the_data_behind_the_reason_back(tenant: Tenant) -> None:
    ada, ext = user(tenant, "Ada"), account(tenant, "101")
    by_hand.map_user(ada, ext, actor=None)
    by_hand.reject_match(ada, actor=None)
    by_hand.undo(by_hand.map_user(ada, account(tenant, "102"), actor=None), actor=None)
    ada.refresh_from_db()
    assert (ada.reason, [each["id"] for each in ada.evidence["accounts"]]) == (Reason.REJECTED, ["101"])


def test_undoing_a_rejection_forgets_it(tenant: Tenant) -> None:
    ada, ext = user(tenant, "Ada"), account(tenant, "101")
    by_hand.map_user(ada, ext, actor=None)
    by_hand.undo([by_hand.reject_match(ada, actor=None)], actor=None)
    ada.refresh_from_db()
    assert (ada.account_id, ada.rejected) == (ext.pk, [])


def test_undoing_leave_to_auto_sync_remembers_the_rejection(tenant: Tenant) -> None:
    ada, ext = user(tenant, "Ada"), account(tenant, "101")
    by_hand.map_user(ada, ext, actor=None)
    by_hand.reject_match(ada, actor=None)
    by_hand.undo([by_hand.leave_to_auto_sync(ada, actor=None)], actor=None)
    ada.refresh_from_db()
    assert (ada.reason, ada.rejected) == (Reason.REJECTED, [ext.pk])


def test_undo_is_refused_when_somebody_changed_the_row_since(tenant: Tenant) -> None:
    ada, ext = user(tenant, "Ada"), account(tenant, "101")
    changes = by_hand.map_user(ada, ext, actor=None)
    by_hand.unmap_user(ada, actor=None)
    with pytest.raises(NotPossible, match="changed since"):
        by_hand.undo(changes, actor=None)


def test_undo_is_refused_when_somebody_else_has_the_account_by_now(tenant: Tenant) -> None:
    ada, bo, ext = user(tenant, "Ada"), user(tenant, "Bo"), account(tenant, "101")
    by_hand.map_user(ada, ext, actor=None)
    unmapped = by_hand.unmap_user(ada, actor=None)
    by_hand.map_user(bo, ext, actor=None)
    with pytest.raises(NotPossible, match="Somebody else"):
        by_hand.undo([unmapped], actor=None)


def test_do_not_map_takes_the_account_away(tenant: Tenant) -> None:
    ada = user(tenant, "Ada")
    by_hand.map_user(ada, account(tenant, "101"), actor=None)
    by_hand.do_not_map(ada, actor=None)
    assert states(ada) == [(None, "", Reason.DO_NOT_MAP)]


def test_a_rejected_match_is_remembered_with_its_evidence(tenant: Tenant) -> None:
    ada, ext = user(tenant, "Ada"), account(tenant, "101")
    by_hand.map_user(ada, ext, actor=None)
    by_hand.reject_match(ada, actor=None)
    ada.refresh_from_db()
    assert (ada.reason, ada.rejected, ada.evidence["accounts"][0]["id"]) == (Reason.REJECTED, [ext.pk], "101")


def test_leaving_a_user_to_auto_sync_forgets_what_was_decided(tenant: Tenant) -> None:
    ada = user(tenant, "Ada")
    by_hand.map_user(ada, account(tenant, "101"), actor=None)
    by_hand.reject_match(ada, actor=None)
    by_hand.leave_to_auto_sync(ada, actor=None)
    ada.refresh_from_db()
    assert (ada.reason, ada.rejected) == (Reason.NOT_YET_SYNCED, [])


def test_a_manual_mapping_left_to_auto_sync_keeps_its_account(tenant: Tenant) -> None:
    ada, ext = user(tenant, "Ada"), account(tenant, "101")
    by_hand.map_user(ada, ext, actor=None)
    by_hand.leave_to_auto_sync(ada, actor=None)
    assert states(ada) == [(ext.pk, Method.AUTO, "")]


def test_what_cannot_be_done_changes_nothing(tenant: Tenant) -> None:
    ada = user(tenant, "Ada")
    for verb in (by_hand.unmap_user, by_hand.reject_match, by_hand.leave_to_auto_sync):
        with pytest.raises(NotPossible):
            verb(ada, actor=None)
    assert states(ada) == [(None, "", Reason.NOT_YET_SYNCED)] and not Change.objects.exists()
