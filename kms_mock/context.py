"""What a handler receives: the partition, the caller, the sources, and the one way to find a key or secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from kms_mock import errors
from kms_mock.model import permissions
from kms_mock.model.account import Caller
from kms_mock.model.certificate import Certificate
from kms_mock.model.key import Key
from kms_mock.model.partition import Partition
from kms_mock.model.secret import Secret
from kms_mock.model.store import Store
from kms_mock.operation import Operation
from kms_mock.sources import Sources

_ARN = re.compile(r"acs:kms:([a-z0-9-]*):(\d*):([a-z]+)/(.+)")


class Context(Struct):
    """One request's view of the store.

    `partition` is the caller's own, until a resolver is given the ARN of a resource in another account: then it is
    that account's. `now` is the one moment of the request; `prepared` what the operation computed off the loop.
    """

    store: Store
    partition: Partition
    sources: Sources
    caller: Caller
    operation: Operation
    now: float
    request_id: str
    prepared: Any = None

    # -- resolvers: every operation finds its resources here ----------------------------------------------------------

    def key(self, key_id: str, action: str | None = None) -> Key:
        """Find a key by its id, ARN or alias. Raises KEY_NOT_FOUND, ALIAS_NOT_FOUND, NO_PERMISSION.

        The caller needs the permission for this operation, or for `action` (`kms:...`) where the documents say so.
        """
        name = self._enter(key_id, errors.KEY_NOT_FOUND, "key", "alias")
        if name.startswith("alias/"):
            name = self.partition.alias(name).key_id
        found = self.partition.key(name)
        self.authorize(found.arn, found.policy, action)
        return found

    def key_by_id(self, key_id: str) -> Key:
        """Find a key by its id or ARN, for operations that take no alias. Raises UNSUPPORTED_ALIAS besides."""
        if key_id.startswith("alias/") or ":alias/" in key_id:
            raise errors.UNSUPPORTED_ALIAS(f"{self.operation.name} takes the id of a key, not an alias.")
        return self.key(key_id)

    def key_of_version(self, version_id: str, action: str | None = None) -> Key:
        """Find the key of the version that a ciphertext names. Raises KEY_NOT_FOUND, NO_PERMISSION.

        A request with a ciphertext names no key, so one of another account is found too (`# inferred`); whether the
        caller may use it is then up to that key's policy.
        """
        for partition in self._of_every_account():
            key_id = partition.key_of_version.get(version_id)
            if key_id is not None:
                self.partition = partition
                found = partition.key(key_id)
                self.authorize(found.arn, found.policy, action)
                return found
        raise errors.KEY_NOT_FOUND(f"No key in {self.partition.region} has the version {version_id[:36]}.")

    def _of_every_account(self) -> Iterator[Partition]:
        """Give the partitions of this region, the caller's own first."""
        home = self.partition
        yield home
        for account, region in list(self.store.partitions):
            if region == home.region and account != home.account.id:
                yield self.store.open(account, region, self.now)

    def secret(self, name_or_arn: str) -> Secret:
        """Find a secret by name or ARN, also in its recovery window. Raises RESOURCE_NOT_FOUND, NO_PERMISSION."""
        name = self._enter(name_or_arn, errors.RESOURCE_NOT_FOUND, "secret")
        found = self.partition.secret(name)
        self.authorize(found.arn, found.policy)
        return found

    def live_secret(self, name_or_arn: str) -> Secret:
        """Find a secret that may be changed: SECRET_IN_DELETE_WINDOW besides (DESIGN 6)."""
        name = self.secret(name_or_arn).name  # an ARN may have moved this request to another partition
        return self.partition.live_secret(name)

    def certificate(self, certificate_id: str) -> Certificate:
        """Find a certificate by its id or ARN. Raises CERTIFICATE_NOT_FOUND, NO_PERMISSION."""
        found = self.partition.certificate(self._enter(certificate_id, errors.CERTIFICATE_NOT_FOUND, "certificate"))
        self.authorize(found.arn)
        return found

    def _enter(self, name_or_arn: str, not_found: errors.ErrorSpec, *kinds: str) -> str:
        """Give the plain name of a resource; an ARN moves this request to the partition of its account."""
        if not name_or_arn.startswith("acs:"):
            return name_or_arn
        match = _ARN.fullmatch(name_or_arn)
        if match is None or match[3] not in kinds or match[1] != self.partition.region:
            raise not_found(f"{name_or_arn[:120]} is not the ARN of a {kinds[0]} in {self.partition.region}.")
        if match[2] != self.partition.account.id:
            if match[2] not in self.store.accounts:
                raise not_found(f"There is no account {match[2]}.")
            self.partition = self.store.open(match[2], match[1], self.now)
        return f"alias/{match[4]}" if match[3] == "alias" else match[4]

    # -- permissions --------------------------------------------------------------------------------------------------

    def authorize(self, arn: str, resource_policy: str | None = None, action: str | None = None) -> None:
        """Check that the caller may do this operation on a resource. Raises NO_PERMISSION."""
        if not self.may(arn, resource_policy, action or self.operation.ram_action):
            raise errors.NO_PERMISSION(f"{self.caller.arn} may not do {action or self.operation.ram_action} on {arn}.")

    def may(self, arn: str, resource_policy: str | None, action: str) -> bool:
        """Say whether RAM and the resource's own policy let the caller do an action.

        Both must allow it. Without a policy of its own a resource allows everything to its account and nothing to
        others. The account itself can always see and set policies, so that nobody is locked out (`# inferred`).
        """
        home = self.caller.account == self.partition.account.id
        ram = self.caller.access_key.policy
        if ram is not None and permissions.effect(ram, action, arn) != "Allow":
            return False
        if resource_policy is None:
            return home
        if home and self.caller.access_key.user is None and action.endswith("Policy"):
            return True
        policy = permissions.parse_resource_policy(resource_policy)
        return permissions.resource_effect(policy, action, self.caller.arn) == "Allow"
