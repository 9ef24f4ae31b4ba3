"""Near names for error messages."""

from __future__ import annotations

import pytest

from kms_mock.suggestions import MAX_CANDIDATES, MAX_WORD, did_you_mean, distance, nearest


@pytest.mark.parametrize(
    ("word", "candidates", "expected"),
    [
        ("Rejected.Throtling", ["InternalFailure", "Rejected.Throttling"], "Rejected.Throttling"),
        ("Throtling", ["Rejected.Throttling", "Throttle"], "Rejected.Throttling"),
        ("CreateSecrt", ["CreateKey", "CreateSecret", "DeleteSecret"], "CreateSecret"),
        ("secret_name", ["SecretName", "SecretData"], "SecretName"),
        ("disabled", ["Enabled", "Disabled"], "Disabled"),
        ("password", ["db/user", "db/password"], "db/password"),
        ("vaule", ["value", "versions"], "value"),
        ("GetSecret", ["CreateSecret", "DeleteSecret", "Untag"], None),
        ("bd", ["db"], "db"),
        ("x", ["y"], None),
        ("x", ["X"], "X"),
        ("", ["a"], None),
        ("colour", ["name", "value"], None),
        ("-", ["a"], None),
        ("name", [], None),
        ("same", ["some", "same"], "same"),
        ("a" * (MAX_WORD + 1), ["a" * (MAX_WORD + 1)], None),
        ("near", [f"{n:09}" for n in range(MAX_CANDIDATES)] + ["near"], None),
    ],
    ids=lambda value: str(value)[:30],
)
def test_nearest(word: str, candidates: list[str], expected: str | None) -> None:
    """At most one edit in four letters, three at most; case and separators do not count; bounded work."""
    assert nearest(word, candidates) == expected


@pytest.mark.parametrize(
    ("one", "other", "edits"),
    [("", "", 0), ("abc", "abc", 0), ("abc", "acb", 1), ("abc", "ab", 1), ("abc", "xabc", 1), ("abc", "axc", 1),
     ("kitten", "sitting", 3), ("abcdef", "uvwxyz", None), ("a", "abcdef", None), ("ca", "abc", 3)],
)  # fmt: skip
def test_distance(one: str, other: str, edits: int | None) -> None:
    """Inserts, deletes, replaced letters and swapped neighbours count one each; more than the limit is None."""
    assert distance(one, other, 3) == edits
    assert distance(other, one, 3) == edits


def test_did_you_mean_ends_a_message() -> None:
    """The question, or nothing."""
    assert did_you_mean("valu", ["value"]) == "; did you mean 'value'?"
    assert did_you_mean("colour", ["value"]) == ""
