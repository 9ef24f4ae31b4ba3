"""KMS instances as goods: what BssOpenApi does to them, without knowing them.

Sources: terraform-provider-alicloud, resource alicloud_kms_instance (the codes of an order's parameters and their
limits).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from msgspec.structs import replace

from kms_mock.kms.model.arns import arn
from kms_mock.kms.model.instance import Instance, instances
from kms_mock.kms.model.instance_ids import new_instance_id
from kms_mock.store.partition import Partition

PRODUCT_TYPES: Final = ("kms_ddi_public_cn", "kms_ddi_public_intl", "kms_ppi_public_cn", "kms_ppi_public_intl")
# Code of an order's parameter -> its largest number.
PARAMETERS: Final = {
    "KeyNum": 100_000,
    "SecretNum": 100_000,
    "VpcNum": 10_000,
    "Spec": 4000,
    "LogStorage": 500_000,
}
_FIELDS: Final = {
    "KeyNum": "max_keys",
    "SecretNum": "max_secrets",
    "VpcNum": "vpc_num",
    "Spec": "spec",
    "LogStorage": "log_storage",
}


class Owned(NamedTuple):
    """An instance as orders see it."""

    id: str
    owner: str
    created: float
    ends: float | None
    prepaid: bool


def owned(partition: Partition) -> Iterator[Owned]:
    """Yield the instances of a partition."""
    for found in partition[instances].values():
        yield Owned(found.id, found.owner, found.created, found.ends, found.charge_type == "PREPAY")


def create(partition: Partition, numbers: Mapping[str, int], ends: float | None) -> str:
    """Make an instance that waits to be connected to a VPC; return its id."""
    now = partition.sources.now()
    instance_id = new_instance_id("kst", partition.region, now, partition.sources.random_bytes)
    made = Instance(
        id=instance_id,
        arn=arn(partition, f"keystore/{instance_id}"),
        owner=partition.account_id,
        created=now,
        status="Uninitialized",
        name=instance_id,
        charge_type="POSTPAY" if ends is None else "PREPAY",
        ends=ends,
    )
    partition[instances].put(_sized(made, numbers))
    return instance_id


def modify(partition: Partition, instance_id: str, numbers: Mapping[str, int]) -> None:
    """Change the size of an instance."""
    partition[instances].put(_sized(partition[instances].find(instance_id), numbers))


def remove(partition: Partition, instance_id: str) -> None:
    """Remove an instance with all that is in it."""
    partition[instances].remove(partition[instances].find(instance_id))


def _sized(instance: Instance, numbers: Mapping[str, int]) -> Instance:
    return replace(instance, **{_FIELDS[code]: number for code, number in numbers.items()})
