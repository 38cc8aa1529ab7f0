"""Each step of the documentation, clicked as it is written there."""

import pytest
from playwright.sync_api import Page, expect

from mapping import sync
from mapping.folding import fold
from mapping.models import ExternalAccount, SyncRun, SyncSchedule, UserMapping
from tenants.models import Tenant

from ..mapping.conftest import Company
from .conftest import MAPPER, VIEWER, Reception

pytestmark = pytest.mark.browser


@pytest.fixture
def somebody(company: Company) -> UserMapping:
    return UserMapping.objects.filter(reason="no_match").order_by("name", "pk")[0]


@pytest.fixture
def spare(company: Company) -> ExternalAccount:
    """A free account of an enabled person, found by its name alone."""
    accounts = ExternalAccount.objects.filter(mapping=None, is_person=True, state="enabled", gone_since=None)
    return next(one for one in accounts if one.extension and fold(one.name).replace(" ", "").isalpha())


def mapped_to(user: UserMapping) -> int | None:
    return UserMapping.objects.get(pk=user.pk).account_id


def find(page: Page, name: str) -> None:
    page.get_by_role("textbox", name="Search").or_(page.locator("#searchbar")).first.fill(name)
    page.get_by_role("button", name="Search", exact=True).click()


def choose(page: Page, account: ExternalAccount) -> None:
    page.locator("#q").press_sequentially(account.extension, delay=10)
    expect(page.locator("#results .choice").first).to_contain_text(f"ext. {account.extension}")
    page.locator("#results .choice").first.locator("input").check()


def test_map_user_by_hand_step_by_step(
    reception: Reception, somebody: UserMapping, spare: ExternalAccount
) -> None:
    visitor = reception.enter(*MAPPER)
    page = visitor.go("/admin/")
    page.get_by_role("link", name="User Mapping").first.click()
    find(page, somebody.username)
    expect(page.locator("#result_list")).to_contain_text("Unmapped")
    visitor.row(str(somebody))
    page.locator(".row-menu[open]").get_by_text("Map User").click()
    page.get_by_role("link", name="Map User", exact=True).click()
    choose(page, spare)
    page.get_by_role("button", name="Map User", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("is mapped to")
    assert mapped_to(somebody) == spare.pk
    visitor.go(f"/admin/mapping/usermapping/?q={somebody.username}")
    expect(page.locator("#result_list")).to_contain_text("Mapped")


def test_a_taken_account_asks_first_and_names_both(reception: Reception, somebody: UserMapping) -> None:
    owner = UserMapping.objects.mapped().exclude(account__extension="").select_related("account")[0]
    page = reception.enter(*MAPPER).go(f"/admin/mapping/usermapping/{somebody.pk}/map/")
    choose(page, owner.account)
    page.get_by_role("button", name="Map User", exact=True).click()
    expect(page.locator("#content")).to_contain_text(str(owner))
    expect(page.locator("#content")).to_contain_text(str(somebody))
    page.get_by_role("button", name="Reassign").click()
    expect(page.locator(".messagelist")).to_contain_text("is mapped to")
    assert (mapped_to(somebody), mapped_to(owner)) == (owner.account_id, None)


def test_the_manual_flow_works_without_javascript(
    reception: Reception, somebody: UserMapping, spare: ExternalAccount
) -> None:
    page = reception.enter(*MAPPER, java_script_enabled=False).go(
        f"/admin/mapping/usermapping/{somebody.pk}/map/"
    )
    page.locator("#q").fill(spare.extension)
    page.get_by_role("button", name="Search", exact=True).click()
    page.locator("#results .choice input[type=radio]").first.check()
    page.get_by_role("button", name="Map User", exact=True).click()
    assert mapped_to(somebody) == spare.pk


def test_a_viewer_sees_no_way_to_map(reception: Reception, somebody: UserMapping) -> None:
    page = reception.enter(*VIEWER).go(f"/admin/mapping/usermapping/{somebody.pk}/change/")
    expect(page.get_by_role("link", name="Map User", exact=True)).to_have_count(0)
    expect(page.get_by_role("button", name="Do not map")).to_have_count(0)
    token = next(one["value"] for one in page.context.cookies() if one["name"] == "csrftoken")
    url = page.url.replace("/change/", "/do-not-map/now/")
    answer = page.request.post(url, headers={"X-CSRFToken": token, "Referer": page.url})
    assert answer.status == 403


def test_auto_syncing_shows_the_next_runs_while_editing_and_saves(
    reception: Reception, company: Company
) -> None:
    page = reception.enter(*MAPPER, "view_syncschedule").go("/admin/")
    page.get_by_role("link", name="Auto Syncing").first.click()
    page.get_by_label("Enabled").check()
    expect(page.locator("#next-runs li")).to_have_count(5)
    page.get_by_label("Frequency:").select_option("weekly")
    expect(page.locator("#next-runs")).to_contain_text("at least one day")
    page.get_by_label("Friday").check()
    expect(page.locator("#next-runs li", has_text="Friday")).to_have_count(5)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("changed successfully")
    assert SyncSchedule.objects.get(tenant=company.tenant).days == [4]


def test_auto_sync_now_is_followed_live_to_its_end(reception: Reception, company: Company) -> None:
    page = reception.enter(*MAPPER).go("/admin/mapping/usermapping/")
    page.get_by_role("button", name="Auto Sync now").click()
    expect(page.locator("#content")).to_contain_text("queued")
    page.evaluate("window.neverReloaded = true")
    run = SyncRun.objects.live().get()
    sync.execute(run.pk, ticket=False)
    expect(page.locator("#content")).to_contain_text("waiting for the second try", ignore_case=True)
    SyncRun.objects.filter(pk=run.pk).update(not_before=run.created_at)
    sync.run_here(run, watch=lambda run: None)
    expect(page.locator("#content")).to_contain_text(
        "succeeded", timeout=40_000
    )  # it looks less often meanwhile
    assert page.evaluate("window.neverReloaded")


def test_auto_map_users_is_reviewed_left_out_and_confirmed(reception: Reception, company: Company) -> None:
    UserMapping.objects.update(account=None, method="", flag="", reason="not_yet_synced")
    page = reception.enter(*MAPPER).go("/admin/mapping/usermapping/")
    page.get_by_role("button", name="Auto Map Users").click()
    sync.execute(SyncRun.objects.live().get().pk, ticket=False)
    page.get_by_role("link", name="Review").click()
    left_out = page.locator("input[type=checkbox]:checked").first
    left_out.uncheck()
    page.get_by_role("button", name="Add & Map").click()
    expect(page.locator("#content")).to_contain_text("1 ")
    page.get_by_role("button", name="Confirm").click()
    run = sync.run_here(SyncRun.objects.latest("pk"), watch=lambda run: None)
    assert run.status == "succeeded" and run.mapped == UserMapping.objects.mapped().count() > 100
    assert run.changes.filter(outcome="dropped", kind="map").count() == 1


def test_who_sees_one_tenant_sees_no_chooser(reception: Reception) -> None:
    page = reception.enter(*MAPPER).go("/admin/mapping/usermapping/")
    expect(page.locator(".tenant-switcher")).to_have_count(0)


def test_who_sees_several_chooses_one_and_it_is_remembered(reception: Reception, company: Company) -> None:
    visitor = reception.enter(*MAPPER)
    globex = Tenant.objects.create(name="Globex", slug="globex")
    globex.members.set(company.tenant.members.all())
    UserMapping.objects.create(tenant=globex, cxone_id="g1", name="Somebody of Globex")
    page = visitor.go("/admin/")
    page.locator(".tenant-switcher summary").click()
    page.get_by_role("button", name="Globex").click()
    expect(page.locator(".tenant-switcher summary")).to_contain_text("Globex")
    page.get_by_role("link", name="User Mapping").first.click()
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    expect(page.locator("#result_list")).to_contain_text("Somebody of Globex")


def test_what_the_brake_holds_is_approved_once_with_a_reason(reception: Reception, company: Company) -> None:
    company.sandbox.faults.arm("half", side="ringcentral", path="extension$", times="always")
    run = company.run()
    company.sandbox.faults.clear()
    page = reception.enter(*MAPPER, "approve_syncrun").go("/admin/")
    page.get_by_role("link", name="Decide").click()
    expect(page.locator(".limits")).to_contain_text("known from the last time are missing")
    page.get_by_role("button", name="Approve once").click()
    expect(page.locator(".messagelist")).to_contain_text("Say why")
    page.get_by_label("Why may it?").fill("They closed a site.")
    page.get_by_role("button", name="Approve once").click()
    expect(page.locator("#content")).to_contain_text("They closed a site.")
    assert sync.run_here(run, watch=lambda run: None).status == "succeeded"
    assert UserMapping.objects.filter(flag="account_gone").count() > 50


def test_a_run_is_canceled_from_its_page(reception: Reception, company: Company) -> None:
    run = sync.request(company.tenant, trigger=SyncRun.Trigger.HAND)
    page = reception.enter(*MAPPER).go(f"/admin/mapping/syncrun/{run.pk}/change/")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#content")).to_contain_text("canceled")
    assert SyncRun.objects.get(pk=run.pk).status == "canceled"
