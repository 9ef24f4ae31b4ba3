"""The page of bounds says what the code holds to."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "bounds.md"
ROWS = re.findall(r"^\| [^|]+ \| (\d+) \| `([\w.]+)\.(\w+)` \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def test_every_row_of_the_page_was_read() -> None:
    """A row that this test does not understand would not be checked."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    assert len(ROWS) == len(lines) - 2 * 3  # each of the three tables has a head and a rule


@pytest.mark.parametrize(("value", "module", "name"), ROWS, ids=[name for _, _, name in ROWS])
def test_the_page_has_the_value_of_the_constant(value: str, module: str, name: str) -> None:
    """The number in the page is the one in the code."""
    assert getattr(import_module(module), name) == int(value)
