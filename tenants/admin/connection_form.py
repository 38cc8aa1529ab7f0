"""The form of a connection. Which credentials it asks for comes from the platform's line in the registry;
what is stored and secret is never shown, and an empty field keeps it."""

from __future__ import annotations

from collections.abc import Collection
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..models import Connection
from ..platforms import Field, Platform
from ..platforms.errors import Refused
from ..platforms.http import Http
from ..vault import VaultError, keyring

PREFIX = "credential_"
LONGEST_CREDENTIAL = 10_000
CANNOT_BE_OPENED = gettext_lazy("Enter this anew: what is stored cannot be opened.")
LEADS_ELSEWHERE = gettext_lazy("Enter this anew: the address now leads to this machine.")


class ConnectionForm(forms.ModelForm):  # type: ignore[type-arg]
    """Made for a platform by `form_for`, which adds a field `credential_<name>` for each credential.

    After validation `credentials` are those to store, and `is_new` says whether anything must be.
    """

    base_url = forms.CharField(label=gettext_lazy("Address"), max_length=200)

    class Meta:
        model = Connection
        fields = ["base_url"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asked: dict[str, Field] = dict(self.instance.kind.fields)
        self.stored, self.trouble = _opened(self.instance)
        self.credentials: dict[str, str] = {}
        self.fields["base_url"].widget.attrs |= {"class": "vURLField", "inputmode": "url"}
        self.fields["base_url"].help_text = _("Allowed: %s.") % _in_words(hosts_of(self.instance.kind))
        for name, asked in self.asked.items():
            if asked.secret and self.stored.get(name):
                self.fields[PREFIX + name].widget.attrs["placeholder"] = _("stored – leave empty to keep")
            elif not asked.secret:
                self.initial[PREFIX + name] = self.stored.get(name, "")

    def clean_base_url(self) -> str:
        url = self.cleaned_data["base_url"].strip().rstrip("/")
        if not is_allowed(url, hosts_of(self.instance.kind)):
            hosts = _in_words(hosts_of(self.instance.kind))
            raise forms.ValidationError(_("This address is not allowed. Allowed: %s.") % hosts)
        return url

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        try:
            keyring()
        except VaultError as error:
            self.add_error(None, str(error))
        elsewhere = self._leads_elsewhere(cleaned.get("base_url", ""))
        for name, asked in self.asked.items():
            value = cleaned.get(PREFIX + name, "")
            if not value and asked.secret and (kept := self.stored.get(name)):
                if elsewhere:
                    self.add_error(PREFIX + name, LEADS_ELSEWHERE)
                value = kept
            if value:
                self.credentials[name] = value
            elif not asked.optional and PREFIX + name not in self.errors:
                self.add_error(PREFIX + name, CANNOT_BE_OPENED if self.trouble else _("This is needed."))
        return cleaned

    @property
    def is_new(self) -> bool:
        return self.credentials != self.stored or "base_url" in self.changed_data

    def _leads_elsewhere(self, url: str) -> bool:
        """Whether stored secrets would go to whatever listens on this machine, which has not had them before."""
        before = urlsplit(self.initial.get("base_url", "")).netloc
        return (
            bool(url)
            and not _is_vendors(url, hosts_of(self.instance.kind))
            and urlsplit(url).netloc != before
        )


def form_for(platform: Platform) -> type[ConnectionForm]:
    fields = {PREFIX + name: _credential(asked) for name, asked in platform.fields.items()}
    return type("ConnectionForm", (ConnectionForm,), fields)


def hosts_of(platform: Platform) -> Collection[str]:
    """The hosts that the platform's client allows, e.g. platform.ringcentral.com or .nice-incontact.com."""
    return import_module(platform.path.rpartition(".")[0]).HOSTS  # type: ignore[no-any-return]


def is_allowed(url: str, hosts: Collection[str]) -> bool:
    """Whether the client would call this address, and it is nothing but a host and perhaps a port."""
    try:
        Http(url, allow_hosts=hosts).check_host(url)
    except Refused:
        return False
    parts = urlsplit(url)
    if parts.path or parts.query or parts.fragment:
        return False
    return _is_vendors(url, hosts) or _loopback_is_allowed()


def _is_vendors(url: str, hosts: Collection[str]) -> bool:
    host = (urlsplit(url).hostname or "").rstrip(".")
    return any(host == one or (one[0] == "." and host.endswith(one)) for one in hosts)


def _loopback_is_allowed() -> bool:
    return bool(getattr(settings, "ALLOW_LOOPBACK_PLATFORMS", True))


def _in_words(hosts: Collection[str]) -> str:
    names = [f"https://{'*' if host[0] == '.' else ''}{host}" for host in sorted(hosts)]
    return ", ".join([*names, "http://127.0.0.1"] if _loopback_is_allowed() else names)


def _opened(connection: Connection) -> tuple[dict[str, str], str]:
    """(what is stored, "" or why it cannot be opened)."""
    try:
        return connection.credentials.open(), ""
    except VaultError as error:
        return {}, str(error)


def _credential(asked: Field) -> forms.CharField:
    attributes = {"autocomplete": "off", "spellcheck": "false", "class": "vTextField"}
    widget: forms.Widget = forms.TextInput(attrs=attributes)
    if asked.secret:
        widget = forms.PasswordInput(render_value=False, attrs=attributes | {"autocomplete": "new-password"})
    return forms.CharField(
        label=asked.label, required=False, help_text=asked.help, widget=widget, max_length=LONGEST_CREDENTIAL
    )
