"""Result types and small pieces that several resources share."""

from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import islice
from types import MappingProxyType
from typing import TypedDict, TypeVar, cast

from kms_mock.kms import errors
from kms_mock.kms.errors import ErrorSpec
from kms_mock.kms.model.secret import Secret
from kms_mock.kms.model.tags import TagError, TagProblem, merged_tags
from kms_mock.kms.parameters import Filter, Tag
from kms_mock.store.resource import Records
from kms_mock.store.times import iso

T = TypeVar("T")

# What a Filters parameter may ask for: its key, and the values that a record has for it.
Attributes = Mapping[str, Callable[[T], Iterable[str]]]


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
    """Return one page of items, in order of creation, and the counts; of a table it costs what the page holds.

    Pages are counted from 1; a page past the end is empty.
    """
    total = len(items)
    counts: Page = {"TotalCount": total, "PageNumber": number, "PageSize": size}
    start, end = (number - 1) * size, number * size
    if start >= total:
        return [], counts
    return items.page(start, end) if isinstance(items, Records) else list(islice(items, start, end)), counts


def filtered(records: Collection[T], filters: Iterable[Filter] | None, attributes: Attributes[T]) -> Collection[T]:
    """Return the records that match: OR within a key, also when the key is given twice; AND between keys.

    Only the attributes that the filters name are looked at (behaviour.md 5). Raises INVALID_PARAMETER.
    """
    wanted: dict[str, set[str]] = {}
    for entry in filters or ():
        if entry.Key not in attributes:
            raise errors.INVALID_PARAMETER(
                f"Filters has the key {entry.Key[:40]!r}; known are {', '.join(attributes)}.", name="Filters"
            )
        wanted.setdefault(entry.Key, set()).update(entry.Values)
    for key, values in wanted.items():
        values_of = attributes[key]
        records = [record for record in records if not values.isdisjoint(values_of(record))]
    return records


def tag_entries(tags: dict[str, str]) -> list[TagEntry]:
    """Return tags as the API lists them."""
    return [{"TagKey": key, "TagValue": value} for key, value in tags.items()]


def checked_tags(
    former: dict[str, str],
    tags: Iterable[Tag],
    *,
    name: str = "Tags",
    refusals: Mapping[TagProblem, ErrorSpec] = MappingProxyType({}),
) -> dict[str, str]:
    """Add tags to those that a resource has. Raises the refusal of a problem, INVALID_PARAMETER of `name` for others."""
    try:
        return merged_tags(former, [(tag.TagKey, tag.TagValue) for tag in tags])
    except TagError as error:
        raise refusals.get(error.problem, errors.INVALID_PARAMETER)(str(error), name=name) from error


def rotation_plan(secret: Secret) -> RotationPlan:
    """Return the fields of coming rotations: only for managed types, dates only while rotation is on."""
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
    """Return the fields of rotation, with the date of the last one if there was one."""
    fields = cast("RotationFields", rotation_plan(secret))
    if secret.last_rotation is not None:
        fields["LastRotationDate"] = iso(secret.last_rotation)
    return fields
