"""The pages of a connection: credentials go in and never come out, and the test says what is wrong."""

import pytest
from django.contrib.admin.models import LogEntry

from tenants.models import AccessToken, Connection
from tests.tenants.conftest import CREDENTIALS, SECRET, person

ADDRESS = "https://platform.ringcentral.com"
NO_CHANGE = {"base_url": ADDRESS, "credential_client_id": "APP-ID"}
NEW = {"credential_client_secret": SECRET + "-new", "credential_jwt": SECRET + "-new-jwt"}


def opened(connection):
    return Connection.objects.get(pk=connection.pk).credentials.open()


@pytest.mark.parametrize("page", ["connection_change", "connection_history", "connection_delete"])
def test_the_connection_of_another_tenant_is_not_there(gus, connection, url, page):
    assert gus.get(url(page, connection)).status_code == 404
    assert gus.post(url(page, connection), **NO_CHANGE).status_code == 404


def test_the_connection_of_another_tenant_cannot_be_tested(gus, connection, url):
    assert gus.post(url("connection_test", connection)).status_code == 404


def test_an_odd_address_is_not_there(ada, url):
    assert ada.get(url("connection_change", "no-number")).status_code == 404
    assert ada.post(url("connection_test", "no-number")).status_code == 404


def test_the_list_shows_own_connections_only(ada, globex, url):
    rows = ada.get(url("connection_changelist")).context["cl"].result_list
    assert {row.tenant.slug for row in rows} == {"acme"}


@pytest.mark.parametrize("page", ["connection_changelist", "connection_change", "connection_history"])
def test_a_viewer_sees_no_connection(vic, connection, url, page):
    rows = [] if page == "connection_changelist" else [connection]
    assert vic.get(url(page, *rows)).status_code == 403


def test_a_viewer_tests_no_connection(vic, connection, url):
    assert vic.post(url("connection_test", connection)).status_code == 403


def test_nobody_adds_or_deletes_one(root, connection, url):
    assert root.get(url("connection_add")).status_code == 403
    assert root.post(url("connection_delete", connection), post="yes").status_code == 403


def test_a_test_is_a_post(ada, connection, url):
    assert ada.get(url("connection_test", connection)).status_code == 405


def test_a_test_without_csrf_token_is_refused(ada, connection, url):
    ada.client.handler.enforce_csrf_checks = True
    assert ada.post(url("connection_test", connection)).status_code == 403


def test_new_credentials_are_stored_and_forget_what_the_old_ones_gave(ada, connection, url):
    AccessToken.objects.create(connection=connection)
    connection.health = "working"
    connection.save()
    assert ada.post(url("connection_change", connection), **NO_CHANGE | NEW).status_code == 302
    after = Connection.objects.get(pk=connection.pk)
    assert after.credentials.open() == {
        "client_id": "APP-ID",
        "client_secret": SECRET + "-new",
        "jwt": SECRET + "-new-jwt",
    }
    assert after.health == "unknown"
    assert not AccessToken.objects.exists()


def test_an_empty_secret_keeps_the_stored_one(ada, connection, url):
    fields = NO_CHANGE | {"credential_client_id": "OTHER-APP"}
    assert ada.post(url("connection_change", connection), **fields).status_code == 302
    assert opened(connection) == CREDENTIALS["external"] | {"client_id": "OTHER-APP"}


def test_saving_without_a_change_touches_nothing(ada, connection, url):
    AccessToken.objects.create(connection=connection)
    before = connection.credentials.text
    ada.post(url("connection_change", connection), **NO_CHANGE)
    assert Connection.objects.get(pk=connection.pk).credentials.text == before
    assert AccessToken.objects.exists()


def test_another_address_forgets_the_access_token(ada, connection, url):
    AccessToken.objects.create(connection=connection)
    fields = NO_CHANGE | {"base_url": "https://platform.ringcentral.biz"}
    assert ada.post(url("connection_change", connection), **fields).status_code == 302
    assert Connection.objects.get(pk=connection.pk).base_url == "https://platform.ringcentral.biz"
    assert not AccessToken.objects.exists()
    assert opened(connection) == CREDENTIALS["external"]


def test_what_is_needed_is_asked_for(gus, globex, url):
    answer = gus.post(url("connection_change", globex.connection("external")), base_url=ADDRESS)
    errors = answer.context["adminform"].form.errors
    assert set(errors) == {"credential_client_id", "credential_client_secret", "credential_jwt"}


def test_what_is_optional_may_stay_empty(ada, acme, url):
    cxone = acme.connection("cxone")
    fields = {"base_url": cxone.base_url, "credential_access_key_id": "OTHER"}
    assert ada.post(url("connection_change", cxone), **fields).status_code == 302
    assert opened(cxone) == CREDENTIALS["cxone"] | {"access_key_id": "OTHER"}


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example",
        "http://platform.ringcentral.com",
        "https://platform.ringcentral.com.evil.example",
        "https://platform.ringcentral.com@evil.example",
        "https://platform.ringcentral.com/elsewhere",
        "https://platform.ringcentral.com\\@evil.example",
        "ftp://platform.ringcentral.com",
        "https://[::1",
        "platform.ringcentral.com",
        "",
    ],
)
def test_a_wrong_address_is_refused_and_the_right_ones_are_named(ada, connection, url, address):
    answer = ada.post(url("connection_change", connection), **NO_CHANGE | {"base_url": address})
    assert "base_url" in answer.context["adminform"].form.errors
    assert "https://platform.ringcentral.biz" in answer.content.decode()
    assert Connection.objects.get(pk=connection.pk).base_url == ADDRESS


def test_cxone_is_reached_at_any_host_of_nice(ada, acme, url):
    cxone = acme.connection("cxone")
    fields = {"base_url": "https://eu1.nice-incontact.com/", "credential_access_key_id": "KEY-ID"}
    assert ada.post(url("connection_change", cxone), **fields).status_code == 302
    assert Connection.objects.get(pk=cxone.pk).base_url == "https://eu1.nice-incontact.com"


@pytest.mark.parametrize(("allowed", "status"), [(True, 302), (False, 200)])
def test_this_machine_is_an_address_only_where_that_is_allowed(
    ada, connection, url, settings, allowed, status
):
    settings.ALLOW_LOOPBACK_PLATFORMS = allowed
    fields = NO_CHANGE | NEW | {"base_url": "http://127.0.0.1:8899"}
    assert ada.post(url("connection_change", connection), **fields).status_code == status


def test_stored_secrets_are_not_sent_to_this_machine(ada, connection, url, settings):
    settings.ALLOW_LOOPBACK_PLATFORMS = True
    answer = ada.post(url("connection_change", connection), **NO_CHANGE | {"base_url": "http://127.0.0.1:1"})
    assert set(answer.context["adminform"].form.errors) == {"credential_client_secret", "credential_jwt"}


def test_what_another_key_sealed_is_said_in_words(ada, connection, url, another_key):
    page = ada.get(url("connection_change", connection))
    assert page.status_code == 200
    assert "sealed with another key" in page.content.decode()


def test_after_a_change_of_key_all_credentials_are_asked_for(ada, connection, url, another_key):
    answer = ada.post(url("connection_change", connection), **NO_CHANGE)
    assert set(answer.context["adminform"].form.errors) == {"credential_client_secret", "credential_jwt"}


def test_after_a_change_of_key_credentials_can_be_entered_anew(ada, connection, url, another_key):
    assert ada.post(url("connection_change", connection), **NO_CHANGE | NEW).status_code == 302
    assert opened(connection)["jwt"] == SECRET + "-new-jwt"


def test_a_test_with_another_key_says_so(ada, connection, url, another_key):
    answer = ada.post(url("connection_test", connection))
    assert answer.status_code == 200
    assert "sealed with another key" in answer.content.decode()


def test_keys_that_are_none_are_said_in_the_form(ada, connection, url, settings):
    settings.CREDENTIAL_KEYS = ["no key"]
    answer = ada.post(url("connection_change", connection), **NO_CHANGE | NEW)
    assert "not a Fernet key" in answer.content.decode()


def test_no_page_and_no_log_entry_shows_a_secret(root, acme, connection, url):
    root.post(url("connection_change", connection), **NO_CHANGE | NEW)
    root.post(url("connection_change", connection), **NO_CHANGE | NEW | {"base_url": "https://evil.example"})
    pages = [root.post(url("connection_change", connection), **NEW).content]
    for kind in ("tenant", "connection"):
        pages.append(root.get(url(f"{kind}_changelist")).content)
        for row in [acme] if kind == "tenant" else acme.connections.all():
            pages += [root.get(url(f"{kind}_{page}", row)).content for page in ("change", "history")]
    assert not [page for page in pages if SECRET.encode() in page]
    assert not [entry for entry in LogEntry.objects.all() if SECRET in entry.change_message]


def test_the_log_names_what_was_changed(ada, connection, url):
    ada.post(url("connection_change", connection), **NO_CHANGE | {"credential_jwt": SECRET + "-2"})
    assert LogEntry.objects.get().get_change_message() == "Changed JWT."


def test_who_may_only_look_sees_no_credential(acme, connection, url):
    from django.contrib.auth.models import Permission

    eve = person("eve", tenants=(acme,))
    eve.user.user_permissions.add(Permission.objects.get(codename="view_connection"))
    page = eve.get(url("connection_change", connection)).content.decode()
    assert ADDRESS in page
    assert "APP-ID" not in page
    assert "Client ID" not in page


def lose_nothing(sandbox, connection):
    pass


def lose_the_scope(sandbox, connection):
    sandbox.scopes["acme"] = {"ReadPresence"}


def lose_the_credentials(sandbox, connection):
    sandbox.refused_logins.add(("acme", "ringcentral"))


def lose_the_secret(sandbox, connection):
    connection.set_credentials(sandbox.credentials("acme")["ringcentral"] | {"client_secret": SECRET})


def lose_all_users(sandbox, connection):
    sandbox.faults.arm("empty", path="/extension", times="always")


@pytest.mark.parametrize(
    ("happens", "health", "words"),
    [
        (lose_nothing, "working", "The connection works."),
        (lose_the_scope, "failing", "lacks the permission ReadAccounts"),
        (lose_the_credentials, "failing", "does not accept the JWT"),
        (lose_the_secret, "failing", "does not know this client ID and client secret"),
        (lose_all_users, "failing", "RingCentral shows no users"),
    ],
)
def test_a_test_says_how_the_connection_fares(ada, acme, sandbox, url, happens, health, words):
    connection = acme.connection("external")
    happens(sandbox, connection)
    page = ada.post(url("connection_test", connection)).content.decode().replace("&#x27;", "'")
    assert words in page
    assert SECRET not in page
    assert acme.connection("external").health == health


def test_a_test_shows_each_step(ada, acme, sandbox, url):
    answer = ada.post(url("connection_test", acme.connection("cxone")))
    assert [finding.step for finding in answer.context["findings"]] == ["Sign in", "Read roles", "Read users"]
    assert answer.content.decode().count("✓") == 3


def test_a_test_is_logged(ada, acme, sandbox, url):
    ada.post(url("connection_test", acme.connection("external")))
    assert LogEntry.objects.get().get_change_message() == "Tested the connection: it works."
