"""Certificates: the record, its statuses, and what each status and the key usages of X.509 allow."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from kms_mock import errors
from kms_mock.crypto import x509
from kms_mock.crypto.material import KeyMaterial
from kms_mock.crypto.x509 import X509

# A domain name, with or without a wildcard in front.
_HOST_LABEL = "[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
DomainName = Annotated[str, Meta(max_length=253, pattern=rf"^(\*\.)?{_HOST_LABEL}(\.{_HOST_LABEL})*\Z")]
CertificateSpec = Literal["RSA_2048", "EC_P256", "EC_SM2"]
CertificateStatus = Literal["PENDING", "ACTIVE", "INACTIVE", "REVOKED"]
CertificateUse = Literal["sign", "verify", "encrypt", "decrypt"]

# A revoked certificate verifies signatures and does nothing else, for good (api-docs UpdateCertificateStatus; docs
# page on revoking); one that is PENDING is set by UploadCertificate alone (`# inferred`).
_CHANGES: Final[Mapping[CertificateStatus, tuple[CertificateStatus, ...]]] = MappingProxyType(
    {
        "PENDING": (),
        "ACTIVE": ("ACTIVE", "INACTIVE", "REVOKED"),
        "INACTIVE": ("INACTIVE", "ACTIVE", "REVOKED"),
        "REVOKED": ("REVOKED",),
    }
)


class Certificate(Struct, frozen=True):
    """One certificate with its key pair. Times are seconds since 1970 UTC.

    `request` is the signing request as PEM; `certificate` and `chain` are PEM too, empty until they are imported.
    """

    id: str
    arn: str
    material: KeyMaterial
    request: str
    created: float
    updated: float
    status: CertificateStatus = "PENDING"
    certificate: str = ""
    chain: str = ""
    exportable: bool = True
    tags: dict[str, str] = {}

    @property
    def x509(self) -> X509 | None:
        """What the imported certificate says; None before the import."""
        return x509.load_certificates(self.certificate)[0] if self.certificate else None

    def with_status(self, status: CertificateStatus, now: float) -> Certificate:
        """Give the certificate in another status. Raises INVALID_PARAMETER where the present one does not allow it."""
        if status not in _CHANGES[self.status]:
            raise errors.INVALID_PARAMETER(
                f"Certificate {self.id} is {self.status}, not to be {status}.", name="Status"
            )
        return self if status == self.status else replace(self, status=status, updated=now)

    def with_issued(self, certificate: str, chain: str, now: float) -> Certificate:
        """Give the certificate as it is after its import: ACTIVE. Raises INVALID_PARAMETER.

        What is there already is replaced, a renewal (`# inferred`); nothing replaces a revoked one.
        """
        if self.status == "REVOKED":
            raise errors.INVALID_PARAMETER(f"Certificate {self.id} is REVOKED.", name="CertificateId")
        try:
            issued = issued_certificates(self.material, certificate, chain)
            x509.check_validity(issued, now)
        except ValueError as error:
            raise errors.INVALID_PARAMETER(f"Certificate: {error}.", name="Certificate") from error
        leaf, *rest = (one.to_pem() for one in issued)
        return replace(self, certificate=leaf, chain="".join(rest), status="ACTIVE", updated=now)

    def check_use(self, use: CertificateUse) -> None:
        """Check that the status allows a use, and the key usages what they rule. Raises INVALID_PARAMETER.

        Only ACTIVE ones work, but that REVOKED ones verify. The key usages rule what is made from now on, signatures
        and ciphertexts, not what was made before (`# inferred`).
        """
        found = self.x509
        if found is None or (self.status != "ACTIVE" and not (self.status == "REVOKED" and use == "verify")):
            raise errors.INVALID_PARAMETER(f"Certificate {self.id} is {self.status}: it does not {use}.", name="Status")
        if (use == "sign" and not found.signs) or (use == "encrypt" and not found.encrypts):
            raise errors.INVALID_PARAMETER(
                f"The key usages of certificate {self.id} do not allow it to {use}.", name="CertificateId"
            )


def issued_certificates(material: KeyMaterial, certificate: str, chain: str) -> list[X509]:
    """Read a certificate for this key pair and its chain, each issued by the next; the leaf comes first. ValueError."""
    leaves = x509.load_certificates(certificate)
    if len(leaves) != 1:
        raise ValueError("there is more than one certificate; those of CAs belong into the chain")
    if leaves[0].public_key != material.public_key_der():
        raise ValueError("the certificate is for another public key than the one of the request")
    issued = leaves + (x509.load_certificates(chain) if chain else [])
    x509.check_chain(issued)
    return issued
