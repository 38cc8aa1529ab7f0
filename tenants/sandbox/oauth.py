"""Credentials, sessions and access tokens of both sides.

RingCentral: https://developers.ringcentral.com/guide/authentication/jwt-flow and …/authentication/tokens,
where five sessions of one user and app are allowed and one more ends the oldest. CXone: access keys,
https://developer.niceincontact.com/Documentation/UserHubGettingStarted.
"""

import base64
import hashlib
import json
import secrets
import threading
from dataclasses import dataclass, field

_SESSIONS = 5


def _made(*parts: str) -> str:
    return hashlib.sha256("/".join(parts).encode()).hexdigest()


def _segment(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def jwt(claims: dict[str, object]) -> str:
    """Three base64url parts. The signature is a stand-in: clients read claims here, they do not verify
    them.
    """
    head = {"alg": "RS256", "typ": "JWT", "kid": "sandbox"}
    return ".".join((_segment(head), _segment(claims), _segment(b"signed-by-the-sandbox")))


def credentials(world: str) -> dict[str, dict[str, str]]:
    """What to type into a connection to reach this world; the same at each start."""
    claims: dict[str, object] = {
        "sub": _made(world, "user")[:16],
        "iss": "sandbox",
        "jti": _made(world, "jwt")[:22],
    }
    return {
        "cxone": {
            "access_key_id": _made(world, "key")[:52].upper(),
            "access_key_secret": _made(world, "key secret")[:52].upper(),
            "client_id": f"{world}@sandbox",
            "client_secret": _made(world, "cx secret")[:40],
        },
        "ringcentral": {
            "client_id": f"{world}-{_made(world, 'app')[:16]}",
            "client_secret": _made(world, "app secret")[:48],
            "jwt": jwt(claims),
        },
    }


@dataclass(slots=True)
class Session:
    """One login: its world and side travel with the token."""

    world: str
    side: str
    access: str
    expires_at: float
    scopes: frozenset[str] = frozenset()
    refresh: str = ""
    id: str = field(default_factory=lambda: secrets.token_hex(12))


class Sessions:
    """The living sessions. A token that is not here is unknown, whatever once was said of it."""

    def __init__(self) -> None:
        self._by_access: dict[str, Session] = {}
        self._by_refresh: dict[str, Session] = {}
        self._lock = threading.Lock()

    def open(
        self, world: str, side: str, expires_at: float, *, scopes: frozenset[str] = frozenset()
    ) -> Session:
        session = Session(world, side, secrets.token_urlsafe(32), expires_at, scopes)
        with self._lock:
            if side == "ringcentral":
                mine = [old for old in self._by_access.values() if (old.world, old.side) == (world, side)]
                for old in mine[: max(0, len(mine) - _SESSIONS + 1)]:
                    self._end(old)
            self._by_access[session.access] = session
        return session

    def give_refresh(self, session: Session) -> str:
        session.refresh = secrets.token_urlsafe(32)
        with self._lock:
            self._by_refresh[session.refresh] = session
        return session.refresh

    def take_refresh(self, token: str) -> Session | None:
        """The session of a refresh token, which is used up by this; its access token ends at once."""
        with self._lock:
            session = self._by_refresh.pop(token, None)
            if session:
                self._end(session)
        return session

    def get(self, access: str) -> Session | None:
        return self._by_access.get(access)

    def revoke(self, token: str) -> None:
        with self._lock:
            if session := self._by_access.get(token) or self._by_refresh.get(token):
                self._end(session)

    def forget_all(self, world: str = "", side: str = "") -> None:
        """End sessions, as an administrator or an outage does; clients hold dead tokens afterwards."""
        with self._lock:
            for session in list(self._by_access.values()):
                if world in ("", session.world) and side in ("", session.side):
                    self._end(session)

    def __len__(self) -> int:
        return len(self._by_access)

    def _end(self, session: Session) -> None:
        self._by_access.pop(session.access, None)
        self._by_refresh.pop(session.refresh, None)
