"""Certificates: create, import, describe, change status, delete; sign, verify, encrypt, decrypt."""

from collections.abc import Callable
from typing import NamedTuple, NotRequired, TypedDict

from kms_mock.crypto import asymmetric, csr, x509
from kms_mock.crypto import material as key_material
from kms_mock.crypto.errors import InvalidCiphertext, PlaintextTooLong, UnsupportedAlgorithm
from kms_mock.crypto.material import KeyMaterial
from kms_mock.kms import errors, inferred
from kms_mock.kms.context import Context
from kms_mock.kms.model.certificate import Certificate, certificates
from kms_mock.kms.model.certificate_states import CertificateUse, NewCertificateStatus
from kms_mock.kms.model.quotas import check_room_for_certificate
from kms_mock.kms.operations.results import Empty
from kms_mock.kms.parameters import (
    AlternativeNames,
    CertificateId,
    CertificateKeySpec,
    CertificateMessage,
    CertificatePem,
    CertificateSubject,
    CiphertextBytes,
    EncryptionAlgorithm,
    MessageType,
    PlaintextBytes,
    SignatureAlgorithm,
)
from kms_mock.rpc.api import operation
from kms_mock.store.times import iso

_MAX_MESSAGE = 4096  # api-docs CertificatePrivateKeySign: 4 KB; the docs' sample takes 4 KB itself as allowed


class CreatedCertificate(TypedDict):
    Arn: str
    CertificateId: str
    Csr: str


class CertificateFiles(TypedDict):
    CertificateId: str
    Csr: str
    Certificate: NotRequired[str]
    CertificateChain: NotRequired[str]


class CertificateMetadata(TypedDict):
    Arn: str
    CertificateId: str
    Status: str
    KeySpec: str
    ExportablePrivateKey: bool
    CreatedAt: str
    UpdatedAt: str
    Subject: str
    SubjectAlternativeNames: list[str]
    SubjectPublicKey: str
    SubjectKeyIdentifier: str
    Tags: dict[str, str]
    Issuer: NotRequired[str]
    Serial: NotRequired[str]
    SignatureAlgorithm: NotRequired[str]
    NotBefore: NotRequired[str]
    NotAfter: NotRequired[str]


class Signature(TypedDict):
    CertificateId: str
    SignatureValue: bytes


class Verification(TypedDict):
    CertificateId: str
    SignatureValid: bool


class CertificateCiphertext(TypedDict):
    CertificateId: str
    CiphertextBlob: bytes


class CertificatePlaintext(TypedDict):
    CertificateId: str
    Plaintext: bytes


# Tables of 2021 have another text for the AccessKey; some leave out Certificate.NotFound, which must be an oversight.
_OLD_TABLE = (errors.KMS_INVALID_PARAMETER, errors.CERTIFICATE_INVALID_ACCESS_KEY_ID)
_OLD_TABLE_FOUND = (*_OLD_TABLE, errors.CERTIFICATE_NOT_FOUND)
_TABLE = (*errors.USUAL_TABLE, errors.CERTIFICATE_NOT_FOUND)
_UPLOAD_TABLE = (*_TABLE, errors.CERTIFICATE_INVALID_ACCESS_KEY_ID)


# -- life -------------------------------------------------------------------------------------------------------------


class _NewPair(NamedTuple):
    material: KeyMaterial
    request: str


def _prepare_certificate(
    ctx: Context,
    *,
    subject: CertificateSubject,
    key_spec: CertificateKeySpec,
    subject_alternative_names: AlternativeNames | None = None,
    **_: object,
) -> Callable[[], _NewPair]:
    """Return the work that makes the key pair and its request; whatever can be refused is refused before."""
    check_room_for_certificate(ctx.partition)
    try:
        name = csr.subject_der(subject)
    except ValueError as error:
        raise errors.INVALID_PARAMETER(f"Subject: {error}.", name="Subject") from error
    stream = ctx.sources.stream()

    def work() -> _NewPair:
        material = key_material.generate(key_spec, stream)
        return _NewPair(material, csr.build(material, name, subject_alternative_names or (), stream))

    return work


@operation(
    "CreateCertificate",
    errors=(*_OLD_TABLE, errors.LIMIT_EXCEEDED),
    inferred=("Rejected.LimitExceeded is for the quota that a fixture file sets: no document names one.",),
    prepare=_prepare_certificate,
)
def create_certificate(
    ctx: Context,
    *,
    subject: CertificateSubject,
    key_spec: CertificateKeySpec,
    subject_alternative_names: AlternativeNames | None = None,
    exportable_private_key: bool = True,
) -> CreatedCertificate:
    """Make a key pair and a signing request for it; the certificate waits for its import."""
    check_room_for_certificate(ctx.partition)
    certificate_id = ctx.sources.new_id()
    arn = ctx.arn(f"certificate/{certificate_id}")
    ctx.authorize_container(f"certificate/{certificate_id}")
    pair: _NewPair = ctx.prepared
    certificate = Certificate(
        certificate_id, arn, pair.material, pair.request, ctx.now, ctx.now, exportable=exportable_private_key
    )
    ctx.partition[certificates].put(certificate)
    return {"Arn": arn, "CertificateId": certificate_id, "Csr": pair.request}


@operation(
    "UploadCertificate",
    errors=_UPLOAD_TABLE,
    inferred=(
        inferred.CERTIFICATE_NOT_FOUND,
        inferred.CERTIFICATE_PENDING,
        "A certificate that is there already is replaced, as a renewal; nothing replaces a revoked one.",
        "Certificate and CertificateChain hold at most 10 certificates each: more than any real chain has.",
    ),
)
def upload_certificate(
    ctx: Context,
    *,
    certificate_id: CertificateId,
    certificate: CertificatePem,
    certificate_chain: CertificatePem | None = None,
) -> Empty:
    """Import what a CA issued for the signing request, with its chain; the certificate is ACTIVE then."""
    found = ctx.certificate(certificate_id)
    ctx.partition[certificates].put(found.with_issued(certificate, certificate_chain or "", ctx.now))
    return {}


@operation(
    "GetCertificate",
    errors=_OLD_TABLE_FOUND,
    inferred=(
        inferred.CERTIFICATE_NOT_FOUND,
        "The certificate and its chain are in the answer once they are imported.",
    ),
)
def get_certificate(ctx: Context, *, certificate_id: CertificateId) -> CertificateFiles:
    """Return the signing request, and the certificate and its chain once they are imported, as PEM."""
    found = ctx.certificate(certificate_id)
    files: CertificateFiles = {"CertificateId": found.id, "Csr": found.request}
    if found.certificate:
        files["Certificate"] = found.certificate
    if found.chain:
        files["CertificateChain"] = found.chain
    return files


@operation(
    "DescribeCertificate",
    errors=_TABLE,
    inferred=(
        "Before its import a certificate is described by what its signing request says.",
        "Serial is decimal; the documented one, 12345678, may be decimal or hexadecimal.",
    ),
)
def describe_certificate(ctx: Context, *, certificate_id: CertificateId) -> CertificateMetadata:
    """Describe a certificate; before its import by what its signing request says."""
    found = ctx.certificate(certificate_id)
    issued = found.x509
    source = issued or x509.load_request(found.request)
    metadata: CertificateMetadata = {
        "Arn": found.arn,
        "CertificateId": found.id,
        "Status": found.status,
        "KeySpec": found.material.spec.name,
        "ExportablePrivateKey": found.exportable,
        "CreatedAt": iso(found.created),
        "UpdatedAt": iso(found.updated),
        "Subject": source.subject,
        "SubjectAlternativeNames": list(source.dns_names),
        "SubjectPublicKey": found.material.public_key_pem(),
        "SubjectKeyIdentifier": source.key_identifier.hex(" ").upper(),
        # An object, as in the api-docs and the Java SDK; a page of 2021 has a JSON text in its place.
        "Tags": found.tags,
    }
    if issued is not None:
        metadata["Issuer"] = issued.issuer
        metadata["Serial"] = str(issued.serial)
        metadata["SignatureAlgorithm"] = issued.signature_algorithm
        metadata["NotBefore"] = iso(issued.not_before)
        metadata["NotAfter"] = iso(issued.not_after)
    return metadata


@operation("UpdateCertificateStatus", errors=_TABLE, inferred=(inferred.CERTIFICATE_PENDING,))
def update_certificate_status(ctx: Context, *, certificate_id: CertificateId, status: NewCertificateStatus) -> Empty:
    """Disable, enable or revoke a certificate; it stays revoked for good."""
    found = ctx.certificate(certificate_id)
    ctx.partition[certificates].put(found.with_status(status, ctx.now))
    return {}


@operation("DeleteCertificate", errors=_TABLE)
def delete_certificate(ctx: Context, *, certificate_id: CertificateId) -> Empty:
    """Delete a certificate with its private key and chain, at once and for good, in whatever status it is."""
    ctx.partition[certificates].remove(ctx.certificate(certificate_id))
    return {}


# -- use --------------------------------------------------------------------------------------------------------------


def _usable(ctx: Context, certificate_id: str, use: CertificateUse) -> Certificate:
    """Return a certificate that may be used so. Raises INVALID_PARAMETER."""
    found = ctx.certificate(certificate_id)
    found.check_use(use)
    return found


def _digest(material: KeyMaterial, algorithm: str, message: bytes, message_type: MessageType) -> bytes:
    """Return what is signed: the message's digest, or the message if it is one. Raises INVALID_PARAMETER."""
    if algorithm not in material.spec.signature_algorithms:
        raise errors.INVALID_PARAMETER(f"A certificate {material.spec.name} has no {algorithm}.", name="Algorithm")
    if message_type == "RAW":
        if len(message) > _MAX_MESSAGE:
            raise errors.INVALID_PARAMETER(
                f"Message has {len(message)} bytes, {_MAX_MESSAGE} are allowed; sign its DIGEST.", name="Message"
            )
        return csr.message_digest(material, message)
    if len(message) != asymmetric.digest_length(algorithm):
        raise errors.INVALID_PARAMETER(f"Message has {len(message)} bytes and is no digest.", name="Message")
    return message


@operation("CertificatePrivateKeySign", errors=_TABLE, inferred=(inferred.CERTIFICATE_KEY_USAGES,))
def certificate_private_key_sign(
    ctx: Context,
    *,
    certificate_id: CertificateId,
    algorithm: SignatureAlgorithm,
    message: CertificateMessage,
    message_type: MessageType = "RAW",  # the docs' sample code leaves it out, the api-docs call it required
) -> Signature:
    """Sign a message of at most 4 KB, or a digest, with a certificate's private key."""
    found = _usable(ctx, certificate_id, "sign")
    digest = _digest(found.material, algorithm, message, message_type)
    signature = asymmetric.sign(found.material, algorithm, digest, ctx.sources.stream())
    return {"CertificateId": found.id, "SignatureValue": signature}


@operation(
    "CertificatePublicKeyVerify",
    errors=_OLD_TABLE_FOUND,
    inferred=(inferred.CERTIFICATE_NOT_FOUND, inferred.CERTIFICATE_KEY_USAGES),
)
def certificate_public_key_verify(
    ctx: Context,
    *,
    certificate_id: CertificateId,
    algorithm: SignatureAlgorithm,
    message: CertificateMessage,
    signature_value: bytes,
    message_type: MessageType = "RAW",
) -> Verification:
    """Return whether a signature was made with a certificate's key, also of a revoked certificate."""
    found = _usable(ctx, certificate_id, "verify")
    digest = _digest(found.material, algorithm, message, message_type)
    valid = asymmetric.verify(found.material, algorithm, digest, signature_value)
    return {"CertificateId": found.id, "SignatureValid": valid}


@operation("CertificatePublicKeyEncrypt", errors=_TABLE, inferred=(inferred.CERTIFICATE_KEY_USAGES,))
def certificate_public_key_encrypt(
    ctx: Context, *, certificate_id: CertificateId, algorithm: EncryptionAlgorithm, plaintext: PlaintextBytes
) -> CertificateCiphertext:
    """Encrypt a few bytes with a certificate's public key: 214, 190 or 6047, as the algorithm has it."""
    found = _usable(ctx, certificate_id, "encrypt")
    try:
        ciphertext = asymmetric.encrypt(found.material, algorithm, plaintext, ctx.sources.stream())
    except UnsupportedAlgorithm as error:
        raise errors.INVALID_PARAMETER(f"Algorithm: {error}.", name="Algorithm") from error
    except PlaintextTooLong as error:
        raise errors.INVALID_PARAMETER(f"Plaintext: {error}.", name="Plaintext") from error
    return {"CertificateId": found.id, "CiphertextBlob": ciphertext}


@operation("CertificatePrivateKeyDecrypt", errors=_TABLE, inferred=(inferred.CERTIFICATE_KEY_USAGES,))
def certificate_private_key_decrypt(
    ctx: Context, *, certificate_id: CertificateId, algorithm: EncryptionAlgorithm, ciphertext_blob: CiphertextBytes
) -> CertificatePlaintext:
    """Decrypt what was encrypted with a certificate's public key, here or elsewhere."""
    found = _usable(ctx, certificate_id, "decrypt")
    try:
        plaintext = asymmetric.decrypt(found.material, algorithm, ciphertext_blob)
    except UnsupportedAlgorithm as error:
        raise errors.INVALID_PARAMETER(f"Algorithm: {error}.", name="Algorithm") from error
    except InvalidCiphertext as error:
        raise errors.INVALID_PARAMETER(f"CiphertextBlob: {error}.", name="CiphertextBlob") from error
    return {"CertificateId": found.id, "Plaintext": plaintext}
