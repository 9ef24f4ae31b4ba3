"""Tags of keys, secrets and certificates: the older calls for one resource, the newer ones for many."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Literal, TypedDict

from msgspec.structs import replace

from kms_mock import errors
from kms_mock.context import Context
from kms_mock.errors import ApiError
from kms_mock.model.certificate import Certificate
from kms_mock.model.key import Key
from kms_mock.model.partition import Partition
from kms_mock.model.secret import Secret
from kms_mock.model.tags import TagError, merged_tags
from kms_mock.operation import operation
from kms_mock.operations.shapes import Empty
from kms_mock.parameters import (
    CertificateId,
    KeyId,
    RegionId,
    ResourceIds,
    ResourceTag,
    ResourceTagKeys,
    ResourceTags,
    ResourceType,
    SecretNameOrArn,
    TagKeys,
    Tags,
)

_ROWS_PER_PAGE = 200  # api-docs ListTagResources


class KeyTag(TypedDict):
    KeyId: str
    TagKey: str
    TagValue: str


class KeyTagList(TypedDict):
    Tag: list[KeyTag]


class KeyTags(TypedDict):
    Tags: KeyTagList


class TagRow(TypedDict):
    ResourceType: str
    ResourceId: str
    TagKey: str
    TagValue: str


class TagRows(TypedDict):
    TagResource: list[TagRow]


class TagPage(TypedDict):
    NextToken: str
    TagResources: TagRows


def _one_resource(
    ctx: Context, key_id: str | None, secret_name: str | None, certificate_id: str | None
) -> Key | Secret | Certificate:
    """Find the one resource that TagResource and UntagResource name, in a state that may be tagged."""
    if sum(name is not None for name in (key_id, secret_name, certificate_id)) != 1:
        raise errors.INVALID_PARAMETER(
            "Exactly one of KeyId, SecretName and CertificateId names the resource.", name="KeyId"
        )
    if key_id is not None:
        return ctx.key(key_id).after("tag")
    if secret_name is not None:
        return ctx.live_secret(secret_name)
    return ctx.certificate(certificate_id or "")


def _put(partition: Partition, resource: Key | Secret | Certificate, tags: dict[str, str]) -> None:
    if isinstance(resource, Key):
        partition.put_key(replace(resource, tags=tags))
    elif isinstance(resource, Secret):
        partition.put_secret(replace(resource, tags=tags))
    else:
        partition.put_certificate(replace(resource, tags=tags))


_TABLE = (*errors.USUAL_TABLE, errors.KEY_PENDING_DELETION)


@operation("TagResource", errors=_TABLE)
def tag_resource(
    ctx: Context,
    *,
    tags: Tags,
    key_id: KeyId | None = None,
    secret_name: SecretNameOrArn | None = None,
    certificate_id: CertificateId | None = None,
) -> Empty:
    """Add tags to one key, secret or certificate; a key that is there gets its new value."""
    resource = _one_resource(ctx, key_id, secret_name, certificate_id)
    try:
        merged = merged_tags(resource.tags, [(tag.TagKey, tag.TagValue) for tag in tags])
    except TagError as error:
        raise errors.INVALID_PARAMETER(str(error), name="Tags") from error
    _put(ctx.partition, resource, merged)
    return {}


@operation("UntagResource", errors=_TABLE)
def untag_resource(
    ctx: Context,
    *,
    tag_keys: TagKeys,
    key_id: KeyId | None = None,
    secret_name: SecretNameOrArn | None = None,
    certificate_id: CertificateId | None = None,
) -> Empty:
    """Remove tags from one resource; a key that is not there is fine."""
    resource = _one_resource(ctx, key_id, secret_name, certificate_id)
    _put(ctx.partition, resource, _without(resource.tags, tag_keys))
    return {}


def _without(tags: dict[str, str], keys: Iterable[str]) -> dict[str, str]:
    gone = set(keys)
    return {key: value for key, value in tags.items() if key not in gone}


@operation("ListResourceTags", errors=errors.USUAL_TABLE)
def list_resource_tags(ctx: Context, *, key_id: KeyId) -> KeyTags:
    """List the tags of one key."""
    key = ctx.key(key_id)
    return {"Tags": {"Tag": [{"KeyId": key.id, "TagKey": name, "TagValue": value} for name, value in key.tags.items()]}}


def _resources(
    ctx: Context, kind: Literal["key", "secret"], ids: Iterable[str]
) -> list[tuple[Partition, Key | Secret]]:
    """Find all resources of a call, each with its partition; one that does not exist refuses the whole call."""
    found: list[tuple[Partition, Key | Secret]] = []
    home = ctx.partition
    for name in ids:
        ctx.partition = home  # the ARN of another account must not decide where the next name is looked up
        try:
            resource = ctx.key(name) if kind == "key" else ctx.secret(name)
            found.append((ctx.partition, resource))
        except ApiError as error:
            if error.spec.status != errors.INVALID_RESOURCE_ID.status:
                raise
            raise errors.INVALID_RESOURCE_ID(error.reason) from error
    return found


def _changeable(
    ctx: Context, kind: Literal["key", "secret"], ids: Iterable[str]
) -> list[tuple[Partition, Key | Secret]]:
    """Find all resources of a call, each in a state that may be tagged."""
    return [
        (place, resource.after("tag") if isinstance(resource, Key) else place.live_secret(resource.name))
        for place, resource in _resources(ctx, kind, ids)
    ]


@operation(
    "TagResources",
    errors=(
        errors.INVALID_TAG_VALUE,
        errors.INVALID_TAG_KEY,
        errors.DUPLICATE_TAG_KEY,
        errors.INVALID_ACCESS_KEY_ID,
        errors.INVALID_RESOURCE_ID,
    ),
)
def tag_resources(
    ctx: Context, *, region_id: RegionId, resource_type: ResourceType, resource_id: ResourceIds, tag: ResourceTags
) -> Empty:
    """Add tags to up to 50 keys or secrets: to all of them or, refused, to none."""
    resources = _changeable(ctx, resource_type, resource_id)
    pairs = [(one.Key, one.Value or "") for one in tag]
    try:
        changed = [(place, resource, merged_tags(resource.tags, pairs)) for place, resource in resources]
    except TagError as error:
        row = {
            "key": errors.INVALID_TAG_KEY,
            "value": errors.INVALID_TAG_VALUE,
            "duplicate": errors.DUPLICATE_TAG_KEY,
            "count": errors.INVALID_PARAMETER,
        }[error.part]
        raise row(str(error), name="Tag") from error
    for place, resource, tags in changed:
        _put(place, resource, tags)
    return {}


@operation("UntagResources", errors=(errors.INVALID_ACCESS_KEY_ID, errors.INVALID_RESOURCE_ID))
def untag_resources(
    ctx: Context,
    *,
    region_id: RegionId,
    resource_type: ResourceType,
    resource_id: ResourceIds,
    all: bool = False,  # noqa: A002 (the parameter's name)
    tag_key: ResourceTagKeys | None = None,
) -> Empty:
    """Remove tags from up to 50 keys or secrets: the named ones, or with All and no names every one."""
    resources = _changeable(ctx, resource_type, resource_id)
    if not tag_key and not all:
        raise errors.MISSING_PARAMETER("Without All=true the tag keys must be named.", name="TagKey")
    for place, resource in resources:
        _put(place, resource, _without(resource.tags, tag_key) if tag_key else {})
    return {}


@operation(
    "ListTagResources",
    errors=(errors.DUPLICATE_TAG_KEY, errors.INVALID_ACCESS_KEY_ID, errors.INVALID_RESOURCE_ID),
)
def list_tag_resources(
    ctx: Context,
    *,
    region_id: RegionId,
    resource_type: ResourceType,
    next_token: str = "",
    resource_id: ResourceIds | None = None,
    tag: ResourceTags | None = None,
) -> TagPage:
    """List tags of keys or secrets, 200 rows a page; with Tag, only of resources that carry all of the given ones."""
    wanted = tag or []
    if len({one.Key for one in wanted}) != len(wanted):
        raise errors.DUPLICATE_TAG_KEY("A tag key is asked for twice.")
    start = _offset(next_token)
    table: Iterable[Key | Secret] = (
        ctx.partition.keys.values() if resource_type == "key" else ctx.partition.secrets.values()
    )
    resources = [one for _, one in _resources(ctx, resource_type, resource_id)] if resource_id else table
    rows = list(islice(_rows(resource_type, resources, wanted), start, start + _ROWS_PER_PAGE + 1))
    token = f"{start + _ROWS_PER_PAGE:016x}" if len(rows) > _ROWS_PER_PAGE else ""
    return {"NextToken": token, "TagResources": {"TagResource": rows[:_ROWS_PER_PAGE]}}


def _offset(token: str) -> int:
    if token and not re.fullmatch("0[0-9a-f]{15}", token):
        raise errors.INVALID_PARAMETER("NextToken is none that this API gave.", name="NextToken")
    return int(token or "0", 16)


def _rows(kind: str, resources: Iterable[Key | Secret], wanted: list[ResourceTag]) -> Iterator[TagRow]:
    for resource in resources:
        if all(_carries(resource.tags, one) for one in wanted):
            name = resource.id if isinstance(resource, Key) else resource.name
            for key, value in resource.tags.items():
                yield {"ResourceType": kind, "ResourceId": name, "TagKey": key, "TagValue": value}


def _carries(tags: dict[str, str], wanted: ResourceTag) -> bool:
    return wanted.Key in tags and (not wanted.Value or tags[wanted.Key] == wanted.Value)
