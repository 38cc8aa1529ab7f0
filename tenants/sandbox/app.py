"""The sandbox as one WSGI callable: CXone and RingCentral on one origin, for several companies at once.

The vendors' paths do not collide. Which company answers is decided by the credentials, and travels with the
token.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tenants.sandbox import cx_login, cxone, oauth, page, rc_login, ringcentral, spoil
from tenants.sandbox.faults import Fault, Faults, Target
from tenants.sandbox.limits import Limits, Verdict
from tenants.sandbox.log import Entry, Log
from tenants.sandbox.rc_wire import unauthorized
from tenants.sandbox.wire import Reply, Request, TooLarge
from tenants.sandbox.world import World

_SCOPES = frozenset({"ReadAccounts", "ReadPresence"})
_PERMISSIONS = frozenset({"ReadExtensions", "ReadCompanyInfo"})
_LOGINS: dict[str, tuple[str, Callable[["Sandbox", Request], Reply]]] = {
    "/restapi/oauth/token": ("ringcentral", rc_login.token),
    "/restapi/oauth/revoke": ("ringcentral", rc_login.revoke),
    "/authentication/v1/token/access-key": ("cxone", cx_login.access_key),
    "/auth/token": ("cxone", cx_login.global_token),
    "/public/user/refresh": ("cxone", cx_login.refresh),
    "/.well-known/cxone-configuration": ("cxone", cx_login.configuration),
    "/.well-known/openid-configuration": ("cxone", cx_login.discovery),
}


class Sandbox:
    """A WSGI callable. Everything a test may want to turn is an attribute.

    limits           RingCentral's rate limits on or off; limit_factor multiplies the budgets
    token_lifetime   seconds an access token lives; refresh_tokens: whether RingCentral gives refresh tokens
    ringcentral_page the largest perPage of the extension list; cxone_page: the largest `top` of the user
    search
    scopes           {"acme": {"ReadPresence"}}: what that RingCentral app may; permissions: what its user may
    refused_logins   {("acme", "cxone")}: credentials that no longer work
    clock, sleep     injected by tests, so that nothing waits
    """

    def __init__(
        self,
        worlds: World | Mapping[str, World] | Iterable[World] | None = None,
        clock: Callable[[], float] = time.time,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.worlds: dict[str, World] = _named(worlds)
        self.clock, self.sleep = clock, sleep
        self.limits = True
        self.limit_factor = 1.0
        self.token_lifetime: float = 3600
        self.refresh_tokens = False
        self.ringcentral_page, self.cxone_page = 1000, 100
        self.scopes: dict[str, Iterable[str]] = {}
        self.permissions: dict[str, Iterable[str]] = {}
        self.refused_logins: set[tuple[str, str]] = set()
        self.faults, self.log = Faults(self.now), Log()
        self.sessions = oauth.Sessions()
        self.budgets = Limits()
        self._stranger: World | None = None

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        reply = self.answer(environ)
        start_response(reply.line, reply.all_headers())
        body = reply.body[: len(reply.body) - reply.cut] if reply.cut else reply.body
        return [b""] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def answer(self, environ: dict[str, Any]) -> Reply:
        """Answer one request; raises ConnectionResetError when a fault says so."""
        try:
            request = Request.read(environ)
        except TooLarge:
            return Reply(413)
        if request.path == "/" or request.path.startswith("/_sandbox"):
            return page.answer(self, request)
        return self._vendor(request)

    def credentials(self, name: str) -> dict[str, dict[str, str]]:
        """What to sign in with, per side; KeyError for a world that is not here."""
        if name not in self.worlds:
            raise KeyError(f"no world is called {name!r}; there are {', '.join(self.worlds)}")
        return oauth.credentials(name)

    def now(self) -> float:
        return self.clock()

    def spend(self, world: str, group: str) -> Verdict:
        """One call of a RingCentral usage group."""
        if not self.limits:
            return Verdict(True, [])
        return self.budgets.spend(world, group, self.now(), self.limit_factor)

    def scopes_of(self, world: str) -> frozenset[str]:
        return _words(self.scopes.get(world, _SCOPES))

    def permissions_of(self, world: str) -> frozenset[str]:
        return _words(self.permissions.get(world, _PERMISSIONS))

    # -- inside --

    def _vendor(self, request: Request) -> Reply:
        side = "ringcentral" if request.path.startswith("/restapi/") else "cxone"
        session = self.sessions.get(request.authorization.partition(" ")[2])
        if session and session.side != side:
            session = None
        world = session.world if session else ""
        if not world and request.path in _LOGINS:
            world = self._asking(request)
        fault = self.faults.match(_target(request, side, world))
        status = 0
        try:
            reply = spoil.replaced(self, request, side, fault) if fault else None
            reply = spoil.damaged(reply or self._true_answer(request, side, session, fault), fault)
            status = reply.status
            return reply
        finally:
            kind = fault.kind if fault else ""
            body = None if request.path in _LOGINS else request.json
            self.log.add(
                Entry(
                    self.now(), world, side, request.method, request.path, request.query, body, status, kind
                )
            )

    def _true_answer(
        self, request: Request, side: str, session: oauth.Session | None, fault: Fault | None
    ) -> Reply:
        if request.path in _LOGINS:
            return _LOGINS[request.path][1](self, request)
        refusal = self._refusal(request, side, session)
        if refusal or session is None:
            return refusal or Reply(401)
        other = fault is not None and fault.kind == "other_account"
        world = self._other_than(session.world) if other else self.worlds[session.world]
        if side == "ringcentral":
            return ringcentral.answer(self, request, world, session, fault)
        return cxone.answer(self, request, world, fault)

    def _refusal(self, request: Request, side: str, session: oauth.Session | None) -> Reply | None:
        """The 401 of a call without a living token."""
        if session and self.now() < session.expires_at and request.authorization[:7].lower() == "bearer ":
            return None
        if side == "cxone":
            return cxone.gateway_error(self, request, 401, "Unauthorized", "Invalid or expired token")
        if not request.authorization:
            return unauthorized("AGW-401", "Authorization header is not specified")
        if request.authorization[:7].lower() != "bearer " or not request.authorization[7:].strip():
            return unauthorized("AGW-402", "Invalid Authorization header")
        if session:
            return unauthorized("OAU-128", "Access token expired")
        return unauthorized("OAU-213", "Token not found")

    def _asking(self, request: Request) -> str:
        """Whose credentials a login carries, right or wrong secret: for the log and for faults of one
        world.
        """
        basic = request.basic()
        key = request.json.get("accessKeyId") if isinstance(request.json, dict) else None
        for name in self.worlds:
            known = oauth.credentials(name)
            if basic and basic[0] in (known["ringcentral"]["client_id"], known["cxone"]["client_id"]):
                return name
            if key and key == known["cxone"]["access_key_id"]:
                return name
        return ""

    def _other_than(self, name: str) -> World:
        for other, world in self.worlds.items():
            if other != name:
                return world
        self._stranger = self._stranger or World(60, 99, name="strangers")
        return self._stranger


def _named(worlds: World | Mapping[str, World] | Iterable[World] | None) -> dict[str, World]:
    if worlds is None:
        return {"acme": World(400, 1, name="acme"), "globex": World(40, 2, name="globex")}
    if isinstance(worlds, World):
        return {worlds.name: worlds}
    return dict(worlds) if isinstance(worlds, Mapping) else {world.name: world for world in worlds}


def _words(value: Iterable[str]) -> frozenset[str]:
    return frozenset(value.split() if isinstance(value, str) else value)


def _target(request: Request, side: str, world: str) -> Target:
    values = {name: list(texts) for name, texts in request.query.items()}
    body = request.json if isinstance(request.json, dict) else {}
    inner = body.get("page")
    for name, value in {**body, **(inner if isinstance(inner, dict) else {})}.items():
        values[name] = [str(value)]
    page_asked = next((values[name][0] for name in ("page", "pageNo") if values.get(name)), "1")
    later = (page_asked.isdecimal() and int(page_asked) > 1) or values.get("skip", ["0"])[0] not in ("", "0")
    return Target(request.method, request.path, side, world, values, later)
