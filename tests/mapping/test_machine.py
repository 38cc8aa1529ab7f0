"""Anything that can happen to a small company, in any order, for as long as the machine has patience: after every step
all invariants hold, no run has touched what a person decided, and in the end the map is what an oracle says.

MACHINE_EXAMPLES and MACHINE_STEPS make it larger; without them it always does the same.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from mapping import brake, by_hand, sync
from mapping.matching import BY_HAND, Method
from mapping.models import Change, ExternalAccount, SyncRun, UserMapping
from mapping.verify import verify
from tenants import reach
from tenants.models import Tenant
from tenants.sandbox.app import Sandbox
from tenants.sandbox.company import Row
from tenants.sandbox.server import Running, serve
from tenants.sandbox.world import World

from .conftest import Company
from .interruptions import killed, meanwhile
from .oracle import Oracle
from .test_faults import ANSWERS, LISTS, STAGES, arm

Status = SyncRun.Status
EXAMPLES, STEPS = int(os.environ.get("MACHINE_EXAMPLES", 15)), int(os.environ.get("MACHINE_STEPS", 20))
PEOPLE = 40
LIMITS = [
    name for kind in ("map", "remap", "unmap", "shrink") for name in (f"{kind}_limit", f"{kind}_limit_number")
]
DEFAULTS = {name: Tenant._meta.get_field(name).default for name in LIMITS}

who = st.integers(0, 200)
"""Taken modulo how many there are."""
sides = st.sampled_from(["cxone", "ringcentral"])
moments = st.integers(1, 30)


class Machine(RuleBasedStateMachine):
    server: Running
    sandbox: Sandbox

    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()
        self.hired = 0
        self.left: list[tuple[str, str]] = []
        self.done: list[list[Change]] = []

    @initialize(seed=st.integers(1, 5), synced=st.booleans())
    def a_company(self, seed: int, synced: bool) -> None:
        self.world = World(PEOPLE, seed, name="acme")
        self.sandbox.worlds = {"acme": self.world}
        tenant = Tenant.objects.create(name="Acme", slug="acme")
        self.company = Company(tenant, self.world, self.sandbox)
        self.company.connect(self.server.url)
        if synced:
            self.run_auto_sync()

    # -- what happens outside ----------------------------------------------------------------------

    @rule(side=st.sampled_from(["both", "cxone", "ringcentral"]), like=who, fresh=st.booleans())
    def hire(self, side: str, like: int, fresh: bool) -> None:
        self.hired += 1
        email = f"new{self.hired}@acme.example" if fresh else self.somebody("cxone", like).email
        self.world.hire(
            f"New{self.hired}", "Comer", email=email, cxone=side != "ringcentral", ringcentral=side != "cxone"
        )

    @rule(side=sides, one=who)
    def rename(self, side: str, one: int) -> None:
        self.world.rename(side, self.somebody(side, one).id, "Re", f"Named{one}")

    @rule(
        side=sides,
        one=who,
        of=sides,
        other=who,
        to=st.sampled_from(["own", "other's", "none", "bad", "upper"]),
    )
    def change_address(self, side: str, one: int, of: str, other: int, to: str) -> None:
        row = self.somebody(side, one)
        address = {
            "own": f"own{one}@acme.example",
            "other's": self.somebody(of, other).email,
            "none": None,
            "bad": "no address",
            "upper": row.email and row.email.upper(),
        }[to]
        self.world.set_email(side, row.id, address)

    @rule(side=sides, one=who, other=who)
    def swap_addresses(self, side: str, one: int, other: int) -> None:
        first, second = self.somebody(side, one), self.somebody(side, other)
        self.world.set_email(side, first.id, second.email)
        self.world.set_email(side, second.id, first.email)

    @rule(
        one=who,
        newcomer=st.sampled_from(["both", "cxone", "ringcentral"]),
        account=st.sampled_from(["stays", "goes", "off"]),
    )
    def a_newcomer_gets_a_leavers_address(self, one: int, newcomer: str, account: str) -> None:
        leaver = self.somebody("cxone", one)
        self.left.append(("cxone", leaver.id))
        self.world.remove("cxone", leaver.id)
        for extension in self.world.by_email("ringcentral", leaver.email or ""):
            if account == "goes":
                self.world.remove("ringcentral", extension.id)
            elif account == "off":
                self.world.disable(extension.id)
        both = {"cxone": newcomer != "ringcentral", "ringcentral": newcomer != "cxone"}
        self.world.hire("New", "Owner", email=leaver.email, **both)

    @rule(one=who, status=st.sampled_from(["Enabled", "Disabled", "Frozen"]))
    def an_account_changes_status(self, one: int, status: str) -> None:
        self.world.set_status("ringcentral", self.somebody("ringcentral", one).id, status)

    @rule(side=sides, one=who)
    def leave(self, side: str, one: int) -> None:
        self.left.append((side, self.somebody(side, one).id))
        self.world.remove(*self.left[-1])

    @rule(one=who)
    def come_back(self, one: int) -> None:
        if self.left:
            self.world.restore(*self.left.pop(one % len(self.left)))

    @rule(one=who, role=st.sampled_from(["Agent", "Evaluator", "Old Agent"]))
    def change_role(self, one: int, role: str) -> None:
        self.world.set_roles(self.somebody("cxone", one).id, role)

    # -- what people do ----------------------------------------------------------------------------

    @rule(user=who, account=who, reassign=st.booleans())
    def map_by_hand(self, user: int, account: int, reassign: bool) -> None:
        accounts = list(ExternalAccount.objects.filter(is_person=True).order_by("platform_id"))
        with suppress(by_hand.NotPossible):
            chosen = accounts[account % len(accounts)] if accounts else None
            self.done.append(by_hand.map_user(self.user(user), chosen, actor=None, reassign=reassign))

    @rule(
        user=who,
        verb=st.sampled_from(
            [by_hand.unmap_user, by_hand.do_not_map, by_hand.reject_match, by_hand.leave_to_auto_sync]
        ),
    )
    def decide_by_hand(self, user: int, verb: Callable[..., Change]) -> None:
        with suppress(by_hand.NotPossible):
            self.done.append([verb(self.user(user), actor=None)])

    @rule()
    def undo(self) -> None:
        if self.done:
            with suppress(by_hand.NotPossible):
                by_hand.undo(self.done.pop(), actor=None)

    # -- what runs do ------------------------------------------------------------------------------

    @rule()
    def run_auto_sync(self) -> None:
        self.limit(None)
        self.work_off(self.request())

    @rule()
    def run_the_first_try_only(self) -> None:
        self.limit(None)
        with self.hands_off():
            sync.execute(self.request().pk, ticket=False)

    @rule()
    def ask_for_a_run(self) -> None:
        self.request()

    @rule()
    def cancel(self) -> None:
        for run in SyncRun.objects.exclude(status__in=SyncRun.OVER):
            sync.cancel(run, actor=None)

    @rule(moment=st.sampled_from(["external", "store", "match", "apply", "report", 1, 2, 4, 6, 8]))
    def cancel_in_the_middle(self, moment: int | str) -> None:
        run = self.request()
        with meanwhile(moment, lambda: sync.cancel(run, actor=None)):
            self.work_off(run)

    @rule(phase=st.sampled_from(["match", "apply", "apply", 1, 2]), user=who, account=who)
    def map_by_hand_in_the_middle(self, phase: str | int, user: int, account: int) -> None:
        run = self.request()
        with meanwhile(phase, lambda: self.map_somebody_who_is_to_be_changed(user, account)):
            self.work_off(run, decided_meanwhile=True)

    def map_somebody_who_is_to_be_changed(self, user: int, account: int) -> None:
        proposed = Change.objects.filter(outcome="pending").order_by("mapping__cxone_id")
        if not (rows := [change.mapping for change in proposed]):
            return self.map_by_hand(user, account, True)
        free = list(ExternalAccount.objects.filter(mapping=None).order_by("platform_id"))
        with suppress(by_hand.NotPossible):
            self.done.append(by_hand.map_user(rows[user % len(rows)], free[account % len(free)], actor=None))

    @rule(moment=moments)
    def crash(self, moment: int) -> None:
        run = self.request()
        with killed(moment):
            self.work_off(run)
        SyncRun.objects.filter(status=Status.RUNNING).update(
            lease_until=timezone.now() - timedelta(seconds=1)
        )

    @rule(
        fault=st.sampled_from([*ANSWERS, *LISTS]),
        stage=st.sampled_from(sorted(STAGES)),
        times=st.sampled_from([1, 2, "always"]),
    )
    def run_into_a_fault(self, fault: str, stage: str, times: object) -> None:
        self.limit(DEFAULTS)
        arm(self.company, fault, stage, times=times)
        self.work_off(self.request())
        self.sandbox.faults.clear()

    @rule(preview=st.booleans(), then=st.sampled_from(["approve", "discard", "wait", "wait"]))
    def run_into_the_brake(self, preview: bool, then: str) -> None:
        self.limit(dict.fromkeys(LIMITS, 0))
        run = self.work_off(self.request(is_preview=preview))
        if then == "approve":
            self.let_go_on(run, leave_out=1)
        elif then == "discard":
            sync.discard(run, actor=None)

    @rule(which=who, leave_out=st.integers(0, 3))
    def approve(self, which: int, leave_out: int) -> None:
        if held := list(SyncRun.objects.filter(status=Status.HELD).order_by("pk")):
            self.let_go_on(held[which % len(held)], leave_out)

    @rule()
    def approve_the_oldest(self) -> None:
        if oldest := SyncRun.objects.filter(status=Status.HELD).order_by("pk").first():
            self.let_go_on(oldest, 0)

    def let_go_on(self, run: SyncRun, leave_out: int) -> None:
        proposed = run.changes.filter(outcome="pending").order_by("pk").values_list("pk", flat=True)
        with suppress(sync.AlreadyRunning):
            sync.apply_held(run, actor=None, leave_out=list(proposed[:leave_out]), approval="seen")
            self.work_off(run)

    @rule(which=who)
    def discard(self, which: int) -> None:
        if held := list(SyncRun.objects.filter(status=Status.HELD).order_by("pk")):
            sync.discard(held[which % len(held)], actor=None)

    # -- what must be ------------------------------------------------------------------------------

    @invariant()
    def all_walls_stand(self) -> None:
        if hasattr(self, "company"):
            sync.tick()
            assert [
                str(violation) for violation in verify([self.company.tenant], patience=timedelta(0))
            ] == []

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None and hasattr(self, "company"):
                self.in_the_end_the_map_is_what_the_oracle_says()
        finally:
            self.sandbox.faults.clear()
            transaction.set_rollback(True)
            self.example.__exit__(None, None, None)

    def in_the_end_the_map_is_what_the_oracle_says(self) -> None:
        for _ in range(3):
            self.limit(None)
            while (run := self.work_off(self.request())).status == Status.CANCELED:
                pass
        self.all_walls_stand()
        assert (run.status, run.error) == (Status.SUCCEEDED, "")
        rows = list(UserMapping.objects.select_related("account"))
        assert list(Oracle(self.world, rows).objections()) == []

    # -- inside ------------------------------------------------------------------------------------

    def somebody(self, side: str, number: int) -> Row:
        rows = list(self.world.rows(side))
        return rows[number % len(rows)]

    def user(self, number: int) -> UserMapping:
        rows = list(UserMapping.objects.order_by("cxone_id"))
        if not rows:
            raise by_hand.NotPossible
        return rows[number % len(rows)]

    def limit(self, limits: dict[str, int | None] | None) -> None:
        for name in LIMITS:
            setattr(self.company.tenant, name, limits and limits[name])
        self.company.tenant.save()

    def request(self, **more: Any) -> SyncRun:
        """A new run, or the live one."""
        try:
            return sync.request(
                self.company.tenant, trigger="hand", ticket=False, retry_delay=timedelta(hours=1), **more
            )
        except sync.AlreadyRunning as busy:
            return busy.run

    def work_off(self, run: SyncRun, *, decided_meanwhile: bool = False) -> SyncRun:
        def nobody_waits(run: SyncRun) -> None:
            if run.not_before:
                SyncRun.objects.filter(pk=run.pk).update(not_before=timezone.now() - timedelta(seconds=1))

        with nullcontext() if decided_meanwhile else self.hands_off():
            return sync.run_here(run, watch=nobody_waits, poll=0.001)

    @contextmanager
    def hands_off(self) -> Iterator[None]:
        """What a person decided is the same after as before."""
        by_person = UserMapping.objects.exclude(method__in=("", Method.AUTO)) | UserMapping.objects.filter(
            reason__in=BY_HAND
        )
        decided = by_person.order_by("pk").values_list("pk", "account", "method", "reason", "rejected")
        before = list(decided.all())
        yield
        assert list(decided.all()) == before


@pytest.mark.django_db
def test_whatever_happens_all_walls_stand(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "wait", lambda seconds: None)
    monkeypatch.setattr(brake, "FEW", 0)
    settings.SYNC_BATCH_SIZE = 7
    Machine.sandbox = Sandbox(World(PEOPLE, name="acme"))
    Machine.sandbox.limits = False
    Machine.sandbox.ringcentral_page = Machine.sandbox.cxone_page = 15
    with serve(Machine.sandbox) as Machine.server:
        run_state_machine_as_test(Machine, settings=how_long)


how_long = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    derandomize="MACHINE_EXAMPLES" not in os.environ,
    database=None,
    phases=set(Phase) - {Phase.explain, *([Phase.shrink] if "MACHINE_EXAMPLES" in os.environ else [])},
    print_blob=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
