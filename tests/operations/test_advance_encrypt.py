"""AdvanceEncrypt, through the official SDK and with fixtures/keys.yaml."""

from __future__ import annotations

import base64

import pytest
from alibabacloud_kms20160120.client import Client
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from Tea.exceptions import TeaException

from kms_mock import KmsMock
from kms_mock.kms import errors
from tests.support.calls import call
from tests.support.known_keys import (
    decrypted,
    known_material,
    known_version,
    text64,
)
from tests.support.secrets import refuse

BLOB_TEXT = "The parameter  CiphertextBlob  is invalid."


@pytest.fixture
def kms(with_known_keys: KmsMock) -> KmsMock:
    return with_known_keys


def test_advance_encrypt_defaults_to_gcm_and_decrypts(client: Client) -> None:
    """Without Algorithm it is GCM under the primary version, with a random Iv that the answer and the blob have."""
    answer = call(client, "AdvanceEncrypt", KeyId="alias/app", Plaintext="secret text")
    assert (answer["KeyId"], answer["KeyVersionId"]) == ("key-aes256", known_version("key-aes256"))
    assert answer["Algorithm"] == "AES_GCM"
    assert "PaddingMode" not in answer
    raw = base64.b64decode(answer["CiphertextBlob"])
    assert raw[36:48] == base64.b64decode(answer["Iv"])
    assert decrypted(client, answer["CiphertextBlob"]) == "secret text"


def test_advance_encrypt_takes_iv_and_associated_data(kms: KmsMock, client: Client) -> None:
    """With Iv and Aad of the caller the result is plain AES-GCM over exactly these."""
    iv, aad = bytes(range(12)), b"bound"
    answer = call(client, "AdvanceEncrypt", KeyId="key-aes256", Plaintext="x", Iv=text64(iv), Aad=text64(aad))
    raw = base64.b64decode(answer["CiphertextBlob"])
    assert answer["Iv"] == text64(iv)
    assert AESGCM(known_material("key-aes256")).decrypt(iv, raw[48:], aad) == b"x"
    refuse(
        kms, client, errors.INVALID_CIPHERTEXT, "Decrypt", message=BLOB_TEXT, ciphertext_blob=answer["CiphertextBlob"]
    )


def opener_of(key_id: str, mode: str, iv: bytes) -> CipherContext:
    """Return what `cryptography` decrypts a block mode with."""
    algorithm = (algorithms.SM4 if key_id == "key-sm4" else algorithms.AES)(known_material(key_id))
    if mode == "CBC":
        return Cipher(algorithm, modes.CBC(iv)).decryptor()
    if mode == "CTR":
        return Cipher(algorithm, modes.CTR(iv)).decryptor()
    return Cipher(algorithm, modes.ECB()).decryptor()  # noqa: S305 (asked for by name)


@pytest.mark.parametrize(("key_id", "family"), [("key-aes256", "AES"), ("key-aes128", "AES"), ("key-sm4", "SM4")])
@pytest.mark.parametrize("mode", ["CBC", "CTR", "ECB"])
def test_advance_encrypt_makes_plain_block_modes(client: Client, key_id: str, family: str, mode: str) -> None:
    """CBC and ECB pad by PKCS#7 unless told otherwise, CTR never does; `cryptography` opens them with the key's bytes."""
    answer = call(client, "AdvanceEncrypt", KeyId=key_id, Plaintext="0123456789abcdef", Algorithm=f"{family}_{mode}")
    body = base64.b64decode(answer["CiphertextBlob"])[36:]
    iv = base64.b64decode(answer.get("Iv", ""))
    assert len(iv) == (0 if mode == "ECB" else 16)
    opener = opener_of(key_id, mode, iv)
    plaintext = opener.update(body[len(iv) :]) + opener.finalize()
    assert plaintext == b"0123456789abcdef" + (b"" if mode == "CTR" else b"\x10" * 16)
    assert answer.get("PaddingMode") == (None if mode == "CTR" else "PKCS7_PADDING")


def test_advance_encrypt_without_padding_takes_whole_blocks(client: Client) -> None:
    """NO_PADDING gives as many bytes as it takes."""
    answer = call(
        client,
        "AdvanceEncrypt",
        KeyId="key-aes256",
        Plaintext="0123456789abcdef",
        Algorithm="AES_ECB",
        PaddingMode="NO_PADDING",
    )
    assert answer["PaddingMode"] == "NO_PADDING"
    assert len(base64.b64decode(answer["CiphertextBlob"])) == 36 + 16


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"KeyId": "nope"}, "Forbidden.KeyNotFound"),
        ({"KeyId": "key-rsa2048-encrypt"}, "UnsupportedOperation"),
        ({"KeyId": "key-disabled"}, "Rejected.Disabled"),
        ({"Algorithm": "SM4_GCM"}, "InvalidParameter"),
        ({"Algorithm": "ROT13"}, "InvalidParameter"),
        ({"Iv": "!"}, "InvalidParameter"),
        ({"Iv": text64(bytes(16))}, "InvalidParameter"),
        ({"Algorithm": "AES_CBC", "Iv": text64(bytes(12))}, "InvalidParameter"),
        ({"Algorithm": "AES_ECB", "Iv": text64(bytes(16))}, "InvalidParameter"),
        ({"Algorithm": "AES_CBC", "Aad": "AAAA"}, "InvalidParameter"),
        ({"Algorithm": "AES_CBC", "PaddingMode": "NO_PADDING"}, "InvalidParameter"),
        ({"Plaintext": "x" * 6145}, "InvalidParameter"),
        ({"Plaintext": ""}, "MissingParameter"),
    ],
)
def test_advance_encrypt_refuses_what_does_not_fit(
    kms: KmsMock, client: Client, query: dict[str, str], code: str
) -> None:
    """Key, algorithm, IV, associated data and padding must go together."""
    before = kms.snapshot()
    with pytest.raises(TeaException) as caught:
        call(client, "AdvanceEncrypt", **{"KeyId": "key-aes256", "Plaintext": "x", **query})
    assert caught.value.code == code
    assert kms.snapshot() == before
