"""Ports that are free, and ports that answer."""

import socket
import time
from collections.abc import Callable


def is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(wanted: int, *, host: str = "127.0.0.1", but: int = 0, tries: int = 50) -> int | None:
    """`wanted`, or the next one that is free and is not `but`; None when none of so many is."""
    ports = range(wanted, min(wanted + tries, 65_536))
    return next((port for port in ports if port != but and is_free(host, port)), None)


def wait_for(port: int, *, seconds: float, going_on: Callable[[], bool], host: str = "127.0.0.1") -> bool:
    """Whether something answers there within `seconds`, while `going_on`."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and going_on():
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return True
    return False
