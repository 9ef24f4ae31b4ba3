"""Keys as such: create, describe, list, enable and disable, delete, protect."""

from collections.abc import Callable
from typing import NotRequired, TypedDict, cast

from msgspec.structs import replace

from kms_mock.crypto.material import KeyMaterial
from kms_mock.crypto.specs import KEY_SPECS, KeySpec
from kms_mock.kms import errors, inferred
from kms_mock.kms.context import Context
from kms_mock.kms.model.instance import connected_instance, instance_or_default, instances
from kms_mock.kms.model.instance_ids import INFERRED_REGIONS, new_instance_id
from kms_mock.kms.model.key import (
    ALIASES_OF_KEY,
    Key,
    KeyUsage,
    KeyVersion,
    Origin,
    ProtectionLevel,
    StorageMechanism,
    aliases,
    fresh_material,
    keys,
    pair_work,
)
from kms_mock.kms.model.policies import check_policy
from kms_mock.kms.model.quotas import check_room_for_key
from kms_mock.kms.model.rotation import KEY_INTERVALS, checked_interval
from kms_mock.kms.operations.results import Attributes, Empty, Page, checked_tags, filtered, page
from kms_mock.kms.parameters import (
    Description,
    Filters,
    InstanceId,
    Interval,
    KeyId,
    NamedKeySpec,
    PageNumber,
    PageSize,
    PendingWindow,
    PolicyText,
    ProtectedInstanceId,
    ProtectionDescription,
    ResourceArn,
    Tags,
)
from kms_mock.rpc.api import operation
from kms_mock.store.times import DAY, iso

_FILTERS: Attributes[Key] = {
    "KeyState": lambda key: (key.state,),
    "KeySpec": lambda key: (key.spec_name,),
    "KeyUsage": lambda key: (key.usage,),
    "ProtectionLevel": lambda key: (key.protection_level,),
    "CreatorType": lambda key: ("User" if key.service is None else "Service",),
    "DKMSInstanceId": lambda key: (key.instance_id or "",),
    "keyId": lambda key: (key.id,),
    "Creator": lambda key: (key.creator,),
    "TagKey": lambda key: key.tags,
    "TagValue": lambda key: key.tags.values(),
}
_AES_256 = KEY_SPECS["Aliyun_AES_256"]


class KeyMetadata(TypedDict):
    KeyId: str
    Arn: str
    Creator: str
    CreationDate: str
    Description: str
    KeyState: str
    KeyUsage: str
    KeySpec: str
    Origin: str
    ProtectionLevel: str
    MaterialExpireTime: str
    DeleteDate: str
    LastRotationDate: str
    AutomaticRotation: str
    PrimaryKeyVersion: NotRequired[str]
    RotationInterval: NotRequired[str]
    NextRotationDate: NotRequired[str]
    DKMSInstanceId: NotRequired[str]


class ProtectedKeyMetadata(KeyMetadata):
    DeletionProtection: str
    DeletionProtectionDescription: NotRequired[str]


class CreatedKey(TypedDict):
    KeyMetadata: KeyMetadata


class DescribedKey(TypedDict):
    KeyMetadata: ProtectedKeyMetadata


class KeyEntry(TypedDict):
    KeyId: str
    KeyArn: str


class KeyEntries(TypedDict):
    Key: list[KeyEntry]


class KeyPage(Page):
    Keys: KeyEntries


def _metadata(key: Key) -> KeyMetadata:
    metadata: KeyMetadata = {
        "KeyId": key.id,
        "Arn": key.arn,
        "Creator": key.creator,
        "CreationDate": iso(key.created),
        "Description": key.description,
        "KeyState": key.state,
        "KeyUsage": key.usage,
        "KeySpec": key.spec_name,
        "Origin": key.origin,
        "ProtectionLevel": key.protection_level,
        "MaterialExpireTime": "" if key.material_expires is None else iso(key.material_expires),
        "DeleteDate": "" if key.deletion_date is None else iso(key.deletion_date),  # there and empty (behaviour.md 11)
        "LastRotationDate": iso(key.created if key.last_rotation is None else key.last_rotation),
        "AutomaticRotation": key.rotation_status,
    }
    if key.spec.symmetric and key.primary_version is not None:  # a key pair has no primary version (behaviour.md 2)
        metadata["PrimaryKeyVersion"] = key.primary_version
    if key.rotation_interval is not None:
        metadata["RotationInterval"] = f"{key.rotation_interval}s"
    if key.next_rotation is not None:
        metadata["NextRotationDate"] = iso(key.next_rotation)
    if key.instance_id is not None:
        metadata["DKMSInstanceId"] = key.instance_id
    return metadata


def _prepare_key(
    ctx: Context, *, key_spec: KeySpec = _AES_256, origin: Origin = "Aliyun_KMS", **_: object
) -> Callable[[], KeyMaterial] | None:
    return pair_work(key_spec, ctx.sources) if origin == "Aliyun_KMS" else None


@operation(
    "CreateKey",
    prepare=_prepare_key,
    errors=(
        errors.LIMIT_EXCEEDED,
        errors.KMS_INVALID_PARAMETER,
        errors.UNSUPPORTED_OPERATION,
        errors.POLICY_NO_PERMISSION,
        errors.SHARE_QUOTA_EXCEEDED,
        errors.INSTANCE_NOT_FOUND,
        errors.INSTANCE_STATE_INVALID,
        errors.CREATE_INTERNAL_FAILURE,
        errors.KMS_SERVICE_UNAVAILABLE,
    ),
    inferred=(
        inferred.KEY_INTERVAL,
        inferred.HMAC_SPECS,
        inferred.HMAC_ROTATION,
        inferred.POLICY_IN_INSTANCE,
        INFERRED_REGIONS,
    ),
)
def create_key(
    ctx: Context,
    *,
    description: Description = "",
    key_usage: KeyUsage | None = None,
    origin: Origin = "Aliyun_KMS",
    protection_level: ProtectionLevel = "SOFTWARE",
    enable_automatic_rotation: bool = False,
    rotation_interval: Interval | None = None,
    key_spec: NamedKeySpec = _AES_256,
    dkms_instance_id: InstanceId | None = None,
    tags: Tags | None = None,
    policy: PolicyText | None = None,
    key_storage_mechanism: StorageMechanism = "HsmInternal",
) -> CreatedKey:
    """Create a key with its first version; one of Origin EXTERNAL waits for its material."""
    ctx.authorize_container("key")
    dkms_instance_id = instance_or_default(ctx.partition, dkms_instance_id)
    key_id = _new_key_id(ctx, dkms_instance_id)
    version_id = ctx.sources.new_id()
    material = fresh_material(key_spec, ctx.prepared, ctx.sources) if origin == "Aliyun_KMS" else None
    key = Key(
        id=key_id,
        arn=ctx.arn(f"key/{key_id}"),
        spec_name=key_spec.name,
        usage=_usage(key_spec, key_usage),
        created=ctx.now,
        creator=ctx.caller.account,
        origin=origin,
        protection_level=protection_level,
        state="PendingImport" if origin == "EXTERNAL" else "Enabled",
        description=description,
        versions={version_id: KeyVersion(version_id, ctx.now, material)},
        primary_version=version_id,
        tags=checked_tags({}, tags) if tags else {},
        last_rotation=ctx.now,
    )
    if dkms_instance_id is not None:
        key = _in_instance(ctx, key, dkms_instance_id, key_storage_mechanism)
    if origin == "EXTERNAL":
        _check_importable(key)
    if policy is not None:
        check_policy(policy, dkms_instance_id)
        key = replace(key, policy=policy)
    if enable_automatic_rotation and key.rotatable:  # elsewhere without effect (api-docs CreateKey)
        interval = checked_interval(rotation_interval, KEY_INTERVALS)
        key = replace(key, rotation_interval=interval, next_rotation=ctx.now + interval)
    check_room_for_key(ctx.partition, dkms_instance_id)
    ctx.partition[keys].put(key)
    return {"KeyMetadata": _metadata(key)}


def _new_key_id(ctx: Context, instance_id: str | None) -> str:
    """Return a new id: a UUID, or in an instance one of the form that instances have (behaviour.md 16)."""
    if instance_id is None:
        return ctx.sources.new_id()
    return new_instance_id("key", ctx.partition.region, ctx.now, ctx.sources.random_bytes)


def _usage(spec: KeySpec, usage: KeyUsage | None) -> str:
    if usage is not None and usage not in spec.usages:
        raise errors.UNSUPPORTED_OPERATION(f"A key of spec {spec.name} is for {' or '.join(spec.usages)}.")
    return usage or spec.default_usage


def _in_instance(ctx: Context, key: Key, instance_id: str, mechanism: StorageMechanism) -> Key:
    """Place a new key in an instance, whose kind alone decides the protection level (api-docs CreateKey)."""
    instance = connected_instance(ctx.partition, instance_id)
    if instance.kind == "software":
        return replace(key, instance_id=instance_id, protection_level="SOFTWARE")
    return replace(key, instance_id=instance_id, protection_level="HSM", storage_mechanism=mechanism)


def _check_importable(key: Key) -> None:
    """Check that the material of a key can be imported at all: as raw bytes, and not in a software instance."""
    if not key.spec.symmetric:  # the document of 2021; how a hardware instance takes a key pair is not published
        raise errors.UNSUPPORTED_OPERATION(f"Material for {key.spec_name} cannot be imported, only symmetric keys.")
    if key.instance_id is not None and key.protection_level == "SOFTWARE":  # help page of CreateKey, 2024-07
        raise errors.UNSUPPORTED_OPERATION("A software instance makes all material itself.")


@operation(
    "DescribeKey",
    errors=(
        errors.KMS_INVALID_PARAMETER,
        errors.KEY_NOT_FOUND,
        errors.ALIAS_NOT_FOUND,
        errors.INVALID_ACCESS_KEY_ID,
    ),
)
def describe_key(ctx: Context, *, key_id: KeyId) -> DescribedKey:
    """Describe a key: everything but its material."""
    key = ctx.key(key_id)
    metadata = cast("ProtectedKeyMetadata", _metadata(key))
    metadata["DeletionProtection"] = "Enabled" if key.deletion_protection else "Disabled"
    if key.deletion_protection_description:
        metadata["DeletionProtectionDescription"] = key.deletion_protection_description
    return {"KeyMetadata": metadata}


@operation("ListKeys", container="key")
def list_keys(
    ctx: Context, *, page_number: PageNumber = 1, page_size: PageSize = 10, filters: Filters | None = None
) -> KeyPage:
    """List the keys of this region, in order of creation; those that wait for deletion too."""
    names = ctx.partition[aliases]
    attributes: Attributes[Key] = {**_FILTERS, "AliasName": lambda key: names.ids(ALIASES_OF_KEY, key.id)}
    found, counts = page(filtered(ctx.partition[keys].values(), filters, attributes), page_number, page_size)
    return {"Keys": {"Key": [{"KeyId": key.id, "KeyArn": key.arn} for key in found]}, **counts}


@operation("UpdateKeyDescription", errors=(errors.KEY_PENDING_DELETION,))
def update_key_description(ctx: Context, *, key_id: KeyId, description: Description) -> Empty:
    """Replace the description of a key; an empty one removes it."""
    key = ctx.key_by_id(key_id).after("update description")
    ctx.partition[keys].put(replace(key, description=description))
    return {}


# -- states -----------------------------------------------------------------------------------------------------------

_STATE_TABLE = (
    errors.KMS_INVALID_PARAMETER,
    errors.KEY_NOT_FOUND,
    errors.INVALID_ACCESS_KEY_ID,
    errors.KEY_STATE_NOT_MODIFIED,
)


@operation(
    "EnableKey", errors=(errors.KMS_INVALID_PARAMETER, errors.INVALID_ACCESS_KEY_ID, errors.KEY_STATE_NOT_MODIFIED)
)
def enable_key(ctx: Context, *, key_id: KeyId) -> Empty:
    """Make a key usable again; a suspended rotation goes on, an overdue one happens at once."""
    ctx.partition[keys].put(ctx.key_by_id(key_id).after("enable").resumed(ctx.now))
    ctx.partition.settle(ctx.now)
    return {}


@operation("DisableKey", errors=_STATE_TABLE)
def disable_key(ctx: Context, *, key_id: KeyId) -> Empty:
    """Make a key unusable until it is enabled again."""
    ctx.partition[keys].put(ctx.key_by_id(key_id).after("disable"))
    return {}


@operation("ScheduleKeyDeletion", errors=(*_STATE_TABLE, errors.THROTTLING, errors.DELETION_PROTECTED))
def schedule_key_deletion(ctx: Context, *, key_id: KeyId, pending_window_in_days: PendingWindow) -> Empty:
    """Plan the deletion of a key; until its date it cannot be used, and CancelKeyDeletion brings it back."""
    key = ctx.key_by_id(key_id).after("schedule deletion")
    if key.deletion_protection:
        raise errors.DELETION_PROTECTED(f"Key {key.id} is protected; SetDeletionProtection removes that.")
    ctx.partition[keys].put(replace(key, deletion_date=ctx.now + pending_window_in_days * DAY))
    return {}


@operation(
    "CancelKeyDeletion",
    errors=_STATE_TABLE,
    inferred=(
        "A key without its imported material is PendingImport afterwards: the documents say Enabled, but it cannot be used.",
    ),
)
def cancel_key_deletion(ctx: Context, *, key_id: KeyId) -> Empty:
    """Bring a key back: Enabled, whatever it was before (design.md 6), or waiting for its material if it has none."""
    key = ctx.key_by_id(key_id)
    key = key.after("cancel deletion" if key.has_material else "cancel deletion without material")
    ctx.partition[keys].put(replace(key, deletion_date=None).resumed(ctx.now))
    ctx.partition.settle(ctx.now)
    return {}


@operation(
    "SetDeletionProtection",
    inferred=(
        "The protection of a key changes in every state but PendingDeletion: prose says only that the key must not be in it.",
    ),
)
def set_deletion_protection(
    ctx: Context,
    *,
    enable_deletion_protection: bool,
    protected_resource_arn: ResourceArn | None = None,
    deletion_protection_description: ProtectionDescription = "",
    key_id: KeyId | None = None,
    kms_instance_id: ProtectedInstanceId | None = None,
) -> Empty:
    """Protect one key or KMS instance from deletion, or no longer; a description counts only while protected."""
    named = [name for name in (protected_resource_arn, key_id, kms_instance_id) if name is not None]
    if not named:
        raise errors.MISSING_PARAMETER("No key or instance is named.", name="ProtectedResourceArn")
    if len(named) > 1:
        raise errors.INVALID_PARAMETER(
            "Exactly one of ProtectedResourceArn, KeyId and KmsInstanceId names the resource.",
            name="ProtectedResourceArn",
        )
    reason = deletion_protection_description if enable_deletion_protection else ""
    if kms_instance_id is not None or ":keystore/" in named[0]:
        instance = ctx.instance(named[0])
        ctx.partition[instances].put(
            replace(instance, deletion_protection=enable_deletion_protection, deletion_protection_description=reason)
        )
        return {}
    key = ctx.key_by_id(named[0]).after("protect")
    ctx.partition[keys].put(
        replace(key, deletion_protection=enable_deletion_protection, deletion_protection_description=reason)
    )
    return {}
