"""Tags of keys, secrets, certificates and instances: the older calls for one resource, the newer ones for many."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypedDict

from msgspec.structs import replace

from kms_mock.kms import errors
from kms_mock.kms.context import Context
from kms_mock.kms.errors import ApiError, ErrorSpec
from kms_mock.kms.model.certificate import Certificate, certificates
from kms_mock.kms.model.instance import Instance, instances
from kms_mock.kms.model.key import Key, keys
from kms_mock.kms.model.secret import Secret, live_secret, secrets
from kms_mock.kms.model.tags import TagProblem
from kms_mock.kms.operations.results import Empty, checked_tags
from kms_mock.kms.parameters import (
    CertificateId,
    KeyId,
    RegionId,
    ResourceIds,
    ResourceTag,
    ResourceTagKeys,
    ResourceTags,
    ResourceType,
    SecretNameOrArn,
    Tag,
    TagKeys,
    Tags,
)
from kms_mock.rpc.api import operation
from kms_mock.store.partition import Partition

_ROWS_PER_PAGE = 200  # api-docs ListTagResources
_INSTANCES = (
    "Tags of KMS instances and the refusal of one that is not connected are known from Terraform's provider alone; that "
    "an instance takes tags in every status is ours."
)
Tagged = Key | Secret | Instance

_NOT_FOUND = (errors.KEY_NOT_FOUND, errors.ALIAS_NOT_FOUND, errors.SECRET_NOT_FOUND, errors.INSTANCE_NOT_FOUND)
_REFUSALS: dict[TagProblem, ErrorSpec] = {
    "key": errors.INVALID_TAG_KEY,
    "value": errors.INVALID_TAG_VALUE,
    "duplicate": errors.DUPLICATE_TAG_KEY,
}


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


def _named_resource(
    ctx: Context, key_id: str | None, secret_name: str | None, certificate_id: str | None
) -> Key | Secret | Certificate:
    """Return the one resource that TagResource and UntagResource name, in a state that may be tagged."""
    if sum(name is not None for name in (key_id, secret_name, certificate_id)) != 1:
        raise errors.INVALID_PARAMETER(
            "Exactly one of KeyId, SecretName and CertificateId names the resource.", name="KeyId"
        )
    if key_id is not None:
        return ctx.key(key_id).after("tag")
    if secret_name is not None:
        return ctx.live_secret(secret_name)
    return ctx.certificate(certificate_id or "")


def _put(partition: Partition, resource: Key | Secret | Certificate | Instance, tags: dict[str, str]) -> None:
    if isinstance(resource, Key):
        partition[keys].put(replace(resource, tags=tags))
    elif isinstance(resource, Secret):
        partition[secrets].put(replace(resource, tags=tags))
    elif isinstance(resource, Instance):
        partition[instances].put(replace(resource, tags=tags))
    else:
        partition[certificates].put(replace(resource, tags=tags))


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
    """Add tags to one key, secret or certificate; an existing tag key gets its new value."""
    resource = _named_resource(ctx, key_id, secret_name, certificate_id)
    _put(ctx.partition, resource, checked_tags(resource.tags, tags))
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
    resource = _named_resource(ctx, key_id, secret_name, certificate_id)
    _put(ctx.partition, resource, _without(resource.tags, tag_keys))
    return {}


def _without(tags: dict[str, str], keys: Iterable[str]) -> dict[str, str]:
    removed = set(keys)
    return {key: value for key, value in tags.items() if key not in removed}


@operation("ListResourceTags", errors=errors.USUAL_TABLE)
def list_resource_tags(ctx: Context, *, key_id: KeyId) -> KeyTags:
    """List the tags of one key."""
    key = ctx.key(key_id)
    return {"Tags": {"Tag": [{"KeyId": key.id, "TagKey": name, "TagValue": value} for name, value in key.tags.items()]}}


def _resource(ctx: Context, kind: ResourceType, name: str) -> Tagged:
    if kind == "instance":
        return ctx.instance(name)
    return ctx.key(name) if kind == "key" else ctx.secret(name)


def _resources(ctx: Context, kind: ResourceType, ids: Iterable[str]) -> list[tuple[Partition, Tagged]]:
    """Return all resources of a call, each with its partition; one that does not exist refuses the whole call."""
    found: list[tuple[Partition, Tagged]] = []
    home = ctx.partition
    for name in ids:
        ctx.partition = home  # an ARN leads to its account and region: go back for the next name
        try:
            resource = _resource(ctx, kind, name)
            found.append((ctx.partition, resource))
        except ApiError as error:
            if error.spec not in _NOT_FOUND:
                raise
            raise errors.INVALID_RESOURCE_ID(error.reason) from error
    return found


def _changeable(ctx: Context, kind: ResourceType, ids: Iterable[str]) -> list[tuple[Partition, Tagged]]:
    """Return all resources of a call, each in a state that may be tagged."""
    return [(place, _taggable(place, resource)) for place, resource in _resources(ctx, kind, ids)]


def _taggable(place: Partition, resource: Tagged) -> Tagged:
    if isinstance(resource, Key):
        return resource.after("tag")
    return live_secret(place, resource.name) if isinstance(resource, Secret) else resource


@operation(
    "TagResources",
    errors=(
        errors.INVALID_TAG_VALUE,
        errors.INVALID_TAG_KEY,
        errors.DUPLICATE_TAG_KEY,
        errors.INVALID_ACCESS_KEY_ID,
        errors.INVALID_RESOURCE_ID,
    ),
    inferred=(_INSTANCES,),
)
def tag_resources(
    ctx: Context, *, region_id: RegionId, resource_type: ResourceType, resource_id: ResourceIds, tag: ResourceTags
) -> Empty:
    """Add tags to up to 50 keys, secrets or instances: to all of them or, refused, to none."""
    resources = _changeable(ctx, resource_type, resource_id)
    added = [Tag(entry.Key, entry.Value or "") for entry in tag]
    changed = [
        (place, resource, checked_tags(resource.tags, added, name="Tag", refusals=_REFUSALS))
        for place, resource in resources
    ]
    for place, resource, tags in changed:
        _put(place, resource, tags)
    return {}


@operation(
    "UntagResources",
    errors=(errors.INVALID_ACCESS_KEY_ID, errors.INVALID_RESOURCE_ID),
    inferred=(_INSTANCES,),
)
def untag_resources(
    ctx: Context,
    *,
    region_id: RegionId,
    resource_type: ResourceType,
    resource_id: ResourceIds,
    all: bool = False,  # noqa: A002 (the parameter's name)
    tag_key: ResourceTagKeys | None = None,
) -> Empty:
    """Remove tags from up to 50 keys, secrets or instances: the named ones, or with All and no names every one."""
    resources = _changeable(ctx, resource_type, resource_id)
    if not tag_key and not all:
        raise errors.MISSING_PARAMETER("Without All=true the tag keys must be named.", name="TagKey")
    for place, resource in resources:
        _put(place, resource, _without(resource.tags, tag_key) if tag_key else {})
    return {}


@operation(
    "ListTagResources",
    errors=(
        errors.DUPLICATE_TAG_KEY,
        errors.INVALID_ACCESS_KEY_ID,
        errors.INVALID_RESOURCE_ID,
        errors.INSTANCE_UNINITIALIZED,
    ),
    inferred=(_INSTANCES,),
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
    """List tags of keys, secrets or instances, 200 rows a page; with Tag, only of those that carry all of the given ones."""
    wanted = tag or []
    if len({entry.Key for entry in wanted}) != len(wanted):
        raise errors.DUPLICATE_TAG_KEY("A tag key is asked for twice.")
    start = _offset(next_token)
    if resource_id:
        resources: Iterable[Tagged] = _carrying(_named(ctx, resource_type, resource_id), wanted)
    else:
        resources = _all_carrying(ctx, resource_type, wanted)
    rows = list(islice(_tag_rows(resource_type, resources), start, start + _ROWS_PER_PAGE + 1))
    token = f"{start + _ROWS_PER_PAGE:016x}" if len(rows) > _ROWS_PER_PAGE else ""
    return {"NextToken": token, "TagResources": {"TagResource": rows[:_ROWS_PER_PAGE]}}


def _named(ctx: Context, kind: ResourceType, ids: ResourceIds) -> list[Tagged]:
    """Return the resources that a call names."""
    found = [resource for _, resource in _resources(ctx, kind, ids)]
    for resource in found:
        if isinstance(resource, Instance) and resource.status != "Connected":
            raise errors.INSTANCE_UNINITIALIZED(f"KMS instance {resource.id} is {resource.status}, not Connected.")
    return found


def _all_carrying(ctx: Context, kind: ResourceType, wanted: Iterable[ResourceTag]) -> Iterable[Tagged]:
    """Return all resources of a kind that carry all of some tags; of instances only those that are connected."""
    ctx.authorize_container("keystore" if kind == "instance" else kind)
    tags = {entry.Key: entry.Value or None for entry in wanted}
    if kind == "instance":
        return (found for found in ctx.partition[instances].tagged(tags) if found.status == "Connected")
    return ctx.partition[keys].tagged(tags) if kind == "key" else ctx.partition[secrets].tagged(tags)


def _offset(token: str) -> int:
    if token and not re.fullmatch("0[0-9a-f]{15}", token):
        raise errors.INVALID_PARAMETER("NextToken is none that this API returned.", name="NextToken")
    return int(token or "0", 16)


def _tag_rows(kind: str, resources: Iterable[Tagged]) -> Iterator[TagRow]:
    for resource in resources:
        name = resource.name if isinstance(resource, Secret) else resource.id
        for key, value in resource.tags.items():
            yield {"ResourceType": kind, "ResourceId": name, "TagKey": key, "TagValue": value}


def _carrying(resources: Iterable[Tagged], wanted: Iterable[ResourceTag]) -> list[Tagged]:
    """Return the resources that carry all of some tags; one without a value stands for any of its key."""
    return [
        resource
        for resource in resources
        if all(tag.Key in resource.tags and tag.Value in {None, "", resource.tags[tag.Key]} for tag in wanted)
    ]
