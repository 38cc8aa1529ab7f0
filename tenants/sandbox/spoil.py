"""What an armed fault does to an answer: one function per kind that replaces or damages it."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from typing import TYPE_CHECKING

from tenants.sandbox.cxone import gateway_error, hub_error
from tenants.sandbox.faults import Fault
from tenants.sandbox.rc_wire import error, unauthorized
from tenants.sandbox.wire import Reply, Request

if TYPE_CHECKING:
    from tenants.sandbox.app import Sandbox

_PAGE = "<!doctype html><title>Maintenance</title><h1>We will be back soon</h1>"
_SERVER_ERRORS = {
    "error500": (500, "CMN-203", "Internal Server Error"),
    "error502": (502, "CMN-211", "Bad Gateway"),
    "error503": (503, "CMN-201", "Service Temporary Unavailable"),
}
_LATER = 5


def replaced(sandbox: "Sandbox", request: Request, side: str, fault: Fault) -> Reply | None:
    """The answer that stands in for the true one; None for kinds that let the call go on."""
    if fault.kind == "slow":
        sandbox.sleep(float(fault.value or 5))
        return None
    if fault.kind == "reset":
        raise ConnectionResetError("reset by the sandbox, as armed")
    if fault.kind == "html":
        return Reply(200, str(fault.value or _PAGE).encode(), "text/html;charset=utf-8")
    if fault.kind == "garbage":
        return Reply.of(
            {"records": {"surprise": 1}, "users": "none", "roles": 7, "paging": [], "totalRecords": "many"}
        )
    if fault.kind in ("unauthorized", "forbidden"):
        return _refused(sandbox, request, side, fault.kind)
    if fault.kind == "throttled":
        return _throttled(sandbox, side, fault)
    if fault.kind in _SERVER_ERRORS:
        return _server_error(request, side, fault)
    return None


def damaged(reply: Reply, fault: Fault | None) -> Reply:
    """A body that ends early: Content-Length promises all of it."""
    if fault and fault.kind == "truncated":
        reply.cut = max(1, len(reply.body) // 2)
    return reply


def _refused(sandbox: "Sandbox", request: Request, side: str, kind: str) -> Reply:
    if side == "ringcentral":
        if kind == "unauthorized":
            return unauthorized("OAU-213", "Token not found")
        text = "In order to call this API endpoint, application needs to have [ReadAccounts] permission"
        return error(403, "CMN-401", text, permissionName="ReadAccounts")
    if kind == "unauthorized":
        return gateway_error(sandbox, request, 401, "Unauthorized", "Invalid or expired token")
    return hub_error(403, "FORBIDDEN", "The user lacks the permission for this operation")


def _throttled(sandbox: "Sandbox", side: str, fault: Fault) -> Reply:
    later = sandbox.now() + _LATER
    values = {
        "small": "1",
        "huge": "86400",
        "missing": "",
        "date": formatdate(later, usegmt=True),
        "iso": (datetime.fromtimestamp(0, UTC) + timedelta(seconds=int(later))).strftime(
            "%Y-%m-%dT%H:%M:%SZ"
        ),
    }
    asked = "small" if fault.value is None else str(fault.value)
    after = values.get(asked, asked)
    headers = [("Retry-After", after)] if after else []
    if side == "ringcentral":
        return error(429, "CMN-301", "Request rate exceeded", headers=headers)
    return Reply.of(json.loads(hub_error(429, "TOO_MANY_REQUESTS", "Rate limit exceeded").body), 429, headers)


def _server_error(request: Request, side: str, fault: Fault) -> Reply:
    status, code, text = _SERVER_ERRORS[fault.kind]
    if status == 502:  # a proxy in front speaks HTML, whoever is behind it
        return Reply(status, f"<html><body><h1>{status} {text}</h1></body></html>".encode(), "text/html")
    if side != "ringcentral":
        return hub_error(status, "INTERNAL_ERROR" if status == 500 else "UNAVAILABLE", text)
    if status == 500 and "/directory/" in request.path:
        return Reply.of({"errors": [{"errorCode": "ADG-001", "message": text}]}, status)
    return error(status, code, text)
