"""The records of a store in a form that can be compared between two stores."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from kms_mock.crypto.errors import InvalidCiphertext
from kms_mock.kms.model.import_token import import_tokens
from kms_mock.kms.model.secret import Secret
from kms_mock.rpc.errors import ApiError
from kms_mock.store.partition import Partition
from kms_mock.store.store import Store

# What no fixture document holds: it lives for a day at most.
UNSAVED = (import_tokens,)


def records_of(store: Store) -> dict[tuple[str, str, str, str], dict[str, Any]]:
    """Return every record of a store that a snapshot must keep: place, kind and id, and its fields by name.

    In place of a ciphertext there is the value that it opens to: each store encrypts anew.
    """
    found = {}
    for partition in store.partitions():
        for resource, table in partition.state().tables.items():
            if resource.logged and resource not in UNSAVED:
                for record_id, record in table.records.items():
                    found[(*partition.place, resource.name, record_id)] = _fields(partition, record)
    return found


def _fields(partition: Partition, record: Any) -> dict[str, Any]:
    fields = {name: getattr(record, name) for name in record.__struct_fields__}
    if isinstance(record, Secret):
        fields["versions"] = [
            {**structs.asdict(version), "sealed": _opened(partition, record, version)}
            for version in record.versions.values()
        ]
    return fields


def _opened(partition: Partition, secret: Secret, version: Any) -> Any:
    try:
        return secret.value(partition, version, at_rest=True)
    except (ApiError, InvalidCiphertext):  # its key is gone: only the ciphertext is left
        return version.sealed
