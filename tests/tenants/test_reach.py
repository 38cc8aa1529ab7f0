"""From a row to a client, and what a connection test leaves on the row."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tenants import reach
from tenants.models import Connection
from tenants.platforms import ExternalPlatform
from tenants.platforms.cxone import Cxone
from tenants.platforms.errors import Refused


def test_each_side_has_its_client(acme):
    assert isinstance(reach.cxone(acme.connection("cxone")), Cxone)
    assert isinstance(reach.external(acme.connection("external")), ExternalPlatform)


def test_without_credentials_there_is_no_client(globex):
    with pytest.raises(Refused, match="No credentials have been entered"):
        reach.external(globex.connection("external"))


def test_with_another_key_there_is_no_client(acme, another_key):
    with pytest.raises(Refused, match="sealed with another key"):
        reach.cxone(acme.connection("cxone"))


@pytest.mark.parametrize("side", Connection.Side.values)
def test_a_good_connection_is_noted_as_working(acme, sandbox, side):
    findings = reach.check(acme.connection(side))
    assert [finding.text for finding in findings if not finding.ok] == []
    row = acme.connection(side)
    assert (row.health, row.health_text) == ("working", "")
    assert timezone.now() - row.checked_at < timedelta(minutes=1)


@pytest.mark.parametrize("side", Connection.Side.values)
def test_a_refused_sign_in_is_noted_with_its_words(acme, sandbox, side):
    sandbox.refused_logins |= {("acme", "cxone"), ("acme", "ringcentral")}
    findings = reach.check(acme.connection(side))
    assert [finding.ok for finding in findings] == [False]
    row = acme.connection(side)
    assert (row.health, row.health_text) == ("failing", findings[0].text)


def test_a_permission_that_no_role_has_is_found(acme, sandbox):
    acme.map_permission = "No/Such:Thing"
    acme.save()
    findings = reach.check(acme.connection("cxone"))
    assert [finding.step for finding in findings if not finding.ok] == ["Read roles"]


@pytest.mark.parametrize("kind", ["html", "error500", "reset", "garbage", "forbidden"])
def test_whatever_the_platform_answers_is_a_finding(acme, sandbox, kind):
    sandbox.faults.arm(kind, times="always")
    assert not all(finding.ok for finding in reach.check(acme.connection("external")))
    assert acme.connection("external").health == "failing"


def test_missing_credentials_are_a_finding(globex):
    (finding,) = reach.check(globex.connection("cxone"))
    assert (finding.ok, finding.text) == (False, "No credentials have been entered for this connection.")


def test_a_test_signs_in_even_with_a_token_at_hand(acme, sandbox):
    reach.check(acme.connection("external"))
    sandbox.refused_logins.add(("acme", "ringcentral"))
    assert not reach.check(acme.connection("external"))[0].ok


def test_what_is_noted_leaves_the_credentials_alone(acme):
    row = acme.connection("cxone")
    Connection.objects.filter(pk=row.pk).update(base_url="https://eu1.nice-incontact.com")
    reach.note_health(row, ["It hurts."])
    assert acme.connection("cxone").base_url == "https://eu1.nice-incontact.com"
    assert acme.connection("cxone").health_text == "It hurts."
