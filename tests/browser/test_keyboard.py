"""Everything of User Mapping with the keyboard alone: no test here clicks, or puts the focus anywhere."""

import pytest
from playwright.sync_api import Locator, Page, expect

from mapping.folding import fold
from mapping.models import ExternalAccount, UserMapping

from ..mapping.conftest import Company
from .conftest import MAPPER, Keyboard, Reception

pytestmark = pytest.mark.browser

LIST = "/admin/mapping/usermapping/"


@pytest.fixture
def somebody(company: Company) -> UserMapping:
    return UserMapping.objects.filter(reason="no_match").order_by("name", "pk")[0]


@pytest.fixture
def spare(company: Company) -> ExternalAccount:
    """A free account of an enabled person, found by its name alone."""
    accounts = ExternalAccount.objects.filter(mapping=None, is_person=True, state="enabled", gone_since=None)
    return next(one for one in accounts if one.extension and fold(one.name).replace(" ", "").isalpha())


@pytest.fixture
def page(reception: Reception) -> Page:
    page = reception.enter(*MAPPER).go(LIST)
    expect(page.locator("#searchbar")).to_be_focused()
    return page


@pytest.fixture
def keyboard(page: Page) -> Keyboard:
    return Keyboard(page)


def to_map_user(keyboard: Keyboard, user: UserMapping) -> None:
    """From the list: search, the first row, Map User."""
    keyboard.type(UserMapping.objects.get(pk=user.pk).username)
    keyboard.follow("Enter")
    expect(keyboard.page.locator("#searchbar")).to_be_focused()
    keyboard.press("ArrowDown")
    keyboard.follow("Enter")
    expect(map_user(keyboard.page)).to_be_focused()
    keyboard.follow("Enter")
    expect(keyboard.page.locator("#q")).to_be_focused()


def map_user(page: Page) -> Locator:
    return page.get_by_role("link", name="Map User", exact=True)


def mapped_to(user: UserMapping) -> int | None:
    return UserMapping.objects.get(pk=user.pk).account_id


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def test_map_undo_map_and_next(
    page: Page, keyboard: Keyboard, somebody: UserMapping, spare: ExternalAccount
) -> None:
    to_map_user(keyboard, somebody)
    keyboard.type(spare.extension)
    keyboard.press("Enter")
    expect(page.locator("#results input[type=radio]").first).to_be_focused()
    keyboard.follow("Enter")
    expect(page.get_by_role("link", name="Next unmapped person")).to_be_focused()
    keyboard.press("Shift+Tab")
    expect(button(page, "Undo")).to_be_focused()
    keyboard.follow("Enter")
    expect(page.locator(".messagelist")).to_contain_text("1 change undone")
    assert mapped_to(somebody) is None


def test_from_one_person_to_the_next_it_is_three_keys(
    page: Page, keyboard: Keyboard, company: Company
) -> None:
    free = ExternalAccount.objects.filter(mapping=None, is_person=True, state="enabled")
    names = free.exclude(name="").values_list("name", flat=True)[:3]
    people = list(UserMapping.objects.filter(reason="no_match").order_by("name", "pk")[:3])
    for user, name in zip(people, names, strict=True):  # each resembles one free account
        UserMapping.objects.filter(pk=user.pk).update(
            name=name, email="", email_key="", username=f"nr {user.pk}"
        )
    UserMapping.objects.unmapped().exclude(pk__in=[one.pk for one in people]).update(reason="do_not_map")
    to_map_user(keyboard, people[0])
    before = keyboard.presses
    for _ in range(3):
        expect(page.locator("#q")).to_be_focused()
        keyboard.press("ArrowDown")
        keyboard.follow("Enter")
        expect(page.get_by_role("link", name="Next unmapped person")).to_be_focused()
        keyboard.follow("Enter")
    assert not UserMapping.objects.filter(account=None, pk__in=[one.pk for one in people]).exists()
    assert keyboard.presses - before == 9
    expect(page.locator(".messagelist")).to_contain_text("Everybody who needed a decision has one")


def test_down_leads_through_the_results_into_those_who_resemble_and_up_back(
    page: Page, keyboard: Keyboard, somebody: UserMapping, spare: ExternalAccount
) -> None:
    UserMapping.objects.filter(pk=somebody.pk).update(name=spare.name, email_key="")
    to_map_user(keyboard, somebody)
    keyboard.type(spare.extension)
    expect(page.locator("#results .choice").first).to_contain_text(f"ext. {spare.extension}")
    found = page.locator("#results input[type=radio]").count()
    keyboard.press(*["ArrowDown"] * (found + 1))
    expect(page.locator("#map-form > fieldset input").first).to_be_focused()
    keyboard.press(*["ArrowUp"] * (found + 1))
    expect(page.locator("#q")).to_be_focused()
    assert page.locator("#map-form input:checked").count() == 0


def test_escape_goes_back_step_by_step(page: Page, keyboard: Keyboard, somebody: UserMapping) -> None:
    to_map_user(keyboard, somebody)
    keyboard.type("a")
    keyboard.press("ArrowDown")
    expect(page.locator("#results input[type=radio]").first).to_be_focused()
    keyboard.press("Escape")
    expect(page.locator("#q")).to_be_focused()
    keyboard.press("Escape")
    expect(page.locator("#q")).to_have_value("")
    keyboard.follow("Escape")
    assert page.url.endswith(f"/{somebody.pk}/change/")
    keyboard.follow("Escape")
    assert page.url.endswith(f"{LIST}?q={somebody.username.replace('@', '%40')}")


def test_enter_before_the_results_are_there_never_chooses_who_only_resembles(
    page: Page, keyboard: Keyboard, somebody: UserMapping, spare: ExternalAccount
) -> None:
    UserMapping.objects.filter(pk=somebody.pk).update(name=spare.name)
    to_map_user(keyboard, somebody)
    keyboard.type("nobody at all")
    keyboard.press("Enter")
    expect(page.locator("#results legend")).to_contain_text("0 accounts found")
    keyboard.press("Enter")
    expect(page.locator("#q")).to_be_focused()
    assert page.locator("#map-form input:checked").count() == 0


def test_two_quick_enters_take_nobodys_account_away(
    page: Page, keyboard: Keyboard, somebody: UserMapping
) -> None:
    owner = UserMapping.objects.mapped().exclude(account__extension="").select_related("account")[0]
    to_map_user(keyboard, somebody)
    keyboard.type(owner.account.extension)
    keyboard.press("Enter")
    expect(page.locator("#results input[type=radio]").first).to_be_focused()
    keyboard.follow("Enter")
    expect(page.locator("h1")).to_contain_text("Reassign the account?")
    keyboard.follow("Enter")
    expect(page.locator("#q")).to_have_value(owner.account.extension)
    assert (mapped_to(somebody), mapped_to(owner)) == (None, owner.account_id)


def test_somebody_without_an_account_is_passed_over_by_two_keys(
    page: Page, keyboard: Keyboard, somebody: UserMapping
) -> None:
    to_map_user(keyboard, somebody)
    keyboard.press("Shift+Tab")
    keyboard.follow("Enter")
    expect(page.locator("#q")).to_be_focused()
    assert f"/{somebody.pk}/" not in page.url


def test_the_menu_of_a_row_opens_moves_and_closes(page: Page, keyboard: Keyboard) -> None:
    menu, other = page.locator(".row-menu").nth(0), page.locator(".row-menu").nth(1)
    keyboard.go_to(menu.locator("summary"))
    keyboard.press("Enter", "ArrowDown")
    expect(menu.get_by_text("Map User")).to_be_focused()
    keyboard.press("ArrowUp")
    expect(menu.get_by_text("History")).to_be_focused()
    keyboard.press("Escape")
    expect(menu.locator("summary")).to_be_focused()
    expect(menu).not_to_have_attribute("open", "")
    keyboard.press("Enter")
    keyboard.go_to(other.locator("summary"))
    expect(page.locator("details[open]")).to_have_count(0)
    keyboard.press("ArrowDown")
    expect(other.get_by_text("Map User")).to_be_focused()


def test_a_filter_is_chosen_by_the_arrows(page: Page, keyboard: Keyboard) -> None:
    keyboard.go_to(page.locator("details.drop summary", has_text="Status"))
    keyboard.press("ArrowDown", "ArrowDown", "ArrowDown")
    keyboard.follow("Enter")
    assert "status=unmapped" in page.url


def test_a_message_is_put_away(
    page: Page, keyboard: Keyboard, somebody: UserMapping, spare: ExternalAccount
) -> None:
    to_map_user(keyboard, somebody)
    keyboard.type(spare.extension)
    keyboard.press("Enter")
    expect(page.locator("#results input[type=radio]").first).to_be_focused()
    keyboard.follow("Enter")
    keyboard.go_to(button(page, "Dismiss"), "Shift+Tab", within=3)
    keyboard.press("Enter")
    expect(page.locator(".messagelist")).to_have_count(0)
    expect(page.get_by_role("link", name="Next unmapped person")).to_be_visible()
