"""What one account has in one region: tables of frozen records, and the rules that span several of them.

Records are replaced, never changed, so that a checkpoint is a shallow copy of the tables. Every change goes through a
method here, which keeps the indexes and the next due time right.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from kms_mock import errors
from kms_mock.crypto import material as key_material
from kms_mock.crypto import symmetric
from kms_mock.crypto.envelope import NONCE_LENGTH
from kms_mock.crypto.material import KeyMaterial
from kms_mock.crypto.specs import KEY_SPECS
from kms_mock.model.account import Account
from kms_mock.model.instance import Instance
from kms_mock.model.key import Alias, Key
from kms_mock.model.secret import Sealed, Secret, SecretVersion
from kms_mock.sources import Sources

Record = Key | Alias | Secret | Instance


class Partition:
    """The resources of one account in one region. Tables map ids to records, in order of creation."""

    TABLES = ("keys", "aliases", "secrets", "instances")
    INDEXES = ("key_of_version", "aliases_of_key")

    def __init__(self, account: Account, region: str, sources: Sources) -> None:
        self.account = account
        self.region = region
        self.sources = sources
        self.keys: dict[str, Key] = {}
        self.aliases: dict[str, Alias] = {}
        self.secrets: dict[str, Secret] = {}
        self.instances: dict[str, Instance] = {}
        self.key_of_version: dict[str, str] = {}
        self.aliases_of_key: dict[str, tuple[str, ...]] = {}
        self.rotations: tuple[float, ...] = ()
        self.next_due = math.inf
        self._service_key: KeyMaterial | None = None

    def arn(self, resource: str) -> str:
        """Give the ARN of a resource such as `key/<id>` or `secret/<name>` (behaviour.md 15)."""
        return f"acs:kms:{self.region}:{self.account.id}:{resource}"

    # -- checkpoints --------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Give a copy of everything that can change; the records in it are shared."""
        tables = {name: dict(getattr(self, name)) for name in self.TABLES + self.INDEXES}
        return {**tables, "rotations": self.rotations, "next_due": self.next_due}

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to what `state` gave; the state can be restored again later."""
        for name in self.TABLES + self.INDEXES:
            setattr(self, name, dict(state[name]))
        self.rotations = state["rotations"]
        self.next_due = state["next_due"]

    # -- records in and out -------------------------------------------------------------------------------------------

    def put_key(self, key: Key) -> None:
        """Add or replace a key."""
        self.keys[key.id] = key
        for version_id in key.versions:
            self.key_of_version[version_id] = key.id
        self.next_due = min(self.next_due, key.due)

    def remove_key(self, key: Key) -> None:
        """Remove a key with its aliases (behaviour.md 11)."""
        del self.keys[key.id]
        for version_id in key.versions:
            self.key_of_version.pop(version_id, None)
        for name in self.aliases_of_key.pop(key.id, ()):
            del self.aliases[name]

    def put_alias(self, alias: Alias) -> None:
        """Add an alias, or bind it to another key."""
        former = self.aliases.get(alias.name)
        if former is not None:
            self._unbind(former)
        self.aliases[alias.name] = alias
        self.aliases_of_key[alias.key_id] = (*self.aliases_of_key.get(alias.key_id, ()), alias.name)

    def remove_alias(self, alias: Alias) -> None:
        """Remove an alias; its key stays."""
        self._unbind(alias)
        del self.aliases[alias.name]

    def _unbind(self, alias: Alias) -> None:
        rest = tuple(name for name in self.aliases_of_key[alias.key_id] if name != alias.name)
        if rest:
            self.aliases_of_key[alias.key_id] = rest
        else:
            del self.aliases_of_key[alias.key_id]

    def put_secret(self, secret: Secret) -> None:
        """Add or replace a secret."""
        self.secrets[secret.name] = secret
        self.next_due = min(self.next_due, secret.due)

    def remove_secret(self, secret: Secret) -> None:
        """Remove a secret for good."""
        del self.secrets[secret.name]

    def dated(self) -> Iterator[Key | Secret]:
        """Give every record to which something can happen by itself."""
        yield from self.keys.values()
        yield from self.secrets.values()

    # -- finding ------------------------------------------------------------------------------------------------------

    def key(self, key_id: str) -> Key:
        """Find a key by its id. Raises KEY_NOT_FOUND."""
        found = self.keys.get(key_id)
        if found is None:
            raise errors.KEY_NOT_FOUND(f"There is no key {key_id[:80]} in {self.region} of account {self.account.id}.")
        return found

    def alias(self, name: str) -> Alias:
        """Find an alias by its whole name. Raises ALIAS_NOT_FOUND."""
        found = self.aliases.get(name)
        if found is None:
            raise errors.ALIAS_NOT_FOUND(f"There is no alias {name[:80]} in {self.region}.")
        return found

    def secret(self, name: str) -> Secret:
        """Find a secret by its name, also one in its recovery window. Raises RESOURCE_NOT_FOUND."""
        found = self.secrets.get(name)
        if found is None:
            raise errors.RESOURCE_NOT_FOUND(
                f"There is no secret {name[:200]} in {self.region} of account {self.account.id}."
            )
        return found

    def live_secret(self, name: str) -> Secret:
        """Find a secret that may be changed. Raises RESOURCE_NOT_FOUND, SECRET_IN_DELETE_WINDOW (DESIGN 6)."""
        found = self.secret(name)
        if found.planned_delete is not None:
            raise errors.SECRET_IN_DELETE_WINDOW(
                f"Secret {name} is in its recovery window; RestoreSecret brings it back."
            )
        return found

    def instance(self, instance_id: str) -> Instance:
        """Find an instance. Raises INSTANCE_NOT_FOUND."""
        found = self.instances.get(instance_id)
        if found is None:
            raise errors.INSTANCE_NOT_FOUND(f"There is no KMS instance {instance_id[:80]} in {self.region}.")
        return found

    def connected_instance(self, instance_id: str) -> Instance:
        """Find an instance that can work. Raises INSTANCE_NOT_FOUND, INSTANCE_STATE_INVALID."""
        found = self.instance(instance_id)
        if found.status != "Connected":
            raise errors.INSTANCE_STATE_INVALID(f"KMS instance {instance_id} is {found.status}, not Connected.")
        return found

    # -- secret values ------------------------------------------------------------------------------------------------

    def seal(
        self, secret_name: str, version_id: str, data: bytes, encryption_key_id: str | None, *, at_rest: bool = False
    ) -> Sealed:
        """Encrypt a secret value under its key, or under the partition's service key.

        `at_rest` is for fixture files: it does not ask whether the key's state allows its use now.
        """
        nonce = self.sources.random_bytes(NONCE_LENGTH)
        aad = _value_aad(secret_name, version_id)
        if encryption_key_id is None:
            return Sealed(nonce, symmetric.seal(self.service_key, nonce, data, aad))
        key = self.key(encryption_key_id)
        material = key.stored_material() if at_rest else key.material()
        return Sealed(nonce, symmetric.seal(material, nonce, data, aad), key.primary_version)

    def unseal(self, secret: Secret, version: SecretVersion, *, at_rest: bool = False) -> bytes:
        """Decrypt a secret value. A disabled or deleted key refuses as it does in Decrypt."""
        sealed = version.sealed
        material = self.service_key
        if secret.encryption_key_id is not None:
            key = self.key(secret.encryption_key_id)
            material = (key.stored_material if at_rest else key.material)(sealed.key_version_id)
        return symmetric.unseal(material, sealed.nonce, sealed.body, _value_aad(secret.name, version.id))

    @property
    def service_key(self) -> KeyMaterial:
        """The key that protects secret values for which the user named none; it never leaves this object."""
        if self._service_key is None:
            self._service_key = key_material.generate(KEY_SPECS["Aliyun_AES_256"], self.sources.random_bytes)
        return self._service_key


def _value_aad(secret_name: str, version_id: str) -> bytes:
    # Bound to its place: a value copied to another secret or version does not open.
    return f"{secret_name}\0{version_id}".encode()
