"""What the tests of keys at work share: fixtures/keys.yaml, its ids, and small calls."""

from __future__ import annotations

import base64
from functools import cache
from pathlib import Path
from typing import Any

from alibabacloud_kms20160120.client import Client

from kms_mock.fixtures import yaml_files
from tests.support.secrets import sdk

KEYS = Path(__file__).parents[2] / "fixtures" / "keys.yaml"
NO_KEY = "99999999-0000-4000-8000-000000000009"


@cache
def keys_document() -> Any:
    """Return fixtures/keys.yaml as a document."""
    return yaml_files.parse(KEYS, KEYS.read_text())


def known_key(key_id: str, **changes: Any) -> dict[str, Any]:
    """Return one key of fixtures/keys.yaml, with changes."""
    found = next(one for one in keys_document()["keys"] if one["id"] == key_id)
    return {**found, **changes}


def known_version(key_id: str, number: int = -1) -> str:
    """Return the id of a version of a key; the last one is the primary."""
    return str(known_key(key_id)["versions"][number]["id"])


def key_fields(key_id: str, algorithm: str) -> dict[str, str]:
    """Return what an operation with a key pair needs besides its input."""
    return {"key_id": key_id, "key_version_id": known_version(key_id), "algorithm": algorithm}


def known_material(key_id: str, number: int = -1) -> bytes:
    """Return the bytes of a symmetric key."""
    return base64.b64decode(known_key(key_id)["versions"][number]["material"])


def private_pem(key_id: str) -> bytes:
    """Return the private key of a key pair."""
    return str(known_key(key_id)["versions"][0]["material"]).encode()


def text64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def encrypted(client: Client, key_id: str = "key-aes256", plaintext: str = "secret text", **more: Any) -> str:
    """Encrypt; give the blob."""
    return str(sdk(client, "Encrypt", key_id=key_id, plaintext=plaintext, **more)["CiphertextBlob"])


def decrypted(client: Client, blob: str, **more: Any) -> str:
    """Decrypt; give the plaintext."""
    return str(sdk(client, "Decrypt", ciphertext_blob=blob, **more)["Plaintext"])


def flipped(blob: str, position: int = -1) -> str:
    """Return a Base64 text with the lowest bit of one of its bytes changed."""
    data = bytearray(base64.b64decode(blob))
    data[position] ^= 1
    return text64(bytes(data))
