"""Why the brake holds a run, in words."""

from __future__ import annotations

from typing import Any

from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .brake import Limit

SENTENCES = {
    Limit.MAP: gettext_lazy("{count} of {of} users would get an account"),
    Limit.REMAP: gettext_lazy("{count} of {of} mapped users would get another account"),
    Limit.UNMAP: gettext_lazy("{count} of {of} mapped users would lose their account"),
    Limit.ACCOUNTS: gettext_lazy("{count} of {of} {platform} accounts known from the last time are missing"),
    Limit.USERS: gettext_lazy("{count} of {of} CXone users known from the last time are missing"),
    Limit.ELIGIBLE: gettext_lazy("{count} of {of} users have lost User Mapping: Map"),
}


def sentence(found: dict[str, Any], *, platform: str) -> str:
    """“34 of 292 mapped users would lose their account; the limit is 10 % or 200.”"""
    counts = {"count": f"{found['count']:,}", "of": f"{found['of']:,}"}
    what = format_lazy(SENTENCES[Limit(found["limit"])], platform=platform, **counts)
    return str(format_lazy(_("{what}; the limit is {limit}."), what=what, limit=bounds(found)))


def bounds(found: dict[str, Any]) -> str:
    share = _("%(share)d %%") % {"share": found["share"]} if found["share"] is not None else ""
    number = f"{found['number']:,}" if found["number"] is not None else ""
    return (
        _("%(share)s or %(number)s") % {"share": share, "number": number}
        if share and number
        else share + number
    )


def described(found: dict[str, Any], *, platform: str) -> dict[str, Any]:
    """For a page: {"sentence", "names", "more"}; `more` are those concerned beyond the names that were kept."""
    return {
        "sentence": sentence(found, platform=platform),
        "names": found["names"],
        "more": found["count"] - len(found["names"]),
    }
