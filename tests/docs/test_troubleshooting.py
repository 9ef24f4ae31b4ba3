"""docs/troubleshooting.md has every sentence with which the edges of the package refuse something, and no other."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from tests.support.sentences import edge_sentences

PAGE = (Path(__file__).parents[2] / "docs/troubleshooting.md").read_text(encoding="utf-8")
# Headings and first cells of tables that are code; two backticks stand around a text with one.
_SHOWN = re.compile(r"^(?:#{2,4}|\|) (?:`` ?(.+?) ?``|`(.+?)`)(?= \||$)", re.MULTILINE)
SHOWN = {first or second for first, second in _SHOWN.findall(PAGE)}


@cache
def sentences() -> dict[str, str]:
    """Return where each sentence stands, by its text."""
    return {sentence.text: sentence.place for sentence in edge_sentences()}


def test_every_sentence_is_on_the_page() -> None:
    """As a heading or in the first column of a table, `…` for what differs."""
    missing = [f"{place}: `{text}`" for text, place in sentences().items() if text not in SHOWN]
    assert len(sentences()) > 150
    assert missing == [], "docs/troubleshooting.md lacks:\n" + "\n".join(missing)


def test_the_page_has_no_sentence_that_the_code_has_not() -> None:
    """A changed sentence is changed on the page."""
    assert sorted(SHOWN - sentences().keys()) == []
