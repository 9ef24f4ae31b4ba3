"""Secret values and key material are in no log record, no reason and no repr."""

from __future__ import annotations

import http.client
import json
import logging
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
import pytest

from kms_mock import KmsMock
from kms_mock.fixtures.files import FixtureDocument
from kms_mock.identity.accounts import account_of_access_key
from kms_mock.identity.identities import OidcKey
from kms_mock.kms.model.sealing import service_keys
from kms_mock.kms.model.secret_types import Values
from kms_mock.products import APIS
from kms_mock.rpc.canonical import Recipe
from kms_mock.rpc.decode import HttpRequest, decode, signed_request
from kms_mock.rpc.gateway import Gateway
from kms_mock.rpc.signature import Verification
from tests.support.in_process import InProcess
from tests.support.secrets import KEY_ID, RDS

WORD = "hunter2"
VALUE = f"{WORD}-€&="
ACCOUNTS = json.dumps({"Accounts": [{"AccountName": "a", "AccountPassword": VALUE}]})
MATERIAL = "aHVudGVyMi1odW50ZXIyLWh1bnRlcjItaHVudGVyMi0="  # Base64 of 32 bytes that begin with hunter2
CALLS: list[dict[str, str]] = [
    {"Action": "CreateSecret", "SecretName": "db", "VersionId": "v1", "SecretData": VALUE},
    {"Action": "CreateSecret", "SecretName": "db", "VersionId": "v1", "SecretData": VALUE},
    {"Action": "CreateSecret", "SecretName": "a b", "VersionId": "v1", "SecretData": VALUE},
    {"Action": "CreateSecret", "SecretName": "x", "VersionId": "v1", "SecretData": VALUE * 9999},
    {
        "Action": "CreateSecret",
        "SecretName": "rds",
        "VersionId": "v1",
        "SecretData": ACCOUNTS,
        "SecretType": "Rds",
        "ExtendedConfig": json.dumps(RDS),
    },
    {
        "Action": "CreateSecret",
        "SecretName": "rds2",
        "VersionId": "v1",
        "SecretData": json.dumps({WORD: [WORD]}),
        "SecretType": "Rds",
        "ExtendedConfig": json.dumps(RDS),
    },
    {"Action": "PutSecretValue", "SecretName": "db", "VersionId": "v2", "SecretData": VALUE},
    {"Action": "PutSecretValue", "SecretName": "db", "VersionId": "v2", "SecretData": f"{VALUE}2"},
    {"Action": "PutSecretValue", "SecretName": "none", "VersionId": "v2", "SecretData": VALUE},
    {"Action": "PutSecretValue", "SecretName": "rds", "VersionId": "v2", "SecretData": VALUE},
    {"Action": "PutSecretValue", "SecretName": "db", "VersionId": "v3", "SecretData": VALUE, "SecretDataType": "x"},
    {"Action": "PutSecretValue", "SecretName": "db", "SecretData": VALUE},
    {"Action": "GetSecretValue", "SecretName": "db"},
    {"Action": "GetSecretValue", "SecretName": "rds", "Format": "XML"},
    {"Action": "BatchGetSecretValue", "SecretsList": '[{"SecretName":"db"},{"SecretName":"none"}]'},
    {"Action": "RotateSecret", "SecretName": "rds", "VersionId": "r1"},
    {"Action": "Encrypt", "KeyId": KEY_ID, "Plaintext": VALUE},
    {"Action": "Encrypt", "KeyId": "none", "Plaintext": VALUE},
    {"Action": "Decrypt", "CiphertextBlob": VALUE},
    {"Action": "NoSuchAction", "SecretData": VALUE},
]
FIXTURE: dict[str, Any] = {
    "keys": [{"id": KEY_ID, "material": MATERIAL}],
    "secrets": [{"name": "kept", "value": VALUE}],
    "accounts": [{"id": "7", "access_keys": [{"id": "LTAI7", "secret": VALUE}]}],
}


def holds_it(text: str) -> bool:
    """Return whether a text has the value, plain, escaped or as Base64."""
    return any(form in text for form in (WORD, quote(WORD), WORD.encode().hex(), MATERIAL[:12]))


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Catch every record at the finest level; pytest puts the levels back."""
    caplog.set_level(logging.DEBUG)
    for name in ("kms_mock", "aiohttp", "aiohttp.access", "aiohttp.server", "asyncio"):
        caplog.set_level(logging.DEBUG, name)
    return caplog


def test_logs_and_reasons_hold_no_value(everything_logged: pytest.LogCaptureFixture) -> None:
    """Over a run of stores, reads and refusals, by query and by form, no record and no reason has the value."""
    with KmsMock([FIXTURE]) as kms:
        connection = http.client.HTTPConnection("127.0.0.1", kms.port)
        read = 0
        for call in CALLS:
            query = urlencode({"Version": "2016-01-20", **call})
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            for target, body, headers in ((f"/?{query}", "", {}), ("/", query, kind)):
                connection.request("POST", target, body, headers)
                answer = connection.getresponse()
                read += WORD in answer.read().decode()
                assert not holds_it(str(answer.headers)), call
        connection.request("POST", f"/{WORD}?{VALUE.encode().hex()}", VALUE.encode())
        connection.getresponse().read()
        connection.close()
    assert read >= 4  # the values did travel
    records = everything_logged.records
    assert len([record for record in records if record.name == "kms_mock"]) >= 2 * len(CALLS)
    for record in records:
        # The path of a request is no parameter, and may be shown.
        text = record.getMessage() + repr(record.__dict__)
        assert not holds_it(text), text


def test_requests_do_not_show_what_they_carry() -> None:
    """The reprs of a request, decoded or not, hold no parameter."""
    query = urlencode({"Version": "2016-01-20", **CALLS[0]})
    sent = HttpRequest("POST", f"/?{query}", {"Cookie": VALUE}, VALUE.encode())
    for one in (sent, decode(sent), signed_request(sent)):
        assert not holds_it(repr(one)), repr(one)


def test_records_do_not_show_what_they_hold() -> None:
    """The reprs of everything in a store, and of the documents that it came from, hold no value and no material."""
    server = InProcess(FIXTURE)
    for call in CALLS:
        parameters = {key: value for key, value in call.items() if key not in ("Action", "Format")}
        server.call(call["Action"], **parameters)
    server.close()
    state = server.store.state()
    assert "SecretVersion(" in repr(state)
    assert not holds_it(repr(state))
    assert not holds_it(repr(server.store))
    assert not holds_it(
        repr(
            [
                partition[service_keys].find("")
                for partition in server.store.partitions()
                if len(partition[service_keys])
            ]
        )
    )
    assert not holds_it(repr(Gateway(APIS, server.store, server.store.sources)))
    assert not holds_it(repr(Values(VALUE, VALUE)))
    assert not holds_it(repr(msgspec.convert(FIXTURE, FixtureDocument)))
    assert not holds_it(repr(account_of_access_key(server.store, "LTAI7")))


def test_what_signs_shows_no_key() -> None:
    """The text of a recipe, of a verification and of a provider's key, which a traceback may show, has no part of them."""
    recipe = Recipe(scheme="HMAC-SHA1", key=b"hunter2&", method="GET", pairs=(("SecretData", "hunter2"),))
    verified = Verification("HMAC-SHA1", "", "hunter2", expected="hunter2", given="hunter2", matches=True)
    shown = repr([recipe, verified, OidcKey("1", "hunter2", private=True)])
    assert "hunter2" not in shown
    assert "HMAC-SHA1" in shown
