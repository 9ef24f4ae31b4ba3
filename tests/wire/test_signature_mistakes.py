"""Signatures with a mistake that is recognised: the reason names it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from urllib.parse import quote, urlencode

import pytest
from alibabacloud_tea_openapi.utils import Utils
from msgspec.structs import replace

from kms_mock.rpc.signature import expected_signature
from kms_mock.rpc.signature_explained import first_difference
from kms_mock.rpc.signed_request import SignedRequest
from tests.support.signed_requests import (
    SIGNING_SECRET,
    SignedRequests,
    received_request,
    refused_signature,
    verdict_on,
    with_authorization,
    with_header,
    with_query,
)

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


def resigned(request: SignedRequest, string_to_sign: str, key: str = f"{SIGNING_SECRET}&") -> SignedRequest:
    digest = hmac.new(key.encode(), string_to_sign.encode(), hashlib.sha1).digest()
    return with_query(request, "Signature", base64.b64encode(digest).decode())


@pytest.mark.parametrize("mistake", RPC_MISTAKES)
def test_mistakes_of_hmac_sha1_are_recognised(recorder: SignedRequests, mistake: str) -> None:
    """The reason says what the client did and the first character where the strings to sign differ."""
    request = recorder.record("HMAC-SHA1", "GetSecretValue")
    right = expected_signature(request, SIGNING_SECRET).string_to_sign
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
    right = expected_signature(request, SIGNING_SECRET)
    refused_signature(
        resigned(request, right.string_to_sign, SIGNING_SECRET), "mismatch", "left out the & that ends the key"
    )

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
    target = (
        f"/?{urlencode({**plus, 'Signature': Utils.get_rpcsignature(plus, 'POST', SIGNING_SECRET)}, quote_via=quote)}"
    )
    assert verdict_on(received_request("POST", target)) is None
    problem = refused_signature(
        received_request("POST", target.replace("a%2Bb", "a+b")), "mismatch", "sent + in the URL, a blank, for"
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
    wrong = ACS_MISTAKES[mistake](expected_signature(request, SIGNING_SECRET).canonical_request)
    to_sign = f"ACS3-HMAC-SHA256\n{hashlib.sha256(wrong.encode()).hexdigest()}"
    signature = hmac.new(SIGNING_SECRET.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
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
