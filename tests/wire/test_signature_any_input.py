"""Signatures of any input: garbage is refused and never raises, and what the SDK signs verifies."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace
from typing import get_args
from urllib.parse import urlencode

from alibabacloud_tea_openapi.utils import Utils
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kms_mock.rpc.signature import Keys, Kind, check, expected_signature
from kms_mock.rpc.signature_explained import LONGEST_TEXT
from kms_mock.rpc.signed_request import SignedRequest
from tests.support.profile import rounds
from tests.support.signed_requests import (
    FORM_TYPE,
    SIGNING_SECRET,
    received_request,
    refused_signature,
    rpc_request,
    verdict_on,
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
@given(
    WILD_REQUESTS, st.one_of(st.just(1767225600.0), st.floats()), st.sampled_from([SIGNING_SECRET, "", "\ud800", None])
)
def test_garbage_is_refused_and_never_raises(request_: SignedRequest, now: float, secret: str | None) -> None:
    """Whatever arrives, the answer is a problem whose reason fits into a header and whose texts any encoder takes."""
    problem = check(request_, Keys(lambda _: secret), now)
    assert problem is not None
    assert problem.kind in get_args(Kind)
    assert problem.reason.isascii()
    assert problem.reason.isprintable()
    assert SIGNING_SECRET not in problem.reason
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
    signature = Utils.get_rpcsignature({**query, **form}, "POST", SIGNING_SECRET)
    target = f"/?{urlencode({**query, 'Signature': signature})}"
    request = received_request("POST", target, FORM_TYPE, urlencode(form).encode())
    assert verdict_on(request) is None
    refused_signature(replace(request, form=[*request.form, ("More", "1")]), "mismatch")


@settings(max_examples=rounds(quick=50, deep=1000), deadline=None)
@given(st.dictionaries(NAME, TEXT, max_size=6), st.binary(max_size=20))
def test_any_query_and_body_signed_by_the_sdk_verify(query: dict[str, str], body: bytes) -> None:
    """The official SDK's own function for ACS3 agrees, whatever the values and the body (it leaves names unencoded)."""
    headers = {"host": "h", "x-acs-date": "2026-01-31T12:00:00Z"}
    unsigned = SimpleNamespace(method="POST", pathname="/", query=query, headers=headers)
    digest = hashlib.sha256(body).hexdigest()
    authorization = Utils.get_authorization(unsigned, "ACS3-HMAC-SHA256", digest, "x", SIGNING_SECRET)
    fields = [*headers.items(), ("Authorization", authorization)]
    request = received_request("POST", f"/?{urlencode(query)}", fields, body)
    assert verdict_on(request) is None
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
    problem = check(request, Keys(lambda _: SIGNING_SECRET), 0.0)
    assert problem is not None
    assert value not in repr(request)
    assert value not in repr(problem)
    assert SIGNING_SECRET not in repr(problem)


def test_a_long_request_that_does_not_match_is_not_explained() -> None:
    """Trying every mistake on a text of a megabyte would hold the server for seconds: the reason stays general."""
    parameters = {"AccessKeyId": "x", "Timestamp": "2026-01-31T12:00:00Z", "SignatureVersion": "1.0"}
    for length, says in ((LONGEST_TEXT, "compare the string to sign"), (1, "signed the method POST")):
        signed = {**parameters, "SignatureMethod": "HMAC-SHA1", "SecretData": "a" * length}
        signed["Signature"] = Utils.get_rpcsignature(signed, "POST", SIGNING_SECRET)
        refused_signature(rpc_request("GET", signed), "mismatch", says)
