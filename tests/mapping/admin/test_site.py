"""The frame around every page: who is led where, what a browser may load, and addresses nobody may guess."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connection
from django.urls import NoReverseMatch, get_resolver, reverse

from mapping.admin.site import Site
from tenants.models import Tenant

from .conftest import LIST, People, make_account, make_change, make_run, make_user, page


def test_the_pages_are_on_our_own_site() -> None:
    assert isinstance(admin.site._wrapped, Site)
    names = {model.__name__ for model in admin.site._registry}
    assert {"UserMapping", "SyncRun", "Change", "ExternalAccount", "Tenant", "Connection", "User"} <= names


def test_the_navigation_leads_only_where_one_may_go(people: People) -> None:
    assert 'href="/admin/tenants/connection/"' in page(people.administrator, "/admin/")
    assert 'href="/admin/tenants/connection/"' not in page(people.viewer, "/admin/")
    assert f'href="{LIST}"' in page(people.viewer, "/admin/")


def test_the_navigation_marks_where_one_is(people: People) -> None:
    assert f'<a href="{LIST}" aria-current="page">' in page(people.viewer, LIST)


def test_who_is_not_signed_in_sees_no_navigation(client: Any, db: None) -> None:
    assert 'class="areas"' not in page(client, "/admin/login/")


def test_a_page_allows_nothing_inline_and_nothing_from_outside(people: People, acme: Tenant) -> None:
    user = make_user(acme, account=make_account(acme))
    for url in (
        "/admin/",
        LIST,
        f"{LIST}{user.pk}/change/",
        "/admin/mapping/syncrun/",
        "/admin/tenants/tenant/",
    ):
        answer = people.administrator.get(url)
        assert "default-src 'self'" in answer["Content-Security-Policy"]
        assert not re.search(
            r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|(src|href)=.(https?:)?//", answer.text
        )


def test_an_empty_list_keeps_search_and_filters(people: People) -> None:
    shown = page(people.mapper, f"{LIST}?q=nobody-is-called-so")
    assert 'id="searchbar"' in shown
    assert 'class="drop' in shown


def test_a_chosen_filter_is_named(people: People) -> None:
    assert "Status: <strong>Mapped (0)</strong>" in page(people.mapper, f"{LIST}?status=mapped")


def addresses(row: Any, pk: int) -> Iterator[str]:
    """Every address of the row's admin that takes one number, whoever adds it."""
    prefix = f"{row._meta.app_label}_{row._meta.model_name}_"
    for name in {str(key) for key in get_resolver().namespace_dict["admin"][1].reverse_dict}:
        if name.startswith(prefix):
            try:
                yield reverse(f"admin:{name}", args=[pk])
            except NoReverseMatch:
                continue


def rows_of(tenant: Tenant) -> list[Any]:
    """With numbers that no row of another tenant has, of whatever kind."""
    account = make_account(tenant, pk=9001)
    user = make_user(tenant, pk=9002, account=account)
    change = make_change(user, pk=9003)
    return [account, user, change, make_run(tenant, pk=9004), tenant, *tenant.connections.all()]


def test_no_address_of_another_tenants_rows_answers(people: People, globex: Tenant, acme: Tenant) -> None:
    mapper = people.administrator.__class__()
    who = acme.members.get(username="mapper")
    who.groups.add(Group.objects.get(name="Presence Sync administrators"))
    mapper.force_login(who)
    urls = [url for row in rows_of(globex) for url in addresses(row, row.pk)]
    assert len(urls) > 20
    told = {url: {mapper.get(url).status_code, mapper.post(url).status_code} for url in urls}
    assert {url: codes for url, codes in told.items() if codes - {403, 404, 405}} == {}


@pytest.mark.parametrize(
    ("group", "may", "may_not"),
    [
        (
            "Viewers",
            "mapping.view_usermapping tenants.view_tenant",
            "mapping.map_usermapping tenants.change_tenant",
        ),
        (
            "Mappers",
            "mapping.map_usermapping mapping.view_change",
            "tenants.change_connection tenants.add_tenant",
        ),
        (
            "Presence Sync administrators",
            "tenants.change_connection mapping.map_usermapping",
            "auth.change_user",
        ),
    ],
)
def test_a_group_may_what_its_name_says(db: None, group: str, may: str, may_not: str) -> None:
    found = Group.objects.get(name=group).permissions.values_list("content_type__app_label", "codename")
    has = {".".join(each) for each in found}
    assert set(may.split()) <= has
    assert not set(may_not.split()) & has


def test_the_groups_are_made_once_however_often_the_migration_runs(db: None) -> None:
    migration = import_module("mapping.migrations.0002_groups")
    migration.make_groups(apps, SimpleNamespace(connection=connection))
    assert Group.objects.count() == 3
