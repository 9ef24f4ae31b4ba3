"""Keys as such: create, describe, list, enable and disable, delete, protect, policy."""

from collections.abc import Callable, Iterable
from typing import NotRequired, TypedDict, cast

from msgspec.structs import replace

from kms_mock import errors
from kms_mock.context import Context
from kms_mock.crypto.material import KeyMaterial
from kms_mock.crypto.specs import KEY_SPECS, KeySpec
from kms_mock.model import permissions
from kms_mock.model.due import settle
from kms_mock.model.key import (
    Key,
    KeyUsage,
    KeyVersion,
    Origin,
    ProtectionLevel,
    StorageMechanism,
    checked_interval,
    fresh_material,
    pair_work,
)
from kms_mock.model.quotas import check_room_for_key
from kms_mock.model.times import DAY, iso
from kms_mock.operation import operation
from kms_mock.operations.shapes import Empty, Page, checked_tags, grouped, page
from kms_mock.parameters import (
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
    ProtectionDescription,
    ResourceArn,
    Tags,
)

_FILTER_KEYS = (
    "KeyState",
    "KeySpec",
    "KeyUsage",
    "ProtectionLevel",
    "CreatorType",
    "DKMSInstanceId",
    "keyId",
    "AliasName",
    "Creator",
    "TagKey",
    "TagValue",
)
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
    LastRotationDate: str
    AutomaticRotation: str
    PrimaryKeyVersion: NotRequired[str]
    RotationInterval: NotRequired[str]
    NextRotationDate: NotRequired[str]
    DeleteDate: NotRequired[str]
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
        "LastRotationDate": iso(key.created if key.last_rotation is None else key.last_rotation),
        "AutomaticRotation": key.rotation_status,
    }
    if key.spec.symmetric and key.primary_version is not None:  # a key pair has no primary version (behaviour.md 2)
        metadata["PrimaryKeyVersion"] = key.primary_version
    if key.rotation_interval is not None:
        metadata["RotationInterval"] = f"{key.rotation_interval}s"
    if key.next_rotation is not None:
        metadata["NextRotationDate"] = iso(key.next_rotation)
    if key.deletion_date is not None:
        metadata["DeleteDate"] = iso(key.deletion_date)
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
        errors.INVALID_PARAMETER_UNNAMED,
        errors.UNSUPPORTED_OPERATION,
        errors.NO_PERMISSION_400,
        errors.SHARE_QUOTA_EXCEEDED,
        errors.INSTANCE_NOT_FOUND,
        errors.INSTANCE_STATE_INVALID,
        errors.INTERNAL_FAILURE_WIDE,
        errors.SERVICE_UNVAILABLE,
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
    ctx.authorize(ctx.partition.arn("key"))
    dkms_instance_id = ctx.partition.instance_or_default(dkms_instance_id)
    key_id = ctx.sources.new_id()
    version_id = ctx.sources.new_id()
    key = Key(
        id=key_id,
        arn=ctx.partition.arn(f"key/{key_id}"),
        spec_name=key_spec.name,
        usage=_usage(key_spec, key_usage),
        created=ctx.now,
        creator=ctx.caller.account,
        origin=origin,
        protection_level=protection_level,
        state="PendingImport" if origin == "EXTERNAL" else "Enabled",
        description=description,
        versions={version_id: KeyVersion(version_id, ctx.now)},
        primary_version=version_id,
        tags=checked_tags({}, tags or []),
        last_rotation=ctx.now,
    )
    if dkms_instance_id is not None:
        key = _in_instance(ctx, key, dkms_instance_id, key_storage_mechanism)
    if origin == "EXTERNAL":
        _check_importable(key)
    if policy is not None:
        permissions.check_policy(policy, dkms_instance_id)
        key = replace(key, policy=policy)
    if enable_automatic_rotation and key.rotatable:  # elsewhere without effect (api-docs CreateKey)
        interval = checked_interval(rotation_interval)
        key = replace(key, rotation_interval=interval, next_rotation=ctx.now + interval)
    check_room_for_key(ctx.partition, dkms_instance_id)
    if origin == "Aliyun_KMS":
        material = fresh_material(key_spec, ctx.prepared, ctx.sources)
        key = replace(key, versions={version_id: KeyVersion(version_id, ctx.now, material)})
    ctx.partition.put_key(key)
    return {"KeyMetadata": _metadata(key)}


def _usage(spec: KeySpec, usage: KeyUsage | None) -> str:
    if usage is not None and usage not in spec.usages:
        raise errors.UNSUPPORTED_OPERATION(f"A key of spec {spec.name} is for {' or '.join(spec.usages)}.")
    return usage or spec.default_usage


def _in_instance(ctx: Context, key: Key, instance_id: str, mechanism: StorageMechanism) -> Key:
    """Place a new key in an instance, whose kind alone decides the protection level (api-docs CreateKey)."""
    instance = ctx.partition.connected_instance(instance_id)
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
        errors.INVALID_PARAMETER_UNNAMED,
        errors.KEY_NOT_FOUND,
        errors.ALIAS_NOT_FOUND,
        errors.INVALID_ACCESS_KEY_ID,
    ),
)
def describe_key(ctx: Context, *, key_id: KeyId) -> DescribedKey:
    """Give everything about a key but its material."""
    key = ctx.key(key_id)
    metadata = cast("ProtectedKeyMetadata", _metadata(key))
    metadata["DeletionProtection"] = "Enabled" if key.deletion_protection else "Disabled"
    if key.deletion_protection_description:
        metadata["DeletionProtectionDescription"] = key.deletion_protection_description
    return {"KeyMetadata": metadata}


@operation("ListKeys")
def list_keys(
    ctx: Context, *, page_number: PageNumber = 1, page_size: PageSize = 10, filters: Filters | None = None
) -> KeyPage:
    """List the keys of this region, in order of creation; those that wait for deletion too."""
    keys: Iterable[Key] = ctx.partition.keys.values()
    if filters:
        wanted = grouped(filters, _FILTER_KEYS)
        keys = [key for key in keys if _matches(ctx, key, wanted)]
    found, counts = page(list(keys) if filters else ctx.partition.keys.values(), page_number, page_size)
    return {"Keys": {"Key": [{"KeyId": key.id, "KeyArn": key.arn} for key in found]}, **counts}


def _matches(ctx: Context, key: Key, wanted: dict[str, set[str]]) -> bool:
    has: dict[str, set[str]] = {
        "KeyState": {key.state},
        "KeySpec": {key.spec_name},
        "KeyUsage": {key.usage},
        "ProtectionLevel": {key.protection_level},
        "CreatorType": {"User" if key.service is None else "Service"},
        "DKMSInstanceId": {key.instance_id or ""},
        "keyId": {key.id},
        "AliasName": set(ctx.partition.aliases_of_key.get(key.id, ())),
        "Creator": {key.creator},
        "TagKey": set(key.tags),
        "TagValue": set(key.tags.values()),
    }
    return all(has[name] & values for name, values in wanted.items())


@operation("UpdateKeyDescription", errors=(errors.KEY_PENDING_DELETION,))
def update_key_description(ctx: Context, *, key_id: KeyId, description: Description) -> Empty:
    """Replace the description of a key; an empty one removes it."""
    key = ctx.key_by_id(key_id).after("update description")
    ctx.partition.put_key(replace(key, description=description))
    return {}


# -- states -----------------------------------------------------------------------------------------------------------

_STATE_TABLE = (
    errors.INVALID_PARAMETER_UNNAMED,
    errors.KEY_NOT_FOUND,
    errors.INVALID_ACCESS_KEY_ID,
    errors.KEY_STATE_NOT_MODIFIED,
)


@operation(
    "EnableKey", errors=(errors.INVALID_PARAMETER_UNNAMED, errors.INVALID_ACCESS_KEY_ID, errors.KEY_STATE_NOT_MODIFIED)
)
def enable_key(ctx: Context, *, key_id: KeyId) -> Empty:
    """Make a key usable again; a suspended rotation goes on, an overdue one happens at once."""
    ctx.partition.put_key(ctx.key_by_id(key_id).after("enable").resumed(ctx.now))
    settle(ctx.partition, ctx.now)
    return {}


@operation("DisableKey", errors=_STATE_TABLE)
def disable_key(ctx: Context, *, key_id: KeyId) -> Empty:
    """Make a key unusable until it is enabled again."""
    ctx.partition.put_key(ctx.key_by_id(key_id).after("disable"))
    return {}


# inferred: a protected key is refused for sure, how is published nowhere (DESIGN 6)
@operation("ScheduleKeyDeletion", errors=(*_STATE_TABLE, errors.THROTTLING, errors.DELETION_PROTECTED))
def schedule_key_deletion(ctx: Context, *, key_id: KeyId, pending_window_in_days: PendingWindow) -> Empty:
    """Plan the deletion of a key; until its date it cannot be used, and CancelKeyDeletion brings it back."""
    key = ctx.key_by_id(key_id).after("schedule deletion")
    if key.deletion_protection:
        raise errors.DELETION_PROTECTED(f"Key {key.id} is protected; SetDeletionProtection removes that.")
    ctx.partition.put_key(replace(key, deletion_date=ctx.now + pending_window_in_days * DAY))
    return {}


@operation("CancelKeyDeletion", errors=_STATE_TABLE)
def cancel_key_deletion(ctx: Context, *, key_id: KeyId) -> Empty:
    """Bring a key back: Enabled, whatever it was before (DESIGN 6), or waiting for its material if it has none."""
    key = ctx.key_by_id(key_id)
    key = key.after("cancel deletion" if key.has_material else "cancel deletion without material")
    ctx.partition.put_key(replace(key, deletion_date=None).resumed(ctx.now))
    settle(ctx.partition, ctx.now)
    return {}


@operation("SetDeletionProtection")
def set_deletion_protection(
    ctx: Context,
    *,
    enable_deletion_protection: bool,
    protected_resource_arn: ResourceArn | None = None,
    deletion_protection_description: ProtectionDescription = "",
    key_id: KeyId | None = None,
    kms_instance_id: str | None = None,
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
        instance = ctx.partition.instance(named[0].rpartition("/")[2])
        if kms_instance_id is None and instance.arn != named[0]:
            raise errors.INSTANCE_NOT_FOUND("The ARN is of another region or account.")
        ctx.authorize(instance.arn)
        ctx.partition.instances[instance.id] = replace(
            instance, deletion_protection=enable_deletion_protection, deletion_protection_description=reason
        )
        return {}
    key = ctx.key_by_id(named[0]).after("protect")
    ctx.partition.put_key(
        replace(key, deletion_protection=enable_deletion_protection, deletion_protection_description=reason)
    )
    return {}
