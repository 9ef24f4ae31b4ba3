"""Signatures as real clients make them, the vendor's published examples, and one thing changed at a time."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any, get_args
from urllib.parse import parse_qsl, quote, urlencode

import pytest
from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client
from alibabacloud_tea_openapi.utils import Utils
from alibabacloud_tea_openapi.utils_models import Config
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kms_mock.rpc.signature import Keys, Kind, Problem, check, expected_signature
from kms_mock.rpc.signature_explained import LONGEST_TEXT, first_difference
from kms_mock.rpc.signed_request import SignedRequest, security_token_of, timestamp_of
from tests.support.profile import rounds

SECRET = "the-secret-of-x-0123456789abcd"
ODD = "blank ~!'()*+/=&%;:ü 中文 😀"
MODES = {"ACS3": {}, "ACS4": {"signature_version": "v4"}, "HMAC-SHA1": {"signature_algorithm": "v2"}}
CALLS: dict[str, Callable[[Client], object]] = {
    "ListKeys": lambda kms: kms.list_keys(models.ListKeysRequest()),
    "GetSecretValue": lambda kms: kms.get_secret_value(models.GetSecretValueRequest(secret_name=ODD)),
    "PutSecretValue": lambda kms: kms.put_secret_value(
        models.PutSecretValueRequest(secret_name="s/1", version_id="v 1", secret_data=ODD)
    ),
    "TagResources": lambda kms: kms.tag_resources(
        models.TagResourcesRequest(
            region_id="cn-hangzhou",
            resource_type="key",
            resource_id=["k1", "k 2"],
            tag=[models.TagResourcesRequestTag(key=f"{n}é", value=ODD) for n in range(11)],
        )
    ),
    "Encrypt": lambda kms: kms.encrypt(
        models.EncryptRequest(key_id="alias/é", plaintext="YSs/+w==", encryption_context={"a": "b c"})
    ),
    "GetClientKey": lambda kms: kms.get_client_key(models.GetClientKeyRequest(client_key_id="a*b")),  # sent as GET
}


def received(
    method: str, target: str, headers: list[tuple[str, str]] | None = None, body: bytes = b""
) -> SignedRequest:
    path, _, query = target.partition("?")
    fields = headers or []
    is_form = any(name.lower() == "content-type" and "form-urlencoded" in value for name, value in fields)
    form = parse_qsl(body.decode(), keep_blank_values=True) if is_form else []
    return SignedRequest(method, path, query, parse_qsl(query, keep_blank_values=True), form, fields, body)


def rpc(method: str, parameters: dict[str, str]) -> SignedRequest:
    return received(method, f"/?{urlencode(parameters)}")


def verdict(request: SignedRequest, secret: str = SECRET, now: float | None = None) -> Problem | None:
    signed_at = timestamp_of(request)
    return check(request, Keys(lambda _: secret), now if now is not None else signed_at or 0.0)


def refused_signature(request: SignedRequest, kind: Kind, says: str = "") -> Problem:
    problem = verdict(request)
    assert problem is not None
    assert (problem.kind, says in problem.reason) == (kind, True), problem.reason
    assert SECRET not in problem.reason
    return problem


@dataclass
class SignedRequests:
    port: int = 0
    requests: list[SignedRequest] = field(default_factory=list)

    def record(self, mode: str, call: str, **credentials: str) -> SignedRequest:
        options = {"access_key_id": "x", "access_key_secret": SECRET, "region_id": "cn-hangzhou", "protocol": "http"}
        options |= {"endpoint": f"127.0.0.1:{self.port}", **MODES[mode], **credentials}
        CALLS[call](Client(Config(**options)))
        return self.requests[-1]


@pytest.fixture(scope="module")
def recorder() -> Iterator[SignedRequests]:
    found = SignedRequests()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            found.requests.append(received(self.command, self.path, list(self.headers.items()), body))
            answer = json.dumps({"RequestId": "r"}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = answer  # noqa: N815 (the names that http.server calls)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    found.port = server.server_port
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            patch.delenv(name, raising=False)
            patch.delenv(name.lower(), raising=False)
        yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# -- what the official SDK signs --------------------------------------------------------------------------------------
@pytest.mark.parametrize("call", CALLS)
def test_requests_of_the_official_sdk_verify(recorder: SignedRequests, mode: str, call: str) -> None:
    """alibabacloud-kms20160120 3.3.1 in each of its three modes, query and form, GET and POST (clients.md 1.1)."""
    request = recorder.record(mode, call)
    assert verdict(request) is None
    assert (request.scheme, request.access_key_id) == (mode, "x")
    assert request.method == ("GET" if call == "GetClientKey" else "POST")
    assert [name for name, _ in request.form] == (["SecretData"] if call == "PutSecretValue" else [])


def test_a_temporary_id_needs_its_token(recorder: SignedRequests, mode: str) -> None:
    """The token is signed along; without it a `STS.` id is refused (clients.md 2.14)."""
    request = recorder.record(mode, "ListKeys", access_key_id="STS.x", security_token="tok+en/=")
    assert verdict(request) is None
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
FORM = [("Content-Type", "application/x-www-form-urlencoded")]


@pytest.mark.parametrize("recording", V1.values(), ids=V1)
def test_requests_of_the_first_python_sdk_verify(recording: str) -> None:
    """aliyun-python-sdk-kms signs with HMAC-SHA1; its recordings verify, and do not with another secret."""
    method, target, *body = recording.format(V1_COMMON).split(" ")
    request = received(method, target, FORM, "".join(body).encode())
    assert verdict(request, "y") is None
    assert (request.scheme, timestamp_of(request)) == ("HMAC-SHA1", 1795284380.0)
    changed = verdict(request, "Y")
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
        (received("GET", REGIONS.format("Timestamp", "OLeaidS1JvxuMvnyHOwuJ%2BuX5qY%3D")), "testsecret"),
        (received("GET", REGIONS.format("TimeStamp", "CT9X0VtwR86fNWSnsc6v8YGOjuE%3D")), "testsecret"),
        (rpc("GET", SMS), "testSecret"),
    ],
    ids=["Timestamp", "TimeStamp", "SendSms"],
)
def test_published_examples_of_hmac_sha1_verify(request_: SignedRequest, secret: str) -> None:
    """The vendor's examples of RPC signatures: ECS DescribeRegions (new and old spelling of the time), SMS SendSms."""
    assert verdict(request_, secret) is None


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
    request = received("POST", f"/?{query}", headers)
    assert verdict(request, "YourAccessKeySecret") is None
    found = expected_signature(request, "YourAccessKeySecret")
    assert found.string_to_sign.endswith("7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259")
    assert found.canonical_request.startswith(f"POST\n/\n{query}\nhost:ecs.cn-shanghai.aliyuncs.com\nx-acs-action:")


# -- one thing changed ------------------------------------------------------------------------------------------------
def with_header(request: SignedRequest, name: str, value: str | None) -> SignedRequest:
    kept = [pair for pair in request.headers if pair[0].lower() != name.lower()]
    return replace(request, headers=kept if value is None else [*kept, (name, value)])


def with_query(request: SignedRequest, name: str, value: str | None) -> SignedRequest:
    pairs = [(key, old if key != name or value is None else value) for key, old in request.query]
    pairs = [pair for pair in pairs if pair[0] != name] if value is None else pairs
    return replace(request, query=pairs, raw_query=urlencode(pairs))


def with_authorization(request: SignedRequest, old: str, new: str) -> SignedRequest:
    value = request.header("authorization") or ""
    assert re.search(old, value)
    return with_header(request, "Authorization", re.sub(old, new, value))


def test_another_secret_does_not_match(recorder: SignedRequests, mode: str) -> None:
    """The problem carries the server's texts, names the scheme, and shows no secret."""
    request = recorder.record(mode, "TagResources", access_key_secret="another")
    problem = refused_signature(request, "mismatch", mode)
    found = expected_signature(request, SECRET)
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
    assert verdict(with_header(request, "x-new", "1")) is None
    assert verdict(replace(request, headers=[(name.upper(), f" {value} ") for name, value in request.headers])) is None
    assert verdict(with_header(request, "x-acs-content-sha256", None)) is not None
    refused_signature(with_authorization(request, ";x-acs-version", ""), "mismatch")


def test_a_wrong_time_is_refused(recorder: SignedRequests, mode: str) -> None:
    """Missing, malformed, late, early, and within the tolerance of 15 minutes."""
    request = recorder.record(mode, "ListKeys")

    def with_time(value: str | None) -> SignedRequest:
        change = with_query if mode == "HMAC-SHA1" else with_header
        return change(request, "Timestamp" if mode == "HMAC-SHA1" else "x-acs-date", value)

    signed_at = timestamp_of(request) or 0.0
    for late in (901.0, -901.0):
        problem = verdict(request, now=signed_at + late)
        assert problem is not None
        assert problem.kind == "expired"
        assert ("behind" in problem.reason) == (late > 0)
        assert "901 seconds" in problem.reason
        assert verdict(request, now=signed_at + late * 0.99) is None
        assert check(request, Keys(lambda _: SECRET), signed_at + late, tolerance=1000) is None
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
        found = expected_signature(changed, SECRET)
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
    refused_signature(rpc("GET", {"AccessKeyId": "x"}), "incomplete", "has no signature")
    bare = {name: value for name, value in sha1.query if name not in ("Signature", "SignatureNonce")}
    assert verdict(rpc("GET", {**bare, "Signature": Utils.get_rpcsignature(bare, "GET", SECRET)})) is None


def test_an_unknown_access_key_is_named(recorder: SignedRequests, mode: str) -> None:
    """A secret sent in place of the id is not repeated."""
    request = recorder.record(mode, "ListKeys")
    problem = check(request, Keys({"z": SECRET}.get), timestamp_of(request) or 0.0)
    assert problem == Problem("unknown-access-key", "", "no AccessKey id 'x' is known here")
    swapped = recorder.record(mode, "ListKeys", access_key_id=SECRET, access_key_secret="x")
    problem = check(swapped, Keys({"x": SECRET}.get), timestamp_of(swapped) or 0.0)
    assert problem is not None
    assert problem.kind == "unknown-access-key"
    assert SECRET not in problem.reason


# -- mistakes that are recognised -------------------------------------------------------------------------------------
RPC_MISTAKES: dict[str, Callable[[str], str]] = {  # what the reason says: how the right string to sign becomes theirs
    "signed the method GET": lambda text: text.replace("POST", "GET", 1),
    "encoded a blank as +": lambda text: text.replace("%2520", "%2B"),
    "left / unencoded": lambda text: text.replace("%252F", "%2F"),
    "left * unencoded": lambda text: text.replace("%252A", "%2A"),
    "left ! ' ( ) * unencoded": lambda text: re.sub("%25(21|27|28|29|2A)", r"%\1", text),
    "encoded ~ as %7E": lambda text: text.replace("~", "%257E"),
    "encoded as a form does": lambda text: text.replace("%2520", "%2B").replace("%252A", "%2A").replace("~", "%257E"),
    "encoded in lower case": lambda text: re.sub("%25..", lambda found: found[0].lower(), text),
    "did not encode the joined parameters again": lambda text: re.sub(
        "%(25|3D|26)", lambda found: {"25": "%", "3D": "=", "26": "&"}[found[1]], text
    ),
    "left & between the parameters unencoded": lambda text: text.replace("%26", "&"),
}


def resigned(request: SignedRequest, string_to_sign: str, key: str = f"{SECRET}&") -> SignedRequest:
    digest = hmac.new(key.encode(), string_to_sign.encode(), hashlib.sha1).digest()
    return with_query(request, "Signature", base64.b64encode(digest).decode())


@pytest.mark.parametrize("mistake", RPC_MISTAKES)
def test_mistakes_of_hmac_sha1_are_recognised(recorder: SignedRequests, mistake: str) -> None:
    """The reason says what the client did and the first character where the strings to sign differ."""
    request = recorder.record("HMAC-SHA1", "GetSecretValue")
    right = expected_signature(request, SECRET).string_to_sign
    wrong = RPC_MISTAKES[mistake](right)
    problem = refused_signature(
        resigned(request, wrong), "mismatch", f"the client {mistake}; the strings first differ at"
    )
    stated = int(re.findall(r"at character (\d+)", problem.reason)[0]) - 1
    assert right[:stated] == wrong[:stated]
    assert right[: stated + 6] != wrong[: stated + 6]
    assert problem.reason.isascii()
    assert "blank" not in problem.reason.replace(mistake, "")  # a piece of the secret's name


def test_other_mistakes_of_hmac_sha1_are_recognised(recorder: SignedRequests) -> None:
    """The key, the order, the form, a bare plus sign, and a signature that is itself encoded wrongly."""
    request = recorder.record("HMAC-SHA1", "PutSecretValue")
    right = expected_signature(request, SECRET)
    refused_signature(resigned(request, right.string_to_sign, SECRET), "mismatch", "left out the & that ends the key")

    def signed(pairs: list[tuple[str, str]]) -> SignedRequest:
        joined = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in pairs)
        return resigned(request, f"POST&%2F&{quote(joined, safe='~')}")

    query = [pair for pair in request.query if pair[0] != "Signature"]
    refused_signature(signed([*query, *request.form]), "mismatch", "did not sort the parameters")
    refused_signature(signed(sorted(query)), "mismatch", "left out the form parameters")
    refused_signature(
        with_query(request, "Signature", quote(right.expected, safe="")), "mismatch", "URL-encoded too often"
    )
    plus = {**dict(query), "KeyId": "a+b"}
    target = f"/?{urlencode({**plus, 'Signature': Utils.get_rpcsignature(plus, 'POST', SECRET)}, quote_via=quote)}"
    assert verdict(received("POST", target)) is None
    problem = refused_signature(
        received("POST", target.replace("a%2Bb", "a+b")), "mismatch", "sent + in the URL, a blank, for"
    )
    assert "in parameter 'KeyId': the server has '%2520', the client '%252B'" in problem.reason


ACS_MISTAKES: dict[str, Callable[[str], str]] = {
    "signed the method GET": lambda text: text.replace("POST", "GET", 1),
    "encoded a blank as +": lambda text: text.replace("%20", "+"),
    "left / unencoded": lambda text: text.replace("%2F", "/"),
    "left * unencoded": lambda text: text.replace("%2A", "*"),
    "did not sort the parameters": lambda text: "\n".join(
        "Z=1&A=2" if number == 2 else line for number, line in enumerate(text.split("\n"))
    ),
    "signed a Host without its port": lambda text: re.sub(r"(host:[\d.]+):\d+", r"\1", text),
    "used the hash of an empty body": lambda text: text[:-64] + hashlib.sha256(b"").hexdigest(),
}


@pytest.mark.parametrize("mistake", ACS_MISTAKES)
def test_mistakes_of_acs3_are_recognised(recorder: SignedRequests, mistake: str) -> None:
    """The canonical requests are compared, not their hashes."""
    call = "PutSecretValue" if "body" in mistake else "GetSecretValue"
    request = with_authorization(recorder.record("ACS3", call), ";x-acs-content-sha256", "")
    request = with_header(request, "x-acs-content-sha256", None)
    if "sort" in mistake:
        request = replace(request, query=[("Z", "1"), ("A", "2")], raw_query="Z=1&A=2")
    wrong = ACS_MISTAKES[mistake](expected_signature(request, SECRET).canonical_request)
    to_sign = f"ACS3-HMAC-SHA256\n{hashlib.sha256(wrong.encode()).hexdigest()}"
    signature = hmac.new(SECRET.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    problem = refused_signature(
        with_authorization(request, "Signature=.*", f"Signature={signature}"),
        "mismatch",
        f"the client {mistake}; the strings first differ at",
    )
    places = {"GET": "line 1", "Host": "header 'host'", "sort": "parameter 'A'", "body": "line "}
    assert (
        next((place for word, place in places.items() if word in mistake), "parameter 'SecretName'") in problem.reason
    )


def test_the_first_difference_of_any_two_strings_to_sign() -> None:
    """For a person who has both texts: place, position, and one character of each side."""
    ours = "GET&%2F&AccessKeyId%3Dx%26Name%3Da%2520b"
    assert first_difference(ours, ours) == ""
    assert first_difference(ours, ours.replace("%2520b", "%2Bb")) == (
        "the strings first differ at character 35, in parameter 'Name': the server has '%2520', the client '%2B'"
    )
    assert first_difference(ours, ours[:-1]).endswith("the server has 'b', the client its end")
    assert "header 'host': the server has 'a', the client 'b'" in first_difference(
        "GET\n/\n\nhost:a\n", "GET\n/\n\nhost:b\n"
    )


# -- any input --------------------------------------------------------------------------------------------------------
WILD = st.text(max_size=12)  # surrogates too
SYSTEM = ("Signature", "SignatureMethod", "SignatureVersion", "SignatureType", "AccessKeyId", "Timestamp")
ACS_HEADERS = ("x-acs-date", "x-acs-content-sha256", "x-acs-accesskey-id", "x-acs-bearer-token")
NAMES = st.sampled_from(["Authorization", "host", "SecurityToken", *SYSTEM, *ACS_HEADERS])
AUTHORIZATIONS = st.builds(
    "{}-HMAC-SHA256 Credential={},SignedHeaders={},Signature={}".format,
    st.sampled_from(["ACS3", "ACS4", "ACS9"]),
    st.one_of(WILD, st.just("x/20260101/cn/Kms/aliyun_v4_request")),
    st.one_of(WILD, st.just("host;x-acs-date")),
    st.one_of(WILD, st.just("é")),
)
TIMES = st.just("2026-01-01T00:00:00Z")
VALUES = st.one_of(WILD, TIMES, AUTHORIZATIONS, st.sampled_from(["HMAC-SHA1", "1.0", "STS.x"]))
PAIRS = st.lists(st.tuples(st.one_of(NAMES, WILD), VALUES), max_size=8)
HEADERS = st.builds(
    lambda pairs, given, time: [("Authorization", given), ("x-acs-date", time), *pairs], PAIRS, AUTHORIZATIONS, TIMES
)
WILD_REQUESTS = st.builds(
    SignedRequest, WILD, WILD, WILD, PAIRS, PAIRS, st.one_of(PAIRS, HEADERS), st.binary(max_size=8)
)


@settings(max_examples=rounds(quick=100, deep=3000), deadline=None)
@given(WILD_REQUESTS, st.one_of(st.just(1767225600.0), st.floats()), st.sampled_from([SECRET, "", "\ud800", None]))
def test_garbage_is_refused_and_never_raises(request_: SignedRequest, now: float, secret: str | None) -> None:
    """Whatever arrives, the answer is a problem whose reason fits into a header and whose texts any encoder takes."""
    problem = check(request_, Keys(lambda _: secret), now)
    assert problem is not None
    assert problem.kind in get_args(Kind)
    assert problem.reason.isascii()
    assert problem.reason.isprintable()
    assert SECRET not in problem.reason
    (problem.string_to_sign + problem.canonical_request).encode()
    assert not expected_signature(request_, secret or "").matches


NAME = st.text("AZaz09._-~", min_size=1, max_size=6)
TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
UNRESERVED = TEXT.filter(lambda name: not name.startswith("Signature"))


@settings(max_examples=rounds(quick=50, deep=1000), deadline=None)
@given(st.dictionaries(UNRESERVED, TEXT, max_size=6), st.dictionaries(UNRESERVED, TEXT, max_size=3))
def test_any_parameters_signed_by_the_sdk_verify(query: dict[str, str], form: dict[str, str]) -> None:
    """The official SDK's own function for HMAC-SHA1 agrees, whatever the names and values; a change is noticed."""
    fixed = {"Timestamp": "2026-01-31T12:00:00Z", "SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0"}
    query = {**query, **fixed, "AccessKeyId": "x"}
    form = {name: value for name, value in form.items() if name not in query}
    signature = Utils.get_rpcsignature({**query, **form}, "POST", SECRET)
    target = f"/?{urlencode({**query, 'Signature': signature})}"
    request = received("POST", target, FORM, urlencode(form).encode())
    assert verdict(request) is None
    refused_signature(replace(request, form=[*request.form, ("More", "1")]), "mismatch")


@settings(max_examples=rounds(quick=50, deep=1000), deadline=None)
@given(st.dictionaries(NAME, TEXT, max_size=6), st.binary(max_size=20))
def test_any_query_and_body_signed_by_the_sdk_verify(query: dict[str, str], body: bytes) -> None:
    """The official SDK's own function for ACS3 agrees, whatever the values and the body (it leaves names unencoded)."""
    headers = {"host": "h", "x-acs-date": "2026-01-31T12:00:00Z"}
    unsigned = SimpleNamespace(method="POST", pathname="/", query=query, headers=headers)
    digest = hashlib.sha256(body).hexdigest()
    authorization = Utils.get_authorization(unsigned, "ACS3-HMAC-SHA256", digest, "x", SECRET)
    fields = [*headers.items(), ("Authorization", authorization)]
    request = received("POST", f"/?{urlencode(query)}", fields, body)
    assert verdict(request) is None
    refused_signature(replace(request, body=body + b"!"), "mismatch")


def test_nothing_of_a_request_shows_in_the_texts_of_its_verification() -> None:
    """The values of parameters, headers and body are in no repr: a log or a traceback may show those."""
    value = "s3cret-value"
    request = SignedRequest(
        method="POST",
        path="/",
        raw_query=f"SecretData={value}",
        query=[("SecretData", value)],
        form=[("Plaintext", value)],
        headers=[
            ("Authorization", f"ACS3-HMAC-SHA256 Credential=x,SignedHeaders=host,Signature={value}"),
            ("host", "h"),
        ],
        body=value.encode(),
    )
    problem = check(request, Keys(lambda _: SECRET), 0.0)
    assert problem is not None
    assert value not in repr(request)
    assert value not in repr(problem)
    assert SECRET not in repr(problem)


def test_a_long_request_that_does_not_match_is_not_explained() -> None:
    """Trying every mistake on a text of a megabyte would hold the server for seconds: the reason stays general."""
    parameters = {"AccessKeyId": "x", "Timestamp": "2026-01-31T12:00:00Z", "SignatureVersion": "1.0"}
    for length, says in ((LONGEST_TEXT, "compare the strings to sign"), (1, "signed the method POST")):
        signed = {**parameters, "SignatureMethod": "HMAC-SHA1", "SecretData": "a" * length}
        signed["Signature"] = Utils.get_rpcsignature(signed, "POST", SECRET)
        refused_signature(rpc("GET", signed), "mismatch", says)
