"""Requests and answers of the dedicated gateway on the wire, and what all other parts of the mock make of them."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.message import DecodeError

from kms_mock import KmsMock
from kms_mock.config import Config
from kms_mock.control.operations_page import markdown, markdown_of
from kms_mock.kms.dedicated import API
from kms_mock.kms.dedicated.wire import MAX_BODY_BYTES
from kms_mock.products import APIS
from kms_mock.rpc.api import Operation
from tests.support.calls import last_call
from tests.support.dedicated import AES, GOOD, INITIAL, INSTANCE_FIXTURE, VERSION_HEADER, InstanceClient, Refused
from tests.support.protobuf_messages import message
from tests.support.raw_http import Wire, ask
from tests.support.raw_http import http as request_bytes

TEXT = b"4111 1111"


@pytest.fixture
def kms() -> Iterator[KmsMock]:
    """A mock with two instances that listens."""
    with KmsMock([INSTANCE_FIXTURE]) as running:
        yield running


@pytest.fixture
def instance(kms: KmsMock) -> InstanceClient:
    """A client of its dedicated gateway."""
    return InstanceClient(kms)


def sent(kms: KmsMock, headers: dict[str, str], body: bytes, method: str = "POST") -> tuple[int, str, str]:
    """Send a request over HTTP that is refused; return status, code and text of the message Error."""
    before = kms.snapshot()
    given = {name: text for name, text in headers.items() if name != "host"}
    answer = ask(kms, request_bytes(method, body=body, headers=given))
    assert answer.headers["content-type"] == "application/x-protobuf"
    error = message("Error").FromString(answer.body)
    assert (error.StatusCode, error.RequestId) == (answer.status, answer.headers["x-acs-request-id"])
    assert kms.snapshot() == before
    return answer.status, error.ErrorCode, error.ErrorMessage


# -- the wire ---------------------------------------------------------------------------------------------------------


def test_over_http_and_https(kms: KmsMock, instance: InstanceClient) -> None:
    """The same port answers both gateways, in plain text and with TLS; the version of the key is a header."""
    body = instance.body("Encrypt", KeyId=AES, Plaintext=TEXT)
    trust = ssl.create_default_context(cadata=kms.ca_pem)
    for connection in (
        http.client.HTTPConnection(kms.endpoint, timeout=10),
        http.client.HTTPSConnection(kms.endpoint, timeout=10, context=trust),
    ):
        connection.request("POST", "/", body, dict(instance.headers("Encrypt", body)))
        answer = connection.getresponse()
        made = message("EncryptResponse").FromString(answer.read())
        assert (answer.status, answer.getheader(VERSION_HEADER)) == (200, INITIAL)
        assert (made.KeyId, made.RequestId) == (AES, answer.getheader("x-acs-request-id"))
        connection.close()


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"x-kms-apiname": "Encrpt"}, (400, "InvalidApiName", 'The ApiName "Encrpt" is invalid.')),
        ({"x-kms-apiname": "CreateKey"}, (400, "InvalidApiName", 'The ApiName "CreateKey" is invalid.')),
        ({"x-kms-apiname": ""}, (400, "InvalidApiName", 'The ApiName "" is invalid.')),
        ({"x-kms-apiname": None}, (400, "InvalidApiName", 'The ApiName "" is invalid.')),
        ({"x-kms-apiversion": None}, (400, "InvalidApiVersion", 'The ApiVersion "" is invalid.')),
        ({"x-kms-apiversion": "2016-01-20"}, (400, "InvalidApiVersion", 'The ApiVersion "2016-01-20" is invalid.')),
        ({"content-type": "text/xml"}, (415, "InvalidContentType", 'Content-Type "text/xml" is unsupported.')),
        (
            {"content-type": None},
            (415, "InvalidContentType", 'Content-Type "application/octet-stream" is unsupported.'),
        ),
    ],
)
def test_what_is_no_request_of_the_gateway(
    kms: KmsMock, instance: InstanceClient, changes: dict[str, str | None], refusal: tuple[int, str, str]
) -> None:
    """A name, version or type that the gateway does not know is refused in the documented words, as an Error."""
    body = instance.body("Encrypt", KeyId=AES, Plaintext=TEXT)
    headers = dict(instance.headers("Encrypt", body, **changes))
    status, code, text = sent(kms, headers, body)
    if changes == {"content-type": None}:  # clients of HTTP may fill it in
        assert (status, code) == refusal[:2]
    else:
        assert (status, code, text) == refusal


def test_a_method_and_a_body_that_are_none(kms: KmsMock, instance: InstanceClient) -> None:
    """Another method than POST and a damaged message are refused as an Error."""
    body = instance.body("Encrypt", KeyId=AES, Plaintext=TEXT)
    headers = dict(instance.headers("Encrypt", body))
    for method in ("GET", "PUT"):
        assert sent(kms, headers, body, method)[:2] == (403, "UnsupportedHTTPMethod")
    code = "ParseRequestParameterException"
    for damaged in (body[:-1], b"\x0a\x05hello\xff", b"\x0a\x01\xff", b"\x0b"):
        assert sent(kms, dict(instance.headers("Encrypt", damaged)), damaged)[:2] == (400, code)


def test_a_message_has_at_most_3_mb(kms: KmsMock, instance: InstanceClient) -> None:
    """3 MB in one message are encrypted; one byte more is refused with 413 (help page Encrypt), announced or not."""
    tag_and_length = 5
    room = MAX_BODY_BYTES - len(instance.body("Encrypt", KeyId=AES)) - tag_and_length
    body = instance.body("Encrypt", KeyId=AES, Plaintext=bytes(room))
    headers = {name: text for name, text in instance.headers("Encrypt", body).items() if name != "host"}
    assert len(body) == MAX_BODY_BYTES == 3 * 1024 * 1024
    answer = ask(kms, request_bytes("POST", body=body, headers=headers))
    assert len(message("EncryptResponse").FromString(answer.body).CiphertextBlob) == room + 16
    too_large = (413, "RequestEntityTooLarge", "The request body exceeds 3 MB.")
    assert sent(kms, headers, body + b"x") == too_large
    chunked = {**headers, "Transfer-Encoding": "chunked"}
    with Wire(kms) as wire:
        size = f"{len(body) + 1:x}\r\n".encode()
        answer = wire.send(request_bytes("POST", headers=chunked) + size + body + b"x").receive()
        assert (answer.status, message("Error").FromString(answer.body).ErrorCode) == too_large[:2]
        assert "3145728" in answer.headers["x-kms-mock-reason"]


@pytest.mark.parametrize("lane", [True, False])
@pytest.mark.parametrize("announced", [20, 200_000])
def test_a_message_that_never_ends(announced: int, lane: bool) -> None:
    """A message that stops arriving is refused as an Error, whatever waits for it: its head tells the form."""
    config = Config(header_timeout=0.2, lane=lane)
    with KmsMock([INSTANCE_FIXTURE], config=config) as kms, Wire(kms) as wire:
        headers = {"Content-Type": "application/x-protobuf", "Content-Length": str(announced)}
        answer = wire.send(request_bytes("POST", headers=headers) + b"\x0a").receive()
        error = message("Error").FromString(answer.body)
        assert (answer.status, error.ErrorCode) == (400, "ParseRequestParameterException")
        assert wire.closed()


def test_the_rpc_api_does_not_know_its_operations(kms: KmsMock) -> None:
    """An RPC request that names the version of the dedicated gateway is refused in JSON, as one with any other version."""
    for form in ({"Action": "Encrypt", "Version": "dkms-gcs-0.2"}, {"Action": "Sign", "Version": "2016-01-20"}):
        answer = ask(kms, request_bytes("POST", form={**form, "KeyId": AES, "Plaintext": "x"}))
        assert answer.refusal[1] in ("InvalidVersion", "InvalidAction.NotFound")
        assert "dkms" not in last_call(kms).reason.replace("not dkms-gcs-0.2", "")


# -- what stands beside -----------------------------------------------------------------------------------------------


def test_the_journal(kms: KmsMock, instance: InstanceClient) -> None:
    """Calls have parameters by name, bytes in Base64, secrets masked; both gateways' Encrypt are calls of Encrypt."""
    instance.ask("Encrypt", KeyId="alias/orders", Plaintext=TEXT, Aad=b"context", Iv=bytes(12))
    call = last_call(kms)
    aad = base64.b64encode(b"context").decode()
    shown = {"KeyId": "alias/orders", "Plaintext": "***", "Aad": aad, "Iv": "AAAAAAAAAAAAAAAA"}
    assert (call.action, call.access_key_id, call.parameters) == ("Encrypt", GOOD, shown)
    assert call.unmasked_parameters["Plaintext"] == base64.b64encode(TEXT).decode()
    assert (call.answered["KeyId"], call.answered["Iv"]) == (AES, "AAAAAAAAAAAAAAAA")
    kms.calls.assert_called("encrypt", key_id="alias/orders", aad=aad)
    instance.ask("Sign", "00000002-1111-4000-8000-000000000001", KeyId="key-hzz65f0c1a2sign000000", Message=TEXT)
    kms.calls.assert_called("Sign", KeyVersionId="00000002-1111-4000-8000-000000000001")
    instance.ask("GetSecretValue", SecretName="db/password", FetchExtendedConfig=True)
    kms.calls.assert_called("GetSecretValue", SecretName="db/password", FetchExtendedConfig=True)
    with pytest.raises(AssertionError, match="SecretData of db/password"):
        kms.assert_no_leaks("the password is hunter2")
    with pytest.raises(AssertionError, match="decoded from Base64"):
        kms.assert_no_leaks(f"paid with {TEXT.decode()}")
    kms.assert_no_leaks("nothing")
    with pytest.raises(Refused):
        instance.ask("Encrypt", KeyId="nothing", Plaintext=TEXT)
    assert (last_call(kms).code, last_call(kms).answered) == ("Forbidden.KeyNotFound", {})
    assert last_call(kms).parameters["Plaintext"] == "***"
    with pytest.raises(ValueError, match="Encrypt has no parameter 'Padding'"):
        kms.calls.filter("Encrypt", Padding="x")


def test_faults(kms: KmsMock, instance: InstanceClient) -> None:
    """A fault strikes by name, resource and caller; what it answers is an Error; a malformed body is no message."""
    kms.fail("Encrypt", resource=AES, caller="KAAP.*", code="Rejected.Throttling", times=1)
    with pytest.raises(Refused) as caught:
        instance.ask("Encrypt", KeyId="alias/orders", Plaintext=TEXT)
    assert caught.value.refusal == (429, "Rejected.Throttling", "QPS Limit Exceeded")
    instance.ask("Encrypt", KeyId=AES, Plaintext=TEXT)
    kms.fail("Sign", code="Own.Code", status=418, message="own text", times=1)
    with pytest.raises(Refused, match="418 Own"):
        instance.ask("Sign", KeyId=AES)
    kms.fail("GenerateRandom", code="SignatureNotMatch", times=1)
    with pytest.raises(Refused) as caught:
        instance.ask("GenerateRandom", Length=8)
    assert caught.value.refusal == (401, "SignatureNotMatch", "Signature is not matched.")
    kms.fail("GenerateRandom", effect="malformed", times=1)
    with pytest.raises(DecodeError):
        instance.ask("GenerateRandom", Length=8)
    with pytest.raises(ValueError, match="Unauthorised"):
        kms.fail("GenerateRandom", code="Unauthorised")


def test_the_handle_sees_its_operations(kms: KmsMock) -> None:
    """The list of operations has those of the gateway with their product and version."""
    listed = [entry for entry in _operations(kms) if entry["version"] == "dkms-gcs-0.2"]
    assert len(listed) == 16
    encrypt = next(entry for entry in listed if entry["name"] == "Encrypt")
    version = next(parameter for parameter in encrypt["parameters"] if parameter["name"] == "KeyVersionId")
    assert version["type"] == "string, at most 64 characters, in the header `x-kms-migrationkeyversionid`"


def _operations(kms: KmsMock) -> list[dict[str, Any]]:
    tree: list[dict[str, Any]] = json.loads(ask(kms, request_bytes("GET", path="/_kms_mock/operations")).body)[
        "operations"
    ]
    return tree


def test_an_unused_gateway_changes_no_answer() -> None:
    """A mock without the API answers such a request as any other type of body that is no form."""
    with KmsMock([INSTANCE_FIXTURE], apis=[api for api in APIS if api.wire_form is None]) as kms:
        headers = {"Content-Type": "application/x-protobuf", "x-kms-apiname": "Encrypt"}
        answer = ask(kms, request_bytes("POST", body=b"\x0a\x01a", headers=headers))
        assert answer.refusal[:2] == (400, "ParseRequestParameterException")


@pytest.mark.parametrize("operation", API.operations.values(), ids=list(API.operations))
def test_every_operation_is_on_the_page(operation: Operation) -> None:
    """The page of operations has each with its parameters, under a heading that tells it from the RPC API's."""
    heading = f"\n#### {operation.name} (Kms instance)\n"
    text = markdown(APIS).partition(heading)[2].partition("\n#### ")[0]
    rows = [line.split(" | ")[0].removeprefix("| ") for line in text.splitlines() if line.startswith("| `")]
    assert rows[: len(operation.parameters)] == [f"`{parameter.name}`" for parameter in operation.parameters]
    assert markdown_of(APIS, operation.name) is not None
