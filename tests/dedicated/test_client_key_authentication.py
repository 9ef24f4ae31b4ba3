"""Who may call the dedicated gateway: the holder of a client key, within its dates, as its access point allows."""

from __future__ import annotations

import base64
import json
from email.utils import formatdate
from typing import Any

import pytest

from kms_mock import KmsMock
from tests.support.dedicated import (
    AES,
    EXPIRED,
    GOOD,
    HARDWARE,
    INSTANCE,
    INSTANCE_FIXTURE,
    SM4,
    InstanceClient,
    Refused,
    ask_rpc,
    client_key_contents,
    client_key_document,
)

KEY_USER = "RbacPermission/Template/CryptoServiceKeyUser"
SECRET_USER = "RbacPermission/Template/CryptoServiceSecretUser"
NOT_MATCHED = (401, "SignatureNotMatch", "Signature is not matched.")


@pytest.fixture
def kms() -> KmsMock:
    """A mock with two instances that does not listen."""
    return KmsMock([INSTANCE_FIXTURE])


def invalid(name: str) -> tuple[int, str, str]:
    return 400, "InvalidParam", f"The Param {name} is invalid."


def refusal(client: InstanceClient, operation: str = "GenerateRandom", /, **changes: str | None) -> Any:
    """Send a request with changed headers; return status, code and text of its refusal."""
    body = client.body(operation, Length=8)
    answer = client.send(operation, body, client.headers(operation, body, **changes))
    assert answer.code
    return Refused(answer).refusal


def test_what_is_checked(kms: KmsMock) -> None:
    """Id, method, Authorization, body, date, known key, dates, signature: each has a documented code."""
    client = InstanceClient(kms)
    assert client.ask("GenerateRandom", Length=8)
    name = "Parameter x-kms-acccesskeyid does not exist in http header or body."
    assert refusal(client, **{"x-kms-acccesskeyid": None}) == (400, "MissingParameter", name)
    assert refusal(client, **{"x-kms-signaturemethod": None}) == invalid("x-kms-signaturemethod")
    wrong = 'The Param x-kms-signaturemethod is invalid. message:"RSA_MD5".'
    assert refusal(client, **{"x-kms-signaturemethod": "RSA_MD5"}) == (400, "InvalidParam", wrong)
    for text in (None, "", "Bearer", "Bearer ???", "Basic QUFB", "Bearer é"):
        assert refusal(client, authorization=text) == invalid("Authorization")
    assert refusal(client, authorization=f"Bearer {base64.b64encode(bytes(256)).decode()}") == NOT_MATCHED
    for text in (None, "", "yesterday", "2026-01-31T12:00:00Z", "Fri, 99 Dec 99999 99:99:99 GMT"):
        assert refusal(client, date=text) == invalid("Date")
    unknown = (404, "Unauthorized", 'The AccessKey ID "LTAI" does not exist in our records.')
    assert refusal(client, **{"x-kms-acccesskeyid": "LTAI"}) == unknown
    body = client.body("GenerateRandom", Length=9)
    assert Refused(client.send("GenerateRandom", body, client.headers("GenerateRandom", b""))).refusal == NOT_MATCHED


@pytest.mark.parametrize("seconds", [-1000, 1000])
def test_a_request_is_good_for_a_quarter_of_an_hour(kms: KmsMock, seconds: int) -> None:
    """The date is at most 15 minutes before or after the real time; the clock of the mock has no say in it."""
    client = InstanceClient(kms)
    now = kms.sources.real_now()
    skewed = (400, "RequestTimeTooSkewed", "Request time exceeds server time more than 15 minutes.")
    assert refusal(client, date=formatdate(now + seconds, usegmt=True)) == skewed
    body = client.body("GenerateRandom", Length=8)
    for date in (formatdate(now + seconds * 0.8, usegmt=True), "Mon, 03 Jan 2022 08:33:47 UTC"):
        answer = client.send("GenerateRandom", body, client.headers("GenerateRandom", body, date=date))
        assert answer.code == ("" if date.endswith("GMT") else "RequestTimeTooSkewed")


@pytest.mark.parametrize("name", ["date", "content-type", "x-kms-apiname", "x-kms-apiversion", "x-kms-extra"])
def test_what_the_signature_covers(kms: KmsMock, name: str) -> None:
    """A change of a signed header after signing, or one more that starts with x-kms-, is not matched."""
    client = InstanceClient(kms)
    body = client.body("Encrypt", KeyId=AES, Plaintext=b"x")
    headers = client.headers("Encrypt", body)
    headers[name] = {
        "date": formatdate(kms.sources.real_now() - 60, usegmt=True),
        "content-type": "application/x-protobuf;charset=utf-8",
        "x-kms-apiname": "AdvanceEncrypt",
        "x-kms-apiversion": "dkms-gcs-0.2 ",
        "x-kms-extra": "1",
    }[name]
    answer = client.send("Encrypt", body, headers)
    assert answer.code == ("InvalidApiVersion" if name == "x-kms-apiversion" else "SignatureNotMatch")


def test_the_scheme_of_the_help_page(kms: KmsMock) -> None:
    """The page "Request signatures" writes TOKEN where all clients write Bearer."""
    client = InstanceClient(kms)
    body = client.body("GenerateRandom", Length=8)
    headers = client.headers("GenerateRandom", body)
    headers["authorization"] = headers["authorization"].replace("Bearer", "TOKEN")
    assert client.send("GenerateRandom", body, headers).code == ""


def test_wrong_keys(kms: KmsMock) -> None:
    """Another's private key, an id that nobody issued, and a key after its dates are refused, whatever else is set."""
    contents = client_key_contents()
    for document in ({}, {"authentication": {"signatures": "verify", "unknown_access_keys": "refuse"}}):
        kms.load(document)
        assert refusal(InstanceClient(kms, contents["wrong"])) == NOT_MATCHED
        assert refusal(InstanceClient(kms, contents["unknown"]))[:2] == (404, "Unauthorized")
        assert refusal(InstanceClient(kms, contents["expired"]))[:2] == (403, "Forbidden.AccessKey")
        assert InstanceClient(kms).ask("GenerateRandom", Length=8)


def test_the_dates_go_by_the_clock_of_the_mock(kms: KmsMock) -> None:
    """A client key falls out of its dates when the clock is moved, and a deleted one is unknown."""
    client, expired = InstanceClient(kms), InstanceClient(kms, client_key_contents()["expired"])
    kms.clock.set("2020-06-01")
    assert expired.ask("GenerateRandom", Length=8)
    kms.clock.set("2050-01-01")
    assert refusal(client)[:2] == (403, "Forbidden.AccessKey")
    last = kms.calls.last
    assert last is not None
    assert "valid from 2020-01-01T00:00:00Z to 2049-12-31T00:00:00Z" in last.reason
    kms.clock.reset()
    with kms.checkpoint():
        ask_rpc(kms, "DeleteClientKey", ClientKeyId=GOOD)
        assert refusal(client)[:2] == (404, "Unauthorized")
    assert client.ask("GenerateRandom", Length=8)


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        ({}, {"key", "secret"}),
        ({"permissions": [KEY_USER]}, {"key"}),
        ({"permissions": [SECRET_USER]}, {"secret"}),
        ({"resources": [f"key/{AES}"]}, {"key"}),
        ({"resources": ["key/other", "secret/db/*"]}, {"secret"}),
        ({"network_rules": ["here"]}, {"key", "secret"}),
        ({"network_rules": ["there"]}, set()),
        ({"network_rules": ["nowhere"]}, set()),
    ],
)
def test_the_access_point_says_what_is_allowed(policy: dict[str, Any], allowed: set[str]) -> None:
    """Permissions, resources and network rules of its policies hold; random bytes are for every valid client key."""
    document = {
        "instances": [{"id": INSTANCE}],
        "keys": [{"id": AES, "instance": INSTANCE}],
        "secrets": [{"name": "db/password", "value": "x", "instance": INSTANCE}],
        "network_rules": [
            {"name": "here", "sources": ["10.1.0.0/16", "127.0.0.1"]},
            {"name": "there", "sources": ["10.2.0.0/16"]},
        ],
        "access_policies": [
            {
                "name": "p",
                "scope": INSTANCE,
                "permissions": [KEY_USER, SECRET_USER],
                "resources": ["key/*", "secret/*"],
                **policy,
            }
        ],
        "access_points": [
            {
                "name": "app",
                "policies": ["p"],
                "client_keys": [client_key_document()],
            }
        ],
    }
    client = InstanceClient(KmsMock([document]))
    calls: dict[str, tuple[str, dict[str, Any]]] = {
        "key": ("Encrypt", {"KeyId": AES, "Plaintext": b"x"}),
        "secret": ("GetSecretValue", {"SecretName": "db/password"}),
    }
    for kind, (operation, fields) in calls.items():
        if kind in allowed:
            client.ask(operation, **fields)
            continue
        with pytest.raises(Refused) as caught:
            client.ask(operation, **fields)
        status, code, text = caught.value.refusal
        assert (status, code) == (403, "Forbidden.NoPermission")
        assert text.startswith('This operation for "acs:kms:cn-hangzhou:')
    assert client.ask("GenerateRandom", Length=8)


def test_the_region_and_account_are_those_of_the_client_key() -> None:
    """A client key of another account and region finds the keys of its own place, whatever RegionId or host say."""
    resources = {
        "id": "cn-beijing",
        "instances": [{"id": HARDWARE, "kind": "hardware"}],
        "keys": [{"id": SM4, "spec": "Aliyun_SM4", "instance": HARDWARE}],
        "access_policies": [{"name": "p", "permissions": [KEY_USER], "resources": ["key/*"]}],
        "access_points": [{"name": "a", "policies": ["p"], "client_keys": [client_key_document()]}],
    }
    kms = KmsMock([{"accounts": [{"id": "222", "regions": [resources]}]}])
    made = InstanceClient(kms).ask("Encrypt", KeyId=SM4, Plaintext=b"x")
    arn = f"acs:kms:cn-beijing:222:key/{SM4}"
    fields = {"CiphertextBlob": made.CiphertextBlob, "Iv": made.Iv}
    assert InstanceClient(kms).ask("Decrypt", KeyId=arn, **fields).Plaintext == b"x"


def test_the_rpc_api_takes_the_same_client_key(kms: KmsMock) -> None:
    """The secrets clients sign RPC requests with it: the same access point allows them the same."""
    client = kms.gateway.apis[0].client_keys
    assert client is not None
    assert (
        client.caller(kms.store, GOOD, kms.clock.now()).application
        == "acs:kms:cn-hangzhou:1234567890123456:applicationaccesspoint/orders"
    )
    assert json.loads(client_key_contents()["good"])["KeyId"] == GOOD != EXPIRED
