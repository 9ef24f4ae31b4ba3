"""ReEncrypt, through the official SDK and with fixtures/keys.yaml."""

from __future__ import annotations

import pytest
from alibabacloud_kms20160120.client import Client
from Tea.exceptions import TeaException

from kms_mock import KmsMock
from kms_mock.kms import errors
from tests.support.known_keys import (
    NO_KEY,
    decrypted,
    encrypted,
    known_version,
    text64,
)
from tests.support.secrets import allow, ram_user, refuse, sdk


@pytest.fixture
def kms(with_known_keys: KmsMock) -> KmsMock:
    return with_known_keys


def test_re_encrypt_moves_a_plaintext_to_another_key_and_context(kms: KmsMock, client: Client) -> None:
    """The new blob is of the destination; KeyId and KeyVersionId of the answer are the source's (api-docs)."""
    blob = encrypted(client, encryption_context={"a": "1"})
    answer = sdk(
        client,
        "ReEncrypt",
        ciphertext_blob=blob,
        source_encryption_context={"a": "1"},
        destination_key_id="alias/sm4",
        destination_encryption_context={"b": "2"},
    )
    assert (answer["KeyId"], answer["KeyVersionId"]) == ("key-aes256", known_version("key-aes256"))
    opened = sdk(client, "Decrypt", ciphertext_blob=answer["CiphertextBlob"], encryption_context={"b": "2"})
    assert (opened["KeyId"], opened["Plaintext"]) == ("key-sm4", "secret text")
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, "ReEncrypt", ciphertext_blob=blob, destination_key_id="key-sm4")


@pytest.mark.parametrize(
    ("key_id", "algorithm"),
    [
        ("key-rsa2048-encrypt", "RSAES_OAEP_SHA_256"),
        ("key-rsa3072-encrypt", "RSAES_OAEP_SHA_1"),
        ("key-sm2-encrypt", "SM2PKE"),
    ],
)
def test_re_encrypt_takes_the_ciphertext_of_a_public_key(client: Client, key_id: str, algorithm: str) -> None:
    """A public-key ciphertext needs its key, version and algorithm; Decrypt then gives the Base64 of the plaintext."""
    plaintext = text64(b"\x00\xff any bytes")
    named = {"key_id": key_id, "key_version_id": known_version(key_id), "algorithm": algorithm}
    ciphertext = sdk(client, "AsymmetricEncrypt", plaintext=plaintext, **named)["CiphertextBlob"]
    answer = sdk(
        client,
        "ReEncrypt",
        ciphertext_blob=ciphertext,
        source_key_id=key_id,
        source_key_version_id=known_version(key_id),
        source_encryption_algorithm=algorithm,
        destination_key_id="key-aes256",
    )
    assert (answer["KeyId"], answer["KeyVersionId"]) == (key_id, known_version(key_id))
    assert decrypted(client, answer["CiphertextBlob"]) == plaintext


SOURCE = {
    "source_key_id": "key-rsa2048-encrypt",
    "source_key_version_id": known_version("key-rsa2048-encrypt"),
    "source_encryption_algorithm": "RSAES_OAEP_SHA_256",
}


@pytest.mark.parametrize(
    ("changes", "spec"),
    [
        ({}, errors.KMS_INVALID_PARAMETER),  # not a ciphertext of that key
        ({"ciphertext_blob": "!"}, errors.KMS_INVALID_PARAMETER),
        ({"source_encryption_algorithm": "SM2PKE"}, errors.KMS_INVALID_PARAMETER),
        ({"source_encryption_algorithm": "ROT13"}, errors.KMS_INVALID_PARAMETER),
        ({"source_key_id": "key-rsa2048-sign"}, errors.UNSUPPORTED_OPERATION),
        ({"source_key_version_id": NO_KEY}, errors.KEY_VERSION_NOT_FOUND),
        ({"source_key_id": "nope"}, errors.KEY_NOT_FOUND),
    ],
)
def test_re_encrypt_refuses_a_wrong_source(
    kms: KmsMock, client: Client, changes: dict[str, str], spec: errors.ErrorSpec
) -> None:
    """Each part of the description of a public-key ciphertext must fit."""
    fields = {"ciphertext_blob": text64(bytes(256)), "destination_key_id": "key-aes256", **SOURCE, **changes}
    refuse(kms, client, spec, "ReEncrypt", **fields)


@pytest.mark.parametrize("name", ["SourceKeyId", "SourceKeyVersionId", "SourceEncryptionAlgorithm"])
def test_the_parts_of_a_source_go_together(client: Client, name: str) -> None:
    """One of the three without the others answers MissingParameter for one that is not there."""
    fields = {"source_key_id": "SourceKeyId", "source_key_version_id": "SourceKeyVersionId"}
    fields["source_encryption_algorithm"] = "SourceEncryptionAlgorithm"
    given = {field: SOURCE[field] for field, wire in fields.items() if wire == name}
    with pytest.raises(TeaException) as caught:
        sdk(client, "ReEncrypt", ciphertext_blob="x", destination_key_id="key-aes256", **given)
    assert caught.value.code == "MissingParameter"
    assert name not in caught.value.data["Message"]


def test_re_encrypt_needs_two_permissions(kms: KmsMock, client: Client) -> None:
    """kms:ReEncryptFrom on the source and kms:ReEncryptTo on the destination, and neither Encrypt nor Decrypt."""
    arn = "acs:kms:cn-hangzhou:1234567890123456:key/"
    source, target = (
        allow("kms:ReEncryptFrom", resource=f"{arn}key-aes256"),
        allow("kms:ReEncryptTo", resource=f"{arn}key-sm4"),
    )
    kms.load(ram_user(source, target))
    limited = kms.client(access_key_id="limited")
    blob = encrypted(client)
    moved = sdk(limited, "ReEncrypt", ciphertext_blob=blob, destination_key_id="key-sm4")["CiphertextBlob"]
    assert decrypted(client, moved) == "secret text"
    for fields in (
        {"ciphertext_blob": blob, "destination_key_id": "key-aes256"},
        {"ciphertext_blob": moved, "destination_key_id": "key-sm4"},
    ):
        refuse(kms, limited, errors.NO_PERMISSION_ON, "ReEncrypt", **fields)
    kms.load(ram_user(source, key="half"))
    refuse(
        kms,
        kms.client(access_key_id="half"),
        errors.NO_PERMISSION_ON,
        "ReEncrypt",
        ciphertext_blob=blob,
        destination_key_id="key-sm4",
    )
