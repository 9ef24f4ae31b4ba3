"""Message authentication codes of GenerateMac and VerifyMac (behaviour.md 2): HMAC (RFC 2104) over SHA-2 and SM3."""

from __future__ import annotations

import hmac as stdlib_hmac

from kms_mock.crypto.errors import UnsupportedAlgorithm
from kms_mock.crypto.material import KeyMaterial


def generate(material: KeyMaterial, algorithm: str, message: bytes) -> bytes:
    """Return the MAC, as long as the hash's output; UnsupportedAlgorithm when the key does not have the algorithm."""
    if algorithm not in material.spec.mac_algorithms:
        raise UnsupportedAlgorithm(f"a key of spec {material.spec.name} makes no {algorithm!r}")
    return hmac(material.to_bytes(), algorithm, message)


def verify(material: KeyMaterial, algorithm: str, message: bytes, mac: bytes) -> bool:
    """Return whether `mac` is the code of the message; takes the same time wherever they differ."""
    return stdlib_hmac.compare_digest(generate(material, algorithm, message), mac)


def hmac(key: bytes, algorithm: str, message: bytes) -> bytes:
    """Return the HMAC under a key of any length; UnsupportedAlgorithm for an unknown name."""
    # Not hashlib: whether that has SM3 depends on how the interpreter was built.
    from cryptography.hazmat.primitives import hashes  # loads on first use
    from cryptography.hazmat.primitives.hmac import HMAC  # loads on first use

    found: dict[str, type[hashes.HashAlgorithm]] = {
        "HMAC_SM3": hashes.SM3,
        "HMAC_SHA_224": hashes.SHA224,
        "HMAC_SHA_256": hashes.SHA256,
        "HMAC_SHA_384": hashes.SHA384,
        "HMAC_SHA_512": hashes.SHA512,
    }
    if algorithm not in found:
        raise UnsupportedAlgorithm(f"there is no MAC algorithm {algorithm!r}")
    state = HMAC(key, found[algorithm]())
    state.update(message)
    return state.finalize()
