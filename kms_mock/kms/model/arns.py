"""ARNs of KMS resources (behaviour.md 15)."""

from __future__ import annotations

from kms_mock.store.partition import Partition


def arn(partition: Partition, resource: str) -> str:
    """Return the ARN of a resource such as `key/<id>` or `secret/<name>`."""
    return f"acs:kms:{partition.region}:{partition.account_id}:{resource}"
