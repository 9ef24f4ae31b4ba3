"""Policies of keys in KMS instances: get and set (behaviour.md 13)."""

from typing import TypedDict

from msgspec.structs import replace

from kms_mock import errors
from kms_mock.context import Context
from kms_mock.model import permissions
from kms_mock.model.key import Key
from kms_mock.operation import operation
from kms_mock.operations.shapes import Empty
from kms_mock.parameters import KeyId, PolicyName, PolicyText


class KeyPolicy(TypedDict):
    Policy: str


_TABLE = (
    errors.MISSING_PARAMETER,
    errors.INVALID_PARAMETER_UNNAMED,
    errors.NO_PERMISSION_400,
    errors.POLICY_UNSUPPORTED,
    errors.KEY_NOT_FOUND,
    errors.POLICY_NOT_FOUND,
)


@operation("GetKeyPolicy", errors=_TABLE)
def get_key_policy(ctx: Context, *, key_id: KeyId, policy_name: PolicyName = "default") -> KeyPolicy:
    """Give the policy of a key in a KMS instance."""
    key = _with_policy(ctx, key_id, policy_name)
    return {"Policy": key.policy or permissions.default_policy(ctx.partition.account.id, "kms default key policy")}


@operation(
    "SetKeyPolicy",
    errors=(*_TABLE, errors.SHARE_QUOTA_EXCEEDED, errors.INSTANCE_STATE_INVALID, errors.INTERNAL_FAILURE_WIDE),
)
def set_key_policy(ctx: Context, *, key_id: KeyId, policy: PolicyText, policy_name: PolicyName = "default") -> Empty:
    """Replace the policy of a key in a KMS instance."""
    key = _with_policy(ctx, key_id, policy_name).after("set policy")
    ctx.partition.connected_instance(key.instance_id or "")
    permissions.check_policy(policy, key.instance_id)
    ctx.partition.put_key(replace(key, policy=policy))
    return {}


def _with_policy(ctx: Context, key_id: str, policy_name: str) -> Key:
    key = ctx.key_by_id(key_id)
    if policy_name != "default":
        raise errors.POLICY_NOT_FOUND("The only policy of a key is named default.")
    if key.instance_id is None:
        raise errors.POLICY_UNSUPPORTED(f"Key {key.id} is in no KMS instance.")
    return key
