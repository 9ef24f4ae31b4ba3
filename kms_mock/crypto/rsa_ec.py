"""RSA and ECDSA over `cryptography`, and the RSA paddings by hand for runs that repeat byte for byte.

OpenSSL draws the salt of PSS and the seed of OAEP itself; only padding done here can take them from a stream.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from kms_mock.crypto import library, specs
from kms_mock.crypto.errors import InvalidCiphertext, InvalidKey, PlaintextTooLong
from kms_mock.crypto.guard import guard, passes
from kms_mock.crypto.randomness import RandomBytes

_SALT_LENGTH: Final = 32  # of PSS: as long as the digest (design.md 10.9: other lengths fail in outside verifiers)
_PKCS1_OVERHEAD: Final = 11  # 00 02, at least 8 bytes of filling, 00 (RFC 8017, 7.2.1)
_OAEP_HASHES: Final[Mapping[str, str]] = MappingProxyType(
    {specs.RSAES_OAEP_SHA_1: "sha1", specs.RSAES_OAEP_SHA_256: "sha256"}
)

_DIGEST: Final = Prehashed(hashes.SHA256())
# The DER of DigestInfo up to the SHA-256 digest, which ends it (RFC 8017, 9.2, note 1).
_DIGEST_INFO: Final = bytes.fromhex("3031300d060960864801650304020105000420")
_PKCS1_V1_5: Final = padding.PKCS1v15()
_SIGNATURE_PADDINGS: Final[Mapping[str, padding.PKCS1v15 | padding.PSS]] = MappingProxyType(
    {
        specs.RSA_PKCS1_SHA_256: _PKCS1_V1_5,
        specs.RSA_PSS_SHA_256: padding.PSS(padding.MGF1(hashes.SHA256()), _SALT_LENGTH),
    }
)
_ENCRYPTION_PADDINGS: Final[Mapping[str, padding.PKCS1v15 | padding.OAEP]] = MappingProxyType(
    {
        specs.RSAES_PKCS1_V1_5: _PKCS1_V1_5,
        specs.RSAES_OAEP_SHA_1: padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None),  # noqa: S303 - the API's choice
        specs.RSAES_OAEP_SHA_256: padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None),
    }
)


def sign_rsa(key: rsa.RSAPrivateKey, algorithm: str, digest: bytes, random_bytes: RandomBytes | None) -> bytes:
    """Return an RSA signature, as long as the modulus, over a SHA-256 digest (RFC 8017, 8.1 and 8.2)."""
    if algorithm == specs.RSA_PSS_SHA_256 and random_bytes is not None:
        encoded = _pss_encode(digest, random_bytes(_SALT_LENGTH), key.key_size)
        return _private_operation(key, encoded)
    return key.sign(digest, _SIGNATURE_PADDINGS[algorithm], _DIGEST)


def verify_rsa(key: rsa.RSAPublicKey, algorithm: str, digest: bytes, signature: bytes) -> bool:
    """Return whether `signature` is valid for a SHA-256 digest."""
    if algorithm == specs.RSA_PKCS1_SHA_256:
        return _verify_pkcs1(key, digest, signature)
    return passes(key.verify, signature, digest, _SIGNATURE_PADDINGS[algorithm], _DIGEST)


def _verify_pkcs1(key: rsa.RSAPublicKey, digest: bytes, signature: bytes) -> bool:
    """Return whether a signature is valid by RFC 8017, 8.2.2: compare what was signed with what should have been.

    OpenSSL checks the padding. To verify, it would look up the hash by its name too, a tenth of the time in all.
    """
    try:
        return key.recover_data_from_signature(signature, _PKCS1_V1_5, None) == _DIGEST_INFO + digest
    except InvalidSignature:
        return False


def sign_ecdsa(key: ec.EllipticCurvePrivateKey, digest: bytes, *, deterministic: bool) -> bytes:
    """Return an ECDSA signature as DER over a SHA-256 digest, with the nonce of RFC 6979 when it has to repeat and can."""
    if deterministic and library.REPEATS_ECDSA:
        return key.sign(digest, ec.ECDSA(_DIGEST, deterministic_signing=True))
    return key.sign(digest, ec.ECDSA(_DIGEST))


def verify_ecdsa(key: ec.EllipticCurvePublicKey, digest: bytes, signature: bytes) -> bool:
    """Return whether `signature` is valid for a SHA-256 digest."""
    return passes(key.verify, signature, digest, ec.ECDSA(_DIGEST))


def encrypt_rsa(key: rsa.RSAPublicKey, algorithm: str, plaintext: bytes, random_bytes: RandomBytes | None) -> bytes:
    """Return the ciphertext, as long as the modulus; PlaintextTooLong when the padding leaves less room than needed."""
    size = (key.key_size + 7) // 8
    room = size - _overhead(algorithm)
    if len(plaintext) > room:
        raise PlaintextTooLong(len(plaintext), room)
    if random_bytes is None:
        with guard(InvalidKey, "nothing can be encrypted under the public key"):
            return key.encrypt(plaintext, _ENCRYPTION_PADDINGS[algorithm])
    if algorithm == specs.RSAES_PKCS1_V1_5:
        encoded = b"\x00\x02" + _non_zero(size - len(plaintext) - 3, random_bytes) + b"\x00" + plaintext
    else:
        encoded = _oaep_encode(plaintext, _OAEP_HASHES[algorithm], size, random_bytes)
    numbers = key.public_numbers()
    return pow(int.from_bytes(encoded, "big"), numbers.e, numbers.n).to_bytes(size, "big")


def decrypt_rsa(key: rsa.RSAPrivateKey, algorithm: str, ciphertext: bytes) -> bytes:
    """Return the plaintext; InvalidCiphertext when it is damaged or for another key."""
    if algorithm == specs.RSAES_PKCS1_V1_5:
        return _pkcs1_decode(key, ciphertext)
    with guard(InvalidCiphertext, "the ciphertext is damaged or was made with another key"):
        return key.decrypt(ciphertext, _ENCRYPTION_PADDINGS[algorithm])


def _pkcs1_decode(key: rsa.RSAPrivateKey, ciphertext: bytes) -> bytes:
    """Decrypt by RFC 8017, 7.2.2; InvalidCiphertext when the padding is broken.

    OpenSSL would return random bytes for a broken one (implicit rejection), some of which would pass as key material.
    """
    size = (key.key_size + 7) // 8
    if len(ciphertext) != size or int.from_bytes(ciphertext, "big") >= key.public_key().public_numbers().n:
        raise InvalidCiphertext("the ciphertext is not as long as the modulus")
    encoded = _private_operation(key, ciphertext)
    end = encoded.find(b"\0", 2)
    if not encoded.startswith(b"\x00\x02") or end < _PKCS1_OVERHEAD - 1:
        raise InvalidCiphertext("the ciphertext is damaged or was made with another key")
    return encoded[end + 1 :]


def _overhead(algorithm: str) -> int:
    if algorithm == specs.RSAES_PKCS1_V1_5:
        return _PKCS1_OVERHEAD
    return 2 * hashlib.new(_OAEP_HASHES[algorithm]).digest_size + 2


def _oaep_encode(message: bytes, name: str, size: int, random_bytes: RandomBytes) -> bytes:
    """Encode as in RFC 8017, 7.1.1 step 2, with an empty label."""
    label = hashlib.new(name).digest()
    filling = bytes(size - len(message) - 2 * len(label) - 2)
    seed = random_bytes(len(label))
    block = label + filling + b"\x01" + message
    masked_block = _xor(block, _mgf1(seed, len(block), name))
    return b"\x00" + _xor(seed, _mgf1(masked_block, len(seed), name)) + masked_block


def _pss_encode(digest: bytes, salt: bytes, bits: int) -> bytes:
    """Encode as in RFC 8017, 9.1.1, for a modulus of whole bytes: the encoded number has one bit less."""
    check = hashlib.sha256(bytes(8) + digest + salt).digest()
    block = b"\x01" + salt
    block = block.rjust(bits // 8 - len(check) - 1, b"\x00")
    masked = _xor(block, _mgf1(check, len(block), "sha256"))
    return bytes((masked[0] & 0x7F,)) + masked[1:] + check + b"\xbc"


def _mgf1(seed: bytes, length: int, name: str) -> bytes:
    """Stretch a seed as in RFC 8017, B.2.1."""
    size = hashlib.new(name).digest_size
    blocks = range((length + size - 1) // size)
    return b"".join(hashlib.new(name, seed + block.to_bytes(4, "big")).digest() for block in blocks)[:length]


def _non_zero(count: int, random_bytes: RandomBytes) -> bytes:
    found = b""
    while len(found) < count:
        found += random_bytes(count - len(found)).replace(b"\x00", b"")
    return found


def _xor(left: bytes, right: bytes) -> bytes:
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(len(left), "big")


def _private_operation(key: rsa.RSAPrivateKey, encoded: bytes) -> bytes:
    """Raise to the private exponent by the Chinese remainder theorem (RFC 8017, 5.1.2 step 2b)."""
    numbers = key.private_numbers()
    message = int.from_bytes(encoded, "big")
    first = pow(message, numbers.dmp1, numbers.p)
    second = pow(message, numbers.dmq1, numbers.q)
    result = second + (first - second) * numbers.iqmp % numbers.p * numbers.q
    return result.to_bytes(len(encoded), "big")
