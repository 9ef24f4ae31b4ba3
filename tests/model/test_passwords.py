"""Random passwords from random bytes."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest

from kms_mock.kms.model import passwords


def stream(seed: int) -> Callable[[int], bytes]:
    """Return random bytes that repeat."""
    return random.Random(seed).randbytes  # noqa: S311 (repeatable on purpose)


@pytest.mark.parametrize("below", [1, 2, 3, 10, 62, 95, 255, 256])
def test_every_index_is_equally_likely(below: int) -> None:
    """Every number below the bound comes, none above, and no number much more often than another."""
    source = stream(1)
    count = 400 * below
    found = Counter(passwords.random_index(below, source) for _ in range(count))
    assert set(found) == set(range(below))
    assert max(found.values()) < 1.3 * 400
    assert min(found.values()) > 0.7 * 400


def test_bytes_that_would_favour_some_numbers_are_thrown_away() -> None:
    """Of 256 byte values those above the last whole multiple of the bound are skipped."""
    chunks = iter([bytes([255, 254, 253, 252, 251, 250] + [255] * 10), bytes([7] * 16)])
    assert passwords.random_index(250, lambda _: next(chunks)) == 7


@pytest.mark.parametrize("length", [8, 32, 128])
def test_required_kinds_are_there_and_anywhere(length: int) -> None:
    """With `each` every kind is in every password, at every position sooner or later."""
    source = stream(2)
    kinds = ["abc", "ABC", "123", "!?"]
    first = set()
    for _ in range(200):
        one = passwords.random_password(length, kinds, source, one_of_each=True)
        assert len(one) == length
        assert all(set(one) & set(kind) for kind in kinds)
        first.add(next(number for number, kind in enumerate(kinds) if one[0] in kind))
    assert first == {0, 1, 2, 3}


def test_the_same_bytes_make_the_same_password() -> None:
    """A password is decided by the bytes alone."""
    one, two = (
        passwords.random_password(32, [passwords.LOWERCASE, passwords.NUMBERS], stream(3), one_of_each=True)
        for _ in range(2)
    )
    assert one == two


def test_the_alphabets_are_the_documented_ones() -> None:
    """Letters, digits and 31 signs of punctuation: ASCII without the backtick."""
    assert len(passwords.PUNCTUATION) == len(set(passwords.PUNCTUATION)) == 31
    whole = passwords.LOWERCASE + passwords.UPPERCASE + passwords.NUMBERS + passwords.PUNCTUATION
    assert sorted(whole) == [chr(code) for code in range(33, 127) if chr(code) != "`"]
