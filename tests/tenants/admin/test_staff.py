"""Who may change whom: nobody but a superuser gives or takes more than the three groups."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.urls import reverse

from tests.tenants.conftest import person

DATES = {"last_login_0": "", "last_login_1": "", "date_joined_0": "2026-01-01", "date_joined_1": "00:00"}


def grant(staff, *codenames):
    staff.user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    return staff


@pytest.fixture
def mia(acme):
    """May change people, and belongs to Acme."""
    return grant(
        person("mia", groups=("Mappers",), tenants=(acme,)), "change_user", "add_user", "delete_user"
    )


@pytest.fixture
def sam(acme):
    return person("sam", groups=("Viewers",), tenants=(acme,)).user


def change(staff, user, **fields):
    fields = {"username": user.username, "is_active": "on", "is_staff": "on"} | DATES | fields
    return staff.post(reverse("admin:auth_user_change", args=[user.pk]), **fields)


def test_a_superuser_may_do_all(root, sam):
    permission = Permission.objects.get(codename="delete_tenant")
    assert change(root, sam, is_superuser="on", user_permissions=[permission.pk]).status_code == 302
    sam.refresh_from_db()
    assert sam.is_superuser
    assert list(sam.user_permissions.all()) == [permission]


def test_others_cannot_make_anybody_a_superuser(mia, sam):
    assert change(mia, sam, is_superuser="on").status_code == 302
    sam.refresh_from_db()
    assert not sam.is_superuser


def test_others_cannot_make_themselves_a_superuser(mia):
    change(mia, mia.user, is_superuser="on")
    mia.user.refresh_from_db()
    assert not mia.user.is_superuser


def test_others_cannot_give_single_permissions(mia, sam):
    change(mia, sam, user_permissions=list(Permission.objects.values_list("pk", flat=True)))
    assert not sam.user_permissions.exists()


def test_others_give_the_three_groups(mia, sam):
    mappers = Group.objects.get(name="Mappers")
    assert change(mia, sam, groups=[mappers.pk]).status_code == 302
    assert list(sam.groups.all()) == [mappers]


def test_others_cannot_give_any_other_group(mia, sam):
    powerful = Group.objects.create(name="powerful")
    assert change(mia, sam, groups=[powerful.pk]).status_code == 200
    assert powerful not in sam.groups.all()


def test_a_group_that_is_not_offered_is_kept(mia, sam):
    sam.groups.add(Group.objects.create(name="choir"))
    assert change(mia, sam).status_code == 302
    assert [group.name for group in sam.groups.all()] == ["choir"]


@pytest.mark.parametrize("page", ["auth_user_change", "auth_user_password_change", "auth_user_delete"])
def test_nobody_but_superusers_touches_a_superuser(mia, root, acme, page):
    root.user.tenants.add(acme)
    url = reverse(f"admin:{page}", args=[root.user.pk])
    assert mia.post(url, password1="x", password2="x", post="yes").status_code == 403
    root.user.refresh_from_db()
    assert root.user.check_password("pw")


def test_one_who_may_do_more_is_not_touched(mia, acme):
    boss = grant(person("boss", tenants=(acme,)), "change_permission").user
    assert change(mia, boss, username="fallen").status_code == 403


def test_members_of_the_three_groups_may_be_changed(mia, ada):
    assert change(mia, ada.user, first_name="Ada").status_code == 302


def test_one_who_sees_other_tenants_too_is_not_touched(mia, sam, globex):
    sam.tenants.add(globex)
    assert change(mia, sam, username="fallen").status_code == 403


def test_people_of_other_tenants_are_not_there(mia, gus):
    assert mia.get(reverse("admin:auth_user_change", args=[gus.user.pk])).status_code == 404
    rows = mia.get(reverse("admin:auth_user_changelist")).context["cl"].result_list
    assert [user.username for user in rows] == ["mia"]


def test_no_filter_tells_of_other_tenants(mia, sam, globex):
    sam.tenants.add(globex)
    answer = mia.get(reverse("admin:auth_user_changelist"), tenants=globex.pk)
    assert answer.status_code == 400


def test_who_may_only_look_sees_no_hash_of_a_password(acme, sam):
    eve = grant(person("eve", tenants=(acme,)), "view_user")
    page = eve.get(reverse("admin:auth_user_change", args=[sam.pk])).content.decode()
    assert "sam" in page
    assert "md5" not in page


def test_a_new_person_is_nobody_yet(mia):
    fields = {"username": "new", "password1": "Tr4vel-agency", "password2": "Tr4vel-agency"}
    answer = mia.post(reverse("admin:auth_user_add"), **fields, usable_password="true", is_superuser="on")
    assert answer.status_code == 302
    new = User.objects.get(username="new")
    assert not (new.is_superuser or new.is_staff)


def test_without_permission_people_are_out_of_reach(ada, sam):
    assert ada.get(reverse("admin:auth_user_changelist")).status_code == 403
    assert change(ada, sam, username="fallen").status_code == 403


def test_a_group_is_changed_by_superusers_only(mia, root):
    grant(mia, "change_group", "add_group", "delete_group")
    mappers = Group.objects.get(name="Mappers")
    url = reverse("admin:auth_group_change", args=[mappers.pk])
    assert mia.post(url, name="Mappers", permissions=[]).status_code == 403
    assert mia.get(reverse("admin:auth_group_add")).status_code == 403
    assert root.post(url, name="Mappers", permissions=[]).status_code == 302


def test_nobody_is_deleted_in_bulk(mia, sam):
    url = reverse("admin:auth_user_changelist")
    mia.post(url, action="delete_selected", _selected_action=[sam.pk], post="yes")
    assert User.objects.filter(pk=sam.pk).exists()
