"""A world's rows as RingCentral's extensions, directory entries and account."""

from typing import Any

from tenants.sandbox.stories import PERSON_TYPES
from tenants.sandbox.world import Row, World

ALL_TYPES = frozenset(
    """User Department Announcement Voicemail DigitalUser VirtualUser FaxUser PagingOnly SharedLinesGroup
    DelegatedLinesGroup GroupCallPickup IvrMenu ApplicationExtension ProxyAdmin RoomConnector
    ParkLocation Limited Bot Site Room FlexibleUser TieLine Unknown""".split()
)
ALL_STATUSES = frozenset({"Enabled", "Disabled", "Frozen", "NotActivated", "Unassigned"})
_DEPARTMENTS = ("Sales", "Support", "Billing", "Field Service", "People", "Claims", "Logistics")
_TITLES = ("Agent", "Senior Agent", "Team Lead", "Supervisor", "Manager", "Specialist")
_SITE = {"id": "main-site", "name": "Main Site"}
_PERMISSIONS = {"admin": {"enabled": False}, "internationalCalling": {"enabled": False}}
_ROLES = [
    {
        "id": "6",
        "displayName": "Standard",
        "autoAssigned": True,
        "siteCompatible": False,
        "siteRestricted": False,
    }
]


def extension(world: World, row: Row, origin: str) -> dict[str, Any]:
    """One record of GET …/extension. Only people have roles; unassigned lines have no extension number."""
    uri = f"{origin}/restapi/v1.0/account/{world.account_id}/extension/{row.id}"
    contact: dict[str, Any] = {"firstName": row.given, "lastName": row.family, "company": world.name.title()}
    record: dict[str, Any] = {
        "id": int(row.id),
        "uri": uri,
        "name": row.name,
        "type": row.type,
        "status": row.status,
        "hidden": row.hidden,
        "contact": contact,
        "permissions": _PERMISSIONS,
        "profileImage": {"uri": f"{uri}/profile-image"},
        "site": _SITE,
        "creationTime": f"20{10 + row.number % 15}-03-1{row.number % 10}T08:{row.number % 60:02}:00Z",
    }
    if row.email is not None:
        contact["email"] = row.email
    if row.status != "Unassigned":
        record["extensionNumber"] = str(101 + row.number)
    if row.type in PERSON_TYPES:
        contact["department"] = _DEPARTMENTS[row.person % 7]
        contact["jobTitle"] = _TITLES[row.person % 6]
        contact["businessPhone"] = f"+1650555{row.person % 10_000:04}"
        contact["emailAsLoginName"] = False
        record["roles"] = _ROLES
    return record


def entry(world: World, row: Row, *, federated: bool = True) -> dict[str, Any]:
    """One record of the company directory: ids are strings here, and every kind of user is a "User"."""
    is_person = row.type in PERSON_TYPES
    record: dict[str, Any] = {"id": row.id, "type": "User" if is_person else row.type, "status": row.status}
    if is_person:
        record |= {"firstName": row.given, "lastName": row.family}
        record |= {"department": _DEPARTMENTS[row.person % 7], "jobTitle": _TITLES[row.person % 6]}
    else:
        record["name"] = row.name
    if row.email is not None:
        record["email"] = row.email
    if row.status != "Unassigned":
        record["extensionNumber"] = str(101 + row.number)
    if federated:
        record["account"] = {"id": str(world.account_id), "companyName": world.name.title()}
    return record | {"site": _SITE, "hidden": row.hidden}


def account(world: World, origin: str) -> dict[str, Any]:
    return {
        "id": world.account_id,
        "uri": f"{origin}/restapi/v1.0/account/{world.account_id}",
        "mainNumber": "16505550100",
        "status": "Confirmed",
        "setupWizardState": "Completed",
        "serviceInfo": {
            "uri": f"{origin}/restapi/v1.0/account/{world.account_id}/service-info",
            "brand": {"id": "1210", "name": "RingCentral"},
            "servicePlan": {"id": "1", "name": f"{world.name.title()} plan"},
        },
        "regionalSettings": {"timezone": {"id": "58", "name": "US/Pacific"}},
    }
