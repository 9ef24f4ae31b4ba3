"""PKCS #12 files and self-signed certificates: read back by `cryptography`, byte for byte the same from one stream."""

from __future__ import annotations

import random

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates

from kms_mock.crypto import jwt, library, material, pkcs12
from kms_mock.crypto.library import validity
from kms_mock.crypto.material import KeyMaterial
from kms_mock.crypto.self_signed import EARLIEST, self_signed

DAY = 86400.0


@pytest.fixture(scope="module")
def pair() -> KeyMaterial:
    return material.generate("RSA_2048")


def certificate(pair: KeyMaterial) -> bytes:
    return self_signed(pair, "a name", b"\x01" * 16, (0.0, DAY))


@pytest.mark.parametrize("password", ["a", "pässwörd", "x" * 31, "x" * 32, "x" * 64, "a1" * 100])
def test_a_file_opens_with_its_password_and_no_other(pair: KeyMaterial, password: str) -> None:
    """Key and certificate come back as they went in, whatever the length of the password; another one is refused."""
    data = pkcs12.make(password, pair.to_bytes(), certificate(pair))
    key, found, _ = load_key_and_certificates(data, password.encode())
    assert key is not None
    assert found is not None
    assert key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()) == pair.to_bytes()
    assert found.public_bytes(Encoding.DER) == certificate(pair)
    with pytest.raises(ValueError, match="Invalid password"):
        load_key_and_certificates(data, password.encode() + b"x")


def test_a_file_follows_from_its_stream_alone(pair: KeyMaterial) -> None:
    """The same stream gives the same bytes, another one others."""
    streams = [random.Random(seed).randbytes for seed in (1, 1, 2)]  # noqa: S311 (repeatable on purpose)
    files = [pkcs12.make("password", pair.to_bytes(), certificate(pair), stream) for stream in streams]
    assert files[0] == files[1] != files[2]


@pytest.mark.parametrize("spec", ["RSA_2048", "EC_P256", "EC_P256K"])
@pytest.mark.parametrize("authority", [True, False])
def test_a_certificate_is_its_own_issuer(spec: str, authority: bool) -> None:
    """Name, serial, validity and the CA flag are those asked for, and the same arguments give the same bytes."""
    pair = material.generate(spec)
    data = self_signed(pair, "a name", b"\xff" * 20, (EARLIEST, DAY), authority=authority)
    if library.REPEATS_CERTIFICATES or spec.startswith("RSA"):
        assert data == self_signed(pair, "a name", b"\xff" * 20, (EARLIEST, DAY), authority=authority)
    found = x509.load_der_x509_certificate(data)
    found.verify_directly_issued_by(found)
    assert found.subject.rfc4514_string() == "CN=a name"
    assert found.serial_number == 2**159 - 1
    assert validity(found) == (EARLIEST, DAY)
    assert found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca == authority


def test_other_keys_sign_nothing() -> None:
    """An AES key makes neither a certificate nor a token."""
    key = material.generate("Aliyun_AES_256")
    with pytest.raises(TypeError, match="signs no certificates"):
        certificate(key)
    with pytest.raises(TypeError, match="signs no tokens"):
        jwt.signed(key, b"{}")
