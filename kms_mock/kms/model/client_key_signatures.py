"""How a server verifies what was signed with the client keys that it issued (dedicated.md 5)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache, partial

from kms_mock.crypto import specs
from kms_mock.kms.model.client_key_rights import client_key_caller, known_client_key
from kms_mock.rpc.authentication import ClientKeys
from kms_mock.store.store import Store


def certificate_of(store: Store, client_key_id: str) -> bytes | None:
    """Return the certificate (PEM) of a client key; None for an unknown or deleted one."""
    found = known_client_key(store, client_key_id)
    return None if found is None else found.client_key.certificate.encode()


def verify_signature(certificate: str, message: bytes, signature: bytes) -> bool:
    """Return whether `signature` over `message` was made with the key of a certificate (PEM): RSASSA-PKCS1-v1_5, SHA-256."""
    verify = _verifier(certificate)
    return verify is not None and verify(hashlib.sha256(message).digest(), signature)


@lru_cache(maxsize=64)
def _verifier(certificate: str) -> Callable[[bytes, bytes], bool] | None:
    """Return what verifies signatures over a digest; None for a certificate without an RSA key, as a fixture file may have it."""
    # The asymmetric parts and X.509 take 30 ms to load, and few runs verify such a signature.
    from kms_mock.crypto import keypairs, rsa_ec, x509  # noqa: PLC0415

    try:
        key = keypairs.read_rsa_public(x509.load_certificates(certificate)[0].public_key)
    except ValueError:
        return None
    return partial(rsa_ec.verify_rsa, key, specs.RSA_PKCS1_SHA_256)


ISSUED_CLIENT_KEYS = ClientKeys(
    version="2016-01-20",
    prefix="KAAP.",
    caller=client_key_caller,
    public_key=certificate_of,
    verify=lambda certificate, message, signature: verify_signature(certificate.decode(), message, signature),
)
