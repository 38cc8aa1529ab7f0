"""The line on the home page."""

import pytest

from mapping.admin.trend import HEIGHT, RUNS, WIDTH, drawing, trends
from mapping.models import SyncRun
from tenants.models import Tenant


@pytest.fixture
def tenant(db: None) -> Tenant:
    return Tenant.objects.create(name="Acme", slug="acme")


def runs(tenant: Tenant, *mapped: int) -> None:
    for count in mapped:
        SyncRun.objects.create(tenant=tenant, status="succeeded", trigger="hand", users=100, mapped=count)


def test_the_line_goes_from_nothing_mapped_to_everybody() -> None:
    assert drawing([0, 50, 100])["points"] == f"0.0,{HEIGHT}.0 {WIDTH / 2},20.0 {WIDTH}.0,0.0"


def test_one_run_is_no_trend(tenant: Tenant) -> None:
    runs(tenant, 50)
    assert trends([tenant]) == {}


def test_only_the_last_runs_count_oldest_first(tenant: Tenant) -> None:
    runs(tenant, *range(40))
    line = trends([tenant])[tenant.pk]
    assert (line["runs"], line["first"], line["last"]) == (RUNS, 10, 39)


def test_one_query_however_many_tenants(tenant: Tenant, django_assert_num_queries: object) -> None:
    others = [Tenant.objects.create(name=f"T{number}", slug=f"t{number}") for number in range(5)]
    for one in others:
        runs(one, 10, 20)
    with django_assert_num_queries(1):
        assert len(trends([tenant, *others])) == 5
