"""X.509 certificates (RFC 5280): read them, match them with a key pair, check their chain.

`cryptography` reads the structure and checks RSA and ECDSA signatures; keys and signatures of SM2 go through `sm2`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeVar

from msgspec import Struct

from kms_mock.crypto import der, pem
from kms_mock.crypto.errors import InvalidCertificate
from kms_mock.crypto.guard import guard, passes
from kms_mock.crypto.library import validity

if TYPE_CHECKING:
    from cryptography import x509

_Value = TypeVar("_Value", bound="x509.ExtensionType")

_CONTEXT_0: Final = 0xA0
_SM2_WITH_SM3: Final = "1.2.156.10197.1.501"
_RSA: Final = "1.2.840.113549.1.1."
_ECDSA: Final = "1.2.840.10045.4."
_EMAIL: Final = "1.2.840.113549.1.9.1"
_LABEL: Final = "CERTIFICATE"
_LONGEST_SERIAL: Final = 160  # bits (RFC 5280, 4.1.2.2); Python writes no integer of more than 4300 digits
_MOST_CERTIFICATES: Final = 10  # more than any real chain has, and few enough to check within 20 ms


class X509(Struct, frozen=True):
    """The fields of a certificate. Times are seconds since 1970 UTC; names are RFC 2253 texts.

    `public_key` is SubjectPublicKeyInfo DER. `signs` and `encrypts` tell what its key usages allow; everything without any.
    `path_length` is how many CAs may follow it in a chain: infinity without a limit, -1 when it is no CA.
    """

    parsed: x509.Certificate
    public_key: bytes
    subject: str
    issuer: str
    serial: int
    not_before: float
    not_after: float
    signature_algorithm: str
    key_identifier: bytes
    dns_names: tuple[str, ...]
    signs: bool
    encrypts: bool
    path_length: float

    def to_pem(self) -> str:
        """Return the certificate as PEM, 64 columns and a final newline."""
        from cryptography.hazmat.primitives.serialization import Encoding

        return pem.encode(_LABEL, self.parsed.public_bytes(Encoding.DER))

    def subject_der(self) -> bytes:
        """Return the subject as DER."""
        return self.parsed.subject.public_bytes()


class Request(Struct, frozen=True):
    """The fields of a certificate signing request; the name is an RFC 2253 text."""

    subject: str
    dns_names: tuple[str, ...]
    public_key: bytes

    @property
    def key_identifier(self) -> bytes:
        """The identifier computed from the key, see `key_identifier`."""
        return key_identifier(self.public_key)


def load_certificates(text: str) -> list[X509]:
    """Read every certificate of a PEM text, in its order.

    InvalidCertificate when there is anything else, more than 10, or one is malformed.
    """
    with guard(InvalidCertificate, "the text is no PEM with certificates"):
        found = list(pem.blocks(text.encode()))
    if not found or len(found) != text.count("-----BEGIN "):
        raise InvalidCertificate("the text is no PEM with certificates")
    if any(label != _LABEL for label, _ in found):
        raise InvalidCertificate("the PEM holds something that is no certificate")
    if len(found) > _MOST_CERTIFICATES:
        raise InvalidCertificate(f"the PEM holds {len(found)} certificates, at most {_MOST_CERTIFICATES} are allowed")
    with guard(InvalidCertificate, "a certificate is malformed"), _known_strings():
        return [_read(data) for _, data in found]


def load_request(text: str) -> Request:
    """Read a signing request in PEM; InvalidCertificate when it is malformed. Its signature is not looked at."""
    from cryptography import x509

    with guard(InvalidCertificate, "the signing request is malformed"), _known_strings():
        request = x509.load_pem_x509_csr(text.encode())
        info = der.Reader(request.tbs_certrequest_bytes).sequence()
        info.take(der.INTEGER)
        info.take(der.SEQUENCE)
        spki = der.encode(der.SEQUENCE, info.take(der.SEQUENCE))
        return Request(_name(request.subject), _dns_names(request.extensions), spki)


@contextmanager
def _known_strings() -> Iterator[None]:
    """Refuse names with a type of string that does not exist; `cryptography` before 42 raises KeyError for them."""
    try:
        yield
    except KeyError:  # pragma: without cryptography 42
        raise InvalidCertificate("a name has a string of an unknown type") from None


def key_identifier(public_key: bytes) -> bytes:
    """Return SHA-1 of the key's bits (RFC 5280, 4.2.1.2, method 1), for a SubjectPublicKeyInfo."""
    info = der.Reader(public_key).sequence()
    info.take(der.SEQUENCE)
    return hashlib.sha1(info.take(der.BIT_STRING)[1:], usedforsecurity=False).digest()


def check_chain(certificates: Sequence[X509]) -> None:
    """Check that each certificate was issued by the next one, and a self-issued last one by itself.

    InvalidCertificate if not. Nobody has to trust the last one: these are mostly chains of private test CAs.
    """
    for number, (certificate, issuer) in enumerate(pairwise(certificates), start=1):
        if issuer.path_length < number - 1:
            raise InvalidCertificate(f"certificate {number + 1} ({issuer.subject}) is no CA for certificate {number}")
        _check_issued(certificate, issuer, number)
    last = certificates[-1]
    if last.subject == last.issuer:
        _check_issued(last, last, len(certificates))


def check_validity(certificates: Sequence[X509], now: float) -> None:
    """Check that every certificate is valid at `now`. InvalidCertificate if not."""
    for number, certificate in enumerate(certificates, start=1):
        if now < certificate.not_before:
            raise InvalidCertificate(f"certificate {number} ({certificate.subject}) is not valid yet")
        if now > certificate.not_after:
            raise InvalidCertificate(f"certificate {number} ({certificate.subject}) has expired")


def _read(data: bytes) -> X509:
    from cryptography import x509

    spki = _public_key(data)
    parsed = x509.load_der_x509_certificate(data)
    extensions = parsed.extensions
    usage = _extension(extensions, x509.KeyUsage)
    identifier = _extension(extensions, x509.SubjectKeyIdentifier)
    not_before, not_after = validity(parsed)
    return X509(
        parsed=parsed,
        public_key=spki,
        subject=_name(parsed.subject),
        issuer=_name(parsed.issuer),
        serial=parsed.serial_number,
        not_before=not_before,
        not_after=not_after,
        signature_algorithm=_signature_algorithm(parsed),
        key_identifier=key_identifier(spki) if identifier is None else identifier.digest,
        dns_names=_dns_names(extensions),
        signs=usage is None or usage.digital_signature or usage.content_commitment,
        # An encryption certificate of GM/T 0015 names these three.
        encrypts=usage is None or usage.key_encipherment or usage.data_encipherment or usage.key_agreement,
        path_length=_path_length(extensions, usage),
    )


def _extension(extensions: x509.Extensions, kind: type[_Value]) -> _Value | None:
    from cryptography import x509

    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _dns_names(extensions: x509.Extensions) -> tuple[str, ...]:
    from cryptography import x509

    names = _extension(extensions, x509.SubjectAlternativeName)
    return () if names is None else tuple(names.get_values_for_type(x509.DNSName))


def _path_length(extensions: x509.Extensions, usage: x509.KeyUsage | None) -> float:
    from cryptography import x509

    constraints = _extension(extensions, x509.BasicConstraints)
    if constraints is None or not constraints.ca or (usage is not None and not usage.key_cert_sign):
        return -1
    return math.inf if constraints.path_length is None else constraints.path_length


def _name(name: x509.Name) -> str:
    from cryptography.x509 import ObjectIdentifier

    return name.rfc4514_string({ObjectIdentifier(_EMAIL): "E"})


def _public_key(data: bytes) -> bytes:
    """Cut SubjectPublicKeyInfo out; the library would have to know the curve.

    InvalidCertificate, too, for a serial number that is not positive: the library would only warn.
    """
    body = der.Reader(data).sequence().take(der.SEQUENCE)
    fields = der.Reader(body)
    if body[:1] == bytes((_CONTEXT_0,)):  # version 1 leaves the field out
        fields.take(_CONTEXT_0)
    if not 0 < fields.take_integer() < 1 << _LONGEST_SERIAL:
        raise InvalidCertificate("the serial number of a certificate is zero or has more than 20 bytes")
    for _ in ("signature", "issuer", "validity", "subject"):
        fields.take(der.SEQUENCE)
    return der.encode(der.SEQUENCE, fields.take(der.SEQUENCE))


def _signature_algorithm(parsed: x509.Certificate) -> str:
    """Name what the issuer signed with: RSA2048-SHA256, ECDSA-SHA256, SM2-SM3 (api-docs DescribeCertificate)."""
    oid = parsed.signature_algorithm_oid.dotted_string
    if oid == _SM2_WITH_SM3:
        return "SM2-SM3"
    if not oid.startswith((_RSA, _ECDSA)):
        return oid
    chosen = parsed.signature_hash_algorithm
    digest = chosen.name.upper() if chosen is not None else ""
    kind = "ECDSA" if oid.startswith(_ECDSA) else f"RSA{len(parsed.signature) * 8}"
    return f"{kind}-{digest}"


def _check_issued(certificate: X509, issuer: X509, number: int) -> None:
    if certificate.parsed.issuer != issuer.parsed.subject:
        raise InvalidCertificate(f"certificate {number} names {certificate.issuer} as its issuer, not {issuer.subject}")
    if not _signed_by(certificate, issuer):
        raise InvalidCertificate(
            f"certificate {number} ({certificate.subject}) is not signed by the key of {issuer.subject}"
        )


def _signed_by(certificate: X509, issuer: X509) -> bool:
    if certificate.parsed.signature_algorithm_oid.dotted_string == _SM2_WITH_SM3:
        return passes(_verify_sm2, certificate, issuer)
    return passes(certificate.parsed.verify_directly_issued_by, issuer.parsed)


def _verify_sm2(certificate: X509, issuer: X509) -> None:
    from kms_mock.crypto import sm2

    parsed = certificate.parsed
    key = sm2.PublicKey.from_der(issuer.public_key)
    if not sm2.verify(key, sm2.message_digest(key, parsed.tbs_certificate_bytes), parsed.signature):
        raise InvalidCertificate("the SM2 signature does not verify")
