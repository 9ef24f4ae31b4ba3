"""What a handler of the dedicated gateway receives: the context of KMS, in which only what is in an instance is found."""

from __future__ import annotations

import re

from kms_mock.kms import context, errors
from kms_mock.kms.model.access import SHARED_GATEWAY, policies
from kms_mock.kms.model.client_key_rights import find_client_key
from kms_mock.kms.model.key import Key
from kms_mock.kms.model.secret import Secret

_HOST = re.compile(r"([a-z0-9-]+)\.cryptoservice\.kms\.aliyuncs\.com(?::[0-9]+)?")


class Context(context.Context):
    """One request's view of the store.

    The instances are the one of the host name, else those that the policies of the client key's access point are about,
    else all.
    """

    def key(self, key_id: str, action: str | None = None) -> Key:
        """Return a key of the instance by its id, ARN or alias. Raises KEY_NOT_FOUND, ALIAS_NOT_FOUND, NO_PERMISSION."""
        found = super().key(key_id, action)
        return self._key_inside(found)

    def key_of_version(self, version_id: str, action: str | None = None) -> Key:
        """Return the key of the instance that has a version. Raises KEY_NOT_FOUND, NO_PERMISSION."""
        return self._key_inside(super().key_of_version(version_id, action))

    def secret(self, name_or_arn: str) -> Secret:
        """Return a secret of the instance by name or ARN. Raises SECRET_NOT_FOUND, NO_PERMISSION."""
        found = super().secret(name_or_arn)
        if problem := self._outside(found.instance_id):
            raise errors.SECRET_NOT_FOUND(f"Secret {found.name} {problem}")
        return found

    def _key_inside(self, key: Key) -> Key:
        if problem := self._outside(key.instance_id):
            raise errors.KEY_NOT_FOUND(f"Key {key.id} {problem}")
        return key

    def _outside(self, instance_id: str | None) -> str:
        """Return why what is in an instance, or in none, is not found here; "" where it is."""
        if instance_id is None:
            return "is in no KMS instance; the dedicated gateway serves what is in one (`instance` in a fixture file)."
        served = self._instances()
        if served and instance_id not in served:
            return f"is in instance {instance_id}; this is the gateway of {', '.join(sorted(served))}."
        return ""

    def _instances(self) -> set[str]:
        """Return the ids of the instances that this request is for; empty for all."""
        host = _HOST.fullmatch(self.http.headers.get("host", "").lower())
        if host is not None:
            return {host[1]}
        found = find_client_key(self.store, self.caller.access_key.id)
        if found is None:
            return set()
        partition, point, _ = found
        named = [policy.scope for name in point.policies if (policy := partition[policies].get(name)) is not None]
        return {scope for scope in named if scope not in (None, SHARED_GATEWAY)}
