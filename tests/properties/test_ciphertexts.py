"""Facts about all ciphertexts, sought by Hypothesis: the whole request line in process, without HTTP."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kms_mock import KmsMock
from kms_mock.rpc.decode import HttpRequest
from tests.support.known_keys import KEYS, NO_KEY, known_version, text64
from tests.support.profile import rounds
from tests.support.secrets import sdk

Api = Callable[..., dict[str, Any]]

SYMMETRIC = st.sampled_from(["key-aes256", "key-aes192", "key-aes128", "key-sm4"])
PLAINTEXTS = st.text(min_size=1, max_size=60)
CONTEXTS = st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3)
PUBLIC = {
    "key-rsa2048-encrypt": "RSAES_OAEP_SHA_256",
    "key-rsa3072-encrypt": "RSAES_OAEP_SHA_1",
    "key-sm2-encrypt": "SM2PKE",
}
SIGNERS = {
    "key-rsa2048-sign": "RSA_PSS_SHA_256",
    "key-rsa3072-sign": "RSA_PKCS1_SHA_256",
    "key-p256": "ECDSA_SHA_256",
    "key-sm2-sign": "SM2DSA",
}
REFUSED = {"InvalidParameter", "Forbidden.KeyNotFound"}
# In fixtures/keys.yaml one bit makes the version id of another key out of a version id.
OTHER_KEY = REFUSED | {
    "UnsupportedOperation",
    "Rejected.Disabled",
    "Rejected.PendingDeletion",
    "Rejected.PendingImport",
}

few, many = (settings(deadline=None, max_examples=rounds(quick=times, deep=1000)) for times in (25, 75))


@pytest.fixture(scope="module")
def mock() -> KmsMock:
    return KmsMock([KEYS])


@pytest.fixture(scope="module")
def api(mock: KmsMock) -> Iterator[Api]:
    """Send a request through the gateway; give the answer's body."""
    log = logging.getLogger("kms_mock")
    level = log.level
    log.setLevel(logging.WARNING)  # thousands of lines that nobody reads
    with asyncio.Runner() as runner:

        def call(action: str, **parameters: Any) -> dict[str, Any]:
            query = {"Action": action, "Version": "2016-01-20", "Format": "JSON"}
            query |= {name: json.dumps(one) if isinstance(one, dict) else one for name, one in parameters.items()}
            answer = runner.run(mock.gateway.answer(HttpRequest("POST", f"/?{urlencode(query)}", {})))
            assert answer.status < 500, answer.body
            body: dict[str, Any] = json.loads(answer.body)
            return body

        yield call
    log.setLevel(level)


def flip(data: bytes, bit: int) -> bytes:
    """Return bytes with one bit changed; `bit` is taken modulo their number."""
    changed = bytearray(data)
    changed[bit // 8 % len(data)] ^= 1 << bit % 8
    return bytes(changed)


@few
@given(key_id=SYMMETRIC, plaintext=st.text(min_size=1, max_size=1500), context=CONTEXTS)
def test_what_is_encrypted_comes_back(api: Api, key_id: str, plaintext: str, context: dict[str, str]) -> None:
    """Every string of at most 6144 bytes and every context of strings decrypts to itself."""
    blob = api("Encrypt", KeyId=key_id, Plaintext=plaintext, EncryptionContext=context)["CiphertextBlob"]
    assert api("Decrypt", CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == plaintext


@many
@given(key_id=SYMMETRIC, plaintext=PLAINTEXTS, bit=st.integers(0, 8 * 400))
def test_a_flipped_bit_is_refused(api: Api, key_id: str, plaintext: str, bit: int) -> None:
    """Whatever bit of a blob is changed, in its id, nonce, ciphertext or tag: it does not decrypt."""
    blob = api("Encrypt", KeyId=key_id, Plaintext=plaintext)["CiphertextBlob"]
    damaged = text64(flip(base64.b64decode(blob), bit))
    assert api("Decrypt", CiphertextBlob=damaged)["Code"] in OTHER_KEY


def test_every_flipped_bit_of_one_blob_is_refused(api: Api) -> None:
    """The same for all bits of one blob, also where a bit makes another version's id of it."""
    blob = base64.b64decode(api("Encrypt", KeyId="key-aes256", Plaintext="x")["CiphertextBlob"])
    codes = [api("Decrypt", CiphertextBlob=text64(flip(blob, bit)))["Code"] for bit in range(len(blob) * 8)]
    assert set(codes) == REFUSED


@many
@given(position=st.integers(0, 107), other=st.sampled_from("ABCDwxyz0189+/=-_ \n"))
def test_another_character_is_refused(api: Api, position: int, other: str) -> None:
    """No two Base64 texts stand for one blob: a changed character never decrypts to the same."""
    blob = api("Encrypt", KeyId="key-aes256", Plaintext="0123456789abcdefg")["CiphertextBlob"]
    if blob[position] != other:
        damaged = blob[:position] + other + blob[position + 1 :]
        assert api("Decrypt", CiphertextBlob=damaged)["Code"] in OTHER_KEY


@many
@given(key_id=SYMMETRIC, one=CONTEXTS, other=CONTEXTS)
@example(key_id="key-aes256", one={"ab": "c"}, other={"a": "bc"})
@example(key_id="key-aes256", one={"a": "1&b=2"}, other={"a": "1", "b": "2"})
@example(key_id="key-aes256", one={"": ""}, other={})
@example(key_id="key-sm4", one={"a": "b"}, other={"b": "a"})
def test_any_other_context_is_refused(api: Api, key_id: str, one: dict[str, str], other: dict[str, str]) -> None:
    """A blob decrypts under an equal context and under no other, also one with the same letters in other places."""
    blob = api("Encrypt", KeyId=key_id, Plaintext="x", EncryptionContext=one)["CiphertextBlob"]
    answer = api("Decrypt", CiphertextBlob=blob, EncryptionContext=other)
    assert answer.get("Plaintext") == ("x" if one == other else None)
    assert answer.get("Code") == (None if one == other else "InvalidParameter")


@few
@given(key_id=SYMMETRIC, plaintext=PLAINTEXTS, context=CONTEXTS)
def test_two_encryptions_differ(api: Api, key_id: str, plaintext: str, context: dict[str, str]) -> None:
    """The same plaintext under the same key and context never gives the same blob."""
    blobs = {
        api("Encrypt", KeyId=key_id, Plaintext=plaintext, EncryptionContext=context)["CiphertextBlob"] for _ in range(3)
    }
    assert len(blobs) == 3


@few
@given(key_id=st.sampled_from(sorted(PUBLIC)), plaintext=st.binary(max_size=190), bit=st.integers(0, 8 * 400))
def test_public_key_ciphertexts_come_back_unless_damaged(api: Api, key_id: str, plaintext: bytes, bit: int) -> None:
    """Every plaintext comes back from AsymmetricDecrypt, and with any bit changed none does."""
    named = {"KeyId": key_id, "KeyVersionId": known_version(key_id), "Algorithm": PUBLIC[key_id]}
    plaintext = plaintext or b"x"
    blob = api("AsymmetricEncrypt", Plaintext=text64(plaintext), **named)["CiphertextBlob"]
    assert api("AsymmetricDecrypt", CiphertextBlob=blob, **named)["Plaintext"] == text64(plaintext)
    damaged = text64(flip(base64.b64decode(blob), bit))
    assert api("AsymmetricDecrypt", CiphertextBlob=damaged, **named)["Code"] == "InvalidParameter"


@few
@given(key_id=st.sampled_from(sorted(SIGNERS)), digest=st.binary(min_size=32, max_size=32), bit=st.integers(0, 8 * 400))
def test_signatures_verify_unless_damaged(api: Api, key_id: str, digest: bytes, bit: int) -> None:
    """Every digest's signature verifies; with a bit changed in signature or digest it does not."""
    named = {"KeyId": key_id, "KeyVersionId": known_version(key_id), "Algorithm": SIGNERS[key_id]}
    value = api("AsymmetricSign", Digest=text64(digest), **named)["Value"]
    verify = partial(api, "AsymmetricVerify", **named)
    assert verify(Digest=text64(digest), Value=value)["Value"] is True
    assert verify(Digest=text64(digest), Value=text64(flip(base64.b64decode(value), bit)))["Value"] is False
    assert verify(Digest=text64(flip(digest, bit)), Value=value)["Value"] is False


@many
@given(data=st.binary(max_size=300) | st.binary(max_size=80).map(lambda tail: NO_KEY.encode() + tail))
def test_no_ciphertext_makes_the_server_fail(api: Api, data: bytes) -> None:
    """Arbitrary bytes are refused by every operation that takes a ciphertext, as what they are."""
    blob = text64(data)
    expected = REFUSED if data else {"MissingParameter"}
    assert api("Decrypt", CiphertextBlob=blob)["Code"] in expected
    assert api("ReEncrypt", CiphertextBlob=blob, DestinationKeyId="key-aes256")["Code"] in expected
    for key_id, algorithm in PUBLIC.items():
        named = {"KeyId": key_id, "KeyVersionId": known_version(key_id), "Algorithm": algorithm}
        assert api("AsymmetricDecrypt", CiphertextBlob=blob, **named)["Code"] in expected


def test_the_ciphertext_of_a_deleted_key_is_refused(mock: KmsMock, api: Api) -> None:
    """After ScheduleKeyDeletion it does not decrypt, and after the window its key is not found any more."""
    blob = api("Encrypt", KeyId="key-aes192", Plaintext="x")["CiphertextBlob"]
    api("ScheduleKeyDeletion", KeyId="key-aes192", PendingWindowInDays="7")
    assert api("Decrypt", CiphertextBlob=blob)["Code"] == "Rejected.PendingDeletion"
    mock.clock.advance("8d")
    assert api("Decrypt", CiphertextBlob=blob)["Code"] == "Forbidden.KeyNotFound"
    mock.reset()
    assert api("Decrypt", CiphertextBlob=blob)["Plaintext"] == "x"


SPECS = ("Aliyun_AES_256", "Aliyun_SM4", "RSA_2048", "EC_P256", "EC_P256K", "EC_SM2")


def transcript(seed: int) -> list[str]:
    """Run a seeded server over HTTP: keys of every kind, and what they make; give all that was random."""
    with KmsMock(seed=seed) as kms:
        client = kms.client()
        seen = []
        for spec in SPECS:
            metadata = sdk(client, "CreateKey", key_spec=spec)["KeyMetadata"]
            key_id = metadata["KeyId"]
            listed = sdk(client, "ListKeyVersions", key_id=key_id)["KeyVersions"]["KeyVersion"]
            version_id = listed[0]["KeyVersionId"]
            named = {"key_id": key_id, "key_version_id": version_id}
            seen.extend([key_id, version_id])
            if spec.startswith("Aliyun"):
                made = sdk(client, "GenerateDataKey", key_id=key_id)
                blob = sdk(client, "Encrypt", key_id=key_id, plaintext="x")["CiphertextBlob"]
                seen.extend([made["Plaintext"], made["CiphertextBlob"], blob, made["RequestId"]])
                continue
            public = sdk(client, "GetPublicKey", **named)["PublicKey"]
            algorithm = {"RSA_2048": "RSA_PSS_SHA_256", "EC_SM2": "SM2DSA"}.get(spec, "ECDSA_SHA_256")
            digest = text64(bytes(range(32)))
            signature = sdk(client, "AsymmetricSign", algorithm=algorithm, digest=digest, **named)["Value"]
            seen.extend([public, signature])
        pair = sdk(client, "CreateKey", key_spec="EC_SM2", key_usage="ENCRYPT/DECRYPT")["KeyMetadata"]["KeyId"]
        listed = sdk(client, "ListKeyVersions", key_id=pair)["KeyVersions"]["KeyVersion"]
        named = {"key_id": pair, "key_version_id": listed[0]["KeyVersionId"], "algorithm": "SM2PKE"}
        seen.append(sdk(client, "AsymmetricEncrypt", plaintext="AAAA", **named)["CiphertextBlob"])
        return seen


def test_one_seed_gives_the_same_ids_and_ciphertexts() -> None:
    """Two servers with one seed answer the same requests byte for byte, another seed changes every one of them."""
    first = transcript(7)
    assert transcript(7) == first
    assert not set(first) & set(transcript(8))
