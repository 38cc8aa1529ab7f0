"""The JSON interface under /_sandbox/: for commands and tests in other processes than the sandbox's own.

GET  /_sandbox/worlds                      names, counts, credentials
GET  /_sandbox/worlds/NAME/rows            ?side=&start=&count=
GET  /_sandbox/worlds/NAME/examples        ?kind=&limit=
POST /_sandbox/worlds/NAME/VERB            a JSON object of the verb's arguments: set_email, rename, disable,
enable,
                                           remove, restore, set_status, set_roles, hire
GET, POST, DELETE /_sandbox/faults         the armed rules; arm one (the fields of Fault); clear all, or ?id=
GET, DELETE /_sandbox/log                  ?path=&side=&world=&method=&status=
GET, POST /_sandbox/settings               limits, limit_factor, token_lifetime, refresh_tokens, page sizes
POST /_sandbox/sign-out                    {"world", "side"}: end sessions, so that tokens are unknown
"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tenants.sandbox import faults, log
from tenants.sandbox.wire import Reply, Request

if TYPE_CHECKING:
    from tenants.sandbox.app import Sandbox
    from tenants.sandbox.world import World

_VERBS = frozenset(
    {"set_email", "rename", "disable", "enable", "remove", "restore", "set_status", "set_roles", "hire"}
)
_SETTINGS: dict[str, tuple[type, ...]] = {
    "limits": (bool,),
    "limit_factor": (int, float),
    "token_lifetime": (int, float),
    "refresh_tokens": (bool,),
    "ringcentral_page": (int,),
    "cxone_page": (int,),
}
_MOST_ROWS = 1000


class Wrong(ValueError):
    """What was asked for cannot be done; the text says why."""


def answer(sandbox: "Sandbox", request: Request) -> Reply:
    """Route one control request. Mistakes are 400 with {"error": …}, unknown names 404."""
    if request.method in ("POST", "PUT") and request.content_type != "application/json":
        return Reply.of({"error": "send application/json"}, 415)
    parts = request.path.removeprefix("/_sandbox").strip("/").split("/")
    try:
        return Reply.of(_result(sandbox, request, parts))
    except (Wrong, TypeError, ValueError) as wrong:
        return Reply.of({"error": str(wrong)}, 400)
    except LookupError as missing:
        return Reply.of({"error": str(missing.args[0] if missing.args else missing)}, 404)


def _result(sandbox: "Sandbox", request: Request, parts: list[str]) -> Any:
    handlers = {
        "worlds": _worlds,
        "faults": _faults,
        "log": _log,
        "settings": _settings,
        "sign-out": _sign_out,
    }
    if parts[0] not in handlers:
        raise LookupError(f"there is no /_sandbox/{parts[0]}")
    return handlers[parts[0]](sandbox, request, parts[1:])


def _worlds(sandbox: "Sandbox", request: Request, parts: list[str]) -> Any:
    if not parts:
        return [describe(sandbox, name) for name in sandbox.worlds]
    if parts[0] not in sandbox.worlds:
        raise LookupError(f"no world is called {parts[0]!r}")
    world, ask = sandbox.worlds[parts[0]], parts[1] if len(parts) > 1 else ""
    query = {name: values[0] for name, values in request.query.items()}
    if request.method == "POST":
        return _verb(world, ask, _object(request))
    if ask == "rows":
        count = min(int(query.get("count", 100)), _MOST_ROWS)
        rows = world.rows(query.get("side", "cxone"), int(query.get("start", 0)), count)
        return [asdict(row) for row in rows]
    if ask == "examples":
        return world.examples(query.get("kind", ""), int(query.get("limit", 10)))
    return describe(sandbox, parts[0])


def describe(sandbox: "Sandbox", name: str) -> dict[str, Any]:
    world = sandbox.worlds[name]
    return {
        "name": name,
        "people": world.people,
        "cxone": world.count("cxone"),
        "ringcentral": world.count("ringcentral"),
        "account_id": str(world.account_id),
        "tenant_id": world.tenant_id,
        "domain": world.domain,
        "credentials": sandbox.credentials(name),
    }


def _verb(world: "World", verb: str, arguments: dict[str, Any]) -> Any:
    if verb not in _VERBS:
        raise LookupError(f"no verb is called {verb!r}; there are {', '.join(sorted(_VERBS))}")
    secondary = arguments.pop("secondary", ()) if verb == "set_roles" else ()
    if verb == "set_roles":
        return world.set_roles(arguments["user_id"], arguments["role"], *secondary)
    return getattr(world, verb)(**arguments)


def _faults(sandbox: "Sandbox", request: Request, parts: list[str]) -> Any:
    if request.method == "POST":
        return faults.as_json(sandbox.faults.arm(faults.Fault(**_object(request))))
    if request.method == "DELETE":
        id = (request.query.get("id") or [""])[0]
        sandbox.faults.disarm(int(id)) if id else sandbox.faults.clear()
    return [faults.as_json(rule) for rule in sandbox.faults]


def _log(sandbox: "Sandbox", request: Request, parts: list[str]) -> Any:
    if request.method == "DELETE":
        sandbox.log.clear()
    query = {name: values[0] for name, values in request.query.items()}
    status = int(query.pop("status", 0))
    return [log.as_json(entry) for entry in sandbox.log.calls(status=status, **query)]


def _settings(sandbox: "Sandbox", request: Request, parts: list[str]) -> Any:
    if request.method == "POST":
        for name, value in _object(request).items():
            if name not in _SETTINGS or type(value) not in _SETTINGS[name] or value < 0:
                raise Wrong(f"{name} cannot be set to {value!r}")
            setattr(sandbox, name, value)
    return {name: getattr(sandbox, name) for name in _SETTINGS}


def _sign_out(sandbox: "Sandbox", request: Request, parts: list[str]) -> Any:
    asked = _object(request)
    sandbox.sessions.forget_all(str(asked.get("world", "")), str(asked.get("side", "")))
    return {"sessions": len(sandbox.sessions)}


def _object(request: Request) -> dict[str, Any]:
    if not isinstance(request.json, dict):
        raise Wrong("send a JSON object")
    return dict(request.json)
