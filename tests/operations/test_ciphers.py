"""Encrypt and Decrypt with symmetric keys, through the official SDK and with fixtures/keys.yaml."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from Tea.exceptions import TeaException

from kms_mock import KmsMock
from kms_mock.kms import errors
from tests.support.calls import call
from tests.support.known_keys import (
    NO_KEY,
    decrypted,
    encrypted,
    flipped,
    known_key,
    known_material,
    known_version,
    text64,
)
from tests.support.secrets import NO_SUCH_KEYS, OTHER_ACCOUNT, allow, ram_user, refuse, resource_policy, sdk

SYMMETRIC = ("key-aes256", "key-aes192", "key-aes128", "key-sm4")
BLOB_TEXT = "The parameter  CiphertextBlob  is invalid."
# Made once with fixtures/keys.yaml: under the second version of key-aes256, with the context {"app": "demo"}.
CHECKED_IN = "MDAwMDAwMDEtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDAyAAECAwQFBgcICQoLDna2j7rXgEizlxxSxhjizYaosc/nO2axxJ8="


@pytest.fixture
def kms(with_known_keys: KmsMock) -> KmsMock:
    return with_known_keys


# -- Encrypt and Decrypt ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key_id", SYMMETRIC)
def test_decrypt_gives_back_what_encrypt_took(client: Client, key_id: str) -> None:
    """Decrypt needs only the blob; both answers name the key by its id and the version that was used."""
    answer = sdk(client, "Encrypt", key_id=key_id, plaintext="SGVsbG8gd29ybGQ=")
    opened = sdk(client, "Decrypt", ciphertext_blob=answer["CiphertextBlob"])
    assert answer["KeyId"] == opened["KeyId"] == key_id
    assert answer["KeyVersionId"] == opened["KeyVersionId"] == known_version(key_id)
    assert opened["Plaintext"] == "SGVsbG8gd29ybGQ="


@pytest.mark.parametrize(
    "plaintext", ["no Base64 at all!", "-----BEGIN X-----\nAAAA\n-----END X-----\n", "é 密 🔑", " "]
)
def test_the_plaintext_is_an_opaque_string(client: Client, plaintext: str) -> None:
    """What is no Base64 is neither refused nor changed: Decrypt gives the very same string (behaviour.md 3)."""
    assert decrypted(client, encrypted(client, plaintext=plaintext)) == plaintext


def test_the_blob_opens_with_plain_aes_gcm(client: Client) -> None:
    """A blob is the version id, 12 bytes of nonce, ciphertext and tag; without a context nothing else is authenticated."""
    raw = base64.b64decode(encrypted(client, "key-aes256", "secret text"))
    assert raw[:36].decode() == known_version("key-aes256")
    assert AESGCM(known_material("key-aes256")).decrypt(raw[36:48], raw[48:], None) == b"secret text"
    assert len(raw) == 36 + 12 + len("secret text") + 16


def test_a_blob_made_with_known_bytes_decrypts(client: Client) -> None:
    """Whoever knows the key's bytes can make a blob outside, under any version."""
    nonce = bytes(12)
    sealed = AESGCM(known_material("key-aes256", 0)).encrypt(nonce, b"made outside", None)
    blob = text64(known_version("key-aes256", 0).encode() + nonce + sealed)
    answer = sdk(client, "Decrypt", ciphertext_blob=blob)
    assert (answer["Plaintext"], answer["KeyVersionId"]) == ("made outside", known_version("key-aes256", 0))


def test_a_ciphertext_checked_in_as_text_decrypts(client: Client) -> None:
    """With fixed ids and material a ciphertext outlives the server that made it, rotation included."""
    answer = sdk(client, "Decrypt", ciphertext_blob=CHECKED_IN, encryption_context={"app": "demo"})
    assert answer["Plaintext"] == "checked in"
    assert answer["KeyVersionId"] == known_version("key-aes256", 1)


@pytest.mark.parametrize(
    "name", ["key-aes256", "alias/app", "alias/app-too", "acs:kms:cn-hangzhou:1234567890123456:key/key-aes256"]
)
def test_encrypt_takes_id_alias_and_arn(client: Client, name: str) -> None:
    """Whatever names the key in the request, the answer has its id."""
    assert sdk(client, "Encrypt", key_id=name, plaintext="x")["KeyId"] == "key-aes256"


def test_6144_bytes_fit_and_one_more_does_not(kms: KmsMock, client: Client) -> None:
    """The limit of Plaintext is 6144 bytes of UTF-8, not characters."""
    longest = "é" * 3072
    assert decrypted(client, encrypted(client, plaintext=longest)) == longest
    for too_long in ("é" * 3072 + "x", "x" * 6145):
        refuse(kms, client, errors.ENCRYPT_INVALID_PARAMETER, "Encrypt", key_id="alias/app", plaintext=too_long)


# -- contexts ---------------------------------------------------------------------------------------------------------


def test_the_context_must_come_back(kms: KmsMock, client: Client) -> None:
    """Only the context of the encryption decrypts, in any order of its pairs; none at all is another context."""
    blob = encrypted(client, encryption_context={"a": "1", "b": "2"})
    assert decrypted(client, blob, encryption_context={"b": "2", "a": "1"}) == "secret text"
    for other in (None, {"a": "1"}, {"a": "1", "b": "3"}, {"a1": "", "b": "2"}):
        refuse(
            kms,
            client,
            errors.INVALID_CIPHERTEXT,
            "Decrypt",
            message=BLOB_TEXT,
            ciphertext_blob=blob,
            encryption_context=other,
        )


@pytest.mark.parametrize("query", [{}, {"EncryptionContext": ""}, {"EncryptionContext": "{}"}])
def test_an_empty_context_is_none(client: Client, query: dict[str, str]) -> None:
    """oss2 sends an empty EncryptionContext (clients.md 2.8); it is the same as none."""
    blob = call(client, "Encrypt", KeyId="key-aes256", Plaintext="x", **query)["CiphertextBlob"]
    assert decrypted(client, blob) == "x"


def test_a_flattened_context_is_the_same_context(client: Client) -> None:
    """The old Node SDK sends `EncryptionContext.a=b` (clients.md 2.11)."""
    query = {"EncryptionContext.a": "b", "EncryptionContext.c": "d"}
    blob = call(client, "Encrypt", KeyId="key-aes256", Plaintext="x", **query)["CiphertextBlob"]
    assert decrypted(client, blob, encryption_context={"a": "b", "c": "d"}) == "x"


@pytest.mark.parametrize(
    "context", ["[]", '"a"', '{"a":1}', '{"a":{"b":"c"}}', '{"a":null}', "{", '{"a":"' + "x" * 8186 + '"}']
)
def test_a_context_is_a_json_object_of_strings(client: Client, context: str) -> None:
    """Lists, numbers, nesting, broken JSON and more than 8192 characters are refused."""
    with pytest.raises(TeaException) as caught:
        call(client, "Encrypt", KeyId="key-aes256", Plaintext="x", EncryptionContext=context)
    assert (caught.value.statusCode, caught.value.code) == (400, "InvalidParameter")


def test_a_context_of_8192_characters_fits(client: Client) -> None:
    """The whole JSON string may have 8192 characters."""
    context = '{"a":"' + "x" * 8184 + '"}'
    assert len(context) == 8192
    assert call(client, "Encrypt", KeyId="key-aes256", Plaintext="x", EncryptionContext=context)["CiphertextBlob"]


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "blob", ["x", "no Base64!", text64(b"short"), text64(b"x" * 100), text64(NO_KEY.upper().encode() + bytes(27))]
)
def test_what_is_no_blob_is_refused(kms: KmsMock, client: Client, blob: str) -> None:
    """A text that is not a blob answers InvalidParameter with the text of the transfer SDK."""
    refuse(kms, client, errors.INVALID_CIPHERTEXT, "Decrypt", message=BLOB_TEXT, ciphertext_blob=blob)


def test_a_damaged_blob_is_refused(kms: KmsMock, client: Client) -> None:
    """A changed nonce, ciphertext or tag answers InvalidParameter."""
    blob = encrypted(client)
    for position in (36, 48, -1):
        damaged = flipped(blob, position)
        refuse(kms, client, errors.INVALID_CIPHERTEXT, "Decrypt", message=BLOB_TEXT, ciphertext_blob=damaged)


def test_a_blob_of_bytes_that_are_no_text_is_refused(kms: KmsMock, client: Client) -> None:
    """A blob made outside can hold anything; Plaintext is a string, so what is no UTF-8 is an invalid blob."""
    sealed = AESGCM(known_material("key-aes256")).encrypt(bytes(12), b"\xff\xfe", None)
    blob = text64(known_version("key-aes256").encode() + bytes(12) + sealed)
    refuse(kms, client, errors.INVALID_CIPHERTEXT, "Decrypt", message=BLOB_TEXT, ciphertext_blob=blob)


def test_an_unknown_key_version_is_an_unknown_key(kms: KmsMock, client: Client) -> None:
    """A blob of a key that does not exist here answers Forbidden.KeyNotFound (design.md 6)."""
    blob = text64(NO_KEY.encode() + bytes(40))
    refuse(kms, client, errors.KEY_NOT_FOUND, "Decrypt", ciphertext_blob=blob)


def test_an_unknown_key_is_refused(kms: KmsMock, client: Client) -> None:
    """Encrypt under a key or alias that does not exist answers 404."""
    refuse(kms, client, errors.KEY_NOT_FOUND, "Encrypt", key_id="nope", plaintext="x")
    refuse(kms, client, errors.ALIAS_NOT_FOUND, "Encrypt", key_id="alias/nope", plaintext="x")


@pytest.mark.parametrize(
    ("key_id", "spec"),
    [
        ("key-disabled", errors.KEY_DISABLED),
        ("key-deleting", errors.KEY_PENDING_DELETION),
        ("key-importing", errors.KEY_PENDING_IMPORT),
    ],
)
def test_a_key_in_another_state_neither_encrypts_nor_decrypts(
    kms: KmsMock, client: Client, key_id: str, spec: errors.ErrorSpec
) -> None:
    """The key states of behaviour.md 1, also for ciphertext that was made before."""
    refuse(kms, client, spec, "Encrypt", key_id=key_id, plaintext="x")
    blob = text64(known_version(key_id).encode() + bytes(40))
    refuse(kms, client, spec, "Decrypt", ciphertext_blob=blob)


@pytest.mark.parametrize("key_id", ["key-rsa2048-encrypt", "key-p256", "key-sm2-encrypt", "key-hmac-256"])
def test_only_symmetric_keys_encrypt_here(kms: KmsMock, client: Client, key_id: str) -> None:
    """A key of another kind answers UnsupportedOperation, named directly or by a blob (behaviour.md 2)."""
    refuse(kms, client, errors.UNSUPPORTED_OPERATION, "Encrypt", key_id=key_id, plaintext="x")
    blob = text64(known_version(key_id).encode() + bytes(40))
    refuse(kms, client, errors.UNSUPPORTED_OPERATION, "Decrypt", ciphertext_blob=blob)


def test_a_key_of_a_service_is_not_for_users(kms: KmsMock, client: Client) -> None:
    """A default key that a cloud service made answers UnsupportedOperation (help page FAQ, behaviour.md 3)."""
    kms.load({"keys": [known_key("key-sm4", id="key-oss", service="oss", aliases=[], versions=[])]})
    refuse(kms, client, errors.UNSUPPORTED_OPERATION, "Encrypt", key_id="key-oss", plaintext="x")


def test_a_key_of_an_instance_that_is_down_is_unavailable(kms: KmsMock, client: Client) -> None:
    """A key in a KMS instance that is not connected answers Rejected.Unavailable."""
    only_version = {"id": NO_KEY}
    instance = {"id": "kst-1", "status": "Disconnected"}
    kms.load({"instances": [instance], "keys": [{"id": "key-i", "instance": "kst-1", "versions": [only_version]}]})
    blob = text64(NO_KEY.encode() + bytes(40))
    refuse(kms, client, errors.KEY_UNAVAILABLE, "Decrypt", ciphertext_blob=blob)
    refuse(kms, client, errors.KEY_UNAVAILABLE, "Encrypt", key_id="key-i", plaintext="x")


def test_recipients_are_refused(kms: KmsMock, client: Client) -> None:
    """An attested recipient cannot be served, and is not silently left out."""
    blob = encrypted(client)
    refuse(kms, client, errors.UNSUPPORTED_OPERATION, "Decrypt", ciphertext_blob=blob, recipient="enclave")


@pytest.mark.parametrize(
    ("operation", "fields"),
    [
        ("Encrypt", {"key_id": "key-aes256", "plaintext": "x"}),
        ("ReEncrypt", {"ciphertext_blob": "x", "destination_key_id": "key-aes256"}),
    ],
)
def test_an_unknown_access_key_is_refused(kms: KmsMock, client: Client, operation: str, fields: dict[str, Any]) -> None:
    """Where only known AccessKey pairs are let in, others answer InvalidAccessKeyId.NotFound."""
    kms.load(NO_SUCH_KEYS)
    refuse(kms, client, errors.INVALID_ACCESS_KEY_ID, operation, **fields)


# -- rotation and permission ------------------------------------------------------------------------------------------


def test_old_versions_decrypt_after_rotation(client: Client) -> None:
    """Encrypt uses the primary version, the last one; a blob names the version that made it."""
    sealed = AESGCM(known_material("key-aes256", 0)).encrypt(bytes(12), b"old", None)
    old = text64(known_version("key-aes256", 0).encode() + bytes(12) + sealed)
    assert decrypted(client, old) == "old"
    assert sdk(client, "Encrypt", key_id="key-aes256", plaintext="x")["KeyVersionId"] == known_version("key-aes256", -1)


def test_permission_is_asked_of_the_key_found(kms: KmsMock) -> None:
    """A RAM user who may decrypt with one key may not with another, whose blob names it."""
    arn = "acs:kms:cn-hangzhou:1234567890123456:key/key-sm4"
    kms.load(ram_user(allow("kms:Encrypt"), allow("kms:Decrypt", resource=arn)))
    limited = kms.client(access_key_id="limited")
    assert decrypted(limited, encrypted(limited, "key-sm4")) == "secret text"
    refuse(kms, limited, errors.NO_PERMISSION_ON, "Decrypt", ciphertext_blob=encrypted(limited, "key-aes256"))


def test_another_account_decrypts_when_the_key_policy_lets_it(kms: KmsMock, client: Client) -> None:
    """A key of another account encrypts by its ARN and decrypts by the blob alone, where its policy allows that."""
    policy = resource_policy("kms:*", principal="acs:ram::1234567890123456:root")
    version_ids = ["99999999-0000-4000-8000-000000000001", "99999999-0000-4000-8000-000000000002"]
    keys = [
        {"id": "shared", "policy": policy, "versions": [{"id": version_ids[0]}]},
        {"id": "closed", "versions": [{"id": version_ids[1]}]},
    ]
    kms.load({"accounts": [{"id": OTHER_ACCOUNT, "regions": [{"id": "cn-hangzhou", "keys": keys}]}]})
    blob = encrypted(client, f"acs:kms:cn-hangzhou:{OTHER_ACCOUNT}:key/shared")
    assert decrypted(client, blob) == "secret text"
    moved = sdk(client, "ReEncrypt", ciphertext_blob=blob, destination_key_id="key-aes256")
    assert decrypted(client, moved["CiphertextBlob"]) == "secret text"
    closed = text64(version_ids[1].encode() + bytes(40))
    refuse(kms, client, errors.NO_PERMISSION_ON, "Decrypt", ciphertext_blob=closed)
