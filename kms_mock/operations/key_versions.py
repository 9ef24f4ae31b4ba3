"""Versions of keys, and their rotation."""

from collections.abc import Callable
from typing import TypedDict

from msgspec.structs import replace

from kms_mock import errors
from kms_mock.context import Context
from kms_mock.crypto.material import KeyMaterial
from kms_mock.model.due import rotated_key, settle
from kms_mock.model.key import Key, KeyVersion, checked_interval, pair_work
from kms_mock.model.quotas import check_room_for_version
from kms_mock.model.times import DAY, iso
from kms_mock.operation import operation
from kms_mock.operations.shapes import Empty, Page, page
from kms_mock.parameters import Interval, KeyId, KeyVersionId, PageNumber, PageSizeFrom0To101

_MOST_VERSIONS = 50  # of a key pair (behaviour.md 9)
_SHORTEST_INTERVAL = 7 * DAY  # between two versions of a key pair


class KeyVersionEntry(TypedDict):
    KeyId: str
    KeyVersionId: str
    CreationDate: str


class KeyVersionEntries(TypedDict):
    KeyVersion: list[KeyVersionEntry]


class KeyVersionPage(Page):
    KeyVersions: KeyVersionEntries


class OneKeyVersion(TypedDict):
    KeyVersion: KeyVersionEntry


def _entry(key: Key, version: KeyVersion) -> KeyVersionEntry:
    return {"KeyId": key.id, "KeyVersionId": version.id, "CreationDate": iso(version.created)}


@operation(
    "ListKeyVersions", errors=(errors.INVALID_PARAMETER_UNNAMED, errors.INVALID_ACCESS_KEY_ID, errors.KEY_NOT_FOUND)
)
def list_key_versions(
    ctx: Context, *, key_id: KeyId, page_number: PageNumber = 1, page_size: PageSizeFrom0To101 = 10
) -> KeyVersionPage:
    """List the versions of a key, in order of creation."""
    key = ctx.key(key_id)
    found, counts = page(key.versions.values(), page_number, page_size)
    return {"KeyVersions": {"KeyVersion": [_entry(key, version) for version in found]}, **counts}


@operation("DescribeKeyVersion", errors=(errors.INVALID_PARAMETER_UNNAMED, errors.INVALID_ACCESS_KEY_ID))
def describe_key_version(ctx: Context, *, key_id: KeyId, key_version_id: KeyVersionId) -> OneKeyVersion:
    """Give one version of a key."""
    key = ctx.key(key_id)
    return {"KeyVersion": _entry(key, key.version(key_version_id))}


def _prepare_version(ctx: Context, *, key_id: KeyId) -> Callable[[], KeyMaterial] | None:
    return pair_work(_growing(ctx, key_id).spec, ctx.sources)


@operation(
    "CreateKeyVersion",
    prepare=_prepare_version,
    errors=(
        errors.REJECTED_UNSUPPORTED,
        errors.ALIAS_NOT_FOUND,
        errors.KEY_NOT_FOUND,
        errors.KEY_DISABLED,
        errors.KEY_UNAVAILABLE,
        errors.KEY_PENDING_DELETION,
        errors.KEY_PENDING_IMPORT,
    ),
)
def create_key_version(ctx: Context, *, key_id: KeyId) -> OneKeyVersion:
    """Add a version: of a key pair (the rule of 2021), or of a symmetric key in a software instance (that of 2025).

    The new version of a symmetric key is its primary one; old ones go on decrypting.
    """
    key = rotated_key(ctx.partition, _growing(ctx, key_id), ctx.now, ctx.prepared)
    if key.rotation_interval is not None:
        key = replace(key, next_rotation=ctx.now + key.rotation_interval)
    ctx.partition.put_key(key)
    return {"KeyVersion": _entry(key, key.version(key.primary_version or ""))}


def _growing(ctx: Context, key_id: str) -> Key:
    """Find a key that may have one more version now."""
    key = ctx.key(key_id).after("change versions")
    if key.spec.symmetric:
        _check_symmetric(key)
    else:
        _check_pair(key, ctx.now)
    if key.instance_id is not None and ctx.partition.instance(key.instance_id).status != "Connected":
        # inferred: no page defines Unavailable; the same as in Encrypt
        raise errors.KEY_UNAVAILABLE(f"KMS instance {key.instance_id} of key {key.id} does not work.")
    check_room_for_version(ctx.partition, key.instance_id)
    return key


def _check_symmetric(key: Key) -> None:
    """Check the rule of 2025 (api-docs CreateKeyVersion)."""
    if not key.rotatable or key.instance_id is None or key.protection_level != "SOFTWARE":
        raise errors.REJECTED_UNSUPPORTED("A symmetric key gets versions only in a software instance.")


def _check_pair(key: Key, now: float) -> None:
    """Check the rule of 2021: the limits are documented, with which code they refuse is not (`# inferred`)."""
    if key.instance_id is not None or key.origin == "EXTERNAL":
        raise errors.REJECTED_UNSUPPORTED("A key pair in an instance, or with imported material, has one version.")
    newest = max(version.created for version in key.versions.values())
    if now < newest + _SHORTEST_INTERVAL:
        raise errors.REJECTED_UNSUPPORTED(f"The last version is of {iso(newest)}; the next may come 7 days later.")
    if len(key.versions) >= _MOST_VERSIONS:
        raise errors.LIMIT_EXCEEDED(f"A key has at most {_MOST_VERSIONS} versions.")


@operation(
    "UpdateRotationPolicy",
    errors=(
        errors.REJECTED_UNSUPPORTED,
        errors.INVALID_PARAMETER,
        errors.KEY_NOT_FOUND,
        errors.KEY_DISABLED,
        errors.KEY_PENDING_DELETION,
        errors.KEY_PENDING_IMPORT,
    ),
)
def update_rotation_policy(
    ctx: Context, *, key_id: KeyId, enable_automatic_rotation: bool, rotation_interval: Interval | None = None
) -> Empty:
    """Switch automatic rotation on or off. Counted from the last rotation, an overdue one happens at once."""
    key = ctx.key_by_id(key_id).after("change versions")
    if not key.rotatable:
        raise errors.REJECTED_UNSUPPORTED(f"Key {key.id} does not rotate: {key.spec_name}, {key.origin}.")
    if enable_automatic_rotation:
        interval = checked_interval(rotation_interval)
        last = key.created if key.last_rotation is None else key.last_rotation
        key = replace(key, rotation_interval=interval, next_rotation=last + interval).resumed(ctx.now)
    else:
        key = replace(key, rotation_interval=None, next_rotation=None)
    ctx.partition.put_key(key)
    settle(ctx.partition, ctx.now)
    return {}
