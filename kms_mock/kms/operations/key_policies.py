"""Policies of keys in KMS instances: get and set (behaviour.md 13)."""

from typing import TypedDict

from msgspec.structs import replace

from kms_mock.identity.policies import default_policy
from kms_mock.kms import errors
from kms_mock.kms.context import Context
from kms_mock.kms.model.instance import connected_instance
from kms_mock.kms.model.key import Key, keys
from kms_mock.kms.model.policies import check_policy
from kms_mock.kms.operations.results import Empty
from kms_mock.kms.parameters import KeyId, PolicyName, PolicyText
from kms_mock.rpc.api import operation


class KeyPolicy(TypedDict):
    Policy: str


_TABLE = (
    errors.MISSING_PARAMETER,
    errors.KMS_INVALID_PARAMETER,
    errors.POLICY_NO_PERMISSION,
    errors.POLICY_UNSUPPORTED,
    errors.KEY_NOT_FOUND,
    errors.POLICY_NOT_FOUND,
)


@operation("GetKeyPolicy", errors=_TABLE)
def get_key_policy(ctx: Context, *, key_id: KeyId, policy_name: PolicyName = "default") -> KeyPolicy:
    """Return the policy of a key in a KMS instance."""
    key = _with_policy(ctx, key_id, policy_name)
    return {"Policy": key.policy or default_policy(ctx.partition.account_id, "kms default key policy")}


@operation(
    "SetKeyPolicy",
    errors=(*_TABLE, errors.SHARE_QUOTA_EXCEEDED, errors.INSTANCE_STATE_INVALID, errors.CREATE_INTERNAL_FAILURE),
    inferred=(
        "A policy is metadata, like a description: it can be replaced in every state of a key but PendingDeletion.",
    ),
)
def set_key_policy(ctx: Context, *, key_id: KeyId, policy: PolicyText, policy_name: PolicyName = "default") -> Empty:
    """Replace the policy of a key in a KMS instance."""
    key = _with_policy(ctx, key_id, policy_name).after("set policy")
    connected_instance(ctx.partition, key.instance_id or "")
    check_policy(policy, key.instance_id)
    ctx.partition[keys].put(replace(key, policy=policy))
    return {}


def _with_policy(ctx: Context, key_id: str, policy_name: str) -> Key:
    key = ctx.key_by_id(key_id)
    if policy_name != "default":
        raise errors.POLICY_NOT_FOUND("The only policy of a key is named default.")
    if key.instance_id is None:
        raise errors.POLICY_UNSUPPORTED(f"Key {key.id} is in no KMS instance.")
    return key
