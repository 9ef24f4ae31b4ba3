"""Trust stores of Java: the roots in a JDK's `cacerts`, and a PKCS#12 store of roots that Java accepts.

Imported with the first use, like `authority`.
"""

from __future__ import annotations

import ssl
import struct
import warnings
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, suppress

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12
from cryptography.utils import CryptographyDeprecationWarning

from kms_mock.crypto import pkcs12 as crypto_pkcs12

_JKS = 0xFEEDFEED
_TRUSTED_CERTIFICATE = 2  # the kind of an entry in a JKS file


def read_roots(store: bytes, password: str) -> list[bytes]:
    """Return the certificates, in DER, of a trust store: JKS, or PKCS#12 as JDK 18 and newer have it.

    Raises ValueError for what is neither, or has another password.
    """
    if store[:4] == struct.pack(">I", _JKS):
        try:
            return list(_read_jks(store))
        except (struct.error, IndexError) as error:
            raise ValueError("the trust store is damaged") from error
    with _odd_certificates():
        found = pkcs12.load_pkcs12(store, password.encode())
    return [entry.certificate.public_bytes(Encoding.DER) for entry in found.additional_certs]


def make_trust_store(certificates: Iterable[bytes], password: str) -> bytes:
    """Return a PKCS#12 trust store with these certificates, in DER; those that cannot be read are left out."""
    entries = {}
    with _odd_certificates():
        for number, certificate in enumerate(certificates):
            with suppress(ValueError):
                x509.load_der_x509_certificate(certificate)
                entries[f"root-{number}"] = certificate
    return crypto_pkcs12.make_trust_store(entries, password)


def pem_to_der(pem: str) -> bytes:
    """Return the DER of one certificate in PEM."""
    return ssl.PEM_cert_to_DER_cert(pem)


def _odd_certificates() -> AbstractContextManager[object]:
    """Keep cryptography from warning of roots with the serial number 0: they are old, and in use."""
    return warnings.catch_warnings(action="ignore", category=CryptographyDeprecationWarning)


def _read_jks(store: bytes) -> Iterator[bytes]:
    """Yield the certificates of a JKS file that has no keys (layout: sun.security.provider.JavaKeyStore)."""
    version, count = struct.unpack_from(">II", store, 4)
    position = 12
    for _ in range(count):
        (kind,) = struct.unpack_from(">I", store, position)
        if kind != _TRUSTED_CERTIFICATE:
            raise ValueError("the trust store has a key in it")
        position = _after_text(store, position + 4) + 8  # the alias, the date of the entry
        if version > 1:
            position = _after_text(store, position)  # the kind of certificate
        (length,) = struct.unpack_from(">I", store, position)
        position += 4 + length
        yield store[position - length : position]


def _after_text(store: bytes, position: int) -> int:
    (length,) = struct.unpack_from(">H", store, position)
    return int(position + 2 + length)
