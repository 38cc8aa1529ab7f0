"""What our lists need beyond the framework's: each cell says which column it is of, for the phone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django import template
from django.utils.html import escape, strip_tags
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst

register = template.Library()

NOTHING = {"", "-", "–"}
"""What a cell says that has nothing to say: a card leaves it out."""


@register.filter
def labelled(cells: Iterable[SafeString], headers: list[dict[str, Any]]) -> Iterator[SafeString]:
    """The cells of a row as the framework made them, “<td class=…>”, with their column's name as data-label, and with
    the role that they lose where a style sheet shows the table as cards."""
    for cell, header in zip(cells, headers, strict=False):
        name = capfirst(str(header["text"]))
        said = f' role="{"rowheader" if cell.startswith("<th") else "cell"}"'
        if name and "<" not in name:  # the box that selects all is no name
            said += f' data-label="{escape(name)}"'
        if name and strip_tags(cell).strip() in NOTHING and "<input" not in cell and "<img" not in cell:
            said += " data-nothing"
        yield mark_safe(f"{cell[:3]}{said}{cell[3:]}")  # noqa: S308  the framework escaped the cell, we the name
