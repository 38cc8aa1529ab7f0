"""Why the brake holds a run, in words."""

from __future__ import annotations

from typing import Any

from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .brake import Limit

SENTENCES = {
    Limit.FIRST: gettext_lazy(
        "This is the first run, and nobody has started it by hand: {count} of {of} users would get an account"
    ),
    Limit.MAP: gettext_lazy("{count} of {of} users would get an account"),
    Limit.REMAP: gettext_lazy("{count} of {of} mapped users would get another account"),
    Limit.UNMAP: gettext_lazy("{count} of {of} mapped users would lose their account"),
    Limit.ACCOUNTS: gettext_lazy("{count} of {of} {platform} accounts known from the last time are missing"),
    Limit.USERS: gettext_lazy("{count} of {of} CXone users known from the last time are missing"),
    Limit.ELIGIBLE: gettext_lazy("{count} of {of} users have lost User Mapping: Map"),
}


def sentence(found: dict[str, Any], *, platform: str) -> str:
    """“34 of 292 mapped users would lose their account (12 %); the limit is 10 %.”"""
    counts = {"count": f"{found['count']:,}", "of": f"{found['of']:,}"}
    what = str(format_lazy(SENTENCES[Limit(found["limit"])], platform=platform, **counts))
    if found["of"]:
        what = _("%(what)s (%(share)d %%)") % {
            "what": what,
            "share": round(100 * found["count"] / found["of"]),
        }
    if found["limit"] == Limit.FIRST:
        return f"{what}."
    return str(format_lazy(_("{what}; the limit is {limit}."), what=what, limit=passed(found)))


def passed(found: dict[str, Any]) -> str:
    """The limits that were passed, of the two there are."""
    words = []
    if found["share"] is not None and found["count"] * 100 > found["of"] * found["share"]:
        words.append(_("%(share)d %%") % {"share": found["share"]})
    if found["number"] is not None and found["count"] > found["number"]:
        words.append(f"{found['number']:,}")
    return _(" and ").join(words)


def described(found: dict[str, Any], *, platform: str) -> dict[str, Any]:
    """For a page: {"sentence", "names", "more"}; `more` are those concerned beyond the names that were kept."""
    return {
        "sentence": sentence(found, platform=platform),
        "names": found["names"],
        "more": found["count"] - len(found["names"]),
    }
