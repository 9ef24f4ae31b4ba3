"""Keys, their versions and aliases: the records. What may happen to a key's state is in `key_states`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from kms_mock import errors
from kms_mock.crypto import material as key_material
from kms_mock.crypto.material import KeyMaterial
from kms_mock.crypto.specs import KEY_SPECS, KeySpec
from kms_mock.model.key_states import KeyEvent, KeyState, next_state
from kms_mock.model.times import DAY
from kms_mock.sources import Sources

Origin = Literal["Aliyun_KMS", "EXTERNAL"]
ProtectionLevel = Literal["SOFTWARE", "HSM"]
KeyUsage = Literal["ENCRYPT/DECRYPT", "SIGN/VERIFY", "GENERATE/VERIFY_MAC"]
StorageMechanism = Literal["HsmInternal", "HsmEncryptedDatabase"]


def spec_named(name: str) -> KeySpec:
    """Give the spec of a name. Raises ValueError."""
    if name not in KEY_SPECS:
        raise ValueError(f"it is one of {', '.join(KEY_SPECS)}")
    return KEY_SPECS[name]


def checked_interval(interval: int | None) -> int:
    """Check the interval of automatic rotation, in seconds. Raises INVALID_PARAMETER.

    7 to 730 days for every key. The documents of 2025 say 7 to 365 days in instances and exactly 365 outside, older
    ones 7 to 730 (behaviour.md 9): the widest range refuses nobody who is right by any of them (`# inferred`).
    """
    if interval is None:
        raise errors.INVALID_PARAMETER("Automatic rotation needs a RotationInterval.", name="RotationInterval")
    if not 7 * DAY <= interval <= 730 * DAY:
        raise errors.INVALID_PARAMETER("RotationInterval is 7 to 730 days.", name="RotationInterval")
    return interval


def pair_work(spec: KeySpec | str, sources: Sources) -> Callable[[], KeyMaterial] | None:
    """Give the work that makes a key pair, to be run off the event loop; None for a symmetric spec, which is quick."""
    spec = spec_named(spec) if isinstance(spec, str) else spec
    if spec.symmetric:
        return None
    stream = sources.stream()
    return lambda: key_material.generate(spec, stream)


def fresh_material(spec: KeySpec, prepared: KeyMaterial | None, sources: Sources) -> KeyMaterial:
    """Give new material: the prepared one if it is of this spec (the key may have changed since), else made here."""
    if prepared is not None and prepared.spec.name == spec.name:
        return prepared
    return key_material.generate(spec, sources.random_bytes if spec.symmetric else sources.stream())


class KeyVersion(Struct, frozen=True):
    """One version of a key. `material` is None until it is imported (Origin EXTERNAL)."""

    id: str
    created: float
    material: KeyMaterial | None = None


class Key(Struct, frozen=True):
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
    storage_mechanism: str | None = None
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
        times = [self.deletion_date, self.material_expires]
        if self.state == "Enabled":  # rotation is suspended in every other state (behaviour.md 9)
            times.append(self.next_rotation)
        return min((time for time in times if time is not None), default=math.inf)

    @property
    def rotation_status(self) -> Literal["Enabled", "Disabled", "Suspended"]:
        """The value of AutomaticRotation (behaviour.md 9)."""
        if self.rotation_interval is None:
            return "Disabled"
        return "Suspended" if self.state in ("Disabled", "PendingDeletion") else "Enabled"

    @property
    def rotatable(self) -> bool:
        """Whether automatic rotation is for this key at all (api-docs UpdateRotationPolicy and CreateKey).

        Not for key pairs, imported material and keys that stay inside an HSM; nor for HMAC keys (`# inferred`: a MAC
        names no key version, so after a rotation none could be verified).
        """
        hardware = self.instance_id is not None and self.protection_level == "HSM"
        return (
            self.spec.kind in ("aes", "sm4")
            and self.origin == "Aliyun_KMS"
            and self.service is None
            and (not hardware or self.storage_mechanism == "HsmEncryptedDatabase")
        )

    @property
    def has_material(self) -> bool:
        """Whether nothing is missing that was to be imported."""
        return all(version.material is not None for version in self.versions.values())

    def after(self, event: KeyEvent) -> Key:
        """Give the key as it is after an event; raise the refusal if its state does not allow the event."""
        state = next_state(event, self.state, self.id)
        return self if state == self.state else replace(self, state=state)

    def resumed(self, now: float) -> Key:
        """Give the key after it became Enabled again: a rotation that fell due meanwhile is due now (behaviour.md 9)."""
        if self.next_rotation is None or self.next_rotation >= now:
            return self
        return replace(self, next_rotation=now)

    def version(self, version_id: str) -> KeyVersion:
        """Give one version. Raises KEY_VERSION_NOT_FOUND."""
        found = self.versions.get(version_id)
        if found is None:
            raise errors.KEY_VERSION_NOT_FOUND(f"Key {self.id} has no version {version_id[:64]}.")
        return found

    def material(self, version_id: str | None = None) -> KeyMaterial:
        """Give the material of a version (None: the primary one) of a key whose state allows its use."""
        self.after("use")
        return self.stored_material(version_id)

    def stored_material(self, version_id: str | None = None) -> KeyMaterial:
        """Give the material of a version, whatever the key's state. Raises KEY_PENDING_IMPORT when there is none."""
        material = self.version(version_id or self.primary_version or "").material
        if material is None:
            raise errors.KEY_PENDING_IMPORT(f"Key {self.id} has no material.")
        return material


class Alias(Struct, frozen=True):
    """One alias: its whole name (`alias/...`) and the key that it stands for."""

    name: str
    arn: str
    key_id: str
    created: float
