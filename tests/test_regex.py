"""Patterns that are compiled when they are first used (kms_mock/regex.py)."""

from __future__ import annotations

import re

import pytest

from kms_mock.regex import regex


@pytest.mark.parametrize("text", ["a-1", "a-1 a-2", "", "A-1", "x"])
@pytest.mark.parametrize("flags", [0, re.IGNORECASE])
def test_it_finds_what_a_compiled_pattern_finds(text: str, flags: int) -> None:
    """Each method returns what that of a compiled pattern returns, also the second time."""
    right, made = re.compile("(a)-([0-9])", flags), regex("(a)-([0-9])", flags)
    for _ in range(2):
        for name in ("fullmatch", "match", "search"):
            expected, found = getattr(right, name)(text), getattr(made, name)(text)
            assert (found and found.regs) == (expected and expected.regs)
        assert made.findall(text) == right.findall(text)
        assert [found.regs for found in made.finditer(text)] == [found.regs for found in right.finditer(text)]
        assert made.split(text) == right.split(text)
        assert made.sub("-", text) == right.sub("-", text)
    assert made.pattern == right.pattern


def test_bytes() -> None:
    """A pattern of bytes is for bytes, and the place to begin may be given."""
    assert regex(rb"[0-9]+").fullmatch(b"a12", 1)


def test_it_is_compiled_with_its_first_use() -> None:
    """A wrong pattern is no error before somebody uses it."""
    wrong = regex("(")
    with pytest.raises(re.error):
        wrong.search("a")
