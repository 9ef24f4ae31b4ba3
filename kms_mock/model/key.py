"""Keys, their versions and aliases: the records. What may happen to a key's state is in `key_states`."""

from __future__ import annotations

import math
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from kms_mock import errors
from kms_mock.crypto.material import KeyMaterial
from kms_mock.crypto.specs import KEY_SPECS, KeySpec
from kms_mock.model.key_states import KeyEvent, KeyState, next_state

Origin = Literal["Aliyun_KMS", "EXTERNAL"]
ProtectionLevel = Literal["SOFTWARE", "HSM"]


class KeyVersion(Struct, frozen=True):
    """One version of a key. `material` is None until it is imported (Origin EXTERNAL)."""

    id: str
    created: float
    material: KeyMaterial | None = None


class Key(Struct, frozen=True):
    """One key. Times are seconds since 1970 UTC; `versions` is in order of creation and is never changed in place.

    `rotation_interval` in seconds is set while automatic rotation is on (also while Suspended). `former_digest` is the
    SHA-256 of material that was imported once and removed: only the same bytes may come back (behaviour.md 10).
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

    def after(self, event: KeyEvent) -> Key:
        """Give the key as it is after an event; raise the refusal if its state does not allow the event."""
        state = next_state(event, self.state, self.id)
        return self if state == self.state else replace(self, state=state)

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
