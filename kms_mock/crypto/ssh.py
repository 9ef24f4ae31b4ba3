"""SSH key pairs for ECS secrets."""

from __future__ import annotations

from kms_mock.crypto.randomness import RandomBytes, scalar_below


def key_pair(comment: str, random_bytes: RandomBytes) -> tuple[str, str]:
    """Return a new SSH key pair: the public key as one `authorized_keys` line, the private key as PEM that OpenSSH reads.

    It is ECDSA P-256 rather than RSA, because rotation runs on the event loop and RSA generation would stall it. The
    documents show an ssh-rsa value, but leave the algorithm open.
    """
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    from kms_mock.crypto.keypairs import ORDERS  # loads the asymmetric modules of `cryptography`

    curve = ec.SECP256R1()
    key = ec.derive_private_key(scalar_below(ORDERS[curve.name], random_bytes), curve)
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    return f"{public} {comment}", private
