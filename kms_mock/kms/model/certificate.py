"""Certificates: the record, and what its status and the key usages of X.509 allow."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from kms_mock.crypto import x509
from kms_mock.crypto.material import KeyMaterial
from kms_mock.crypto.x509 import X509
from kms_mock.kms import errors
from kms_mock.kms.model.certificate_states import (
    EVENT_OF_STATUS,
    TRANSITIONS,
    CertificateEvent,
    CertificateStatus,
    CertificateUse,
    NewCertificateStatus,
)
from kms_mock.store.resource import Resource

# A domain name, with or without a wildcard in front.
_HOST_LABEL = "[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
DomainName = Annotated[str, Meta(max_length=253, pattern=rf"^(\*\.)?{_HOST_LABEL}(\.{_HOST_LABEL})*\Z")]
CertificateSpec = Literal["RSA_2048", "EC_P256", "EC_SM2"]


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

    def after(self, event: CertificateEvent, parameter: str = "Status") -> CertificateStatus:
        """Return the status after an event. Raises INVALID_PARAMETER, for `parameter`, when it is not allowed now."""
        outcome = TRANSITIONS[event, self.status]
        if outcome is None:
            raise errors.INVALID_PARAMETER(
                f"Certificate {self.id} is {self.status}: not allowed to {event}.", name=parameter
            )
        return outcome

    def with_status(self, status: NewCertificateStatus, now: float) -> Certificate:
        """Return the certificate in another status. Raises INVALID_PARAMETER when the present status forbids it."""
        reached = self.after(EVENT_OF_STATUS[status])
        return self if reached == self.status else replace(self, status=reached, updated=now)

    def with_issued(self, certificate: str, chain: str, now: float) -> Certificate:
        """Return the certificate as it is after its import. Raises INVALID_PARAMETER."""
        status = self.after("import", "CertificateId")
        try:
            issued = issued_certificates(self.material, certificate, chain)
            x509.check_validity(issued, now)
        except ValueError as error:
            raise errors.INVALID_PARAMETER(f"Certificate: {error}.", name="Certificate") from error
        leaf, *rest = (found.to_pem() for found in issued)
        return replace(self, certificate=leaf, chain="".join(rest), status=status, updated=now)

    def check_use(self, use: CertificateUse) -> None:
        """Check that the status and the key usages of X.509 allow a use. Raises INVALID_PARAMETER.

        The key usages rule what is made from now on, signatures and ciphertexts, not what was made before.
        """
        self.after(use)
        found = self.x509
        if found is not None and ((use == "sign" and not found.signs) or (use == "encrypt" and not found.encrypts)):
            raise errors.INVALID_PARAMETER(
                f"The key usages of certificate {self.id} do not allow it to {use}.", name="CertificateId"
            )


certificates = Resource(Certificate, "certificate", missing=errors.CERTIFICATE_NOT_FOUND)


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
