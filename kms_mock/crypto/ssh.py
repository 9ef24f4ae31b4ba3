"""SSH key pairs for ECS secrets."""

from __future__ import annotations

from kms_mock.crypto.randomness import RandomBytes, scalar_below

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def key_pair(comment: str, random_bytes: RandomBytes) -> tuple[str, str]:
    """Give an SSH key pair: the public key as one `authorized_keys` line, the private key as PEM that OpenSSH reads.

    ECDSA P-256 rather than RSA, because rotation runs on the event loop and RSA generation would stall it (`# inferred`:
    the documents show an ssh-rsa value, but leave the algorithm open).
    """
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    key = ec.derive_private_key(scalar_below(_P256_ORDER, random_bytes), ec.SECP256R1())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    return f"{public} {comment}", private
