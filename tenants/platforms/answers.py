"""What an HTTP answer means. Pure: bytes in, value or error out; no network, no clock, no requests.

The vendors wrap their errors in five shapes, and sometimes in HTML. All of them end here as one of the
errors of errors.py, with the vendor's code and words, shortened, and without any secret.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec

from .errors import BadAnswer, Missing, PlatformError, Refused, TryLater
from .pace import retry_after

T = TypeVar("T")

LONGEST_MESSAGE = 300
WITHOUT_RETRY_AFTER = 30.0  # https://developers.ringcentral.com/guide/basics/rate-limits
REPEATABLE = {500, 502, 503, 504}

_BOM = b"\xef\xbb\xbf"  # .NET servers send it; RFC 8259 lets a reader ignore it
# What a body that is not JSON makes the decoder raise; RecursionError: nested beyond all reason.
_NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_TAG = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_TOKEN_LIKE = re.compile(r"\beyJ[\w-]+(\.[\w-]*){1,2}|\b(?i:bearer|basic)\s+[\w.~+/=-]{8,}")
_WRONG_FIELD = re.compile(
    r"Expected `[^`]*`, got `[^`]*`|Object (?:missing required|contains unknown) field `[^`]*`| - at `[^`]*`"
)


class Answer(NamedTuple):
    """A good answer. `call` is the request as "GET https://host/path", for error texts."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    call: str = ""

    def decode(self, type: type[T]) -> T:
        return decode(self.body, type, call=self.call, status=self.status)


def decode(body: bytes, type: type[T], *, call: str = "", status: int | None = None) -> T:
    """The body as `type`. BadAnswer names the field that is wrong, never what was in it."""
    if not body.strip():
        raise BadAnswer("The answer is empty.", status=status, call=call)
    try:
        return msgspec.json.decode(body.removeprefix(_BOM), type=type)
    except msgspec.ValidationError as problem:
        wrong = "".join(_WRONG_FIELD.findall(str(problem))) or "a value is not allowed"
        text = f"The answer does not have the agreed form: {wrong}."
    except _NOT_JSON:
        text = f"The answer is not JSON{' but a web page' if _is_page(body) else ''}."
    # Outside the except blocks, so that no traceback carries the decoder's text, which may quote a value.
    raise BadAnswer(text, status=status, call=call)


def decipher(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    call: str,
    *,
    hide: Collection[str] = (),
    now: float = 0.0,
) -> bytes:
    """The body of a good answer; else the error that says what to do next. `headers` must not
    care about upper and lower case; `hide` are secrets that must not come back in an error's text."""
    if 200 <= status < 300:
        return body
    problem, message = _meaning(status)
    code, outer_code, vendor_message = vendor_words(body)
    context: dict[str, Any] = {
        "status": status,
        "call": call,
        "code": scrub(code, hide),
        "outer_code": scrub(outer_code, hide),
        "vendor_message": scrub(vendor_message, hide),
    }
    if problem is TryLater:
        after = retry_after(headers, now)
        raise TryLater(
            message, after=WITHOUT_RETRY_AFTER if after is None and status == 429 else after, **context
        )
    raise problem(message, **context)


def _meaning(status: int) -> tuple[type[PlatformError], str]:
    if status in _MEANINGS:
        return _MEANINGS[status]
    if 300 <= status < 400:
        return Refused, "This is the wrong host: it sends callers to another place. Correct the address."
    if 400 <= status < 500:
        return Refused, "The platform does not accept this request."
    if status >= 500:
        return TryLater, "The platform has a fault at the moment."
    return BadAnswer, "The platform answered with a status that has no meaning."


_MEANINGS: dict[int, tuple[type[PlatformError], str]] = {
    401: (Refused, "The platform does not accept our sign-in."),
    403: (Refused, "The platform does not permit this to the account we use."),
    404: (Missing, "The platform does not have what was asked for."),
    408: (TryLater, "The platform gave up waiting."),
    410: (Missing, "The platform no longer has what was asked for."),
    429: (TryLater, "The platform asks us to wait: too many requests."),
    501: (Refused, "The platform does not offer this to the account we use."),
}


def vendor_words(body: bytes) -> tuple[str, str, str]:
    """(code, outer code, message) of an error body of any vendor, all "" when it says nothing.

    RingCentral documents `errors[]` only and its outer code differs (outer InsufficientPermissions, inner
    CMN-401): https://developers.ringcentral.com/guide/basics/errors. CXone has one shape per service:
    `{error, errorDescription}`, `{code, details}` and, from its gateway, `{status, error, message, path}`.
    """
    try:
        said = msgspec.json.decode(body.removeprefix(_BOM))
    except _NOT_JSON:
        return "", "", _TAG.sub(" ", body[:20_000].decode(errors="replace"))
    if not isinstance(said, dict):
        return "", "", said if isinstance(said, str) else ""
    inner = said.get("errors")
    first = inner[0] if isinstance(inner, list) and inner and isinstance(inner[0], dict) else {}
    outer = _first(said, "errorCode", "error", "code", "scimType")
    code = _first(first, "errorCode", "code") or outer
    message = _first(said, "error_description", "errorDescription") or _first(first, "message")
    message = message or _first(said, "message", "details", "detail", "description")
    named = _first(first, "permissionName", "parameterName")
    if named and named not in message:
        message = f"{message} [{named}]"
    return code, "" if outer == code else outer, message


def _first(said: Mapping[str, Any], *names: str) -> str:
    for name in names:
        value = said.get(name)
        if isinstance(value, list | dict) and value:
            return msgspec.json.encode(value).decode()
        if value is not None and not isinstance(value, list | dict | bool):
            return str(value)
    return ""


def scrub(text: str, hide: Collection[str] = ()) -> str:
    """One line of at most LONGEST_MESSAGE characters without secrets and control characters."""
    for secret in sorted(hide, key=len, reverse=True):
        text = text.replace(secret, "***")
    text = _TOKEN_LIKE.sub("***", text)
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"


def _is_page(body: bytes) -> bool:
    return body.lstrip()[:1] == b"<"
