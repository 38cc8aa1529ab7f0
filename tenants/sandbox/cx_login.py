"""CXone's sign-in, by region with an access key and globally with an app, and the way to the API host.

https://developer.niceincontact.com/Documentation/UserHubGettingStarted and …/FAQ: back-end apps use the
password grant with an access key.
"""

from typing import TYPE_CHECKING, Any

from tenants.sandbox.cxone import gateway_error
from tenants.sandbox.oauth import credentials, jwt
from tenants.sandbox.wire import Reply, Request

if TYPE_CHECKING:
    from tenants.sandbox.app import Sandbox
    from tenants.sandbox.oauth import Session


def _world_of_key(sandbox: "Sandbox", key: Any, secret: Any) -> str:
    for name in sandbox.worlds:
        known = credentials(name)["cxone"]
        if (key, secret) == (known["access_key_id"], known["access_key_secret"]):
            return "" if (name, "cxone") in sandbox.refused_logins else name
    return ""


def access_key(sandbox: "Sandbox", request: Request) -> Reply:
    """POST /authentication/v1/token/access-key {"accessKeyId", "accessKeySecret"}"""
    if request.method != "POST":
        return gateway_error(sandbox, request, 405, "Method Not Allowed", "Request method is not supported")
    body = request.json
    if not isinstance(body, dict) or not body.get("accessKeyId") or not body.get("accessKeySecret"):
        message = "accessKeyId and accessKeySecret are required"
        return gateway_error(sandbox, request, 400, "Bad Request", message)
    name = _world_of_key(sandbox, body["accessKeyId"], body["accessKeySecret"])
    if not name:
        return gateway_error(sandbox, request, 401, "Unauthorized", "Invalid access key or secret")
    return _issued(sandbox, request, name)


def global_token(sandbox: "Sandbox", request: Request) -> Reply:
    """POST /auth/token, a form with Basic authentication; password and refresh grants."""
    if request.method != "POST":
        return _oauth_error(405, "invalid_request", "POST only")
    if request.content_type != "application/x-www-form-urlencoded":
        return _oauth_error(415, "invalid_request", "The body must be form-encoded")
    app = next((name for name in sandbox.worlds if request.basic() == _app(name)), "")
    if not app:
        return _oauth_error(401, "invalid_client", "Client authentication failed")
    grant = request.field("grant_type")
    if grant == "password":
        name = _world_of_key(sandbox, request.field("username"), request.field("password"))
        if name != app:
            return _oauth_error(400, "invalid_grant", "Bad credentials")
        return _issued(sandbox, request, name)
    if grant == "refresh_token":
        session = sandbox.sessions.take_refresh(request.field("refresh_token"))
        if session is None or (session.world, session.side) != (app, "cxone"):
            return _oauth_error(400, "invalid_grant", "Invalid refresh token")
        return _issued(sandbox, request, app)
    return _oauth_error(400, "unsupported_grant_type", f"Unsupported grant type: {grant}")


def refresh(sandbox: "Sandbox", request: Request) -> Reply:
    """POST /public/user/refresh {"token"}: the regional refresh, whose answer has names of its own."""
    token = request.json.get("token") if isinstance(request.json, dict) else ""
    session = sandbox.sessions.take_refresh(str(token))
    if session is None or session.side != "cxone":
        return gateway_error(sandbox, request, 401, "Unauthorized", "Invalid refresh token")
    fresh, lifetime = _open(sandbox, session.world)
    body = {
        "token": fresh.access,
        "refreshToken": sandbox.sessions.give_refresh(fresh),
        "refreshTokenExpirationTimeSec": 2 * lifetime,
        "tokenExpirationTimeSec": lifetime,
    }
    return Reply.of(body)


def configuration(sandbox: "Sandbox", request: Request) -> Reply:
    """GET /.well-known/cxone-configuration?tenantId=, without authentication; a region answers without
    tenantId too.
    """
    tenant = (request.query.get("tenantId") or [""])[0]
    known = {world.tenant_id for world in sandbox.worlds.values()}
    if tenant and tenant not in known:
        return gateway_error(sandbox, request, 404, "Not Found", "Unknown tenantId")
    here, domain = request.origin, request.host.partition(":")[0]
    body = {
        **dict.fromkeys(("ui_endpoint", "auth_endpoint", "api_endpoint"), here),
        **dict.fromkeys(("domain", "acdDomain", "uhDomain", "globaldomain"), domain),
        "private": False,
        "area": "na1",
        "cluster": "sandbox",
        "tenantId": tenant,
    }
    return Reply.of(body)


def discovery(sandbox: "Sandbox", request: Request) -> Reply:
    """GET /.well-known/openid-configuration"""
    here = request.origin
    body = {
        "issuer": here,
        "authorization_endpoint": f"{here}/auth/authorize",
        "token_endpoint": f"{here}/auth/token",
        "userinfo_endpoint": f"{here}/auth/userinfo",
        "jwks_uri": f"{here}/auth/jwks",
        "grant_types_supported": ["authorization_code", "password", "refresh_token"],
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
    }
    return Reply.of(body)


def _app(name: str) -> tuple[str, str]:
    known = credentials(name)["cxone"]
    return known["client_id"], known["client_secret"]


def _open(sandbox: "Sandbox", name: str) -> "tuple[Session, int]":
    lifetime = int(sandbox.token_lifetime)
    return sandbox.sessions.open(name, "cxone", sandbox.now() + lifetime), lifetime


def _issued(sandbox: "Sandbox", request: Request, name: str) -> Reply:
    world = sandbox.worlds[name]
    session, lifetime = _open(sandbox, name)
    now = int(sandbox.now())
    claims: dict[str, object] = {
        "iss": request.origin, "sub": f"user:{world.tenant_id}", "aud": f"{name}@sandbox", "iat": now,
        "exp": now + lifetime, "tenant": name, "tenantId": world.tenant_id, "icClusterId": "sandbox",
        "icBUId": world.account_id % 9_000_000, "area": "na1", "role": {"legacyId": "Administrator"},
    }  # fmt: skip
    body = {
        "access_token": session.access,
        "token_type": "Bearer",
        "refresh_token": sandbox.sessions.give_refresh(session),
        "expires_in": lifetime,
        "id_token": jwt(claims),
    }
    return Reply.of(body)


def _oauth_error(status: int, name: str, text: str) -> Reply:
    return Reply.of({"error": name, "errorDescription": text}, status)
