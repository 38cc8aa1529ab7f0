"""The access token of a connection, shared by all processes through its row."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import msgspec
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from .models import AccessToken
from .platforms.errors import TryLater
from .platforms.tokens import Token
from .vault import Sealed, VaultError

LOCK_SECONDS = 60  # longer than a login with all its retries may take
POLL_SECONDS = 0.2


class DatabaseTokens:
    """A TokenStore over AccessToken rows; the key is the connection's primary key as a string.

    The lock is a conditional update with an expiry on the database's clock rather than a row lock: a login
    takes seconds, and on SQLite a transaction held that long would stop every other writer. Whoever was killed while
    signing in leaves it locked until then: `heartbeat` is called by those who wait, and may raise to give up.
    """

    def __init__(self, heartbeat: Callable[[], None] | None = None) -> None:
        self.heartbeat = heartbeat

    def read(self, key: str) -> Token | None:
        row = AccessToken.objects.filter(pk=int(key)).first()
        return _open(row) if row else None

    def write(self, key: str, token: Token) -> None:
        values: dict[str, Any] = {"sealed": Sealed.of({"token": msgspec.json.encode(token).decode()})}
        AccessToken.objects.update_or_create(pk=int(key), defaults=values)

    def forget(self, key: str, value: str) -> None:
        """Forget the token, unless another process has put a newer one there meanwhile."""
        with transaction.atomic():
            row = AccessToken.objects.select_for_update().filter(pk=int(key)).first()
            known = _open(row) if row else None
            if row and known and known.value == value:
                row.sealed = Sealed()
                row.save(update_fields=["sealed"])

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """One obtainer at a time. TryLater when the lock is not had within its own lifetime."""
        me = uuid.uuid4().hex
        give_up = time.monotonic() + LOCK_SECONDS
        while not self._claim(key, me):
            if time.monotonic() > give_up:
                raise TryLater("Another process is still signing in to this platform.")
            if self.heartbeat:
                self.heartbeat()
            time.sleep(POLL_SECONDS)
        try:
            yield
        finally:
            AccessToken.objects.filter(pk=int(key), locked_by=me).update(locked_by="", locked_until=None)

    def _claim(self, key: str, me: str) -> bool:
        AccessToken.objects.get_or_create(pk=int(key))  # new credentials take the row away, also meanwhile
        free = Q(locked_by="") | Q(locked_until__lt=Now())
        claimed = AccessToken.objects.filter(free, pk=int(key)).update(
            locked_by=me, locked_until=Now() + timedelta(seconds=LOCK_SECONDS)
        )
        return bool(claimed)


def _open(row: AccessToken) -> Token | None:
    """None as well when the keys or the form of a token have changed: then a new token is asked for."""
    try:
        values = row.sealed.open()
        return msgspec.json.decode(values["token"], type=Token) if values else None
    except (VaultError, msgspec.DecodeError):
        return None
