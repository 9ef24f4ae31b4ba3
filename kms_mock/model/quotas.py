"""How many keys, key versions and aliases there may be (behaviour.md 14), and the refusals of one too many."""

from __future__ import annotations

from kms_mock import errors
from kms_mock.model.partition import Partition


def check_room_for_key(partition: Partition, instance_id: str | None) -> None:
    """Check that one more key fits. Raises LIMIT_EXCEEDED, SHARE_QUOTA_EXCEEDED; for an instance also its refusals."""
    if instance_id is None:
        quota = partition.account.quotas.keys
        if quota is not None:
            used = sum(1 for key in partition.keys.values() if key.instance_id is None)
            if used >= quota:
                raise errors.LIMIT_EXCEEDED(f"The account may have {quota} keys in this region.")
    check_room_for_version(partition, instance_id)


def check_room_for_version(partition: Partition, instance_id: str | None) -> None:
    """Check that one more key version fits. In an instance each version uses up one key of its quota."""
    if instance_id is None:
        quota = partition.account.quotas.key_versions
        if quota is not None and len(partition.key_of_version) >= quota:
            raise errors.LIMIT_EXCEEDED(f"The account may have {quota} key versions in this region.")
        return
    instance = partition.connected_instance(instance_id)
    if instance.max_keys is not None and used_keys(partition, instance_id) >= instance.max_keys:
        shared = instance.owner != partition.account.id
        full = errors.SHARE_QUOTA_EXCEEDED if shared else errors.LIMIT_EXCEEDED
        raise full(f"KMS instance {instance_id} may hold {instance.max_keys} keys, counting their versions.")


def used_keys(partition: Partition, instance_id: str) -> int:
    """Count what uses up the keys of an instance: every version of every key in it."""
    return sum(len(key.versions) for key in partition.keys.values() if key.instance_id == instance_id)


def check_room_for_alias(partition: Partition) -> None:
    """Check that one more alias fits. Raises LIMIT_EXCEEDED."""
    quota = partition.account.quotas.aliases
    if quota is not None and len(partition.aliases) >= quota:
        raise errors.LIMIT_EXCEEDED(f"The account may have {quota} aliases in this region.")
