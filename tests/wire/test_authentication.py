"""Who may call: signatures as the official SDK and others make them, AccessKeys, RAM policies; clients.md 2.13-2.15, 2.25.

Signatures are not asked for unless a fixture says `authentication: {signatures: verify}`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client
from Tea.exceptions import TeaException

from kms_mock import KmsMock
from kms_mock.kms import errors
from tests.support.calls import refused
from tests.support.raw_http import VERSION, Answer, ask, http

SECRET = "the-secret-of-x-0123456789abcd"
OTHER = "another-secret-9876543210abcdef"
ODD = "blank ~!'()*+/=&%;:ü 中文 😀"
MODES: dict[str, dict[str, str]] = {
    "ACS3": {},
    "ACS4": {"signature_version": "v4"},
    "HMAC-SHA1": {"signature_algorithm": "v2"},
}
READ_ONLY = {
    "Version": "1",
    "Statement": [
        {"Effect": "Allow", "Action": ["kms:Describe*", "kms:List*"], "Resource": "*"},
        {"Effect": "Deny", "Action": "kms:ListSecrets", "Resource": "*"},
        {"Effect": "Allow", "Action": "kms:GetSecretValue", "Resource": "acs:kms:cn-hangzhou:222:secret/open"},
    ],
}
ACCOUNT = {
    "id": "222",
    "access_keys": [
        {"id": "AK", "secret": SECRET},
        {"id": "AK-off", "secret": SECRET, "active": False},
        {"id": "AK-user", "secret": SECRET, "user": "reader", "policy": READ_ONLY},
        {"id": "AK-bare"},
        {"id": "STS.AK", "secret": SECRET},
    ],
    "regions": [
        {
            "id": "cn-hangzhou",
            "secrets": [{"name": ODD_NAME, "value": ODD} for ODD_NAME in ("db", "open")],
        }
    ],
}
STRICT = {"authentication": {"signatures": "verify"}, "accounts": [ACCOUNT]}

modes = pytest.mark.parametrize("mode", MODES.values(), ids=MODES)


@pytest.fixture
def strict() -> Iterator[KmsMock]:
    """A mock that verifies signatures, with one account and its keys."""
    with KmsMock([STRICT]) as running:
        yield running


def read_value(client: Client, name: str = "db") -> str:
    value = client.get_secret_value(models.GetSecretValueRequest(secret_name=name)).body.secret_data
    assert isinstance(value, str)
    return value


def secret_arn(client: Client, name: str = "db") -> str:
    arn = client.describe_secret(models.DescribeSecretRequest(secret_name=name)).body.arn
    assert isinstance(arn, str)
    return arn


# -- the official SDK -------------------------------------------------------------------------------------------------


@modes
def test_the_right_secret_opens(strict: KmsMock, mode: dict[str, str]) -> None:
    """15: requests signed by the SDK with the secret of the fixture's AccessKey are answered, in each signing mode."""
    client = strict.client(access_key_id="AK", access_key_secret=SECRET, **mode)
    assert read_value(client) == ODD
    put = models.PutSecretValueRequest(secret_name="db", version_id="v 2", secret_data=ODD + "2")  # travels in the form
    client.put_secret_value(put)
    assert read_value(client) == ODD + "2"
    tags = [models.TagResourcesRequestTag(key=f"k{number}", value="v") for number in range(11)]
    client.tag_resources(
        models.TagResourcesRequest(region_id="cn-hangzhou", resource_type="secret", resource_id=["db"], tag=tags)
    )
    assert secret_arn(client) == "acs:kms:cn-hangzhou:222:secret/db"


@modes
def test_a_wrong_secret_is_refused_with_the_string_to_sign(
    strict: KmsMock, mode: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """25: SignatureDoesNotMatch is 400, its text ends in a colon and the server's string to sign, which no log has."""
    client = strict.client(access_key_id="AK", access_key_secret=OTHER, **mode)
    put = models.PutSecretValueRequest(secret_name="db", version_id="v2", secret_data="hush-hush")
    before = strict.snapshot()
    with caplog.at_level(logging.DEBUG, "kms_mock"), pytest.raises(TeaException) as caught:
        client.put_secret_value(put)
    assert (caught.value.statusCode, caught.value.code) == (400, "SignatureDoesNotMatch")
    text, _, to_sign = caught.value.data["Message"].partition(":")
    assert text == "Specified signature is not matched with our calculation. server string to sign is"
    assert to_sign.startswith(("ACS3-HMAC-SHA256\n", "ACS4-HMAC-SHA256\n", "POST&%2F&"))
    assert strict.snapshot() == before
    assert "hush" not in caplog.text
    assert to_sign not in caplog.text
    assert SECRET not in caplog.text
    assert "most likely the client's secret is not that of AccessKey 'AK' in the fixture file" in caplog.text


@modes
def test_an_unknown_access_key_is_refused(strict: KmsMock, mode: dict[str, str]) -> None:
    """15: an AccessKey id that no fixture names cannot be verified: InvalidAccessKeyId.NotFound 404."""
    client = strict.client(access_key_id="nobody", access_key_secret=SECRET, **mode)
    refused(strict, errors.INVALID_ACCESS_KEY_ID, secret_arn, client)
    refused(strict, errors.INVALID_ACCESS_KEY_ID, read_value, client)


@pytest.mark.parametrize(
    ("authentication", "setting"),
    [
        ({"signatures": "verify"}, "signatures: verify"),
        ({"unknown_access_keys": "refuse"}, "unknown_access_keys: refuse"),
        (
            {"unknown_access_keys": "refuse", "signatures": "verify"},
            "unknown_access_keys: refuse and signatures: verify",
        ),
    ],
)
def test_the_reason_names_the_nearest_access_key_and_the_setting(authentication: dict[str, str], setting: str) -> None:
    """A misspelled id is refused because of what the fixture file says, and the id that was meant is named."""
    with KmsMock([{"authentication": authentication, "accounts": [ACCOUNT]}]) as kms:
        for wrong, end in (("AK-usre", "; did you mean 'AK-user'?"), ("nobody", ".")):
            answer = ask(kms, http("GET", rpc(wrong, SECRET)))
            assert answer.refusal[:2] == (404, "InvalidAccessKeyId.NotFound")
            assert answer.headers["x-kms-mock-reason"] == (
                f"No AccessKey id {wrong!r} is in a fixture file, which has {setting}{end}"
            )


def test_a_key_without_a_secret_cannot_be_verified(strict: KmsMock) -> None:
    """15: an AccessKey without a secret in the fixture is refused, and the reason says what is missing."""
    client = strict.client(access_key_id="AK-bare", access_key_secret=SECRET)
    refused(strict, errors.INVALID_ACCESS_KEY_ID, secret_arn, client)
    answer = ask(strict, http("GET", rpc("AK-bare", SECRET)))
    assert "has no secret in the fixture file" in answer.headers["x-kms-mock-reason"]


@modes
def test_an_inactive_access_key_is_refused(strict: KmsMock, mode: dict[str, str]) -> None:
    """An AccessKey that the fixture switched off answers Forbidden.AccessKey 403."""
    refused(
        strict,
        errors.ACCESS_KEY_INACTIVE,
        read_value,
        strict.client(access_key_id="AK-off", access_key_secret=SECRET, **mode),
    )


@pytest.mark.parametrize("seconds", [-901, -86400, 901, 86400])
def test_an_old_or_future_signature_is_expired(strict: KmsMock, seconds: int) -> None:
    """15: a signature is good for 15 minutes before and after the server's time."""
    answer = ask(strict, http("GET", rpc("AK", SECRET, at=time.time() + seconds)))  # noqa: TID251 (signs as a client)
    assert answer.refusal == (400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")


@pytest.mark.parametrize("seconds", [-850, 0, 850])
def test_a_clock_that_is_a_little_off_is_fine(strict: KmsMock, seconds: int) -> None:
    """15: within 15 minutes any time of signing will do."""
    answer = ask(strict, http("GET", rpc("AK", SECRET, at=time.time() + seconds)))  # noqa: TID251 (signs as a client)
    assert answer.status == 200


def test_signatures_go_by_the_real_clock(strict: KmsMock) -> None:
    """15: a mock whose clock was moved a month on still takes what clients sign by their own clocks."""
    strict.clock.advance("30d")
    assert read_value(strict.client(access_key_id="AK", access_key_secret=SECRET)) == ODD


@modes
def test_a_user_may_do_what_the_ram_policy_allows_and_no_more(mode: dict[str, str]) -> None:
    """A RAM user with a policy: allowed actions work, others are Forbidden.NoPermission; signatures verified or not."""
    for strictness in ("verify", "ignore"):
        with KmsMock([{**STRICT, "authentication": {"signatures": strictness}}]) as kms:
            client = kms.client(access_key_id="AK-user", access_key_secret=SECRET, **mode)
            assert secret_arn(client).endswith(":222:secret/db")
            assert read_value(client, "open") == ODD
            refused(kms, errors.SECRET_NO_PERMISSION, client.list_secrets, models.ListSecretsRequest())
            denied = models.RestoreSecretRequest(secret_name="db")
            refused(kms, errors.NO_PERMISSION_ON, client.restore_secret, denied)
            refused(kms, errors.NO_PERMISSION_ON, read_value, client)


# -- signed by hand ---------------------------------------------------------------------------------------------------


def rpc(
    access_key_id: str, secret: str, method: str = "GET", at: float | None = None, **more: str | None
) -> dict[str, str]:
    """Sign DescribeSecret as the RPC documentation says; a parameter given as None is left out."""
    moment = time.gmtime(time.time() if at is None else at)  # noqa: TID251 (signs as a client)
    wanted: dict[str, str | None] = {
        "Action": "DescribeSecret",
        "Version": VERSION,
        "SecretName": "db",
        "AccessKeyId": access_key_id,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", moment),
        **more,
    }
    parameters = {name: value for name, value in wanted.items() if value is not None}
    joined = urlencode(sorted(parameters.items()), quote_via=quote, safe="~")
    to_sign = f"{method}&%2F&{quote(joined, safe='~')}"
    signature = base64.b64encode(hmac.digest(f"{secret}&".encode(), to_sign.encode(), "sha1")).decode()
    return {**parameters, "Signature": signature}


def test_a_signature_counts_wherever_the_parameters_travel(strict: KmsMock) -> None:
    """3, 15: HMAC-SHA1 covers query and form together: all in the query, all in the form, or split."""
    signed = rpc("AK", SECRET, "POST")
    system = {name: value for name, value in signed.items() if name != "SecretName"}
    assert ask(strict, http("GET", rpc("AK", SECRET))).status == 200
    assert ask(strict, http("POST", signed)).status == 200
    assert ask(strict, http("POST", form=signed)).status == 200
    assert ask(strict, http("POST", system, form={"SecretName": "db"})).status == 200
    assert ask(strict, http("POST", signed, path="http://kms.cn-hangzhou.aliyuncs.com/")).status == 200
    assert ask(strict, http("GET", signed)).refusal[1] == "SignatureDoesNotMatch"  # it was signed for POST
    assert ask(strict, http("POST", {**signed, "SecretName": "open"})).refusal[1] == "SignatureDoesNotMatch"


def test_the_reason_says_what_the_client_did_wrong(strict: KmsMock) -> None:
    """25: a mismatch names the mistake in x-kms-mock-reason, without a value."""
    answer = ask(strict, http("GET", rpc("AK", SECRET, "POST")))
    assert "signed the method POST" in answer.headers["x-kms-mock-reason"]


def test_a_string_to_sign_that_is_no_latin_text_still_fits_the_envelope(strict: KmsMock) -> None:
    """25: the string to sign comes back whole whatever characters the parameters had, in JSON and XML."""
    for kind in ("JSON", "XML"):
        answer = ask(strict, http("GET", rpc("AK", OTHER, SecretName=ODD + "\n\x00", Format=kind)))
        assert answer.refusal[1] == "SignatureDoesNotMatch"
        assert answer.refusal[2].endswith("%26Version%3D2016-01-20")


INCOMPLETE = (400, "IncompleteSignature", "The request signature does not conform to Aliyun standards.")
NO_TIME = (
    400,
    "IllegalTimestamp",
    "The input parameter Timestamp that is mandatory for processing this request is not supplied.",
)
NO_KEY = (400, "MissingParameter", "The parameter  AccessKeyId  needed but no provided.")


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"Timestamp": None}, NO_TIME),
        ({"Timestamp": "yesterday"}, NO_TIME),
        ({"SignatureMethod": "HMAC-SHA256"}, INCOMPLETE),
        ({"SignatureVersion": None}, INCOMPLETE),
        ({"AccessKeyId": None}, NO_KEY),
        ({"AccessKeyId": ""}, NO_KEY),
        ({"SignatureType": "BEARERTOKEN"}, INCOMPLETE),
    ],
)
def test_a_signature_that_lacks_a_part_is_refused(
    strict: KmsMock, change: dict[str, str | None], refusal: tuple[int, str, str]
) -> None:
    """15: a missing time is IllegalTimestamp (DescribeSecret's own row), a missing part IncompleteSignature."""
    assert ask(strict, http("GET", rpc("AK", SECRET, "GET", None, **change))).refusal == refusal


def test_unsigned_requests_are_refused_when_signatures_count(strict: KmsMock) -> None:
    """15: without any signature: MissingParameter for AccessKeyId, or IncompleteSignature when an id is named."""
    bare = {"Action": "DescribeSecret", "Version": VERSION, "SecretName": "db"}
    assert ask(strict, http("GET", bare)).refusal == NO_KEY
    assert ask(strict, http("GET", {**bare, "AccessKeyId": "AK"})).refusal == INCOMPLETE
    assert ask(strict, http("GET", bare, headers={"Authorization": "Bearer x"})).refusal == INCOMPLETE
    assert (
        ask(strict, http("GET", bare, headers={"Authorization": "ACS3-HMAC-SHA256 Credential=AK"})).refusal
        == INCOMPLETE
    )
    assert ask(strict, http("GET", {**bare, "Action": "NoSuch"})).refusal[1] == "InvalidAction.NotFound"


def test_milliseconds_and_a_missing_nonce_are_fine(strict: KmsMock) -> None:
    """13: npm kms-sdk sends milliseconds and no SignatureNonce; an empty SignatureType is signed like any parameter."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S.096Z", time.gmtime())
    assert ask(strict, http("GET", rpc("AK", SECRET, Timestamp=stamp, SignatureType=""))).status == 200


def test_a_temporary_key_needs_its_token(strict: KmsMock) -> None:
    """14: an AccessKey id `STS.…` without a security token answers MissingSecurityToken."""
    refusal = (400, "MissingSecurityToken", "SecurityToken is mandatory for this action.")
    assert ask(strict, http("GET", rpc("STS.AK", SECRET))).refusal == refusal
    assert ask(strict, http("GET", rpc("STS.AK", SECRET, SecurityToken="token"))).status == 200
    client = strict.client(access_key_id="STS.AK", access_key_secret=SECRET, security_token="token", type="sts")
    assert read_value(client) == ODD


def test_a_nonce_counts_once(strict: KmsMock) -> None:
    """A verified request cannot be sent again; its nonce is remembered per AccessKey, and a reset forgets it."""
    used = (400, "SignatureNonceUsed", "Specified signature nonce was used already.")
    request = http("GET", rpc("AK", SECRET, SignatureNonce="n1"))
    assert ask(strict, request).status == 200
    assert ask(strict, request).refusal == used
    assert ask(strict, http("GET", rpc("AK", SECRET, SignatureNonce="n1", SecretName="open"))).refusal == used
    assert ask(strict, http("GET", rpc("AK", OTHER, SignatureNonce="n2"))).refusal[1] == "SignatureDoesNotMatch"
    assert ask(strict, http("GET", rpc("AK", SECRET, SignatureNonce="n2"))).status == 200
    strict.reset()
    assert ask(strict, request).status == 200


def test_the_body_must_be_the_one_that_was_signed(strict: KmsMock) -> None:
    """15: an ACS3 signature covers the SHA-256 of the body."""

    def signed(body: bytes, sent: bytes) -> Answer:
        headers = {
            "host": "127.0.0.1",
            "x-acs-action": "DescribeSecret",
            "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
            "x-acs-date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "x-acs-version": VERSION,
        }
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        canonical = f"POST\n/\n\n{lines}\n{';'.join(headers)}\n{headers['x-acs-content-sha256']}"
        to_sign = f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.digest(SECRET.encode(), to_sign.encode(), "sha256").hex()
        authorization = f"ACS3-HMAC-SHA256 Credential=AK,SignedHeaders={';'.join(headers)},Signature={signature}"
        more = {**{name: value for name, value in headers.items() if name != "host"}, "Authorization": authorization}
        return ask(strict, http("POST", body=sent, headers=more))

    assert signed(b"SecretName=db", b"SecretName=db").status == 200
    assert signed(b"SecretName=db", b"SecretName=open").refusal[1] == "SignatureDoesNotMatch"


# -- not verified -----------------------------------------------------------------------------------------------------


@modes
def test_without_verification_any_secret_will_do(kms: KmsMock, mode: dict[str, str]) -> None:
    """By default nobody's signature is checked, and any AccessKey is the default account's."""
    client = kms.client(access_key_id="anybody", access_key_secret="wrong", **mode)
    client.create_secret(models.CreateSecretRequest(secret_name="s", version_id="v", secret_data="d"))
    assert read_value(kms.client(access_key_id="somebody else"), "s") == "d"


def test_unknown_keys_can_be_refused_without_verification() -> None:
    """`unknown_access_keys: refuse` wants a known AccessKey id, whatever the signature."""
    with KmsMock([{**STRICT, "authentication": {"unknown_access_keys": "refuse"}}]) as kms:
        refused(kms, errors.INVALID_ACCESS_KEY_ID, secret_arn, kms.client(access_key_id="nobody"))
        assert read_value(kms.client(access_key_id="AK", access_key_secret="wrong")) == ODD


@pytest.mark.parametrize("padded", [" AK", "AK ", "AK\n"])
@pytest.mark.parametrize("strictness", ["verify", "ignore"])
def test_a_padded_access_key_id_is_an_invalid_parameter(padded: str, strictness: str) -> None:
    """behaviour.md 21: blanks around the AccessKeyId answer InvalidParameter, in GetSecretValue's own words."""
    with KmsMock([{**STRICT, "authentication": {"signatures": strictness}}]) as kms:
        answer = ask(kms, http("GET", rpc(padded, SECRET, Action="GetSecretValue")))
        assert answer.refusal == (400, "InvalidParameter", "The specified parameter AccessKeyId is not valid")
        header = {"Authorization": f"ACS3-HMAC-SHA256 Credential={padded.strip()} ,SignedHeaders=host,Signature=0"}
        query = {"Action": "GetSecretValue", "Version": VERSION, "SecretName": "db"}
        assert ask(kms, http("GET", query, headers=header)).refusal == answer.refusal


def test_verification_follows_the_fixture(strict: KmsMock) -> None:
    """A fixture loaded later switches verification; a reset brings the first state back."""
    wrong: Any = strict.client(access_key_id="AK", access_key_secret=OTHER)
    strict.load({"authentication": {"signatures": "ignore"}})
    assert read_value(wrong) == ODD
    strict.reset()
    with pytest.raises(TeaException):
        read_value(wrong)
