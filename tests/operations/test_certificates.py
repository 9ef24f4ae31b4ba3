"""Certificates: creating, importing, statuses, deleting."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from alibabacloud_kms20160120.client import Client
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from kms_mock import KmsMock
from kms_mock.crypto.library import validity
from kms_mock.kms import errors
from kms_mock.store.times import iso
from tests.support import pki
from tests.support.calls import call
from tests.support.certificates import (
    CA,
    INVALID,
    SUBJECT,
    USES,
    active,
    create_certificate,
    describe_certificate,
    refuse_call,
    set_status,
    upload,
)
from tests.support.secrets import ISO

# -- creating ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "algorithm"),
    [("RSA_2048", "sha256WithRSAEncryption"), ("EC_P256", "ecdsa-with-SHA256"), ("EC_SM2", "SM2-with-SM3")],
)
def test_the_signing_request_is_one_that_openssl_verifies(
    client: Client, tmp_path: Path, spec: str, algorithm: str
) -> None:
    """CreateCertificate gives a PKCS#10 request for the subject and names, signed by the key that it is for."""
    made = create_certificate(client, spec, SubjectAlternativeNames='["test1.example.com","*.example.org"]')
    assert made.keys() == {"Arn", "CertificateId", "Csr", "RequestId"}
    assert made["Arn"] == f"acs:kms:cn-hangzhou:1234567890123456:certificate/{made['CertificateId']}"
    option = f"-vfyopt {pki.SM2_OPTION}" if spec == "EC_SM2" else ""
    said = pki.openssl_text(tmp_path, f"req -in a.csr -verify -noout -text {option}", a_csr=made["Csr"])
    assert "verify OK" in said
    assert "Subject: C = CN, O = aliyun, OU = kms, CN = userName" in said
    assert "DNS:test1.example.com, DNS:*.example.org" in said
    assert f"Signature Algorithm: {algorithm}" in said


def test_a_new_certificate_waits_for_its_import(client: Client) -> None:
    """Before the import the status is PENDING and what only a CA can give is not there; the request says the rest."""
    made = create_certificate(client, SubjectAlternativeNames='["test1.example.com"]', ExportablePrivateKey="false")
    found = describe_certificate(client, made["CertificateId"])
    assert found.keys() == {
        *("Arn", "CertificateId", "Status", "KeySpec", "ExportablePrivateKey", "CreatedAt", "UpdatedAt", "Subject"),
        *("SubjectAlternativeNames", "SubjectPublicKey", "SubjectKeyIdentifier", "Tags", "RequestId"),
    }
    assert (found["Status"], found["KeySpec"], found["ExportablePrivateKey"]) == ("PENDING", "EC_P256", False)
    assert (found["Subject"], found["SubjectAlternativeNames"]) == (SUBJECT, ["test1.example.com"])
    assert ISO.fullmatch(found["CreatedAt"])
    assert found["UpdatedAt"] == found["CreatedAt"]
    files = call(client, "GetCertificate", CertificateId=made["CertificateId"])
    assert files.keys() == {"CertificateId", "Csr", "RequestId"}
    assert files["Csr"] == made["Csr"]


def test_private_keys_are_exportable_unless_told_otherwise(client: Client) -> None:
    """ExportablePrivateKey defaults to true."""
    assert describe_certificate(client, create_certificate(client)["CertificateId"])["ExportablePrivateKey"] is True


@pytest.mark.parametrize(
    "subject",
    [
        "OU=kms,O=aliyun,C=CN",
        "CN=a,O=aliyun,C=CN",
        "CN=a,OU=kms,C=CN",
        "CN=a,OU=kms,O=aliyun",
        "CN=a,OU=kms,O=aliyun,C=CHN",
        "CN=a,OU=kms,O=aliyun,C=12",
        "CN=a,CN=b,OU=kms,O=aliyun,C=CN",
        "CN=,OU=kms,O=aliyun,C=CN",
        f"CN={'a' * 65},OU=kms,O=aliyun,C=CN",
        "CN=a,OU=kms,O=aliyun,C=CN,X=1",
        "CN=a,OU=kms,O=aliyun,C=CN,",
        "CN=a+OU=kms,O=aliyun,C=CN",
        "CN=\\ff,OU=kms,O=aliyun,C=CN",
        "CN=a,OU=kms,O=aliyun,C=CN,E=ä@example.com",
        "userName",
    ],
)
def test_a_subject_needs_cn_ou_o_and_c_in_the_form_of_rfc_2253(kms: KmsMock, client: Client, subject: str) -> None:
    """A subject with a part missing, unknown, repeated, empty, too long or malformed is refused."""
    refuse_call(kms, client, INVALID, "CreateCertificate", Subject=subject, KeySpec="EC_P256")


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        ("cn=a, ou=kms, o=aliyun, c=CN", "CN=a,OU=kms,O=aliyun,C=CN"),
        (r"CN=a,OU=x,OU=y,O=Foo\, Inc.,ST=Zhejiang,L=Hangzhou,C=CN",) * 2,
        (r"CN=\E6\B5\99,OU=kms,O=阿里云,E=a@example.com,C=CN", "CN=浙,OU=kms,O=阿里云,E=a@example.com,C=CN"),
    ],
)
def test_subjects_keep_their_parts_and_order(client: Client, subject: str, shown: str) -> None:
    """Blanks, lower case, escapes, several OU and text beyond ASCII all work; Describe shows the RFC 2253 form."""
    made = create_certificate(client, Subject=subject)
    assert describe_certificate(client, made["CertificateId"])["Subject"] == shown


@pytest.mark.parametrize(
    "parameters",
    [
        {"KeySpec": "RSA_3072"},
        {"KeySpec": "Aliyun_AES_256"},
        {"SubjectAlternativeNames": json.dumps([f"{n}.example.com" for n in range(11)])},
        {"SubjectAlternativeNames": '["not a domain"]'},
        {"SubjectAlternativeNames": '["a..b"]'},
        {"SubjectAlternativeNames": "a.example.com"},
        {"ExportablePrivateKey": "perhaps"},
    ],
)
def test_bad_parameters_of_a_new_certificate_are_refused(
    kms: KmsMock, client: Client, parameters: dict[str, str]
) -> None:
    """Only three key specs, at most ten domain names as JSON, and a boolean are taken."""
    refuse_call(kms, client, INVALID, "CreateCertificate", **{"Subject": SUBJECT, "KeySpec": "EC_P256", **parameters})


def test_ten_alternative_names_are_allowed(client: Client) -> None:
    """Ten domain names are not too many."""
    names = [f"n{number}.example.com" for number in range(10)]
    made = create_certificate(client, SubjectAlternativeNames=json.dumps(names))
    assert describe_certificate(client, made["CertificateId"])["SubjectAlternativeNames"] == names


def test_the_quota_of_certificates_holds() -> None:
    """One certificate more than the account's quota is refused."""
    account = {"id": "1234567890123456", "quotas": {"certificates": 1}}
    with KmsMock(fixtures=[{"accounts": [account]}]) as kms:
        client = kms.client()
        create_certificate(client)
        refuse_call(kms, client, errors.LIMIT_EXCEEDED, "CreateCertificate", Subject=SUBJECT, KeySpec="EC_P256")


def test_seeded_runs_give_the_same_request() -> None:
    """With a seed key pair, id and signature repeat, for every key spec."""

    def run() -> list[tuple[str, str]]:
        with KmsMock(seed=7) as kms:
            made = [create_certificate(kms.client(), spec) for spec in ("EC_SM2", "EC_P256", "RSA_2048")]
            return [(one["CertificateId"], one["Csr"]) for one in made]

    assert run() == run()


# -- importing --------------------------------------------------------------------------------------------------------


def test_an_imported_certificate_is_active_and_described(client: Client, tmp_path: Path) -> None:
    """After UploadCertificate everything that the certificate says is shown, as the openssl command reads it."""
    made = create_certificate(client, SubjectAlternativeNames='["test1.example.com"]')
    leaf = CA.issue(made["Csr"])
    upload(client, made["CertificateId"], leaf, CA.pem)
    found = describe_certificate(client, made["CertificateId"])
    parsed = x509.load_pem_x509_certificate(leaf.encode())
    assert (found["Status"], found["Issuer"], found["Subject"]) == ("ACTIVE", "CN=test root", SUBJECT)
    assert found["Serial"] == str(parsed.serial_number)
    assert found["SignatureAlgorithm"] == "ECDSA-SHA256"
    assert found["SubjectAlternativeNames"] == ["test1.example.com"]
    assert (found["NotBefore"], found["NotAfter"]) == tuple(map(iso, validity(parsed)))
    assert found["SubjectPublicKey"] == pki.openssl_text(tmp_path, "x509 -in a.pem -pubkey -noout", a_pem=leaf)
    identifier = x509.SubjectKeyIdentifier.from_public_key(parsed.public_key()).digest
    assert found["SubjectKeyIdentifier"] == " ".join(f"{byte:02X}" for byte in identifier)


def test_certificate_and_chain_come_back_as_pem_that_openssl_verifies(client: Client, tmp_path: Path) -> None:
    """GetCertificate gives the certificate and its chain; the openssl command accepts them."""
    top = pki.root()
    middle = top.subordinate("middle")
    made = create_certificate(client)
    leaf = middle.issue(made["Csr"])
    upload(client, made["CertificateId"], leaf, middle.pem + top.pem)
    files = call(client, "GetCertificate", CertificateId=made["CertificateId"])
    assert (files["Certificate"], files["CertificateChain"]) == (leaf, middle.pem + top.pem)
    said = pki.openssl_text(
        tmp_path,
        "verify -CAfile top.pem -untrusted chain.pem leaf.pem",
        top_pem=top.pem,
        chain_pem=files["CertificateChain"],
        leaf_pem=files["Certificate"],
    )
    assert said == "leaf.pem: OK\n"


def test_a_chain_is_optional_and_may_lack_its_root(client: Client) -> None:
    """A certificate without a chain, and one whose chain ends below the root, are taken."""
    top = pki.root()
    middle = top.subordinate("middle")
    for chain in (None, middle.pem):
        made = create_certificate(client)
        upload(client, made["CertificateId"], middle.issue(made["Csr"]), chain)
        files = call(client, "GetCertificate", CertificateId=made["CertificateId"])
        assert files.get("CertificateChain") == chain


def test_pem_on_one_line_is_read(client: Client) -> None:
    """The documented sample has blanks where PEM has line ends; such a text works and comes back in the usual form."""
    made = create_certificate(client)
    leaf = CA.issue(made["Csr"])
    upload(client, made["CertificateId"], leaf.replace("\n", " "))
    assert call(client, "GetCertificate", CertificateId=made["CertificateId"])["Certificate"] == leaf


def test_a_renewed_certificate_replaces_the_former_one(client: Client) -> None:
    """A second import for the same request replaces certificate and chain; an inactive one is active again."""
    made = create_certificate(client)
    upload(client, made["CertificateId"], CA.issue(made["Csr"]), CA.pem)
    set_status(client, made["CertificateId"], "INACTIVE")
    renewed = CA.issue(made["Csr"], days=(-1, 200))
    upload(client, made["CertificateId"], renewed)
    files = call(client, "GetCertificate", CertificateId=made["CertificateId"])
    assert (files["Certificate"], "CertificateChain" in files) == (renewed, False)
    assert describe_certificate(client, made["CertificateId"])["Status"] == "ACTIVE"


def test_a_certificate_for_another_key_is_refused(kms: KmsMock, client: Client) -> None:
    """The public key of the certificate must be the one of the signing request."""
    one, other = create_certificate(client), create_certificate(client)
    refuse_call(
        kms,
        client,
        INVALID,
        "UploadCertificate",
        CertificateId=one["CertificateId"],
        Certificate=CA.issue(other["Csr"]),
    )


def test_certificates_that_are_not_valid_now_are_refused(kms: KmsMock, client: Client) -> None:
    """An expired leaf, one from the future, and an expired CA in the chain are refused."""
    made = create_certificate(client)
    stale = CA.subordinate("stale", days=(-9, -1))
    for certificate, chain in (
        (CA.issue(made["Csr"], days=(-9, -1)), CA.pem),
        (CA.issue(made["Csr"], days=(2, 9)), CA.pem),
        (stale.issue(made["Csr"]), stale.pem),
    ):
        refuse_call(
            kms,
            client,
            INVALID,
            "UploadCertificate",
            CertificateId=made["CertificateId"],
            Certificate=certificate,
            CertificateChain=chain,
        )


def test_chains_that_do_not_hold_are_refused(kms: KmsMock, client: Client) -> None:
    """Wrong order, a foreign issuer, a forged signature, no CA, too long a path, two leaves, no PEM: all refused."""
    made = create_certificate(client)
    csr, middle, plain = made["Csr"], CA.subordinate("middle"), CA.subordinate("no CA", ca=False)
    short = CA.subordinate("short", path_length=0)
    below = short.subordinate("below")
    leaf = CA.issue(csr)
    broken = leaf.replace("\n", "\nA", 1)
    for certificate, chain in (
        (middle.issue(csr), CA.pem + middle.pem),
        (leaf, middle.pem),
        (leaf, pki.root("other").pem),
        (leaf, pki.root().pem),  # of the same name
        (CA.issue(csr, key=ec.generate_private_key(ec.SECP256R1())), CA.pem),
        (plain.issue(csr), plain.pem + CA.pem),
        (below.issue(csr), below.pem + short.pem + CA.pem),
        (leaf + leaf, CA.pem),
        (leaf, csr),
        (csr, CA.pem),
        (leaf, "no PEM"),
        (broken, CA.pem),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", CA.pem),
    ):
        refuse_call(
            kms,
            client,
            INVALID,
            "UploadCertificate",
            CertificateId=made["CertificateId"],
            Certificate=certificate,
            CertificateChain=chain,
        )


# -- statuses ---------------------------------------------------------------------------------------------------------


def test_certificates_can_be_disabled_enabled_and_revoked(client: Client) -> None:
    """ACTIVE and INACTIVE go into each other and into REVOKED; setting the present status changes nothing."""
    certificate_id = active(client)
    for status in ("INACTIVE", "INACTIVE", "ACTIVE", "ACTIVE", "REVOKED", "REVOKED"):
        set_status(client, certificate_id, status)
        assert describe_certificate(client, certificate_id)["Status"] == status


def test_a_revoked_certificate_stays_revoked(kms: KmsMock, client: Client) -> None:
    """Neither a status nor an import brings a revoked certificate back."""
    certificate_id = active(client)
    csr = call(client, "GetCertificate", CertificateId=certificate_id)["Csr"]
    set_status(client, certificate_id, "REVOKED")
    for status in ("ACTIVE", "INACTIVE"):
        refuse_call(kms, client, INVALID, "UpdateCertificateStatus", CertificateId=certificate_id, Status=status)
    refuse_call(kms, client, INVALID, "UploadCertificate", CertificateId=certificate_id, Certificate=CA.issue(csr))


@pytest.mark.parametrize("status", ["ACTIVE", "INACTIVE", "REVOKED", "PENDING", "DISABLED"])
def test_a_pending_certificate_has_no_other_status_before_its_import(kms: KmsMock, client: Client, status: str) -> None:
    """UpdateCertificateStatus refuses a PENDING certificate, and statuses that nobody can set."""
    made = create_certificate(client)
    refuse_call(kms, client, INVALID, "UpdateCertificateStatus", CertificateId=made["CertificateId"], Status=status)


def test_a_deleted_certificate_is_gone(kms: KmsMock, client: Client) -> None:
    """DeleteCertificate removes a certificate at once, whatever its status; other ones stay."""
    pending, other = create_certificate(client)["CertificateId"], create_certificate(client)["CertificateId"]
    for certificate_id in (pending, active(client)):
        call(client, "DeleteCertificate", CertificateId=certificate_id)
        refuse_call(kms, client, errors.CERTIFICATE_NOT_FOUND, "GetCertificate", CertificateId=certificate_id)
    assert describe_certificate(client, other)["Status"] == "PENDING"


@pytest.mark.parametrize("action", USES)
def test_operations_on_a_certificate_that_is_not_there_are_refused(kms: KmsMock, client: Client, action: str) -> None:
    """Every operation answers 404 Certificate.NotFound for an id, and an ARN, that leads nowhere."""
    for name in (
        "9a28de48-8d8b-484d-a766-dec400000000",
        "acs:kms:cn-hangzhou:1234567890123456:certificate/x",
        "acs:kms:cn-beijing:1234567890123456:certificate/x",
        "acs:kms:cn-hangzhou:1234567890123456:key/x",
    ):
        refuse_call(kms, client, errors.CERTIFICATE_NOT_FOUND, action, CertificateId=name, **USES[action])


@pytest.mark.parametrize("action", USES)
def test_a_certificate_id_has_a_length_that_one_can_have(kms: KmsMock, client: Client, action: str) -> None:
    """An id longer than any id or ARN is an invalid parameter."""
    refuse_call(kms, client, INVALID, action, CertificateId="x" * 513, **USES[action])


@pytest.mark.parametrize("action", ["CreateCertificate", *USES])
def test_an_unknown_access_key_is_refused_in_the_words_of_the_operation(action: str) -> None:
    """An AccessKey id that is in no fixture file is refused; four operations have the text of 2021."""
    old = ("CreateCertificate", "GetCertificate", "CertificatePublicKeyVerify")
    spec = errors.CERTIFICATE_INVALID_ACCESS_KEY_ID if action in old else errors.INVALID_ACCESS_KEY_ID
    with KmsMock(fixtures=[{"authentication": {"unknown_access_keys": "refuse"}}]) as kms:
        refuse_call(kms, kms.client(), spec, action, CertificateId="x", Subject=SUBJECT, KeySpec="EC_P256")


@pytest.mark.parametrize("action", ["CreateCertificate", *USES])
def test_ram_decides_about_certificates(action: str) -> None:
    """A RAM user who may do nothing with certificates is refused; one who may use a certificate by its ARN is not."""
    allow_keys = {
        "Version": "1",
        "Statement": [{"Effect": "Allow", "Action": ["kms:*"], "Resource": ["acs:kms:*:*:key/*"]}],
    }
    user = {"id": "user", "user": "eve", "policy": allow_keys}
    account = {"id": "1234567890123456", "access_keys": [user]}
    document = {"accounts": [account], "certificates": [{"id": "one", "spec": "EC_P256", "subject": SUBJECT}]}
    with KmsMock(fixtures=[document]) as kms:
        client = kms.client(access_key_id="user")
        parameters = {"CertificateId": "one", "Subject": SUBJECT, "KeySpec": "EC_P256", **USES.get(action, {})}
        spec = errors.NO_PERMISSION if action == "CreateCertificate" else errors.NO_PERMISSION_ON
        refuse_call(kms, client, spec, action, **parameters)


def test_a_certificate_is_found_by_its_arn(client: Client) -> None:
    """CertificateId takes the ARN too."""
    made = create_certificate(client)
    assert describe_certificate(client, made["Arn"])["CertificateId"] == made["CertificateId"]
