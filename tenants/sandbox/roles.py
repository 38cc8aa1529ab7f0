"""The roles of a sandbox CXone tenant, as the UserHub authorization service shows them.

The key of the permission "User Mapping: Map" is not published; the one used here has the structure of
POST /authorization/v1/roles/search (developer.niceincontact.com, User Hub APIs) and a name of our own making.
"""

import uuid
from dataclasses import dataclass
from typing import Any

_MAP = {"privilegeId": "UserMapping", "actions": ["View", "Map"]}
_VIEW = {"privilegeId": "UserMapping", "actions": ["View"]}
_RULES = {"privilegeId": "PresenceRules", "actions": ["View"]}
_AGENT = {
    "applicationId": "ACD",
    "privileges": [{"privilegeId": "AgentApplication", "actions": ["On"]}],
    "features": [],
}
_QUALITY = {
    "applicationId": "QM",
    "privileges": [],
    "features": [
        {"featureId": "Evaluations", "privileges": [{"privilegeId": "Forms", "actions": ["View", "Edit"]}]}
    ],
}


def _adapters(*privileges: dict[str, Any]) -> dict[str, Any]:
    return {
        "applicationId": "Adapters",
        "privileges": [{"privilegeId": "Adapters", "actions": ["View"]}],
        "features": [
            {"featureId": "UserMapping", "privileges": list(privileges)},
            {"featureId": "PresenceSync", "privileges": [_RULES]},
        ],
    }


@dataclass(frozen=True, slots=True)
class Role:
    """One role: what it holds and whether it is in force."""

    name: str
    status: str = "ACTIVE"
    internal: bool = False
    applications: tuple[dict[str, Any], ...] = ()


ROLES = (
    Role("Administrator", internal=True, applications=(_AGENT, _QUALITY, _adapters(_MAP))),
    Role("Agent", internal=True, applications=(_AGENT, _adapters(_MAP))),
    Role("Supervisor", applications=(_AGENT, _QUALITY, _adapters(_MAP))),
    Role("Manager", internal=True, applications=(_AGENT, _adapters(_MAP))),
    Role("Evaluator", internal=True, applications=(_QUALITY,)),
    Role("Back Office", applications=(_AGENT,)),
    Role("Mapping Viewer", applications=(_AGENT, _adapters(_VIEW))),
    Role("Presence Mapping", applications=(_adapters(_MAP),)),
    Role("Old Agent", "INACTIVE", applications=(_AGENT, _adapters(_MAP))),
    Role("Future Agent", "DRAFT", applications=(_AGENT, _adapters(_MAP))),
    Role("Legacy Agent", "DELETED", applications=(_AGENT, _adapters(_MAP))),
)
# Ordinary people hold one of these; all four hold "User Mapping: Map".
ORDINARY = ("Agent", "Agent", "Agent", "Agent", "Agent", "Supervisor", "Agent", "Manager")


def role_id(company: str, name: str) -> str:
    """The id a role has in one company: made of both names, hence the same at each start."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"role.{name}.{company}"))


def role_record(company: str, role: Role) -> dict[str, Any]:
    return {
        "roleId": role_id(company, role.name),
        "roleName": role.name,
        "displayName": role.name,
        "description": "",
        "status": role.status,
        "internal": role.internal,
        "modifiable": not role.internal,
        "parentAccess": False,
        "lastModifiedTime": "2026-01-05T08:00:00.000Z",
        "permissions": [],
        "applications": list(role.applications),
    }
