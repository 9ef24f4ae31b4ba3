"""The policies of secrets in KMS instances."""

from typing import TypedDict

from msgspec.structs import replace

from kms_mock.identity.policies import default_policy
from kms_mock.kms import errors
from kms_mock.kms.context import Context
from kms_mock.kms.model.instance import connected_instance
from kms_mock.kms.model.key import keys
from kms_mock.kms.model.policies import check_policy
from kms_mock.kms.model.secret import Secret, live_secret, secrets
from kms_mock.kms.operations.results import Empty
from kms_mock.kms.parameters import PolicyName, PolicyText, SecretNameOrArn
from kms_mock.rpc.api import operation


class PolicyDocument(TypedDict):
    Policy: str


_POLICY_TABLE = (
    errors.KMS_INVALID_PARAMETER,
    errors.MISSING_PARAMETER,
    errors.POLICY_NO_PERMISSION,
    errors.POLICY_UNSUPPORTED,
    errors.INSTANCE_STATE_INVALID,
    errors.ACCESS_NOT_FOUND,
    errors.KEY_NOT_FOUND,
    errors.KMS_SERVICE_UNAVAILABLE,
)


@operation("GetSecretPolicy", errors=_POLICY_TABLE)
def get_secret_policy(
    ctx: Context, *, secret_name: SecretNameOrArn, policy_name: PolicyName = "default"
) -> PolicyDocument:
    """Return the policy of a secret in a KMS instance."""
    secret = _with_policy(ctx, secret_name, policy_name)
    default = default_policy(ctx.partition.account_id, "kms default secret policy")
    return {"Policy": secret.policy or default}


@operation("SetSecretPolicy", errors=(*_POLICY_TABLE, errors.SHARE_QUOTA_EXCEEDED))
def set_secret_policy(
    ctx: Context, *, secret_name: SecretNameOrArn, policy: PolicyText, policy_name: PolicyName = "default"
) -> Empty:
    """Replace the policy of a secret in a KMS instance."""
    secret = _with_policy(ctx, secret_name, policy_name)
    check_policy(policy, secret.instance_id)
    ctx.partition[secrets].put(replace(live_secret(ctx.partition, secret.name), policy=policy, updated=ctx.now))
    return {}


def _with_policy(ctx: Context, name: str, policy_name: str) -> Secret:
    secret = ctx.secret(name)
    if policy_name != "default":
        raise errors.ACCESS_NOT_FOUND("The only policy of a secret is named default.")
    if secret.instance_id is None:
        raise errors.POLICY_UNSUPPORTED(f"Secret {secret.name} is in no KMS instance.")
    connected_instance(ctx.partition, secret.instance_id)
    if secret.encryption_key_id is not None:
        ctx.partition[keys].find(secret.encryption_key_id)
    return secret
