"""Access tokens: obtained once, shared by all who work for a connection, renewed before they expire.

RingCentral keeps about five sessions a user and app, and one more sign-in ends the oldest
(https://developers.ringcentral.com/guide/authentication/tokens): workers that each sign in log each other
out. So there is one token per connection, in a store that all processes see, and one obtainer at a time.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeVar

import msgspec

from .errors import Refused, TryLater

T = TypeVar("T")

LIFE = "expires_in"


class Token(msgspec.Struct, frozen=True):
    """An access token; `expires_at` in epoch seconds. `extra` is what came with it and is needed
    again, such as the host of the API; no secret beside the token itself. A repr never shows the token."""

    value: str
    expires_at: float
    extra: dict[str, str] = {}

    @classmethod
    def lasting(cls, value: str, seconds: float, now: float, **extra: str) -> "Token":
        return cls(value, now + seconds, {**extra, LIFE: str(seconds)})

    def __repr__(self) -> str:
        return f"Token('***', expires_at={self.expires_at})"

    def is_fresh(self, now: float, early: float) -> bool:
        """Whether it lives for another `early` seconds, or for a quarter of its life if that is less."""
        life = float(self.extra.get(LIFE, "inf"))
        return now < self.expires_at - min(early, life / 4)


class TokenStore(Protocol):
    """Where processes share tokens. `forget` compares and deletes, so that a late 401 cannot throw away
    a newer token. `lock` waits within a bound and raises TryLater beyond it; it is not reentrant."""

    def read(self, key: str) -> Token | None: ...

    def write(self, key: str, token: Token) -> None: ...

    def forget(self, key: str, value: str) -> None: ...

    def lock(self, key: str) -> AbstractContextManager[None]: ...


class MemoryTokens:
    """A TokenStore for one process: tests, and commands that stand alone. Safe between threads."""

    def __init__(self, longest_wait: float = 60.0) -> None:
        self._tokens: dict[str, Token] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()
        self._longest_wait = longest_wait

    def read(self, key: str) -> Token | None:
        return self._tokens.get(key)

    def write(self, key: str, token: Token) -> None:
        self._tokens[key] = token

    def forget(self, key: str, value: str) -> None:
        with self._guard:
            if (token := self._tokens.get(key)) and token.value == value:
                del self._tokens[key]

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        if not lock.acquire(timeout=self._longest_wait):
            raise TryLater("Somebody else is still signing in to this platform.")
        try:
            yield
        finally:
            lock.release()


class Tokens:
    """The token of one connection. `obtain` signs in; it is called by one at a time."""

    def __init__(
        self,
        store: TokenStore,
        key: str,
        obtain: Callable[[], Token],
        now: Callable[[], float] = time.time,
        early: float = 120.0,
    ) -> None:
        self._store, self._key, self._obtain = store, key, obtain
        self.now, self._early = now, early

    def get(self) -> Token:
        """The shared token, renewed first when it is about to expire."""
        return self._usable() or self._next()

    def renew(self, bad_value: str) -> Token:
        """Another token than `bad_value`: that of whoever has renewed it already, or a new one."""
        self._store.forget(self._key, bad_value)
        return self._usable(bad_value) or self._next(bad_value)

    def sign_in(self) -> Token:
        """A new token whatever there is: only a sign-in proves that the credentials are right."""
        with self._store.lock(self._key):
            return self._obtained()

    def signed(self, send: Callable[[Token], T]) -> T:
        """What `send` returns. A 401 renews the token and sends once more; a 403 does neither, because a new
        sign-in never gives more permissions and spends the few sign-ins a minute that there are."""
        token = self.get()
        try:
            return send(token)
        except Refused as refused:
            if refused.status != 401:
                raise
        return send(self.renew(token.value))

    def _usable(self, bad_value: str = "") -> Token | None:
        token = self._store.read(self._key)
        good = token and token.value != bad_value and token.is_fresh(self.now(), self._early)
        return token if good else None

    def _next(self, bad_value: str = "") -> Token:
        with self._store.lock(self._key):
            return self._usable(bad_value) or self._obtained()

    def _obtained(self) -> Token:
        token = self._obtain()
        self._store.write(self._key, token)
        return token
