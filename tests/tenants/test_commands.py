"""The commands: what they print, with which code they end, and that an error is one line."""

import io
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from tenants import reach
from tenants.models import AccessToken, Connection
from tests.tenants.conftest import CREDENTIALS, SECRET

MAP = "Adapters/UserMapping/UserMapping:Map"


def run(*words, **options):
    out = io.StringIO()
    call_command(*words, stdout=out, no_color=True, **options)
    return out.getvalue()


def refused(*words):
    """(exit code, message) of a command that fails."""
    with pytest.raises(CommandError) as error:
        run(*words)
    assert "\n" not in str(error.value)
    return error.value.returncode, str(error.value)


@pytest.mark.parametrize("command", ["test_connection", "cxone_roles"])
def test_an_unknown_tenant_is_said_with_those_there_are(acme, globex, command):
    assert refused(command, "acne") == (2, "There is no tenant “acne”. Tenants: acme, globex.")


@pytest.mark.parametrize("name", ["acme", "ACME", "1"])
def test_a_tenant_is_named_in_three_ways(acme, sandbox, name):
    assert "Read users" in run("test_connection", str(acme.pk) if name == "1" else name)


def test_both_connections_are_tested_step_by_step(acme, sandbox):
    text = run("test_connection", "acme")
    assert re.findall(r"([✓✗]) ([\w ]+):", text) == [
        ("✓", "Sign in"),
        ("✓", "Read roles"),
        ("✓", "Read users"),
        ("✓", "Sign in"),
        ("✓", "Read users"),
    ]


def test_one_side_alone_is_tested(acme, sandbox):
    text = run("test_connection", "acme", "--side", "external")
    assert "RingCentral" in text
    assert "CXone" not in text


def test_a_connection_that_does_not_work_ends_with_one(acme, sandbox, capsys):
    sandbox.scopes["acme"] = {"ReadPresence"}
    assert refused("test_connection", "acme") == (1, "The connection does not work yet.")
    assert acme.connection("external").health == "failing"


def test_no_test_prints_a_secret(acme, sandbox):
    acme.connection("external").set_credentials(CREDENTIALS["external"])
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("test_connection", "acme", stdout=out)
    assert "✗" in out.getvalue()
    assert SECRET not in out.getvalue()


def test_roles_are_listed_with_their_permissions_and_a_mark(acme, sandbox):
    text = run("cxone_roles", "acme")
    assert f"  {MAP}  ← User Mapping: Map" in text
    assert re.search(rf"\n\d+ roles; [1-9]\d* active ones have {MAP}\.\n", text)


def roles(sandbox_tenant):
    return {role.name: role.permissions for role in reach.cxone(sandbox_tenant.connection("cxone")).roles()}


def test_the_difference_of_two_roles_is_printed(acme, sandbox):
    known = roles(acme)
    has = next(name for name, permissions in known.items() if MAP in permissions)
    lacks = next(name for name, permissions in known.items() if MAP not in permissions)
    printed = run("cxone_roles", "acme", has=has, lacks=lacks).split()
    assert printed == sorted(known[has] - known[lacks])
    assert MAP in printed


def test_one_role_alone_is_printed(acme, sandbox):
    name, permissions = next(iter(roles(acme).items()))
    assert run("cxone_roles", "acme", has=name).split() == sorted(permissions)


def test_an_unknown_role_is_said_with_those_there_are(acme, sandbox):
    code, message = refused("cxone_roles", "acme", "--has", "Emperor")
    assert code == 2
    assert all(name in message for name in roles(acme))


def test_lacks_alone_makes_no_difference(acme, sandbox):
    assert refused("cxone_roles", "acme", "--lacks", "Agent") == (2, "--lacks goes with --has.")


def test_a_refused_sign_in_is_one_line(acme, sandbox):
    sandbox.refused_logins.add(("acme", "cxone"))
    code, message = refused("cxone_roles", "acme")
    assert code == 1
    assert "CXone does not accept" in message


@pytest.fixture
def new_key(settings):
    return Fernet.generate_key().decode()


def test_credentials_are_rotated_and_the_old_key_can_go(acme, settings, new_key):
    settings.CREDENTIAL_KEYS = [new_key, *settings.CREDENTIAL_KEYS]
    assert run("rotate_credentials") == "2 connection(s) are sealed with the first key.\n"
    settings.CREDENTIAL_KEYS = [new_key]
    opened = {row.side: row.credentials.open() for row in Connection.objects.all()}
    assert opened == CREDENTIALS


def test_a_rotation_lets_all_sign_in_anew(acme, connection):
    AccessToken.objects.create(connection=connection)
    run("rotate_credentials")
    assert not AccessToken.objects.exists()


def test_a_rotation_without_the_old_key_changes_nothing(acme, settings, new_key):
    before = {row.pk: row.credentials.text for row in Connection.objects.all()}
    settings.CREDENTIAL_KEYS = [new_key]
    code, message = refused("rotate_credentials")
    assert code == 1
    assert message.endswith("Nothing was changed.")
    assert {row.pk: row.credentials.text for row in Connection.objects.all()} == before


def test_a_rotation_counts_only_what_is_stored(globex):
    assert run("rotate_credentials") == "0 connection(s) are sealed with the first key.\n"


def test_a_rotation_with_a_key_that_is_none_is_one_line(acme, settings):
    settings.CREDENTIAL_KEYS = ["no key"]
    assert refused("rotate_credentials")[0] == 1


def test_a_taken_port_is_one_line():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, message = refused("sandbox", "--port", str(port))
    assert code == 1
    assert message.startswith(f"cannot listen on 127.0.0.1:{port}")


def test_a_company_of_an_impossible_size_is_one_line():
    assert refused("sandbox", "--people", "-1")[0] == 1


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_the_sandbox_serves_until_it_is_stopped(stop):
    root = Path(__file__).parents[2]
    command = [sys.executable, "manage.py", "sandbox", "--port", "0", "--people", "200"]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        line = process.stdout.readline()
        assert "acme (200 people)" in line
        assert urlopen(line.split(": ")[1].strip()).status == 200
        process.send_signal(stop)
        assert process.stdout.read() == "Sandbox stopped.\n"
    assert process.returncode == 0
