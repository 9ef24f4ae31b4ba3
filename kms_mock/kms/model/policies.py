"""Which policies keys and secrets may have."""

from __future__ import annotations

import msgspec

from kms_mock.identity.policies import Policy, parse_resource_policy
from kms_mock.kms import errors
from kms_mock.kms.model.key import keys
from kms_mock.kms.model.secret import secrets
from kms_mock.rpc.refused_values import explain
from kms_mock.store.partition import Partition


def check_policy(text: str, instance_id: str | None) -> None:
    """Check the policy of a key or secret. Raises POLICY_UNSUPPORTED, INVALID_PARAMETER."""
    # Policies belong to KMS instances (api-docs SetKeyPolicy, SetSecretPolicy).
    if instance_id is None:
        raise errors.POLICY_UNSUPPORTED("A key or secret outside a KMS instance has no policy.")
    try:
        parse_resource_policy(text)
    except msgspec.MsgspecError as error:
        raise errors.INVALID_PARAMETER(f"Policy: {explain(error, Policy)}", name="Policy") from None
    except ValueError as error:
        raise errors.INVALID_PARAMETER(f"Policy: {error}", name="Policy") from error


def has_policies(partition: Partition) -> bool:
    """Return whether a key or secret of a partition has a policy of its own."""
    return any(key.policy is not None for key in partition[keys].values()) or any(
        secret.policy is not None for secret in partition[secrets].values()
    )
