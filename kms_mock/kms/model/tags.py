"""The rules of tags, the same for every resource (behaviour.md 6)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
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


@lru_cache(maxsize=1024)  # thousands of resources have the same few keys
def _is_key(text: str) -> bool:
    return _KEY.fullmatch(text) is not None


def checked_tags(tags: dict[str, str]) -> dict[str, str]:
    """Return the tags of a new resource as they are. Raises TagError."""
    for key, value in tags.items():
        if not (_is_key(key) and _VALUE.fullmatch(value)):
            raise _malformed(key)
    _check_count(tags)
    return tags


def merged_tags(former: dict[str, str], added: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the tags after adding some; an existing key gets its new value. Raises TagError."""
    seen: dict[str, str] = {}
    for key, value in added:
        if not (_is_key(key) and _VALUE.fullmatch(value)):
            raise _malformed(key)
        if key in seen:
            raise TagError("duplicate", f"The tag key {key} is given twice.")
        seen[key] = value
    merged = {**former, **seen} if former else seen
    _check_count(merged)
    return merged


def _malformed(key: str) -> TagError:
    """Return the error for a tag of which the key, or else the value, is wrong."""
    if _is_key(key):
        return TagError("value", "A tag value has at most 128 letters, digits or /\\_-.+=:@.")
    return TagError(
        "key", "A tag key has 1 to 128 letters, digits or /\\_-.+=:@ and does not start with aliyun or acs:."
    )


def _check_count(tags: dict[str, str]) -> None:
    if len(tags) > MAX_TAGS:
        raise TagError("count", f"A resource has at most {MAX_TAGS} tags, this would make {len(tags)}.")
