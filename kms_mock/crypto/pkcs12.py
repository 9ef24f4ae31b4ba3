"""PKCS #12 files (RFC 7292): a private key with its certificate, and trust stores, in the old algorithms that every reader supports.

The first bytes of the documented PrivateKeyData (`MIIJqwIBAzCCCXcG...`, api-docs CreateClientKey) leave exactly the room
of an HMAC-SHA-1, so clients that read real files (Go's x/crypto among them) may support nothing newer. Written by hand
because `cryptography` draws salts itself, and a seeded run has to repeat byte for byte. `cryptography` before 45 makes
no trust stores for Java either; Java 8 before 8u301 reads only this encryption.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, modes

from kms_mock.crypto.der import OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, encode, encode_integer
from kms_mock.crypto.randomness import RandomBytes, openssl_bytes

try:
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
except ImportError:  # pragma: without cryptography 43
    from cryptography.hazmat.primitives.ciphers.algorithms import TripleDES

_SET: Final = 0x31
_CONTEXT_0: Final = 0xA0
_CONTEXT_0_PRIMITIVE: Final = 0x80
_NULL: Final = b"\x05\x00"

_PKCS: Final = "2a864886f70d01"  # 1.2.840.113549.1
_DATA: Final = encode(OBJECT_IDENTIFIER, bytes.fromhex(_PKCS + "0701"))
_ENCRYPTED_DATA: Final = encode(OBJECT_IDENTIFIER, bytes.fromhex(_PKCS + "0706"))
_X509_CERTIFICATE: Final = encode(OBJECT_IDENTIFIER, bytes.fromhex(_PKCS + "091601"))
_FRIENDLY_NAME: Final = encode(OBJECT_IDENTIFIER, bytes.fromhex(_PKCS + "0914"))
_LOCAL_KEY_ID: Final = encode(OBJECT_IDENTIFIER, bytes.fromhex(_PKCS + "0915"))
_SHROUDED_KEY_BAG: Final = encode(OBJECT_IDENTIFIER, bytes.fromhex(_PKCS + "0c0a0102"))
_CERTIFICATE_BAG: Final = encode(OBJECT_IDENTIFIER, bytes.fromhex(_PKCS + "0c0a0103"))
_PBE_SHA1_3DES: Final = encode(OBJECT_IDENTIFIER, bytes.fromhex(_PKCS + "0c0103"))
_SHA1: Final = encode(OBJECT_IDENTIFIER, bytes.fromhex("2b0e03021a"))
_ANY_USE: Final = encode(OBJECT_IDENTIFIER, bytes.fromhex("551d2500"))
# What makes Java trust a certificate (2.16.840.1.113894.746875.1.1, sun.security.pkcs12.PKCS12KeyStore).
_TRUSTED_KEY_USAGE: Final = encode(OBJECT_IDENTIFIER, bytes.fromhex("6086480186f966adca7b0101"))
_BMP_STRING: Final = 0x1E

_ITERATIONS: Final = 2048
_SALT_LENGTH: Final = 8
_FOR_KEY: Final = 1  # what derived bytes are for (RFC 7292, B.3)
_FOR_IV: Final = 2
_FOR_MAC: Final = 3
_BLOCK: Final = 64  # of SHA-1, in bytes
_DES_BLOCK: Final = 8


def make(password: str, pkcs8: bytes, certificate: bytes, random_bytes: RandomBytes | None = None) -> bytes:
    """Return a PKCS #12 file as DER around a private key (PKCS#8 DER) and its certificate (DER), under a password.

    Salts come from `random_bytes`, from OpenSSL without it.
    """
    draw = random_bytes or openssl_bytes
    key_id = encode(SEQUENCE, _LOCAL_KEY_ID, encode(_SET, encode(OCTET_STRING, _sha1(certificate))))
    attributes = encode(_SET, key_id)
    encrypted = _encrypted(password, encode(SEQUENCE, _certificate_bag(certificate, attributes)), draw)
    algorithm, body = _encrypt(password, pkcs8, draw)
    key_bag = encode(SEQUENCE, algorithm, encode(OCTET_STRING, body))
    keys = encode(SEQUENCE, encode(SEQUENCE, _SHROUDED_KEY_BAG, encode(_CONTEXT_0, key_bag), attributes))
    return _file(password, draw, encrypted, _plain(keys))


def make_trust_store(certificates: Mapping[str, bytes], password: str) -> bytes:
    """Return a PKCS #12 file as DER with certificates (DER), by alias, that Java trusts."""
    usage = encode(SEQUENCE, _TRUSTED_KEY_USAGE, encode(_SET, _ANY_USE))
    bags = [
        _certificate_bag(certificate, encode(_SET, *sorted((_friendly_name(alias), usage))))
        for alias, certificate in certificates.items()
    ]
    return _file(password, openssl_bytes, _encrypted(password, encode(SEQUENCE, *bags), openssl_bytes))


def _friendly_name(alias: str) -> bytes:
    return encode(SEQUENCE, _FRIENDLY_NAME, encode(_SET, encode(_BMP_STRING, alias.encode("utf-16-be"))))


def _certificate_bag(certificate: bytes, attributes: bytes) -> bytes:
    bag = encode(SEQUENCE, _X509_CERTIFICATE, encode(_CONTEXT_0, encode(OCTET_STRING, certificate)))
    return encode(SEQUENCE, _CERTIFICATE_BAG, encode(_CONTEXT_0, bag), attributes)


def _file(password: str, draw: RandomBytes, *contents: bytes) -> bytes:
    safe = encode(SEQUENCE, *contents)
    return encode(SEQUENCE, encode_integer(3), _plain(safe), _mac(password, safe, draw))


def _encrypted(password: str, contents: bytes, draw: RandomBytes) -> bytes:
    algorithm, body = _encrypt(password, contents, draw)
    hidden = encode(SEQUENCE, _DATA, algorithm, encode(_CONTEXT_0_PRIMITIVE, body))
    return encode(SEQUENCE, _ENCRYPTED_DATA, encode(_CONTEXT_0, encode(SEQUENCE, encode_integer(0), hidden)))


def _plain(contents: bytes) -> bytes:
    return encode(SEQUENCE, _DATA, encode(_CONTEXT_0, encode(OCTET_STRING, contents)))


def _encrypt(password: str, plaintext: bytes, draw: RandomBytes) -> tuple[bytes, bytes]:
    """Return the algorithm with its parameters, and the ciphertext (RFC 7292, appendix C)."""
    salt = draw(_SALT_LENGTH)
    key = _derived(password, salt, _FOR_KEY, 24)
    iv = _derived(password, salt, _FOR_IV, _DES_BLOCK)
    fill = _DES_BLOCK - len(plaintext) % _DES_BLOCK
    encryptor = Cipher(TripleDES(key), modes.CBC(iv)).encryptor()
    body = encryptor.update(plaintext + bytes([fill]) * fill) + encryptor.finalize()
    return encode(SEQUENCE, _PBE_SHA1_3DES, _parameters(salt)), body


def _parameters(salt: bytes) -> bytes:
    return encode(SEQUENCE, encode(OCTET_STRING, salt), encode_integer(_ITERATIONS))


def _mac(password: str, safe: bytes, draw: RandomBytes) -> bytes:
    salt = draw(_SALT_LENGTH)
    tag = hmac.digest(_derived(password, salt, _FOR_MAC, 20), safe, "sha1")
    info = encode(SEQUENCE, encode(SEQUENCE, _SHA1, _NULL), encode(OCTET_STRING, tag))
    return encode(SEQUENCE, info, encode(OCTET_STRING, salt), encode_integer(_ITERATIONS))


def _derived(password: str, salt: bytes, purpose: int, length: int) -> bytes:
    """Derive bytes from a password (RFC 7292, B.2, with SHA-1)."""
    secret = (password + "\0").encode("utf-16-be", "surrogatepass")  # JSON can carry lone surrogates
    mixed = _filled(salt) + _filled(secret)
    found = b""
    while True:
        block = bytes([purpose]) * _BLOCK + mixed
        for _ in range(_ITERATIONS):
            block = _sha1(block)
        found += block
        if len(found) >= length:
            return found[:length]
        addend = int.from_bytes(_filled(block), "big") + 1
        mixed = b"".join(
            ((int.from_bytes(mixed[at : at + _BLOCK], "big") + addend) % (1 << 8 * _BLOCK)).to_bytes(_BLOCK, "big")
            for at in range(0, len(mixed), _BLOCK)
        )


def _filled(data: bytes) -> bytes:
    """Return the data repeated until it fills whole blocks; a digest, shorter than a block, fills one."""
    size = -(-len(data) // _BLOCK) * _BLOCK
    return (data * (size // len(data) + 1))[:size]


def _sha1(data: bytes) -> bytes:
    return hashlib.sha1(data, usedforsecurity=False).digest()
