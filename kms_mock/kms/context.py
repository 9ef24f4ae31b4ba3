"""What a handler of KMS receives: the context of a request, with the one way to find a key, secret or certificate."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol, TypeVar

from kms_mock.identity.accounts import account_exists
from kms_mock.kms import errors
from kms_mock.kms.model.certificate import Certificate, certificates
from kms_mock.kms.model.instance import Instance, instances
from kms_mock.kms.model.key import KEY_VERSIONS, Key, aliases, keys
from kms_mock.kms.model.secret import Secret, live_secret, secrets
from kms_mock.rpc import context
from kms_mock.rpc.errors import ApiError
from kms_mock.store.resource import Resource

_ARN = re.compile(r"acs:kms:([a-z0-9-]*):(\d*):([a-z]+)/(.+)")


class _HasArn(Protocol):
    @property
    def arn(self) -> str: ...


R = TypeVar("R", bound=_HasArn)


class Context(context.Context):
    """One request's view of the store.

    `partition` is the caller's own, until a resolver gets the ARN of a resource in another account: then it is that
    account's.
    """

    def find(self, resource: Resource[R], record_id: str) -> R:
        """Return a record of the caller's own partition. Raises the `missing` error of its resource, NO_PERMISSION_ON."""
        found = self.partition[resource].find(record_id)
        self.authorize(found.arn)
        return found

    def authorize_use(self, found: Key | Secret, action: str | None = None) -> None:
        """Check that the caller may do this operation, or `action`, with a key or secret. Raises NO_PERMISSION_ON."""
        self.authorize(found.arn, found.policy, action, found.tags)

    def instance(self, instance_id: str) -> Instance:
        """Return a KMS instance by its id or ARN. Raises INSTANCE_NOT_FOUND, NO_PERMISSION_ON."""
        name = self._enter(instance_id, errors.INSTANCE_NOT_FOUND, "keystore")
        found = self.partition[instances].find(name)
        self.authorize(found.arn, tags=found.tags)
        return found

    def maybe_instance(self, instance_id: str) -> Instance | None:
        """Return a KMS instance as `instance` does, None when there is none. Raises NO_PERMISSION_ON."""
        try:
            return self.instance(instance_id)
        except ApiError as error:
            if error.spec is not errors.INSTANCE_NOT_FOUND:
                raise
            return None

    def arn_of(self, kind: str, name: str, parameters: Mapping[str, str]) -> str | None:
        """Return the ARN of a resource that a request names; an alias that leads to a key is that key's."""
        if name.startswith("alias/"):
            alias = self.partition[aliases].get(name) if kind != "alias" else None
            return self.arn(name if alias is None else f"key/{alias.key_id}")
        tagged = {"key": "key", "secret": "secret", "instance": "keystore"}
        return super().arn_of(kind or tagged.get(parameters.get("ResourceType", ""), ""), name, parameters)

    def key(self, key_id: str, action: str | None = None) -> Key:
        """Return a key by its id, ARN or alias. Raises KEY_NOT_FOUND, ALIAS_NOT_FOUND, NO_PERMISSION_ON.

        The caller needs the permission for this operation, or for `action` (`kms:...`) where the documents say so.
        """
        name = key_id
        if name.startswith("acs:"):
            name = self._enter(name, errors.KEY_NOT_FOUND, "key", "alias")
        if name.startswith("alias/"):
            name = self.partition[aliases].find(name).key_id
        found = self.partition[keys].find(name)
        self.authorize_use(found, action)
        return found

    def key_by_id(self, key_id: str) -> Key:
        """Return a key by its id or ARN, for operations that take no alias. Raises UNSUPPORTED_ALIAS besides."""
        if key_id.startswith("alias/") or ":alias/" in key_id:
            raise errors.UNSUPPORTED_ALIAS(f"{self.operation.name} takes the id of a key, not an alias.")
        return self.key(key_id)

    def key_of_version(self, version_id: str, action: str | None = None) -> Key:
        """Return the key of the version that a ciphertext names. Raises KEY_NOT_FOUND, NO_PERMISSION_ON.

        A key of another account is found too: whether the caller may use it is up to its policy.
        """
        found = self.partition[keys].owner(KEY_VERSIONS, version_id) or self._key_of_other_account(version_id)
        self.authorize_use(found, action)
        return found

    def _key_of_other_account(self, version_id: str) -> Key:
        """Return the key that has a version in this region, and go to the partition of its account."""
        region = self.partition.region
        for place in [partition.place for partition in self.store.partitions() if partition.region == region]:
            partition = self.store.open(*place, self.now)
            found = partition[keys].owner(KEY_VERSIONS, version_id)
            if found is not None:
                self.partition = partition
                return found
        raise errors.KEY_NOT_FOUND(f"No key in {region} has the version {version_id[:36]}.")

    def secret(self, name_or_arn: str) -> Secret:
        """Return a secret by name or ARN, also in its recovery window. Raises SECRET_NOT_FOUND, NO_PERMISSION_ON."""
        name = name_or_arn
        if name.startswith("acs:"):
            name = self._enter(name, errors.SECRET_NOT_FOUND, "secret")
        found = self.partition[secrets].find(name)
        self.authorize_use(found)
        return found

    def live_secret(self, name_or_arn: str) -> Secret:
        """Return a secret that may be changed. Raises as `secret` does, and SECRET_IN_DELETE_WINDOW (design.md 6)."""
        name = self.secret(name_or_arn).name  # an ARN may have moved this request to another partition
        return live_secret(self.partition, name)

    def certificate(self, certificate_id: str) -> Certificate:
        """Return a certificate by its id or ARN. Raises CERTIFICATE_NOT_FOUND, NO_PERMISSION_ON."""
        name = self._enter(certificate_id, errors.CERTIFICATE_NOT_FOUND, "certificate")
        found = self.partition[certificates].find(name)
        self.authorize(found.arn, tags=found.tags)
        return found

    def _enter(self, name_or_arn: str, not_found: errors.ErrorSpec, *kinds: str) -> str:
        """Return the plain name of a resource; an ARN moves this request to the partition of its account."""
        if not name_or_arn.startswith("acs:"):
            return name_or_arn
        match = _ARN.fullmatch(name_or_arn)
        if match is None or match[3] not in kinds or match[1] != self.partition.region:
            raise not_found(f"{name_or_arn[:120]} is not the ARN of a {kinds[0]} in {self.partition.region}.")
        if match[2] != self.partition.account_id:
            if not account_exists(self.store, match[2]):
                raise not_found(f"There is no account {match[2]}.")
            self.partition = self.store.open(match[2], match[1], self.now)
        return f"alias/{match[4]}" if match[3] == "alias" else match[4]
