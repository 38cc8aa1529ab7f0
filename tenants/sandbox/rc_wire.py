"""RingCentral's error bodies and the checks each of its calls shares.

The outer code of an error body differs from the inner one; clients are told to read `errors[0].errorCode`.
https://developers.ringcentral.com/guide/basics/errors
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenants.sandbox.wire import Reply, Request

if TYPE_CHECKING:
    from tenants.sandbox.app import Sandbox
    from tenants.sandbox.faults import Fault
    from tenants.sandbox.oauth import Session
    from tenants.sandbox.world import World


@dataclass(slots=True)
class Context:
    """One authenticated call."""

    sandbox: "Sandbox"
    request: Request
    world: "World"
    fault: "Fault | None" = None


_OUTER = {
    "CMN-401": "InsufficientPermissions",
    "CMN-408": "InsufficientPermissions",
    "CMN-101": "InvalidParameter",
}


def error(
    status: int, code: str, message: str, *, headers: Iterable[tuple[str, str]] = (), **more: str
) -> Reply:
    outer = "TokenInvalid" if code.startswith("OAU-") else _OUTER.get(code, code)
    inner = {"errorCode": code, "message": message, **more}
    return Reply.of({"errorCode": outer, "message": message, "errors": [inner], **more}, status, headers)


def bad_parameter(name: str) -> Reply:
    return error(400, "CMN-101", f"Parameter [{name}] value is invalid", parameterName=name)


def directory_error(name: str) -> Reply:
    """The directory has codes of its own, without an outer one."""
    message = f"Parameter [{name}] value is invalid"
    return Reply.of({"errors": [{"errorCode": "ADG-121", "message": message, "parameterName": name}]}, 400)


def positive(call: Context, name: str, default: int) -> int | Reply:
    """A query parameter that counts from 1."""
    text = (call.request.query.get(name) or [str(default)])[0]
    if not text.isdecimal() or not 1 <= int(text) <= 2**31 - 1:
        return bad_parameter(name)
    return int(text)


def no_permission(sandbox: "Sandbox", session: "Session", permission: str) -> Reply | None:
    """What is missing: the app's scope (CMN-401) or the permission of the user who made the JWT (CMN-408)."""
    scope = "ReadAccounts"
    if scope not in session.scopes or scope not in sandbox.scopes_of(session.world):
        text = f"In order to call this API endpoint, application needs to have [{scope}] permission"
        return error(403, "CMN-401", text, permissionName=scope)
    if permission and permission not in sandbox.permissions_of(session.world):
        text = f"In order to call this API endpoint, user needs to have [{permission}] permission"
        return error(403, "CMN-408", text, permissionName=permission)
    return None


def unauthorized(code: str, message: str) -> Reply:
    challenge = ("WWW-Authenticate", 'Bearer realm="RingCentral REST API"')
    return error(401, code, message, headers=[challenge])


def token_error(status: int, name: str, code: str, message: str, **more: Any) -> Reply:
    """OAuth's own body. `error_description` is in real answers though not in the OpenAPI description."""
    inner = {"errorCode": code, "message": message, **more}
    return Reply.of({"error": name, "error_description": message, "errors": [inner]}, status)
