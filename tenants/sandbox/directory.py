"""RingCentral's company directory: the list and the search. It is not the whole account.

Only Enabled, Disabled and NotActivated are in it, application extensions are not, and hidden users are left
out altogether. https://developers.ringcentral.com/guide/address-book
"""

from collections.abc import Iterator
from typing import Any

from tenants.sandbox.paging import window
from tenants.sandbox.rc_wire import Context, directory_error
from tenants.sandbox.records import ALL_TYPES, entry
from tenants.sandbox.stories import PERSON_TYPES
from tenants.sandbox.wire import Reply
from tenants.sandbox.world import Row

_STATUSES = ("Disabled", "Enabled", "NotActivated")
_TYPES = ALL_TYPES - {"ApplicationExtension"}
_FIELDS = frozenset(
    """firstName lastName extensionNumber phoneNumber email jobTitle department customFieldValue""".split()
)
_DEFAULT_FIELDS = ("firstName", "lastName", "extensionNumber", "email")
_LARGEST_PAGE = 2000


def entries(call: Context) -> Reply:
    """GET …/directory/entries"""
    query = {name: values[0] for name, values in call.request.query.items()}
    per_page = query.get("perPage", "1000")
    size = _LARGEST_PAGE if per_page in ("max", "all") else _count(per_page)
    page = _count(query.get("page", "1"))
    if page is None or size is None:
        return directory_error("page" if page is None else "perPage")
    types = _people_or_not(query.get("typeGroup", "")) & _as_listed(query.get("type", ""))
    federated = query.get("showFederated", "true") != "false"
    numbers = call.world.numbers("ringcentral", types, _STATUSES) if types else ()
    listed = [n for n in numbers if not call.world.row("ringcentral", n).hidden]
    if per_page == "all":
        size = max(1, len(listed))
    return _page(
        call,
        listed,
        page=page,
        size=min(size, _LARGEST_PAGE) if per_page != "all" else size,
        federated=federated,
    )


def search(call: Context) -> Reply:
    """POST …/directory/entries/search. How a text matches is not documented: here a part of a field, in
    any case.
    """
    body = call.request.json
    if not isinstance(body, dict):
        return directory_error("body")
    fields = body.get("searchFields") or _DEFAULT_FIELDS
    if not isinstance(fields, list | tuple) or set(fields) - _FIELDS:
        return directory_error("searchFields")
    page, size = _count(body.get("page", 1)), _count(body.get("perPage", 1000))
    if page is None or size is None:
        return directory_error("page" if page is None else "perPage")
    types = frozenset(body.get("extensionTypes") or filter(None, [body.get("extensionType")]))
    statuses = body.get("extensionStatuses") or _STATUSES
    wanted = frozenset().union(*(_as_listed(name) for name in types)) if types else _TYPES
    numbers = call.world.numbers("ringcentral", wanted, statuses) if wanted else ()
    found = list(_found(call, numbers, str(body.get("searchString") or ""), fields, body.get("extensionIds")))
    return _page(call, found, page=page, size=size, federated=body.get("showFederated", True) is not False)


def _found(call: Context, numbers: Any, text: str, fields: Any, ids: list[str] | None) -> Iterator[int]:
    words = text.casefold().split()
    for number in numbers:
        row = call.world.row("ringcentral", number)
        if row.hidden or (ids and row.id not in ids):
            continue
        if not words or _holds(row, entry(call.world, row), words, fields):
            yield number


def _holds(row: Row, record: dict[str, Any], words: list[str], fields: Any) -> bool:
    text = " ".join(str(record.get(name) or "") for name in fields)
    if "firstName" in fields or "lastName" in fields:
        text += f" {row.name}"
    text = text.casefold()
    return all(word in text for word in words)


def _page(call: Context, numbers: Any, *, page: int, size: int, federated: bool) -> Reply:
    part, total = window(numbers, (page - 1) * size, size, call.fault)
    records = [entry(call.world, call.world.row("ringcentral", n), federated=federated) for n in part]
    paging = {
        "page": page,
        "perPage": min(size, 100_000),
        "totalPages": -(-total // size),
        "totalElements": total,
    }
    if records:
        start = (page - 1) * size
        paging |= {"pageStart": start, "pageEnd": start + len(records) - 1}
    return Reply.of({"records": records, "paging": paging})


def _count(value: Any) -> int | None:
    text = str(value)
    return int(text) if text.isdecimal() and 1 <= int(text) <= 2**31 - 1 else None


def _people_or_not(group: str) -> frozenset[str]:
    return {"User": PERSON_TYPES, "NonUser": _TYPES - PERSON_TYPES}.get(group, _TYPES)


def _as_listed(type_: str) -> frozenset[str]:
    """The kinds of extension that the directory shows under this name."""
    if not type_:
        return _TYPES
    return PERSON_TYPES if type_ == "User" else frozenset({type_}) & (_TYPES - PERSON_TYPES)
