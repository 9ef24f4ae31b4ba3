"""From the API's answers about keys and secrets to the entries of a fixture document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from kms_mock.importing import made_up
from kms_mock.importing.made_up import RandomBytes
from kms_mock.service_client import RefusedError, ServiceClient, field

Entry = dict[str, Any]

_POLICY = "default"
# What says that a resource has no policy of its own, or cannot have one.
_NO_POLICY = frozenset({"Forbidden.KeyPolicyUnSupported", "UnsupportedOperation", "InvalidParameter"})
_NO_PERMISSION = "Forbidden.NoPermission"


class Reader:
    """Reads single keys and secrets as fixture entries; `warnings` are what could not be read."""

    def __init__(self, account: ServiceClient, random_bytes: RandomBytes, *, with_values: bool) -> None:
        self._account = account
        self._random_bytes = random_bytes
        self._with_values = with_values
        self.warnings: list[str] = []

    # -- keys ---------------------------------------------------------------------------------------------------------

    def key(self, key_id: str, aliases: Iterable[str]) -> Entry:
        """Return the entry of a key, its versions without material. Raises RefusedError, UnreachableError."""
        found = self._account.call("DescribeKey", KeyId=key_id)["KeyMetadata"]
        tags = self._maybe("ListResourceTags", KeyId=key_id)
        entry: Entry = {
            "id": key_id,
            "spec": found.get("KeySpec"),
            "usage": found.get("KeyUsage"),
            "versions": self._key_versions(key_id, found),
            "aliases": list(aliases),
            "state": found.get("KeyState"),
            "origin": found.get("Origin"),
            "protection_level": found.get("ProtectionLevel"),
            "description": found.get("Description"),
            "tags": {tag["TagKey"]: tag.get("TagValue", "") for tag in field(tags, "Tags.Tag") or ()},
            "policy": self._policy("GetKeyPolicy", KeyId=key_id),
            "instance": found.get("DKMSInstanceId"),
            "deletion_date": found.get("DeleteDate"),
            "deletion_protection": found.get("DeletionProtection") == "Enabled",
            "deletion_protection_description": found.get("DeletionProtectionDescription"),
            "material_expires": found.get("MaterialExpireTime"),
            "creator": _account_id(found.get("Creator")),
            "created": found.get("CreationDate"),
            **_rotation(found),
        }
        return _without_empty(entry)

    def _key_versions(self, key_id: str, found: Entry) -> list[Entry]:
        """Return the versions, the primary one last. A key that waits for its material has none to list."""
        primary = found.get("PrimaryKeyVersion")
        listed = list(self._account.pages("ListKeyVersions", "KeyVersions.KeyVersion", KeyId=key_id))
        listed.sort(key=lambda version: (version["KeyVersionId"] == primary, version.get("CreationDate", "")))
        return [_without_empty({"id": item["KeyVersionId"], "created": item.get("CreationDate")}) for item in listed]

    # -- secrets ------------------------------------------------------------------------------------------------------

    def secret(self, name: str) -> Entry:
        """Return the entry of a secret with all its versions, their values made up. Raises RefusedError, UnreachableError."""
        found = self._account.call("DescribeSecret", SecretName=name, FetchTags="true")
        secret_type = found.get("SecretType", "Generic")
        config = json.loads(found["ExtendedConfig"]) if found.get("ExtendedConfig") else None
        entry: Entry = {
            "name": name,
            "type": secret_type,
            "description": found.get("Description"),
            "tags": {tag["TagKey"]: tag.get("TagValue", "") for tag in field(found, "Tags.Tag") or ()},
            "policy": self._policy("GetSecretPolicy", SecretName=name),
            "encryption_key": found.get("EncryptionKeyId"),
            "instance": found.get("DKMSInstanceId"),
            "extended_config": config,
            "planned_delete": found.get("PlannedDeleteTime"),
            "owning_service": found.get("OwingService"),
            "created": found.get("CreateTime"),
            "updated": found.get("UpdateTime"),
            "versions": [self._version(name, secret_type, config or {}, found, item) for item in self._versions(name)],
            **_rotation(found),
        }
        if found.get("AutomaticRotation") == "Invalid":
            entry["rotation_failed"] = True
        return _without_empty(entry)

    def _versions(self, name: str) -> list[Entry]:
        """Return the versions of a secret in order of creation, those without a stage too."""
        answers = self._account.pages(
            "ListSecretVersionIds", "VersionIds.VersionId", SecretName=name, IncludeDeprecated="true"
        )
        return sorted(answers, key=lambda version: str(version.get("CreateTime", "")))

    def _version(self, name: str, secret_type: Any, config: Entry, secret: Entry, item: Entry) -> Entry:
        version_id = item["VersionId"]
        entry: Entry = {
            "id": version_id,
            "stages": field(item, "VersionStages.VersionStage") or [],
            "created": item.get("CreateTime"),
        }
        if secret_type != "Generic":  # noqa: S105 (no password); its form is documented, so nothing need be read
            moment = str(item.get("CreateTime") or secret.get("CreateTime"))
            entry["data"] = made_up.managed_value(secret_type, config, moment, self._random_bytes)
        elif self._with_values and not secret.get(
            "PlannedDeleteTime"
        ):  # the service does not return the value of a deleted one
            entry |= self._value_like(name, version_id)
        else:
            entry["data"] = made_up.any_value(self._random_bytes)
        return entry

    def _value_like(self, name: str, version_id: str) -> Entry:
        """Read a value, and return one of the same shape."""
        found = self._account.call("GetSecretValue", SecretName=name, VersionId=version_id)
        if found.get("SecretDataType") == "binary":
            return {"data": made_up.same_size(found["SecretData"], self._random_bytes), "data_type": "binary"}
        return {"data": made_up.same_shape(found["SecretData"], self._random_bytes)}

    # -- both ---------------------------------------------------------------------------------------------------------

    def _policy(self, action: str, **names: str) -> Entry | None:
        answer = self._maybe(action, _NO_POLICY, PolicyName=_POLICY, **names)
        return json.loads(answer["Policy"]) if answer.get("Policy") else None

    def _maybe(self, action: str, expected: frozenset[str] = frozenset(), **parameters: str) -> Entry:
        """Return an answer, an empty one for an expected refusal; that a permission is missing is a warning."""
        try:
            return self._account.call(action, **parameters)
        except RefusedError as error:
            if error.code == _NO_PERMISSION:
                self.warnings.append(f"{action} was refused with {error.code}; left out")
            elif error.code not in expected:
                raise
            return {}


def _rotation(found: Entry) -> Entry:
    """Return the fields of automatic rotation, which keys and secrets write alike."""
    last = found.get("LastRotationDate")
    if last == found.get("CreationDate"):  # a key that never rotated
        last = None
    if found.get("AutomaticRotation") not in ("Enabled", "Invalid", "Suspended"):
        return {"last_rotation": last}
    interval, following = found.get("RotationInterval"), found.get("NextRotationDate")
    return {"rotation_interval": interval, "last_rotation": last, "next_rotation": following}


def _account_id(creator: Any) -> str | None:
    """Return who created a resource, if that is an account: it may be a service."""
    return str(creator) if re.fullmatch("[0-9]{1,20}", str(creator or "")) else None


def _without_empty(entry: Entry) -> Entry:
    """Leave out what the service leaves empty: documents have a default for it."""
    return {name: value for name, value in entry.items() if value not in (None, "", {}, [], False)}
