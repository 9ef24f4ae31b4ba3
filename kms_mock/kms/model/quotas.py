"""How many of each resource there may be (behaviour.md 14), and the refusals of one too many."""

from __future__ import annotations

from collections.abc import Callable

from kms_mock.kms import errors
from kms_mock.kms.model.certificate import certificates
from kms_mock.kms.model.instance import Instance, connected_instance
from kms_mock.kms.model.key import aliases, keys
from kms_mock.kms.model.secret import secrets
from kms_mock.kms.model.subscription import Quotas, subscription_of
from kms_mock.store.partition import Partition


def check_room_for_key(partition: Partition, instance_id: str | None) -> None:
    """Check that one more key fits. Raises LIMIT_EXCEEDED, SHARE_QUOTA_EXCEEDED; for an instance also its refusals."""
    quotas = _quotas(partition)
    if instance_id is None and quotas.keys is not None:
        _check_room(partition, None, quotas.keys, lambda: used_keys(partition), "keys")
    _check_room_for_version(partition, instance_id, quotas)


def check_room_for_version(partition: Partition, instance_id: str | None) -> None:
    """Check that one more key version fits. In an instance each version uses up one key of its quota."""
    _check_room_for_version(partition, instance_id, _quotas(partition))


def _check_room_for_version(partition: Partition, instance_id: str | None, quotas: Quotas) -> None:
    instance = _instance(partition, instance_id)
    quota = quotas.key_versions if instance is None else instance.max_keys
    if quota is not None:
        _check_room(partition, instance, quota, lambda: used_versions(partition, instance_id), "key versions")


def check_room_for_secret(partition: Partition, instance_id: str | None) -> None:
    """Check that one more secret fits. Raises as `check_room_for_key`."""
    instance = _instance(partition, instance_id)
    quota = _quotas(partition).secrets if instance is None else instance.max_secrets
    _check_room(partition, instance, quota, lambda: used_secrets(partition, instance_id), "secrets")


def check_room_for_certificate(partition: Partition) -> None:
    """Check that one more certificate fits. Raises LIMIT_EXCEEDED."""
    quota = _quotas(partition).certificates
    _check_room(partition, None, quota, lambda: len(partition[certificates]), "certificates")


def check_room_for_alias(partition: Partition) -> None:
    """Check that one more alias fits. Raises LIMIT_EXCEEDED."""
    _check_room(partition, None, _quotas(partition).aliases, lambda: len(partition[aliases]), "aliases")


def used_keys(partition: Partition) -> int:
    """Count the keys outside instances."""
    return sum(key.instance_id is None for key in partition[keys].values())


def used_versions(partition: Partition, instance_id: str | None) -> int:
    """Count the key versions in an instance, or those in none."""
    return sum(len(key.versions) for key in partition[keys].values() if key.instance_id == instance_id)


def used_secrets(partition: Partition, instance_id: str | None) -> int:
    """Count the secrets in an instance, or those in none."""
    return sum(secret.instance_id == instance_id for secret in partition[secrets].values())


def _quotas(partition: Partition) -> Quotas:
    return subscription_of(partition.store, partition.account_id).quotas


def _instance(partition: Partition, instance_id: str | None) -> Instance | None:
    return None if instance_id is None else connected_instance(partition, instance_id)


def _check_room(
    partition: Partition, instance: Instance | None, quota: int | None, used: Callable[[], int], what: str
) -> None:
    """Refuse what would be one too many in an instance, or in the account; a shared instance has a code of its own."""
    if quota is None or used() < quota:
        return
    if instance is None:
        raise errors.LIMIT_EXCEEDED(f"The account may have {quota} {what} in this region.")
    shared = instance.owner != partition.account_id
    full = errors.SHARE_QUOTA_EXCEEDED if shared else errors.LIMIT_EXCEEDED
    raise full(f"KMS instance {instance.id} may hold {quota} {what}.")
