"""A sandbox with a clock of its own, and callers signed in to it. No socket unless a test asks for one."""

import base64
import io
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest

from tenants.sandbox import Sandbox, World

JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
EXTENSIONS = "/restapi/v1.0/account/~/extension"
ENTRIES = "/restapi/v1.0/account/~/directory/entries"
USERS = "/user-management/v2/users/search"
ROLES = "/authorization/v1/roles/search"


class Clock:
    def __init__(self) -> None:
        self.now, self.slept = 1_800_000_000.0, 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Caller:
    """Calls the sandbox's WSGI side, with a bearer token once signed in."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.token = sandbox, ""

    def __call__(
        self, method: str, path: str, body: Any = None, *, form: Any = None, **headers: Any
    ) -> Answer:
        path, _, query = path.partition("?")
        kind = "application/json" if form is None else "application/x-www-form-urlencoded"
        raw = (
            urlencode(form).encode()
            if form is not None
            else b""
            if body is None
            else json.dumps(body).encode()
        )
        environ = {
            "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "CONTENT_TYPE": kind,
            "CONTENT_LENGTH": str(len(raw)), "wsgi.input": io.BytesIO(raw), "HTTP_HOST": "localhost:80",
        }  # fmt: skip
        if self.token:
            environ["HTTP_AUTHORIZATION"] = f"Bearer {self.token}"
        told: list[Any] = []
        sent = b"".join(self.sandbox(environ | headers, lambda *said: told.append(said)))
        return Answer(int(told[0][0][:3]), dict(told[0][1]), sent)

    def ringcentral(self, world: str = "acme", **fields: str) -> Answer:
        """Sign in with the JWT and keep the token."""
        known = self.sandbox.credentials(world)["ringcentral"]
        form = {"grant_type": JWT, "assertion": known["jwt"], **fields}
        basic = self.basic(known["client_id"], known["client_secret"])
        answer = self("POST", "/restapi/oauth/token", form=form, HTTP_AUTHORIZATION=basic)
        self.token = answer.json.get("access_token", "") if answer.status == 200 else self.token
        return answer

    def cxone(self, world: str = "acme") -> Answer:
        """Sign in with the access key and keep the token."""
        known = self.sandbox.credentials(world)["cxone"]
        body = {"accessKeyId": known["access_key_id"], "accessKeySecret": known["access_key_secret"]}
        answer = self("POST", "/authentication/v1/token/access-key", body)
        self.token = answer.json["access_token"] if answer.status == 200 else self.token
        return answer

    @staticmethod
    def basic(name: str, secret: str) -> str:
        return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox(clock: Clock) -> Sandbox:
    made = Sandbox([World(400), World(40, 2, name="globex")], clock, sleep=clock.sleep)
    made.limits = False
    return made


@pytest.fixture
def rc(sandbox: Sandbox) -> Caller:
    caller = Caller(sandbox)
    caller.ringcentral()
    return caller


@pytest.fixture
def cx(sandbox: Sandbox) -> Caller:
    caller = Caller(sandbox)
    caller.cxone()
    return caller


def ids(caller: Caller, per_page: int = 100, query: str = "") -> tuple[list[int], list[int]]:
    """Every id and every total met while reading the extension list page by page."""
    found: list[int] = []
    totals: list[int] = []
    for page in range(1, 99):
        answer = caller("GET", f"{EXTENSIONS}?page={page}&perPage={per_page}{query}").json
        found += [record["id"] for record in answer["records"]]
        totals.append(answer["paging"]["totalElements"])
        if page >= answer["paging"]["totalPages"]:
            break
    return found, totals
