"""People leave and come back on either side, and addresses are given to somebody else: nobody gets a stranger's
account by it, and nothing is taken away on the word of one read."""

import pytest

from mapping import by_hand
from mapping.models import ExternalAccount, UserMapping

from .conftest import Company


@pytest.fixture
def ann(company: Company) -> UserMapping:
    """Somebody whom Auto Sync has mapped, and whom nobody else can be taken for."""
    company.run()
    return company.user(company.world.example("same")["cxone"][0])


def again(company: Company, row: UserMapping) -> UserMapping:
    company.run()
    return company.user(row.cxone_id)


def extension(row: UserMapping) -> str:
    assert row.account is not None
    return str(row.account.platform_id)


def test_who_leaves_cxone_keeps_the_account_and_is_flagged(company: Company, ann: UserMapping) -> None:
    company.world.remove("cxone", ann.cxone_id)
    for _ in range(3):
        row = again(company, ann)
        assert (row.present, row.flag, row.account) == (False, "user_gone", ann.account)


def test_who_comes_back_to_cxone_is_as_before(company: Company, ann: UserMapping) -> None:
    company.world.remove("cxone", ann.cxone_id)
    again(company, ann)
    company.world.restore("cxone", ann.cxone_id)
    row = again(company, ann)
    assert (row.present, row.flag, row.account, row.method) == (True, "", ann.account, "auto")


def test_a_newcomer_with_a_leavers_address_does_not_get_the_leavers_account(
    company: Company, ann: UserMapping
) -> None:
    company.world.remove("cxone", ann.cxone_id)
    newcomer = company.world.hire("Bo", "Newman", email=ann.email, ringcentral=False)["cxone"]
    for _ in range(3):
        company.run()
        row = company.user(newcomer)
        assert (row.account, row.reason) == (None, "account_taken")
    assert row.evidence["users"][0]["name"] == ann.name


def test_the_newcomer_gets_it_when_a_person_says_so(company: Company, ann: UserMapping) -> None:
    company.world.remove("cxone", ann.cxone_id)
    newcomer = company.world.hire("Bo", "Newman", email=ann.email, ringcentral=False)["cxone"]
    by_hand.unmap_user(again(company, ann), actor=None)
    assert again(company, company.user(newcomer)).account == ann.account


@pytest.mark.parametrize("status", ["Disabled", "Frozen", "NotActivated"])
def test_an_account_that_cannot_be_used_is_flagged_at_once_and_released_after_the_second_read(
    company: Company, ann: UserMapping, status: str
) -> None:
    company.world.set_status("ringcentral", extension(ann), status)
    row = again(company, ann)
    assert (row.account, row.flag) == (ann.account, "account_disabled")
    row = again(company, ann)
    assert (row.account, row.reason) == (None, "account_disabled")


def test_an_account_that_is_gone_is_flagged_at_once_and_released_after_the_second_read(
    company: Company, ann: UserMapping
) -> None:
    company.world.remove("ringcentral", extension(ann))
    row = again(company, ann)
    assert (row.account, row.flag) == (ann.account, "account_gone")
    row = again(company, ann)
    assert (row.account, row.reason) == (None, "account_gone")


@pytest.mark.parametrize("how", ["gone", "disabled"])
def test_an_account_that_is_back_by_the_second_read_is_not_released(
    company: Company, ann: UserMapping, how: str
) -> None:
    leave, come_back = {
        "gone": (company.world.remove, company.world.restore),
        "disabled": (lambda _side, id: company.world.disable(id), lambda _side, id: company.world.enable(id)),
    }[how]
    for _ in range(2):
        leave("ringcentral", extension(ann))
        assert again(company, ann).flag
        come_back("ringcentral", extension(ann))
        row = again(company, ann)
        assert (row.account, row.flag, row.flag_reads) == (ann.account, "", 0)


def test_a_read_that_fails_between_does_not_count(company: Company, ann: UserMapping) -> None:
    company.world.remove("ringcentral", extension(ann))
    again(company, ann)
    company.sandbox.faults.arm("error500", side="ringcentral", path="extension$", times="always")
    assert again(company, ann).account == ann.account
    company.sandbox.faults.clear()
    assert again(company, ann).account is None


def test_an_account_back_after_its_release_is_mapped_again(company: Company, ann: UserMapping) -> None:
    company.world.disable(extension(ann))
    again(company, ann), again(company, ann)
    company.world.enable(extension(ann))
    assert again(company, ann).account == ann.account


def test_a_mapping_made_by_hand_is_flagged_and_never_released(company: Company, ann: UserMapping) -> None:
    account = ann.account
    by_hand.unmap_user(ann, actor=None)
    by_hand.map_user(ann, account, actor=None)
    company.world.remove("ringcentral", account.platform_id)
    for _ in range(4):
        row = again(company, ann)
    assert (row.account, row.method, row.flag) == (account, "manual", "account_gone")


def test_an_address_that_moves_to_another_account_moves_no_mapping(
    company: Company, ann: UserMapping
) -> None:
    address = ann.email
    company.world.set_email("ringcentral", extension(ann), "moved@acme.example")
    company.world.hire("Bo", "Newman", email=address, cxone=False)
    for _ in range(3):
        row = again(company, ann)
    assert (row.account, row.flag) == (ann.account, "emails_differ")


def test_an_account_whose_address_becomes_another_persons_does_not_go_to_them(
    company: Company, ann: UserMapping
) -> None:
    other = company.world.hire("Bo", "Newman", email="bo.newman@acme.example", ringcentral=False)["cxone"]
    company.world.set_email("ringcentral", extension(ann), "bo.newman@acme.example")
    for _ in range(3):
        company.run()
    row = company.user(other)
    assert (row.account, row.reason, row.evidence["users"][0]["name"]) == (None, "account_taken", ann.name)
    assert company.user(ann.cxone_id).flag == "emails_differ"


def test_an_address_that_two_people_swap_moves_no_mapping(company: Company, ann: UserMapping) -> None:
    bo = UserMapping.objects.mapped().exclude(pk=ann.pk).filter(method="auto").select_related("account")[0]
    for side, one, other in (
        ("cxone", ann.cxone_id, bo.cxone_id),
        ("ringcentral", extension(ann), extension(bo)),
    ):
        company.world.set_email(side, one, bo.email)
        company.world.set_email(side, other, ann.email)
        for _ in range(2):
            company.run()
        assert company.user(ann.cxone_id).account == ann.account
        assert company.user(bo.cxone_id).account == bo.account


def test_an_extension_number_given_to_somebody_else_moves_nothing(company: Company, ann: UserMapping) -> None:
    number = ExternalAccount.objects.get(pk=ann.account_id).extension
    company.world.remove("ringcentral", extension(ann))
    company.world.hire(
        "Bo", "Newman", email="bo.newman@acme.example", cxone=False, ringcentral={"number": int(number) - 101}
    )
    again(company, ann)
    row = again(company, ann)
    assert (row.account, row.reason) == (None, "account_gone")


# --- one read alone does not make two into one ---------------------------------------------------------------


def test_of_two_accounts_one_that_is_missing_from_one_read_still_counts(company: Company) -> None:
    who = company.world.example("multiple_accounts")["cxone"][0]
    company.run()
    _kept, missing, *_ = company.world.by_email("ringcentral", company.user(who).email)
    company.world.remove("ringcentral", missing.id)
    company.run()
    assert company.users()[who] == ("", "multiple_accounts")


def test_it_counts_no_more_when_the_platform_says_so_itself_or_a_second_read_agrees(company: Company) -> None:
    who = company.world.example("multiple_accounts")["cxone"][0]
    company.run()
    kept, missing, *_ = company.world.by_email("ringcentral", company.user(who).email)
    company.world.remove("ringcentral", missing.id)
    company.run()
    company.run()
    assert company.users()[who] == (kept.id, "")


def test_of_two_users_one_that_is_not_listed_once_still_counts(company: Company) -> None:
    """CXone lists whoever left as DELETED; who is not listed at all may be cut off."""
    who, other = company.world.example("shared_cxone")["cxone"]
    company.run()
    before = company.users()[who]
    UserMapping.objects.filter(cxone_id=other).update(cxone_id="somebody-who-is-listed-no-more")
    company.world.remove("cxone", other)
    company.run()
    assert (before, company.users()[who]) == (("", "multiple_users"), ("", "multiple_users"))
    company.run()
    assert company.users()[who][0]


def test_of_two_users_one_that_cxone_says_has_left_counts_no_more(company: Company) -> None:
    who, other = company.world.example("shared_cxone")["cxone"]
    company.run()
    company.world.remove("cxone", other)
    company.run()
    assert company.users()[who][0]
