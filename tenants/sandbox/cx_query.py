"""The filters and orders of CXone's user search, applied to the records themselves."""

from collections.abc import Callable, Sequence
from typing import Any

from tenants.sandbox.world import Row, World

_OPERATIONS = ("LIKE", "NOT", "OR", "BETWEEN")
_KNOWN = frozenset(
    """id userName firstName lastName middleName displayName fullName emailAddress role roleUUID
    secondaryRoleIds teamId groupIds status creationDate deletedDate impersonated billable""".split()
)


class BadQuery(ValueError):
    """A filter, operation or order that the search does not know."""


def chosen(
    world: World,
    numbers: Sequence[int],
    filters: dict[str, Any],
    operations: dict[str, str],
    record: Callable[[World, Row], dict[str, Any]],
) -> Sequence[int]:
    """The numbers whose records pass every filter. Ids and addresses are looked up, the rest is read
    through.
    """
    for name in filters:
        if name not in _KNOWN:
            raise BadQuery(f"{name} is not a field of a user")
    for operation in operations.values():
        if operation not in _OPERATIONS:
            raise BadQuery(f"{operation} is not an operation")
    if "id" in filters and "id" not in operations:
        rows = [world.find("cxone", str(id)) for id in _list(filters["id"])]
        listed = sorted(row.number for row in rows if row)
        numbers = [number for number in listed if number in numbers]
    elif "emailAddress" in filters and "emailAddress" not in operations:
        found = {
            row.number
            for email in _list(filters["emailAddress"])
            for row in world.by_email("cxone", str(email))
        }
        numbers = [number for number in sorted(found) if number in numbers]
        filters = {name: wanted for name, wanted in filters.items() if name != "emailAddress"}

    def passes(number: int) -> bool:
        user = record(world, world.row("cxone", number))
        return all(
            _passes(user.get(name), _list(wanted), operations.get(name, ""))
            for name, wanted in filters.items()
        )

    return [number for number in numbers if passes(number)]


def _passes(value: Any, wanted: list[Any], operation: str) -> bool:
    texts = [
        str(item).lower() for item in (value if isinstance(value, list) else [value]) if item is not None
    ]
    asked = [str(item).lower() for item in wanted]
    if operation == "LIKE":
        return any(part.strip("%*") in text for text in texts for part in asked)
    if operation == "BETWEEN":
        return len(asked) == 2 and any(asked[0] <= text <= asked[1] for text in texts)
    equal = any(text in asked for text in texts)
    return not equal if operation == "NOT" else equal


def sort_key(name: str) -> Callable[[dict[str, Any]], tuple[str, str]]:
    if name not in _KNOWN:
        raise BadQuery(f"{name} is not a field of a user")
    return lambda user: (str(user.get(name) or "").lower(), user["id"])


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
