"""Signatures, public-key encryption, public keys and MACs, through the official SDK and with fixtures/keys.yaml."""

from __future__ import annotations

import base64
import hashlib
from functools import partial
from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from Tea.exceptions import TeaException

from kms_mock import KmsMock
from kms_mock.crypto import asymmetric, sm2
from kms_mock.kms import errors
from tests.support.calls import refused
from tests.support.known_keys import (
    NO_KEY,
    flipped,
    key_fields,
    known_key,
    known_version,
    private_pem,
    text64,
)
from tests.support.secrets import NO_SUCH_KEYS, allow, ram_user, refuse, sdk

SIGNERS = [
    *(
        (key_id, f"RSA_{scheme}_SHA_256")
        for key_id in ("key-rsa2048-sign", "key-rsa3072-sign", "key-rsa4096-sign")
        for scheme in ("PKCS1", "PSS")
    ),
    ("key-p256", "ECDSA_SHA_256"),
    ("key-p256k", "ECDSA_SHA_256"),
    ("key-sm2-sign", "SM2DSA"),
]
# Key, algorithm, most bytes of plaintext (behaviour.md 2).
ENCRYPTERS = [
    ("key-rsa2048-encrypt", "RSAES_OAEP_SHA_256", 190),
    ("key-rsa2048-encrypt", "RSAES_OAEP_SHA_1", 214),
    ("key-rsa3072-encrypt", "RSAES_OAEP_SHA_256", 318),
    ("key-rsa3072-encrypt", "RSAES_OAEP_SHA_1", 342),
    ("key-sm2-encrypt", "SM2PKE", 6047),
]
PAIRS = sorted({str(row[0]) for row in [*SIGNERS, *ENCRYPTERS]})
DIGEST = hashlib.sha256(b"message").digest()
CIPHERTEXT_TEXT = "The parameter  CiphertextBlob  is invalid."


@pytest.fixture
def kms(with_known_keys: KmsMock) -> KmsMock:
    return with_known_keys


def sign(client: Client, key_id: str, algorithm: str, digest: bytes = DIGEST) -> str:
    return str(sdk(client, "AsymmetricSign", **key_fields(key_id, algorithm), digest=text64(digest))["Value"])


def verify(client: Client, key_id: str, algorithm: str, value: str, digest: bytes = DIGEST) -> Any:
    fields = {**key_fields(key_id, algorithm), "digest": text64(digest), "value": value}
    return sdk(client, "AsymmetricVerify", **fields)["Value"]


# -- signatures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("key_id", "algorithm"), SIGNERS)
def test_a_signature_verifies(client: Client, key_id: str, algorithm: str) -> None:
    """AsymmetricVerify answers the JSON boolean true for what AsymmetricSign made, and both name key and version."""
    signed = sdk(client, "AsymmetricSign", **key_fields(key_id, algorithm), digest=text64(DIGEST))
    fields = {**key_fields(key_id, algorithm), "digest": text64(DIGEST), "value": signed["Value"]}
    verdict = sdk(client, "AsymmetricVerify", **fields)
    assert verdict["Value"] is True
    for answer in (signed, verdict):
        assert (answer["KeyId"], answer["KeyVersionId"]) == (key_id, known_version(key_id))


@pytest.mark.parametrize(("key_id", "algorithm"), SIGNERS)
def test_a_wrong_signature_is_an_answer_not_an_error(client: Client, key_id: str, algorithm: str) -> None:
    """Another digest, a changed or cut signature, and what is no signature answer 200 with Value false."""
    value = sign(client, key_id, algorithm)
    assert verify(client, key_id, algorithm, value, hashlib.sha256(b"other").digest()) is False
    for wrong in (flipped(value), flipped(value, 0), text64(b"x"), text64(base64.b64decode(value)[:-1])):
        assert verify(client, key_id, algorithm, wrong) is False


@pytest.mark.parametrize(("key_id", "algorithm"), SIGNERS[:-1])
def test_the_digest_is_not_hashed_again(client: Client, key_id: str, algorithm: str) -> None:
    """`cryptography` verifies the signature over the message whose SHA-256 was sent, with the answer of GetPublicKey."""
    signature = base64.b64decode(sign(client, key_id, algorithm))
    answer = sdk(client, "GetPublicKey", key_id=key_id, key_version_id=known_version(key_id))
    public = load_pem_public_key(answer["PublicKey"].encode())
    if isinstance(public, rsa.RSAPublicKey):
        scheme = padding.PSS(padding.MGF1(hashes.SHA256()), 32) if "PSS" in algorithm else padding.PKCS1v15()
        public.verify(signature, b"message", scheme, hashes.SHA256())
    else:
        assert isinstance(public, ec.EllipticCurvePublicKey)
        public.verify(signature, b"message", ec.ECDSA(hashes.SHA256()))


def test_verify_takes_signatures_made_outside(client: Client) -> None:
    """What `cryptography` signs with the fixture's private key verifies."""
    private = load_pem_private_key(private_pem("key-p256"), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    value = text64(private.sign(DIGEST, ec.ECDSA(Prehashed(hashes.SHA256()))))
    assert verify(client, "key-p256", "ECDSA_SHA_256", value) is True
    assert verify(client, "key-p256k", "ECDSA_SHA_256", value) is False


SIGN = {**key_fields("key-rsa2048-sign", "RSA_PSS_SHA_256"), "digest": text64(DIGEST)}


@pytest.mark.parametrize("operation", ["AsymmetricSign", "AsymmetricVerify"])
@pytest.mark.parametrize(
    ("changes", "spec"),
    [
        ({"key_id": "nope"}, errors.KEY_NOT_FOUND),
        ({"key_id": "alias/nope"}, errors.ALIAS_NOT_FOUND),
        ({"key_version_id": NO_KEY}, errors.KEY_VERSION_NOT_FOUND),
        ({"key_version_id": known_version("key-rsa3072-sign")}, errors.KEY_VERSION_NOT_FOUND),
        ({"algorithm": "ECDSA_SHA_256"}, errors.KMS_INVALID_PARAMETER),
        ({"algorithm": "RSA_PKCS1_SHA_512"}, errors.KMS_INVALID_PARAMETER),
        ({"algorithm": "RSAES_OAEP_SHA_256"}, errors.KMS_INVALID_PARAMETER),
        ({"digest": "no Base64!"}, errors.KMS_INVALID_PARAMETER),
        ({"digest": text64(DIGEST[:-1])}, errors.KMS_INVALID_PARAMETER),
        ({"digest": text64(hashlib.sha512(b"message").digest())}, errors.KMS_INVALID_PARAMETER),
        ({"key_id": "key-rsa2048-encrypt"}, errors.KMS_INVALID_PARAMETER),
        ({"key_id": "key-aes256"}, errors.KMS_INVALID_PARAMETER),
        ({"key_id": "key-hmac-256"}, errors.KMS_INVALID_PARAMETER),
    ],
)
def test_key_algorithm_and_digest_must_fit(
    kms: KmsMock, client: Client, operation: str, changes: dict[str, str], spec: errors.ErrorSpec
) -> None:
    """InvalidParameter and the not-found codes are all that the tables of these operations have."""
    more = {"value": "AAAA"} if operation == "AsymmetricVerify" else {}
    refuse(kms, client, spec, operation, **{**SIGN, **more, **changes})


def test_a_signature_is_base64(kms: KmsMock, client: Client) -> None:
    """Value of AsymmetricVerify must be Base64."""
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, "AsymmetricVerify", **SIGN, value="no Base64!")


def test_an_alias_stands_for_the_key(client: Client) -> None:
    """KeyId takes an alias or ARN, and the answer has the id."""
    for name in ("alias/sign", "acs:kms:cn-hangzhou:1234567890123456:key/key-rsa2048-sign"):
        assert sdk(client, "AsymmetricSign", **{**SIGN, "key_id": name})["KeyId"] == "key-rsa2048-sign"


# -- public keys ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key_id", [one for one in PAIRS if "sm2" not in one])
def test_the_public_key_is_the_one_of_the_private_key(client: Client, key_id: str) -> None:
    """GetPublicKey answers PEM of 64 columns with a final newline, as `cryptography` writes it."""
    answer = sdk(client, "GetPublicKey", key_id=key_id, key_version_id=known_version(key_id))
    public = load_pem_private_key(private_pem(key_id), None).public_key()
    assert answer["PublicKey"].encode() == public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert (answer["KeyId"], answer["KeyVersionId"]) == (key_id, known_version(key_id))


def test_get_public_key_refuses_what_has_none(kms: KmsMock, client: Client) -> None:
    """A symmetric key has no public half; unknown keys and versions answer 404."""
    for key_id in ("key-aes256", "key-hmac-256"):
        fields = {"key_id": key_id, "key_version_id": known_version(key_id)}
        refuse(kms, client, errors.KMS_INVALID_PARAMETER, "GetPublicKey", **fields)
    refuse(kms, client, errors.KEY_NOT_FOUND, "GetPublicKey", key_id="nope", key_version_id=NO_KEY)
    refuse(kms, client, errors.KEY_VERSION_NOT_FOUND, "GetPublicKey", key_id="key-p256", key_version_id=NO_KEY)


# -- public-key encryption --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("key_id", "algorithm", "most"), ENCRYPTERS)
def test_the_longest_plaintext_comes_back(kms: KmsMock, client: Client, key_id: str, algorithm: str, most: int) -> None:
    """The documented size is encrypted and decrypted, any bytes of it; one byte more is refused."""
    plaintext = text64((bytes(range(256)) * 24)[:most])
    named = key_fields(key_id, algorithm)
    answer = sdk(client, "AsymmetricEncrypt", plaintext=plaintext, **named)
    opened = sdk(client, "AsymmetricDecrypt", ciphertext_blob=answer["CiphertextBlob"], **named)
    assert opened["Plaintext"] == plaintext
    for one in (answer, opened):
        assert (one["KeyId"], one["KeyVersionId"]) == (key_id, known_version(key_id))
    text = "The specified parameter Plaintext is not valid."
    longer = {"plaintext": text64(bytes(most + 1)), **named}
    refuse(kms, client, errors.INVALID_PARAMETER, "AsymmetricEncrypt", message=text, **longer)


def test_a_ciphertext_is_as_long_as_the_modulus(client: Client) -> None:
    """RSA ciphertexts have 256 and 384 bytes (behaviour.md 2)."""
    for key_id, length in (("key-rsa2048-encrypt", 256), ("key-rsa3072-encrypt", 384)):
        answer = sdk(client, "AsymmetricEncrypt", plaintext="AAAA", **key_fields(key_id, "RSAES_OAEP_SHA_256"))
        assert len(base64.b64decode(answer["CiphertextBlob"])) == length


@pytest.mark.parametrize(("key_id", "algorithm"), [one[:2] for one in ENCRYPTERS])
def test_a_damaged_ciphertext_is_refused(kms: KmsMock, client: Client, key_id: str, algorithm: str) -> None:
    """Damage, another length and what is no Base64 answer InvalidParameter."""
    named = key_fields(key_id, algorithm)
    blob = sdk(client, "AsymmetricEncrypt", plaintext=text64(b"secret"), **named)["CiphertextBlob"]
    for wrong in (flipped(blob), flipped(blob, 40), text64(b"short"), "no Base64!", blob[:-4]):
        fields = {"ciphertext_blob": wrong, **named}
        refuse(kms, client, errors.INVALID_CIPHERTEXT, "AsymmetricDecrypt", message=CIPHERTEXT_TEXT, **fields)


def test_the_hash_of_oaep_is_part_of_the_algorithm(kms: KmsMock, client: Client) -> None:
    """What was encrypted with SHA-256 does not decrypt with SHA-1."""
    named = key_fields("key-rsa2048-encrypt", "RSAES_OAEP_SHA_256")
    blob = sdk(client, "AsymmetricEncrypt", plaintext="AAAA", **named)["CiphertextBlob"]
    fields = {"ciphertext_blob": blob, **key_fields("key-rsa2048-encrypt", "RSAES_OAEP_SHA_1")}
    refuse(kms, client, errors.INVALID_CIPHERTEXT, "AsymmetricDecrypt", message=CIPHERTEXT_TEXT, **fields)


@pytest.mark.parametrize("operation", ["AsymmetricEncrypt", "AsymmetricDecrypt"])
@pytest.mark.parametrize(
    ("changes", "spec"),
    [
        ({"key_id": "nope"}, errors.KEY_NOT_FOUND),
        ({"key_id": "alias/nope"}, errors.ALIAS_NOT_FOUND),
        ({"key_version_id": NO_KEY}, errors.KEY_VERSION_NOT_FOUND),
        ({"algorithm": "SM2PKE"}, errors.REJECTED_UNSUPPORTED),
        ({"key_id": "key-rsa2048-sign"}, errors.REJECTED_UNSUPPORTED),
        ({"key_id": "key-p256"}, errors.REJECTED_UNSUPPORTED),
        ({"key_id": "key-aes256"}, errors.REJECTED_UNSUPPORTED),
        ({"key_id": "key-sm2-encrypt"}, errors.REJECTED_UNSUPPORTED),
    ],
)
def test_key_and_algorithm_must_fit(
    kms: KmsMock, client: Client, operation: str, changes: dict[str, str], spec: errors.ErrorSpec
) -> None:
    """A key of another kind or usage, or without the algorithm, answers Rejected.UnsupportedOperation."""
    data = "plaintext" if operation == "AsymmetricEncrypt" else "ciphertext_blob"
    fields = {**key_fields("key-rsa2048-encrypt", "RSAES_OAEP_SHA_256"), data: text64(bytes(16)), **changes}
    refuse(kms, client, spec, operation, **fields)


def test_what_no_key_could_do_is_an_invalid_parameter(kms: KmsMock, client: Client) -> None:
    """An algorithm that does not exist, and a plaintext that is no Base64."""
    named = key_fields("key-rsa2048-encrypt", "RSAES_OAEP_SHA_256")
    for name, value in (("algorithm", "ROT13"), ("plaintext", "no Base64!")):
        text = f"The specified parameter {name.capitalize()} is not valid."
        fields = {"plaintext": "AAAA", **named, name: value}
        refuse(kms, client, errors.INVALID_PARAMETER, "AsymmetricEncrypt", message=text, **fields)


def test_recipients_are_refused(kms: KmsMock, client: Client) -> None:
    """An attested recipient cannot be served, and is not silently left out."""
    fields = {
        **key_fields("key-rsa2048-encrypt", "RSAES_OAEP_SHA_256"),
        "ciphertext_blob": "AAAA",
        "recipient": "enclave",
    }
    refuse(kms, client, errors.REJECTED_UNSUPPORTED, "AsymmetricDecrypt", **fields)


# -- for all of them --------------------------------------------------------------------------------------------------

USES: list[tuple[str, str, dict[str, str]]] = [
    ("AsymmetricSign", "key-p256", {"algorithm": "ECDSA_SHA_256", "digest": text64(DIGEST)}),
    ("AsymmetricVerify", "key-p256", {"algorithm": "ECDSA_SHA_256", "digest": text64(DIGEST), "value": "AAAA"}),
    ("AsymmetricEncrypt", "key-sm2-encrypt", {"algorithm": "SM2PKE", "plaintext": "AAAA"}),
    ("AsymmetricDecrypt", "key-sm2-encrypt", {"algorithm": "SM2PKE", "ciphertext_blob": "AAAA"}),
    ("GetPublicKey", "key-p256", {}),
    ("GenerateMac", "key-hmac-256", {"algorithm": "HMAC_SHA_256", "message": "AAAA"}),
    ("VerifyMac", "key-hmac-256", {"algorithm": "HMAC_SHA_256", "message": "AAAA", "mac": "AAAA"}),
]
STATES = {
    "Disabled": ({}, errors.KEY_DISABLED),
    "PendingDeletion": ({"deletion_date": "+7d"}, errors.KEY_PENDING_DELETION),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(("operation", "key_id", "fields"), USES)
def test_a_key_that_is_not_enabled_is_not_used(
    kms: KmsMock, operation: str, key_id: str, fields: dict[str, str], state: str
) -> None:
    """No matrix has these operations (behaviour.md 1); they refuse as Encrypt does."""
    changes, spec = STATES[state]
    found = known_key(
        key_id, id="key-out", state=state, versions=[{**known_key(key_id)["versions"][0], "id": NO_KEY}], **changes
    )
    kms.load({"keys": [found]})
    more = {} if "Mac" in operation else {"key_version_id": NO_KEY}
    refused(kms, spec, partial(sdk, kms.client(), operation, key_id="key-out", **more, **fields))


@pytest.mark.parametrize(("operation", "key_id", "fields"), USES)
def test_permission_is_asked_for(kms: KmsMock, operation: str, key_id: str, fields: dict[str, str]) -> None:
    """A RAM user who may do it with another key only is refused."""
    arn = "acs:kms:cn-hangzhou:1234567890123456:key/other"
    kms.load(ram_user(allow(f"kms:{operation}", resource=arn)))
    more = {} if "Mac" in operation else {"key_version_id": known_version(key_id)}
    limited = kms.client(access_key_id="limited")
    refused(kms, errors.NO_PERMISSION_ON, partial(sdk, limited, operation, key_id=key_id, **more, **fields))


@pytest.mark.parametrize(("operation", "key_id", "fields"), [USES[0], USES[1], USES[4]])
def test_an_unknown_access_key_is_refused(
    kms: KmsMock, client: Client, operation: str, key_id: str, fields: dict[str, str]
) -> None:
    """Where only known AccessKey pairs are let in, others answer InvalidAccessKeyId.NotFound."""
    kms.load(NO_SUCH_KEYS)
    fields = {"key_id": key_id, "key_version_id": known_version(key_id), **fields}
    refuse(kms, client, errors.INVALID_ACCESS_KEY_ID, operation, **fields)


def test_a_key_pair_version_must_be_named(client: Client) -> None:
    """Key pairs have no primary version: KeyVersionId is required (behaviour.md 2)."""
    with pytest.raises(TeaException) as caught:
        sdk(client, "GetPublicKey", key_id="key-p256")
    assert caught.value.data["Message"] == "The parameter  KeyVersionId  needed but no provided."


def test_an_sm2_digest_is_made_with_the_public_key(client: Client) -> None:
    """SM2DSA signs SM3(Z(A) || M): made from the answer of GetPublicKey it verifies, over another message it does not."""
    pem = sdk(client, "GetPublicKey", key_id="key-sm2-sign", key_version_id=known_version("key-sm2-sign"))["PublicKey"]
    der = base64.b64decode("".join(pem.splitlines()[1:-1]))
    digest = asymmetric.sm2_message_digest(der, b"message")
    value = sign(client, "key-sm2-sign", "SM2DSA", digest)
    assert verify(client, "key-sm2-sign", "SM2DSA", value, digest) is True
    other = sm2.message_digest(sm2.PublicKey.from_der(der), b"message", b"another identity")
    assert verify(client, "key-sm2-sign", "SM2DSA", value, other) is False
