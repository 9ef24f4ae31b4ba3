"""The operations of the dedicated gateway, each asked by a client that signs and reads with other people's libraries."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kms_mock import KmsMock
from tests.support.dedicated import (
    AES,
    EC,
    HARDWARE,
    HMAC,
    INITIAL,
    INSTANCE,
    INSTANCE_FIXTURE,
    OPEN,
    PRIMARY,
    SIGN,
    SM2_OPEN,
    SM2_SIGN,
    SM4,
    VERSION_HEADER,
    InstanceClient,
    Refused,
    ask_rpc,
    fixture_document,
)

TEXT, AAD = b"4111 1111 \x00\xff", b"context"
INVALID = (400, "InvalidParameter", "The specified parameter is not valid.")
UNSUPPORTED = (400, "UnsupportedOperation", "Rejected.UnsupportedOperation")
NOT_FOUND = (404, "Forbidden.KeyNotFound", "The specified key does not exist.")


@pytest.fixture
def kms() -> KmsMock:
    """A mock with two instances that does not listen."""
    return KmsMock([INSTANCE_FIXTURE])


@pytest.fixture
def instance(kms: KmsMock) -> InstanceClient:
    """A client of its dedicated gateway."""
    return InstanceClient(kms)


def refusal(client: InstanceClient, operation: str, version_id: str | None = None, /, **fields: Any) -> Any:
    """Send a request that is refused; return status, code and text. The store stays as it was."""
    before = client.kms.snapshot()
    with pytest.raises(Refused) as caught:
        client.ask(operation, version_id, **fields)
    assert client.kms.snapshot() == before
    return caught.value.refusal


def missing(name: str) -> tuple[int, str, str]:
    return 400, "MissingParameter", f"Parameter {name} does not exist in http header or body."


def material(key_id: str, number: int = 0) -> bytes:
    """Return the bytes of a version of a key in the fixture file."""
    document = fixture_document()
    key = next(key for key in document["keys"] if key["id"] == key_id)
    text: str = key["versions"][number]["material"]
    return text.encode() if text.startswith("-----") else base64.b64decode(text)


# -- ciphers ----------------------------------------------------------------------------------------------------------


def test_encrypt_uses_the_initial_version(instance: InstanceClient) -> None:
    """AES-GCM under the first version of the key, which the answer's header names; others can open it."""
    made, answer = instance.answer("Encrypt", KeyId="alias/orders", Plaintext=TEXT, Aad=AAD)
    assert (made.KeyId, made.Algorithm, made.PaddingMode, len(made.Iv)) == (AES, "AES_GCM", "", 12)
    assert dict(answer.headers) == {VERSION_HEADER: INITIAL}
    assert AESGCM(material(AES)).decrypt(made.Iv, made.CiphertextBlob, AAD) == TEXT
    sealed = {"CiphertextBlob": made.CiphertextBlob, "Iv": made.Iv, "Aad": AAD}
    opened, answer = instance.answer("Decrypt", KeyId=AES, **sealed)
    assert (opened.Plaintext, opened.KeyId, opened.Algorithm) == (TEXT, AES, "AES_GCM")
    assert dict(answer.headers) == {VERSION_HEADER: INITIAL}
    assert instance.ask("AdvanceDecrypt", KeyId=AES, **sealed).Plaintext == TEXT
    assert instance.ask("Decrypt", INITIAL, **sealed).Plaintext == TEXT
    assert refusal(instance, "Decrypt", PRIMARY, **sealed) == INVALID
    assert refusal(instance, "Decrypt", KeyId=AES, **{**sealed, "Aad": b"x"}) == INVALID
    assert refusal(instance, "Decrypt", **sealed) == missing("KeyId")
    assert refusal(instance, "AdvanceDecrypt", **sealed) == missing("KeyId")
    assert refusal(instance, "Decrypt", KeyId=AES, CiphertextBlob=made.CiphertextBlob) == missing("Iv")


def test_the_header_names_the_version_to_use(instance: InstanceClient) -> None:
    """`x-kms-migrationkeyversionid` leads to any version of the key, and one that the key has not is not found."""
    made, answer = instance.answer("Encrypt", PRIMARY, KeyId=AES, Plaintext=TEXT, Iv=bytes(12))
    assert (dict(answer.headers), made.Iv) == ({VERSION_HEADER: PRIMARY}, bytes(12))
    assert AESGCM(material(AES, 1)).decrypt(bytes(12), made.CiphertextBlob, None) == TEXT
    sealed = {"CiphertextBlob": made.CiphertextBlob, "Iv": made.Iv}
    assert instance.ask("Decrypt", PRIMARY, **sealed).Plaintext == TEXT
    assert instance.ask("Decrypt", PRIMARY, KeyId=AES, **sealed).Plaintext == TEXT
    unknown = "00000009-1111-4000-8000-000000000009"
    code = "Forbidden.KeyVersionNotFound"
    assert refusal(instance, "Decrypt", unknown, **sealed) == NOT_FOUND
    assert refusal(instance, "Decrypt", unknown, KeyId=AES, **sealed)[:2] == (404, code)
    assert refusal(instance, "Encrypt", unknown, KeyId=AES, Plaintext=TEXT)[:2] == (404, code)
    assert refusal(instance, "Encrypt", "x" * 65, KeyId=AES, Plaintext=TEXT) == INVALID
    assert instance.answer("GenerateDataKey", PRIMARY, KeyId=AES)[1].headers == ((VERSION_HEADER, PRIMARY),)


def test_advance_ciphertexts_name_everything(instance: InstanceClient) -> None:
    """`$`, 0, 2 for AES_GCM, the primary version, IV, ciphertext and tag; whatever the request says besides is ignored."""
    made, answer = instance.answer("AdvanceEncrypt", KeyId=AES, Plaintext=TEXT, Aad=AAD)
    assert (made.KeyVersionId, made.Algorithm, dict(answer.headers)) == (PRIMARY, "AES_GCM", {VERSION_HEADER: PRIMARY})
    blob = made.CiphertextBlob
    assert blob[:51] == b"$\x00\x02" + PRIMARY.encode() + made.Iv
    assert AESGCM(material(AES, 1)).decrypt(made.Iv, blob[51:], AAD) == TEXT
    opened = instance.ask("AdvanceDecrypt", CiphertextBlob=blob, Aad=AAD)
    assert (opened.Plaintext, opened.KeyVersionId, opened.KeyId) == (TEXT, PRIMARY, AES)
    other = {"KeyId": SIGN, "Iv": bytes(3), "Algorithm": "SM4_ECB"}
    assert instance.ask("AdvanceDecrypt", CiphertextBlob=blob, Aad=AAD, **other).Plaintext == TEXT
    assert refusal(instance, "AdvanceDecrypt", CiphertextBlob=blob) == INVALID
    assert refusal(instance, "AdvanceDecrypt", CiphertextBlob=blob[:45], Aad=AAD) == INVALID
    assert refusal(instance, "AdvanceDecrypt", CiphertextBlob=blob[:2] + b"\x06" + blob[3:], Aad=AAD) == INVALID
    unknown = blob[:3] + b"f" * 8 + blob[11:]
    assert refusal(instance, "AdvanceDecrypt", CiphertextBlob=unknown, Aad=AAD) == NOT_FOUND


@pytest.mark.parametrize("algorithm", ["AES_CBC", "AES_CTR", "AES_ECB"])
@pytest.mark.parametrize("padding_mode", ["", "PKCS7_PADDING", "NO_PADDING"])
def test_other_modes(instance: InstanceClient, algorithm: str, padding_mode: str) -> None:
    """CBC and ECB pad unless told not to, CTR never does; all are opened by Decrypt and, named in it, AdvanceDecrypt."""
    text = b"sixteen bytes, 2" * 2
    padded = "" if algorithm == "AES_CTR" else padding_mode or "PKCS7_PADDING"
    fields = {"KeyId": AES, "Plaintext": text, "Algorithm": algorithm, "PaddingMode": padding_mode}
    made = instance.ask("Encrypt", **fields)
    assert (made.PaddingMode, len(made.Iv)) == (padded, 0 if algorithm == "AES_ECB" else 16)
    assert len(made.CiphertextBlob) == (48 if padded == "PKCS7_PADDING" else 32)
    sealed = {"CiphertextBlob": made.CiphertextBlob, "Iv": made.Iv, "Algorithm": algorithm, "PaddingMode": padding_mode}
    opened = instance.ask("Decrypt", KeyId=AES, **sealed)
    assert (opened.Plaintext, opened.PaddingMode) == (text, padded)
    assert instance.ask("AdvanceDecrypt", KeyId=AES, **sealed).Plaintext == text
    made = instance.ask("AdvanceEncrypt", **fields)
    opened = instance.ask("AdvanceDecrypt", CiphertextBlob=made.CiphertextBlob)
    assert (opened.Plaintext, opened.PaddingMode, opened.Algorithm) == (text, padded, algorithm)
    assert refusal(instance, "Encrypt", **fields, Aad=AAD) == INVALID
    if algorithm != "AES_CTR":
        assert refusal(instance, "Decrypt", KeyId=AES, **{**sealed, "CiphertextBlob": bytes(15)}) == INVALID
        # Padding never ends in 0; in bytes that were not encrypted it would be right by chance, once in 256 times.
        unpadded = instance.ask("Encrypt", **{**fields, "Plaintext": bytes(16), "PaddingMode": "NO_PADDING"})
        wrong = {**sealed, "CiphertextBlob": unpadded.CiphertextBlob, "Iv": unpadded.Iv, "PaddingMode": "PKCS7_PADDING"}
        assert refusal(instance, "Decrypt", KeyId=AES, **wrong) == INVALID
    if padded == "NO_PADDING":
        assert refusal(instance, "Encrypt", **{**fields, "Plaintext": b"short"}) == INVALID


@pytest.mark.parametrize(
    ("key_id", "algorithm", "default"),
    [(OPEN, "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"), (SM2_OPEN, "SM2PKE", "SM2PKE"), (SM4, "SM4_GCM", "SM4_GCM")],
)
def test_other_kinds_of_keys(instance: InstanceClient, key_id: str, algorithm: str, default: str) -> None:
    """RSA, SM2 and SM4 keys encrypt and decrypt, with their own algorithm where none is named."""
    for given, used in (("", default), (algorithm, algorithm)):
        made, answer = instance.answer("Encrypt", KeyId=key_id, Plaintext=TEXT, Algorithm=given)
        assert (made.Algorithm, len(answer.headers)) == (used, 1)
        sealed = {"CiphertextBlob": made.CiphertextBlob, "Iv": made.Iv, "Algorithm": given}
        assert instance.ask("Decrypt", KeyId=key_id, **sealed).Plaintext == TEXT
        assert instance.ask("Decrypt", answer.headers[0][1], **sealed).Plaintext == TEXT
        assert refusal(instance, "Decrypt", KeyId=key_id, **{**sealed, "CiphertextBlob": bytes(256)}) == INVALID
    assert refusal(instance, "Encrypt", KeyId=key_id, Plaintext=TEXT, Algorithm="AES_GCM") == INVALID
    assert refusal(instance, "Encrypt", KeyId=OPEN, Plaintext=bytes(191)) == INVALID  # one too many for OAEP


def test_what_a_key_is_not_for(instance: InstanceClient) -> None:
    """A key of another usage or kind, and Advance operations with keys in a hardware instance, are not supported."""
    assert refusal(instance, "Encrypt", KeyId=SIGN, Plaintext=TEXT) == UNSUPPORTED
    assert refusal(instance, "Sign", KeyId=OPEN, Message=TEXT) == UNSUPPORTED
    assert refusal(instance, "Hmac", KeyId=AES, Message=TEXT) == UNSUPPORTED
    assert refusal(instance, "GetPublicKey", KeyId=AES) == UNSUPPORTED
    for key_id in (SM4, OPEN):
        assert refusal(instance, "AdvanceEncrypt", KeyId=key_id, Plaintext=TEXT) == UNSUPPORTED
        assert refusal(instance, "AdvanceGenerateDataKey", KeyId=key_id) == UNSUPPORTED
        assert refusal(instance, "GenerateDataKeyPair", KeyId=key_id, KeyPairSpec="EC_P256") == UNSUPPORTED
    sealed = instance.ask("Encrypt", KeyId=SM4, Plaintext=TEXT)
    fields = {"CiphertextBlob": sealed.CiphertextBlob, "Iv": sealed.Iv}
    assert refusal(instance, "AdvanceDecrypt", KeyId=SM4, **fields) == UNSUPPORTED


# -- data keys --------------------------------------------------------------------------------------------------------


def test_data_keys(instance: InstanceClient) -> None:
    """Raw random bytes, 32 unless told otherwise, with the same bytes encrypted; the Advance form names its version."""
    made, answer = instance.answer("GenerateDataKey", KeyId=AES, NumberOfBytes=16, Aad=AAD)
    assert (len(made.Plaintext), made.Algorithm, dict(answer.headers)) == (16, "AES_GCM", {VERSION_HEADER: INITIAL})
    assert AESGCM(material(AES)).decrypt(made.Iv, made.CiphertextBlob, AAD) == made.Plaintext
    assert len(instance.ask("GenerateDataKey", KeyId=SM4, Algorithm="SM4_GCM").Plaintext) == 32
    made = instance.ask("AdvanceGenerateDataKey", KeyId=AES, Aad=AAD)
    opened = instance.ask("AdvanceDecrypt", CiphertextBlob=made.CiphertextBlob, Aad=AAD)
    assert (opened.Plaintext, len(made.Plaintext), made.KeyVersionId) == (made.Plaintext, 32, PRIMARY)
    for length in (-1, 1025):
        assert refusal(instance, "GenerateDataKey", KeyId=AES, NumberOfBytes=length) == INVALID
    assert refusal(instance, "GenerateDataKey", KeyId=AES, Algorithm="AES_CBC") == INVALID
    assert refusal(instance, "GenerateDataKey", KeyId=AES, Algorithm="SM4_GCM") == INVALID


def test_random_bytes(instance: InstanceClient) -> None:
    """As many as asked for, 1 to 64 (help page GenerateRandom); a length of 0 is one that is missing, as in proto3."""
    for length in (1, 64):
        assert len(instance.ask("GenerateRandom", Length=length).Random) == length
    for length in (-1, 65):
        assert refusal(instance, "GenerateRandom", Length=length) == INVALID
    assert refusal(instance, "GenerateRandom", Length=0) == missing("Length")


@pytest.mark.parametrize("spec", ["RSA_2048", "EC_P256", "EC_P256K"])
@pytest.mark.parametrize("form", ["PEM", "DER", ""])
@pytest.mark.parametrize("advance", ["", "Advance"])
def test_data_key_pairs(instance: InstanceClient, spec: str, form: str, advance: str) -> None:
    """A private key in PKCS#8 with its public half; what is encrypted is the private key in the same form."""
    fields = {"KeyId": AES, "KeyPairSpec": spec, "KeyFormat": form, "Aad": AAD}
    made, answer = instance.answer(f"{advance}GenerateDataKeyPair", **fields)
    assert (made.KeyPairSpec, dict(answer.headers)) == (spec, {VERSION_HEADER: PRIMARY if advance else INITIAL})
    hidden = instance.ask(f"{advance}GenerateDataKeyPairWithoutPlaintext", **fields)
    for pair in (made, hidden):
        sealed = {"CiphertextBlob": pair.PrivateKeyCiphertextBlob, "Aad": AAD}
        private = (
            instance.ask("AdvanceDecrypt", **sealed)
            if advance
            else instance.ask("Decrypt", KeyId=AES, Iv=pair.Iv, **sealed)
        ).Plaintext
        if form == "DER":
            key: Any = serialization.load_der_private_key(private, None)
            public: Any = serialization.load_der_public_key(pair.PublicKey)
        else:
            key = serialization.load_pem_private_key(private, None)
            public = serialization.load_pem_public_key(pair.PublicKey)
        assert key.public_key() == public
        assert isinstance(key, rsa.RSAPrivateKey if spec == "RSA_2048" else ec.EllipticCurvePrivateKey)
        if pair is made:
            assert private == made.PrivateKeyPlaintext
    assert refusal(instance, f"{advance}GenerateDataKeyPair", KeyId=AES) == missing("KeyPairSpec")
    assert refusal(instance, f"{advance}GenerateDataKeyPair", KeyId=AES, KeyPairSpec="EC_SM2") == INVALID


# -- signatures -------------------------------------------------------------------------------------------------------


def test_signatures_of_messages_and_digests(instance: InstanceClient) -> None:
    """RAW is hashed here, DIGEST is not; the outside library verifies, and Verify tells a wrong one from a right one."""
    digest = hashlib.sha256(TEXT).digest()
    rsa_key: Any = serialization.load_pem_public_key(instance.ask("GetPublicKey", KeyId=SIGN).PublicKey.encode())
    for name, scheme in (
        ("RSA_PKCS1_SHA_256", padding.PKCS1v15()),
        ("RSA_PSS_SHA_256", padding.PSS(padding.MGF1(hashes.SHA256()), 32)),
    ):
        for kind in ({"Message": TEXT}, {"Message": digest, "MessageType": "DIGEST"}, {"Digest": digest}):
            signed, answer = instance.answer("Sign", KeyId=SIGN, Algorithm=name, **kind)
            assert (signed.Algorithm, len(answer.headers)) == (name, 1)
            rsa_key.verify(signed.Signature, TEXT, scheme, hashes.SHA256())
            same = {"KeyId": SIGN, "Algorithm": name, "Signature": signed.Signature}
            assert instance.ask("Verify", Message=TEXT, MessageType="RAW", **same).Value is True
            assert instance.ask("Verify", Message=b"other", **same).Value is False
    assert instance.ask("Sign", KeyId=SIGN, Message=TEXT).Algorithm == "RSA_PSS_SHA_256"
    ec_key: Any = serialization.load_pem_public_key(instance.ask("GetPublicKey", KeyId=EC).PublicKey.encode())
    signature = instance.ask("Sign", KeyId=EC, Message=TEXT).Signature
    ec_key.verify(signature, TEXT, ec.ECDSA(hashes.SHA256()))
    signature = instance.ask("Sign", KeyId=SM2_SIGN, Message=TEXT, MessageType="RAW").Signature
    assert instance.ask("Verify", KeyId=SM2_SIGN, Message=TEXT, Signature=signature).Value is True
    assert instance.ask("Verify", KeyId=SM2_SIGN, Message=b"x", Signature=signature).Value is False


def test_what_cannot_be_signed(instance: InstanceClient) -> None:
    """Nothing, a digest of another length, with an algorithm of another kind of key."""
    assert refusal(instance, "Sign", KeyId=SIGN) == missing("Message")
    assert refusal(instance, "Sign", KeyId=SIGN, Message=bytes(31), MessageType="DIGEST") == INVALID
    assert refusal(instance, "Sign", KeyId=SIGN, Message=TEXT, Algorithm="ECDSA_SHA_256") == INVALID
    assert refusal(instance, "Sign", KeyId=SIGN, Message=TEXT, MessageType="raw") == INVALID
    assert refusal(instance, "Verify", KeyId=SIGN, Message=TEXT) == missing("Signature")


def test_hmac(instance: InstanceClient) -> None:
    """The code of a message under an HMAC key, with the algorithm of its spec."""
    made = instance.ask("Hmac", KeyId=HMAC, Message=TEXT)
    assert made.Signature == hmac.digest(material(HMAC), TEXT, "sha256")


# -- secrets ----------------------------------------------------------------------------------------------------------


def test_secret_values(kms: KmsMock, instance: InstanceClient) -> None:
    """As GetSecretValue of the RPC API, but with a bare list of stages; managed secrets have their rotation."""
    value = instance.ask("GetSecretValue", SecretName="db/password")
    assert (value.SecretData, value.SecretDataType, list(value.VersionStages)) == ("hunter2", "text", ["ACSCurrent"])
    assert (value.SecretType, value.ExtendedConfig, value.AutomaticRotation) == ("Generic", "", "")
    missing_secret = (404, "Forbidden.ResourceNotFound", "Resource not found")
    assert refusal(instance, "GetSecretValue", SecretName="none") == missing_secret
    assert refusal(instance, "GetSecretValue", SecretName="db/password", VersionId="none") == missing_secret
    rds = {
        "name": "rds",
        "type": "Rds",
        "instance": INSTANCE,
        "extended_config": {"SecretSubType": "SingleUser", "DBInstanceId": "rm-1"},
        "value": '{"AccountName":"app","AccountPassword":"first"}',
        "rotation_interval": "7d",
    }
    kms.load({"secrets": [rds, {"name": "outside", "value": "x"}]})
    value = instance.ask("GetSecretValue", SecretName="rds", FetchExtendedConfig=True)
    assert (value.AutomaticRotation, value.RotationInterval) == ("Enabled", "604800s")
    assert "rm-1" in value.ExtendedConfig
    assert refusal(instance, "GetSecretValue", SecretName="outside") == missing_secret


# -- the instance -----------------------------------------------------------------------------------------------------


def test_the_host_name_is_that_of_an_instance(kms: KmsMock) -> None:
    """Behind the real name of an instance's gateway, what is in another instance, or in none, is not found."""
    kms.load({"keys": [{"id": "key-outside"}]})
    software = InstanceClient(kms, host=f"{INSTANCE}.cryptoservice.kms.aliyuncs.com")
    hardware = InstanceClient(kms, host=f"{HARDWARE}.cryptoservice.kms.aliyuncs.com:443")
    assert software.ask("Encrypt", KeyId=AES, Plaintext=TEXT).KeyId == AES
    assert hardware.ask("Encrypt", KeyId=SM4, Plaintext=TEXT).KeyId == SM4
    assert refusal(hardware, "Encrypt", KeyId=AES, Plaintext=TEXT) == NOT_FOUND
    sealed = {"CiphertextBlob": bytes(28), "Iv": bytes(12)}
    assert refusal(hardware, "Decrypt", INITIAL, **sealed) == NOT_FOUND
    last = kms.calls.last
    assert last is not None
    assert last.reason == f"Key {AES} is in instance {INSTANCE}; this is the gateway of {HARDWARE}."
    for client in (software, InstanceClient(kms)):
        assert refusal(client, "Encrypt", KeyId="key-outside", Plaintext=TEXT) == NOT_FOUND


def test_elsewhere_the_access_point_says_which_instances(kms: KmsMock) -> None:
    """Behind another name the policies' scopes count; policies without one reach every instance, but nothing outside."""
    free = {"name": "free", "permissions": ["RbacPermission/Template/CryptoServiceKeyUser"], "resources": ["key/*"]}
    both = {"name": "both", "scope": INSTANCE, **{name: free[name] for name in ("permissions", "resources")}}
    kms.load(
        {
            "keys": [{"id": "key-outside"}],
            "access_policies": [free, both],
            "access_points": [{"name": "free", "policies": ["free"]}, {"name": "both", "policies": ["both", "free"]}],
        }
    )
    clients = {}
    for name in ("free", "both"):
        made = ask_rpc(kms, "CreateClientKey", AapName=name, Password="kms-mock-1")
        document = {"KeyId": made["ClientKeyId"], "PrivateKeyData": made["PrivateKeyData"]}
        clients[name] = InstanceClient(kms, json.dumps(document))
    assert clients["free"].ask("Encrypt", KeyId=SM4, Plaintext=TEXT).KeyId == SM4
    assert clients["free"].ask("Encrypt", KeyId=AES, Plaintext=TEXT).KeyId == AES
    assert refusal(clients["free"], "Encrypt", KeyId="key-outside", Plaintext=TEXT) == NOT_FOUND
    assert clients["both"].ask("Encrypt", KeyId=AES, Plaintext=TEXT).KeyId == AES
    assert refusal(clients["both"], "Encrypt", KeyId=SM4, Plaintext=TEXT) == NOT_FOUND


def test_states_of_keys_and_instances_count(instance: InstanceClient) -> None:
    """A disabled key, one that waits for its deletion, and one in an instance that does not work are refused."""
    document = fixture_document()
    document["keys"][0]["state"] = "Disabled"
    document["keys"][1] |= {"state": "PendingDeletion", "deletion_date": "+7d"}
    document["instances"][1]["status"] = "Disconnected"
    other = InstanceClient(KmsMock([document]))
    assert refusal(other, "Encrypt", KeyId=AES, Plaintext=TEXT)[:2] == (409, "Rejected.Disabled")
    assert refusal(other, "AdvanceEncrypt", KeyId=AES, Plaintext=TEXT)[:2] == (409, "Rejected.Disabled")
    assert refusal(other, "GenerateDataKeyPair", KeyId=AES, KeyPairSpec="RSA_2048")[:2] == (409, "Rejected.Disabled")
    assert refusal(other, "Sign", KeyId=SIGN, Message=TEXT)[:2] == (409, "Rejected.PendingDeletion")
    assert refusal(other, "Encrypt", KeyId=SM4, Plaintext=TEXT)[:2] == (409, "Rejected.Unavailable")
    assert instance.ask("Encrypt", KeyId=SM4, Plaintext=TEXT).KeyId == SM4
