"""How often tests repeat what Hypothesis does not count: few times in every run, many with HYPOTHESIS_PROFILE=deep."""

from __future__ import annotations

from hypothesis import settings


def rounds(quick: int, deep: int) -> int:
    """Return a count by the profile that tests/conftest.py loads."""
    return deep if settings().max_examples >= 1000 else quick
