"""Keys, their versions and aliases. What may happen to a key's state is in `key_states`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from kms_mock.crypto import material as key_material
from kms_mock.crypto.material import KeyMaterial
from kms_mock.crypto.specs import KEY_SPECS, KeySpec
from kms_mock.kms import errors
from kms_mock.kms.model.key_states import USABLE, KeyEvent, KeyState, next_state
from kms_mock.kms.model.rotation import Rotations
from kms_mock.sources import Sources
from kms_mock.store.changes import changed_fields
from kms_mock.store.events import Event, Settling
from kms_mock.store.partition import Partition
from kms_mock.store.resource import Index, Resource

Origin = Literal["Aliyun_KMS", "EXTERNAL"]
ProtectionLevel = Literal["SOFTWARE", "HSM"]
KeyUsage = Literal["ENCRYPT/DECRYPT", "SIGN/VERIFY", "GENERATE/VERIFY_MAC"]
StorageMechanism = Literal["HsmInternal", "HsmEncryptedDatabase"]

MAX_ROTATED_VERSIONS = 10_000  # the usual quota of a whole account; a fast clock would rotate without end

_STATE_CHANGES = {
    ("Enabled", "Disabled"): "disabled",
    ("Disabled", "Enabled"): "enabled",
    ("PendingDeletion", "Enabled"): "cancelled the deletion of",
    ("PendingDeletion", "PendingImport"): "cancelled the deletion of",
}
_FIELDS_TOLD = {
    "state",
    "versions",
    "primary_version",
    "deletion_date",
    "last_rotation",
    "next_rotation",
    "former_digest",
}


def spec_named(name: str) -> KeySpec:
    """Return the spec of a name. Raises ValueError."""
    if name not in KEY_SPECS:
        raise ValueError(f"it is one of {', '.join(KEY_SPECS)}")
    return KEY_SPECS[name]


def pair_work(spec: KeySpec | str, sources: Sources) -> Callable[[], KeyMaterial] | None:
    """Return the work that makes a key pair, to be run off the event loop; None for a symmetric spec, which is quick."""
    spec = spec_named(spec) if isinstance(spec, str) else spec
    if spec.symmetric:
        return None
    stream = sources.stream()
    return lambda: key_material.generate(spec, stream)


def fresh_material(spec: KeySpec, prepared: KeyMaterial | None, sources: Sources) -> KeyMaterial:
    """Return new material: the prepared one if it is of this spec (the key may have changed since), else made here."""
    if prepared is not None and prepared.spec.name == spec.name:
        return prepared
    return key_material.generate(spec, sources.random_bytes if spec.symmetric else sources.stream())


class KeyVersion(Struct, frozen=True, gc=False):
    """One version of a key. `material` is None until it is imported (Origin EXTERNAL)."""

    id: str
    created: float
    material: KeyMaterial | None = None


class Key(Struct, frozen=True, gc=False):
    """One key. Times are seconds since 1970 UTC; `versions` is in order of creation and is never changed in place.

    `rotation_interval` in seconds is set while automatic rotation is on (also while Suspended). `former_digest` is the
    SHA-256 of material that was imported once, also after its removal: only the same bytes may come (behaviour.md 10).
    """

    id: str
    arn: str
    spec_name: str
    usage: str
    created: float
    creator: str
    origin: Origin = "Aliyun_KMS"
    protection_level: ProtectionLevel = "SOFTWARE"
    state: KeyState = "Enabled"
    description: str = ""
    versions: dict[str, KeyVersion] = {}
    primary_version: str | None = None
    tags: dict[str, str] = {}
    policy: str | None = None
    instance_id: str | None = None
    storage_mechanism: StorageMechanism | None = None
    rotation_interval: int | None = None
    last_rotation: float | None = None
    next_rotation: float | None = None
    deletion_date: float | None = None
    deletion_protection: bool = False
    deletion_protection_description: str = ""
    material_expires: float | None = None
    former_digest: bytes | None = None
    service: str | None = None

    @property
    def spec(self) -> KeySpec:
        """The key's spec."""
        return KEY_SPECS[self.spec_name]

    @property
    def due(self) -> float:
        """When the next thing happens to this key by itself; infinity for never."""
        rotation = self.next_rotation if self.state == "Enabled" else None  # else suspended (behaviour.md 9)
        times = [time for time in (self.deletion_date, self.material_expires, rotation) if time is not None]
        return min(times) if times else math.inf

    @property
    def rotation_status(self) -> Literal["Enabled", "Disabled", "Suspended"]:
        """The value of AutomaticRotation (behaviour.md 9)."""
        if self.rotation_interval is None:
            return "Disabled"
        return "Suspended" if self.state in ("Disabled", "PendingDeletion") else "Enabled"

    @property
    def rotatable(self) -> bool:
        """Whether automatic rotation is for this key at all (api-docs UpdateRotationPolicy and CreateKey).

        Not for key pairs, imported material and keys that stay inside an HSM; nor for HMAC keys: a MAC names no key
        version, so after a rotation none could be verified.
        """
        hardware = self.instance_id is not None and self.protection_level == "HSM"
        return (
            self.spec.encrypts_symmetrically
            and self.origin == "Aliyun_KMS"
            and self.service is None
            and (not hardware or self.storage_mechanism == "HsmEncryptedDatabase")
        )

    @property
    def has_material(self) -> bool:
        """Whether nothing is missing that was to be imported."""
        return all(version.material is not None for version in self.versions.values())

    def after(self, event: KeyEvent) -> Key:
        """Return the key as it is after an event; raise the refusal if its state does not allow the event."""
        state = next_state(event, self.state, self.id)
        return self if state == self.state else replace(self, state=state)

    def resumed(self, now: float) -> Key:
        """Return the key after it became Enabled again: a rotation that fell due meanwhile is due now (behaviour.md 9)."""
        if self.next_rotation is None or self.next_rotation >= now:
            return self
        return replace(self, next_rotation=now)

    def without_material(self) -> Key:
        """Return the key after its imported material expired or was deleted (behaviour.md 10)."""
        versions = {name: replace(version, material=None) for name, version in self.versions.items()}
        return replace(self.after("lose material"), versions=versions, material_expires=None)

    def rotated(self, at: float, sources: Sources, prepared: KeyMaterial | None = None) -> Key:
        """Return the key with a new primary version; the old ones stay for decryption (behaviour.md 9).

        `prepared` is the material of the new version if it was made already (key pairs, which take long).
        """
        version = KeyVersion(sources.new_id(), at, fresh_material(self.spec, prepared, sources))
        versions = {**self.versions, version.id: version}
        return replace(self, versions=versions, primary_version=version.id, last_rotation=at)

    def happen(self, partition: Partition, at: float, settling: Settling) -> Event:
        """Do what is due at this time: deletion, expiry of imported material, or rotation (behaviour.md 9-11).

        Of very many rotations, the first and the last ones leave versions: nothing can have been encrypted in between.
        """
        table = partition[keys]
        if self.deletion_date == at:
            table.remove(self)
            return Event(at, "key deleted", self.arn)
        if self.material_expires == at:
            table.put(self.without_material())
            return Event(at, "key material expired", self.arn)
        rotations = Rotations(at, self.rotation_interval, settling.now, settling.most)
        if len(self.versions) >= MAX_ROTATED_VERSIONS:
            table.put(replace(self, next_rotation=None))
            return Event(at, "key rotated", self.arn, f"failed: the key has {MAX_ROTATED_VERSIONS} versions")
        rotated = replace(self.rotated(at, partition.sources), next_rotation=rotations.following)
        table.put(rotated)
        return Event(at, "key rotated", self.arn, rotations.describe(rotated.primary_version), rotations.count)

    def changes_from(self, before: Key) -> list[str]:
        """Return what changed since a former record of this key, in words."""
        lines = []
        if before.state != self.state:
            verb = _STATE_CHANGES.get((before.state, self.state))
            if self.state == "PendingDeletion":
                lines.append(f"scheduled key {self.id} for deletion")
            elif verb:
                lines.append(f"{verb} key {self.id}")
        if before.has_material != self.has_material:
            verb = "imported material into" if self.has_material else "removed the material of"
            lines.append(f"{verb} key {self.id}")
        lines += [f"key {self.id} got version {version}" for version in self.versions if version not in before.versions]
        return lines + changed_fields(f"key {self.id}", before, self, _FIELDS_TOLD)

    def version(self, version_id: str) -> KeyVersion:
        """Return one version. Raises KEY_VERSION_NOT_FOUND."""
        found = self.versions.get(version_id)
        if found is None:
            raise errors.KEY_VERSION_NOT_FOUND(f"Key {self.id} has no version {version_id[:64]}.")
        return found

    def material(self, version_id: str | None = None) -> KeyMaterial:
        """Return the material of a version (None: the primary one) of a key whose state allows its use."""
        if self.state not in USABLE:
            next_state("use", self.state, self.id)  # raises its refusal
        return self.stored_material(version_id)

    def stored_material(self, version_id: str | None = None) -> KeyMaterial:
        """Return the material of a version, whatever the key's state. Raises KEY_PENDING_IMPORT when there is none."""
        version_id = version_id or self.primary_version or ""
        version = self.versions.get(version_id) or self.version(version_id)
        material = version.material
        if material is None:
            raise errors.KEY_PENDING_IMPORT(f"Key {self.id} has no material.")
        return material


class Alias(Struct, frozen=True, gc=False):
    """One alias: its whole name (`alias/...`) and the key that it stands for."""

    name: str
    arn: str
    key_id: str


def _remove_aliases(partition: Partition, key: Key) -> None:
    """Remove the aliases of a key that is removed (behaviour.md 11)."""
    for name in partition[aliases].ids(ALIASES_OF_KEY, key.id):
        partition[aliases].remove(partition[aliases].find(name))


KEY_VERSIONS = Index[Key](lambda key: key.versions, unique=True)
keys = Resource(
    Key,
    "key",
    missing=errors.KEY_NOT_FOUND,
    indexes=(KEY_VERSIONS,),
    on_remove=_remove_aliases,
    milestones=lambda key: (f"key state {key.state}",),
)

ALIASES_OF_KEY = Index[Alias](lambda alias: (alias.key_id,))
aliases = Resource(
    Alias, "alias", key=lambda alias: alias.name, missing=errors.ALIAS_NOT_FOUND, indexes=(ALIASES_OF_KEY,)
)
