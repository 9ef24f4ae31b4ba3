"""Certificates at work: signing, verifying, encrypting, decrypting, and when they may."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from tests.support import pki
from tests.support.calls import call
from tests.support.certificates import (
    FOUR_USES,
    INVALID,
    MESSAGE,
    USES,
    active,
    create_certificate,
    describe_certificate,
    refuse_call,
    set_status,
    upload,
)

# -- signing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "algorithm", "options"),
    [
        ("RSA_2048", "RSA_PKCS1_SHA_256", ""),
        ("RSA_2048", "RSA_PSS_SHA_256", "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32"),
        ("EC_P256", "ECDSA_SHA_256", ""),
    ],
)
def test_signatures_are_verified_by_openssl_with_the_certificate(
    client: Client, tmp_path: Path, *, spec: str, algorithm: str, options: str
) -> None:
    """RAW signs the message, DIGEST its digest: the same signature in effect, and the openssl command verifies it."""
    certificate_id = active(client, spec)
    leaf = call(client, "GetCertificate", CertificateId=certificate_id)["Certificate"]
    public = pki.openssl_text(tmp_path, "x509 -in leaf.pem -pubkey -noout", leaf_pem=leaf)
    data = base64.b64decode(MESSAGE)
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
    for kind, message in (("RAW", MESSAGE), ("DIGEST", digest)):
        sent = {"CertificateId": certificate_id, "Algorithm": algorithm, "MessageType": kind, "Message": message}
        made = call(client, "CertificatePrivateKeySign", **sent)
        assert made.keys() == {"CertificateId", "SignatureValue", "RequestId"}
        assert made["CertificateId"] == certificate_id
        said = pki.openssl_text(
            tmp_path,
            f"dgst -sha256 -verify public.pem {options} -signature signature.bin data.bin",
            public_pem=public,
            signature_bin=base64.b64decode(made["SignatureValue"]),
            data_bin=data,
        )
        assert said == "Verified OK\n"
        for verified_kind, verified in (("RAW", MESSAGE), ("DIGEST", digest)):
            answer = call(
                client,
                "CertificatePublicKeyVerify",
                **{**sent, "MessageType": verified_kind, "Message": verified},
                SignatureValue=made["SignatureValue"],
            )
            assert answer["SignatureValid"] is True


def test_sm2_certificates_work_from_request_to_signature(client: Client, tmp_path: Path) -> None:
    """An SM2 certificate that the openssl command issued is imported; openssl verifies what it signs, and encrypts."""
    made = create_certificate(client, "EC_SM2")
    leaf, root = pki.sm2_chain(tmp_path, made["Csr"])
    upload(client, made["CertificateId"], leaf, root)
    found = describe_certificate(client, made["CertificateId"])
    assert (found["SignatureAlgorithm"], found["Serial"], found["KeySpec"]) == ("SM2-SM3", "4660", "EC_SM2")
    name = {"CertificateId": made["CertificateId"]}
    signature = call(client, "CertificatePrivateKeySign", **name, Algorithm="SM2DSA", Message=MESSAGE)["SignatureValue"]
    said = pki.openssl_text(
        tmp_path,
        f"pkeyutl -verify -pubin -inkey public.pem -rawin -digest sm3 -pkeyopt {pki.SM2_OPTION} -sigfile s.bin -in d.bin",
        public_pem=found["SubjectPublicKey"],
        s_bin=base64.b64decode(signature),
        d_bin=base64.b64decode(MESSAGE),
    )
    assert "Signature Verified Successfully" in said
    verify = {**name, "Algorithm": "SM2DSA", "Message": MESSAGE, "SignatureValue": signature}
    assert call(client, "CertificatePublicKeyVerify", **verify)["SignatureValid"] is True
    pki.openssl_text(tmp_path, "pkeyutl -encrypt -pubin -inkey public.pem -in d.bin -out c.bin")
    blob = base64.b64encode((tmp_path / "c.bin").read_bytes()).decode()
    opened = call(client, "CertificatePrivateKeyDecrypt", **name, Algorithm="SM2PKE", CiphertextBlob=blob)
    assert opened["Plaintext"] == MESSAGE


def test_a_forged_sm2_chain_is_refused(kms: KmsMock, client: Client, tmp_path: Path) -> None:
    """An SM2 certificate whose chain holds another SM2 CA of the same name is refused."""
    made = create_certificate(client, "EC_SM2")
    leaf, _ = pki.sm2_chain(tmp_path, made["Csr"])
    (other := tmp_path / "other").mkdir()
    _, forged = pki.sm2_chain(other, made["Csr"])
    refuse_call(
        kms,
        client,
        INVALID,
        "UploadCertificate",
        CertificateId=made["CertificateId"],
        Certificate=leaf,
        CertificateChain=forged,
    )


@pytest.mark.parametrize("signature", ["AAAA", base64.b64encode(bytes(256)).decode()])
def test_a_wrong_signature_is_an_answer_not_an_error(client: Client, signature: str) -> None:
    """SignatureValid is false for a signature that is malformed or of something else."""
    name = {"CertificateId": active(client), "Algorithm": "ECDSA_SHA_256"}
    answer = call(client, "CertificatePublicKeyVerify", **name, Message=MESSAGE, SignatureValue=signature)
    assert answer["SignatureValid"] is False
    real = call(client, "CertificatePrivateKeySign", **name, Message="AAAA")["SignatureValue"]
    answer = call(client, "CertificatePublicKeyVerify", **name, Message=MESSAGE, SignatureValue=real)
    assert answer["SignatureValid"] is False


@pytest.mark.parametrize(
    "parameters",
    [
        {"Algorithm": "RSA_PSS_SHA_256"},
        {"Algorithm": "SM2DSA"},
        {"Algorithm": "ECDSA_SHA_512"},
        {"MessageType": "HASH"},
        {"Message": "not Base64"},
        {"Message": base64.b64encode(bytes(4097)).decode()},
        {"MessageType": "DIGEST", "Message": base64.b64encode(bytes(31)).decode()},
        {"MessageType": "DIGEST", "Message": base64.b64encode(bytes(64)).decode()},
    ],
)
def test_what_cannot_be_signed_is_refused(kms: KmsMock, client: Client, parameters: dict[str, str]) -> None:
    """An algorithm of another key spec, more than 4 KB, and a digest of another length: no signing, no verifying."""
    sent = {"CertificateId": active(client), "Algorithm": "ECDSA_SHA_256", "Message": MESSAGE, **parameters}
    refuse_call(kms, client, INVALID, "CertificatePrivateKeySign", **sent)
    refuse_call(kms, client, INVALID, "CertificatePublicKeyVerify", **sent, SignatureValue="AAAA")


def test_four_kilobytes_can_be_signed(client: Client) -> None:
    """A raw message may have 4096 bytes."""
    message = base64.b64encode(bytes(4096)).decode()
    name = {"CertificateId": active(client), "Algorithm": "ECDSA_SHA_256"}
    made = call(client, "CertificatePrivateKeySign", **name, Message=message)
    verify = call(client, "CertificatePublicKeyVerify", **name, Message=message, SignatureValue=made["SignatureValue"])
    assert verify["SignatureValid"] is True


# -- encrypting -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("algorithm", "limit", "digest"), [("RSAES_OAEP_SHA_1", 214, "sha1"), ("RSAES_OAEP_SHA_256", 190, "sha256")]
)
def test_rsa_encryption_opens_what_it_and_openssl_made(
    kms: KmsMock, client: Client, tmp_path: Path, *, algorithm: str, limit: int, digest: str
) -> None:
    """The documented number of bytes round-trips, one more is refused; a ciphertext of the openssl command opens."""
    name = {"CertificateId": active(client, "RSA_2048"), "Algorithm": algorithm}
    plaintext = base64.b64encode(bytes(range(limit))).decode()
    made = call(client, "CertificatePublicKeyEncrypt", **name, Plaintext=plaintext)
    assert made.keys() == {"CertificateId", "CiphertextBlob", "RequestId"}
    opened = call(client, "CertificatePrivateKeyDecrypt", **name, CiphertextBlob=made["CiphertextBlob"])
    assert opened.keys() == {"CertificateId", "Plaintext", "RequestId"}
    assert opened["Plaintext"] == plaintext
    longer = base64.b64encode(bytes(limit + 1)).decode()
    refuse_call(kms, client, INVALID, "CertificatePublicKeyEncrypt", **name, Plaintext=longer)
    public = describe_certificate(client, name["CertificateId"])["SubjectPublicKey"]
    pki.openssl_text(
        tmp_path,
        f"pkeyutl -encrypt -pubin -inkey p.pem -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:{digest} -in d.bin -out c.bin",
        p_pem=public,
        d_bin=b"from outside",
    )
    blob = base64.b64encode((tmp_path / "c.bin").read_bytes()).decode()
    opened = call(client, "CertificatePrivateKeyDecrypt", **name, CiphertextBlob=blob)
    assert base64.b64decode(opened["Plaintext"]) == b"from outside"


def test_what_cannot_be_opened_is_refused(kms: KmsMock, client: Client) -> None:
    """A damaged ciphertext, one of another algorithm, no Base64, and an algorithm of another key spec are refused."""
    name = {"CertificateId": active(client, "RSA_2048")}
    made = call(client, "CertificatePublicKeyEncrypt", **name, Algorithm="RSAES_OAEP_SHA_256", Plaintext="AAAA")
    damaged = base64.b64encode(bytes(256)).decode()
    for algorithm, blob in (
        ("RSAES_OAEP_SHA_1", made["CiphertextBlob"]),
        ("RSAES_OAEP_SHA_256", damaged),
        ("RSAES_OAEP_SHA_256", "AAAA"),
        ("RSAES_OAEP_SHA_256", "no Base64"),
        ("SM2PKE", made["CiphertextBlob"]),
    ):
        sent = {**name, "Algorithm": algorithm, "CiphertextBlob": blob}
        refuse_call(kms, client, INVALID, "CertificatePrivateKeyDecrypt", **sent)
    refuse_call(kms, client, INVALID, "CertificatePublicKeyEncrypt", **name, Algorithm="SM2PKE", Plaintext="AAAA")


def test_a_p256_certificate_does_not_encrypt(kms: KmsMock, client: Client) -> None:
    """EC_P256 has no encryption algorithm."""
    certificate_id = active(client)
    for algorithm in ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "SM2PKE"):
        sent = {"CertificateId": certificate_id, "Algorithm": algorithm, "Plaintext": "AAAA"}
        refuse_call(kms, client, INVALID, "CertificatePublicKeyEncrypt", **sent)


# -- what status and key usages allow ---------------------------------------------------------------------------------


def rsa_calls(client: Client, certificate_id: str) -> dict[str, dict[str, str]]:
    """Return all four uses of an active RSA certificate as calls that succeed while it is active."""
    name = {"CertificateId": certificate_id}
    sign = {**name, "Algorithm": "RSA_PSS_SHA_256", "Message": MESSAGE}
    encrypt = {**name, "Algorithm": "RSAES_OAEP_SHA_256"}
    signature = call(client, "CertificatePrivateKeySign", **sign)["SignatureValue"]
    blob = call(client, "CertificatePublicKeyEncrypt", **encrypt, Plaintext=MESSAGE)["CiphertextBlob"]
    return {
        "CertificatePrivateKeySign": sign,
        "CertificatePublicKeyVerify": {**sign, "SignatureValue": signature},
        "CertificatePublicKeyEncrypt": {**encrypt, "Plaintext": MESSAGE},
        "CertificatePrivateKeyDecrypt": {**encrypt, "CiphertextBlob": blob},
    }


@pytest.mark.parametrize(
    ("status", "allowed"),
    [
        ("ACTIVE", FOUR_USES),
        ("INACTIVE", set()),
        ("REVOKED", {"CertificatePublicKeyVerify"}),
    ],
)
def test_each_status_allows_its_uses(kms: KmsMock, client: Client, status: str, allowed: set[str]) -> None:
    """An active certificate does everything, an inactive one nothing, and a revoked one verifies."""
    certificate_id = active(client, "RSA_2048")
    calls = rsa_calls(client, certificate_id)
    set_status(client, certificate_id, status)
    for action, parameters in calls.items():
        if action in allowed:
            assert call(client, action, **parameters)["CertificateId"] == certificate_id
        else:
            refuse_call(kms, client, INVALID, action, **parameters)


@pytest.mark.parametrize("action", sorted(FOUR_USES))
def test_a_pending_certificate_is_of_no_use(kms: KmsMock, client: Client, action: str) -> None:
    """Before its import a certificate does none of the four."""
    refuse_call(kms, client, INVALID, action, CertificateId=create_certificate(client)["CertificateId"], **USES[action])


@pytest.mark.parametrize(
    ("usages", "signs", "encrypts"),
    [
        (("digital_signature",), True, False),
        (("content_commitment",), True, False),
        (("key_encipherment",), False, True),
        (("data_encipherment",), False, True),
        (("digital_signature", "key_encipherment"), True, True),
        ((), True, True),
    ],
)
def test_key_usages_rule_what_is_made(kms: KmsMock, usages: tuple[str, ...], signs: bool, encrypts: bool) -> None:
    """A certificate with key usages signs, and encrypts, only when one of them says so."""
    client = kms.client()
    name = {"CertificateId": active(client, "RSA_2048", usages)}
    sign = {**name, "Algorithm": "RSA_PKCS1_SHA_256", "Message": MESSAGE}
    encrypt = {**name, "Algorithm": "RSAES_OAEP_SHA_1", "Plaintext": MESSAGE}
    for allowed, action, sent in (
        (signs, "CertificatePrivateKeySign", sign),
        (encrypts, "CertificatePublicKeyEncrypt", encrypt),
    ):
        if allowed:
            call(client, action, **sent)
        else:
            refuse_call(kms, client, INVALID, action, **sent)
