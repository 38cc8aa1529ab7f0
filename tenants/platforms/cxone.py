"""NICE CXone: who works in the contact centre and which roles they have, read through UserHub's API.

Signs in with an access key, finds the host of the tenant's API, reads roles and users. Writes nothing there.
"""

import base64
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from .errors import BadAnswer, Missing, PlatformError, Refused, in_words
from .http import Answer, Http, Params, Secret, bearer
from .records import UNKNOWN_TOTAL, CxoneUser, Drifted, Finding, Page, Role, read_proven
from .tokens import Token, Tokens, TokenStore

# Hosts differ by area, cluster and age of the tenant (api-na1.niceincontact.com, api-c14.incontact.com, ...):
# never assumed, always discovered, and only believed under the vendor's own domains.
HOSTS = frozenset(
    {".nice-incontact.com", ".niceincontact.com", ".incontact.com", ".nicecxone.com", ".nicecxone-gov.com"}
)

ACCESS_KEY_LOGIN = "/authentication/v1/token/access-key"
GLOBAL_LOGIN = "/auth/token"
DISCOVERY = "/.well-known/cxone-configuration"
ROLES = "/authorization/v1/roles/search"
USERS = "/user-management/v2/users/search"
TOP = 100  # no limit is published; lists of the Admin API are said to stop at 100
ROLE_ROWS = 100
MOST_ROLE_PAGES = 100
READS = 3
API = "api"
HOUR = 3600.0

# NICE calls this permission "User Mapping: Map", but the literal ids behind the words are not public.
# So this is a default only: each tenant has a setting, and a list of its roles' permissions to find it in.
USER_MAPPING_MAP = "Adapters/UserMapping/UserMapping:Map"

WRONG_KEY = (
    "CXone does not accept the access key: its ID or secret is wrong, or the user it belongs to is inactive."
)
WRONG_CLIENT = "CXone does not accept the sign-in: the client ID and secret, or the access key, are wrong."
WRONG_HOST = "This is the wrong host: CXone does not answer there. Correct the address."
NO_API_HOST = "CXone does not say at which host the API of this tenant is."
NOT_ROLES = "The access key's user may not read roles: give its role the permission to view roles."
NOT_USERS = "The access key's user may not read users: give its role the permission to view employees."
NO_ROLES = "CXone shows no roles: the access key's user must be allowed to see all roles."
NO_USERS = "CXone shows no users: the access key's user must be allowed to see all employees."


class _Login(msgspec.Struct):
    access_token: str
    expires_in: float | str | None = None
    id_token: str | None = None


class _Configuration(msgspec.Struct):
    api_endpoint: str | None = None


class _Privilege(msgspec.Struct, rename={"id": "privilegeId"}):
    id: str | int | None = None
    actions: list[str] | None = None


class _Feature(msgspec.Struct, rename={"id": "featureId"}):
    id: str | int | None = None
    privileges: list[_Privilege] | None = None


class _Application(msgspec.Struct, rename={"id": "applicationId"}):
    id: str | int | None = None
    privileges: list[_Privilege] | None = None
    features: list[_Feature] | None = None


class _Permission(msgspec.Struct):
    permission: str | None = None


class _Role(msgspec.Struct, rename="camel"):
    role_id: str
    role_name: str | None = None
    display_name: str | None = None
    status: str | None = None
    permissions: list[_Permission] | None = None
    applications: list[_Application] | None = None


class _RolePaging(msgspec.Struct, rename="camel"):
    total_records: int | None = None


class _RoleList(msgspec.Struct, rename="camel"):
    roles: list[_Role] | None
    page: _RolePaging | None = None
    total_records: int | None = None


class _User(msgspec.Struct, rename="camel"):
    """`emailToBeVerified` is not read: an address counts only once its owner has confirmed it."""

    id: str
    user_name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    display_name: str | None = None
    full_name: str | None = None
    email_address: str | None = None
    status: str | None = None
    role_uuid: str | None = msgspec.field(default=None, name="roleUUID")
    secondary_role_ids: list[str] | None = None
    team_name: str | None = None
    team_id: str | int | None = None
    impersonated: bool | None = None


class _UserList(msgspec.Struct, rename="camel"):
    users: list[_User] | None
    total_records: int | None = None


class Cxone:
    """One CXone tenant. `key` names the connection in the token store.

    With a client ID the global sign-in is used (an app registered with NICE, and the access key as user name
    and password); without one the regional sign-in with the access key alone.
    """

    def __init__(
        self,
        *,
        base_url: str,
        credentials: Mapping[str, str],
        tokens: TokenStore,
        http: Http | None = None,
        key: str,
    ) -> None:
        self.http = http or Http(base_url)
        self.http.allow(*HOSTS)
        given = {name: Secret(value.strip()) for name, value in credentials.items()}
        self._access_key = (str(given.get("access_key_id", "")), given.get("access_key_secret", Secret()))
        self._client = (str(given.get("client_id", "")), given.get("client_secret", Secret()))
        self.http.hide(self._access_key[1], self._client[1])
        self._tokens = Tokens(tokens, key, self._login)

    def roles(self) -> list[Role]:
        """All roles, of every status. Read again when fewer came than were announced, then Drifted."""
        for _ in range(READS - 1):
            try:
                return self._roles()
            except Drifted:
                continue
        return self._roles()

    def _roles(self) -> list[Role]:
        """Sources disagree on whether pages count from 0 or from 1. So the first page is asked for without
        a number. Page 1 is then the second one or brings nothing new; from page 2 on, that is the end."""
        found: dict[str, Role] = {}
        total: int | None = None
        for number in range(MOST_ROLE_PAGES):
            rows, said = self._role_page(number)
            before, total = len(found), total if said is None else said
            found.update((row.role_id, _role(row)) for row in rows)
            is_whole = len(rows) < ROLE_ROWS if total is None else len(found) >= total
            if is_whole or (number >= 2 and len(found) == before):
                break
        if not found:
            raise BadAnswer(NO_ROLES)
        if total is not None and len(found) != total:
            raise Drifted(f"CXone announced {total} roles, but {len(found)} came.")
        return list(found.values())

    def pages(self, start: int = 1) -> Iterator[Page[CxoneUser]]:
        """Page n begins where n - 1 pages of the size of the first one end.

        The server may give fewer rows than asked for, so the first page tells the real size, also when the
        reading goes on from a later page. BadAnswer when the first page is empty.
        """
        first = self._user_page(0)
        if not first.users:
            raise BadAnswer(NO_USERS)
        size, number = len(first.users), start
        while True:
            answer = first if number == 1 else self._user_page((number - 1) * size)
            page = _page(answer, number, size)
            yield page
            if page.last:
                return
            number += 1

    def users(self) -> list[CxoneUser]:
        return read_proven(self.pages)

    def check(self, permission: str | None = None) -> list[Finding]:
        """With `permission`, also whether any active role gives it."""
        findings: list[Finding] = []
        steps: list[tuple[str, Callable[[], Finding]]] = [
            ("Sign in", self._check_sign_in),
            ("Read roles", lambda: self._check_roles(permission)),
            ("Read users", self._check_users),
        ]
        for step, look in steps:
            try:
                findings.append(look())
            except PlatformError as problem:
                findings.append(Finding(step, False, in_words(problem)))
                if step == "Sign in":
                    break
        return findings

    def _check_sign_in(self) -> Finding:
        token = self._tokens.sign_in()
        return Finding("Sign in", True, f"CXone accepts the access key; the API is at {token.extra[API]}.")

    def _check_roles(self, permission: str | None) -> Finding:
        roles = self.roles()
        seen = f"{len(roles):,} roles are visible"
        if not permission:
            return Finding("Read roles", True, f"{seen}.")
        names = sorted(role.name for role in roles if role.active and permission in role.permissions)
        if not names:
            text = (
                f"{seen}, but no active role has the permission {permission}: Auto Sync would skip everyone."
            )
            return Finding("Read roles", False, text)
        return Finding("Read roles", True, f"{seen}; the permission {permission} is in: {', '.join(names)}.")

    def _check_users(self) -> Finding:
        page = next(self.pages())
        total = f"{page.total:,}" if page.total != UNKNOWN_TOTAL else "An unknown number of"
        with_email = sum(bool(user.email) for user in page.rows)
        first = f"of the first {len(page.rows):,}, {with_email:,} have an e-mail address"
        return Finding("Read users", True, f"{total} users are visible; {first}.")

    def _role_page(self, number: int) -> tuple[list[_Role], int | None]:
        page = {"pageSize": ROLE_ROWS, "pageNo": number} if number else {"pageSize": ROLE_ROWS}
        question = {"filter": {}, "page": page}
        answer = self._search(ROLES, question, NOT_ROLES).decode(_RoleList)
        said = answer.page.total_records if answer.page else None
        return answer.roles or [], answer.total_records if said is None else said

    def _user_page(self, skip: int) -> _UserList:
        question = {"filter": {}, "skip": skip, "top": TOP, "orderBy": {"userName": "ASC"}}
        return self._search(USERS, question, NOT_USERS).decode(_UserList)

    def _search(self, path: str, question: object, not_permitted: str) -> Answer:
        """A POST that only reads, and so may be repeated."""

        def send(token: Token) -> Answer:
            self.http.hide(token.value)
            url = token.extra[API] + path
            return self.http.call("POST", url, json=question, headers=bearer(token.value), repeatable=True)

        try:
            return self._tokens.signed(send)
        except Refused as problem:
            if problem.status == 403:
                problem.message = not_permitted
            raise

    def _login(self) -> Token:
        """A fresh token, with the host of the API in its `extra`."""
        try:
            login = self._sign_in().decode(_Login)
        except Refused as problem:
            if problem.status in (400, 401, 403):
                problem.message = WRONG_CLIENT if self._client[0] else WRONG_KEY
            raise
        except (Missing, BadAnswer) as problem:
            raise Refused(WRONG_HOST, status=problem.status, call=problem.call) from None
        self.http.hide(login.access_token)
        claims = _claims(login.id_token) or _claims(login.access_token)
        extra = {API: self._api_host(claims)}
        return Token.lasting(login.access_token, _seconds(login.expires_in), self._tokens.now(), **extra)

    def _sign_in(self) -> Answer:
        name, secret = self._access_key
        if not self._client[0]:
            key = {"accessKeyId": name, "accessKeySecret": secret}
            return self.http.call("POST", ACCESS_KEY_LOGIN, json=key, repeatable=True, tries=2)
        form = {"grant_type": "password", "username": name, "password": secret}
        return self.http.call("POST", GLOBAL_LOGIN, form=form, auth=self._client, repeatable=True, tries=2)

    def _api_host(self, claims: Mapping[str, Any]) -> str:
        """Where the tenant's API is. The regional host answers without a tenantId as well."""
        tenant = claims.get("tenantId")
        params: Params = {"tenantId": str(tenant)} if tenant else {}
        try:
            answer = self.http.call("GET", DISCOVERY, params=params)
            url = answer.decode(_Configuration).api_endpoint
        except (Missing, BadAnswer):
            url = (
                f"https://api-{claims['icClusterId']}.nice-incontact.com"
                if claims.get("icClusterId")
                else None
            )
        if not url:
            raise Refused(NO_API_HOST)
        self.http.check_host(url)
        return url.rstrip("/")


def _page(answer: _UserList, number: int, size: int) -> Page[CxoneUser]:
    """Impersonated users are NICE's own helpers signed in as somebody: counted, and left out."""
    came = answer.users or []
    until_here = (number - 1) * size + len(came)
    if answer.total_records is None:
        last = len(came) < size
        total = until_here if last else UNKNOWN_TOTAL
    else:
        total = answer.total_records
        last = not came or until_here >= total
    rows = [_user(user) for user in came if not user.impersonated]
    return Page(number, rows, total, last, [user.id for user in came if user.impersonated])


def _user(user: _User) -> CxoneUser:
    """Ids of roles and names of teams are few and users are many: one string each, however often it came."""
    names = [user.display_name, user.full_name, " ".join(filter(None, [user.first_name, user.last_name]))]
    role_ids = dict.fromkeys(filter(None, [user.role_uuid, *(user.secondary_role_ids or [])]))
    return CxoneUser(
        id=user.id,
        username=user.user_name or "",
        name=next(filter(None, names), user.user_name or ""),
        email=user.email_address or "",
        status=sys.intern(user.status or ""),
        role_ids=tuple(map(sys.intern, role_ids)),
        team=sys.intern(str(user.team_name or user.team_id or "")),
    )


def _role(row: _Role) -> Role:
    permissions = {one.permission for one in row.permissions or [] if one.permission}
    for application in row.applications or []:
        permissions |= _spelled(f"{application.id}", application.privileges)
        for feature in application.features or []:
            permissions |= _spelled(f"{application.id}/{feature.id}", feature.privileges)
    return Role(
        id=row.role_id,
        name=row.role_name or row.display_name or row.role_id,
        active=(row.status or "ACTIVE") == "ACTIVE",
        permissions=frozenset(permissions),
    )


def _spelled(path: str, privileges: list[_Privilege] | None) -> set[str]:
    return {f"{path}/{one.id}:{action}" for one in privileges or [] for action in one.actions or []}


def _claims(token: str | None) -> dict[str, Any]:
    """What a JWT says, unverified: it is only a hint at which host to ask. {} when it is no JWT."""
    parts = (token or "").split(".")
    try:
        said = msgspec.json.decode(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, ValueError, msgspec.DecodeError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _seconds(expires_in: float | str | None) -> float:
    """An hour, which is what NICE's documentation says, when the answer does not say it in numbers."""
    try:
        return float(expires_in or HOUR)
    except ValueError:
        return HOUR
