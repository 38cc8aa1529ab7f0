"""What the soak does to its tenants: edits on both sides, decisions by hand, faults, and workers that die."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from django.core.management import call_command
from django.db import OperationalError

from mapping import by_hand, sync
from mapping.models import ExternalAccount, SyncRun, UserMapping
from mapping.verify import Violation, verify
from tenants.models import Connection, Tenant
from tenants.sandbox.app import Sandbox
from tenants.sandbox.faults import Fault
from tenants.sandbox.server import serve
from tenants.sandbox.world import World

from .mapping.oracle import Oracle
from .mapping.processes import Command, descendants, environment, lives
from .mapping.test_faults import ANSWERS, LISTS, STAGES

Status = SyncRun.Status
DONE = (*SyncRun.OVER, Status.HELD)

FAULTY, KILLS, BY_HAND, CANCELED = 0.5, 0.04, 0.3, 0.03
"""How likely a run meets a fault, a moment a worker's death, a run a decision by hand or its cancellation."""


@dataclass
class Player:
    """One tenant, its world, and how far it is."""

    tenant: Tenant
    world: World
    chance: random.Random
    runs: int = 0
    run: SyncRun | None = None
    faults: list[Fault] = field(default_factory=list)
    newcomers: int = 0


class Storm:
    def __init__(self, folder: str, *, tenants: int, runs: int, calm: int, minutes: float, seed: int) -> None:
        self.folder, self.tenants, self.runs, self.calm, self.seed = Path(folder), tenants, runs, calm, seed
        self.chance = random.Random(seed)
        self.until = time.monotonic() + minutes * 60
        self.commands: list[Command] = []
        self.violations: list[Violation | str] = []
        self.struck = self.killed = self.checked = 0

    def figures(self) -> dict[str, int]:
        return {
            "runs": self.ran,
            "faults injected": self.struck,
            "workers killed": self.killed,
            "users checked": self.checked,
            "violations": len(self.violations),
        }

    def blow(self, *, workers: int, processes: int) -> None:
        call_command("migrate", verbosity=0)
        worlds = [World(20 + n % 21, self.seed + n, name=f"tenant{n}") for n in range(self.tenants)]
        self.sandbox = Sandbox(worlds)
        self.sandbox.limits = False
        self.sandbox.ringcentral_page = self.sandbox.cxone_page = 15
        with serve(self.sandbox) as server:
            players = [self._player(world, server.url) for world in worlds]
            self.processes = processes
            try:
                self.commands = [self._worker(n) for n in range(workers)]
                self._play(players)
            finally:
                for command in self.commands:
                    command.kill()
        for player in players:
            self._check(player.tenant)
            rows = list(UserMapping.objects.filter(tenant=player.tenant).select_related("account"))
            self._say(*(f"{player.tenant}: {said}" for said in Oracle(player.world, rows).objections()))
        self.ran = SyncRun.objects.count()

    def _player(self, world: World, url: str) -> Player:
        tenant = Tenant.objects.create(name=world.name, slug=world.name)
        credentials = self.sandbox.credentials(world.name)
        for side, kind in {Connection.Side.CXONE: "cxone", Connection.Side.EXTERNAL: "ringcentral"}.items():
            connection = tenant.connection(side)
            connection.base_url = url
            connection.set_credentials(credentials[kind])
        return Player(tenant, world, random.Random(f"{self.seed}/{world.name}"))

    # -- the workers -------------------------------------------------------------------------------

    def _worker(self, number: int) -> Command:
        env = environment(self.folder, Q_WORKERS=self.processes, LOG_LEVEL="ERROR")
        return Command("run_worker", env=env, log=self.folder / f"worker{number}.log")

    def _kill_somebody(self) -> None:
        """The whole worker, its guard, or one of those at work. Whatever has died is started again."""
        command = self.chance.choice(self.commands)
        command.everybody |= descendants(command.pid)
        victims = [command.pid, *(pid for pid in sorted(command.everybody) if lives(pid))]
        with suppress(ProcessLookupError):
            os.kill(self.chance.choice(victims), signal.SIGKILL)
            self.killed += 1

    def _revive(self) -> None:
        for number, command in enumerate(self.commands):
            if command.process.poll() is not None:
                command.kill()
                self.commands[number] = self._worker(number)

    # -- the play ----------------------------------------------------------------------------------

    def _play(self, players: list[Player]) -> None:
        told = 0
        while any(player.runs < self.runs or player.run for player in players):
            busy = set(SyncRun.objects.exclude(status__in=DONE).values_list("tenant", flat=True))
            for player in players:
                if player.tenant.pk not in busy:
                    self._go_on(player)
            with suppress(OperationalError):  # SQLite may be busy for once; the next one is soon
                sync.tick()
            self._revive()
            stormy = any(player.runs < self.runs - self.calm for player in players)
            if stormy and self.chance.random() < KILLS:
                self._kill_somebody()
            if (done := sum(player.runs for player in players)) >= told + max(
                1, self.runs * self.tenants // 20
            ):
                told = done
                print(
                    f"{done} runs asked for, {self.struck} faults, {self.killed} killed",
                    file=sys.stderr,
                    flush=True,
                )
            time.sleep(0.2)

    def _go_on(self, player: Player) -> None:
        if player.run is not None:
            newest = SyncRun.objects.filter(tenant=player.tenant).order_by("-pk")[0]
            if newest.status == Status.HELD and self._decide(player, newest):
                return
            self._calm_down(player)
            self._check(player.tenant)
            player.run = None
        if time.monotonic() > self.until:
            player.runs = max(player.runs, self.runs - self.calm)
        if player.runs < self.runs:
            self._start(player)

    def _decide(self, player: Player, held: SyncRun) -> bool:
        """Whether the held run goes on."""
        if player.chance.random() < 0.5:
            sync.discard(held, actor=None)
            return False
        return sync.apply_held(held, actor=None, approval="the soak says so")

    def _calm_down(self, player: Player) -> None:
        for fault in player.faults:
            self.struck += fault.hits > 0
            self.sandbox.faults.disarm(fault.id)
        player.faults = []

    def _start(self, player: Player) -> None:
        player.runs += 1
        if player.runs > self.runs - self.calm:
            self._lift_the_brake(player.tenant)
        else:
            for _ in range(player.chance.randint(0, 4)):
                edit(player)
            if player.chance.random() < BY_HAND:
                decide_by_hand(player)
            if player.chance.random() < FAULTY:
                player.faults.append(self._arm(player))
        player.run = sync.request(player.tenant, trigger=SyncRun.Trigger.COMMAND, retry_delay=timedelta(0))
        if player.runs <= self.runs - self.calm and player.chance.random() < CANCELED:
            sync.cancel(player.run, actor=None)

    def _arm(self, player: Player) -> Fault:
        name = player.chance.choice([*ANSWERS, *LISTS])
        stage = STAGES[player.chance.choice(sorted(STAGES))]
        fault = {"kind": name} | ANSWERS.get(name, {}) | stage
        fault |= {"times": player.chance.choice([1, 2, "always"]), "world": player.world.name}
        return self.sandbox.faults.arm(fault.pop("kind"), **fault)

    def _lift_the_brake(self, tenant: Tenant) -> None:
        for kind in ("map", "remap", "unmap", "shrink"):
            setattr(tenant, f"{kind}_limit", None)
            setattr(tenant, f"{kind}_limit_number", None)
        tenant.save()

    def _check(self, tenant: Tenant) -> None:
        self.checked += UserMapping.objects.filter(tenant=tenant).count()
        self._say(*verify([tenant]))

    def _say(self, *violations: Violation | str) -> None:
        for violation in violations:
            self.violations.append(violation)
            print(violation, file=sys.stderr, flush=True)


# --- what happens to people -----------------------------------------------------------------------


def edit(player: Player) -> None:
    player.chance.choice(EDITS)(player)


def somebody(player: Player, side: str) -> str:
    return player.chance.choice([row.id for row in player.world.rows(side)])


def either(player: Player) -> str:
    return player.chance.choice(["cxone", "ringcentral"])


def hire(player: Player) -> None:
    player.newcomers += 1
    email = f"new{player.newcomers}@{player.world.domain}"
    sides = player.chance.choice([(True, True), (True, False), (False, True)])
    player.world.hire("New", f"Comer{player.newcomers}", email=email, cxone=sides[0], ringcentral=sides[1])


def take_an_address(player: Player) -> None:
    side, other = either(player), either(player)
    theirs = player.world.find(other, somebody(player, other))
    player.world.set_email(side, somebody(player, side), theirs.email if theirs else None)


def swap_addresses(player: Player) -> None:
    side = either(player)
    one, other = somebody(player, side), somebody(player, side)
    first, second = player.world.find(side, one).email, player.world.find(side, other).email
    player.world.set_email(side, one, second)
    player.world.set_email(side, other, first)


def leave(player: Player) -> None:
    side = either(player)
    player.world.remove(side, somebody(player, side))


def come_back(player: Player) -> None:
    gone = [row.id for row in player.world.rows("cxone") if row.status == "DELETED"]
    if gone:
        player.world.restore("cxone", player.chance.choice(gone))


def change_status(player: Player) -> None:
    status = player.chance.choice(["Enabled", "Disabled", "Frozen"])
    player.world.set_status("ringcentral", somebody(player, "ringcentral"), status)


def change_role(player: Player) -> None:
    player.world.set_roles(somebody(player, "cxone"), player.chance.choice(["Agent", "Agent", "Evaluator"]))


EDITS: list[Callable[[Player], None]] = [
    hire, take_an_address, swap_addresses, leave, come_back, change_status, change_role,
]  # fmt: skip


def decide_by_hand(player: Player) -> None:
    rows = list(UserMapping.objects.filter(tenant=player.tenant).order_by("pk"))
    accounts = list(ExternalAccount.objects.filter(tenant=player.tenant, is_person=True).order_by("pk"))
    if not rows or not accounts:
        return
    row, account = player.chance.choice(rows), player.chance.choice(accounts)
    with suppress(by_hand.NotPossible):
        if player.chance.random() < 0.5:
            changes = by_hand.map_user(row, account, actor=None, reassign=player.chance.random() < 0.5)
            if player.chance.random() < 0.3:
                by_hand.undo(changes, actor=None)
        else:
            verbs = [by_hand.unmap_user, by_hand.do_not_map, by_hand.reject_match, by_hand.leave_to_auto_sync]
            player.chance.choice(verbs)(row, actor=None)
