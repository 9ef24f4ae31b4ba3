"""The `openssl` command as an outside judge of what comes over the wire: signatures, public-key encryption, wrapping."""

from __future__ import annotations

import base64
import hashlib

import pytest
from alibabacloud_kms20160120.client import Client
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kms_mock import KmsMock
from kms_mock.crypto import asymmetric
from kms_mock.kms import errors
from tests.support.calls import OpenSsl
from tests.support.known_keys import decrypted, key_fields, known_version, private_pem, text64
from tests.support.secrets import refuse, sdk

MESSAGE = b"the message that was signed"
PSS = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32"
SIGNATURES = [
    ("key-rsa2048-sign", "RSA_PKCS1_SHA_256", "-sha256"),
    ("key-rsa3072-sign", "RSA_PKCS1_SHA_256", "-sha256"),
    ("key-rsa4096-sign", "RSA_PKCS1_SHA_256", "-sha256"),
    ("key-rsa2048-sign", "RSA_PSS_SHA_256", f"-sha256 {PSS}"),
    ("key-rsa3072-sign", "RSA_PSS_SHA_256", f"-sha256 {PSS}"),
    ("key-rsa4096-sign", "RSA_PSS_SHA_256", f"-sha256 {PSS}"),
    ("key-p256", "ECDSA_SHA_256", "-sha256"),
    ("key-p256k", "ECDSA_SHA_256", "-sha256"),
    ("key-sm2-sign", "SM2DSA", "-sm3 -sigopt distid:1234567812345678"),
]
OAEP = "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:{0} -pkeyopt rsa_mgf1_md:{0}"
OAEP_1, OAEP_256 = OAEP.format("sha1"), OAEP.format("sha256")
ENCRYPTIONS = [
    ("key-rsa2048-encrypt", "RSAES_OAEP_SHA_1", OAEP_1),
    ("key-rsa2048-encrypt", "RSAES_OAEP_SHA_256", OAEP_256),
    ("key-rsa3072-encrypt", "RSAES_OAEP_SHA_1", OAEP_1),
    ("key-rsa3072-encrypt", "RSAES_OAEP_SHA_256", OAEP_256),
    ("key-sm2-encrypt", "SM2PKE", ""),
]


@pytest.fixture
def kms(with_known_keys: KmsMock) -> KmsMock:
    return with_known_keys


def public_pem(client: Client, key_id: str) -> bytes:
    answer = sdk(client, "GetPublicKey", key_id=key_id, key_version_id=known_version(key_id))
    return str(answer["PublicKey"]).encode()


def digest_of(client: Client, key_id: str) -> bytes:
    """Return what is to be signed for MESSAGE: for SM2 the digest that the public key goes into."""
    if "sm2" not in key_id:
        return hashlib.sha256(MESSAGE).digest()
    lines = public_pem(client, key_id).splitlines()[1:-1]
    return asymmetric.sm2_message_digest(base64.b64decode(b"".join(lines)), MESSAGE)


@pytest.mark.parametrize(("key_id", "algorithm", "options"), SIGNATURES)
def test_openssl_verifies_our_signatures(
    client: Client, openssl: OpenSsl, key_id: str, algorithm: str, options: str
) -> None:
    """`openssl dgst -verify` accepts AsymmetricSign's Value over the message, with the key of GetPublicKey."""
    digest = text64(digest_of(client, key_id))
    value = sdk(client, "AsymmetricSign", **key_fields(key_id, algorithm), digest=digest)["Value"]
    files = {"public": public_pem(client, key_id), "signature": base64.b64decode(value), "message": MESSAGE}
    assert openssl(f"dgst {options} -verify public -signature signature message", **files) == b"Verified OK\n"


@pytest.mark.parametrize(("key_id", "algorithm", "options"), SIGNATURES)
def test_we_verify_openssl_signatures(
    client: Client, openssl: OpenSsl, key_id: str, algorithm: str, options: str
) -> None:
    """AsymmetricVerify says true for what `openssl dgst -sign` made with the same private key."""
    signature = openssl(f"dgst {options} -sign key message", key=private_pem(key_id), message=MESSAGE)
    fields = {**key_fields(key_id, algorithm), "digest": text64(digest_of(client, key_id)), "value": text64(signature)}
    assert sdk(client, "AsymmetricVerify", **fields)["Value"] is True


@pytest.mark.parametrize(("key_id", "algorithm", "options"), ENCRYPTIONS)
def test_openssl_decrypts_what_we_encrypt(
    client: Client, openssl: OpenSsl, key_id: str, algorithm: str, options: str
) -> None:
    """`openssl pkeyutl -decrypt` opens AsymmetricEncrypt's CiphertextBlob."""
    answer = sdk(client, "AsymmetricEncrypt", plaintext=text64(b"\x00\xff bytes"), **key_fields(key_id, algorithm))
    files = {"key": private_pem(key_id), "data": base64.b64decode(answer["CiphertextBlob"])}
    assert openssl(f"pkeyutl -decrypt -inkey key -in data {options}", **files) == b"\x00\xff bytes"


@pytest.mark.parametrize(("key_id", "algorithm", "options"), ENCRYPTIONS)
def test_we_decrypt_what_openssl_encrypts(
    client: Client, openssl: OpenSsl, key_id: str, algorithm: str, options: str
) -> None:
    """AsymmetricDecrypt opens what `openssl pkeyutl -encrypt` made with the key of GetPublicKey."""
    files = {"public": public_pem(client, key_id), "data": b"\x00\xff bytes"}
    ciphertext = openssl(f"pkeyutl -encrypt -pubin -inkey public -in data {options}", **files)
    answer = sdk(client, "AsymmetricDecrypt", ciphertext_blob=text64(ciphertext), **key_fields(key_id, algorithm))
    assert base64.b64decode(answer["Plaintext"]) == b"\x00\xff bytes"


@pytest.mark.parametrize(
    ("algorithm", "options"), [("RSAES_OAEP_SHA_1", OAEP_1), ("RSAES_OAEP_SHA_256", OAEP_256), ("SM2PKE", "")]
)
def test_openssl_unwraps_an_exported_data_key(client: Client, openssl: OpenSsl, algorithm: str, options: str) -> None:
    """A key pair made by openssl takes a data key out: its bytes are those that Decrypt gives as Base64."""
    kind = "SM2" if algorithm == "SM2PKE" else "RSA -pkeyopt rsa_keygen_bits:2048"
    private = openssl(f"genpkey -algorithm {kind} -outform PEM")
    answer = sdk(
        client,
        "GenerateAndExportDataKey",
        key_id="key-aes256",
        public_key_blob=text64(openssl("pkey -in key -pubout -outform DER", key=private)),
        wrapping_key_spec="EC_SM2" if algorithm == "SM2PKE" else "RSA_2048",
        wrapping_algorithm=algorithm,
    )
    exported = base64.b64decode(answer["ExportedDataKey"])
    unwrapped = openssl(f"pkeyutl -decrypt -inkey key -in data {options}", data=exported)
    assert text64(unwrapped) == decrypted(client, answer["CiphertextBlob"])


PKCS1 = "-pkeyopt rsa_padding_mode:pkcs1"


@pytest.mark.parametrize(
    ("algorithm", "options"),
    [("RSAES_PKCS1_V1_5", PKCS1), ("RSAES_OAEP_SHA_1", OAEP_1), ("RSAES_OAEP_SHA_256", OAEP_256)],
)
def test_material_wrapped_by_openssl_is_imported(
    kms: KmsMock, client: Client, openssl: OpenSsl, algorithm: str, options: str
) -> None:
    """ImportKeyMaterial takes what `openssl pkeyutl` wrapped; the key then encrypts under exactly those bytes."""
    material = bytes(range(32))
    given = sdk(
        client,
        "GetParametersForImport",
        key_id="key-importing",
        wrapping_algorithm=algorithm,
        wrapping_key_spec="RSA_2048",
    )
    files = {"public": base64.b64decode(given["PublicKey"]), "data": material}
    wrapped = openssl(f"pkeyutl -encrypt -pubin -keyform DER -inkey public -in data {options}", **files)
    damaged = {"encrypted_key_material": text64(wrapped[:-1]), "import_token": given["ImportToken"]}
    refuse(kms, client, errors.INVALID_KEY_MATERIAL, "ImportKeyMaterial", key_id="key-importing", **damaged)
    fields = {"encrypted_key_material": text64(wrapped), "import_token": given["ImportToken"]}
    sdk(client, "ImportKeyMaterial", key_id="key-importing", key_material_expire_unix=0, **fields)
    blob = sdk(client, "Encrypt", key_id="key-importing", plaintext="secret text")["CiphertextBlob"]
    raw = base64.b64decode(blob)
    assert AESGCM(material).decrypt(raw[36:48], raw[48:], None) == b"secret text"
    assert decrypted(client, blob) == "secret text"
