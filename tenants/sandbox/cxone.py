"""CXone's roles and users over a world, and the host discovery that leads to them.

https://developer.niceincontact.com/API/UserHub (user management, authorization). Bodies of errors differ
between the gateway, in front, and the user hub, behind it.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tenants.sandbox.cx_query import BadQuery, chosen, sort_key
from tenants.sandbox.paging import window
from tenants.sandbox.roles import ROLES, role_id, role_record
from tenants.sandbox.wire import Reply, Request
from tenants.sandbox.world import Row, World

if TYPE_CHECKING:
    from tenants.sandbox.app import Sandbox
    from tenants.sandbox.faults import Fault

_DEFAULT_PAGE = 50
_ROLE_PAGE = 100


def gateway_error(sandbox: "Sandbox", request: Request, status: int, name: str, message: str) -> Reply:
    stamp = datetime.fromtimestamp(sandbox.now(), UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    body = {"timestamp": stamp, "status": status, "error": name, "message": message, "path": request.path}
    return Reply.of(body, status)


def hub_error(status: int, code: str, details: str, entity: str = "") -> Reply:
    body = {
        "code": code,
        "details": details,
        "hostname": "userhub-sandbox",
        "entityType": entity,
        "errors": [],
    }
    return Reply.of(body, status)


def user_record(world: World, row: Row) -> dict[str, Any]:
    """One user. People without an address have no `emailAddress`; a deleted one keeps id and address."""
    record: dict[str, Any] = {
        "id": row.id,
        "userName": _user_name(world, row),
        "firstName": row.given,
        "lastName": row.family,
        "displayName": row.name,
        "fullName": row.name,
        "role": row.role,
        "roleUUID": role_id(world.domain, row.role),
        "secondaryRoleIds": world.role_ids(row.secondary),
        "teamId": f"team-{row.person % 12}",
        "groupIds": [],
        "status": row.status,
        "creationDate": f"20{10 + row.number * 10 // (world.people + 1) % 15}-03-01T09:00:00.000Z",
        "impersonated": row.impersonated,
        "billable": not row.impersonated,
        "modifiable": True,
        "acdUserMappings": [{"loginId": str(100_000 + row.number)}],
        "icBUId": world.account_id % 9_000_000,
    }
    if row.email is not None:
        record["emailAddress"] = row.email
    if row.status == "PENDING":
        record["emailToBeVerified"] = row.email
    if row.status == "DELETED":
        record["deletedDate"] = "2026-06-30T17:00:00.000Z"
    return record


def _user_name(world: World, row: Row) -> str:
    """Unique per tenant and shaped like an address, though it need not be a mailbox."""
    if row.impersonated:
        return f"CXone_{row.number:05x}@{world.domain}"
    return f"u{100_000 + row.number}@cx.{world.domain}"


def search_users(sandbox: "Sandbox", request: Request, world: World, fault: "Fault | None") -> Reply:
    """POST /user-management/v2/users/search {filter, operations, fields, skip, top, orderBy}"""
    body = request.json if request.body else {}
    if not isinstance(body, dict):
        return hub_error(400, "BAD_REQUEST", "The body is not a JSON object", "USER")
    skip, top = body.get("skip", 0), body.get("top", _DEFAULT_PAGE)
    if type(skip) is not int or type(top) is not int or skip < 0 or top < 1:
        return hub_error(400, "BAD_REQUEST", "skip and top are whole numbers, top at least 1", "USER")
    top = min(top, sandbox.cxone_page)
    try:
        numbers = _users(world, body)
    except BadQuery as wrong:
        return hub_error(400, "BAD_REQUEST", str(wrong), "USER")
    part, total = window(numbers, skip, top, fault)
    users = [user_record(world, world.row("cxone", number)) for number in part]
    if fields := body.get("fields"):
        users = [{key: user[key] for key in ("id", *fields) if key in user} for user in users]
    return Reply.of({"totalRecords": total, "skip": skip, "top": top, "users": users})


def _users(world: World, body: dict[str, Any]) -> Sequence[int]:
    filters = body.get("filter") or {}
    if {"id", "emailAddress"} & filters.keys():
        return _chosen(world, body)
    key = json.dumps([filters, body.get("operations"), body.get("orderBy")], sort_keys=False)
    return world.cached(("users", key), lambda: _chosen(world, body))


def _chosen(world: World, body: dict[str, Any]) -> Sequence[int]:
    filters, operations = dict(body.get("filter") or {}), body.get("operations") or {}
    statuses: Any = filters.pop("status", []) if "status" not in operations else []
    numbers = world.numbers("cxone", (), [statuses] if isinstance(statuses, str) else statuses)
    if filters:
        numbers = chosen(world, numbers, filters, operations, user_record)
    for name, direction in reversed((body.get("orderBy") or {}).items()):
        numbers = _ordered(world, numbers, name, str(direction).upper())
    return numbers


def _ordered(world: World, numbers: Sequence[int], name: str, direction: str) -> Sequence[int]:
    if direction not in ("ASC", "DESC"):
        raise BadQuery("orderBy is ASC or DESC")
    if name in ("id", "userName", "creationDate"):  # these rise with the row number
        return numbers if direction == "ASC" else numbers[::-1]
    key = sort_key(name)
    return sorted(
        numbers, key=lambda n: key(user_record(world, world.row("cxone", n))), reverse=direction == "DESC"
    )


def read_user(world: World, id: str) -> Reply:
    row = world.find("cxone", id)
    if row is None:
        return hub_error(404, "NOT_FOUND", f"User {id} was not found", "USER")
    return Reply.of({"user": user_record(world, row)})


def search_roles(request: Request, world: World, fault: "Fault | None") -> Reply:
    """POST /authorization/v1/roles/search {filter, page: {pageSize, pageNo}}; pages count from 1."""
    body = request.json if request.body else {}
    if not isinstance(body, dict):
        return hub_error(400, "BAD_REQUEST", "The body is not a JSON object", "ROLE")
    page = body.get("page") or {}
    size, number = page.get("pageSize", _ROLE_PAGE), page.get("pageNo", 1)
    if type(size) is not int or type(number) is not int or size < 1 or number < 1:
        return hub_error(400, "BAD_REQUEST", "pageSize and pageNo count from 1", "ROLE")
    size = min(size, _ROLE_PAGE)
    wanted = body.get("filter") or {}
    listed = [
        at
        for at, role in enumerate(ROLES)
        if _asked(role.status, wanted.get("status"))
        and _asked(role_id(world.domain, role.name), wanted.get("roleId"))
    ]
    part, total = window(listed, (number - 1) * size, size, fault)
    roles = [role_record(world.domain, ROLES[at % len(ROLES)]) for at in part]
    page = {"pageSize": size, "pageNo": number, "totalRecords": total}
    return Reply.of({"roles": roles, "page": page, "totalRecords": total})


def _asked(value: str, wanted: Any) -> bool:
    return not wanted or value in ([wanted] if isinstance(wanted, str) else wanted)


def answer(sandbox: "Sandbox", request: Request, world: World, fault: "Fault | None") -> Reply:
    """Route an authenticated call."""
    path = request.path.rstrip("/")
    if path in ("/user-management/v2/users/search", "/authorization/v1/roles/search"):
        if request.method != "POST":
            return hub_error(405, "METHOD_NOT_ALLOWED", "POST only")
        if request.body and request.content_type != "application/json":
            return hub_error(415, "UNSUPPORTED_MEDIA_TYPE", "The body must be JSON")
        if path.endswith("roles/search"):
            return search_roles(request, world, fault)
        return search_users(sandbox, request, world, fault)
    prefix, _, id = path.rpartition("/")
    if prefix == "/user-management/v3/users" and request.method == "GET":
        return read_user(world, id)
    return gateway_error(sandbox, request, 404, "Not Found", "No message available")
