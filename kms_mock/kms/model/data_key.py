"""Managed data keys: named data keys that the service keeps. The API only reads them; fixture files make them.

What is known comes from the SDK's comments and the help pages GetManagedDataKey and ListManagedDataKeyVersions.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from kms_mock.crypto.material import KeyMaterial
from kms_mock.kms import errors
from kms_mock.kms.model import passwords
from kms_mock.store.resource import Resource

SPEC_OF_LENGTH = {16: "Aliyun_AES_128", 24: "Aliyun_AES_192", 32: "Aliyun_AES_256"}


class ManagedDataKeyVersion(Struct, frozen=True):
    """One version of a managed data key."""

    id: str
    created: float
    material: KeyMaterial


class ManagedDataKey(Struct, frozen=True):
    """One managed data key; `versions` is in order of creation and never empty."""

    name: str
    arn: str
    created: float
    versions: dict[str, ManagedDataKeyVersion]

    def version(self, version_id: str | None, *, latest: bool) -> ManagedDataKeyVersion:
        """Return one version: the named one, else the latest or the first. Raises SECRET_NOT_FOUND."""
        if version_id is None:
            return list(self.versions.values())[-1 if latest else 0]
        found = self.versions.get(version_id)
        if found is None:
            raise errors.SECRET_NOT_FOUND(f"Managed data key {self.name} has no version {version_id[:64]}.")
        return found


managed_data_keys = Resource(
    ManagedDataKey, "managed data key", key=lambda data_key: data_key.name, missing=errors.SECRET_NOT_FOUND
)


def new_version_id(random_bytes: Callable[[int], bytes]) -> str:
    """Make a version id: eight letters and digits, like the `xH6OPUmz` of the help page."""
    return passwords.random_text(8, passwords.LETTERS_AND_NUMBERS, random_bytes)


def version_name(data_key: ManagedDataKey, version: ManagedDataKeyVersion) -> str:
    """Return the name of the secret that the service keeps a version in (help page GetManagedDataKey)."""
    return f"kms-datakeyversion!{data_key.name}!{version.id}"
