"""Data keys, through the official SDK and with fixtures/keys.yaml."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from Tea.exceptions import TeaException

from kms_mock import KmsMock
from kms_mock.crypto import asymmetric
from kms_mock.crypto import material as key_material
from kms_mock.kms import errors
from tests.support.known_keys import NO_KEY, decrypted, encrypted, flipped, known_version, private_pem, text64
from tests.support.secrets import NO_SUCH_KEYS, allow, ram_user, refuse, sdk

MAKERS = ("GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "GenerateAndExportDataKey")
RSA, RSA_3072, SM2 = "key-rsa2048-encrypt", "key-rsa3072-encrypt", "key-sm2-encrypt"
PAIRS = {RSA: "RSA_2048", RSA_3072: "RSA_3072", SM2: "EC_SM2"}
WRAPPINGS = [
    (RSA, "RSA_2048", "RSAES_OAEP_SHA_256"),
    (RSA, "RSA_2048", "RSAES_OAEP_SHA_1"),
    (SM2, "EC_SM2", "SM2PKE"),
]


@pytest.fixture
def kms(with_known_keys: KmsMock) -> KmsMock:
    return with_known_keys


def public_key(pair: str) -> str:
    """Return the public half of a fixture key as PublicKeyBlob takes it: Base64 of SubjectPublicKeyInfo."""
    return text64(key_material.load(PAIRS[pair], private_pem(pair)).public_key_der())


def decrypt_exported(pair: str, algorithm: str, exported: str) -> bytes:
    """Decrypt an exported data key as the owner of the key pair would."""
    return asymmetric.decrypt(key_material.load(PAIRS[pair], private_pem(pair)), algorithm, base64.b64decode(exported))


def wrapping(pair: str = RSA, spec: str = "RSA_2048", algorithm: str = "RSAES_OAEP_SHA_256") -> dict[str, str]:
    return {"public_key_blob": public_key(pair), "wrapping_key_spec": spec, "wrapping_algorithm": algorithm}


def make(client: Client, operation: str, **fields: Any) -> dict[str, Any]:
    """Make a data key by any of the three operations."""
    more = wrapping() if operation == "GenerateAndExportDataKey" else {}
    return sdk(client, operation, **{"key_id": "key-aes256", **more, **fields})


# -- making -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key_id", ["key-aes256", "key-aes128", "key-sm4"])
def test_a_data_key_decrypts_to_the_same_text(client: Client, key_id: str) -> None:
    """Plaintext is Base64 of 32 random bytes; the blob holds that text, so Decrypt gives it (behaviour.md 3)."""
    answer = sdk(client, "GenerateDataKey", key_id=key_id)
    assert (answer["KeyId"], answer["KeyVersionId"]) == (key_id, known_version(key_id))
    assert len(base64.b64decode(answer["Plaintext"])) == 32
    assert decrypted(client, answer["CiphertextBlob"]) == answer["Plaintext"]
    assert sdk(client, "GenerateDataKey", key_id=key_id)["Plaintext"] != answer["Plaintext"]


def test_the_blob_of_a_data_key_is_as_long_as_documented(client: Client) -> None:
    """The sample of the documents has 144 characters: 36 + 12 + 44 + 16 bytes (behaviour.md 3)."""
    assert len(sdk(client, "GenerateDataKey", key_id="alias/app")["CiphertextBlob"]) == 144


@pytest.mark.parametrize("operation", MAKERS)
@pytest.mark.parametrize(
    ("wanted", "length"),
    [
        ({}, 32),
        ({"key_spec": "AES_256"}, 32),
        ({"key_spec": "AES_128"}, 16),
        ({"number_of_bytes": 1}, 1),
        ({"number_of_bytes": 64}, 64),
        ({"key_spec": "AES_256", "number_of_bytes": 5}, 5),
        ({"key_spec": "AES_128", "number_of_bytes": 0}, 16),
    ],
)
def test_number_of_bytes_wins_over_key_spec(
    client: Client, operation: str, wanted: dict[str, Any], length: int
) -> None:
    """Without either it is 32 bytes; with both KeySpec is ignored (api-docs GenerateDataKey)."""
    blob = make(client, operation, **wanted)["CiphertextBlob"]
    assert len(base64.b64decode(decrypted(client, blob))) == length


def test_1024_bytes_are_the_most(kms: KmsMock, client: Client) -> None:
    """NumberOfBytes goes up to 1024."""
    for operation in MAKERS[:2]:
        blob = make(client, operation, number_of_bytes=1024)["CiphertextBlob"]
        assert len(base64.b64decode(decrypted(client, blob))) == 1024
    text = "The specified parameter NumberOfBytes is not valid."
    for number in (1025, -1, "many"):
        fields: dict[str, Any] = {"key_id": "key-aes256", "number_of_bytes": number}
        refuse(kms, client, errors.INVALID_PARAMETER, "GenerateDataKey", message=text, **fields)
        refuse(kms, client, errors.KMS_INVALID_PARAMETER, "GenerateDataKeyWithoutPlaintext", **fields)


@pytest.mark.parametrize("operation", MAKERS[:2])
def test_an_unknown_key_spec_is_refused_in_its_own_words(kms: KmsMock, client: Client, operation: str) -> None:
    """KeySpec has a text of its own."""
    text = "The specified parameter KeySpec is not valid."
    for spec in ("AES_512", "aes_256", "Aliyun_AES_256"):
        refuse(kms, client, errors.INVALID_KEY_SPEC, operation, message=text, key_id="key-aes256", key_spec=spec)


def test_only_generate_data_key_shows_the_plaintext(client: Client) -> None:
    """The other two operations answer without Plaintext."""
    shown = {operation: "Plaintext" in make(client, operation) for operation in MAKERS}
    assert shown == {
        "GenerateDataKey": True,
        "GenerateDataKeyWithoutPlaintext": False,
        "GenerateAndExportDataKey": False,
    }


@pytest.mark.parametrize("operation", MAKERS)
def test_a_data_key_is_bound_to_its_context(kms: KmsMock, client: Client, operation: str) -> None:
    """Decrypt needs the EncryptionContext that the data key was made with."""
    blob = make(client, operation, encryption_context={"a": "1"})["CiphertextBlob"]
    assert decrypted(client, blob, encryption_context={"a": "1"})
    text = "The parameter  CiphertextBlob  is invalid."
    refuse(kms, client, errors.INVALID_CIPHERTEXT, "Decrypt", message=text, ciphertext_blob=blob)


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", MAKERS)
@pytest.mark.parametrize(
    ("key_id", "spec"),
    [
        ("nope", errors.KEY_NOT_FOUND),
        ("alias/nope", errors.ALIAS_NOT_FOUND),
        ("key-disabled", errors.KEY_DISABLED),
        ("key-deleting", errors.KEY_PENDING_DELETION),
        ("key-importing", errors.KEY_PENDING_IMPORT),
        ("key-rsa2048-encrypt", errors.UNSUPPORTED_OPERATION),
        ("key-hmac-256", errors.UNSUPPORTED_OPERATION),
    ],
)
def test_the_key_must_be_usable(
    kms: KmsMock, client: Client, operation: str, key_id: str, spec: errors.ErrorSpec
) -> None:
    """State and kind of the key are asked for as in Encrypt."""
    more = wrapping() if operation == "GenerateAndExportDataKey" else {}
    refuse(kms, client, spec, operation, key_id=key_id, **more)


def test_a_key_of_an_instance_that_is_down_is_unavailable(kms: KmsMock, client: Client) -> None:
    """GenerateDataKey has Rejected.Unavailable in its table."""
    instance = {"id": "kst-1", "status": "Error"}
    kms.load({"instances": [instance], "keys": [{"id": "key-i", "instance": "kst-1"}]})
    refuse(kms, client, errors.KEY_UNAVAILABLE, "GenerateDataKey", key_id="key-i")


def test_recipients_are_refused(kms: KmsMock, client: Client) -> None:
    """An attested recipient cannot be served, and is not silently left out."""
    refuse(kms, client, errors.UNSUPPORTED_OPERATION, "GenerateDataKey", key_id="key-aes256", recipient="enclave")


@pytest.mark.parametrize(
    ("operation", "fields"),
    [
        ("GenerateDataKeyWithoutPlaintext", {"key_id": "key-aes256"}),
        ("GenerateAndExportDataKey", {"key_id": "key-aes256", **wrapping()}),
        ("ExportDataKey", {"ciphertext_blob": "x", **wrapping()}),
    ],
)
def test_an_unknown_access_key_is_refused(kms: KmsMock, client: Client, operation: str, fields: dict[str, Any]) -> None:
    """Where only known AccessKey pairs are let in, others answer InvalidAccessKeyId.NotFound."""
    kms.load(NO_SUCH_KEYS)
    refuse(kms, client, errors.INVALID_ACCESS_KEY_ID, operation, **fields)


def test_making_and_opening_are_two_permissions(kms: KmsMock) -> None:
    """Who may make data keys without plaintext need not be able to read them (api-docs)."""
    kms.load(ram_user(allow("kms:GenerateDataKeyWithoutPlaintext")))
    maker = kms.client(access_key_id="limited")
    blob = sdk(maker, "GenerateDataKeyWithoutPlaintext", key_id="key-aes256")["CiphertextBlob"]
    refuse(kms, maker, errors.NO_PERMISSION, "Decrypt", ciphertext_blob=blob)
    refuse(kms, maker, errors.NO_PERMISSION_ON, "GenerateDataKey", key_id="key-aes256")


# -- exporting --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("pair", "spec", "algorithm"), WRAPPINGS)
def test_an_exported_data_key_is_the_same_key(client: Client, pair: str, spec: str, algorithm: str) -> None:
    """What the owner of the key pair unwraps are the bytes whose Base64 Decrypt gives, exported at once or later."""
    both = sdk(client, "GenerateAndExportDataKey", key_id="key-aes256", **wrapping(pair, spec, algorithm))
    plaintext = base64.b64decode(decrypted(client, both["CiphertextBlob"]))
    assert decrypt_exported(pair, algorithm, both["ExportedDataKey"]) == plaintext
    assert (both["KeyId"], both["KeyVersionId"]) == ("key-aes256", known_version("key-aes256"))

    made = sdk(client, "GenerateDataKey", key_id="key-aes256", encryption_context={"a": "1"})
    answer = sdk(
        client,
        "ExportDataKey",
        ciphertext_blob=made["CiphertextBlob"],
        encryption_context={"a": "1"},
        **wrapping(pair, spec, algorithm),
    )
    assert decrypt_exported(pair, algorithm, answer["ExportedDataKey"]) == base64.b64decode(made["Plaintext"])
    assert (answer["KeyId"], answer["KeyVersionId"]) == ("key-aes256", known_version("key-aes256"))


WRONG_WRAPPINGS = [
    {"public_key_blob": "!"},
    {"public_key_blob": text64(b"no key")},
    {"public_key_blob": public_key(RSA_3072)},
    {"public_key_blob": public_key(SM2)},
    {"wrapping_key_spec": "EC_SM2"},
    {"wrapping_key_spec": "RSA_3072"},
    {"wrapping_algorithm": "SM2PKE"},
    {"wrapping_algorithm": "RSAES_PKCS1_V1_5"},
]


@pytest.mark.parametrize("changes", WRONG_WRAPPINGS)
def test_the_public_key_must_fit_its_description(kms: KmsMock, client: Client, changes: dict[str, str]) -> None:
    """Key, spec and algorithm of the wrapping go together."""
    blob = sdk(client, "GenerateDataKey", key_id="key-aes256")["CiphertextBlob"]
    fields = {**wrapping(), **changes}
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, "ExportDataKey", ciphertext_blob=blob, **fields)
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, "GenerateAndExportDataKey", key_id="key-aes256", **fields)


def test_a_public_key_takes_only_so_many_bytes(kms: KmsMock, client: Client) -> None:
    """RSA_2048 with OAEP and SHA-256 takes 190 bytes (behaviour.md 2)."""
    assert make(client, "GenerateAndExportDataKey", number_of_bytes=190)["ExportedDataKey"]
    fields: dict[str, Any] = {"key_id": "key-aes256", "number_of_bytes": 191, **wrapping()}
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, "GenerateAndExportDataKey", **fields)
    blob = sdk(client, "GenerateDataKey", key_id="key-aes256", number_of_bytes=191)["CiphertextBlob"]
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, "ExportDataKey", ciphertext_blob=blob, **wrapping())


def test_only_data_keys_are_exported(kms: KmsMock, client: Client) -> None:
    """A blob that does not open, or holds no Base64, is no data key."""
    blob = sdk(client, "GenerateDataKey", key_id="key-aes256")["CiphertextBlob"]
    for wrong in ("x", flipped(blob), encrypted(client, plaintext="no Base64!")):
        refuse(kms, client, errors.KMS_INVALID_PARAMETER, "ExportDataKey", ciphertext_blob=wrong, **wrapping())
    fields = {"ciphertext_blob": text64(NO_KEY.encode() + bytes(40)), **wrapping()}
    refuse(kms, client, errors.KEY_NOT_FOUND, "ExportDataKey", **fields)
    other: dict[str, Any] = {"ciphertext_blob": blob, "encryption_context": {"a": "1"}, **wrapping()}
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, "ExportDataKey", **other)


def test_a_public_key_may_come_as_der_of_openssl(client: Client) -> None:
    """PublicKeyBlob is what other tools write as SubjectPublicKeyInfo, in DER or PEM."""
    public = load_pem_private_key(private_pem(RSA), None).public_key()
    for encoding in (Encoding.DER, Encoding.PEM):
        blob = text64(public.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo))
        assert make(client, "GenerateAndExportDataKey", public_key_blob=blob)["ExportedDataKey"]


# -- managed data keys ------------------------------------------------------------------------------------------------


def test_a_managed_data_key_is_read_by_name(client: Client) -> None:
    """Without a version it is the first one, with UseLatest the last, else the one asked for (SDK's comments)."""
    first = sdk(client, "GetManagedDataKey", data_key_name="example-data-key")
    latest = sdk(client, "GetManagedDataKey", data_key_name="example-data-key", use_latest=True)
    named = sdk(client, "GetManagedDataKey", data_key_name="example-data-key", data_key_version_id="version2")
    assert first["Plaintext"] == "yvn3jIL7xVibkDFKxETIa8cmvHH+7i/kuc7hXnLj3UU="
    assert (first["DataKeyName"], first["DataKeyVersionId"]) == ("example-data-key", "version1")
    assert first["DataKeyVersionName"] == "kms-datakeyversion!example-data-key!version1"
    assert latest["DataKeyVersionId"] == named["DataKeyVersionId"] == "version2"
    assert latest["Plaintext"] == named["Plaintext"] != first["Plaintext"]


def test_the_versions_of_a_managed_data_key_are_listed_in_pages(client: Client) -> None:
    """In order of creation, with counts."""
    whole = sdk(client, "ListManagedDataKeyVersions", data_key_name="example-data-key")
    entries = whole["ManagedDataKeyVersions"]["ManagedDataKeyVersion"]
    assert [one["DataKeyVersionId"] for one in entries] == ["version1", "version2"]
    assert entries[0]["DataKeyVersionName"] == "kms-datakeyversion!example-data-key!version1"
    assert (whole["DataKeyName"], whole["TotalCount"]) == ("example-data-key", 2)
    assert (whole["PageNumber"], whole["PageSize"]) == (1, 10)
    second = sdk(client, "ListManagedDataKeyVersions", data_key_name="example-data-key", page_number=2, page_size=1)
    assert second["ManagedDataKeyVersions"]["ManagedDataKeyVersion"] == entries[1:]


def test_an_unknown_managed_data_key_is_refused(kms: KmsMock, client: Client) -> None:
    """Unknown names and versions answer 404."""
    for operation in ("GetManagedDataKey", "ListManagedDataKeyVersions"):
        refuse(kms, client, errors.SECRET_NOT_FOUND, operation, data_key_name="nope")
    fields = {"data_key_name": "example-data-key", "data_key_version_id": "nope"}
    refuse(kms, client, errors.SECRET_NOT_FOUND, "GetManagedDataKey", **fields)
    with pytest.raises(TeaException) as caught:
        sdk(client, "GetManagedDataKey")
    assert caught.value.code == "MissingParameter"


def test_a_managed_data_key_needs_permission(kms: KmsMock) -> None:
    """RAM decides, on the resource datakey/<name>."""
    arn = "acs:kms:cn-hangzhou:1234567890123456:datakey/example-data-key"
    kms.load({**ram_user(allow("kms:GetManagedDataKey", resource=arn)), "managed_data_keys": [{"name": "other"}]})
    limited = kms.client(access_key_id="limited")
    assert sdk(limited, "GetManagedDataKey", data_key_name="example-data-key")["Plaintext"]
    refuse(kms, limited, errors.NO_PERMISSION_ON, "GetManagedDataKey", data_key_name="other")


def test_a_managed_data_key_makes_what_its_fixture_leaves_out(kms: KmsMock, client: Client) -> None:
    """A fixture needs only a name: one version, an id of eight letters and digits, 32 bytes; a snapshot keeps them."""
    kms.load({"managed_data_keys": [{"name": "made"}]})
    answer = sdk(client, "GetManagedDataKey", data_key_name="made")
    assert len(answer["DataKeyVersionId"]) == 8
    assert answer["DataKeyVersionId"].isalnum()
    assert len(base64.b64decode(answer["Plaintext"])) == 32
    with KmsMock([kms.snapshot()]) as again:
        repeated = sdk(again.client(), "GetManagedDataKey", data_key_name="made")
    assert {**repeated, "RequestId": ""} == {**answer, "RequestId": ""}


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "example-data-key"},
        {"name": "a!b"},
        {"name": "n", "versions": [{"material": "AAAA"}]},
        {"name": "n", "versions": [{"material": "!"}]},
        {"name": "n", "versions": [{"id": "v"}, {"id": "v"}]},
    ],
)
def test_a_wrong_managed_data_key_does_not_load(kms: KmsMock, wrong: dict[str, Any]) -> None:
    """Names are unique and plain, material has 16, 24 or 32 bytes, version ids differ."""
    before = kms.snapshot()
    with pytest.raises(ValueError, match=r"\$\.managed_data_keys\[0\]"):
        kms.load({"managed_data_keys": [wrong]})
    assert kms.snapshot() == before
