"""Credentials at rest. A sealed value stays sealed until somebody opens it on purpose, so a
page, a log or a diff that touches the row shows nothing, and a wrong key is an error, never a value."""

from __future__ import annotations

import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import FieldError
from django.db import models


class VaultError(Exception):
    """The sealed value cannot be opened with any of the keys in CREDENTIAL_KEYS."""


def keyring() -> MultiFernet:
    """The first key seals, all of them open."""
    try:
        return MultiFernet([Fernet(key) for key in settings.CREDENTIAL_KEYS])
    except ValueError as error:
        raise VaultError("CREDENTIAL_KEYS holds something that is not a Fernet key.") from error


class Sealed:
    """A dict of strings under seal. Empty when nothing was ever sealed."""

    __slots__ = ("text",)

    def __init__(self, text: str = "") -> None:
        self.text = text

    @classmethod
    def of(cls, values: dict[str, str]) -> Sealed:
        return cls(keyring().encrypt(json.dumps(values, sort_keys=True).encode()).decode())

    def open(self) -> dict[str, str]:
        if not self.text:
            return {}
        try:
            return json.loads(keyring().decrypt(self.text.encode()))  # type: ignore[no-any-return]
        except InvalidToken as error:
            raise VaultError(
                "The stored credentials were sealed with another key than those in CREDENTIAL_KEYS. "
                "Give the old key back (as the last of the list) or enter the credentials anew."
            ) from error

    def resealed(self) -> Sealed:
        """The same values under the first key."""
        return Sealed.of(self.open()) if self.text else Sealed()

    def __bool__(self) -> bool:
        return bool(self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sealed) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return "<Sealed>" if self.text else "<Sealed: empty>"

    __str__ = __repr__


class SealedField(models.TextField):  # type: ignore[type-arg]
    """Stores a Sealed. Cannot be searched: two seals of the same value differ."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("default", Sealed)
        kwargs["editable"] = False
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> tuple[str, str, Any, dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("editable", None)
        return name, path, args, kwargs

    def from_db_value(self, value: str | None, *_: Any) -> Sealed:
        return Sealed(value or "")

    def to_python(self, value: Any) -> Sealed:
        return value if isinstance(value, Sealed) else Sealed(value or "")

    def get_prep_value(self, value: Any) -> str:
        if not isinstance(value, Sealed):
            raise TypeError("Only a Sealed can be stored here: use Sealed.of({…}).")
        return value.text

    def value_to_string(self, obj: models.Model) -> str:
        return ""  # a dump never carries credentials

    def get_lookup(self, lookup_name: str) -> Any:
        raise FieldError("Sealed values cannot be searched.")
