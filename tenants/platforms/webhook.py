"""Signed webhooks to an address that a tenant's staff entered, as Standard Webhooks 1.0 has them
(https://github.com/standard-webhooks/standard-webhooks). Nothing inside our own network is called."""

import base64
import binascii
import hashlib
import hmac
import secrets as random_source
import socket
import time
from collections.abc import Sequence
from functools import partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from .errors import PlatformError, Refused, TryLater
from .http import Http, Secret

PREFIX = "whsec_"
SHORTEST_KEY, LONGEST_KEY = 24, 64  # bytes
TIMEOUTS = (5.0, 10.0)
LONGEST_ANSWER = 10.0
LARGEST_ANSWER = 64 * 1024
ADDRESSES = 3
"""So many addresses of a host are tried."""

_INSIDE = (".local", ".localhost", ".internal", ".lan", ".home.arpa")
_NAT64 = IPv6Network("64:ff9b::/96")

_HINTS = {
    401: "It does not accept the call.",
    403: "It does not accept the call.",
    404: "Nothing is at this address.",
    410: "It wants no more of them.",
}


class Undelivered(Exception):
    """The text says why, and quotes nothing but the host and the status. `final`: repeating is of no use;
    `answered`: somebody is there; `after`: seconds that were asked for."""

    def __init__(
        self, words: str, *, final: bool = False, answered: bool = False, after: float | None = None
    ) -> None:
        super().__init__(words)
        self.final, self.answered, self.after = final, answered, after


def new_secret() -> str:
    return PREFIX + base64.b64encode(random_source.token_bytes(32)).decode()


def key_of(secret: str) -> bytes:
    """ValueError when it is not of the agreed form."""
    try:
        key = base64.b64decode(secret.strip().removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.strip().startswith(PREFIX) or not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        raise ValueError(f"A secret is “{PREFIX}” and {SHORTEST_KEY} to {LONGEST_KEY} bytes in base64.")
    return key


def signature(secret: str, id: str, timestamp: int, body: bytes) -> str:
    signed = f"{id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key_of(secret), signed, hashlib.sha256).digest()).decode()


def check_url(url: str, *, loopback: bool) -> None:
    """ValueError says what is wrong with an address that a webhook is to be sent to."""
    try:
        host = _host(url)
        Http(url, allow_hosts=[host]).check_host(url)
    except (ValueError, PlatformError):
        raise ValueError("Enter a plain https:// address.") from None
    if urlsplit(url).fragment:
        raise ValueError("Leave out what follows the #.")
    literal = _literal(host)
    if literal is None:
        is_loopback = host == "localhost"
        is_outside = "." in host and not host.endswith(_INSIDE)
    else:
        is_loopback, is_outside = literal.is_loopback, is_public(literal)
    if not (is_outside or (is_loopback and loopback)):
        raise ValueError("This host is not on the public internet.")


def deliver(
    url: str,
    body: bytes,
    *,
    id: str,
    secrets: Sequence[str],
    loopback: bool = False,
    now: float | None = None,
    timeouts: tuple[float, float] | None = None,
) -> None:
    """Send it once, signed with each of `secrets`. Undelivered when no 2xx came back."""
    host = _host(url)
    timestamp = int(time.time() if now is None else now)
    http = Http(
        url,
        allow_hosts=[host],
        timeouts=timeouts or TIMEOUTS,
        longest_answer=LONGEST_ANSWER,
        largest_body=LARGEST_ANSWER,
        resolve=partial(addresses, loopback=loopback),
    )
    headers = {
        "Content-Type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": Secret(" ".join(signature(one, id, timestamp, body) for one in secrets)),
    }
    try:
        check_url(url, loopback=loopback)
        http.call("POST", url, headers=headers, form=body)
    except ValueError as problem:
        raise Undelivered(str(problem)) from None
    except PlatformError as problem:
        if problem.status is None:
            raise Undelivered(problem.message) from None
        if not 200 <= problem.status < 300:  # whoever says yes at great length has said yes
            raise _answered(host, problem) from None
    finally:
        http.close()


def _answered(host: str, problem: PlatformError) -> Undelivered:
    status = problem.status or 0
    hint = "It sends callers to another address; enter that one." if 300 <= status < 400 else ""
    words = " ".join(filter(None, [f"{host} answered {status}.", hint or _HINTS.get(status, "")]))
    after = problem.after if isinstance(problem, TryLater) else None
    return Undelivered(words, final=status == 410, answered=True, after=after)


def addresses(host: str, port: int, *, loopback: bool = False) -> list[str]:
    """Where the host is, when all of that is outside our network. A name of which one address leads inside is
    refused as a whole."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise TryLater(f"The host name {host} cannot be found.") from None
    distinct = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for each in distinct:
        address = ip_address(each.partition("%")[0])
        if not (is_public(address) or (loopback and address.is_loopback)):
            raise Refused(f"{host} leads to an address that is not on the public internet.")
    return distinct[:ADDRESSES]


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Also of the IPv4 address that some IPv6 addresses stand for."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast


def host_of(url: str) -> str:
    """For showing: the path of a webhook may be a secret of its own. "" when there is none."""
    try:
        return _host(url)
    except ValueError:
        return ""


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").rstrip(".")


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
