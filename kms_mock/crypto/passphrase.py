"""Encryption under a passphrase: a key derived with scrypt (RFC 7914), and AES-256-GCM under it."""

from __future__ import annotations

import hashlib
from typing import Final

from kms_mock.crypto import material, symmetric
from kms_mock.crypto.randomness import openssl_bytes

SALT_LENGTH: Final = 16
# 32 MiB and about 50 ms for each guess.
_COST: Final = 2**15
_BLOCK_SIZE: Final = 8
_MEMORY: Final = 2**26  # that OpenSSL may use; it needs 128 * cost * block size
_NONCE_LENGTH: Final = 12


class PassphraseKey:
    """Encrypts under a passphrase. Nonces come from OpenSSL in every run: a stream that repeats would repeat them."""

    __slots__ = ("_material",)

    def __init__(self, passphrase: bytes, salt: bytes) -> None:
        """Derive the key; `salt` has `SALT_LENGTH` random bytes."""
        key = hashlib.scrypt(passphrase, salt=salt, n=_COST, r=_BLOCK_SIZE, p=1, maxmem=_MEMORY, dklen=32)
        self._material = material.load("Aliyun_AES_256", key)

    def seal(self, plaintext: bytes, associated_data: bytes) -> bytes:
        """Return nonce, ciphertext and tag."""
        nonce = openssl_bytes(_NONCE_LENGTH)
        return nonce + symmetric.seal(self._material, nonce, plaintext, associated_data)

    def unseal(self, sealed: bytes, associated_data: bytes) -> bytes:
        """Return what `seal` sealed; InvalidCiphertext for another passphrase, other associated data or damage."""
        return symmetric.unseal(self._material, sealed[:_NONCE_LENGTH], sealed[_NONCE_LENGTH:], associated_data)


def new_salt() -> bytes:
    """Return a random salt."""
    return openssl_bytes(SALT_LENGTH)
