"""Secrets as such: create, describe, list, update, delete, restore."""

from typing import Any, NotRequired, TypedDict

import msgspec
from msgspec.structs import replace

from kms_mock.kms import errors, inferred
from kms_mock.kms.context import Context
from kms_mock.kms.model import secret_types
from kms_mock.kms.model.instance import instance_or_default
from kms_mock.kms.model.policies import check_policy
from kms_mock.kms.model.quotas import check_room_for_secret
from kms_mock.kms.model.rotation import NEW_SECRET_INTERVALS, checked_interval
from kms_mock.kms.model.secret import (
    CURRENT,
    PREVIOUS,
    DataType,
    Secret,
    check_data_size,
    secrets,
)
from kms_mock.kms.model.secret_types import SecretType, Values
from kms_mock.kms.operations.results import (
    Attributes,
    NamedSecret,
    Page,
    TagList,
    checked_tags,
    filtered,
    page,
    rotation_fields,
    rotation_plan,
    tag_entries,
)
from kms_mock.kms.parameters import (
    CustomData,
    Description,
    ExtendedConfigText,
    Filters,
    InstanceId,
    Interval,
    PageNumber,
    PageSize,
    PolicyText,
    RecoveryWindow,
    SecretData,
    SecretName,
    SecretNameOrArn,
    Tags,
    VersionId,
)
from kms_mock.rpc.api import operation
from kms_mock.store.times import DAY, iso

_FILTERS: Attributes[Secret] = {
    "SecretName": lambda secret: (secret.name,),
    "Description": lambda secret: (secret.description,),
    "TagKey": lambda secret: secret.tags,
    "TagValue": lambda secret: secret.tags.values(),
    "DKMSInstanceId": lambda secret: (secret.instance_id or "",),
    "SecretType": lambda secret: (secret.type,),
    "Creator": lambda secret: (secret.creator,),
}


class CreatedSecret(TypedDict):
    Arn: str
    SecretName: str
    VersionId: str
    SecretType: str
    DKMSInstanceId: NotRequired[str]
    AutomaticRotation: NotRequired[str]
    RotationInterval: NotRequired[str]
    NextRotationDate: NotRequired[str]
    ExtendedConfig: NotRequired[str]


class SecretMetadata(TypedDict):
    Arn: str
    SecretName: str
    SecretType: str
    Description: str
    CreateTime: str
    UpdateTime: str
    OwingService: str
    EncryptionKeyId: NotRequired[str]
    DKMSInstanceId: NotRequired[str]
    PlannedDeleteTime: NotRequired[str]
    LastRotationDate: NotRequired[str]
    AutomaticRotation: NotRequired[str]
    RotationInterval: NotRequired[str]
    NextRotationDate: NotRequired[str]
    ExtendedConfig: NotRequired[str]
    Tags: NotRequired[TagList]


class SecretSummary(TypedDict):
    SecretName: str
    SecretType: str
    CreateTime: str
    UpdateTime: str
    OwingService: str
    PlannedDeleteTime: NotRequired[str]
    Tags: NotRequired[TagList]


class SecretSummaries(TypedDict):
    Secret: list[SecretSummary]


class SecretPage(Page):
    SecretList: SecretSummaries


class DeletedSecret(TypedDict):
    SecretName: str
    PlannedDeleteTime: str


@operation(
    "CreateSecret",
    errors=(
        errors.KMS_INVALID_PARAMETER,
        errors.UNSUPPORTED_OPERATION,
        errors.LIMIT_EXCEEDED,
        errors.SHARE_QUOTA_EXCEEDED,
        errors.INSTANCE_NOT_FOUND,
        errors.CREATE_SECRET_KEY_NOT_FOUND,
        errors.SECRET_EXISTS,
        errors.SECRET_NAME_IN_DELETE_WINDOW,
        errors.CREATE_INTERNAL_FAILURE,
        # The table of 2021, same codes in other words:
        errors.ENCRYPT_INVALID_PARAMETER,
        errors.SECRET_QUOTA_EXCEEDED,
        errors.DESCRIBE_SECRET_NO_PERMISSION,
        errors.OLD_CREATE_SECRET_INTERNAL_FAILURE,
        errors.CREATE_SECRET_THROTTLING,
    ),
    inferred=(
        "A key or alias that does not exist is refused with the only 404 of the published table.",
        "The second account of a managed secret waits as ACSPrevious, under a version id of its own.",
        inferred.POLICY_IN_INSTANCE,
    ),
)
def create_secret(
    ctx: Context,
    *,
    secret_name: SecretName,
    version_id: VersionId,
    secret_data: SecretData,
    encryption_key_id: str | None = None,
    secret_data_type: DataType = "text",
    description: Description = "",
    tags: Tags | None = None,
    secret_type: SecretType = "Generic",
    extended_config: ExtendedConfigText | None = None,
    enable_automatic_rotation: bool = False,
    rotation_interval: Interval | None = None,
    dkms_instance_id: InstanceId | None = None,
    policy: PolicyText | None = None,
) -> CreatedSecret:
    """Create a secret with its first version, which is marked ACSCurrent."""
    config = _config(secret_type, extended_config)
    name = _full_name(secret_type, secret_name, config)
    arn = ctx.arn(f"secret/{name}")
    ctx.authorize(arn)
    dkms_instance_id = instance_or_default(ctx.partition, dkms_instance_id)
    check_data_size(secret_data)
    if secret_type != "Generic" and secret_data_type != "text":
        raise errors.INVALID_PARAMETER(f"The value of a {secret_type} secret is text.", name="SecretDataType")
    key_id = _encryption_key(ctx, encryption_key_id, dkms_instance_id)
    if policy is not None:
        check_policy(policy, dkms_instance_id)
    interval = None
    if enable_automatic_rotation and secret_type != "Generic":
        interval = checked_interval(rotation_interval, NEW_SECRET_INTERVALS)
    _check_name_free(ctx, name)
    check_room_for_secret(ctx.partition, dkms_instance_id)
    secret = Secret(
        name=name,
        arn=arn,
        type=secret_type,
        created=ctx.now,
        updated=ctx.now,
        creator=ctx.caller.account,
        description=description,
        tags=checked_tags({}, tags or []),
        policy=policy,
        encryption_key_id=key_id,
        instance_id=dkms_instance_id,
        extended_config=config,
        rotation_interval=interval,
        next_rotation=None if interval is None else ctx.now + interval,
    )
    secret = _with_first_values(ctx, secret, version_id, secret_data, secret_data_type)
    ctx.partition[secrets].put(secret)
    return _created(secret, version_id)


def _created(secret: Secret, version_id: str) -> CreatedSecret:
    created: CreatedSecret = {
        "Arn": secret.arn,
        "SecretName": secret.name,
        "VersionId": version_id,
        "SecretType": secret.type,
    }
    if secret.instance_id is not None:
        created["DKMSInstanceId"] = secret.instance_id
    if secret.extended_config is not None:
        created["ExtendedConfig"] = msgspec.json.encode(secret.extended_config).decode()
    return {**created, **rotation_plan(secret)}


def _full_name(secret_type: SecretType, name: str, config: dict[str, Any] | None) -> str:
    try:
        return secret_types.full_name(secret_type, name, config)
    except ValueError as error:
        raise errors.INVALID_PARAMETER(str(error), name="SecretName") from error


def _config(secret_type: SecretType, text: str | None) -> dict[str, Any] | None:
    try:
        return secret_types.parse_config(secret_type, text or "")
    except ValueError as error:
        raise errors.INVALID_PARAMETER(f"ExtendedConfig: {error}", name="ExtendedConfig") from error


def _encryption_key(ctx: Context, key_id: str | None, instance_id: str | None) -> str | None:
    """Return the id of the key that shall protect the values: symmetric, in the same instance, usable by the caller."""
    if key_id is None:
        return None
    home = ctx.partition
    try:
        key = ctx.key(key_id, "kms:GenerateDataKey")
    except errors.ApiError as error:
        if error.spec in (errors.KEY_NOT_FOUND, errors.ALIAS_NOT_FOUND):
            raise errors.CREATE_SECRET_KEY_NOT_FOUND(error.reason) from error
        raise
    if not key.spec.encrypts_symmetrically:
        raise errors.UNSUPPORTED_OPERATION(f"Key {key.id} is {key.spec_name}; secrets need a symmetric key.")
    if key.instance_id != instance_id or ctx.partition is not home:
        raise errors.INVALID_PARAMETER("The key is not in the secret's KMS instance.", name="EncryptionKeyId")
    return key.id


def _check_name_free(ctx: Context, name: str) -> None:
    existing = ctx.partition[secrets].get(name)
    if existing is not None:
        row = errors.SECRET_EXISTS if existing.planned_delete is None else errors.SECRET_NAME_IN_DELETE_WINDOW
        raise row(f"There is a secret {name} already, live or in its recovery window.")


def _with_first_values(ctx: Context, secret: Secret, version_id: str, data: str, data_type: DataType) -> Secret:
    values = Values(data)
    if secret.extended_config is not None:
        try:
            values = secret_types.first_values(
                secret.type, secret.extended_config, data, ctx.now, ctx.sources.random_bytes
            )
        except ValueError as error:
            raise errors.INVALID_PARAMETER(f"SecretData: {error}", name="SecretData") from error
    if values.previous is not None:
        previous = ctx.sources.new_id()
        secret = secret.with_value(ctx.partition, previous, values.previous, [PREVIOUS], ctx.now, data_type)
    return secret.with_value(ctx.partition, version_id, values.current, [CURRENT], ctx.now, data_type)


@operation(
    "DescribeSecret",
    errors=(
        errors.KMS_INVALID_PARAMETER,
        errors.ILLEGAL_TIMESTAMP,
        errors.DESCRIBE_SECRET_NO_PERMISSION,
        errors.SECRET_NOT_FOUND,
        errors.INVALID_ACCESS_KEY_ID,
    ),
)
def describe_secret(ctx: Context, *, secret_name: SecretNameOrArn, fetch_tags: bool = False) -> SecretMetadata:
    """Describe a secret, without its values; also while it waits for deletion."""
    secret = ctx.secret(secret_name)
    metadata: SecretMetadata = {
        "Arn": secret.arn,
        "SecretName": secret.name,
        "SecretType": secret.type,
        "Description": secret.description,
        "CreateTime": iso(secret.created),
        "UpdateTime": iso(secret.updated),
        "OwingService": secret.owning_service,
    }
    if secret.encryption_key_id is not None:
        metadata["EncryptionKeyId"] = secret.encryption_key_id
    if secret.instance_id is not None:
        metadata["DKMSInstanceId"] = secret.instance_id
    if secret.planned_delete is not None:
        metadata["PlannedDeleteTime"] = iso(secret.planned_delete)
    if secret.extended_config is not None:
        metadata["ExtendedConfig"] = msgspec.json.encode(secret.extended_config).decode()
    if fetch_tags:
        metadata["Tags"] = {"Tag": tag_entries(secret.tags)}
    return {**metadata, **rotation_fields(secret)}


@operation("ListSecrets", errors=(*errors.SECRET_TABLE, errors.INVALID_ACCESS_KEY_ID), container="secret")
def list_secrets(
    ctx: Context,
    *,
    fetch_tags: bool = False,
    page_number: PageNumber = 1,
    page_size: PageSize = 10,
    filters: Filters | None = None,
) -> SecretPage:
    """List the secrets of this region, in order of creation; those that wait for deletion too."""
    matching = filtered(ctx.partition[secrets].values(), filters, _FILTERS)
    found, counts = page(matching, page_number, page_size)
    return {"SecretList": {"Secret": [_summary(secret, fetch_tags) for secret in found]}, **counts}


def _summary(secret: Secret, fetch_tags: bool) -> SecretSummary:
    summary: SecretSummary = {
        "SecretName": secret.name,
        "SecretType": secret.type,
        "CreateTime": iso(secret.created),
        "UpdateTime": iso(secret.updated),
        "OwingService": secret.owning_service,
    }
    if secret.planned_delete is not None:
        summary["PlannedDeleteTime"] = iso(secret.planned_delete)
    if fetch_tags:
        summary["Tags"] = {"Tag": tag_entries(secret.tags)}
    return summary


@operation(
    "UpdateSecret",
    errors=(*errors.SECRET_TABLE, errors.SECRET_VERSION_EXISTS, errors.SECRET_IN_DELETE_WINDOW),
)
def update_secret(
    ctx: Context,
    *,
    secret_name: SecretNameOrArn,
    description: Description | None = None,
    extended_config_custom_data: CustomData | None = None,
) -> NamedSecret:
    """Change a secret's description, and the custom data of a managed one."""
    secret = ctx.live_secret(secret_name)
    if extended_config_custom_data is not None:
        if secret.extended_config is None:
            raise errors.INVALID_PARAMETER("A Generic secret has no custom data.", name="ExtendedConfig.CustomData")
        config = {**secret.extended_config, "CustomData": extended_config_custom_data}
        secret = replace(secret, extended_config=config)
    if description is not None:
        secret = replace(secret, description=description)
    ctx.partition[secrets].put(replace(secret, updated=ctx.now))
    return {"SecretName": secret.name}


@operation(
    "DeleteSecret",
    errors=(
        *errors.USUAL_TABLE,
        errors.SECRET_NOT_FOUND,
        errors.SECRET_IN_DELETE_WINDOW,
        errors.SECRET_INTERNAL_FAILURE,
    ),
)
def delete_secret(
    ctx: Context,
    *,
    secret_name: SecretNameOrArn,
    force_delete_without_recovery: bool = False,
    recovery_window_in_days: RecoveryWindow | None = None,
) -> DeletedSecret:
    """Delete a secret at once, or plan it: until then RestoreSecret brings it back whole."""
    if force_delete_without_recovery and recovery_window_in_days is not None:
        raise errors.INVALID_PARAMETER("A forced deletion has no recovery window.", name="RecoveryWindowInDays")
    secret = ctx.live_secret(secret_name)
    if force_delete_without_recovery:
        ctx.partition[secrets].remove(secret)
        return {"SecretName": secret.name, "PlannedDeleteTime": iso(ctx.now)}
    planned = ctx.now + (recovery_window_in_days or 30) * DAY
    ctx.partition[secrets].put(replace(secret, planned_delete=planned, updated=ctx.now))
    return {"SecretName": secret.name, "PlannedDeleteTime": iso(planned)}


@operation("RestoreSecret", errors=(*errors.SECRET_TABLE, errors.SECRET_NOT_DELETED))
def restore_secret(ctx: Context, *, secret_name: SecretNameOrArn) -> NamedSecret:
    """Bring a secret back from its recovery window."""
    secret = ctx.secret(secret_name)
    if secret.planned_delete is None:
        raise errors.SECRET_NOT_DELETED(f"Secret {secret.name} is not planned for deletion.")
    ctx.partition[secrets].put(replace(secret, planned_delete=None, updated=ctx.now))
    return {"SecretName": secret.name}
