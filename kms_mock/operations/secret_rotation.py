"""Rotation of managed secrets: now, and by themselves."""

from typing import TypedDict

from msgspec.structs import replace

from kms_mock import errors
from kms_mock.context import Context
from kms_mock.model.due import rotated_secret, settle
from kms_mock.model.secret import checked_interval
from kms_mock.operation import operation
from kms_mock.operations.shapes import NamedSecret
from kms_mock.parameters import Interval, SecretNameOrArn, VersionId

_ROTATIONS_PER_HOUR = 50  # behaviour.md 7


class RotatedSecret(TypedDict):
    Arn: str
    SecretName: str
    VersionId: str


@operation("RotateSecret", errors=errors.USUAL_TABLE)
def rotate_secret(ctx: Context, *, secret_name: SecretNameOrArn, version_id: VersionId) -> RotatedSecret:
    """Rotate a managed secret now; a version id that exists is ignored. At most 50 rotations per hour and account."""
    secret = ctx.live_secret(secret_name)
    if not secret.managed:
        raise errors.INVALID_PARAMETER("RotateSecret is not for Generic secrets.", name="SecretName")
    if version_id not in secret.versions:
        recent = tuple(moment for moment in ctx.partition.rotations if moment > ctx.now - 3600)
        if len(recent) >= _ROTATIONS_PER_HOUR:
            raise errors.REJECTED_THROTTLING("50 secrets were rotated within the hour.")  # inferred: which error it is
        rotated = rotated_secret(ctx.partition, secret, version_id, ctx.now)
        if secret.rotation_interval is not None:
            rotated = replace(rotated, next_rotation=ctx.now + secret.rotation_interval)
        ctx.partition.rotations = (*recent, ctx.now)
        ctx.partition.put_secret(rotated)
    return {"Arn": secret.arn, "SecretName": secret.name, "VersionId": version_id}


@operation("UpdateSecretRotationPolicy")
def update_secret_rotation_policy(
    ctx: Context,
    *,
    secret_name: SecretNameOrArn,
    enable_automatic_rotation: bool,
    rotation_interval: Interval | None = None,
) -> NamedSecret:
    """Switch automatic rotation of a managed secret on or off; an overdue first rotation happens at once."""
    secret = ctx.live_secret(secret_name)
    if not secret.managed:
        raise errors.INVALID_PARAMETER("A Generic secret does not rotate by itself.", name="SecretName")
    interval = checked_interval(rotation_interval, 7 * 24) if enable_automatic_rotation else None
    following = None
    if interval is not None:
        following = max(ctx.now, (secret.last_rotation or secret.created) + interval)
    ctx.partition.put_secret(replace(secret, rotation_interval=interval, next_rotation=following, updated=ctx.now))
    settle(ctx.partition, ctx.now)
    return {"SecretName": secret.name}
