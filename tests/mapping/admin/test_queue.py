"""The queue's rows: superusers look, nobody touches, and no argument or result is ever opened."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django_q.models import Failure, OrmQ, Schedule, Success, Task

from tests.tenants.conftest import SECRET, person

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MODELS = [Success, Failure, Schedule, OrmQ]
models = pytest.mark.parametrize("model", MODELS)


@pytest.fixture
def root(db):
    return person("root", root=True)


class Opened:
    """A pickle that tells when somebody opens it."""

    times = 0

    def __deepcopy__(self, memo):
        return self  # the field copies before it pickles, and a copy is made by __reduce__ too

    def __reduce__(self):
        return _open, (SECRET,)


def _open(text):
    Opened.times += 1
    return text


@pytest.fixture
def rows(db):
    pickle = Opened()
    task = {"func": "a.b", "args": (pickle,), "kwargs": {"a": pickle}, "result": pickle, "started": NOON}
    for number, success in enumerate([True, False]):
        Task.objects.create(id=f"{number}", name=f"t{number}", success=success, stopped=NOON, **task)
    Schedule.objects.create(
        name="tick", func="a.b", args=f"'{SECRET}'", kwargs=f"a='{SECRET}'", next_run=NOON
    )
    OrmQ.objects.create(key="q", payload=SECRET)
    Opened.times = 0


def url(model, page, *args):
    return reverse(f"admin:django_q_{model._meta.model_name}_{page}", args=args)


def first(model):
    return model.objects.values_list("pk", flat=True)[0]


@models
def test_a_superuser_looks_and_opens_no_pickle(root, rows, model):
    pages = [root.get(url(model, "changelist")), root.get(url(model, "change", first(model)))]
    assert [page.status_code for page in pages] == [200, 200]
    assert not [page for page in pages if SECRET in page.content.decode()]
    assert Opened.times == 0


@models
def test_nobody_touches(root, rows, model):
    pk = first(model)
    assert root.post(url(model, "change", pk), func="os.system", args="'true'").status_code == 403
    assert root.post(url(model, "delete", pk), post="yes").status_code == 403
    assert root.get(url(model, "add")).status_code == 403
    root.post(url(model, "changelist"), action="delete_selected", _selected_action=[pk], post="yes")
    assert model.objects.filter(pk=pk).exists()


@models
def test_others_do_not_look_even_with_the_permission(rows, model):
    eve = person("eve")
    eve.user.user_permissions.set(Permission.objects.filter(content_type__app_label="django_q"))
    assert eve.get(url(model, "changelist")).status_code == 403
    assert eve.get(url(model, "change", first(model))).status_code == 403


@models
def test_what_is_not_there_is_a_404(root, model):
    assert root.get(url(model, "change", "99")).status_code == 404
