"""One interface over AES-GCM and SM4-GCM, so that key material can keep a ready object of either."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import SM4

from kms_mock.crypto.library import HAS_SM4_GCM
from kms_mock.crypto.specs import Kind

_TAG_LENGTH: Final = 16


class Aead(Protocol):
    """Authenticated encryption under one fixed key; the tag is the last 16 bytes of the ciphertext."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes:
        """Return ciphertext + 16-byte tag."""

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes:
        """Return the plaintext; `cryptography.exceptions.InvalidTag` when the tag does not match."""


class Sm4Gcm:
    """SM4-GCM as in RFC 8998; `cryptography` has SM4 as a block cipher but no one-shot AEAD class for it."""

    __slots__ = ("_algorithm",)

    def __init__(self, key: bytes) -> None:
        self._algorithm = SM4(key)

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes:
        """Return ciphertext + 16-byte tag."""
        context = Cipher(self._algorithm, modes.GCM(nonce)).encryptor()
        if associated_data:
            context.authenticate_additional_data(associated_data)
        return context.update(data) + context.finalize() + context.tag

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes:
        """Return the plaintext; InvalidTag when the tag does not match or is missing."""
        if len(data) < _TAG_LENGTH:
            raise InvalidTag
        context = Cipher(self._algorithm, modes.GCM(nonce, data[-_TAG_LENGTH:])).decryptor()
        if associated_data:
            context.authenticate_additional_data(associated_data)
        return context.update(data[:-_TAG_LENGTH]) + context.finalize()


def _sm4_gcm(key: bytes) -> Aead:
    if not HAS_SM4_GCM:  # pragma: without cryptography 42
        from kms_mock.crypto.sm4_gcm import PlainSm4Gcm

        return PlainSm4Gcm(key)
    return Sm4Gcm(key)


# Kind of key -> its GCM: AES (NIST SP 800-38D) takes 16, 24 or 32 bytes of key, SM4 takes 16.
AEADS: Final[Mapping[Kind, Callable[[bytes], Aead]]] = MappingProxyType({"aes": AESGCM, "sm4": _sm4_gcm})
