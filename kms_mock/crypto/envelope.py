"""The ciphertext blob of Encrypt and GenerateDataKey, and the associated data made from an EncryptionContext.

Blob: 36 ASCII bytes (the key version's UUID), 12 bytes of GCM nonce, the ciphertext, 16 bytes of GCM tag
(behaviour.md 3). On the wire it is Base64.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from kms_mock.crypto.errors import InvalidCiphertext
from kms_mock.regex import regex

ID_LENGTH: Final = 36
NONCE_LENGTH: Final = 12
TAG_LENGTH: Final = 16

_HEADER_LENGTH: Final = ID_LENGTH + NONCE_LENGTH
_UUID: Final = regex(rb"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Blob(Struct, frozen=True, gc=False):
    """An unpacked blob: the key version it names, its nonce, and ciphertext + tag as `symmetric.unseal` takes them."""

    key_version_id: str
    nonce: bytes
    sealed: bytes


def pack(key_version_id: str, nonce: bytes, sealed: bytes) -> bytes:
    """Return the bytes of a blob.

    `key_version_id` is a UUID of 36 characters, `nonce` 12 bytes, `sealed` ciphertext + tag (>= 16 bytes); other lengths
    are a ValueError, because `unpack` would refuse the result.
    """
    identifier = key_version_id.encode()
    if len(identifier) != ID_LENGTH or len(nonce) != NONCE_LENGTH or len(sealed) < TAG_LENGTH:
        raise ValueError(
            f"a ciphertext blob needs a UUID of {ID_LENGTH} characters, {NONCE_LENGTH} bytes of nonce and {TAG_LENGTH} of tag"
        )
    return identifier + nonce + sealed


def unpack(raw: bytes) -> Blob:
    """Return the fields of a blob; InvalidCiphertext when it is none."""
    if len(raw) < _HEADER_LENGTH + TAG_LENGTH:
        raise InvalidCiphertext("it is too short")
    if not _UUID.fullmatch(raw, 0, ID_LENGTH):
        raise InvalidCiphertext("it does not start with a key version id")
    return Blob(raw[:ID_LENGTH].decode("ascii"), raw[ID_LENGTH:_HEADER_LENGTH], raw[_HEADER_LENGTH:])


def context_aad(context: Mapping[str, str] | None) -> bytes | None:
    """Return the associated data of an encryption context: 32 bytes, or None for no or an empty context.

    SHA-256 over the UTF-8 of `k1=v1&k2=v2`, keys sorted, as the vendor's transfer SDKs compute it, so that ciphertexts
    pass between the shared and the dedicated gateway (dedicated.md 4). Where a key or value holds `&` or `=`, other
    contexts would have the same text: then it is SHA-256 over `&` and every key and value, each behind its length in 8
    bytes. No text of the first form starts with `&`, so no two contexts have the same bytes (design.md 10.5).
    """
    if not context:
        return None
    # JSON can carry lone surrogates; they must not turn into an exception here.
    pairs = [
        (key.encode("utf-8", "surrogatepass"), context[key].encode("utf-8", "surrogatepass")) for key in sorted(context)
    ]
    if any(mark in text for pair in pairs for text in pair for mark in (b"&", b"=")):
        data = b"&" + b"".join(len(text).to_bytes(8, "big") + text for pair in pairs for text in pair)
    else:
        data = b"&".join(key + b"=" + value for key, value in pairs)
    return hashlib.sha256(data).digest()
