"""What the makers of reference pages share."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

MADE = "This page is made from the code by `scripts/reference-pages`."


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(
        "| " + " | ".join(" ".join(cell.replace("|", r"\|").split()) for cell in row) + " |" for row in lines
    )


def text_of(thing: Any) -> str:
    """Return a docstring as Markdown."""
    return inspect.getdoc(thing) or ""
