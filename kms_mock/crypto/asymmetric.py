"""Signatures and public-key encryption: AsymmetricSign, -Verify, -Encrypt and -Decrypt (behaviour.md 2).

Signing never hashes: it takes the digest that the caller computed (design.md 10.8). This module is cheap to import: the
modules of each kind of key pair load with the first call.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from kms_mock.crypto import specs
from kms_mock.crypto.errors import InvalidCiphertext, PlaintextTooLong, UnsupportedAlgorithm
from kms_mock.crypto.material import KeyMaterial
from kms_mock.crypto.randomness import RandomBytes, openssl_bytes

__all__ = [
    "InvalidCiphertext",
    "PlaintextTooLong",
    "UnsupportedAlgorithm",
    "decrypt",
    "digest_length",
    "encrypt",
    "sign",
    "sm2_message_digest",
    "verify",
]

_DIGEST_LENGTHS: Final[Mapping[str, int]] = MappingProxyType(
    {specs.RSA_PKCS1_SHA_256: 32, specs.RSA_PSS_SHA_256: 32, specs.ECDSA_SHA_256: 32, specs.SM2DSA: 32}
)


def digest_length(algorithm: str) -> int:
    """Return the length in bytes of the digest that an algorithm signs; UnsupportedAlgorithm for an unknown one."""
    if algorithm not in _DIGEST_LENGTHS:
        raise UnsupportedAlgorithm(f"there is no signature algorithm {algorithm!r}")
    return _DIGEST_LENGTHS[algorithm]


def sign(material: KeyMaterial, algorithm: str, digest: bytes, random_bytes: RandomBytes | None = None) -> bytes:
    """Return the signature over an already computed digest: 32 bytes of SHA-256, or SM3(Z(A) || M) for SM2DSA.

    RSA signatures are as long as the modulus; PSS has MGF1-SHA256 and 32 bytes of salt. ECDSA and SM2 signatures are the
    DER SEQUENCE of r and s. With `random_bytes` the result follows from that stream (ECDSA: RFC 6979), without it OpenSSL
    draws what is needed. UnsupportedAlgorithm when the key does not have the algorithm, ValueError for another length.
    """
    _check_signing(material, algorithm, digest)
    from kms_mock.crypto import keypairs, rsa_ec, sm2

    if isinstance(material, keypairs.RsaMaterial):
        return rsa_ec.sign_rsa(material.private_key, algorithm, digest, random_bytes)
    if isinstance(material, keypairs.EcMaterial):
        return rsa_ec.sign_ecdsa(material.private_key, digest, deterministic=random_bytes is not None)
    return sm2.sign(keypairs.sm2_key(material), digest, random_bytes or openssl_bytes)


def verify(material: KeyMaterial, algorithm: str, digest: bytes, signature: bytes) -> bool:
    """Return whether `signature` is valid for the digest; False, too, when it is malformed.

    UnsupportedAlgorithm and ValueError as in `sign`.
    """
    _check_signing(material, algorithm, digest)
    from kms_mock.crypto import keypairs, rsa_ec, sm2

    if isinstance(material, keypairs.RsaMaterial):
        return rsa_ec.verify_rsa(material.public_key, algorithm, digest, signature)
    if isinstance(material, keypairs.EcMaterial):
        return rsa_ec.verify_ecdsa(material.public_key, digest, signature)
    return sm2.verify(keypairs.sm2_key(material).public_key, digest, signature)


def encrypt(material: KeyMaterial, algorithm: str, plaintext: bytes, random_bytes: RandomBytes | None = None) -> bytes:
    """Return the ciphertext under the public half: RSAES_OAEP (MGF1 with the same hash, no label) or SM2PKE.

    SM2PKE returns the DER SEQUENCE of GM/T 0009 in the order C1 C3 C2. PlaintextTooLong beyond the documented size,
    UnsupportedAlgorithm when the key does not have the algorithm.
    """
    limit = _encryption(material, algorithm).max_plaintext
    if len(plaintext) > limit:
        raise PlaintextTooLong(len(plaintext), limit)
    from kms_mock.crypto import keypairs, rsa_ec, sm2

    if isinstance(material, keypairs.RsaMaterial):
        return rsa_ec.encrypt_rsa(material.public_key, algorithm, plaintext, random_bytes)
    return sm2.encrypt(keypairs.sm2_key(material).public_key, plaintext, random_bytes or openssl_bytes)


def decrypt(material: KeyMaterial, algorithm: str, ciphertext: bytes) -> bytes:
    """Return the plaintext of what `encrypt` made; for SM2PKE also of the raw form 04 || x1 || y1 || C3 || C2.

    InvalidCiphertext when it is malformed, damaged or for another key, UnsupportedAlgorithm as in `encrypt`.
    """
    _encryption(material, algorithm)
    from kms_mock.crypto import keypairs, rsa_ec, sm2

    if isinstance(material, keypairs.RsaMaterial):
        return rsa_ec.decrypt_rsa(material.private_key, algorithm, ciphertext)
    return sm2.decrypt(keypairs.sm2_key(material), ciphertext)


def sm2_message_digest(public_key_der: bytes, message: bytes) -> bytes:
    """Return e = SM3(Z(A) || message), 32 bytes: the digest that `sign` takes for SM2DSA (GM/T 0003.2, 6.1).

    The public key is SPKI DER. ValueError when it is not an SM2 key.
    """
    from kms_mock.crypto import sm2

    return sm2.message_digest(sm2.PublicKey.from_der(public_key_der), message)


def _check_signing(material: KeyMaterial, algorithm: str, digest: bytes) -> None:
    if algorithm not in material.spec.signature_algorithms:
        raise UnsupportedAlgorithm(f"a key of spec {material.spec.name} does not sign with {algorithm!r}")
    if len(digest) != digest_length(algorithm):
        raise ValueError(f"{algorithm} signs {digest_length(algorithm)} bytes of digest, not {len(digest)}")


def _encryption(material: KeyMaterial, algorithm: str) -> specs.EncryptionAlgorithm:
    found = material.spec.encryption(algorithm)
    if found is None:
        raise UnsupportedAlgorithm(f"a key of spec {material.spec.name} does not encrypt with {algorithm!r}")
    return found
