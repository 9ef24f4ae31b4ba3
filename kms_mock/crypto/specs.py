"""The key specs: what each key is made of and what may be done with it (behaviour.md 2)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from msgspec import Struct

Kind = Literal["aes", "sm4", "rsa", "ec", "sm2", "hmac"]
Curve = Literal["secp256r1", "secp256k1", "sm2p256v1"]

SYMMETRIC_CIPHERS: Final[tuple[Kind, ...]] = ("aes", "sm4")
_SECRET_BYTES: Final[tuple[Kind, ...]] = (*SYMMETRIC_CIPHERS, "hmac")

ENCRYPT_DECRYPT: Final = "ENCRYPT/DECRYPT"
SIGN_VERIFY: Final = "SIGN/VERIFY"
GENERATE_VERIFY_MAC: Final = "GENERATE/VERIFY_MAC"

RSA_PKCS1_SHA_256: Final = "RSA_PKCS1_SHA_256"
RSA_PSS_SHA_256: Final = "RSA_PSS_SHA_256"
ECDSA_SHA_256: Final = "ECDSA_SHA_256"
SM2DSA: Final = "SM2DSA"
RSAES_OAEP_SHA_256: Final = "RSAES_OAEP_SHA_256"
RSAES_OAEP_SHA_1: Final = "RSAES_OAEP_SHA_1"
RSAES_PKCS1_V1_5: Final = "RSAES_PKCS1_V1_5"  # import of key material only
SM2PKE: Final = "SM2PKE"
SM2_MAX_PLAINTEXT: Final = 6047  # bytes (behaviour.md 2)


class EncryptionAlgorithm(Struct, frozen=True):
    """One public-key encryption algorithm of one spec, with the documented sizes in bytes (behaviour.md 2)."""

    name: str
    max_plaintext: int
    max_ciphertext: int


class KeySpec(Struct, frozen=True):
    """One `KeySpec` of CreateKey.

    `material_length` is in bytes: the key itself for symmetric and HMAC specs, the modulus for RSA, the private
    scalar for elliptic curves. `usages` holds the default usage first.
    """

    name: str
    kind: Kind
    material_length: int
    usages: tuple[str, ...]
    curve: Curve | None = None
    signature_algorithms: tuple[str, ...] = ()
    encryptions: tuple[EncryptionAlgorithm, ...] = ()
    mac_algorithms: tuple[str, ...] = ()

    @property
    def symmetric(self) -> bool:
        """Whether the key is one secret byte string (AES, SM4, HMAC) rather than a key pair."""
        return self.kind in _SECRET_BYTES

    @property
    def encrypts_symmetrically(self) -> bool:
        """Whether the key is one of a symmetric cipher (AES, SM4), which Encrypt and data keys need."""
        return self.kind in SYMMETRIC_CIPHERS

    @property
    def default_usage(self) -> str:
        """The usage a key gets when CreateKey names none: SIGN/VERIFY if the spec can sign (behaviour.md 2)."""
        return self.usages[0]

    @property
    def encryption_algorithms(self) -> tuple[str, ...]:
        """Names of the public-key encryption algorithms; empty for symmetric and sign-only specs."""
        return tuple(algorithm.name for algorithm in self.encryptions)

    def encryption(self, algorithm: str) -> EncryptionAlgorithm | None:
        """Return the sizes of one of `encryption_algorithms`, or None when the spec does not have that algorithm."""
        return next((candidate for candidate in self.encryptions if candidate.name == algorithm), None)


def _cipher(name: str, kind: Literal["aes", "sm4"], length: int) -> KeySpec:
    return KeySpec(name, kind, length, (ENCRYPT_DECRYPT,))


def _rsa(bits: int) -> KeySpec:
    size = bits // 8
    return KeySpec(
        f"RSA_{bits}",
        "rsa",
        size,
        (SIGN_VERIFY, ENCRYPT_DECRYPT),
        signature_algorithms=(RSA_PSS_SHA_256, RSA_PKCS1_SHA_256),
        # OAEP takes two hashes and two bytes of every block (RFC 8017, 7.1.1).
        encryptions=(
            EncryptionAlgorithm(RSAES_OAEP_SHA_256, size - 2 * 32 - 2, size),
            EncryptionAlgorithm(RSAES_OAEP_SHA_1, size - 2 * 20 - 2, size),
        ),
    )


def _ec(name: str, curve: Curve) -> KeySpec:
    return KeySpec(name, "ec", 32, (SIGN_VERIFY,), curve=curve, signature_algorithms=(ECDSA_SHA_256,))


def _hmac(algorithm: str, length: int) -> KeySpec:
    return KeySpec(algorithm, "hmac", length, (GENERATE_VERIFY_MAC,), mac_algorithms=(algorithm,))


_SM2 = KeySpec(
    "EC_SM2",
    "sm2",
    32,
    (SIGN_VERIFY, ENCRYPT_DECRYPT),
    curve="sm2p256v1",
    signature_algorithms=(SM2DSA,),
    encryptions=(EncryptionAlgorithm(SM2PKE, SM2_MAX_PLAINTEXT, 6144),),
)

KEY_SPECS: Final[Mapping[str, KeySpec]] = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            _cipher("Aliyun_AES_128", "aes", 16),
            _cipher("Aliyun_AES_192", "aes", 24),
            _cipher("Aliyun_AES_256", "aes", 32),
            _cipher("Aliyun_SM4", "sm4", 16),
            _rsa(2048),
            _rsa(3072),
            _rsa(4096),
            _ec("EC_P256", "secp256r1"),
            _ec("EC_P256K", "secp256k1"),
            _SM2,
            _hmac("HMAC_SM3", 32),
            _hmac("HMAC_SHA_224", 28),
            _hmac("HMAC_SHA_256", 32),
            _hmac("HMAC_SHA_384", 48),
            _hmac("HMAC_SHA_512", 64),
        )
    }
)
