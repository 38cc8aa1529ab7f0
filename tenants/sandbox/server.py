"""The sandbox over a real socket: loopback only, HTTP/1.1 with kept connections, one write per answer."""

import io
import ipaddress
import socket
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from tenants.sandbox.app import Sandbox

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: close() sends RST instead of FIN
_LARGEST_BODY = 8_000_000


class _Handler(BaseHTTPRequestHandler):
    """Turns one HTTP request into a WSGI call."""

    protocol_version = "HTTP/1.1"
    server_version = "sandbox"
    sys_version = ""
    disable_nagle_algorithm = True
    timeout = 120
    server: "_Server"

    def do_GET(self) -> None:
        length = self.headers.get("Content-Length") or "0"
        if not length.isdecimal() or int(length) > _LARGEST_BODY or self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            self.send_error(400)
            return
        body = self.rfile.read(int(length))
        try:
            reply = self.server.sandbox.answer(self._environ(body))
        except ConnectionResetError:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.close_connection = True
            return
        lines = [f"HTTP/1.1 {reply.line}", *(f"{name}: {value}" for name, value in reply.all_headers())]
        sent = b"" if self.command == "HEAD" else reply.body[: len(reply.body) - reply.cut]
        if reply.cut:
            self.close_connection = True
        # Head and body in one segment train: two writes would meet Nagle's algorithm and delayed
        # acknowledgements.
        self.wfile.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + sent)

    do_POST = do_DELETE = do_PUT = do_PATCH = do_HEAD = do_OPTIONS = do_GET

    def _environ(self, body: bytes) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        host, port = self.server.server_address[:2]
        environ = {
            "REQUEST_METHOD": self.command,
            "PATH_INFO": unquote(path),
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "SERVER_NAME": str(host),
            "SERVER_PORT": str(port),
            "REMOTE_ADDR": self.client_address[0],
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
        }
        for name, value in self.headers.items():
            environ["HTTP_" + name.upper().replace("-", "_")] = value
        return environ

    def log_message(self, format: str, *args: Any) -> None:
        """The sandbox keeps its own log."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    allow_reuse_address = True
    sandbox: "Sandbox"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up in the middle is no news here; anything else is shown as usual."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class Running:
    """A serving sandbox. `url` has no slash at the end; use it as a context manager or call close()."""

    def __init__(self, server: _Server) -> None:
        self._server = server
        host, self.port = server.server_address[0], int(server.server_address[1])
        self.url = f"http://[{host!s}]:{self.port}" if ":" in str(host) else f"http://{host!s}:{self.port}"
        self._thread = threading.Thread(
            target=server.serve_forever, args=(0.05,), name="sandbox", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def serve(sandbox: "Sandbox", host: str = "127.0.0.1", port: int = 0) -> Running:
    """Serve in a thread of its own. ValueError for an address that is not loopback, OSError for a taken
    port.
    """
    if not is_loopback(host):
        raise ValueError(f"the sandbox is served on loopback only, not on {host}")
    kind = _Server6 if ":" in host else _Server
    server = kind(("127.0.0.1" if host == "localhost" else host, port), _Handler)
    server.sandbox = sandbox
    return Running(server)


class _Server6(_Server):
    address_family = socket.AF_INET6


def is_loopback(host: str) -> bool:
    """Whether an address, or the name "localhost", is this machine and nothing else."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
