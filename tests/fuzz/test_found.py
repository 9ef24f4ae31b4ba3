"""What campaigns found, each by the fact that keeps it away."""

from __future__ import annotations

import asyncio
import json

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from kms_mock import KmsMock
from kms_mock.rpc.decode import HttpRequest
from kms_mock.server.control_api import ControlApi
from tests.support.control import control_request
from tests.support.dedicated import InstanceClient, client_key_contents
from tests.support.example_documents import oidc_document, oidc_token
from tests.support.identities import OIDC, ROLE
from tests.support.in_process import InProcess
from tests.support.raw_http import VERSION, ask, http

NOT_UTF8 = b"a\x91\xa1\xb4b"
ESCAPED = "a\\udc91\\udca1\\udcb4b"
HEAD = b"GET /?Action=ListKeys&Version=2016-01-20&%s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n\r\n"


@pytest.mark.parametrize("more", [b"", b"Format=XML"])
def test_a_refusal_may_quote_a_header_that_is_not_utf8(kms: KmsMock, more: bytes) -> None:
    """A host name with bytes that are not UTF-8 is 403 Forbidden.ForeignRequest, which shows them as escapes; not 500."""
    request = (HEAD % (more, b"X: y")).replace(b"127.0.0.1", NOT_UTF8 + b".example")
    status, code, message = ask(kms, request).refusal
    assert (status, code) == (403, "Forbidden.ForeignRequest")
    assert "\\udc91" in message


@pytest.mark.parametrize(
    "header",
    [
        b"x-acs-action: " + NOT_UTF8,
        b"x-acs-version: " + NOT_UTF8,
        b"x-acs-accesskey-id: " + NOT_UTF8,
        b"Authorization: ACS3-HMAC-SHA256 Credential=" + NOT_UTF8 + b",SignedHeaders=host,Signature=0",
        b"Authorization: Basic Credential=" + NOT_UTF8,
    ],
)
def test_calls_with_headers_that_are_not_utf8_can_be_listed(kms: KmsMock, header: bytes) -> None:
    """Names of actions and callers with such bytes are in the journal with escapes; `GET requests` is no 500."""
    assert ask(kms, HEAD % (b"", header)).status in {200, 400, 404}
    (call,) = control_request(kms, "GET", "requests")["requests"]
    assert (call["action"], call["access_key_id"]) in {(ESCAPED, ""), ("ListKeys", ""), ("ListKeys", ESCAPED)}
    str(kms.calls.last).encode()


@pytest.mark.parametrize("path", ["faults/\udcff", "requests/\udcff", "page/\udcff", "checkpoints/\udcff", "\udcff"])
@pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
def test_a_refusal_of_the_control_api_may_quote_a_path_that_is_not_utf8(method: str, path: str) -> None:
    """`DELETE /_kms_mock/faults/<bytes>`, from a parser that lets such paths through, could not be encoded."""
    kms = KmsMock()
    control = ControlApi(kms.controls, kms.config, kms.certificates)
    headers = CIMultiDictProxy(CIMultiDict({"Host": "127.0.0.1"}))
    answer = asyncio.run(control.answer(HttpRequest(method, f"/_kms_mock/{path}", headers, b"", peer="127.0.0.1")))
    assert answer.status in {404, 405}
    assert list(json.loads(answer.body)) == ["error"]


HALF = '["\\ud800"]'  # JSON by the grammar, but a text that no answer can hold


@pytest.mark.parametrize("operation", ["BatchGetSecretValue", "CreatePolicy"])
def test_code_is_written_for_a_value_with_half_of_a_surrogate_pair(kms: KmsMock, operation: str) -> None:
    """A list with such a text was 500 when the page wrote code for the call; it stays the text that was sent."""
    asked = {"operation": operation, "parameters": {"SecretsList": HALF, "Permissions": HALF}}
    for snippet in control_request(kms, "POST", "snippets", asked)["snippets"]:
        snippet["code"].encode()


@pytest.mark.parametrize("answer_format", ["JSON", "XML"])
@pytest.mark.parametrize("claims", [{"sub": "\ud800"}, {"aud": ["sts.aliyuncs.com", "\ud800"]}])
def test_a_token_with_half_of_a_surrogate_pair_is_refused(answer_format: str, claims: dict[str, object]) -> None:
    """A token that its provider signed, with a subject that no answer can hold, was 500."""
    server = InProcess(oidc_document())
    answer = server.raw(
        "AssumeRoleWithOIDC",
        RoleArn=ROLE,
        RoleSessionName="alice",
        OIDCProviderArn=OIDC,
        Format=answer_format,
        OIDCToken=oidc_token(**claims),
    )
    server.close()
    assert (answer.status, answer.code) == (401, "AuthenticationFail.OIDCToken.Invalid")


def test_leaks_are_looked_for_in_any_value(kms: KmsMock) -> None:
    """A value that is JSON 5,000 deep was a RecursionError of `assert_no_leaks`."""
    value = '{"a":' * 5000 + "1" + "}" * 5000
    ask(
        kms,
        http(
            "POST",
            {"Action": "CreateSecret", "Version": VERSION},
            form={"SecretName": "s", "VersionId": "v", "SecretData": value},
        ),
    )
    kms.assert_no_leaks("nothing")
    with pytest.raises(AssertionError):
        kms.assert_no_leaks(value)


def test_other_headers_may_be_anything(kms: KmsMock) -> None:
    """A header without a meaning here may have any bytes, such as a User-Agent in Latin-1."""
    assert ask(kms, HEAD % (b"", b"User-Agent: Caf\xe9")).status == 200


def test_a_call_of_an_operation_that_the_dedicated_gateway_lacks_can_be_listed(kms: KmsMock) -> None:
    """Its body is a message that nobody can read: it was taken for a form, and every list of calls became a 500."""
    client = InstanceClient(kms, client_key_contents()["good"])
    refused = client.send("EncryptIt", b"\x0a\xc0\xff")
    assert refused.code == "InvalidApiName"
    (call,) = control_request(kms, "GET", "requests")["requests"]
    assert (call["action"], call["parameters"]) == ("EncryptIt", {})
