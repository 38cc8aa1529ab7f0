"""Finding an account by what a person remembers of it."""

import pytest

from mapping import search
from mapping.folding import search_text
from mapping.models import ExternalAccount, UserMapping
from mapping.search import Resemblance
from tenants.models import Tenant

PEOPLE = [
    ("1", "Ann Lee", "ann.lee@acme.com", "101", True),
    ("2", "Léa Ånnström", "lea@acme.com", "102", True),
    ("3", "Lee, Bruce", "bruce@acme.com", "1010", True),
    ("4", "Annabel Leeds", "annabel@acme.com", "103", True),
    ("5", "Ann Lee", "ann.lee@acme.co.uk", "104", False),
]


@pytest.fixture
def tenant(db: None) -> Tenant:
    tenant = Tenant.objects.create(name="Acme", slug="acme")
    for number, name, email, extension, enabled in PEOPLE:
        ExternalAccount.objects.create(
            tenant=tenant,
            platform_id=number,
            name=name,
            email=email,
            email_key=email,
            extension=extension,
            is_person=True,
            state="enabled" if enabled else "disabled",
            search_text=search_text(name, email, extension, "", ""),
        )
    return tenant


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("ann lee", ["1", "5", "4"]),
        ("LEE ANN", ["1", "5", "4"]),
        ("annstrom", ["2"]),
        ("lea", ["2"]),
        ("101", ["1", "3"]),
        ("bruce lee", ["3"]),
        ("annabel@acme.com", ["4"]),
        ("nobody", []),
        ("   ", []),
        ("100%_", []),
    ],
)
def test_words_in_any_order_without_case_or_accents(tenant: Tenant, typed: str, found: list[str]) -> None:
    assert [account.platform_id for account in search.accounts(tenant, typed)] == found


def test_another_tenants_accounts_are_never_found(tenant: Tenant) -> None:
    assert search.accounts(Tenant.objects.create(name="Globex", slug="globex"), "ann") == []


def test_a_result_knows_who_has_it_without_another_query(
    tenant: Tenant, django_assert_num_queries: object
) -> None:
    ext = ExternalAccount.objects.get(platform_id="1")
    UserMapping.objects.create(
        tenant=tenant, cxone_id="x", name="Ada", account=ext, method="manual", reason=""
    )
    with django_assert_num_queries(2):
        assert search.accounts(tenant, "ann lee")[0].mapping.name == "Ada"


def test_candidates_say_why_they_resemble(tenant: Tenant) -> None:
    user = UserMapping.objects.create(
        tenant=tenant, cxone_id="x", name="Ann Lee", email_key="ann.lee@acme.org", email="ann.lee@acme.org"
    )
    found = [(account.platform_id, reasons) for account, reasons in search.candidates(user)]
    assert found[0] == ("1", [Resemblance.SAME_LOCAL_PART, Resemblance.SAME_NAME])
    assert {number for number, _ in found} == {"1", "5", "4"}


@pytest.mark.parametrize(
    ("username", "found"),
    [
        ("101", {"1": Resemblance.SAME_EXTENSION}),
        ("agent103@cx.acme.com", {"4": Resemblance.SAME_EXTENSION}),
        ("+4155550123", {"6": Resemblance.SAME_PHONE}),
        ("agent01", {}),
        ("1", {}),
        ("101.agent", {}),
        ("nobody", {}),
    ],
)
def test_a_number_that_ends_the_username_is_a_resemblance(
    tenant: Tenant, username: str, found: dict[str, Resemblance]
) -> None:
    told = search_text("Cy", "", "9", phone := "+1 (415) 555-0123", "")
    more = {"phone": phone, "extension": "9", "is_person": True, "search_text": told}
    ExternalAccount.objects.create(tenant=tenant, platform_id="6", name="Cy", **more)
    user = UserMapping.objects.create(tenant=tenant, cxone_id="x", name="Zoe", username=username)
    assert {account.platform_id: reasons[0] for account, reasons in search.candidates(user)} == found


def test_candidates_cost_no_more_queries_when_there_are_more(
    tenant: Tenant, django_assert_max_num_queries: object
) -> None:
    user = UserMapping(tenant=tenant, name="Ann Lee", email_key="ann.lee@acme.org", username="14155550123")
    with django_assert_max_num_queries(6):
        assert {reason.label for _, reasons in search.candidates(user) for reason in reasons}


def test_why_an_account_resembles_is_said_in_words() -> None:
    assert not [reason for reason in Resemblance if "_" in reason.label]


def test_the_free_come_before_those_that_somebody_has(tenant: Tenant) -> None:
    taken = ExternalAccount.objects.get(platform_id="2")
    UserMapping.objects.create(tenant=tenant, cxone_id="x", account=taken, method="manual", reason="")
    found = [account.platform_id for account in search.accounts(tenant, "l")]
    assert found.index("4") < found.index("2") and found.index("3") < found.index("2")


def test_the_words_of_an_address_make_no_name(tenant: Tenant) -> None:
    """Two people share an address: only one of them has the name as well."""
    ExternalAccount.objects.create(
        tenant=tenant,
        platform_id="9",
        name="Mikko Nyong",
        email="aino.nyong@acme.com",
        email_key="aino.nyong@acme.com",
        is_person=True,
        search_text=search_text("Mikko Nyong", "aino.nyong@acme.com", "", "", ""),
    )
    user = UserMapping.objects.create(
        tenant=tenant, cxone_id="x", name="Aino Nyong", email_key="aino.nyong@acme.com"
    )
    assert [reasons for _account, reasons in search.candidates(user)] == [[Resemblance.SAME_EMAIL]]
