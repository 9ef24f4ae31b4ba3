"""Result types and small pieces that several resources share."""

from collections.abc import Collection, Iterable
from itertools import islice
from typing import TypedDict, TypeVar, cast

from kms_mock import errors
from kms_mock.model.secret import Secret
from kms_mock.model.tags import TagError, merged_tags
from kms_mock.model.times import iso
from kms_mock.parameters import Filter, Tag

T = TypeVar("T")


class Empty(TypedDict):
    """An answer that is only a RequestId."""


class Page(TypedDict):
    """The counts that every paged list carries."""

    TotalCount: int
    PageNumber: int
    PageSize: int


class TagEntry(TypedDict):
    TagKey: str
    TagValue: str


class TagList(TypedDict):
    Tag: list[TagEntry]


class NamedSecret(TypedDict):
    SecretName: str


class RotationPlan(TypedDict, total=False):
    AutomaticRotation: str
    RotationInterval: str
    NextRotationDate: str


class RotationFields(RotationPlan, total=False):
    LastRotationDate: str


def page(items: Collection[T], number: int, size: int) -> tuple[list[T], Page]:
    """Give one page of items, in order of creation, and the counts; costs what the page holds, not what the store holds.

    Pages are counted from 1; a page past the end is empty.
    """
    counts: Page = {"TotalCount": len(items), "PageNumber": number, "PageSize": size}
    start = (number - 1) * size
    if start >= len(items):
        return [], counts
    return list(islice(items, start, start + size)), counts


def grouped(filters: Iterable[Filter], known: Collection[str]) -> dict[str, set[str]]:
    """Merge filters: OR within a key, also when the key is given twice; AND between keys (behaviour.md 5)."""
    merged: dict[str, set[str]] = {}
    for entry in filters:
        if entry.Key not in known:
            raise errors.INVALID_PARAMETER(
                f"Filters has the key {entry.Key[:40]!r}; known are {', '.join(known)}.", name="Filters"
            )
        merged.setdefault(entry.Key, set()).update(entry.Values)
    return merged


def tag_entries(tags: dict[str, str]) -> list[TagEntry]:
    """Give tags as the API lists them."""
    return [{"TagKey": key, "TagValue": value} for key, value in tags.items()]


def checked_tags(former: dict[str, str], tags: Iterable[Tag]) -> dict[str, str]:
    """Add tags to those that a resource has. Raises INVALID_PARAMETER."""
    try:
        return merged_tags(former, [(tag.TagKey, tag.TagValue) for tag in tags])
    except TagError as error:
        raise errors.INVALID_PARAMETER(str(error), name="Tags") from error


def rotation_plan(secret: Secret) -> RotationPlan:
    """Give what an answer says of coming rotations: only for managed types, dates only while rotation is on."""
    plan: RotationPlan = {}
    if secret.managed:
        plan["AutomaticRotation"] = "Disabled" if secret.rotation_interval is None else "Enabled"
    if secret.rotation_interval is not None:
        plan["RotationInterval"] = f"{secret.rotation_interval}s"
        if secret.next_rotation is None:  # the last one failed
            plan["AutomaticRotation"] = "Invalid"
        else:
            plan["NextRotationDate"] = iso(secret.next_rotation)
    return plan


def rotation_fields(secret: Secret) -> RotationFields:
    """Give what an answer says of rotation, with the date of the last one if there was one."""
    fields = cast("RotationFields", rotation_plan(secret))
    if secret.last_rotation is not None:
        fields["LastRotationDate"] = iso(secret.last_rotation)
    return fields
