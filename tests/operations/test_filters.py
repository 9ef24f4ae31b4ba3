"""The Filters parameter of lists: which records match, and what is looked at to find out (behaviour.md 5)."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from kms_mock.kms import errors
from kms_mock.kms.operations.results import filtered
from kms_mock.kms.parameters import Filter

WORDS = ["ant", "bee", "bat"]


def expensive(_: str) -> Iterable[str]:
    raise AssertionError("nobody asked for this attribute")


def test_only_the_attributes_that_are_asked_for_are_looked_at() -> None:
    """A list of 100,000 is filtered by one attribute without computing the others."""
    attributes = {"First": lambda word: (word[0],), "Second": lambda word: (word[1],), "Other": expensive}
    assert filtered(WORDS, [Filter("First", ["b"])], attributes) == ["bee", "bat"]
    assert filtered(WORDS, [Filter("First", ["b"]), Filter("Second", ["e", "n"])], attributes) == ["bee"]


def test_values_of_a_key_are_alternatives_also_when_it_comes_twice() -> None:
    """OR within a key, also of two entries with the same key; no value matches nothing; no filter everything."""
    attributes = {"First": lambda word: (word[0],)}
    assert filtered(WORDS, [Filter("First", ["a"]), Filter("First", ["b"])], attributes) == WORDS
    assert filtered(WORDS, [Filter("First", [])], attributes) == []
    assert filtered(WORDS, None, attributes) == WORDS


def test_an_unknown_key_is_refused_with_the_known_ones() -> None:
    """InvalidParameter for Filters, and the reason says which keys there are."""
    with pytest.raises(errors.ApiError) as caught:
        filtered(WORDS, [Filter("Third", ["x"])], {"First": expensive, "Second": expensive})
    assert caught.value.spec is errors.INVALID_PARAMETER
    assert "'Third'; known are First, Second" in caught.value.reason
