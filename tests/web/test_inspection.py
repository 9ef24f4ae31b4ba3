"""The routes for looking closely: a call as a whole, near misses, what is due, the catalogue."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.config import Config
from kms_mock.control.catalogue import catalogue, form_field
from kms_mock.control.provocations import PROVOCATIONS
from kms_mock.products import APIS
from tests.support.control import SECRET_FIXTURE, control_request, exchange
from tests.support.keys import create_key, schedule
from tests.support.registry import REGISTRY
from tests.support.secrets import create, put, value
from tests.support.web import request_path


@pytest.fixture
def kms() -> Iterator[KmsMock]:
    """A mock with one secret."""
    with KmsMock([SECRET_FIXTURE]) as running:
        yield running


# -- one call ---------------------------------------------------------------------------------------------------------


def test_a_call_as_a_whole(kms: KmsMock, client: Client) -> None:
    """Everything that was sent and answered; secrets in both are masked, and shown only by a server that may."""
    value(client)
    whole = control_request(kms, "GET", "requests/1")
    assert whole["call"] == control_request(kms, "GET", "requests")["requests"][0]
    assert whole["sent"] == {"SecretName": "db"}
    assert (whole["answer"]["SecretData"], whole["answer"]["SecretName"]) == ("***", "db")
    assert "hunter2" not in json.dumps(whole)
    assert exchange(kms, "GET", "requests/1?unmasked=true")[0] == 403
    with KmsMock([SECRET_FIXTURE], config=Config(reveal_secrets=True)) as open_kms:
        put(open_kms.client(), "v2", "other-secret")
        value(open_kms.client())
        whole = control_request(open_kms, "GET", "requests/1?unmasked=true")
        assert whole["sent"]["SecretData"] == "other-secret"
        whole = control_request(open_kms, "GET", "requests/2?unmasked=true")
        assert whole["answer"]["SecretData"] == "other-secret"


def test_what_travels_with_a_request_is_shown_but_for_its_secrets(kms: KmsMock) -> None:
    """The system parameters; a token and a signature are masked."""
    parameters = {
        "Action": "ListKeys",
        "Version": "2016-01-20",
        "SecurityToken": "token-token",
        "Signature": "signature-signature",
    }
    request_path(kms, f"/?{urlencode(parameters)}")
    sent = control_request(kms, "GET", "requests/1")["sent"]
    assert sent == {**parameters, "SecurityToken": "***", "Signature": "***"}


VERIFYING = {
    "authentication": {"signatures": "verify"},
    "accounts": [{"id": "1234567890123456", "access_keys": [{"id": "LTAI-x", "secret": "right"}]}],
}
WRONG_SECRET = {"access_key_id": "LTAI-x", "access_key_secret": "wrong", "signature_algorithm": "v2"}


def test_the_string_to_sign_is_masked_where_a_parameter_is() -> None:
    """The refusal of a wrong signature quotes the parameters, values included: of a secret, or of nobody knows what."""
    with KmsMock([VERIFYING]) as kms:
        with pytest.raises(Exception, match="SignatureDoesNotMatch"):
            create(kms.client(**WRONG_SECRET), "db", "hunter2hunter2")
        with pytest.raises(Exception, match="SignatureDoesNotMatch"):
            value(kms.client(**WRONG_SECRET, security_token="hunter2"))
        for number in (1, 2):
            whole = control_request(kms, "GET", f"requests/{number}")
            assert whole["call"]["code"] == "SignatureDoesNotMatch"
            assert whole["answer"]["Message"] == "***"
            assert "hunter2" not in json.dumps(whole)


def test_the_string_to_sign_is_shown_where_no_parameter_is_masked() -> None:
    """It is what a person compares with the client's, as the client's exception has it."""
    with KmsMock([VERIFYING]) as kms:
        with pytest.raises(Exception, match="SignatureDoesNotMatch") as caught:
            value(kms.client(**WRONG_SECRET))
        message = control_request(kms, "GET", "requests/1")["answer"]["Message"]
    assert "server string to sign is:POST&%2F&AccessKeyId%3DLTAI-x" in message
    assert message in str(caught.value)


@pytest.mark.parametrize("number", ["0", "2", "x", "-1", "9" * 30, "%D9%A1"])
def test_a_call_that_is_not_there(kms: KmsMock, client: Client, number: str) -> None:
    """404, whatever the number is like."""
    value(client)
    assert exchange(kms, "GET", f"requests/{number}")[0] == 404


def test_calls_that_had_to_go_are_not_found() -> None:
    """The number is that of the call, not its place in the journal."""
    with KmsMock([SECRET_FIXTURE], config=Config(journal=2)) as kms:
        for _ in range(4):
            value(kms.client())
        assert exchange(kms, "GET", "requests/2")[0] == 404
        assert control_request(kms, "GET", "requests/3")["call"]["number"] == 3


# -- near misses ------------------------------------------------------------------------------------------------------


def test_an_assertion_that_holds(kms: KmsMock, client: Client) -> None:
    """As `assert_called` sees it, in either spelling."""
    value(client)
    for body in (
        {"action": "GetSecretValue"},
        {"action": "get_secret_value", "parameters": {"secret_name": "db"}, "times": 1, "code": ""},
    ):
        answer = control_request(kms, "POST", "near-misses", body)
        assert (answer["holds"], len(answer["matches"]), answer["near"]) == (True, 1, [])


def test_an_assertion_that_does_not(kms: KmsMock, client: Client) -> None:
    """The nearest calls, the nearest first, with what differs; a secret that was wanted stays masked as found."""
    value(client)
    put(client, "v2", "hunter3hunter3")
    body = {"action": "PutSecretValue", "parameters": {"VersionId": "v3", "SecretData": "x"}, "code": ""}
    answer = control_request(kms, "POST", "near-misses", body)
    assert (answer["holds"], answer["matches"]) == (False, [])
    nearest, farther = answer["near"]
    assert nearest["call"]["action"] == "PutSecretValue"
    assert nearest["differences"] == [
        {"what": "VersionId", "wanted": "v3", "found": "v2"},
        {"what": "SecretData", "wanted": "x", "found": "***"},
    ]
    assert farther["differences"][0] == {"what": "action", "wanted": "PutSecretValue", "found": "GetSecretValue"}
    assert "hunter" not in json.dumps(answer)
    refused = control_request(kms, "POST", "near-misses", {"action": "GetSecretValue", "code": "InternalFailure"})
    assert refused["near"][0]["differences"] == [{"what": "code", "wanted": "InternalFailure", "found": ""}]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"action": "GetSecretValu"}, "did you mean 'GetSecretValue'"),
        ({"action": "GetSecretValue", "parameters": {"SecretNam": "x"}}, "did you mean 'SecretName'"),
        ({"action": "GetSecretValue", "parameters": {"code": "x"}}, "no operation has a parameter 'code'"),
        ({"action": "GetSecretValue", "tims": 1}, "did you mean 'times'"),
        ({}, "action"),
    ],
)
def test_a_wrong_assertion_is_refused(kms: KmsMock, body: Any, problem: str) -> None:
    """With the nearest name."""
    status, _, answer = exchange(kms, "POST", "near-misses", json.dumps(body).encode(), Content_Type="application/json")
    assert (status, problem in answer["error"]) == (400, True), answer


# -- what is due ------------------------------------------------------------------------------------------------------


def test_what_is_due(kms: KmsMock, client: Client) -> None:
    """In order of time, with what it is about; nothing is there twice, and what was called off is not there."""
    control_request(kms, "PUT", "clock", {"freeze": True, "set": "2030-01-01"})
    assert control_request(kms, "GET", "due") == {"due": []}
    late, early = create_key(client), create_key(client)
    schedule(client, late.key_id, 30)
    schedule(client, early.key_id, 7)
    dates = control_request(kms, "GET", "due")["due"]
    assert [(date["at"], date["resource"], date["id"]) for date in dates] == [
        ("2030-01-08T00:00:00Z", "key", early.key_id),
        ("2030-01-31T00:00:00Z", "key", late.key_id),
    ]
    control_request(kms, "PUT", "clock", {"set": dates[0]["at"]})
    assert [date["id"] for date in control_request(kms, "GET", "due")["due"]] == [late.key_id]


# -- the catalogue ----------------------------------------------------------------------------------------------------


def test_the_server_tells_what_it_was_started_with(kms: KmsMock) -> None:
    """As far as the page needs it."""
    answer = control_request(kms, "GET", "server")
    assert (answer["account"], answer["region"], answer["reveal_secrets"]) == ("1234567890123456", "cn-hangzhou", False)


def test_the_catalogue_has_everything(kms: KmsMock) -> None:
    """Every operation with a form for each of its parameters, every code of every table."""
    found = control_request(kms, "GET", "catalogue")
    assert {entry["operation"]["name"] for entry in found["operations"]} == set(REGISTRY)
    for entry in found["operations"]:
        assert [field["name"] for field in entry["form"]] == [
            parameter["name"] for parameter in entry["operation"]["parameters"]
        ]
        assert "RequestId" not in entry["answer"] or entry["answer"]["RequestId"] == "str"
    pairs = {(name, error["error"]["code"]) for error in found["errors"] for name in error["operations"]}
    assert pairs == {(operation.name, row.code) for operation in REGISTRY.values() for row in operation.errors}
    texts = [(error["error"]["status"], error["error"]["code"], error["error"]["message"]) for error in found["errors"]]
    assert len(texts) == len(set(texts))


def test_a_form_comes_from_the_types() -> None:
    """Kinds, limits, choices and samples, each from the declared type and nothing else."""
    fields = {
        (name, parameter.name): form_field(parameter)
        for name, operation in REGISTRY.items()
        for parameter in operation.parameters
    }
    assert (
        fields["ScheduleKeyDeletion", "PendingWindowInDays"] | {"kind": "integer", "least": 7, "most": 366}
        == (fields["ScheduleKeyDeletion", "PendingWindowInDays"])
    )
    assert fields["PutSecretValue", "SecretDataType"]["choices"] == ["text", "binary"]
    assert fields["CreateKey", "EnableAutomaticRotation"]["kind"] == "boolean"
    assert fields["CreateKey", "Tags"]["sample"] == '[{"TagKey":"","TagValue":""}]'
    assert fields["TagResources", "ResourceId"]["kind"] == "list"
    assert fields["Encrypt", "EncryptionContext"]["kind"] == "object"
    assert (fields["Encrypt", "KeyId"]["resource"], fields["Encrypt", "KeyId"]["longest"]) == ("key", 512)
    assert fields["CreateKey", "RotationInterval"]["kind"] == "text"
    assert "RSA_2048" in fields["CreateKey", "KeySpec"]["choices"]
    assert fields["UpdateSecret", "Description"]["empty_allowed"]
    for field in fields.values():
        assert (field["kind"] in ("json", "list", "object")) == (field["sample"] != "")
        assert field["sample"] == "" or json.loads(field["sample"])


@pytest.mark.parametrize("code", list(PROVOCATIONS))
def test_a_request_of_the_catalogue_gets_its_error(code: str) -> None:
    """From a server that started with nothing; the error of that text offers it, others of the same code do not."""
    errors = [error for error in catalogue(APIS)["errors"] if error["error"]["code"] == code]
    requests = [error["request"] for error in errors if error["request"] is not None]
    query = urlencode(
        {"Version": requests[0]["version"], **requests[0]["parameters"], "Action": requests[0]["operation"]}
    )
    with KmsMock() as kms:
        answer = request_path(kms, f"/?{query}")
    assert code == json.loads(answer.body)["Code"]
    assert answer.status in {error["error"]["status"] for error in errors if error["request"] is not None}


def test_every_fault_of_the_catalogue_can_be_asked_for(kms: KmsMock) -> None:
    """Each error comes by a fault too: none is refused."""
    for error in catalogue(APIS)["errors"]:
        control_request(kms, "POST", "faults", error["fault"])
    assert len(list(kms.faults)) == len(catalogue(APIS)["errors"])
