"""Damaged messages: always the message Error, never a server error, and nothing is changed."""

from __future__ import annotations

import random
from typing import Any

import pytest
from google.protobuf import unknown_fields
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from kms_mock import KmsMock
from kms_mock.kms.dedicated import API
from kms_mock.rpc.encode import HttpResponse
from tests.support.dedicated import AES, EC, HMAC, INITIAL, INSTANCE_FIXTURE, VERSION_HEADER, InstanceClient
from tests.support.profile import rounds
from tests.support.protobuf_messages import message

MUTATIONS = rounds(quick=1500, deep=100_000)
PAIR = {"KeyId": AES, "KeyPairSpec": "EC_P256", "KeyFormat": "PEM", "Aad": b"a"}
REQUESTS: dict[str, dict[str, Any]] = {
    "AdvanceDecrypt": {"CiphertextBlob": b"$\x00\x02" + INITIAL.encode() + bytes(40), "Aad": b"a"},
    "AdvanceEncrypt": {"KeyId": AES, "Plaintext": b"text", "Algorithm": "AES_CBC", "PaddingMode": "PKCS7_PADDING"},
    "AdvanceGenerateDataKey": {"KeyId": AES, "NumberOfBytes": 32},
    "AdvanceGenerateDataKeyPair": PAIR,
    "AdvanceGenerateDataKeyPairWithoutPlaintext": PAIR,
    "Decrypt": {"KeyId": AES, "CiphertextBlob": bytes(40), "Iv": bytes(12), "Aad": b"a"},
    "Encrypt": {"KeyId": AES, "Plaintext": b"text", "Aad": b"a", "Iv": bytes(12)},
    "GenerateDataKey": {"KeyId": AES, "Algorithm": "AES_GCM", "NumberOfBytes": 16},
    "GenerateDataKeyPair": PAIR,
    "GenerateDataKeyPairWithoutPlaintext": PAIR,
    "GenerateRandom": {"Length": 8},
    "GetPublicKey": {"KeyId": EC},
    "GetSecretValue": {"SecretName": "db/password", "VersionStage": "ACSCurrent", "FetchExtendedConfig": True},
    "Hmac": {"KeyId": HMAC, "Message": b"text"},
    "Sign": {"KeyId": EC, "Algorithm": "ECDSA_SHA_256", "Message": b"text", "MessageType": "RAW"},
    "Verify": {"KeyId": EC, "Signature": bytes(70), "Message": bytes(32), "MessageType": "DIGEST"},
}


@pytest.fixture(scope="module")
def instance() -> InstanceClient:
    """A client of a mock with two instances that does not listen, and logs no request."""
    return InstanceClient(KmsMock([INSTANCE_FIXTURE], log_request=lambda *_: None))


def check(instance: InstanceClient, operation: str, body: bytes) -> HttpResponse:
    """Send a body, signed; check that the answer is a message, and that the store is as it was."""
    before = instance.kms.store.state()
    answer = instance.send(operation, body)
    assert answer.status < 500, (operation, body.hex(), answer.reason)
    assert answer.content_type == "application/x-protobuf"
    if answer.code:
        error = message("Error").FromString(answer.body)
        assert (error.StatusCode, error.ErrorCode) == (answer.status, answer.code)
        assert error.RequestId == answer.request_id
    else:
        message(f"{operation}Response").FromString(answer.body)
    assert instance.kms.store.state() == before
    return answer


def mutated(body: bytes, chance: random.Random) -> bytes:
    """Return a body with one to four changes: bits flipped, bytes put in, taken out, repeated or replaced."""
    data = bytearray(body)
    for _ in range(chance.randint(1, 4)):
        place, length = chance.randrange(len(data) + 1), chance.randint(1, 8)
        match chance.randrange(6):
            case 0 if data:
                data[place % len(data)] ^= 1 << chance.randrange(8)
            case 1:
                data[place:place] = chance.randbytes(length)
            case 2:
                del data[place : place + length]
            case 3:
                data[place:place] = data[place : place + length]
            case 4:
                data[place : place + 1] = chance.choice([b"\x00", b"\xff", b"\x80" * 11, b"\x7f", b"\x0a", b"\xd8\x00"])
            case _:
                del data[place:]
    return bytes(data)


def test_every_operation_is_among_the_requests(instance: InstanceClient) -> None:
    """What is damaged below are requests that would succeed, or be refused for their ciphertext alone."""
    assert REQUESTS.keys() == API.operations.keys()
    for operation, fields in REQUESTS.items():
        answer = check(instance, operation, instance.body(operation, **fields))
        assert answer.code == ("InvalidParameter" if operation.endswith("Decrypt") else ""), answer.reason


def test_mutated_requests(instance: InstanceClient) -> None:
    """Thousands of changed bodies of all operations; most are still read, and some of these succeed."""
    chance = random.Random(17)  # noqa: S311 (repeatable on purpose)
    bodies = {operation: instance.body(operation, **fields) for operation, fields in REQUESTS.items()}
    codes: dict[str, int] = {}
    for number in range(MUTATIONS):
        operation = list(bodies)[number % len(bodies)]
        body = mutated(bodies[operation], chance)
        code = check(instance, operation, body).code
        codes[code] = codes.get(code, 0) + 1
        assert (code == "ParseRequestParameterException") == damaged(operation, body), (operation, body.hex())
    assert {"", "ParseRequestParameterException", "InvalidParameter", "MissingParameter"} <= codes.keys()
    assert sum(codes.values()) == MUTATIONS


def damaged(operation: str, body: bytes) -> bool:
    """Return whether the official library cannot read a body; groups, which it skips, count as damage here."""
    try:
        read = message(f"{operation}Request").FromString(body)
    except DecodeError:
        return True
    return any(field.wire_type in (3, 4) for field in unknown_fields.UnknownFieldSet(read))


@pytest.mark.parametrize("operation", REQUESTS)
@given(body=st.binary(max_size=80))
def test_arbitrary_bodies(instance: InstanceClient, operation: str, body: bytes) -> None:
    """Any bytes at all as the message of each operation."""
    check(instance, operation, body)


@given(header=st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=80))
def test_arbitrary_version_headers(instance: InstanceClient, header: str) -> None:
    """Any text as the version to use is refused unless it is one of the key's, or empty."""
    body = instance.body("Encrypt", **REQUESTS["Encrypt"])
    before = instance.kms.store.state()
    answer = instance.send("Encrypt", body, instance.headers("Encrypt", body, **{VERSION_HEADER: header.strip()}))
    assert answer.status < 500
    assert bool(answer.code) == bool(header.strip())
    assert instance.kms.store.state() == before
