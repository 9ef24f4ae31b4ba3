"""Wrapping under a public key: import of key material (GetParametersForImport) and ExportDataKey (behaviour.md 3, 10)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kms_mock.crypto import pem, specs
from kms_mock.crypto.errors import InvalidCiphertext, InvalidKey, PlaintextTooLong, UnsupportedAlgorithm
from kms_mock.crypto.guard import guard
from kms_mock.crypto.material import KeyMaterial
from kms_mock.crypto.randomness import RandomBytes, openssl_bytes
from kms_mock.crypto.specs import Kind

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa

    from kms_mock.crypto import sm2

__all__ = [
    "WRAPPING_ALGORITHMS",
    "InvalidCiphertext",
    "InvalidKey",
    "PlaintextTooLong",
    "PublicKey",
    "UnsupportedAlgorithm",
    "read_public_key",
    "unwrap",
    "wrap",
]

WRAPPING_ALGORITHMS: Final[Mapping[Kind, tuple[str, ...]]] = MappingProxyType(
    {
        "rsa": (specs.RSAES_PKCS1_V1_5, specs.RSAES_OAEP_SHA_1, specs.RSAES_OAEP_SHA_256),
        "sm2": (specs.SM2PKE,),
    }
)

_MINIMUM_RSA_BITS: Final = 2048


class PublicKey(Struct, frozen=True):
    """A caller's public key, parsed and checked; `bits` is the length of the modulus, or 256 for SM2."""

    bits: int
    key: rsa.RSAPublicKey | sm2.PublicKey
    kind: Kind


def read_public_key(data: bytes) -> PublicKey:
    """Read SubjectPublicKeyInfo, DER or PEM; InvalidKey unless it is RSA of at least 2048 bits, or SM2.

    A key that is read also wraps: what OpenSSL would refuse only then (an even modulus) is refused here.
    """
    from kms_mock.crypto import keypairs, sm2  # loads the asymmetric modules of `cryptography`

    found = next((body for _, body in pem.blocks(data)), b"") if pem.is_pem(data) else data
    if sm2.names_curve(found):
        with guard(InvalidKey, "the SM2 public key is malformed, or its point is not on the SM2 curve"):
            return PublicKey(256, sm2.PublicKey.from_der(found), "sm2")
    key = keypairs.read_rsa_public(found)
    if key.key_size < _MINIMUM_RSA_BITS:
        raise InvalidKey(f"the RSA key has {key.key_size} bits, at least {_MINIMUM_RSA_BITS} are needed")
    return PublicKey(key.key_size, key, "rsa")


def wrap(public_key: bytes, algorithm: str, data: bytes, random_bytes: RandomBytes | None = None) -> bytes:
    """Encrypt `data` under a public key (see `read_public_key`).

    RSA: as many bytes as the modulus has; SM2PKE: DER as in `asymmetric.encrypt`. With `random_bytes` the result follows
    from that stream. UnsupportedAlgorithm when the key does not have the algorithm, PlaintextTooLong when data is too long for it.
    """
    public = read_public_key(public_key)
    _check(public.kind, algorithm)
    from kms_mock.crypto import rsa_ec, sm2

    if isinstance(public.key, sm2.PublicKey):
        if len(data) > specs.SM2_MAX_PLAINTEXT:
            raise PlaintextTooLong(len(data), specs.SM2_MAX_PLAINTEXT)
        return sm2.encrypt(public.key, data, random_bytes or openssl_bytes)
    return rsa_ec.encrypt_rsa(public.key, algorithm, data, random_bytes)


def unwrap(pair: KeyMaterial, algorithm: str, wrapped: bytes) -> bytes:
    """Return the data that `wrap` encrypted; InvalidCiphertext for damage, UnsupportedAlgorithm as in `wrap`."""
    _check(pair.spec.kind, algorithm)
    from kms_mock.crypto import keypairs, rsa_ec, sm2

    if isinstance(pair, keypairs.RsaMaterial):
        return rsa_ec.decrypt_rsa(pair.private_key, algorithm, wrapped)
    return sm2.decrypt(keypairs.sm2_key(pair), wrapped)


def _check(kind: Kind, algorithm: str) -> None:
    if algorithm not in WRAPPING_ALGORITHMS.get(kind, ()):
        raise UnsupportedAlgorithm(f"a key of kind {kind} does not wrap with {algorithm!r}")
