"""The policies of secrets in KMS instances."""

from typing import TypedDict

from msgspec.structs import replace

from kms_mock import errors
from kms_mock.context import Context
from kms_mock.model import permissions
from kms_mock.model.secret import Secret
from kms_mock.operation import operation
from kms_mock.operations.shapes import Empty
from kms_mock.parameters import PolicyName, PolicyText, SecretNameOrArn


class PolicyDocument(TypedDict):
    Policy: str


_POLICY_TABLE = (
    errors.INVALID_PARAMETER_UNNAMED,
    errors.MISSING_PARAMETER,
    errors.NO_PERMISSION_400,
    errors.POLICY_UNSUPPORTED,
    errors.INSTANCE_STATE_INVALID,
    errors.RESOURCE_NOT_FOUND_DOT,
    errors.KEY_NOT_FOUND,
    errors.SERVICE_UNVAILABLE,
)


@operation("GetSecretPolicy", errors=_POLICY_TABLE)
def get_secret_policy(
    ctx: Context, *, secret_name: SecretNameOrArn, policy_name: PolicyName = "default"
) -> PolicyDocument:
    """Give the policy of a secret in a KMS instance."""
    secret = _with_policy(ctx, secret_name, policy_name)
    default = permissions.default_policy(ctx.partition.account.id, "kms default secret policy")
    return {"Policy": secret.policy or default}


@operation("SetSecretPolicy", errors=(*_POLICY_TABLE, errors.SHARE_QUOTA_EXCEEDED))
def set_secret_policy(
    ctx: Context, *, secret_name: SecretNameOrArn, policy: PolicyText, policy_name: PolicyName = "default"
) -> Empty:
    """Replace the policy of a secret in a KMS instance."""
    secret = _with_policy(ctx, secret_name, policy_name)
    permissions.check_policy(policy, secret.instance_id)
    ctx.partition.put_secret(replace(ctx.partition.live_secret(secret.name), policy=policy, updated=ctx.now))
    return {}


def _with_policy(ctx: Context, name: str, policy_name: str) -> Secret:
    secret = ctx.secret(name)
    if policy_name != "default":
        raise errors.RESOURCE_NOT_FOUND_DOT("The only policy of a secret is named default.")
    if secret.instance_id is None:
        raise errors.POLICY_UNSUPPORTED(f"Secret {secret.name} is in no KMS instance.")
    ctx.partition.connected_instance(secret.instance_id)
    if secret.encryption_key_id is not None:
        ctx.partition.key(secret.encryption_key_id)
    return secret
