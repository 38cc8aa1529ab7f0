"""HTTP and its manners: sessions, timeouts, bounded retries, pace. The one import of requests.

Knows no vendor: what an answer means is in answers.py, how fast one may go in pace.py.
"""

import random
import socket
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.poolmanager import pool_classes_by_scheme

from tenants import VERSION

from .answers import REPEATABLE, Answer, decipher, decode
from .errors import BadAnswer, PlatformError, Refused, TryLater
from .pace import Limiter

__all__ = ["Answer", "Http", "Secret", "decipher", "decode"]

USER_AGENT = f"presence-sync/{VERSION}"
LARGEST_BODY = 64 * 1024 * 1024
LONGEST_ANSWER = 60.0  # seconds in which a whole body must have come, however slowly it drips
PIECE = 64 * 1024

Params = Mapping[str, str | int | Sequence[str]]
Resolve = Callable[[str, int], Sequence[str]]


class Secret(str):
    """A str that does not show itself in a repr, and so in no traceback that prints local variables."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class _Request(NamedTuple):
    method: str
    url: str
    headers: Mapping[str, str]
    params: Params | None
    json: object
    form: Mapping[str, str] | bytes | None
    auth: tuple[str, str] | None

    def __str__(self) -> str:
        return f"{self.method} {self.url.partition('?')[0]}"

    def __repr__(self) -> str:
        return str(self)  # the fields hold credentials


class Http:
    """One requests.Session with its manners; one per run and side. Raises the errors of errors.py only.

    `requests` and `throttled` (seconds waited) count for the run's report. `heartbeat` is called about once a
    second while waiting, and may raise to give up. Hosts are refused unless `allow`ed; loopback always is.
    `resolve` gives the addresses that a host may be reached at, or raises; without it the system's are taken.
    """

    def __init__(
        self,
        base_url: str,
        *,
        allow_hosts: Collection[str] = (),
        timeouts: tuple[float, float] = (5.0, 30.0),
        tries: int = 4,
        longest_wait: float = 30.0,
        total_wait: float = 90.0,
        longest_answer: float | None = None,
        largest_body: int | None = None,
        wait: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
        heartbeat: Callable[[], None] | None = None,
        session: requests.Session | None = None,
        resolve: Resolve | None = None,
    ) -> None:
        self.base_url = base_url.strip().rstrip("/")
        self.requests = 0
        self.throttled = 0.0
        self.heartbeat = heartbeat
        self.longest_wait = longest_wait
        self.total_wait = total_wait
        self._hosts = set(allow_hosts)
        self._hidden: frozenset[str] = frozenset()  # replaced, never changed: threads read it
        self._timeouts, self._tries = timeouts, tries
        self._longest_answer, self._largest_body = longest_answer, largest_body
        self._wait, self._clock, self._now, self._jitter = wait, clock, now, jitter
        self._limiter = Limiter(clock)
        self._session = session or requests.Session()
        self._session.headers.update({"User-Agent": USER_AGENT, "Accept": "application/json"})
        if resolve:
            for scheme in ("https://", "http://"):
                self._session.mount(scheme, _Pinned(resolve, longest_answer or LONGEST_ANSWER))

    def allow(self, *hosts: str) -> None:
        """Let calls go to these hosts; one that begins with a dot stands for all hosts under it."""
        self._hosts.update(hosts)

    def hide(self, *secrets: str) -> None:
        """Keep these out of every error's text, also where they were quoted for a URL or a form."""
        for secret in filter(None, secrets):
            self._hidden |= {secret, quote(secret, safe=""), quote_plus(secret)}

    def close(self) -> None:
        self._session.close()

    def call(
        self,
        method: str,
        path_or_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Params | None = None,
        json: object = None,
        form: Mapping[str, str] | bytes | None = None,
        auth: tuple[str, str] | None = None,
        repeatable: bool | None = None,
        tries: int | None = None,
        group: str = "",
    ) -> Answer:
        """Send, and send again what is `repeatable` (by default: GET) when that may help, within the bounds
        on tries and on waiting. A wait that would break a bound is TryLater with its length in `after`. A `form`
        of bytes is the body as it is."""
        url = path_or_url if "://" in path_or_url else self.base_url + path_or_url
        request = _Request(method, url, headers or {}, params, json, form, auth)
        self.check_host(url, str(request))
        tries = (tries or self._tries) if (method == "GET" if repeatable is None else repeatable) else 1
        slept = 0.0
        for attempt in range(1, tries + 1):
            slept = self._sleep(self._limiter.wait_for(group), slept, request, _BUSY)
            try:
                return self._once(request, group)
            except TryLater as problem:
                if attempt == tries or not _may_repeat(problem):
                    raise
                pause = self._backoff(attempt) if problem.after is None else problem.after
                slept = self._sleep(pause, slept, request, problem.message, problem)
        raise AssertionError("unreachable")

    def _once(self, request: _Request, group: str) -> Answer:
        self.requests += 1
        status, headers, body = self._exchange(request)
        self._limiter.heard(group, headers)
        try:
            body = decipher(status, headers, body, str(request), hide=self._hidden, now=self._now())
        except TryLater as problem:
            if problem.after:
                self._limiter.close(group, problem.after)
            raise
        return Answer(status, headers, body, str(request))

    def _exchange(self, request: _Request) -> tuple[int, Mapping[str, str], bytes]:
        failure: PlatformError
        try:
            with self._session.request(
                request.method,
                request.url,
                headers=dict(request.headers),
                params=request.params,
                json=request.json,
                data=request.form,
                # Without any auth, requests would take one from a .netrc file and overwrite our header.
                auth=request.auth or (lambda prepared: prepared),
                timeout=self._timeouts,
                allow_redirects=False,  # a redirect would carry the token to whoever wrote Location
                stream=True,
                proxies=_NO_PROXY if _is_loopback(urlsplit(request.url).hostname) else None,
            ) as response:
                return response.status_code, response.headers, self._body(response, request)
        except requests.RequestException as problem:
            failure = _unanswered(problem, request)
        # Raised here, without the cause: the texts of requests may quote header values and addresses.
        raise failure

    def _body(self, response: requests.Response, request: _Request) -> bytes:
        """The whole body. urllib3 2 raises IncompleteRead for one shorter than its Content-Length."""
        body, deadline = bytearray(), self._clock() + (self._longest_answer or LONGEST_ANSWER)
        came: dict[str, Any] = {"status": response.status_code, "call": str(request)}
        for piece in response.iter_content(PIECE):
            body += piece
            if len(body) > (self._largest_body or LARGEST_BODY):
                raise BadAnswer("The answer is larger than any we can use.", **came)
            if self._clock() > deadline:
                raise TryLater("The answer comes too slowly.", call=str(request))
        return bytes(body)

    def _backoff(self, attempt: int) -> float:
        return float(2**attempt) * (0.5 + self._jitter() / 2)

    def _sleep(
        self, seconds: float, slept: float, request: _Request, message: str, problem: TryLater | None = None
    ) -> float:
        """Wait, and return how long this call has waited in all; TryLater instead of breaking a bound."""
        if seconds > self.longest_wait or slept + seconds > self.total_wait:
            if problem is None:
                raise TryLater(message, after=seconds, call=str(request))
            problem.after = seconds
            raise problem
        left = seconds
        while left > 0:
            step = min(left, 1.0) if self.heartbeat else left
            if self.heartbeat:
                self.heartbeat()
            self._wait(step)
            self.throttled += step
            left -= step
        return slept + seconds

    def check_host(self, url: str, call: str = "") -> None:
        """Refused when no call may go to this address."""
        if not _is_plain(url):
            raise Refused("The address of the platform is not a plain https:// address.")
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        if _is_loopback(host):
            return
        if parts.scheme != "https":
            raise Refused("The address of the platform must begin with https://.", call=call)
        if not any(host == one or (one[0] == "." and host.endswith(one)) for one in self._hosts):
            raise Refused(f"This is the wrong host: {host} does not belong to the platform.", call=call)


class _Pinned(HTTPAdapter):
    """Connects to the addresses that `resolve` gives and to no other, so that a name cannot be looked up once for
    the check and lead elsewhere the next time. The certificate is still that of the name. A connection is cut after
    `longest` seconds, also when its other end lets a byte drip now and then to keep us."""

    def __init__(self, resolve: Resolve, longest: float) -> None:
        self._resolve, self._longest = resolve, longest
        self._watched: list[tuple[threading.Timer, socket.socket]] = []
        super().__init__()

    def watch(self, connected: socket.socket) -> None:
        twin = connected.dup()  # TLS takes the socket itself away
        cut = threading.Timer(self._longest, _cut, [twin])
        cut.daemon = True
        cut.start()
        self._watched.append((cut, twin))

    def close(self) -> None:
        for cut, twin in self._watched:
            cut.cancel()
            twin.close()
        super().close()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        pools = {}
        for scheme, pool in pool_classes_by_scheme.items():
            bases = (_PinnedConnection, pool.ConnectionCls)  # type: ignore[attr-defined]
            ours = {"resolve": staticmethod(self._resolve), "watch": staticmethod(self.watch)}
            connection = type("Connection", bases, ours)
            pools[scheme] = type("Pool", (pool,), {"ConnectionCls": connection})
        self.poolmanager.pool_classes_by_scheme = pools


def _cut(twin: socket.socket) -> None:
    with suppress(OSError):
        twin.shutdown(socket.SHUT_RDWR)


class _PinnedConnection:
    resolve: Resolve
    watch: Callable[[socket.socket], None]

    def _new_conn(self) -> Any:
        name, failure = self._dns_host, None  # type: ignore[has-type]
        for address in self.resolve(name, self.port):  # type: ignore[attr-defined]
            self._dns_host = address
            try:
                connected = super()._new_conn()  # type: ignore[misc]
                self.watch(connected)
                return connected
            except (NewConnectionError, ConnectTimeoutError) as problem:
                failure = problem
            finally:
                self._dns_host = name
        raise failure or Refused(f"{name} has no address.")


_BUSY = "The platform asks us to wait: this minute's requests are spent."
_NO_PROXY = {"http": "", "https": ""}


def _may_repeat(problem: TryLater) -> bool:
    return problem.status is None or problem.status in {408, 429} | REPEATABLE


def _is_plain(url: str) -> bool:
    """Whether all URL parsers read the same host in this URL: no user, no backslash, no blanks."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises when it is not a number
    except ValueError:
        return False
    odd = any(char <= " " or char in "\\\x7f" for char in url)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc and not odd


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False


def _unanswered(problem: requests.RequestException, request: _Request) -> PlatformError:
    """Our error for a call that got no whole answer."""
    call, text = str(request), str(problem)
    host = urlsplit(request.url).hostname
    if isinstance(problem, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in text:
        return Refused(f"The certificate of {host} is not to be trusted.", call=call)
    if isinstance(problem, requests.ConnectTimeout):
        return TryLater(f"{host} cannot be reached in time.", call=call)
    if isinstance(problem, requests.Timeout) or "Read timed out" in text:
        return TryLater(f"{host} did not answer in time.", call=call)
    if isinstance(
        problem, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError
    ):
        return TryLater("The answer broke off in the middle.", call=call)
    if "NameResolutionError" in text:
        return TryLater(f"The host name {host} cannot be found.", call=call)
    if isinstance(problem, requests.ConnectionError):
        return TryLater(f"The connection to {host} failed.", call=call)
    return Refused("The request cannot be sent: the address or a credential has a wrong form.", call=call)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": Secret(f"Bearer {token}")}
