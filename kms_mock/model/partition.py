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
from kms_mock.model.access import AccessPoint, AccessPolicy, ClientKey, NetworkRule
from kms_mock.model.account import Account
from kms_mock.model.certificate import Certificate
from kms_mock.model.data_key import ManagedDataKey
from kms_mock.model.import_token import ImportToken
from kms_mock.model.instance import Instance
from kms_mock.model.key import Alias, Key
from kms_mock.model.secret import Sealed, Secret, SecretVersion
from kms_mock.model.table import Change, Table
from kms_mock.sources import Sources

Record = Key | Alias | ManagedDataKey | Secret | Certificate | Instance | NetworkRule | AccessPolicy | AccessPoint


class Partition:
    """The resources of one account in one region. Tables map ids to records, in order of creation."""

    TABLES = (
        "keys",
        "aliases",
        "managed_data_keys",
        "secrets",
        "certificates",
        "instances",
        "network_rules",
        "policies",
        "access_points",
        "import_tokens",
    )
    INDEXES = ("key_of_version", "aliases_of_key", "access_point_of_client_key")

    def __init__(self, account: Account, region: str, sources: Sources, changes: list[Change]) -> None:
        self.account = account
        self.region = region
        self.sources = sources
        self.changes = changes
        self.keys: dict[str, Key] = {}
        self.aliases: dict[str, Alias] = {}
        self.managed_data_keys: dict[str, ManagedDataKey] = {}
        self.secrets: dict[str, Secret] = {}
        self.certificates: dict[str, Certificate] = {}
        self.instances: dict[str, Instance] = {}
        self.network_rules: dict[str, NetworkRule] = {}
        self.policies: dict[str, AccessPolicy] = {}
        self.access_points: dict[str, AccessPoint] = {}
        self.import_tokens: dict[str, ImportToken] = {}
        self.key_of_version: dict[str, str] = {}
        self.aliases_of_key: dict[str, tuple[str, ...]] = {}
        self.access_point_of_client_key: dict[str, str] = {}
        self.rotations: tuple[float, ...] = ()
        self.next_due = math.inf
        self._service_key: KeyMaterial | None = None
        for name in self.TABLES:
            setattr(self, name, Table(name, changes))

    def arn(self, resource: str) -> str:
        """Give the ARN of a resource such as `key/<id>` or `secret/<name>` (behaviour.md 15)."""
        return f"acs:kms:{self.region}:{self.account.id}:{resource}"

    # -- checkpoints --------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Give a copy of everything that can change; the records in it are shared."""
        tables = {name: dict(getattr(self, name)) for name in self.TABLES + self.INDEXES}
        rest = {"rotations": self.rotations, "next_due": self.next_due, "service_key": self._service_key}
        return {**tables, **rest}

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to what `state` gave; the state can be restored again later."""
        for name in self.TABLES:
            setattr(self, name, Table(name, self.changes, state[name]))
        for name in self.INDEXES:
            setattr(self, name, dict(state[name]))
        self.rotations = state["rotations"]
        self.next_due = state["next_due"]
        self._service_key = state["service_key"]  # the values in the tables are sealed under it

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

    def put_import_token(self, token: ImportToken) -> None:
        """Add an import token."""
        self.import_tokens[token.text] = token
        self.next_due = min(self.next_due, token.due)

    def put_secret(self, secret: Secret) -> None:
        """Add or replace a secret."""
        self.secrets[secret.name] = secret
        self.next_due = min(self.next_due, secret.due)

    def remove_secret(self, secret: Secret) -> None:
        """Remove a secret for good."""
        del self.secrets[secret.name]

    def put_certificate(self, certificate: Certificate) -> None:
        """Add or replace a certificate."""
        self.certificates[certificate.id] = certificate

    def remove_certificate(self, certificate: Certificate) -> None:
        """Remove a certificate with its key pair."""
        del self.certificates[certificate.id]

    def remove_instance(self, instance: Instance) -> None:
        """Remove an instance with its keys, their aliases, and its secrets (api-docs ReleaseKmsInstance)."""
        del self.instances[instance.id]
        for key in [key for key in self.keys.values() if key.instance_id == instance.id]:
            self.remove_key(key)
        for secret in [secret for secret in self.secrets.values() if secret.instance_id == instance.id]:
            self.remove_secret(secret)

    def put_access_point(self, access_point: AccessPoint) -> None:
        """Add or replace an application access point; its client keys are part of it."""
        former = self.access_points.get(access_point.name)
        if former is not None:
            self._forget_client_keys(former)
        self.access_points[access_point.name] = access_point
        for client_key_id in access_point.client_keys:
            self.access_point_of_client_key[client_key_id] = access_point.name

    def remove_access_point(self, access_point: AccessPoint) -> None:
        """Remove an application access point with its client keys."""
        del self.access_points[access_point.name]
        self._forget_client_keys(access_point)

    def _forget_client_keys(self, access_point: AccessPoint) -> None:
        for client_key_id in access_point.client_keys:
            del self.access_point_of_client_key[client_key_id]

    def dated(self) -> Iterator[Key | Secret | ImportToken]:
        """Give every record to which something can happen by itself."""
        yield from self.keys.values()
        yield from self.secrets.values()
        yield from self.import_tokens.values()

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

    def managed_data_key(self, name: str) -> ManagedDataKey:
        """Find a managed data key. Raises RESOURCE_NOT_FOUND (`# inferred`: no document names the error)."""
        found = self.managed_data_keys.get(name)
        if found is None:
            raise errors.RESOURCE_NOT_FOUND(f"There is no managed data key {name[:192]} in {self.region}.")
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

    def certificate(self, certificate_id: str) -> Certificate:
        """Find a certificate by its id. Raises CERTIFICATE_NOT_FOUND."""
        found = self.certificates.get(certificate_id)
        if found is None:
            raise errors.CERTIFICATE_NOT_FOUND(f"There is no certificate {certificate_id[:80]} in {self.region}.")
        return found

    def instance(self, instance_id: str) -> Instance:
        """Find an instance. Raises INSTANCE_NOT_FOUND."""
        found = self.instances.get(instance_id)
        if found is None:
            raise errors.INSTANCE_NOT_FOUND(f"There is no KMS instance {instance_id[:80]} in {self.region}.")
        return found

    @property
    def default_instance(self) -> Instance | None:
        """The instance that is named when a request names none, if there is one (api-docs GetDefaultKmsInstance)."""
        return next((instance for instance in self.instances.values() if instance.is_default), None)

    def instance_or_default(self, instance_id: str | None) -> str | None:
        """Give the id of the instance that a new key or secret goes into, None for none."""
        if instance_id is None and self.default_instance is not None:
            return self.default_instance.id
        return instance_id

    def connected_instance(self, instance_id: str) -> Instance:
        """Find an instance that can work. Raises INSTANCE_NOT_FOUND, INSTANCE_STATE_INVALID."""
        found = self.instance(instance_id)
        if found.status != "Connected":
            raise errors.INSTANCE_STATE_INVALID(f"KMS instance {instance_id} is {found.status}, not Connected.")
        return found

    def network_rule(self, name: str) -> NetworkRule:
        """Find a network rule by its name. Raises RESOURCE_NOT_FOUND_DOT."""
        found = self.network_rules.get(name)
        if found is None:
            raise errors.RESOURCE_NOT_FOUND_DOT(f"There is no network rule {name[:80]} in {self.region}.")
        return found

    def policy(self, name: str) -> AccessPolicy:
        """Find the policy of an application by its name. Raises RESOURCE_NOT_FOUND_DOT."""
        found = self.policies.get(name)
        if found is None:
            raise errors.RESOURCE_NOT_FOUND_DOT(f"There is no policy {name[:80]} in {self.region}.")
        return found

    def access_point(self, name: str) -> AccessPoint:
        """Find an application access point by its name. Raises RESOURCE_NOT_FOUND_DOT."""
        found = self.access_points.get(name)
        if found is None:
            raise errors.RESOURCE_NOT_FOUND_DOT(f"There is no application access point {name[:80]} in {self.region}.")
        return found

    def client_key(self, client_key_id: str) -> tuple[AccessPoint, ClientKey]:
        """Find a client key and its access point. Raises RESOURCE_NOT_FOUND_DOT."""
        name = self.access_point_of_client_key.get(client_key_id)
        if name is None:
            raise errors.RESOURCE_NOT_FOUND_DOT(f"There is no client key {client_key_id[:80]} in {self.region}.")
        access_point = self.access_points[name]
        return access_point, access_point.client_keys[client_key_id]

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
