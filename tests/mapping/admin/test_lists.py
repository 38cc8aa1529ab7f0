"""What each cell of a list says of itself, for those who see cards instead of a table."""

from __future__ import annotations

import pytest
from django.utils.safestring import mark_safe

from mapping.templatetags.lists import labelled


@pytest.mark.parametrize(
    ("cell", "header", "found"),
    [
        ("<td>Ada</td>", "name", '<td role="cell" data-label="Name">Ada</td>'),
        ("<th><a>Ada</a></th>", "name", '<th role="rowheader" data-label="Name"><a>Ada</a></th>'),
        ("<td>–</td>", "flag", '<td role="cell" data-label="Flag" data-nothing>–</td>'),
        ("<td><input></td>", mark_safe("<input>"), '<td role="cell"><input></td>'),
        ("<td>x</td>", '" onclick="', '<td role="cell" data-label="&quot; onclick=&quot;">x</td>'),
        ('<td><img alt="True"></td>', "active", '<td role="cell" data-label="Active"><img alt="True"></td>'),
    ],
)
def test_a_cell_says_its_column_and_whether_it_says_anything(cell: str, header: str, found: str) -> None:
    assert list(labelled([mark_safe(cell)], [{"text": header}])) == [found]
