"""The pages of a tenant: who sees it, what they may do to it, what it shows of its connections."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.urls import reverse

from mapping.models import ExternalAccount, UserMapping
from tenants.models import AccessToken, Connection, Tenant
from tenants.platforms import PLATFORMS
from tests.tenants.conftest import person


def filled_in(tenant=None, **changes):
    """What the form sends."""
    fields = {"name": "Acme", "slug": "acme", "platform": "ringcentral", "shrink_limit": 20}
    fields |= {"map_permission": "A/B:Map", "domain_aliases": ""}
    if tenant:
        fields["members"] = list(tenant.members.values_list("pk", flat=True))
    return fields | changes


def test_the_list_shows_own_tenants_only(ada, globex, url):
    page = ada.get(url("tenant_changelist")).content.decode()
    assert "Acme" in page
    assert "Globex" not in page


def test_a_superuser_sees_all_tenants(root, acme, globex, url):
    page = root.get(url("tenant_changelist")).content.decode()
    assert "Acme" in page
    assert "Globex" in page


@pytest.mark.parametrize("page", ["tenant_change", "tenant_history", "tenant_delete"])
def test_another_tenant_is_not_there(ada, globex, url, page):
    assert ada.get(url(page, globex)).status_code == 404
    assert ada.post(url(page, globex), **filled_in(name="Taken")).status_code == 404


def test_nobody_without_permission_opens_the_list(acme, url):
    assert person("nil", tenants=(acme,)).get(url("tenant_changelist")).status_code == 403


def test_a_viewer_changes_nothing(vic, acme, url):
    assert vic.get(url("tenant_change", acme)).status_code == 200
    assert vic.post(url("tenant_change", acme), **filled_in(acme, name="Other")).status_code == 403
    assert vic.get(url("tenant_add")).status_code == 403


def test_the_list_counts_all_staff_and_not_only_the_one_who_asks(ada, vic, acme, url):
    rows = ada.get(url("tenant_changelist")).context["cl"].result_list
    assert [tenant.staff for tenant in rows] == [2]


def test_the_list_shows_the_health_of_both_connections_in_words(ada, acme, url):
    acme.connections.filter(side="cxone").update(health="failing")
    page = ada.get(url("tenant_changelist")).content.decode()
    assert 'NICE CXone <span class="badge badge-bad">' in page
    assert 'RingCentral <span class="badge badge-idle">' in page


def test_the_list_takes_as_many_queries_for_many_tenants(root, acme, url, django_assert_max_num_queries):
    for number in range(20):
        Tenant.objects.create(name=f"T{number}", slug=f"t{number}")
    with django_assert_max_num_queries(8):
        root.get(url("tenant_changelist"))


def test_who_makes_a_tenant_belongs_to_it(ada, url):
    answer = ada.post(url("tenant_add"), **filled_in(name="New", slug="new"))
    assert answer.status_code == 302
    new = Tenant.objects.get(slug="new")
    assert list(new.members.all()) == [ada.user]
    assert new.connections.count() == 2


def test_one_cannot_lock_oneself_out(ada, vic, acme, url):
    answer = ada.post(url("tenant_change", acme), **filled_in(acme, members=[vic.user.pk]))
    assert "lock yourself out" in answer.content.decode()
    assert ada.user in acme.members.all()


def test_only_people_of_ones_own_tenants_are_offered(ada, vic, gus, root, acme, url):
    person("new")
    User.objects.create_user("outsider")
    form = ada.get(url("tenant_change", acme)).context["adminform"].form
    assert [user.username for user in form.fields["members"].queryset] == ["ada", "new", "vic"]


def test_a_member_who_is_not_offered_stays_a_member(ada, acme, url):
    User.objects.create_user("gone", is_active=False).tenants.add(acme)
    assert ada.post(url("tenant_change", acme), **filled_in(acme)).status_code == 302
    assert acme.members.filter(username="gone").exists()


def test_a_wrong_domain_rule_is_said_in_the_form(ada, acme, url):
    answer = ada.post(url("tenant_change", acme), **filled_in(acme, domain_aliases="acme.com"))
    assert answer.status_code == 200
    assert "is not of the form" in answer.content.decode()


@pytest.mark.parametrize("who", ["ada", "vic"])
def test_only_superusers_delete(request, acme, url, who):
    assert request.getfixturevalue(who).post(url("tenant_delete", acme), post="yes").status_code == 403
    assert Tenant.objects.filter(pk=acme.pk).exists()


def test_a_deleted_tenant_takes_its_mappings_along(root, acme, url):
    account = ExternalAccount.objects.create(tenant=acme, platform_id="1")
    UserMapping.objects.create(tenant=acme, cxone_id="u", account=account, method="manual", reason="")
    assert root.get(url("tenant_delete", acme)).status_code == 200
    assert root.post(url("tenant_delete", acme), post="yes").status_code == 302
    assert not Tenant.objects.exists()


def test_nobody_deletes_in_bulk(root, acme, url):
    root.post(url("tenant_changelist"), action="delete_selected", _selected_action=[acme.pk], post="yes")
    assert Tenant.objects.filter(pk=acme.pk).exists()


@pytest.fixture
def other_platform(monkeypatch):
    monkeypatch.setitem(
        PLATFORMS, "other", PLATFORMS["ringcentral"]._replace(base_url="https://other.example")
    )
    field = Tenant._meta.get_field("platform")
    monkeypatch.setattr(field, "choices", [("ringcentral", "RingCentral"), ("other", "Other")])


def test_the_platform_stays_while_there_are_accounts(ada, acme, url, other_platform):
    ExternalAccount.objects.create(tenant=acme, platform_id="1")
    answer = ada.post(url("tenant_change", acme), **filled_in(acme, platform="other"))
    assert "has accounts of its present platform" in answer.content.decode()
    acme.refresh_from_db()
    assert acme.platform == "ringcentral"


def test_another_platform_starts_with_an_empty_connection(ada, acme, connection, url, other_platform):
    AccessToken.objects.create(connection=connection)
    assert ada.post(url("tenant_change", acme), **filled_in(acme, platform="other")).status_code == 302
    connection = Connection.objects.get(pk=connection.pk)
    assert (connection.base_url, connection.is_complete) == ("https://other.example", False)
    assert not AccessToken.objects.exists()


def test_the_page_shows_both_connections_and_where_to_go(ada, acme, url):
    page = ada.get(url("tenant_change", acme)).content.decode()
    for connection in acme.connections.all():
        assert connection.base_url in page
        assert f'href="{url("connection_change", connection)}"' in page
        assert f'action="{url("connection_test", connection)}"' in page


def test_the_page_leads_to_the_users_of_the_tenant(ada, acme, url):
    link = f"{reverse('admin:mapping_usermapping_changelist')}?tenant={acme.pk}"
    assert f'href="{link}"' in ada.get(url("tenant_change", acme)).content.decode()
    assert ada.get(link).status_code == 200


def test_a_viewer_is_offered_no_button(vic, acme, url):
    page = vic.get(url("tenant_change", acme)).content.decode()
    assert "Test connection" not in page
    assert "Edit connection" not in page


def test_a_change_is_logged_with_its_fields(ada, acme, url):
    ada.post(url("tenant_change", acme), **filled_in(acme, name="Acme Ltd"))
    assert "Name" in LogEntry.objects.get().get_change_message()
