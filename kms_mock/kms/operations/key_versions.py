"""Versions of keys, and their rotation."""

from collections.abc import Callable
from typing import TypedDict

from msgspec.structs import replace

from kms_mock.crypto.material import KeyMaterial
from kms_mock.kms import errors, inferred
from kms_mock.kms.context import Context
from kms_mock.kms.model.instance import instances
from kms_mock.kms.model.key import Key, KeyVersion, keys, pair_work
from kms_mock.kms.model.quotas import check_room_for_version
from kms_mock.kms.model.rotation import KEY_INTERVALS, checked_interval
from kms_mock.kms.operations.results import Empty, Page, page
from kms_mock.kms.parameters import Interval, KeyId, KeyVersionId, PageNumber, PageSizeFrom0To101
from kms_mock.rpc.api import operation
from kms_mock.store.times import DAY, iso

_MAX_VERSIONS = 50  # of a key pair (behaviour.md 9)
_SHORTEST_INTERVAL = 7 * DAY  # between two versions of a key pair


class KeyVersionEntry(TypedDict):
    KeyId: str
    KeyVersionId: str
    CreationDate: str


class KeyVersionEntries(TypedDict):
    KeyVersion: list[KeyVersionEntry]


class KeyVersionPage(Page):
    KeyVersions: KeyVersionEntries


class DescribedKeyVersion(TypedDict):
    KeyVersion: KeyVersionEntry


def _entry(key: Key, version: KeyVersion) -> KeyVersionEntry:
    return {"KeyId": key.id, "KeyVersionId": version.id, "CreationDate": iso(version.created)}


@operation("ListKeyVersions", errors=(errors.KMS_INVALID_PARAMETER, errors.INVALID_ACCESS_KEY_ID, errors.KEY_NOT_FOUND))
def list_key_versions(
    ctx: Context, *, key_id: KeyId, page_number: PageNumber = 1, page_size: PageSizeFrom0To101 = 10
) -> KeyVersionPage:
    """List the versions of a key, in order of creation."""
    key = ctx.key(key_id)
    found, counts = page(key.versions.values(), page_number, page_size)
    return {"KeyVersions": {"KeyVersion": [_entry(key, version) for version in found]}, **counts}


@operation("DescribeKeyVersion", errors=(errors.KMS_INVALID_PARAMETER, errors.INVALID_ACCESS_KEY_ID))
def describe_key_version(ctx: Context, *, key_id: KeyId, key_version_id: KeyVersionId) -> DescribedKeyVersion:
    """Describe one version of a key."""
    key = ctx.key(key_id)
    return {"KeyVersion": _entry(key, key.version(key_version_id))}


def _prepare_version(ctx: Context, *, key_id: KeyId) -> Callable[[], KeyMaterial] | None:
    return pair_work(_extensible(ctx, key_id).spec, ctx.sources)


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
    inferred=(
        inferred.HMAC_ROTATION,
        (
            "How many versions a key pair may have, and how long apart, is documented; with which code one too many is "
            "refused is not."
        ),
    ),
)
def create_key_version(ctx: Context, *, key_id: KeyId) -> DescribedKeyVersion:
    """Add a version: of a key pair (the rule of 2021), or of a symmetric key in a software instance (that of 2025).

    The new version of a symmetric key is its primary one; old ones go on decrypting.
    """
    key = _extensible(ctx, key_id).rotated(ctx.now, ctx.sources, ctx.prepared)
    if key.rotation_interval is not None:
        key = replace(key, next_rotation=ctx.now + key.rotation_interval)
    ctx.partition[keys].put(key)
    return {"KeyVersion": _entry(key, key.version(key.primary_version or ""))}


def _extensible(ctx: Context, key_id: str) -> Key:
    """Return a key that may have one more version now. Raises the refusal of its kind, state or quota."""
    key = ctx.key(key_id).after("change versions")
    if key.spec.symmetric:
        _check_symmetric(key)
    else:
        _check_pair(key, ctx.now)
    if key.instance_id is not None:
        ctx.partition[instances].find(key.instance_id).after("use a key in it")
    check_room_for_version(ctx.partition, key.instance_id)
    return key


def _check_symmetric(key: Key) -> None:
    """Check the rule of 2025 (api-docs CreateKeyVersion)."""
    if not key.rotatable or key.instance_id is None or key.protection_level != "SOFTWARE":
        raise errors.REJECTED_UNSUPPORTED("A symmetric key gets versions only in a software instance.")


def _check_pair(key: Key, now: float) -> None:
    """Check the rule of 2021: how many versions, and how long after each other."""
    if key.instance_id is not None or key.origin == "EXTERNAL":
        raise errors.REJECTED_UNSUPPORTED("A key pair in an instance, or with imported material, has one version.")
    newest = max(version.created for version in key.versions.values())
    if now < newest + _SHORTEST_INTERVAL:
        raise errors.REJECTED_UNSUPPORTED(f"The last version is of {iso(newest)}; the next may come 7 days later.")
    if len(key.versions) >= _MAX_VERSIONS:
        raise errors.LIMIT_EXCEEDED(f"A key has at most {_MAX_VERSIONS} versions.")


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
    inferred=(inferred.KEY_INTERVAL, inferred.HMAC_ROTATION),
)
def update_rotation_policy(
    ctx: Context, *, key_id: KeyId, enable_automatic_rotation: bool, rotation_interval: Interval | None = None
) -> Empty:
    """Switch automatic rotation on or off. Counted from the last rotation, an overdue one happens at once."""
    key = ctx.key_by_id(key_id).after("change versions")
    if not key.rotatable:
        raise errors.REJECTED_UNSUPPORTED(f"Key {key.id} does not rotate: {key.spec_name}, {key.origin}.")
    if enable_automatic_rotation:
        interval = checked_interval(rotation_interval, KEY_INTERVALS)
        last = key.created if key.last_rotation is None else key.last_rotation
        key = replace(key, rotation_interval=interval, next_rotation=last + interval).resumed(ctx.now)
    else:
        key = replace(key, rotation_interval=None, next_rotation=None)
    ctx.partition[keys].put(key)
    ctx.partition.settle(ctx.now)
    return {}
