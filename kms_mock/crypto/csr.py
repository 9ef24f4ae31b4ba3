"""Certificate signing requests (PKCS#10, RFC 2986) over RSA, P-256 and SM2 alike.

Written in DER by hand: `cryptography` has no SM2, and draws ECDSA nonces that no seed decides.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from kms_mock.crypto import asymmetric, der, pem, specs
from kms_mock.crypto.errors import InvalidCertificate
from kms_mock.crypto.guard import guard
from kms_mock.crypto.material import KeyMaterial
from kms_mock.crypto.randomness import RandomBytes
from kms_mock.regex import regex

_SET: Final = 0x31
_UTF8_STRING: Final = 0x0C
_PRINTABLE_STRING: Final = 0x13
_IA5_STRING: Final = 0x16
_CONTEXT_0: Final = 0xA0
_DNS_NAME: Final = 0x82  # [2] of GeneralName (RFC 5280, 4.2.1.6)

_EXTENSION_REQUEST: Final = bytes.fromhex("06092a864886f70d01090e")  # OID 1.2.840.113549.1.9.14
_ALTERNATIVE_NAME: Final = bytes.fromhex("0603551d11")  # OID 2.5.29.17
_PRINTABLE: Final = regex(r"[A-Za-z0-9 '()+,./:=?-]*")
_ESCAPE: Final = regex(r"((?:\\[0-9A-Fa-f]{2})+)|\\(.)")
# One RDN of RFC 2253: a type, =, and a value in which , + " \ < > ; are escaped.
_RDN: Final = regex(r' *([A-Za-z]+) *=((?:\\[0-9A-Fa-f]{2}|\\[,+"\\<>;=# ]|[^\\,+"<>;])*)(,|$)')


class _Attribute(Struct, frozen=True):
    """One attribute of a name: its OID as DER, and the upper bound of RFC 5280, appendix A.1, in characters."""

    oid: bytes
    longest: int
    required: bool = False
    repeatable: bool = False


_EMAIL: Final = _Attribute(bytes.fromhex("06092a864886f70d010901"), 255)
# CN, C, O and OU are required (api-docs CreateCertificate); the console offers an e-mail, and several O and OU.
_ATTRIBUTES: Final[Mapping[str, _Attribute]] = MappingProxyType(
    {
        "CN": _Attribute(bytes.fromhex("0603550403"), 64, required=True),
        "C": _Attribute(bytes.fromhex("0603550406"), 2, required=True),
        "O": _Attribute(bytes.fromhex("060355040a"), 64, required=True, repeatable=True),
        "OU": _Attribute(bytes.fromhex("060355040b"), 64, required=True, repeatable=True),
        "ST": _Attribute(bytes.fromhex("0603550408"), 128),
        "L": _Attribute(bytes.fromhex("0603550407"), 128),
        "E": _EMAIL,
        "EMAILADDRESS": _EMAIL,
    }
)
_SIGNATURES: Final[Mapping[str, tuple[str, bytes]]] = MappingProxyType(
    {
        # kind of key -> algorithm, and its AlgorithmIdentifier: sha256WithRSAEncryption, ecdsa-with-SHA256, SM2-with-SM3
        "rsa": (specs.RSA_PKCS1_SHA_256, bytes.fromhex("300d06092a864886f70d01010b0500")),
        "ec": (specs.ECDSA_SHA_256, bytes.fromhex("300a06082a8648ce3d040302")),
        "sm2": (specs.SM2DSA, bytes.fromhex("300a06082a811ccf55018375")),
    }
)


def subject_der(text: str) -> bytes:
    """Return the DER of a subject such as `CN=name,OU=unit,O=company,C=CN` (RFC 2253: most specific attribute first).

    InvalidCertificate for another form, a missing CN, C, O or OU, an unknown or repeated type, a value that is
    empty or too long.
    """
    with guard(InvalidCertificate, "the subject holds characters that are no Unicode text"):
        text.encode()
    attributes = _parse(text)
    names = [name for name, _ in attributes]
    for name, attribute in _ATTRIBUTES.items():
        if attribute.required and name not in names:
            raise InvalidCertificate(f"the subject has no {name}; CN, C, O and OU are required")
        if names.count(name) > 1 and not attribute.repeatable:
            raise InvalidCertificate(f"the subject has more than one {name}")
    return der.encode(der.SEQUENCE, *(_rdn(name, value) for name, value in reversed(attributes)))


def build(
    material: KeyMaterial, subject: bytes, dns_names: Sequence[str] = (), random_bytes: RandomBytes | None = None
) -> str:
    """Return a request for `subject` (DER of a name), signed by the key pair itself, as PEM.

    It asks for `dns_names` (ASCII) as subject alternative names. With `random_bytes` it follows from that stream.
    """
    info = der.encode(
        der.SEQUENCE,
        der.encode_integer(0),
        subject,
        material.public_key_der(),
        der.encode(_CONTEXT_0, *_attributes(dns_names)),
    )
    algorithm, identifier = _SIGNATURES[material.spec.kind]
    signature = asymmetric.sign(material, algorithm, message_digest(material, info), random_bytes)
    signed = der.encode(der.SEQUENCE, info, identifier, der.encode(der.BIT_STRING, b"\x00", signature))
    return pem.encode("CERTIFICATE REQUEST", signed)


def message_digest(material: KeyMaterial, message: bytes) -> bytes:
    """Return the digest that a key pair signs for a message: SHA-256, or e of GM/T 0003.2 for SM2."""
    if material.spec.kind == "sm2":
        return asymmetric.sm2_message_digest(material.public_key_der(), message)
    return hashlib.sha256(message).digest()


def _parse(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    position, more = 0, True
    while more:
        match = _RDN.match(text, position)
        if match is None:
            raise InvalidCertificate(
                'the subject has the form CN=name,OU=unit,O=company,C=CN, with a backslash before each , + " \\ < > ;'
            )
        found.append((match[1].upper(), _ESCAPE.sub(_unescape, match[2]).strip(" ")))
        position, more = match.end(), bool(match[3])
    return found


def _unescape(match: re.Match[str]) -> str:
    if not match[1]:
        return match[2]
    with guard(InvalidCertificate, "the subject has an escape that is no UTF-8"):
        return bytes.fromhex(match[1].replace("\\", "")).decode()


def _rdn(name: str, value: str) -> bytes:
    attribute = _ATTRIBUTES.get(name)
    if attribute is None:
        raise InvalidCertificate(f"the subject has an unknown type; known are {', '.join(_ATTRIBUTES)}")
    if not 0 < len(value) <= attribute.longest or (name == "C" and not re.fullmatch("[A-Za-z]{2}", value)):
        raise InvalidCertificate(f"{name} of the subject is empty, longer than {attribute.longest} or no country code")
    pair = der.encode(der.SEQUENCE, attribute.oid, _text(value, ia5=attribute is _EMAIL))
    return der.encode(_SET, pair)


def _text(value: str, *, ia5: bool) -> bytes:
    if ia5:
        if not value.isascii():
            raise InvalidCertificate("the e-mail address of the subject is not ASCII")
        return der.encode(_IA5_STRING, value.encode())
    # The sample request of the docs has PrintableString; what that cannot carry is UTF-8 (RFC 5280, 4.1.2.4).
    return der.encode(_PRINTABLE_STRING if _PRINTABLE.fullmatch(value) else _UTF8_STRING, value.encode())


def _attributes(dns_names: Sequence[str]) -> Iterable[bytes]:
    if not dns_names:
        return
    names = der.encode(der.SEQUENCE, *(der.encode(_DNS_NAME, name.encode("ascii")) for name in dns_names))
    extension = der.encode(der.SEQUENCE, _ALTERNATIVE_NAME, der.encode(der.OCTET_STRING, names))
    extensions = der.encode(der.SEQUENCE, extension)
    yield der.encode(der.SEQUENCE, _EXTENSION_REQUEST, der.encode(_SET, extensions))
