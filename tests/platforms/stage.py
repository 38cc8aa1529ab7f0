"""A tiny vendor that answers what a test tells it to, in process or over a socket, and a clock."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs

Said = tuple[int, dict[str, str], bytes]


class Asked(NamedTuple):
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, list[str]]:
        return parse_qs(self.body.decode())


def says(value: object = None, status: int = 200, **headers: str) -> Said:
    """An answer; header names with underscores: says({}, 429, retry_after="3")."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return status, {name.replace("_", "-"): text for name, text in headers.items()}, body


class Vendor:
    """A WSGI application. Plays its answers in turn, the last one for ever; an answer may be a function of
    what was asked. `asked` remembers everything."""

    def __init__(self, *answers: Said | Callable[[Asked], Said]) -> None:
        self.answers = list(answers)
        self.asked: list[Asked] = []
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        headers = {name[5:]: value for name, value in environ.items() if name.startswith("HTTP_")}
        asked = Asked(environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["QUERY_STRING"], headers, body)
        status, said, body = self.answer(asked)
        start_response(f"{status} Said", list({"Content-Length": str(len(body)), **said}.items()))
        return [body]

    def answer(self, asked: Asked) -> Said:
        with self._lock:
            self.asked.append(asked)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer(asked) if callable(answer) else answer

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]


RESET = (-1, {}, b"")  # the connection is cut before a byte was sent
SILENT = (-2, {}, b"")  # nothing comes until the caller has gone


@contextmanager
def on_a_socket(vendor: Vendor) -> Iterator[str]:
    """The vendor as a real HTTP/1.1 server on loopback; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path, _, query = self.path.partition("?")
            status, headers, said = vendor.answer(Asked(self.command, path, query, dict(self.headers), body))
            if status < 0:
                return self.hang_up(status)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(said)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said)
            self.close_connection = "Content-Length" in headers

        do_POST = do_GET

        def hang_up(self, how: int) -> None:
            if how == SILENT[0]:
                self.connection.recv(1)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


class Clock:
    """Time that passes only while somebody waits."""

    def __init__(self, at: float = 1000.0) -> None:
        self.at = at
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.at

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.at += seconds
