"""The rules of tags, the same for every resource (behaviour.md 6)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from kms_mock.regex import regex

TagProblem = Literal["key", "value", "duplicate", "count"]

MAX_TAGS = 20
_TEXT = r"[A-Za-z0-9/\\_.+=:@-]"
_KEY = regex(rf"(?!aliyun|acs:){_TEXT}{{1,128}}")
_VALUE = regex(rf"{_TEXT}{{0,128}}")


class TagError(ValueError):
    """A tag that the service refuses; `problem` is what is wrong with it."""

    def __init__(self, problem: TagProblem, reason: str) -> None:
        super().__init__(reason)
        self.problem = problem


def merged_tags(former: dict[str, str], added: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the tags after adding some; an existing key gets its new value. Raises TagError."""
    seen: dict[str, str] = {}
    for key, value in added:
        if not _KEY.fullmatch(key):
            raise TagError(
                "key", "A tag key has 1 to 128 letters, digits or /\\_-.+=:@ and does not start with aliyun or acs:."
            )
        if not _VALUE.fullmatch(value):
            raise TagError("value", "A tag value has at most 128 letters, digits or /\\_-.+=:@.")
        if key in seen:
            raise TagError("duplicate", f"The tag key {key} is given twice.")
        seen[key] = value
    merged = {**former, **seen} if former else seen
    if len(merged) > MAX_TAGS:
        raise TagError("count", f"A resource has at most {MAX_TAGS} tags, this would make {len(merged)}.")
    return merged
