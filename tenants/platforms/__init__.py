"""The platforms we can reach. No Django in here, and nothing that knows of the sandbox.

A platform is one file and one line of PLATFORMS; removing it is deleting both.
"""

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any, NamedTuple, Protocol, runtime_checkable

from .records import Account, Finding, Page


@runtime_checkable
class ExternalPlatform(Protocol):
    """What the house asks of an external platform's client. Every method may raise the
    errors of `errors.py`, and nothing else."""

    def pages(self, start: int = 1) -> Iterator[Page[Account]]:
        """The whole directory, page by page, from page `start`. Whoever reads it proves it
        complete with `records.prove_complete`."""

    def accounts(self) -> list[Account]:
        """The whole directory, proven complete; repeated when it drifts, then refused."""

    def lookup(self, emails: list[str]) -> list[Account]:
        """All accounts, of every type and status, whose address is one of `emails`."""

    def account(self, account_id: str) -> Account:
        """One account as it is now. Missing when the platform does not have it any more."""

    def search(self, text: str) -> list[Account]:
        """Accounts a person might mean by `text`, asked of the platform now."""

    def check(self) -> list[Finding]:
        """Sign in and read one page: what works, and in plain words what does not."""


class Field(NamedTuple):
    """One credential as a form asks for it."""

    label: str
    secret: bool = False
    optional: bool = False
    help: str = ""


class Platform(NamedTuple):
    label: str
    path: str
    capabilities: frozenset[str]
    fields: Mapping[str, Field]
    base_url: str

    def client(self) -> Callable[..., Any]:
        """The client's class; for external platforms it makes an ExternalPlatform."""
        module, name = self.path.rsplit(".", 1)
        return getattr(import_module(module), name)  # type: ignore[no-any-return]


PLATFORMS: dict[str, Platform] = {
    "ringcentral": Platform(
        label="RingCentral",
        path="tenants.platforms.ringcentral.RingCentral",
        capabilities=frozenset({"auto_sync", "lookup", "search"}),
        fields={
            "client_id": Field("Client ID", help="Of the app in the RingCentral developer console."),
            "client_secret": Field("Client secret", secret=True),
            "jwt": Field(
                "JWT", secret=True, help="Of a service user who may see all users; allowed for this app."
            ),
        },
        base_url="https://platform.ringcentral.com",
    ),
}

CXONE = Platform(
    label="NICE CXone",
    path="tenants.platforms.cxone.Cxone",
    capabilities=frozenset({"users", "roles"}),
    fields={
        "access_key_id": Field("Access key ID", help="Of a CXone user who may see all users and roles."),
        "access_key_secret": Field("Access key secret", secret=True),
        "client_id": Field(
            "Client ID",
            optional=True,
            help="Only for an app registered with NICE, with https://cxone.niceincontact.com as address.",
        ),
        "client_secret": Field("Client secret", secret=True, optional=True),
    },
    base_url="https://na1.nice-incontact.com",
)

__all__ = ["CXONE", "PLATFORMS", "ExternalPlatform", "Field", "Platform"]
