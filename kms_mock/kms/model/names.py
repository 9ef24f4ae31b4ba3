"""The names of one resource: a key, a secret, … is the same by id, ARN or alias."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kms_mock.kms.model.certificate import certificates
from kms_mock.kms.model.data_key import managed_data_keys
from kms_mock.kms.model.instance import instances
from kms_mock.kms.model.key import aliases, keys
from kms_mock.kms.model.secret import secrets
from kms_mock.store.partition import Partition
from kms_mock.store.resource import Resource

_NAMED: tuple[Resource[Any], ...] = (keys, aliases, secrets, certificates, instances, managed_data_keys)
_ARN_PARTS = 5  # acs:kms:<region>:<account>:<kind>/<name>


def names_of(partition: Partition, name: str) -> Iterator[str]:
    """Yield the id and the ARN of the resource that a request from a partition names, and of the key behind an alias."""
    if name.startswith("acs:") and len(parts := name.split(":", _ARN_PARTS - 1)) == _ARN_PARTS:
        partition = partition.store.partition(parts[3], parts[2])
        yield parts[4]
        name = parts[4] if parts[4].startswith("alias/") else parts[4].partition("/")[2]
        yield name
    alias = partition[aliases].get(name)
    for resource in _NAMED:
        record = partition[resource].get(name)
        if record is not None:
            yield record.arn
    if alias is not None:
        yield from (alias.key_id, *names_of(partition, alias.key_id))
