"""Certificates in fixture files and snapshots."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.fixtures import FixtureError
from kms_mock.kms.model.certificate import certificates
from tests.support import pki
from tests.support.calls import call
from tests.support.certificates import (
    MESSAGE,
    SUBJECT,
    active,
    create_certificate,
    describe_certificate,
    set_status,
    tag,
)


def test_a_snapshot_with_certificates_loads_to_an_equal_store(client: Client, kms: KmsMock) -> None:
    """A snapshot holds certificates whole: another mock that loads it goes on where this one stood."""
    certificate_id = active(client, "EC_P256")
    revoked, pending = (
        active(client),
        create_certificate(client, "EC_SM2", ExportablePrivateKey="false")["CertificateId"],
    )
    tag(client, pending, a="1")
    set_status(client, revoked, "REVOKED")
    signed = {"CertificateId": certificate_id, "Algorithm": "ECDSA_SHA_256", "Message": MESSAGE}
    signature = call(client, "CertificatePrivateKeySign", **signed)["SignatureValue"]
    with KmsMock(fixtures=[kms.snapshot()]) as copy:
        assert copy.snapshot() == kms.snapshot()
        answer = call(copy.client(), "CertificatePublicKeyVerify", **signed, SignatureValue=signature)
        assert answer["SignatureValid"] is True
        for name in (certificate_id, revoked, pending):
            before, after = describe_certificate(client, name), describe_certificate(copy.client(), name)
            assert {**before, "RequestId": ""} == {**after, "RequestId": ""}


def test_a_fixture_file_may_say_little_of_a_certificate(tmp_path: Path) -> None:
    """A subject alone gives a pending certificate; a PEM certificate with its key, even expired, an active one."""
    pki.openssl_text(
        tmp_path,
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k.pem -out c.pem -subj /CN=me -days 1 "
        "-addext subjectAltName=DNS:me.example.com",
    )
    own = {"private_key": (tmp_path / "k.pem").read_text(), "certificate": (tmp_path / "c.pem").read_text()}
    document = {
        "certificates": [
            {"id": "asked", "spec": "EC_P256", "subject": SUBJECT, "alternative_names": ["a.example.com"]},
            {"id": "issued", "spec": "EC_P256", **own, "tags": {"a": "1"}, "created": "2020-01-01"},
        ]
    }
    with KmsMock(fixtures=[document]) as kms:
        asked, issued = (describe_certificate(kms.client(), name) for name in ("asked", "issued"))
        files = call(kms.client(), "GetCertificate", CertificateId="issued")
    assert (asked["Status"], asked["Subject"]) == ("PENDING", SUBJECT)
    assert asked["SubjectAlternativeNames"] == ["a.example.com"]
    assert (issued["Status"], issued["Subject"], issued["Tags"]) == ("ACTIVE", "CN=me", {"a": "1"})
    assert issued["CreatedAt"] == "2020-01-01T00:00:00Z"
    assert files["Certificate"] == own["certificate"]
    said = pki.openssl_text(tmp_path, "req -in r.csr -verify -noout -text", r_csr=files["Csr"])
    assert "Subject: CN = me" in said
    assert "DNS:me.example.com" in said


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({}, ".subject"),
        ({"subject": "CN=only"}, ".subject"),
        ({"subject": SUBJECT, "id": "a b"}, ".id"),
        ({"subject": SUBJECT, "private_key": "AAAA"}, ".private_key"),
        ({"subject": SUBJECT, "status": "ACTIVE"}, ".status"),
        ({"subject": SUBJECT, "chain": "x"}, ".chain"),
        ({"subject": SUBJECT, "certificate": "x"}, ".private_key"),
        ({"subject": SUBJECT, "alternative_names": ["a b"]}, ".alternative_names[0]"),
        ({"request": "x"}, ".request"),
        ({"subject": SUBJECT, "tags": {"": "1"}}, ".tags"),
    ],
)
def test_a_fixture_file_with_a_wrong_certificate_is_refused_with_its_place(more: dict[str, Any], place: str) -> None:
    """The error names the certificate and the field."""
    document = {"certificates": [{"id": "one", "spec": "EC_P256", **more}]}
    with pytest.raises(FixtureError, match=re.escape(f"$.certificates[0]{place}")):
        KmsMock(fixtures=[document])


def test_a_fixture_file_cannot_mix_keys_and_certificates(client: Client, kms: KmsMock) -> None:
    """A certificate or request of another key, and an id that is there already, are refused."""
    active(client)
    create_certificate(client)
    snapshot = kms.snapshot()
    first, second = snapshot["accounts"][0]["regions"][0]["certificates"]
    for field in ("certificate", "request"):
        mixed = {**first, "private_key": second["private_key"], field: first[field]}
        with pytest.raises(FixtureError, match=field if field == "certificate" else "request|certificate"):
            KmsMock(fixtures=[{"certificates": [mixed]}])
    with pytest.raises(FixtureError, match="request"):
        KmsMock(fixtures=[{"certificates": [{**second, "request": first["request"]}]}])
    with pytest.raises(FixtureError, match="exists already"):
        KmsMock(fixtures=[{"certificates": [second, second]}])


def test_private_keys_show_nowhere_but_in_snapshots(client: Client, kms: KmsMock) -> None:
    """No answer of the API holds the private key, and no record shows it in its repr."""
    certificate_id = active(client)
    answers = [call(client, name, CertificateId=certificate_id) for name in ("GetCertificate", "DescribeCertificate")]
    key = kms.snapshot()["accounts"][0]["regions"][0]["certificates"][0]["private_key"]
    record = kms.store.partition("1234567890123456", "cn-hangzhou")[certificates].find(certificate_id)
    for text in (repr(record), *(msgspec.json.encode(answer).decode() for answer in answers)):
        assert key[40:80] not in text
        assert "PRIVATE" not in text
