"""SM4-GCM (RFC 8998, NIST SP 800-38D) from SM4 and counters alone, for `cryptography` before 42, which has no more."""

from __future__ import annotations

import hmac
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import SM4

_BLOCK: Final = 16
_REDUCTION: Final = 0xE1 << 120  # the field's polynomial, whose bits are counted from the left (6.3)


class PlainSm4Gcm:
    """SM4-GCM with nonces of 12 bytes; the tag is the last 16 bytes of the ciphertext."""

    __slots__ = ("_algorithm", "_multiples")

    def __init__(self, key: bytes) -> None:
        self._algorithm = SM4(key)
        encryptor = Cipher(self._algorithm, modes.ECB()).encryptor()  # noqa: S305 (one block: the key of the hash)
        self._multiples = _multiples(int.from_bytes(encryptor.update(bytes(_BLOCK)), "big"))

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes:
        """Return ciphertext + 16-byte tag."""
        body = self._counted(nonce, 2, data)
        return body + self._tag(nonce, body, associated_data or b"")

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes:
        """Return the plaintext; InvalidTag when the tag does not match or is missing."""
        body, tag = data[:-_BLOCK], data[-_BLOCK:]
        if not hmac.compare_digest(self._tag(nonce, body, associated_data or b""), tag):
            raise InvalidTag
        return self._counted(nonce, 2, body)

    def _counted(self, nonce: bytes, counter: int, data: bytes) -> bytes:
        context = Cipher(self._algorithm, modes.CTR(nonce + counter.to_bytes(4, "big"))).encryptor()
        return context.update(data)

    def _tag(self, nonce: bytes, body: bytes, associated_data: bytes) -> bytes:
        lengths = (8 * len(associated_data)).to_bytes(8, "big") + (8 * len(body)).to_bytes(8, "big")
        digest = self._hash(_filled(associated_data) + _filled(body) + lengths)
        return self._counted(nonce, 1, digest)

    def _hash(self, data: bytes) -> bytes:
        """Return GHASH of whole blocks (6.4), a byte of a block at a time."""
        multiples, found = self._multiples, 0
        for at in range(0, len(data), _BLOCK):
            mixed = found ^ int.from_bytes(data[at : at + _BLOCK], "big")
            found = 0
            for byte in mixed.to_bytes(_BLOCK, "little"):  # from the highest power down
                found = (found >> 8) ^ _REDUCED[found & 0xFF] ^ multiples[byte]
        return found.to_bytes(_BLOCK, "big")


def _filled(data: bytes) -> bytes:
    return data + bytes(-len(data) % _BLOCK)


def _times_x(value: int) -> int:
    return (value >> 1) ^ (_REDUCTION if value & 1 else 0)


def _multiples(factor: int) -> list[int]:
    """Return the products of a factor with each byte as the first of a block."""
    found = [0] * 256
    bit = 128
    while bit:
        found[bit] = factor
        factor = _times_x(factor)
        bit >>= 1
    for byte in range(256):
        lowest = byte & -byte
        if byte != lowest:
            found[byte] = found[lowest] ^ found[byte ^ lowest]
    return found


def _reduced(byte: int) -> int:
    """Return what a byte at the end of a block becomes when it is shifted out."""
    for _ in range(8):
        byte = _times_x(byte)
    return byte


_REDUCED: Final = [_reduced(byte) for byte in range(256)]
