"""Helpers of the tests on keys: short spellings of SDK calls, wrapping of material, and fixture documents."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.crypto import wrapping
from kms_mock.defaults import DEFAULT_ACCOUNT
from tests.support.secrets import resource_policy

MATERIAL = bytes(range(32))
INSTANCES = [
    {"id": "kst-soft", "kind": "software"},
    {"id": "kst-hard", "kind": "hardware"},
    {"id": "kst-down", "status": "Disconnected"},
]
DAY = 86400
POLICY = resource_policy("kms:*", principal=f"acs:ram::{DEFAULT_ACCOUNT}:*")


def with_instances(kms: KmsMock, **document: Any) -> None:
    """Load INSTANCES, and what else a test needs."""
    kms.load({"instances": INSTANCES, **document})


def advance(kms: KmsMock, step: str) -> list[Any]:
    """Let time pass; give the events."""
    events: list[Any] = kms.clock.advance(step)
    return events


def seconds(date: str) -> float:
    """Return a time of the API in seconds since 1970 UTC."""
    return datetime.fromisoformat(date).timestamp()


def create_key(client: Client, **parameters: Any) -> models.CreateKeyResponseBodyKeyMetadata:
    """Create a key; give its metadata."""
    return client.create_key(models.CreateKeyRequest(**parameters)).body.key_metadata


def describe(client: Client, key_id: str) -> models.DescribeKeyResponseBodyKeyMetadata:
    """Describe a key."""
    return client.describe_key(models.DescribeKeyRequest(key_id=key_id)).body.key_metadata


def schedule(client: Client, key_id: str, days: int = 7) -> None:
    """Plan a key's deletion."""
    client.schedule_key_deletion(models.ScheduleKeyDeletionRequest(key_id=key_id, pending_window_in_days=days))


def cancel(client: Client, key_id: str) -> None:
    """Cancel a key's deletion."""
    client.cancel_key_deletion(models.CancelKeyDeletionRequest(key_id=key_id))


def disable(client: Client, key_id: str) -> None:
    """Disable a key."""
    client.disable_key(models.DisableKeyRequest(key_id=key_id))


def enable(client: Client, key_id: str) -> None:
    """Enable a key."""
    client.enable_key(models.EnableKeyRequest(key_id=key_id))


def key_ids(client: Client, **parameters: Any) -> list[str]:
    """List keys; give their ids."""
    return [key.key_id for key in client.list_keys(models.ListKeysRequest(**parameters)).body.keys.key]


def key_versions(client: Client, key_id: str) -> list[str]:
    """List the ids of a key's versions."""
    request = models.ListKeyVersionsRequest(key_id=key_id, page_size=100)
    return [one.key_version_id for one in client.list_key_versions(request).body.key_versions.key_version]


def encrypt(client: Client, key_id: str, plaintext: str = "hello") -> str:
    """Encrypt; give the blob."""
    return str(client.encrypt(models.EncryptRequest(key_id=key_id, plaintext=plaintext)).body.ciphertext_blob)


def decrypt(client: Client, blob: str) -> str:
    """Decrypt a blob."""
    return str(client.decrypt(models.DecryptRequest(ciphertext_blob=blob)).body.plaintext)


def parameters_for_import(
    client: Client, key_id: str, algorithm: str = "RSAES_OAEP_SHA_256", spec: str = "RSA_2048"
) -> models.GetParametersForImportResponseBody:
    """Ask for a wrapping key and a token."""
    request = models.GetParametersForImportRequest(key_id=key_id, wrapping_algorithm=algorithm, wrapping_key_spec=spec)
    return client.get_parameters_for_import(request).body


def import_request(
    given: models.GetParametersForImportResponseBody,
    material: bytes = MATERIAL,
    *,
    algorithm: str = "RSAES_OAEP_SHA_256",
    expires: int | None = 0,
) -> models.ImportKeyMaterialRequest:
    """Wrap material as the parameters say; give the request that imports it."""
    wrapped = wrapping.wrap(base64.b64decode(given.public_key), algorithm, material)
    return models.ImportKeyMaterialRequest(
        key_id=given.key_id,
        encrypted_key_material=base64.b64encode(wrapped).decode(),
        import_token=given.import_token,
        key_material_expire_unix=expires,
    )


def import_material(client: Client, key_id: str, material: bytes = MATERIAL, expires: int | None = 0) -> None:
    """Import material into a key."""
    client.import_key_material(import_request(parameters_for_import(client, key_id), material, expires=expires))
