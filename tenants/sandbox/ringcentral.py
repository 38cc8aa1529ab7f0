"""RingCentral's account, extension and directory calls over a world.

Shapes and parameters follow the OpenAPI description, errors and headers the guide:
https://developers.ringcentral.com/guide/basics/errors and …/guide/account/extensions.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tenants.sandbox.directory import entries, search
from tenants.sandbox.paging import window
from tenants.sandbox.rc_wire import Context, bad_parameter, error, no_permission, positive
from tenants.sandbox.records import ALL_STATUSES, ALL_TYPES, account, extension
from tenants.sandbox.wire import Reply, Request

if TYPE_CHECKING:
    from tenants.sandbox.app import Sandbox
    from tenants.sandbox.faults import Fault
    from tenants.sandbox.oauth import Session
    from tenants.sandbox.world import World

_LARGEST_ID = 2**63 - 1
_FILTERS = ("type", "status", "email", "extensionNumber")
Handler = Callable[[Context], Reply]


def list_extensions(call: Context) -> Reply:
    """GET /restapi/v1.0/account/~/extension. Unlisted parameters are ignored, so a misspelt one changes
    nothing.
    """
    query = call.request.query
    page, per_page = positive(call, "page", 1), positive(call, "perPage", 100)
    if isinstance(page, Reply) or isinstance(per_page, Reply):
        return page if isinstance(page, Reply) else per_page  # type: ignore[return-value]
    types, statuses = [t for t in query.get("type", []) if t], [s for s in query.get("status", []) if s]
    if set(types) - ALL_TYPES:
        return bad_parameter("type")
    if set(statuses) - ALL_STATUSES:
        return bad_parameter("status")
    # "If greater than a maximum, the maximum value is applied."
    per_page = min(per_page, call.sandbox.ringcentral_page)
    numbers, total = window(_numbers(call, types, statuses), (page - 1) * per_page, per_page, call.fault)
    records = [extension(call.world, call.world.row("ringcentral", n), call.request.origin) for n in numbers]
    return Reply.of(_page(call, records, page=page, per_page=per_page, total=total))


def _numbers(call: Context, types: list[str], statuses: list[str]) -> Any:
    emails = [email for email in call.request.query.get("email", []) if email]
    extension_numbers = [number for number in call.request.query.get("extensionNumber", []) if number]
    numbers = call.world.numbers("ringcentral", types, statuses)
    if emails:
        rows = {row.number: row for email in emails for row in call.world.by_email("ringcentral", email)}
        numbers = sorted(
            n for n, row in rows.items() if _fits(row.type, types) and _fits(row.status, statuses)
        )
    if extension_numbers:
        numbers = [n for n in numbers if str(101 + n) in extension_numbers]
    return numbers


def _fits(value: str, wanted: list[str]) -> bool:
    return not wanted or value in wanted


def _page(call: Context, records: list[Any], *, page: int, per_page: int, total: int) -> dict[str, Any]:
    request, pages = call.request, -(-total // per_page)
    base = f"{request.origin}{request.path}"
    filters: dict[str, list[str]] = {
        name: values for name, values in request.query.items() if name in _FILTERS
    }
    kept = f"&{urlencode(filters, doseq=True)}" if filters else ""

    def link(number: int) -> dict[str, str]:
        return {"uri": f"{base}?page={number}&perPage={per_page}{kept}"}

    navigation = {"firstPage": link(1), "lastPage": link(max(1, pages))}
    if page < pages:
        navigation["nextPage"] = link(page + 1)
    if 1 < page <= pages + 1:
        navigation["previousPage"] = link(page - 1)
    paging: dict[str, int] = {"page": page, "perPage": per_page, "totalPages": pages, "totalElements": total}
    if records:
        start = (page - 1) * per_page
        paging |= {"pageStart": start, "pageEnd": start + len(records) - 1}
    uri = f"{base}?page={page}&perPage={per_page}{kept}"
    return {"uri": uri, "records": records, "paging": paging, "navigation": navigation}


def read_extension(call: Context, id: str) -> Reply:
    """GET …/extension/{id}; "~" is the extension the token acts for."""
    if id == "~":
        id = str(call.world.account_id)
    if not id.isdecimal() or int(id) > _LARGEST_ID:
        return bad_parameter("extensionId")
    row = call.world.find("ringcentral", id)
    if row is None:
        return not_found("extensionId")
    record = extension(call.world, row, call.request.origin)
    own = f"{call.request.origin}/restapi/v1.0/account/{call.world.account_id}"
    return Reply.of(record | {"account": {"id": str(call.world.account_id), "uri": own}})


def read_account(call: Context) -> Reply:
    """GET /restapi/v1.0/account/~"""
    return Reply.of(account(call.world, call.request.origin))


def not_found(parameter: str) -> Reply:
    message = f"Resource for parameter [{parameter}] is not found"
    return error(404, "CMN-102", message, parameterName=parameter)


_ACCOUNT = r"/restapi/v1\.0/account/(?P<account>[^/]+)"
# (method, path, usage group, user permission, handler)
_ROUTES: tuple[tuple[str, re.Pattern[str], str, str, Callable[..., Reply]], ...] = (
    ("GET", re.compile(_ACCOUNT), "light", "ReadCompanyInfo", read_account),
    ("GET", re.compile(_ACCOUNT + "/extension"), "medium", "ReadExtensions", list_extensions),
    ("GET", re.compile(_ACCOUNT + "/extension/(?P<id>[^/]+)"), "light", "ReadExtensions", read_extension),
    ("GET", re.compile(_ACCOUNT + "/directory/entries"), "medium", "", entries),
    ("POST", re.compile(_ACCOUNT + "/directory/entries/search"), "heavy", "ReadExtensions", search),
)


def answer(
    sandbox: "Sandbox", request: Request, world: "World", session: "Session", fault: "Fault | None"
) -> Reply:
    """Route an authenticated call: rate limit, then scope, then the call itself."""
    path = request.path.rstrip("/")
    found = [(route, match) for route in _ROUTES if (match := route[1].fullmatch(path))]
    for (method, _, group, permission, handler), match in found:
        if method != request.method:
            continue
        verdict = sandbox.spend(session.world, group)
        if not verdict.allowed:
            return error(429, "CMN-301", "Request rate exceeded", headers=verdict.headers)
        refusal = no_permission(sandbox, session, permission)
        parts = match.groupdict()
        if refusal is None and parts.pop("account") not in ("~", str(world.account_id)):
            refusal = not_found("accountId")
        call = Context(sandbox, request, world, fault)
        reply = refusal or handler(call, **parts)
        reply.headers.extend(verdict.headers)
        return reply
    if found:
        return error(405, "CMN-103", "Method is not allowed")
    return error(404, "CMN-120", "Invalid URI")
