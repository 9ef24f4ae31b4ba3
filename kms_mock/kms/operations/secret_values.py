"""Secret values: put, get, get a batch, list versions, move stages; and random passwords.

In a declaration `errors` is the published table, plus rows that `inferred` or a comment marks, and `inferred` are rules
that no document states. A handler may raise an error that is not in its table: the gateway then takes the table's text
for that code, if it has one. A missing permission on a resource mostly keeps its own text, which names the ARN
(`Operation.reworded`).
"""

from typing import NotRequired, TypedDict

import msgspec
from msgspec.structs import replace

from kms_mock.kms import errors, inferred
from kms_mock.kms.context import Context
from kms_mock.kms.errors import ApiError
from kms_mock.kms.model import passwords
from kms_mock.kms.model.attestation import refuse_recipient
from kms_mock.kms.model.instance import connected_instance
from kms_mock.kms.model.key import keys
from kms_mock.kms.model.secret import (
    CURRENT,
    PREVIOUS,
    DataType,
    Secret,
    SecretVersion,
    check_data_size,
    secrets,
    with_stage_moved,
)
from kms_mock.kms.operations.results import NamedSecret, Page, page, rotation_fields
from kms_mock.kms.parameters import (
    PageNumber,
    PageSize,
    PasswordLength,
    Recipient,
    SecretData,
    SecretNameOrArn,
    SecretsList,
    VersionId,
    VersionStage,
    VersionStages,
)
from kms_mock.rpc.api import operation
from kms_mock.store.times import iso


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
        errors.SECRET_INVALID_PARAMETER,
        errors.PUT_SECRET_VALUE_NO_PERMISSION,
        errors.SECRET_NOT_FOUND,
        errors.SECRET_INTERNAL_FAILURE,
        errors.SECRET_LIMIT_EXCEEDED,
        errors.SECRET_VERSION_EXISTS,
        errors.SECRET_IN_DELETE_WINDOW,
    ),
    inferred=("Rejected.ResourceInDeleteWindow is not in the published table (design.md 6).",),
)
def put_secret_value(
    ctx: Context,
    *,
    version_id: VersionId,
    secret_name: SecretNameOrArn,
    secret_data: SecretData,
    secret_data_type: DataType = "text",
    version_stages: VersionStages | None = None,
) -> PutResult:
    """Store a new version of a Generic secret and mark it, by default as ACSCurrent.

    A version id that exists changes nothing when it holds the same value, and is refused when it holds another one.
    """
    secret = ctx.live_secret(secret_name)  # permitted, not being deleted; `ctx.partition` is now where it is
    if secret.managed:
        raise errors.INVALID_PARAMETER("PutSecretValue is for Generic secrets only.", name="SecretName")
    check_data_size(secret_data)
    existing = secret.versions.get(version_id)
    if existing is None:
        stages = version_stages or [CURRENT]
        # This may also move ACSPrevious, and drop the earliest version without a stage.
        secret = secret.with_value(ctx.partition, version_id, secret_data, stages, ctx.now, secret_data_type)
        secret = replace(secret, updated=ctx.now)
        ctx.partition[secrets].put(secret)
    elif secret.value(ctx.partition, existing) != secret_data.encode():
        raise errors.SECRET_VERSION_EXISTS(f"Version {version_id} of {secret.name} holds another value.")
    return {
        "SecretName": secret.name,
        "VersionId": version_id,
        "VersionStages": {"VersionStage": secret.stages_of(version_id)},
    }


@operation(
    "GetSecretValue",
    errors=(
        errors.ACCESS_NOT_FOUND,  # also the answer to SECRET_NOT_FOUND, which has the same code
        errors.INSTANCE_STATE_INVALID,
        errors.INSTANCE_NOT_FOUND,
        errors.KEY_NOT_FOUND,
        # Not in the published table. Without these two, their errors would get the texts of the last two rows.
        errors.NO_PERMISSION,
        errors.INVALID_PARAMETER,
        errors.NO_PERMISSION_FOR_KEY,
        errors.INVALID_ACCESS_KEY_ID_PARAMETER,
    ),
    inferred=(inferred.STAGE_AND_VERSION,),
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
    """Return the value of one version: the current one unless a stage or a version id says otherwise."""
    refuse_recipient(recipient)
    return read_value(ctx, secret_name, version_stage, version_id, fetch_extended_config)


def read_value(
    ctx: Context, name: str, stage: str | None, version_id: str | None, fetch_extended_config: bool
) -> SecretValue:
    """Check the secret, its instance and the right to decrypt; return what GetSecretValue answers.

    The permission for the secret is that of the operation that runs, GetSecretValue or BatchGetSecretValue.
    """
    secret = ctx.secret(name)  # checks the permission; `ctx.partition` is now where it is
    if secret.planned_delete is not None:  # the value answers 404, where changes answer 409 (design.md 6)
        raise errors.SECRET_NOT_FOUND(f"Secret {secret.name} is in its recovery window.")
    if secret.instance_id is not None:
        connected_instance(ctx.partition, secret.instance_id)  # raises unless it is
    version = _version_asked_for(secret, stage, version_id)
    # An application with a client key needs no permission for the secret's key (behaviour.md 12); everybody else does.
    if secret.encryption_key_id is not None and ctx.caller.application is None:
        key = ctx.partition[keys].find(secret.encryption_key_id)
        if not ctx.may(key.arn, key.policy, "kms:Decrypt", key.tags):
            raise errors.NO_PERMISSION_FOR_KEY(f"{ctx.caller.arn} may not do kms:Decrypt on {key.arn}.", key=key.id)
    value: SecretValue = {
        "SecretName": secret.name,
        "SecretType": secret.type,
        "VersionId": version.id,
        "VersionStages": {"VersionStage": secret.stages_of(version.id)},
        "SecretData": secret.value(ctx.partition, version).decode(),
        "SecretDataType": version.data_type,
        "CreateTime": iso(secret.created),  # of the secret, not of the version (behaviour.md 7)
    }
    if not secret.managed:
        return value
    if fetch_extended_config:
        value["ExtendedConfig"] = msgspec.json.encode(secret.extended_config).decode()
    return {**value, **rotation_fields(secret)}


def _version_asked_for(secret: Secret, stage: str | None, version_id: str | None) -> SecretVersion:
    """Return one version; of a managed secret the previous one for ACSPrevious, the current one for all else."""
    if secret.managed:
        return secret.staged(PREVIOUS if stage == PREVIOUS else CURRENT)
    if version_id is None:
        return secret.staged(stage or CURRENT)
    version = secret.version(version_id)
    if stage is not None and secret.stages.get(stage) != version_id:
        raise errors.SECRET_NOT_FOUND(f"Version {version_id} of {secret.name} is not marked {stage}.")
    return version


@operation("BatchGetSecretValue", inferred=(inferred.STAGE_AND_VERSION, inferred.NO_TABLE))
def batch_get_secret_value(ctx: Context, *, secrets_list: SecretsList) -> BatchResult:
    """Return the values of up to 20 secrets; what fails for one does not fail the others."""
    result: BatchResult = {"SecretValues": [], "Errors": []}
    home = ctx.partition
    for wanted in secrets_list:
        ctx.partition = home  # the ARN before may have moved it to another account
        fetch = str(wanted.FetchExtendedConfig).lower() == "true"  # a Boolean, or "true" as in a query
        try:
            # "" counts as absent, as in a query.
            value = read_value(ctx, wanted.SecretName, wanted.VersionStage or None, wanted.VersionId or None, fetch)
        except ApiError as refusal:
            error = get_secret_value.reworded(refusal)  # an Operation: in the texts of its table
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
    versions = [version for version in secret.versions.values() if include_deprecated or secret.stages_of(version.id)]
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
    inferred=("The stages of a managed secret follow its rotation; moving them by hand is refused.",),
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
        raise errors.SECRET_STAGES_ABNORMAL("The stages of a managed secret follow its rotation.")
    if remove_from_version is None and move_to_version is None:
        raise errors.INVALID_PARAMETER("RemoveFromVersion or MoveToVersion is required.", name="MoveToVersion")
    moved = with_stage_moved(secret, version_stage, remove_from_version, move_to_version)
    ctx.partition[secrets].put(replace(moved, updated=ctx.now))
    return {"SecretName": secret.name}


@operation("GetRandomPassword", errors=(errors.SECRET_INVALID_PARAMETER, errors.SECRET_INTERNAL_FAILURE), container="*")
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
    """Make a random password from the character classes that are not excluded."""
    character_classes = (
        (exclude_lowercase, passwords.LOWERCASE),
        (exclude_uppercase, passwords.UPPERCASE),
        (exclude_numbers, passwords.NUMBERS),
        (exclude_punctuation, passwords.PUNCTUATION),
    )
    if set(exclude_characters) - {character for _, characters in character_classes for character in characters}:
        raise errors.INVALID_PARAMETER(
            "ExcludeCharacters has a character that passwords never contain.", name="ExcludeCharacters"
        )
    included = [characters for excluded, characters in character_classes if not excluded]
    remaining = ["".join(sorted(set(characters) - set(exclude_characters))) for characters in included]
    usable_classes = [characters for characters in remaining if characters]
    if not usable_classes:
        raise errors.INVALID_PARAMETER("No character is left for a password.", name="ExcludeCharacters")
    password = passwords.random_password(
        password_length, usable_classes, ctx.sources.random_bytes, one_of_each=require_each_included_type
    )
    return {"RandomPassword": password}
