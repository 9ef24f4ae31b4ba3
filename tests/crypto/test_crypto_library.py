"""What an old `cryptography` lacks is told, and nothing fails for it."""

from __future__ import annotations

import logging

import pytest
from alibabacloud_kms20160120 import models
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from kms_mock import KmsMock
from kms_mock.crypto import library
from kms_mock.crypto.aead import AEADS
from kms_mock.crypto.sm4_gcm import PlainSm4Gcm

KEY = {"keys": [{"id": "ec", "spec": "EC_P256", "usage": "SIGN/VERIFY"}]}
DIGEST = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="


@pytest.mark.parametrize(
    ("signatures", "certificates", "told"),
    [
        (False, False, "ECDSA signatures and certificates of instances differ from run to run in spite of the seed"),
        (True, False, "certificates of instances differ from run to run in spite of the seed"),
        (True, True, ""),
    ],
)
def test_a_seed_that_cannot_hold(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, signatures: bool, certificates: bool, told: str
) -> None:
    """With a seed the log names what does not repeat; signing works all the same."""
    if (signatures and not library.REPEATS_ECDSA) or (certificates and not library.REPEATS_CERTIFICATES):
        pytest.skip("the installed cryptography is older")
    monkeypatch.setattr(library, "REPEATS_ECDSA", signatures)
    monkeypatch.setattr(library, "REPEATS_CERTIFICATES", certificates)
    with caplog.at_level(logging.WARNING, "kms_mock"), KmsMock(KEY, seed=1) as kms:
        client = kms.client()
        (version,) = client.list_key_versions(models.ListKeyVersionsRequest(key_id="ec")).body.key_versions.key_version
        wanted = models.AsymmetricSignRequest(
            key_id="ec", key_version_id=version.key_version_id, algorithm="ECDSA_SHA_256", digest=DIGEST
        )
        assert client.asymmetric_sign(wanted).body.value
    messages = [record.getMessage() for record in caplog.records if record.name == "kms_mock.mock"]
    assert [message.partition(":")[0] for message in messages] == ([told] if told else [])


def test_sm4_gcm_by_hand() -> None:
    """The vector of RFC 8998, A.1: its own code agrees with it, and refuses every damage."""
    key, nonce = bytes.fromhex("0123456789abcdeffedcba9876543210"), bytes.fromhex("00001234567800000000abcd")
    data = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    plaintext = b"".join(bytes([byte]) * 8 for byte in bytes.fromhex("aabbccddeeffeeaa"))
    expected = bytes.fromhex(
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735d82710ca5c22f0ccfa7cbf93d496ac15"
        "a56834cbcf98c397b4024a2691233b8d83de3541e4c2b58177e065a9bf7b62ec"
    )
    gcm = PlainSm4Gcm(key)
    assert gcm.encrypt(nonce, plaintext, data) == expected
    assert gcm.decrypt(nonce, expected, data) == plaintext
    for damaged, associated in (
        (expected[:-1] + b"x", data),
        (b"x" + expected[1:], data),
        (expected, None),
        (b"", data),
    ):
        with pytest.raises(InvalidTag):
            gcm.decrypt(nonce, damaged, associated)


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=12, max_size=12), st.binary(), st.binary())
def test_both_ways_to_sm4_gcm_agree(key: bytes, nonce: bytes, data: bytes, associated: bytes) -> None:
    """Whatever the lengths, the ciphertext is that of the mode which the library would choose."""
    made = PlainSm4Gcm(key).encrypt(nonce, data, associated)
    assert made == AEADS["sm4"](key).encrypt(nonce, data, associated)
    assert AEADS["sm4"](key).decrypt(nonce, made, associated) == data
