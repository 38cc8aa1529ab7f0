"""The sandbox's own page at /, and the door to everything under it: open to this machine only.

Host must be loopback too, or a web page elsewhere could reach it by rebinding its name to 127.0.0.1.
"""

import base64
import hashlib
from typing import TYPE_CHECKING, Any

from tenants.sandbox import control
from tenants.sandbox.faults import Fault
from tenants.sandbox.look import STYLE, html
from tenants.sandbox.server import is_loopback
from tenants.sandbox.wire import Reply, Request

if TYPE_CHECKING:
    from tenants.sandbox.app import Sandbox

_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
_HEADERS = [
    ("Content-Security-Policy", f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; "
     "frame-ancestors 'none'; base-uri 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
]  # fmt: skip


def answer(sandbox: "Sandbox", request: Request) -> Reply:
    """The page, its forms and the JSON interface, after the door."""
    if not _is_local(request):
        return Reply.of({"error": "only this machine may use this"}, 403)
    if request.method not in ("GET", "HEAD") and request.asked_origin not in ("", request.origin):
        return Reply.of({"error": "this came from another page"}, 403)
    if request.path.startswith("/_sandbox/page/"):
        return _form(sandbox, request)
    if request.path != "/":
        return control.answer(sandbox, request)
    if request.method not in ("GET", "HEAD"):
        return Reply.of({"error": "GET only"}, 405)
    return Reply(200, html(sandbox, request).encode(), "text/html;charset=utf-8", headers=list(_HEADERS))


def _is_local(request: Request) -> bool:
    """In-process callers have no remote address; they hold the sandbox in their hands anyway."""
    host = request.host
    name = host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
    return (not request.remote or is_loopback(request.remote)) and is_loopback(name)


def _form(sandbox: "Sandbox", request: Request) -> Reply:
    """A form of the page. Browsers name the origin of every form they post: without it, it is none of
    ours.
    """
    if request.method != "POST" or request.asked_origin != request.origin:
        return Reply.of({"error": "this form is posted from the sandbox's own page only"}, 403)
    try:
        _act(sandbox, request)
    except (ValueError, LookupError) as wrong:
        return Reply.of({"error": str(wrong)}, 400)
    return Reply(303, headers=[("Location", "/")])


def _act(sandbox: "Sandbox", request: Request) -> None:
    field = request.field
    if request.path.endswith("/arm"):
        times: Any = "always" if field("times") == "always" else _number(field("times"), "Times")
        sandbox.faults.arm(
            Fault(
                field("kind"),
                path=field("path") or None,
                side=field("side") or None,
                world=field("world") or None,
                at=_number(field("at"), "From call"),
                times=times,
                value=field("value") or None,
            )
        )
    elif request.path.endswith("/clear"):
        sandbox.faults.clear()
    elif request.path.endswith("/email"):
        if field("world") not in sandbox.worlds or field("side") not in ("cxone", "ringcentral"):
            raise LookupError("no such world or side")
        sandbox.worlds[field("world")].set_email(field("side"), field("id").strip(), field("email") or None)
    else:
        raise LookupError("no such form")


def _number(text: str, name: str) -> int:
    if text and not text.isdecimal():
        raise ValueError(f"{name} takes a number{', or always' if name == 'Times' else ''}, not {text!r}")
    return int(text or 1)
