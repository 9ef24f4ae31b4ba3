"""docs/zh/README.md says what README.md says: the same headings, snippets and doors, in the same order."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.blocks import ROOT, blocks_of

ENGLISH = (ROOT / "README.md").read_text(encoding="utf-8")
CHINESE = (ROOT / "docs/zh/README.md").read_text(encoding="utf-8")


def test_the_headings_are_the_same() -> None:
    """As many, of the same levels."""

    def levels(text: str) -> list[int]:
        plain = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
        return [len(heading) for heading in re.findall(r"^(#+) ", plain, re.MULTILINE)]

    assert levels(CHINESE) == levels(ENGLISH)
    assert len(levels(ENGLISH)) >= 6


def test_the_snippets_are_the_same() -> None:
    """To the letter, comments included."""
    english, chinese = (
        [(block.language, block.note, block.text, block.code) for block in blocks_of("README", text)]
        for text in (ENGLISH, CHINESE)
    )
    assert chinese == english


def test_the_doors_are_the_same() -> None:
    """Each page that README.md links to, in its order; the last one leads to the other language."""

    def doors(text: str, folder: str) -> list[str]:
        found = re.findall(r"\]\(([^)#:]+)\)", text)
        return [(Path(folder) / link).as_posix().replace("zh/../", "") for link in found]

    *english, _ = doors(ENGLISH, "")
    *chinese, _ = doors(CHINESE, "docs/zh")
    assert chinese == english
