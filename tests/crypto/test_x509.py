"""Signing requests and certificates, with the `openssl` command and `cryptography` as outside judges."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509 as judge
from cryptography.hazmat.primitives import serialization

from kms_mock.crypto import csr, pem, x509
from kms_mock.crypto.errors import InvalidCertificate
from kms_mock.crypto.material import KeyMaterial, load
from tests.support import pki

SUBJECT = csr.subject_der("CN=userName,OU=kms,O=aliyun,C=CN")
Keys = Callable[[str], KeyMaterial]


def test_the_documented_request_begins_with_the_same_name() -> None:
    """The name in the sample of the api-docs is DER of C, O, OU, CN in this order, as PrintableString."""
    sample = base64.b64decode("MIICxjCCAa4CAQAwPzELMAkGA1UEBhMCQ04xDzANBgNVBAoTBmFsaXl1bjEMMAoGA1UECxMDa21zMREwDwYD")
    assert sample[11:].startswith(csr.subject_der("CN=12345678,OU=kms,O=aliyun,C=CN")[: len(sample) - 11])


@pytest.mark.parametrize("text", [r"CN=a\,b\+c\"d\\e,OU=x y,O=\#z\;,C=CN", "CN=爱,OU=b,O=c,ST=d,L=e,C=CN"])
def test_subjects_read_back_as_they_were_written(text: str) -> None:
    """What was escaped is in the name itself, as another implementation reads it."""
    request = csr.build(load("EC_P256", _private("EC_P256")), csr.subject_der(text))
    assert judge.load_pem_x509_csr(request.encode()).subject == judge.Name.from_rfc4514_string(text)


def _private(spec: str) -> bytes:
    from kms_mock.crypto.material import generate  # noqa: PLC0415 (one use)

    return generate(spec).to_bytes()


@pytest.mark.parametrize("spec", ["RSA_2048", "EC_P256"])
def test_requests_are_valid_for_another_implementation(keys: Keys, spec: str) -> None:
    """`cryptography` finds the signature valid, the key the right one, and no extension where none was asked for."""
    request = judge.load_pem_x509_csr(csr.build(keys(spec), SUBJECT).encode())
    assert request.is_signature_valid
    assert list(request.extensions) == []
    assert (
        request.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        == keys(spec).public_key_der()
    )


@pytest.mark.parametrize("spec", ["RSA_2048", "EC_P256", "EC_SM2"])
def test_a_request_follows_from_its_stream(
    keys: Keys, stream: Callable[[str], Callable[[int], bytes]], spec: str
) -> None:
    """The same bytes give the same request, for every kind of key."""
    first, second = (csr.build(keys(spec), SUBJECT, ["a.example.com"], stream("x")) for _ in range(2))
    assert first == second


def test_reading_a_request_gives_what_it_asks_for(keys: Keys) -> None:
    """Subject, names, key and key identifier of a request come back, also with SM2."""
    for spec in ("EC_P256", "EC_SM2"):
        said = x509.load_request(csr.build(keys(spec), SUBJECT, ["a.example.com", "b.example.com"]))
        assert said.subject == "CN=userName,OU=kms,O=aliyun,C=CN"
        assert said.dns_names == ("a.example.com", "b.example.com")
        assert said.public_key == keys(spec).public_key_der()
        assert said.key_identifier == x509.key_identifier(keys(spec).public_key_der())


@pytest.mark.parametrize(
    ("generate", "digest", "shown"),
    [
        ("-algorithm RSA -pkeyopt rsa_keygen_bits:2048", "sha256", "RSA2048-SHA256"),
        ("-algorithm RSA -pkeyopt rsa_keygen_bits:3072", "sha384", "RSA3072-SHA384"),
        ("-algorithm EC -pkeyopt ec_paramgen_curve:P-256", "sha256", "ECDSA-SHA256"),
        ("-algorithm EC -pkeyopt ec_paramgen_curve:SM2", "sm3", "SM2-SM3"),
        ("-algorithm ED25519", "", "1.3.101.112"),
    ],
)
def test_what_openssl_signed_is_recognised_and_verified(tmp_path: Path, generate: str, digest: str, shown: str) -> None:
    """Self-signed certificates of the openssl command pass, with the name of their algorithm; a changed bit fails."""
    pki.openssl_text(tmp_path, f"genpkey {generate} -out k.pem")
    option = f"-sigopt {pki.SM2_OPTION}" if digest == "sm3" else ""
    chosen = f"-{digest}" if digest else ""
    pki.openssl_text(tmp_path, f"req -x509 -key k.pem {chosen} {option} -subj /C=CN/CN=me -days 3 -out c.pem")
    text = (tmp_path / "c.pem").read_text()
    found = x509.load_certificates(text)
    x509.check_chain(found)
    assert found[0].signature_algorithm == shown
    assert (found[0].subject, found[0].issuer) == ("CN=me,C=CN", "CN=me,C=CN")
    assert found[0].to_pem() == text
    spki = pki.openssl_text(tmp_path, "x509 -in c.pem -pubkey -noout")
    assert pem.encode("PUBLIC KEY", found[0].public_key) == spki
    changed = bytearray(found[0].parsed.public_bytes(serialization.Encoding.DER))
    changed[-1] ^= 1
    with pytest.raises(InvalidCertificate, match="not signed by"):
        x509.check_chain(x509.load_certificates(pem.encode("CERTIFICATE", bytes(changed))))


def test_a_certificate_of_version_1_is_read_but_issues_nothing(tmp_path: Path) -> None:
    """The oldest form has no extensions: its key is found, and without basic constraints it is no CA."""
    pki.openssl_text(tmp_path, "req -new -newkey rsa:2048 -nodes -keyout k.pem -subj /CN=old -out r.pem")
    pki.openssl_text(tmp_path, "x509 -req -in r.pem -signkey k.pem -days 3 -out c.pem")
    found = x509.load_certificates((tmp_path / "c.pem").read_text())[0]
    assert found.parsed.version is judge.Version.v1
    assert (found.path_length, found.signs, found.encrypts, found.dns_names) == (-1, True, True, ())
    assert pem.encode("PUBLIC KEY", found.public_key) == pki.openssl_text(tmp_path, "x509 -in c.pem -pubkey -noout")


def test_a_changed_self_signed_certificate_is_refused() -> None:
    """One changed bit of the signature, and the certificate has not signed itself."""
    der = bytearray(x509.load_certificates(pki.root().pem)[0].parsed.public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    with pytest.raises(ValueError, match="not signed by"):
        x509.check_chain(x509.load_certificates(pem.encode("CERTIFICATE", bytes(der))))


def test_validity_includes_both_ends() -> None:
    """A certificate is valid from its first to its last second (RFC 5280, 4.1.2.5)."""
    found = x509.load_certificates(pki.root().pem)
    x509.check_validity(found, found[0].not_before)
    x509.check_validity(found, found[0].not_after)
    with pytest.raises(ValueError, match="not valid yet"):
        x509.check_validity(found, found[0].not_before - 1)
    with pytest.raises(ValueError, match="has expired"):
        x509.check_validity(found, found[0].not_after + 1)


@pytest.mark.parametrize("read", [x509.load_certificates, x509.load_request])
def test_damaged_input_is_a_value_error_and_nothing_else(keys: Keys, read: Callable[[str], Any]) -> None:
    """Whatever bytes stand in the PEM, reading and checking the chain end with a result or a ValueError."""
    chance = random.Random(1)  # noqa: S311 (a test that repeats)
    ca = pki.root()
    root = x509.load_certificates(ca.pem)[0]
    certificate = ca.issue(csr.build(keys("EC_P256"), SUBJECT, ["a.example.com"]), usages=("key_agreement",))
    request = csr.build(keys("EC_P256"), SUBJECT, ["a.example.com"])
    label, text = ("CERTIFICATE REQUEST", request) if read is x509.load_request else ("CERTIFICATE", certificate)
    _, whole = next(pem.blocks(text.encode()))
    refused = 0
    for _ in range(1000):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            found = read(pem.encode(label, bytes(data)))
            if read is x509.load_certificates:
                x509.check_chain([*found, root])
        except ValueError:
            refused += 1
    assert 0 < refused < 1000
