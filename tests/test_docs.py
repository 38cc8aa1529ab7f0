"""The documentation names tests: each of them is there."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "reliability.md").read_text()
ROWS = [
    line for line in PAGE.splitlines() if line.startswith("|") and not line.startswith(("| fault", "|---"))
]
NAMED = re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_a_test_that_reliability_names_is_there(file: str, name: str) -> None:
    assert re.search(rf"^def {name}\(", (TESTS / file).read_text(), re.MULTILINE)


def test_every_row_of_reliability_is_whole_and_names_a_test() -> None:
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in ROWS]
    assert len(cells) > 20
    assert [row for row in cells if len(row) != 5 or not all(row) or ".py::test_" not in row[4]] == []
