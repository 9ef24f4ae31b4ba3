"""Secret values through the dedicated gateway."""

from typing import NotRequired, TypedDict

from kms_mock.kms import inferred
from kms_mock.kms.dedicated.context import Context
from kms_mock.kms.operations.secret_values import read_value
from kms_mock.kms.parameters import SecretNameOrArn, VersionId, VersionStage
from kms_mock.rpc.api import operation


class SecretValue(TypedDict):
    SecretName: str
    SecretType: str
    SecretData: str
    SecretDataType: str
    VersionStages: list[str]
    VersionId: str
    CreateTime: str
    RequestId: NotRequired[str]
    LastRotationDate: NotRequired[str]
    NextRotationDate: NotRequired[str]
    ExtendedConfig: NotRequired[str]
    AutomaticRotation: NotRequired[str]
    RotationInterval: NotRequired[str]


@operation("GetSecretValue", inferred=(inferred.STAGE_AND_VERSION,))
def get_secret_value(
    ctx: Context,
    *,
    secret_name: SecretNameOrArn,
    version_stage: VersionStage | None = None,
    version_id: VersionId | None = None,
    fetch_extended_config: bool = False,
) -> SecretValue:
    """Return the value of one version: the current one unless a stage or a version id says otherwise."""
    value = read_value(ctx, secret_name, version_stage, version_id, fetch_extended_config)
    return {**value, "VersionStages": value["VersionStages"]["VersionStage"]}  # type: ignore[typeddict-item]
