"""Rotation of managed secrets: now, and by themselves."""

from typing import TypedDict

from msgspec.structs import replace

from kms_mock.kms import errors, inferred
from kms_mock.kms.context import Context
from kms_mock.kms.model.rotation import SECRET_INTERVALS, checked_interval
from kms_mock.kms.model.secret import RecentRotations, recent_rotations, secrets
from kms_mock.kms.operations.results import NamedSecret
from kms_mock.kms.parameters import Interval, SecretNameOrArn, VersionId
from kms_mock.rpc.api import operation

_ROTATIONS_PER_HOUR = 50  # behaviour.md 7


class RotatedSecret(TypedDict):
    Arn: str
    SecretName: str
    VersionId: str


@operation(
    "RotateSecret",
    errors=errors.USUAL_TABLE,
    inferred=(
        "That at most 50 secrets are rotated within an hour is documented; which error refuses the next is not.",
        inferred.SSH_KEYS,
    ),
)
def rotate_secret(ctx: Context, *, secret_name: SecretNameOrArn, version_id: VersionId) -> RotatedSecret:
    """Rotate a managed secret now; a version id that exists is ignored. At most 50 rotations per hour and account."""
    secret = ctx.live_secret(secret_name)
    if not secret.managed:
        raise errors.INVALID_PARAMETER("RotateSecret is not for Generic secrets.", name="SecretName")
    if version_id not in secret.versions:
        calls = ctx.partition[recent_rotations].get("") or RecentRotations()
        recent = tuple(moment for moment in calls.times if moment > ctx.now - 3600)
        if len(recent) >= _ROTATIONS_PER_HOUR:
            raise errors.REJECTED_THROTTLING("50 secrets were rotated within the hour.")
        rotated = secret.rotated(ctx.partition, version_id, ctx.now)
        if secret.rotation_interval is not None:
            rotated = replace(rotated, next_rotation=ctx.now + secret.rotation_interval)
        ctx.partition[recent_rotations].put(RecentRotations((*recent, ctx.now)))
        ctx.partition[secrets].put(rotated)
    return {"Arn": secret.arn, "SecretName": secret.name, "VersionId": version_id}


@operation("UpdateSecretRotationPolicy", inferred=(inferred.SSH_KEYS,))
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
    interval = checked_interval(rotation_interval, SECRET_INTERVALS) if enable_automatic_rotation else None
    following = None
    if interval is not None:
        following = max(ctx.now, (secret.last_rotation or secret.created) + interval)
    ctx.partition[secrets].put(replace(secret, rotation_interval=interval, next_rotation=following, updated=ctx.now))
    ctx.partition.settle(ctx.now)
    return {"SecretName": secret.name}
