"""How many of each resource there may be (behaviour.md 14), and the refusals of one too many."""

from __future__ import annotations

from kms_mock import errors
from kms_mock.errors import ApiError
from kms_mock.model.instance import Instance
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
        # All versions, those in instances too, are quickly counted; the rest only if these might be too many.
        if quota is not None and len(partition.key_of_version) >= quota <= used_versions(partition, None):
            raise errors.LIMIT_EXCEEDED(f"The account may have {quota} key versions in this region.")
        return
    instance = partition.connected_instance(instance_id)
    if instance.max_keys is not None and used_versions(partition, instance_id) >= instance.max_keys:
        raise _full(partition, instance, f"{instance.max_keys} keys, counting their versions")


def used_versions(partition: Partition, instance_id: str | None) -> int:
    """Count the key versions in an instance (where each uses up one key of its quota), or those in none."""
    return sum(len(key.versions) for key in partition.keys.values() if key.instance_id == instance_id)


def check_room_for_secret(partition: Partition, instance_id: str | None) -> None:
    """Check that one more secret fits. Raises LIMIT_EXCEEDED, SHARE_QUOTA_EXCEEDED; for an instance also its refusals."""
    if instance_id is None:
        quota = partition.account.quotas.secrets
        if quota is not None and len(partition.secrets) >= quota <= used_secrets(partition, None):
            raise errors.LIMIT_EXCEEDED(f"The account may have {quota} secrets in this region.")
        return
    instance = partition.connected_instance(instance_id)
    if instance.max_secrets is not None and used_secrets(partition, instance_id) >= instance.max_secrets:
        raise _full(partition, instance, f"{instance.max_secrets} secrets")


def used_secrets(partition: Partition, instance_id: str | None) -> int:
    """Count the secrets in an instance, or those in none."""
    return sum(secret.instance_id == instance_id for secret in partition.secrets.values())


def _full(partition: Partition, instance: Instance, what: str) -> ApiError:
    """Make the refusal of an instance that is full; a shared one has a code of its own."""
    shared = instance.owner != partition.account.id
    spec = errors.SHARE_QUOTA_EXCEEDED if shared else errors.LIMIT_EXCEEDED
    return spec(f"KMS instance {instance.id} may hold {what}.")


def check_room_for_certificate(partition: Partition) -> None:
    """Check that one more certificate fits. Raises LIMIT_EXCEEDED."""
    quota = partition.account.quotas.certificates
    if quota is not None and len(partition.certificates) >= quota:
        raise errors.LIMIT_EXCEEDED(f"The account may have {quota} certificates in this region.")


def check_room_for_alias(partition: Partition) -> None:
    """Check that one more alias fits. Raises LIMIT_EXCEEDED."""
    quota = partition.account.quotas.aliases
    if quota is not None and len(partition.aliases) >= quota:
        raise errors.LIMIT_EXCEEDED(f"The account may have {quota} aliases in this region.")
