"""What the tests of certificates share: the SDK 3.3.1 has no method for them, so its generic call serves."""

from __future__ import annotations

import base64
from typing import Any

from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.kms import errors
from kms_mock.kms.errors import ErrorSpec
from tests.support import pki
from tests.support.calls import call, refused, tag_parameter

SUBJECT = "CN=userName,OU=kms,O=aliyun,C=CN"
MESSAGE = base64.b64encode(b"The quick brown fox jumps over the lazy dog.").decode()
INVALID = errors.KMS_INVALID_PARAMETER

# Every operation on a certificate, with what it needs besides CertificateId.
USES = {
    "UploadCertificate": {"Certificate": "x"},
    "GetCertificate": {},
    "DescribeCertificate": {},
    "UpdateCertificateStatus": {"Status": "INACTIVE"},
    "DeleteCertificate": {},
    "CertificatePrivateKeySign": {"Algorithm": "ECDSA_SHA_256", "Message": MESSAGE},
    "CertificatePublicKeyVerify": {"Algorithm": "ECDSA_SHA_256", "Message": MESSAGE, "SignatureValue": MESSAGE},
    "CertificatePublicKeyEncrypt": {"Algorithm": "SM2PKE", "Plaintext": MESSAGE},
    "CertificatePrivateKeyDecrypt": {"Algorithm": "SM2PKE", "CiphertextBlob": MESSAGE},
}
FOUR_USES = {name for name in USES if name.startswith("CertificateP")}

CA = pki.root()


def create_certificate(client: Client, spec: str = "EC_P256", **more: str) -> dict[str, Any]:
    return call(client, "CreateCertificate", **{"Subject": SUBJECT, "KeySpec": spec, **more})


def active(client: Client, spec: str = "EC_P256", usages: tuple[str, ...] = ()) -> str:
    """Create a certificate, let the CA issue it, import it; give its id."""
    made = create_certificate(client, spec)
    upload(client, made["CertificateId"], CA.issue(made["Csr"], usages=usages), CA.pem)
    certificate_id: str = made["CertificateId"]
    return certificate_id


def upload(client: Client, certificate_id: str, certificate: str, chain: str | None = None) -> None:
    more = {} if chain is None else {"CertificateChain": chain}
    call(client, "UploadCertificate", CertificateId=certificate_id, Certificate=certificate, **more)


def describe_certificate(client: Client, certificate_id: str) -> dict[str, Any]:
    return call(client, "DescribeCertificate", CertificateId=certificate_id)


def refuse_call(kms: KmsMock, client: Client, spec: ErrorSpec, action: str, **parameters: str) -> None:
    refused(kms, spec, lambda: call(client, action, **parameters))


def set_status(client: Client, certificate_id: str, status: str) -> None:
    call(client, "UpdateCertificateStatus", CertificateId=certificate_id, Status=status)


def tag(client: Client, certificate_id: str, **tags: str) -> None:
    client.tag_resource(models.TagResourceRequest(certificate_id=certificate_id, tags=tag_parameter(**tags)))
