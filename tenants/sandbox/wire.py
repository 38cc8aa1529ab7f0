"""What goes in and out of the sandbox: one request, one reply, and the bodies both vendors share."""

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

_REASONS = {
    200: "OK", 202: "Accepted", 204: "No Content", 303: "See Other", 400: "Bad Request", 401: "Unauthorized",
    403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 413: "Content Too Large",
    415: "Unsupported Media Type", 429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway",
    503: "Service Unavailable",
}  # fmt: skip
_LARGEST_BODY = 4_000_000


class TooLarge(ValueError):
    """The request's body is larger than anything these calls need."""


@dataclass(slots=True)
class Request:
    """A request as the handlers want it. `query` and `form` are lists per name, since both vendors repeat
    names.
    """

    method: str
    path: str
    query: dict[str, list[str]]
    content_type: str
    authorization: str
    body: bytes
    origin: str
    host: str
    remote: str
    asked_origin: str
    form: dict[str, list[str]] = field(default_factory=dict)
    json: Any = None

    @classmethod
    def read(cls, environ: dict[str, Any]) -> "Request":
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if length > _LARGEST_BODY:
            raise TooLarge
        body = environ["wsgi.input"].read(length) if length else b""
        kind = (environ.get("CONTENT_TYPE") or "").partition(";")[0].strip().lower()
        host = environ.get("HTTP_HOST") or f"{environ.get('SERVER_NAME')}:{environ.get('SERVER_PORT')}"
        request = cls(
            method=environ["REQUEST_METHOD"],
            path=environ.get("PATH_INFO") or "/",
            query=parse_qs(environ.get("QUERY_STRING") or "", keep_blank_values=True),
            content_type=kind,
            authorization=environ.get("HTTP_AUTHORIZATION") or "",
            body=body,
            origin=f"{environ.get('wsgi.url_scheme', 'http')}://{host}",
            host=host,
            remote=environ.get("REMOTE_ADDR") or "",
            asked_origin=environ.get("HTTP_ORIGIN") or "",
        )
        request._decode()
        return request

    def _decode(self) -> None:
        if self.content_type == "application/x-www-form-urlencoded":
            self.form = parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        elif self.body:
            try:
                self.json = json.loads(self.body)
            except ValueError:
                self.json = None

    def basic(self) -> tuple[str, str] | None:
        """Name and secret of HTTP Basic authentication."""
        scheme, _, value = self.authorization.partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
        except ValueError:
            return None
        return name, secret

    def field(self, name: str) -> str:
        return (self.form.get(name) or [""])[0]


@dataclass(slots=True)
class Reply:
    """An answer. `cut` sends that many bytes less than Content-Length says."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json;charset=utf-8"
    headers: list[tuple[str, str]] = field(default_factory=list)
    cut: int = 0

    @classmethod
    def of(cls, value: Any, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> "Reply":
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        return cls(status, body, headers=list(headers))

    @property
    def line(self) -> str:
        return f"{self.status} {_REASONS.get(self.status, 'Unknown')}"

    def all_headers(self) -> list[tuple[str, str]]:
        return [
            ("Content-Type", self.content_type),
            ("Content-Length", str(len(self.body))),
            ("Cache-Control", "no-store"),
            *self.headers,
        ]
