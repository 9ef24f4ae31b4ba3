"""Signatures as real clients make them, the vendor's published examples, and one thing changed at a time."""

from __future__ import annotations

import hashlib

import pytest
from alibabacloud_tea_openapi.utils import Utils
from msgspec.structs import replace

from kms_mock.rpc.signature import Keys, Problem, check, expected_signature
from kms_mock.rpc.signed_request import SignedRequest, security_token_of, timestamp_of
from tests.support.signed_requests import (
    CALLS,
    FORM_TYPE,
    MODES,
    SIGNING_SECRET,
    SignedRequests,
    received_request,
    refused_signature,
    rpc_request,
    verdict_on,
    with_authorization,
    with_header,
    with_query,
)


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# -- what the official SDK signs --------------------------------------------------------------------------------------
@pytest.mark.parametrize("call", CALLS)
def test_requests_of_the_official_sdk_verify(recorder: SignedRequests, mode: str, call: str) -> None:
    """alibabacloud-kms20160120 3.3.1 in each of its three modes, query and form, GET and POST (clients.md 1.1)."""
    request = recorder.record(mode, call)
    assert verdict_on(request) is None
    assert (request.scheme, request.access_key_id) == (mode, "x")
    assert request.method == ("GET" if call == "GetClientKey" else "POST")
    assert [name for name, _ in request.form] == (["SecretData"] if call == "PutSecretValue" else [])


def test_a_temporary_id_needs_its_token(recorder: SignedRequests, mode: str) -> None:
    """The token is signed along; without it a `STS.` id is refused (clients.md 2.14)."""
    request = recorder.record(mode, "ListKeys", access_key_id="STS.x", security_token="tok+en/=")
    assert verdict_on(request) is None
    assert (request.access_key_id, security_token_of(request)) == ("STS.x", "tok+en/=")
    refused_signature(recorder.record(mode, "ListKeys", access_key_id="STS.x"), "missing-security-token")


def test_a_bearer_token_has_no_signature(recorder: SignedRequests) -> None:
    """A bearer token cannot be verified, and the reason says so."""
    request = recorder.record("ACS3", "ListKeys", type="bearer", bearer_token="b", access_key_id="")
    assert request.scheme is None
    refused_signature(request, "incomplete", "bearer token")


# -- what clients of other libraries sign -----------------------------------------------------------------------------
V1_COMMON = "&Version=2016-01-20&Format=JSON&RegionId=cn-hangzhou&Timestamp=2026-11-21T18%3A06%3A20Z"
V1_COMMON += "&SignatureMethod=HMAC-SHA1&SignatureType=&SignatureVersion=1.0"
V1 = {  # recorded from aliyun-python-sdk-kms 2.16.5 / core 2.16.1 with id x (STS.x) and secret y: request line, body
    "Encrypt": (
        "POST /?KeyId=alias%2F%C3%A9&Plaintext=a%20b~%21%27%28%29%2A%2B%2F%3D%26%25%C3%BC%E4%B8%AD"
        "&EncryptionContext=%7B%27a%27%3A%20%27b%20c%27%7D&Action=Encrypt"
        "&SignatureNonce=7470604cd8e659b56c25b51fe332303b&AccessKeyId=x&Signature=WBiBXqO%2F8w%2BTPAUYOvvE8l2ur0Q%3D{}"
    ),
    "PutSecretValue": (
        "POST /?SecretName=s%2F1&VersionId=v%201&SecretData=p%2Bq%20r%2A~&Action=PutSecretValue"
        "&SignatureNonce=b75c8b18f2915447c8b90bbe6d20ccc4&AccessKeyId=x&Signature=AJ9w9MXzHjU187kod3JsCIF3prY%3D{}"
    ),
    "GetClientKey": (
        "GET /?ClientKeyId=k%2A1&Action=GetClientKey"
        "&SignatureNonce=e122eb3f37046ec200da61fb2126b016&AccessKeyId=x&Signature=AFVw3Sc6R1gqhMig%2FyfK%2Bgo85SE%3D{}"
    ),
    "CommonRequest": (
        "GET /?SecretName=it%27s%20%281%29&Action=GetSecretValue"
        "&SignatureNonce=74a93ffcb43b9af62245804fb5737f0d&AccessKeyId=x&Signature=3sjV44O2D3ATopoTYpBXYIUm%2FLY%3D{}"
    ),
    "CommonRequest with a form": (
        "POST /?SecretName=s&Action=PutSecretValue"
        "&SignatureNonce=4d92e97b2f17b659b616359f1a67d56a&AccessKeyId=x&Signature=yoZiEycD%2FlIb%2FoQDAPTi%2FtAh3qQ%3D{}"
        " SecretData=form+%2B%2A~%C3%BC&VersionId=v"
    ),
    "temporary id": (
        "POST /?SecretName=a&SecurityToken=tok%2Ben%2F%3D&Action=GetSecretValue"
        "&SignatureNonce=9fc72bac81de7f4c7305b6aa0222a51a&AccessKeyId=STS.x"
        "&Signature=%2B%2F%2F8B3vUcqDfDmobrHa2YsOLiys%3D{}"
    ),
}


@pytest.mark.parametrize("recording", V1.values(), ids=V1)
def test_requests_of_the_first_python_sdk_verify(recording: str) -> None:
    """aliyun-python-sdk-kms signs with HMAC-SHA1; its recordings verify, and do not with another secret."""
    method, target, *body = recording.format(V1_COMMON).split(" ")
    request = received_request(method, target, FORM_TYPE, "".join(body).encode())
    assert verdict_on(request, "y") is None
    assert (request.scheme, timestamp_of(request)) == ("HMAC-SHA1", 1795284380.0)
    changed = verdict_on(request, "Y")
    assert changed is not None
    assert changed.kind == "mismatch"


REGIONS = "http://ecs.aliyuncs.com/?{}=2016-02-23T12%3A46%3A24Z&Format=XML&AccessKeyId=testid&Action=DescribeRegions"
REGIONS += "&SignatureMethod=HMAC-SHA1&SignatureNonce=3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf&Version=2014-05-26"
REGIONS += "&SignatureVersion=1.0&Signature={}"
SMS = {
    "AccessKeyId": "testId",
    "Action": "SendSms",
    "Format": "XML",
    "OutId": "123",
    "PhoneNumbers": "15300000001",
    "RegionId": "cn-hangzhou",
    "SignName": "阿里云短信测试专用",
    "Signature": "zJDF+Lrzhj/ThnlvIToysFRq6t4=",
    "SignatureMethod": "HMAC-SHA1",
    "SignatureNonce": "45e25e9b-0a6f-4070-8c85-2956eda1b466",
    "SignatureVersion": "1.0",
    "TemplateCode": "SMS_71390007",
    "TemplateParam": '{"customer":"test"}',
    "Timestamp": "2017-07-12T02:42:19Z",
    "Version": "2017-05-25",
}


@pytest.mark.parametrize(
    ("request_", "secret"),
    [
        (received_request("GET", REGIONS.format("Timestamp", "OLeaidS1JvxuMvnyHOwuJ%2BuX5qY%3D")), "testsecret"),
        (received_request("GET", REGIONS.format("TimeStamp", "CT9X0VtwR86fNWSnsc6v8YGOjuE%3D")), "testsecret"),
        (rpc_request("GET", SMS), "testSecret"),
    ],
    ids=["Timestamp", "TimeStamp", "SendSms"],
)
def test_published_examples_of_hmac_sha1_verify(request_: SignedRequest, secret: str) -> None:
    """The vendor's examples of RPC signatures: ECS DescribeRegions (new and old spelling of the time), SMS SendSms."""
    assert verdict_on(request_, secret) is None


def test_published_example_of_acs3_verifies() -> None:
    """The vendor's example of signature version 3, RunInstances (help page "V3 request structure and signature")."""
    names = "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version"
    signature = "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    query = "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai"
    headers = [
        ("host", "ecs.cn-shanghai.aliyuncs.com"),
        ("x-acs-action", "RunInstances"),
        ("x-acs-content-sha256", hashlib.sha256(b"").hexdigest()),
        ("x-acs-date", "2023-10-26T10:22:32Z"),
        ("x-acs-signature-nonce", "3156853299f313e23d1673dc12e1703d"),
        ("x-acs-version", "2014-05-26"),
        (
            "Authorization",
            f"ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders={names},Signature={signature}",
        ),
    ]
    request = received_request("POST", f"/?{query}", headers)
    assert verdict_on(request, "YourAccessKeySecret") is None
    found = expected_signature(request, "YourAccessKeySecret")
    assert found.string_to_sign.endswith("7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259")
    assert found.canonical_request.startswith(f"POST\n/\n{query}\nhost:ecs.cn-shanghai.aliyuncs.com\nx-acs-action:")


# -- one thing changed ------------------------------------------------------------------------------------------------
def test_another_secret_does_not_match(recorder: SignedRequests, mode: str) -> None:
    """The problem carries the server's texts, names the scheme, and shows no secret."""
    request = recorder.record(mode, "TagResources", access_key_secret="another")
    problem = refused_signature(request, "mismatch", mode)
    found = expected_signature(request, SIGNING_SECRET)
    assert (found.matches, found.scheme) == (False, mode)
    assert problem.string_to_sign == found.string_to_sign
    assert problem.string_to_sign.startswith("POST&%2F&" if mode == "HMAC-SHA1" else f"{mode}-HMAC-SHA256\n")
    assert problem.canonical_request.startswith("POST\n/\n") == (mode != "HMAC-SHA1")
    assert found.expected not in problem.reason


def test_a_changed_parameter_does_not_match(recorder: SignedRequests, mode: str) -> None:
    """Every parameter is signed: one more, one less or another value is a mismatch."""
    request = recorder.record(mode, "TagResources")
    for changed in (
        with_query(request, "ResourceId.1", "k3"),
        with_query(request, "ResourceId.1", None),
        replace(request, query=[*request.query, ("New", "1")]),
        replace(request, method="GET"),
    ):
        refused_signature(changed, "mismatch")


def test_a_changed_body_does_not_match(recorder: SignedRequests, mode: str) -> None:
    """For ACS3 and ACS4 the reason is that the body's hash differs, even if the header's claim is signed."""
    request = recorder.record(mode, "PutSecretValue")
    changed = replace(request, body=b"SecretData=other", form=[("SecretData", "other")])
    says = "" if mode == "HMAC-SHA1" else "x-acs-content-sha256 is not the SHA-256 of the 16 bytes"
    refused_signature(changed, "mismatch", says)


@pytest.mark.parametrize("acs", ["ACS3", "ACS4"])
def test_changed_headers_do_not_match(recorder: SignedRequests, acs: str) -> None:
    """Signed headers count, others do not; one that is signed but did not arrive is named."""
    request = recorder.record(acs, "ListKeys")
    refused_signature(with_header(request, "x-acs-action", "ListSecrets"), "mismatch")
    refused_signature(with_header(request, "x-acs-version", None), "mismatch", "'x-acs-version'")
    assert verdict_on(with_header(request, "x-new", "1")) is None
    assert (
        verdict_on(replace(request, headers=[(name.upper(), f" {value} ") for name, value in request.headers])) is None
    )
    assert verdict_on(with_header(request, "x-acs-content-sha256", None)) is not None
    refused_signature(with_authorization(request, ";x-acs-version", ""), "mismatch")


def test_a_wrong_time_is_refused(recorder: SignedRequests, mode: str) -> None:
    """Missing, malformed, late, early, and within the tolerance of 15 minutes."""
    request = recorder.record(mode, "ListKeys")

    def with_time(value: str | None) -> SignedRequest:
        change = with_query if mode == "HMAC-SHA1" else with_header
        return change(request, "Timestamp" if mode == "HMAC-SHA1" else "x-acs-date", value)

    signed_at = timestamp_of(request) or 0.0
    for late in (901.0, -901.0):
        problem = verdict_on(request, now=signed_at + late)
        assert problem is not None
        assert problem.kind == "expired"
        assert ("behind" in problem.reason) == (late > 0)
        assert "901 seconds" in problem.reason
        assert verdict_on(request, now=signed_at + late * 0.99) is None
        assert check(request, Keys(lambda _: SIGNING_SECRET), signed_at + late, tolerance=1000) is None
    refused_signature(with_time(None), "missing-timestamp", "is missing")
    for malformed in ("yesterday", "2026-02-30T12:00:00Z", "0000-01-01T00:00:00Z", "2026-01-31 12:00:00"):
        refused_signature(with_time(malformed), "missing-timestamp", malformed)
    refused_signature(with_time("2001-02-03T04:05:06Z"), "mismatch")
    assert timestamp_of(with_time("2001-02-03T04:05:06.5Z")) == 981173106.5


def test_acs4_is_bound_to_a_day_and_a_scope(recorder: SignedRequests) -> None:
    """The credential's date, region and product enter the key; a wrong form of it is incomplete."""
    request = recorder.record("ACS4", "ListKeys")
    refused_signature(with_authorization(request, r"/\d{8}/", "/20010203/"), "mismatch", "day of x-acs-date")
    refused_signature(with_authorization(request, "/cn-hangzhou/", "/cn-beijing/"), "mismatch")
    refused_signature(with_authorization(request, "/aliyun_v4_request", ""), "incomplete", "aliyun_v4_request")


@pytest.mark.parametrize("acs", ["ACS3", "ACS4"])
def test_a_right_signature_over_a_false_claim_does_not_match(recorder: SignedRequests, acs: str) -> None:
    """`x-acs-content-sha256` must be the body's hash, and ACS4's day that of `x-acs-date` (clients.md 2.15)."""
    request = recorder.record(acs, "PutSecretValue")
    false = {"x-acs-content-sha256": with_header(request, "x-acs-content-sha256", "0" * 64)}
    if acs == "ACS4":
        false["the date in Credential"] = with_authorization(request, r"/\d{8}/", "/20010203/")
    for claim, changed in false.items():
        found = expected_signature(changed, SIGNING_SECRET)
        refused_signature(with_authorization(changed, "Signature=.*", f"Signature={found.expected}"), "mismatch", claim)


def test_missing_parts_are_named(recorder: SignedRequests) -> None:
    """What an Authorization header or the RPC parameters lack is named; a nonce is not needed (clients.md 2.13)."""
    acs3 = recorder.record("ACS3", "ListKeys")
    refused_signature(with_authorization(acs3, "SignedHeaders=[^,]*,", ""), "incomplete", "SignedHeaders")
    refused_signature(
        with_authorization(acs3, ",Signature=.*", ""), "incomplete", "Signature in the Authorization header"
    )
    refused_signature(with_authorization(acs3, "Credential=x", "Credential="), "missing-access-key")
    refused_signature(with_header(acs3, "Authorization", None), "missing-access-key")
    refused_signature(with_header(acs3, "Authorization", "ACS3-HMAC-SM3 Credential=x"), "incomplete", "another way")
    sha1 = recorder.record("HMAC-SHA1", "ListKeys")
    for name in ("Signature", "SignatureMethod", "SignatureVersion"):
        refused_signature(with_query(sha1, name, None), "incomplete", name)
    refused_signature(with_query(sha1, "SignatureMethod", "HMAC-SHA512"), "incomplete", "another way")
    refused_signature(with_query(sha1, "AccessKeyId", None), "missing-access-key")
    refused_signature(rpc_request("GET", {"AccessKeyId": "x"}), "incomplete", "has no signature")
    bare = {name: value for name, value in sha1.query if name not in ("Signature", "SignatureNonce")}
    assert (
        verdict_on(rpc_request("GET", {**bare, "Signature": Utils.get_rpcsignature(bare, "GET", SIGNING_SECRET)}))
        is None
    )


def test_an_unknown_access_key_is_named(recorder: SignedRequests, mode: str) -> None:
    """A secret sent in place of the id is not repeated."""
    request = recorder.record(mode, "ListKeys")
    problem = check(request, Keys({"z": SIGNING_SECRET}.get), timestamp_of(request) or 0.0)
    assert problem == Problem("unknown-access-key", "", "No AccessKey id 'x' is known here")
    swapped = recorder.record(mode, "ListKeys", access_key_id=SIGNING_SECRET, access_key_secret="x")
    problem = check(swapped, Keys({"x": SIGNING_SECRET}.get), timestamp_of(swapped) or 0.0)
    assert problem is not None
    assert problem.kind == "unknown-access-key"
    assert SIGNING_SECRET not in problem.reason
