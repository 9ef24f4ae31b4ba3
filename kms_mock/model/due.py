"""What happens when time passes: deletion, expiry of material and tokens, rotation, purge (behaviour.md 7, 9-11).

There is no background task. Due things happen when a partition is opened, all at that request's one `now`, in the
order of their times.
"""

from __future__ import annotations

import heapq
import math

from msgspec.structs import replace

from kms_mock.crypto.material import KeyMaterial
from kms_mock.errors import ApiError
from kms_mock.model import managed_secrets
from kms_mock.model.events import Event
from kms_mock.model.import_token import ImportToken
from kms_mock.model.key import Key, KeyVersion, fresh_material
from kms_mock.model.managed_secrets import Values
from kms_mock.model.partition import Partition
from kms_mock.model.secret import CURRENT, PREVIOUS, Secret, SecretVersion, with_version

Dated = Key | Secret | ImportToken


def settle(partition: Partition, now: float) -> list[Event]:
    """Let everything happen that is due at `now`; give what happened, in order of time."""
    if partition.next_due > now:
        return []
    events: list[Event] = []
    queue = [(record.due, number, record) for number, record in enumerate(partition.dated()) if record.due <= now]
    heapq.heapify(queue)
    while queue:
        due, number, record = heapq.heappop(queue)
        event, follower = _settle(partition, record, due)
        events.append(event)
        if follower is not None and follower.due <= now:
            heapq.heappush(queue, (follower.due, number, follower))
    partition.next_due = min((record.due for record in partition.dated()), default=math.inf)
    return events


def _settle(partition: Partition, record: Dated, at: float) -> tuple[Event, Dated | None]:
    if isinstance(record, Key):
        return _settle_key(partition, record, at)
    if isinstance(record, Secret):
        return _settle_secret(partition, record, at)
    del partition.import_tokens[record.text]
    return Event(at, "import token expired", record.key_arn), None


def _settle_key(partition: Partition, key: Key, at: float) -> tuple[Event, Key | None]:
    if key.deletion_date == at:
        partition.remove_key(key)
        return Event(at, "key deleted", key.arn), None
    if key.material_expires == at:
        changed = without_material(key)
        partition.put_key(changed)
        return Event(at, "key material expired", key.arn), changed
    interval = key.rotation_interval or 0
    changed = replace(rotated_key(partition, key, at), next_rotation=at + interval)
    partition.put_key(changed)
    return Event(at, "key rotated", key.arn, f"version {changed.primary_version}"), changed


def without_material(key: Key) -> Key:
    """Give the key after its imported material expired or was deleted (behaviour.md 10)."""
    versions = {name: replace(version, material=None) for name, version in key.versions.items()}
    return replace(key.after("lose material"), versions=versions, material_expires=None)


def rotated_key(partition: Partition, key: Key, at: float, prepared: KeyMaterial | None = None) -> Key:
    """Give the key with a new primary version; the old ones stay for decryption (behaviour.md 9).

    `prepared` is the material of the new version if it was made already (key pairs, which take long).
    """
    version = KeyVersion(partition.sources.new_id(), at, fresh_material(key.spec, prepared, partition.sources))
    versions = {**key.versions, version.id: version}
    return replace(key, versions=versions, primary_version=version.id, last_rotation=at)


def _settle_secret(partition: Partition, secret: Secret, at: float) -> tuple[Event, Secret | None]:
    if secret.planned_delete == at:
        partition.remove_secret(secret)
        return Event(at, "secret purged", secret.arn), None
    interval = secret.rotation_interval or 0
    version_id = partition.sources.new_id()
    try:
        rotated = rotated_secret(partition, secret, version_id, at)
    except ApiError as error:  # its key is disabled or gone: the service calls such a rotation Invalid
        changed = replace(secret, next_rotation=None)
        partition.put_secret(changed)
        return Event(at, "secret rotated", secret.arn, f"failed: {error.spec.code}"), changed
    changed = replace(rotated, next_rotation=at + interval)
    partition.put_secret(changed)
    return Event(at, "secret rotated", secret.arn, f"version {version_id}"), changed


def rotated_secret(partition: Partition, secret: Secret, version_id: str, at: float) -> Secret:
    """Give a managed secret with a fresh current version; the former one becomes ACSPrevious."""
    values = [
        partition.unseal(secret, secret.staged(stage)).decode()
        for stage in (CURRENT, PREVIOUS)
        if stage in secret.stages
    ]
    config = secret.extended_config or {}
    pair = Values(values[0], values[1] if config.get("SecretSubType") == "DoubleUsers" and len(values) > 1 else None)
    value = managed_secrets.rotated_value(secret.type, config, pair, at, partition.sources.random_bytes)
    sealed = partition.seal(secret.name, version_id, value.encode(), secret.encryption_key_id)
    changed = with_version(secret, SecretVersion(version_id, at, "text", sealed), [CURRENT])
    return replace(changed, last_rotation=at, updated=at)
