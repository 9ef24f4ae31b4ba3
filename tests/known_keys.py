"""What the tests of keys at work share: fixtures/keys.yaml, its ids, and small calls."""

from __future__ import annotations

import base64
from functools import cache
from pathlib import Path
from typing import Any

from alibabacloud_kms20160120.client import Client

from kms_mock.fixtures import yaml_files
from tests.secrets_support import sdk

KEYS = Path(__file__).parent.parent / "fixtures" / "keys.yaml"
NO_KEY = "99999999-0000-4000-8000-000000000009"


@cache
def document() -> Any:
    """Give fixtures/keys.yaml as a document."""
    return yaml_files.parse(KEYS, KEYS.read_text())


def key(key_id: str, **changes: Any) -> dict[str, Any]:
    """Give one key of fixtures/keys.yaml, with changes."""
    found = next(one for one in document()["keys"] if one["id"] == key_id)
    return {**found, **changes}


def version(key_id: str, number: int = -1) -> str:
    """Give the id of a version of a key; the last one is the primary."""
    return str(key(key_id)["versions"][number]["id"])


def material(key_id: str, number: int = -1) -> bytes:
    """Give the bytes of a symmetric key."""
    return base64.b64decode(key(key_id)["versions"][number]["material"])


def private_pem(key_id: str) -> bytes:
    """Give the private key of a key pair."""
    return str(key(key_id)["versions"][0]["material"]).encode()


def text64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def encrypted(client: Client, key_id: str = "key-aes256", plaintext: str = "secret text", **more: Any) -> str:
    """Encrypt; give the blob."""
    return str(sdk(client, "Encrypt", key_id=key_id, plaintext=plaintext, **more)["CiphertextBlob"])


def decrypted(client: Client, blob: str, **more: Any) -> str:
    """Decrypt; give the plaintext."""
    return str(sdk(client, "Decrypt", ciphertext_blob=blob, **more)["Plaintext"])


def flipped(blob: str, position: int = -1) -> str:
    """Give a Base64 text with the lowest bit of one of its bytes changed."""
    data = bytearray(base64.b64decode(blob))
    data[position] ^= 1
    return text64(bytes(data))
