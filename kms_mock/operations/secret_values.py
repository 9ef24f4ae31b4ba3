"""The values and versions of secrets: put, get, list, stage, rotate; and random passwords to put there."""

from typing import NotRequired, TypedDict

import msgspec
from msgspec.structs import replace

from kms_mock import errors
from kms_mock.context import Context
from kms_mock.errors import ApiError
from kms_mock.model import passwords
from kms_mock.model.secret import (
    CURRENT,
    PREVIOUS,
    Secret,
    SecretVersion,
    check_data,
    with_stage_moved,
    with_version,
)
from kms_mock.model.times import iso
from kms_mock.operation import operation
from kms_mock.operations.shapes import NamedSecret, Page, page, rotation_fields
from kms_mock.parameters import (
    PageNumber,
    PageSize,
    PasswordLength,
    Recipient,
    SecretData,
    SecretDataType,
    SecretNameOrArn,
    SecretsList,
    VersionId,
    VersionStage,
    VersionStages,
)


class StageList(TypedDict):
    VersionStage: list[str]


class PutResult(TypedDict):
    SecretName: str
    VersionId: str
    VersionStages: StageList


class SecretValue(TypedDict):
    SecretName: str
    SecretType: str
    VersionId: str
    VersionStages: StageList
    SecretData: str
    SecretDataType: str
    CreateTime: str
    AutomaticRotation: NotRequired[str]
    RotationInterval: NotRequired[str]
    NextRotationDate: NotRequired[str]
    LastRotationDate: NotRequired[str]
    ExtendedConfig: NotRequired[str]


class BatchedValue(SecretValue):
    RequestId: str


class BatchError(TypedDict):
    SecretName: str
    Code: str
    HttpStatus: int
    Message: str


class BatchResult(TypedDict):
    SecretValues: list[BatchedValue]
    Errors: list[BatchError]


class VersionEntry(TypedDict):
    VersionId: str
    CreateTime: str
    VersionStages: StageList


class VersionEntries(TypedDict):
    VersionId: list[VersionEntry]


class VersionPage(Page):
    SecretName: str
    VersionIds: VersionEntries


class RandomPassword(TypedDict):
    RandomPassword: str


@operation(
    "PutSecretValue",
    errors=(
        *errors.SECRET_TABLE,
        errors.SECRET_LIMIT_EXCEEDED,
        errors.SECRET_VERSION_EXISTS,
        errors.SECRET_IN_DELETE_WINDOW,  # inferred: not in its table (DESIGN 6)
    ),
)
def put_secret_value(
    ctx: Context,
    *,
    version_id: VersionId,
    secret_name: SecretNameOrArn,
    secret_data: SecretData,
    secret_data_type: SecretDataType = "text",
    version_stages: VersionStages | None = None,
) -> PutResult:
    """Store a new version of a Generic secret and mark it, by default as ACSCurrent.

    A version id that exists is ignored when it holds the same value, and refused when it holds another one.
    """
    secret = ctx.live_secret(secret_name)
    if secret.managed:
        raise errors.INVALID_PARAMETER("PutSecretValue is for Generic secrets only.", name="SecretName")
    check_data(secret_data)
    existing = secret.versions.get(version_id)
    if existing is None:
        sealed = ctx.partition.seal(secret.name, version_id, secret_data.encode(), secret.encryption_key_id)
        version = SecretVersion(version_id, ctx.now, secret_data_type, sealed)
        secret = replace(with_version(secret, version, version_stages or [CURRENT]), updated=ctx.now)
        ctx.partition.put_secret(secret)
    elif ctx.partition.unseal(secret, existing) != secret_data.encode():
        raise errors.SECRET_VERSION_EXISTS(f"Version {version_id} of {secret.name} holds another value.")
    return {
        "SecretName": secret.name,
        "VersionId": version_id,
        "VersionStages": {"VersionStage": secret.stages_of(version_id)},
    }


@operation(
    "GetSecretValue",
    errors=(
        errors.RESOURCE_NOT_FOUND_DOT,
        errors.INSTANCE_STATE_INVALID,
        errors.INSTANCE_NOT_FOUND,
        errors.KEY_NOT_FOUND,
        # Not in its table, and before the two special texts below: a refusal of the secret itself (behaviour.md 21),
        # and a parameter other than AccessKeyId.
        errors.NO_PERMISSION,
        errors.INVALID_PARAMETER,
        errors.NO_PERMISSION_FOR_KEY,
        errors.INVALID_ACCESS_KEY_ID_PARAMETER,
        errors.RESOURCE_NOT_FOUND,
    ),
    dry_run=True,
)
def get_secret_value(
    ctx: Context,
    *,
    secret_name: SecretNameOrArn,
    version_stage: VersionStage | None = None,
    version_id: VersionId | None = None,
    fetch_extended_config: bool = False,
    recipient: Recipient | None = None,
) -> SecretValue:
    """Give the value of one version: the current one unless a stage or a version id says otherwise."""
    if recipient is not None:
        raise errors.UNSUPPORTED_OPERATION("Attested recipients are not supported.")
    return _value(ctx, secret_name, version_stage, version_id, fetch_extended_config)


def _value(
    ctx: Context, name: str, stage: str | None, version_id: str | None, fetch_extended_config: bool
) -> SecretValue:
    secret = ctx.secret(name)
    if secret.planned_delete is not None:  # DESIGN 6
        raise errors.RESOURCE_NOT_FOUND(f"Secret {secret.name} is in its recovery window.")
    if secret.instance_id is not None:
        ctx.partition.connected_instance(secret.instance_id)
    version = _pick(secret, stage, version_id)
    if secret.encryption_key_id is not None:
        key = ctx.partition.key(secret.encryption_key_id)
        if not ctx.may(key.arn, key.policy, "kms:Decrypt"):
            raise errors.NO_PERMISSION_FOR_KEY(f"{ctx.caller.arn} may not do kms:Decrypt on {key.arn}.", key=key.id)
    value: SecretValue = {
        "SecretName": secret.name,
        "SecretType": secret.type,
        "VersionId": version.id,
        "VersionStages": {"VersionStage": secret.stages_of(version.id)},
        "SecretData": ctx.partition.unseal(secret, version).decode(),
        "SecretDataType": version.data_type,
        "CreateTime": iso(secret.created),
    }
    if not secret.managed:
        return value
    if fetch_extended_config:
        value["ExtendedConfig"] = msgspec.json.encode(secret.extended_config).decode()
    return {**value, **rotation_fields(secret)}


def _pick(secret: Secret, stage: str | None, version_id: str | None) -> SecretVersion:
    """Find the version asked for. A managed secret has only its current and previous value; the rest is ignored."""
    if secret.managed:
        return secret.staged(PREVIOUS if stage == PREVIOUS else CURRENT)
    if version_id is None:
        return secret.staged(stage or CURRENT)
    version = secret.version(version_id)
    if stage is not None and secret.stages.get(stage) != version_id:  # inferred: given both, both must fit
        raise errors.RESOURCE_NOT_FOUND(f"Version {version_id} of {secret.name} is not marked {stage}.")
    return version


@operation("BatchGetSecretValue")
def batch_get_secret_value(ctx: Context, *, secrets_list: SecretsList) -> BatchResult:
    """Give the values of up to 20 secrets; what fails for one does not fail the others."""
    result: BatchResult = {"SecretValues": [], "Errors": []}
    home = ctx.partition
    for wanted in secrets_list:
        ctx.partition = home  # the ARN of another account must not decide where the next name is looked up
        fetch = str(wanted.FetchExtendedConfig).lower() == "true"
        try:
            value = _value(ctx, wanted.SecretName, wanted.VersionStage, wanted.VersionId, fetch)
        except ApiError as error:
            entry: BatchError = {
                "SecretName": wanted.SecretName,
                "Code": error.spec.code,
                "HttpStatus": error.spec.status,
                "Message": error.message,
            }
            result["Errors"].append(entry)
        else:
            result["SecretValues"].append({**value, "RequestId": ctx.request_id})
    return result


@operation("ListSecretVersionIds", errors=errors.SECRET_TABLE)
def list_secret_version_ids(
    ctx: Context,
    *,
    secret_name: SecretNameOrArn,
    include_deprecated: bool = False,
    page_number: PageNumber = 1,
    page_size: PageSize = 20,
) -> VersionPage:
    """List the versions of a secret, in order of creation; those without a stage only on request."""
    secret = ctx.secret(secret_name)
    versions = [one for one in secret.versions.values() if include_deprecated or secret.stages_of(one.id)]
    found, counts = page(versions, page_number, page_size)
    entries: list[VersionEntry] = [
        {
            "VersionId": version.id,
            "CreateTime": iso(version.created),
            "VersionStages": {"VersionStage": secret.stages_of(version.id)},
        }
        for version in found
    ]
    return {"SecretName": secret.name, "VersionIds": {"VersionId": entries}, **counts}


@operation(
    "UpdateSecretVersionStage",
    errors=(
        *errors.SECRET_TABLE,
        errors.SECRET_LIMIT_EXCEEDED,
        errors.SECRET_PARAM_MISMATCH,
        errors.SECRET_STAGES_ABNORMAL,
        errors.SECRET_IN_DELETE_WINDOW,
    ),
)
def update_secret_version_stage(
    ctx: Context,
    *,
    secret_name: SecretNameOrArn,
    version_stage: VersionStage,
    remove_from_version: VersionId | None = None,
    move_to_version: VersionId | None = None,
) -> NamedSecret:
    """Add, remove or move one stage of a Generic secret."""
    secret = ctx.live_secret(secret_name)
    if secret.managed:
        raise errors.SECRET_STAGES_ABNORMAL("The stages of a managed secret follow its rotation.")  # inferred
    if remove_from_version is None and move_to_version is None:
        raise errors.INVALID_PARAMETER("RemoveFromVersion or MoveToVersion must be there.", name="MoveToVersion")
    moved = with_stage_moved(secret, version_stage, remove_from_version, move_to_version)
    ctx.partition.put_secret(replace(moved, updated=ctx.now))
    return {"SecretName": secret.name}


@operation("GetRandomPassword", errors=(errors.INVALID_PARAMETER_SECRET, errors.INTERNAL_FAILURE_PLAIN))
def get_random_password(
    ctx: Context,
    *,
    password_length: PasswordLength = 32,
    exclude_characters: str = "",
    exclude_lowercase: bool = False,
    exclude_uppercase: bool = False,
    exclude_numbers: bool = False,
    exclude_punctuation: bool = False,
    require_each_included_type: bool = True,  # the metadata's default; its prose says false (behaviour.md 8)
) -> RandomPassword:
    """Make a random password of the wanted kinds of characters."""
    kinds = (
        (exclude_lowercase, passwords.LOWERCASE),
        (exclude_uppercase, passwords.UPPERCASE),
        (exclude_numbers, passwords.NUMBERS),
        (exclude_punctuation, passwords.PUNCTUATION),
    )
    if set(exclude_characters) - {character for _, kind in kinds for character in kind}:
        raise errors.INVALID_PARAMETER(
            "ExcludeCharacters has a character that no password has.", name="ExcludeCharacters"
        )
    left = ["".join(sorted(set(kind) - set(exclude_characters))) for excluded, kind in kinds if not excluded]
    classes = [kind for kind in left if kind]
    if not classes:
        raise errors.INVALID_PARAMETER("No character is left to make a password of.", name="ExcludeCharacters")
    password = passwords.random_password(
        password_length, classes, ctx.sources.random_bytes, each=require_each_included_type
    )
    return {"RandomPassword": password}
