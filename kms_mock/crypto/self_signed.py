"""Self-signed X.509 certificates (RFC 5280): of client keys, and the private CA of a KMS instance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from kms_mock.crypto.errors import InvalidCertificate
from kms_mock.crypto.guard import guard
from kms_mock.crypto.keypairs import EcMaterial, RsaMaterial
from kms_mock.crypto.library import REPEATS_CERTIFICATES
from kms_mock.crypto.material import KeyMaterial

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST: Final = -631152000  # 1950-01-01: before that year the library writes no certificate
_SERIAL_BITS: Final = 159  # positive, and at most 20 bytes (RFC 5280, 4.1.2.2)


def self_signed(
    material: KeyMaterial, name: str, serial: bytes, validity: tuple[float, float], *, authority: bool = False
) -> bytes:
    """Return a certificate of the key pair, signed by itself, as DER; it follows from the arguments alone.

    `name` becomes the common name; `serial` are up to 20 random bytes; `validity` is from and until, in seconds since
    1970 UTC; `authority` tells whether it may sign others. TypeError for other keys than RSA and EC, InvalidCertificate for
    a name of more than 64 bytes in UTF-8 or a date outside of 1950 to 9999.
    """
    if not isinstance(material, RsaMaterial | EcMaterial):
        raise TypeError(f"{material!r} signs no certificates")
    with guard(InvalidCertificate, "no certificate can be made for this name and these dates"):
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(material.public_key)
            .serial_number(int.from_bytes(serial, "big") % (1 << _SERIAL_BITS) or 1)
            .not_valid_before(_EPOCH + timedelta(seconds=int(validity[0])))
            .not_valid_after(_EPOCH + timedelta(seconds=int(validity[1])))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
    # Deterministic ECDSA (RFC 6979), so that a seeded run repeats; RSA PKCS #1 v1.5 is deterministic anyway.
    if isinstance(material, EcMaterial) and REPEATS_CERTIFICATES:
        certificate = builder.sign(material.private_key, hashes.SHA256(), ecdsa_deterministic=True)
    else:
        certificate = builder.sign(material.private_key, hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.DER)
