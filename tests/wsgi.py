"""Calls a WSGI application through requests, in process: everything but the socket is real."""

import io
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPResponse

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class WsgiAdapter(BaseAdapter):
    """Mount it on a session. What the application raises is raised here; a connection reset stays one."""

    def __init__(self, app: WsgiApp) -> None:
        super().__init__()
        self.app = app

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        told: list[tuple[str, list[tuple[str, str]]]] = []
        try:
            chunks = self.app(_environ(request), lambda status, headers, *_: told.append((status, headers)))
            body = b"".join(chunks)
        except ConnectionError as problem:
            raise requests.ConnectionError(problem, request=request) from problem
        status, headers = told[-1]
        number, _, reason = status.partition(" ")
        answer = HTTPResponse(
            io.BytesIO(body),
            headers,
            int(number),
            reason=reason,
            preload_content=False,
            request_method=request.method,
        )
        return HTTPAdapter().build_response(request, answer)

    def close(self) -> None:
        pass


def wsgi_session(app: WsgiApp) -> requests.Session:
    """A session for which every host is `app`."""
    session = requests.Session()
    session.mount("https://", WsgiAdapter(app))
    session.mount("http://", WsgiAdapter(app))
    return session


def _environ(request: requests.PreparedRequest) -> dict[str, Any]:
    parts = urlsplit(request.url or "")
    body = request.body or b""
    body = body.encode() if isinstance(body, str) else body
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(parts.path, "latin-1"),
        "QUERY_STRING": parts.query,
        "SERVER_NAME": parts.hostname,
        "SERVER_PORT": str(parts.port or (443 if parts.scheme == "https" else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": parts.netloc,
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": parts.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        environ.setdefault(f"HTTP_{name.upper().replace('-', '_')}", value)
    return environ
