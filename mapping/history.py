"""What a Change says: a state as it is kept in `before` and `after`, and the kind of step between two."""

from __future__ import annotations

from typing import Any

from .matching import Flag, Method, Reason, State
from .models import Change, ExternalAccount


def as_json(state: State, account: ExternalAccount | None) -> dict[str, Any]:
    """The state, and how its account was called at the time."""
    kept: dict[str, Any] = {
        "account": state.account,
        "method": state.method.value,
        "reason": state.reason.value,
        "flag": state.flag.value,
        "flag_reads": state.flag_reads,
    }
    if account is not None and state.account == account.pk:
        kept |= {
            "account_name": str(account),
            "account_email": account.email,
            "platform_id": account.platform_id,
        }
    return kept


def evidence_of(account: ExternalAccount) -> dict[str, Any]:
    """An account as it is kept in evidence, so that the reason can be told when it has changed or gone."""
    kept = {name: getattr(account, name) for name in ("name", "extension", "email", "status")}
    return {"id": account.platform_id, "pk": account.pk, **kept}


def from_json(kept: dict[str, Any]) -> State:
    return State(
        kept["account"],
        Method(kept["method"]),
        Reason(kept["reason"]),
        Flag(kept["flag"]),
        kept["flag_reads"],
    )


def kind_of(before: State, after: State) -> Change.Kind:
    if before.account == after.account:
        return Change.Kind.REASON if after.account is None else Change.Kind.FLAG
    if after.account is None:
        return Change.Kind.UNMAP
    return Change.Kind.MAP if before.account is None else Change.Kind.REMAP
