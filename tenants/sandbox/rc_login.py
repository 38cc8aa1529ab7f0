"""RingCentral's token and revoke calls.

https://developers.ringcentral.com/guide/authentication/jwt-flow, …/authentication/refresh-tokens
"""

from typing import TYPE_CHECKING

from tenants.sandbox.oauth import credentials
from tenants.sandbox.rc_wire import error, token_error
from tenants.sandbox.wire import Reply, Request

if TYPE_CHECKING:
    from tenants.sandbox.app import Sandbox
    from tenants.sandbox.oauth import Session

_JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_OTHER_GRANTS = ("authorization_code", "password", "client_credentials", "otp", "device_code", "partner_jwt")


def world_of_app(sandbox: "Sandbox", request: Request) -> str:
    """The world whose app is calling, or "" when name or secret is wrong."""
    given = request.basic()
    for name in sandbox.worlds:
        known = credentials(name)["ringcentral"]
        if given == (known["client_id"], known["client_secret"]):
            return name
    return ""


def token(sandbox: "Sandbox", request: Request) -> Reply:
    """POST /restapi/oauth/token. A JSON body is a 415, a wrong app a 401, anything else wrong a 400."""
    if request.method != "POST":
        return error(405, "CMN-103", "Method is not allowed")
    if request.content_type != "application/x-www-form-urlencoded":
        return Reply(415)
    name = world_of_app(sandbox, request)
    if not name:
        return token_error(401, "invalid_client", "OAU-153", "Invalid client")
    verdict = sandbox.spend(name, "auth")
    if not verdict.allowed:
        return error(429, "CMN-301", "Request rate exceeded", headers=verdict.headers)
    reply = _grant(sandbox, request, name)
    reply.headers.extend(verdict.headers)
    return reply


def _grant(sandbox: "Sandbox", request: Request, name: str) -> Reply:
    grant = request.field("grant_type")
    if grant == "refresh_token":
        return _refresh(sandbox, request, name)
    if grant in _OTHER_GRANTS:
        return token_error(400, "unauthorized_client", "OAU-251", "Unauthorized client")
    if grant != _JWT:
        return token_error(
            400, "invalid_request", "OAU-250", "Unsupported grant type", parameterName="grant_type"
        )
    return _jwt(sandbox, request, name)


def _jwt(sandbox: "Sandbox", request: Request, name: str) -> Reply:
    assertion, ttl = (
        request.field("assertion"),
        request.field("access_token_ttl") or str(sandbox.token_lifetime),
    )
    if not assertion:
        message = "Parameter [assertion] value is not specified"
        return token_error(400, "invalid_request", "CMN-101", message, parameterName="assertion")
    if request.field("access_token_ttl") and not (ttl.isdecimal() and 600 <= int(ttl) <= 3600):
        message = "Parameter [access_token_ttl] value is invalid"
        return token_error(400, "invalid_request", "CMN-101", message, parameterName="access_token_ttl")
    if (
        assertion != credentials(name)["ringcentral"]["jwt"]
        or (name, "ringcentral") in sandbox.refused_logins
    ):
        return token_error(400, "invalid_grant", "OAU-210", "Token expired or not valid")
    scopes = sandbox.scopes_of(name)
    wanted = frozenset(request.field("scope").split())
    if wanted - scopes:
        return token_error(
            400, "invalid_scope", "OAU-171", "Requested scope is not allowed", parameterName="scope"
        )
    lifetime = min(int(float(ttl)), int(sandbox.token_lifetime))
    session = sandbox.sessions.open(name, "ringcentral", sandbox.now() + lifetime, scopes=wanted or scopes)
    return _issued(sandbox, session, lifetime)


def _refresh(sandbox: "Sandbox", request: Request, name: str) -> Reply:
    old = sandbox.sessions.take_refresh(request.field("refresh_token"))
    if old is None or old.world != name or old.side != "ringcentral":
        return token_error(400, "invalid_grant", "OAU-210", "Token expired or not valid")
    lifetime = int(sandbox.token_lifetime)
    session = sandbox.sessions.open(name, "ringcentral", sandbox.now() + lifetime, scopes=old.scopes)
    return _issued(sandbox, session, lifetime)


def _issued(sandbox: "Sandbox", session: "Session", lifetime: int) -> Reply:
    body: dict[str, object] = {
        "access_token": session.access,
        "token_type": "bearer",
        "expires_in": lifetime,
        "scope": " ".join(sorted(session.scopes)),
        "owner_id": str(sandbox.worlds[session.world].account_id),
        "endpoint_id": f"endpoint-{session.id[:12]}",
        "session_id": session.id,
    }
    if sandbox.refresh_tokens:
        body |= {"refresh_token": sandbox.sessions.give_refresh(session), "refresh_token_expires_in": 604800}
    return Reply.of(body)


def revoke(sandbox: "Sandbox", request: Request) -> Reply:
    """POST /restapi/oauth/revoke ends the whole session; an unknown token is no error."""
    if request.method != "POST":
        return error(405, "CMN-103", "Method is not allowed")
    if not world_of_app(sandbox, request):
        return token_error(401, "invalid_client", "OAU-153", "Invalid client")
    if not request.field("token"):
        message = "Parameter [token] value is not specified"
        return token_error(400, "invalid_request", "CMN-101", message, parameterName="token")
    sandbox.sessions.revoke(request.field("token"))
    return Reply(200)
