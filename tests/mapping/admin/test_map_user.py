"""Map User, step by step as the documentation has it, and what may go wrong on the way."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from mapping.folding import search_text
from mapping.matching import Reason
from mapping.models import Change, ExternalAccount, UserMapping
from tenants.models import Tenant

from .test_syncschedule import signed_in


@pytest.fixture
def tenant(db: None) -> Tenant:
    return Tenant.objects.create(name="Acme", slug="acme")


@pytest.fixture
def mapper(tenant: Tenant) -> Client:
    return signed_in(tenant, "map_usermapping", "view_usermapping")


@pytest.fixture
def ada(tenant: Tenant) -> UserMapping:
    return person(tenant, "Ada Lovelace")


def person(tenant: Tenant, name: str, **more: object) -> UserMapping:
    return UserMapping.objects.create(
        tenant=tenant, cxone_id=name, name=name, **{"reason": "no_match"} | more
    )


def account(tenant: Tenant, name: str, **more: object) -> ExternalAccount:
    words = search_text(name, "", "", "", "")
    return ExternalAccount.objects.create(
        tenant=tenant, platform_id=name, name=name, is_person=True, search_text=words, **more
    )


def to(name: str, user: UserMapping, *more: object) -> str:
    return reverse(f"admin:mapping_usermapping_{name}", args=[user.pk, *more])


def states(*users: UserMapping) -> list[tuple[object, str]]:
    return [(one.account_id, one.reason) for one in map(refreshed, users)]


def refreshed(user: UserMapping) -> UserMapping:
    return UserMapping.objects.get(pk=user.pk)


def test_the_details_lead_to_the_search(mapper: Client, ada: UserMapping) -> None:
    assert to("map", ada) in mapper.get(to("change", ada)).content.decode()


def test_the_search_finds_words_in_any_order(mapper: Client, tenant: Tenant, ada: UserMapping) -> None:
    account(tenant, "Lovelace, Ada King")
    shown = mapper.get(to("results", ada), {"q": "king ada"}).content.decode()
    assert "Lovelace, Ada King" in shown and "1 account found" in shown


def test_choosing_maps_and_offers_undo(mapper: Client, tenant: Tenant, ada: UserMapping) -> None:
    ext = account(tenant, "Ada L.")
    shown = mapper.post(to("map", ada), {"account": ext.pk}, follow=True).content.decode()
    assert states(ada) == [(ext.pk, "")]
    assert "is mapped to Ada L." in shown and to("undo", ada) in shown


def test_undo_puts_back_what_was(mapper: Client, tenant: Tenant, ada: UserMapping) -> None:
    mapper.post(to("map", ada), {"account": account(tenant, "Ada L.").pk})
    assert "1 change undone" in mapper.post(to("undo", ada), follow=True).content.decode()
    assert states(ada) == [(None, Reason.NO_MATCH)]


def test_undo_works_once(mapper: Client, tenant: Tenant, ada: UserMapping) -> None:
    mapper.post(to("map", ada), {"account": account(tenant, "Ada L.").pk})
    mapper.post(to("undo", ada))
    assert "nothing to undo" in mapper.post(to("undo", ada), follow=True).content.decode()


def test_a_taken_account_asks_first_and_names_both(mapper: Client, tenant: Tenant, ada: UserMapping) -> None:
    ext, bo = account(tenant, "Desk"), person(tenant, "Bo Beep")
    mapper.post(to("map", bo), {"account": ext.pk})
    asked = mapper.post(to("map", ada), {"account": ext.pk}).content.decode()
    assert "Bo Beep" in asked and "Ada Lovelace" in asked and "Reassign" in asked
    assert states(ada, bo) == [(None, "no_match"), (ext.pk, "")]
    mapper.post(to("map", ada), {"account": ext.pk, "confirmed": "1", "reassign": "1"})
    assert states(ada, bo) == [(ext.pk, ""), (None, Reason.UNMAPPED_BY_HAND)]


def test_a_disabled_account_asks_first(mapper: Client, tenant: Tenant, ada: UserMapping) -> None:
    ext = account(tenant, "Old", state="disabled")
    assert "not one of an enabled person" in mapper.post(to("map", ada), {"account": ext.pk}).content.decode()
    assert states(ada) == [(None, "no_match")]


@pytest.mark.parametrize("chosen", ["", "0", "nonsense", "99999999999999999999"])
def test_a_choice_that_is_none_is_said(mapper: Client, ada: UserMapping, chosen: str) -> None:
    shown = mapper.post(to("map", ada), {"account": chosen}, follow=True)
    assert "Choose an account first" in shown.content.decode()


def test_another_tenants_account_cannot_be_chosen(mapper: Client, ada: UserMapping) -> None:
    foreign = account(Tenant.objects.create(name="Globex", slug="globex"), "Foreign")
    mapper.post(to("map", ada), {"account": foreign.pk, "confirmed": "1"})
    assert states(ada) == [(None, "no_match")]


def test_a_viewer_is_refused_everywhere(tenant: Tenant, ada: UserMapping) -> None:
    viewer, ext = signed_in(tenant, "view_usermapping"), account(tenant, "Ada L.")
    assert to("map", ada) not in viewer.get(to("change", ada)).content.decode()
    answers = [
        viewer.get(to("map", ada)),
        viewer.post(to("map", ada), {"account": ext.pk}),
        viewer.get(to("results", ada)),
        viewer.post(to("undo", ada)),
        viewer.post(to("verb", ada, "do-not-map")),
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert not Change.objects.exists()


@pytest.mark.parametrize(
    ("verb", "reason"),
    [("unmap", Reason.UNMAPPED_BY_HAND), ("reject", Reason.REJECTED), ("do-not-map", Reason.DO_NOT_MAP)],
)
def test_the_row_menus_verbs_are_done_and_logged(
    mapper: Client, tenant: Tenant, ada: UserMapping, verb: str, reason: Reason
) -> None:
    mapper.post(to("map", ada), {"account": account(tenant, "Ada L.").pk})
    mapper.post(to("verb", ada, verb))
    assert states(ada) == [(None, reason)]
    assert LogEntry.objects.filter(object_id=ada.pk).count() == 2


def test_next_leads_to_the_next_who_needs_a_decision(
    mapper: Client, tenant: Tenant, ada: UserMapping
) -> None:
    person(tenant, "Bo", reason=Reason.DO_NOT_MAP)
    cy = person(tenant, "Cy")
    assert mapper.get(to("next", ada)).headers["Location"] == to("map", cy)
    assert mapper.get(to("next", cy)).headers["Location"] == to("map", ada)


def test_when_nobody_is_left_the_list_says_so(mapper: Client, ada: UserMapping) -> None:
    shown = mapper.get(to("next", ada), follow=True).content.decode()
    assert "Everybody who needed a decision has one" in shown


def test_a_name_with_markup_is_shown_as_text(mapper: Client, tenant: Tenant, ada: UserMapping) -> None:
    account(tenant, "<script>alert(1)</script> Ada")
    assert "<script>alert" not in mapper.get(to("map", ada), {"q": "ada"}).content.decode()


def test_asking_the_platform_without_credentials_is_an_error_in_words(
    mapper: Client, ada: UserMapping
) -> None:
    shown = mapper.get(to("results", ada), {"q": "ada", "live": "1"}).content.decode()
    assert "No credentials have been entered" in shown
