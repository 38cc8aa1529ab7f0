"""RingCentral: who has an account there, read through its REST API.

Signs in with a JWT, reads the extension list (every type and status), looks addresses up and searches the
company directory. Writes nothing there. Judges nobody: who is whose is mapping's business.
"""

from collections.abc import Callable, Iterator, Mapping
from unicodedata import normalize
from urllib.parse import quote, quote_plus

import msgspec

from .errors import BadAnswer, Missing, PlatformError, Refused, in_words
from .http import Answer, Http, Params, Secret, bearer
from .records import UNKNOWN_TOTAL, Account, AccountState, Drifted, Finding, Page, read_proven
from .tokens import Token, Tokens, TokenStore

# Two brands live on a host of their own, all others on the commercial one:
# https://developers.ringcentral.com/guide/basics/partners/segregated-environments
BRANDS = {
    "RingCentral, BT, Vodafone, TELUS, Avaya, Unify, Rainbow": "https://platform.ringcentral.com",
    "AT&T Office@Hand, Verizon": "https://platform.ringcentral.biz",
}
HOSTS = frozenset({"platform.ringcentral.com", "platform.ringcentral.biz"})

SCOPE = "ReadAccounts"
PER_PAGE = 1000  # the most there is; a greater one is cut down, and the answer says to what
SEARCH_ROWS = 100
LONGEST_EMAIL = 254
LONGEST_QUERY = 6000  # characters; a URL of 8 kB is the least that servers on the way must take
LARGEST_CHUNK = 50

LOGIN = "/restapi/oauth/token"
EXTENSIONS = "/restapi/v1.0/account/~/extension"
SEARCH = "/restapi/v1.0/account/~/directory/entries/search"

PEOPLE = frozenset({"User", "DigitalUser", "VirtualUser", "FaxUser", "FlexibleUser"})
STATES = {"Enabled": AccountState.ENABLED, "NotActivated": AccountState.NOT_ACTIVATED}

WRONG_SECRET = "RingCentral does not know this client ID and client secret."
WRONG_JWT = "RingCentral does not accept the JWT: it has expired, was revoked, or belongs to another app."
WRONG_FLOW = "The app is not set up for JWT sign-in: choose JWT auth flow in the developer console."
WRONG_HOST = "This is the wrong host: RingCentral does not answer there. Correct the address."
NO_SCOPE = f"The app lacks the permission {SCOPE}: add it in the developer console."
NO_USER_PERMISSION = (
    "The JWT's user may not read the user list: give its role the permission ReadExtensions (Users)."
)
NOBODY = "RingCentral shows no users: the JWT's user must be allowed to see all users of the company."

# https://developers.ringcentral.com/guide/basics/errors and guide/authentication; the inner code decides.
WORDS = {
    "invalid_client": WRONG_SECRET,
    "OAU-153": WRONG_SECRET,
    "invalid_grant": WRONG_JWT,
    "expired_token": WRONG_JWT,
    "OAU-210": WRONG_JWT,
    "unauthorized_client": WRONG_FLOW,
    "OAU-251": WRONG_FLOW,
    "invalid_scope": NO_SCOPE,
    "insufficient_scope": NO_SCOPE,
    "CMN-401": NO_SCOPE,
    "CMN-402": "The JWT's user must be an administrator to read this.",
    "CMN-404": NO_USER_PERMISSION,
    "CMN-408": NO_USER_PERMISSION,
}


class _TokenInfo(msgspec.Struct):
    access_token: str
    expires_in: float
    scope: str | None = None


class _Contact(msgspec.Struct, rename="camel"):
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    business_phone: str | None = None
    department: str | None = None


class _Extension(msgspec.Struct, rename="camel"):
    id: int | str
    name: str | None = None
    type: str | None = None
    status: str | None = None
    extension_number: str | int | None = None
    contact: _Contact | None = None


class _Phone(msgspec.Struct, rename="camel"):
    phone_number: str | None = None
    formatted_phone_number: str | None = None


class _Entry(msgspec.Struct, rename="camel"):
    id: int | str
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    type: str | None = None
    status: str | None = None
    email: str | None = None
    extension_number: str | int | None = None
    department: str | None = None
    phone_numbers: list[_Phone] | None = None


class _Paging(msgspec.Struct, rename="camel"):
    """`totalPages` and `totalElements` "may be omitted for performance"; only perPage is promised."""

    page: int | None = None
    per_page: int | None = None
    total_pages: int | None = None
    total_elements: int | None = None


class _ExtensionList(msgspec.Struct):
    records: list[_Extension]
    paging: _Paging = msgspec.field(default_factory=_Paging)


class _EntryList(msgspec.Struct):
    records: list[_Entry]


class RingCentral:
    """One RingCentral account. `key` names the connection in the token store."""

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
        self._client = (str(given.get("client_id", "")), given.get("client_secret", Secret()))
        self._jwt = given.get("jwt", Secret())
        self.http.hide(self._client[1], self._jwt)
        self._tokens = Tokens(tokens, key, self._login)

    def pages(self, start: int = 1) -> Iterator[Page[Account]]:
        """BadAnswer when the first page is empty: every account has at least the user who signs in, so an
        empty directory is a fault or a missing permission, and believing it would unmap everyone."""
        for page in self._extensions({}, start):
            if page.number == 1 and not page.rows:
                raise BadAnswer(NOBODY)
            yield page

    def accounts(self) -> list[Account]:
        return read_proven(self.pages)

    def lookup(self, emails: list[str]) -> list[Account]:
        """Asked in as few calls as fit. Each chunk is proven complete like a whole directory."""
        found: dict[str, Account] = {}
        wanted = {_folded(email) for email in emails}
        for chunk in _chunks(emails):
            for account in read_proven(self._asker(chunk)):
                if (
                    _folded(account.email) in wanted
                ):  # parameters that it does not know are ignored in silence
                    found[account.id] = account
        return list(found.values())

    def account(self, account_id: str) -> Account:
        """One account as it is now. Missing when the platform does not have it any more."""
        answer = self._call("GET", f"{EXTENSIONS}/{quote(account_id, safe='')}", group="light")
        return _from_extension(answer.decode(_Extension))

    def search(self, text: str) -> list[Account]:
        """At most SEARCH_ROWS. How it compares is not documented, and all callers share ten searches a
        minute: it is for a person who looks again, not for a run."""
        if not text.strip():
            return []
        question = {
            "searchString": text.strip()[:LONGEST_EMAIL],
            "searchFields": ["firstName", "lastName", "extensionNumber", "email"],
            "showFederated": False,  # other companies' people cannot be mapped
            "page": 1,
            "perPage": SEARCH_ROWS,
        }
        answer = self._call("POST", SEARCH, json=question, repeatable=True, group="heavy")
        return [_from_entry(entry) for entry in answer.decode(_EntryList).records]

    def check(self) -> list[Finding]:
        findings: list[Finding] = []
        for step, look in (("Sign in", self._check_sign_in), ("Read users", self._check_users)):
            try:
                findings.append(Finding(step, True, look()))
            except PlatformError as problem:
                return [*findings, Finding(step, False, in_words(problem))]
        return findings

    def _check_sign_in(self) -> str:
        self._tokens.sign_in()
        return f"RingCentral accepts the credentials, and the app has the permission {SCOPE}."

    def _check_users(self) -> str:
        page = next(self.pages())
        people = sum(account.is_person for account in page.rows)
        if not people:
            raise BadAnswer(NOBODY)
        total = f"{page.total:,}" if page.total != UNKNOWN_TOTAL else "an unknown number of"
        return f"{total} extensions are visible; of the first {len(page.rows):,}, {people:,} are people."

    def _asker(self, emails: list[str]) -> Callable[[], Iterator[Page[Account]]]:
        return lambda: self._extensions({"email": emails}, 1)

    def _extensions(self, only: Mapping[str, list[str]], start: int) -> Iterator[Page[Account]]:
        """Pages are counted, not followed: the navigation URIs of an answer could lead the token elsewhere.

        Where `totalElements` is missing, `totalPages` or a page that is not full tells the last one.
        """
        number, size = start, 0
        while True:
            params: Params = {**only, "page": number, "perPage": PER_PAGE}
            answer = self._call("GET", EXTENSIONS, params=params, group="medium").decode(_ExtensionList)
            page = _page(answer, number)
            per_page = answer.paging.per_page or PER_PAGE
            if size not in (0, per_page):
                raise Drifted(f"The pages changed their size from {size} to {per_page} while they were read.")
            yield page
            if page.last:
                return
            number, size = number + 1, per_page

    def _call(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        json: object = None,
        repeatable: bool | None = None,
        group: str,
    ) -> Answer:
        def send(token: Token) -> Answer:
            self.http.hide(token.value)
            headers = bearer(token.value)
            return self.http.call(
                method, path, params=params, json=json, headers=headers, repeatable=repeatable, group=group
            )

        try:
            return self._tokens.signed(send)
        except Refused as problem:
            problem.message = _sentence(problem)
            raise

    def _login(self) -> Token:
        """https://developers.ringcentral.com/guide/authentication/jwt-flow; no refresh token is kept,
        because with a JWT one signs in again."""
        form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": self._jwt}
        try:
            answer = self.http.call(
                "POST", LOGIN, form=form, auth=self._client, repeatable=True, tries=2, group="auth"
            )
            info = answer.decode(_TokenInfo)
        except Refused as problem:
            unknown = WRONG_SECRET if problem.status == 401 else problem.message
            problem.message = _sentence(problem, unknown)
            raise
        except (Missing, BadAnswer) as problem:
            raise Refused(WRONG_HOST, status=problem.status, call=problem.call) from None
        if info.scope is not None and SCOPE.casefold() not in info.scope.casefold().split():
            raise Refused(NO_SCOPE, status=answer.status, call=answer.call)
        self.http.hide(info.access_token)
        return Token.lasting(info.access_token, info.expires_in, self._tokens.now())


def _page(answer: _ExtensionList, number: int) -> Page[Account]:
    rows = [_from_extension(row) for row in answer.records]
    paging = answer.paging
    if paging.page not in (None, number) and rows:
        raise Drifted(f"Page {paging.page} came where page {number} was asked for.")
    per_page, total = paging.per_page or PER_PAGE, paging.total_elements
    until_here = (number - 1) * per_page + len(rows)
    if not rows:
        last = True
    elif total is not None:
        last = number * per_page >= total
    elif paging.total_pages is not None:
        last = number >= paging.total_pages
    else:
        last = len(rows) < per_page
    if total is None:
        total = until_here if last else UNKNOWN_TOTAL
    return Page(number, rows, total, last)


def _from_extension(row: _Extension) -> Account:
    contact = row.contact or _Contact()
    return Account(
        id=str(row.id),
        name=row.name or _full_name(contact.first_name, contact.last_name),
        email=contact.email or "",
        extension=str(row.extension_number or ""),
        type=row.type or "Unknown",
        status=row.status or "Unknown",
        is_person=row.type in PEOPLE,
        state=STATES.get(row.status or "", AccountState.DISABLED),
        department=contact.department or "",
        phone=contact.business_phone or "",
    )


def _from_entry(row: _Entry) -> Account:
    """The directory calls every kind of person a User, and its ids are strings where the list has numbers."""
    phone = row.phone_numbers[0] if row.phone_numbers else _Phone()
    return Account(
        id=str(row.id),
        name=_full_name(row.first_name, row.last_name) or row.name or "",
        email=row.email or "",
        extension=str(row.extension_number or ""),
        type=row.type or "Unknown",
        status=row.status or "Unknown",
        is_person=row.type in PEOPLE,
        state=STATES.get(row.status or "", AccountState.DISABLED),
        department=row.department or "",
        phone=phone.formatted_phone_number or phone.phone_number or "",
    )


def _full_name(first: str | None, last: str | None) -> str:
    return " ".join(filter(None, [first, last]))


def _folded(email: str) -> str:
    return normalize("NFKC", email).strip().casefold()


def _chunks(emails: list[str]) -> Iterator[list[str]]:
    """The addresses, each once, in lists that fit into a URL. What is too long to be one is left out."""
    chunk: list[str] = []
    length = 0
    for email in dict.fromkeys(filter(None, map(str.strip, emails))):
        if len(email) > LONGEST_EMAIL:
            continue
        cost = len("&email=") + len(quote_plus(email))
        if chunk and (len(chunk) == LARGEST_CHUNK or length + cost > LONGEST_QUERY):
            yield chunk
            chunk, length = [], 0
        chunk.append(email)
        length += cost
    if chunk:
        yield chunk


def _sentence(problem: PlatformError, unknown: str = "") -> str:
    return WORDS.get(problem.code) or WORDS.get(problem.outer_code) or unknown or problem.message
