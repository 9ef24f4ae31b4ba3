"""Assertions about the journal: what they hold for, and how they help where they do not."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client
from Tea.exceptions import TeaException

from kms_mock import KmsMock
from kms_mock.config import Config
from tests.support import raw_http
from tests.support.calls import last_call
from tests.support.control import SECRET_FIXTURE
from tests.support.secrets import create, put, sdk, value

DATA = "correct horse battery"


@pytest.fixture
def small() -> Iterator[KmsMock]:
    """A mock that remembers three calls."""
    with KmsMock([SECRET_FIXTURE], config=Config(journal=3)) as running:
        yield running


# -- assertions -------------------------------------------------------------------------------------------------------


def test_assert_called_gives_the_calls(kms: KmsMock, client: Client) -> None:
    """At least once, exactly so often, with these parameters and this code: what matches is given."""
    create(client)
    value(client)
    value(client, version_id="v1")
    assert len(kms.calls.assert_called("GetSecretValue")) == 2
    (call,) = kms.calls.assert_called("GetSecretValue", SecretName="db", VersionId="v1", times=1)
    assert call.number == 3
    kms.calls.assert_called("GetSecretValue", VersionId=None, times=1)
    kms.calls.assert_called("GetSecretValue", code="", times=2)
    assert kms.calls.assert_called("GetSecretValue", code="InternalFailure", times=0) == []


def test_numbers_and_booleans_are_compared_as_clients_send_them(kms: KmsMock, client: Client) -> None:
    """Python's True went over the wire as `True`, other clients send `true`; numbers became text."""
    create(client)
    sdk(client, "DescribeSecret", secret_name="db", fetch_tags="true")
    sdk(client, "ListSecrets", page_size=5)
    kms.calls.assert_called("DescribeSecret", FetchTags=True)
    kms.calls.assert_not_called("DescribeSecret", FetchTags=False)
    kms.calls.assert_called("ListSecrets", PageSize=5)


def test_a_list_is_compared_with_what_the_client_meant(kms: KmsMock, client: Client) -> None:
    """However it was written; what the server could not read as one is another value."""
    create(client)
    for tags in ('[{"TagKey": "a", "TagValue": "b"}]', "no list"):
        with suppress(TeaException):
            sdk(client, "TagResource", secret_name="db", tags=tags)
    kms.calls.assert_called("TagResource", Tags=[{"TagKey": "a", "TagValue": "b"}], times=1)
    kms.calls.assert_called("TagResource", Tags="no list", times=1)


def test_a_failed_assert_called_shows_the_nearest_calls(kms: KmsMock, client: Client) -> None:
    """The call that differs least comes first, with its status; others after it."""
    create(client, "web")
    value(client, "web")
    create(client)
    put(client, "v2", "two")
    with pytest.raises(AssertionError) as caught:
        kms.calls.assert_called("PutSecretValue", SecretName="db", VersionId="v3", times=1)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("expected PutSecretValue(SecretName='db', VersionId='v3') 1 times, got 0.")
    assert "nearest" in lines[0]
    assert lines[1].startswith("  #4 PutSecretValue(")
    assert lines[1].endswith("-> 200 ok")
    assert len(lines) == 5


def test_a_wrong_number_of_calls_shows_those_that_match(kms: KmsMock, client: Client) -> None:
    """Too many: the message says how many came, and which."""
    create(client)
    value(client)
    value(client)
    with pytest.raises(AssertionError, match=r"got 2") as caught:
        kms.calls.assert_called("GetSecretValue", SecretName="db", times=1)
    assert re.findall(r"#(\d) GetSecretValue", str(caught.value)) == ["2", "3"]


def test_no_call_at_all_is_said_so(kms: KmsMock) -> None:
    """An empty journal has no nearest call."""
    with pytest.raises(AssertionError, match="There was no call at all"):
        kms.calls.assert_called("GetSecretValue")


def test_assert_not_called_shows_what_came(kms: KmsMock, client: Client) -> None:
    """It fails with the calls that should not have been; other parameters do not count."""
    create(client)
    kms.calls.assert_not_called("DeleteSecret")
    kms.calls.assert_not_called("CreateSecret", SecretName="web")
    with pytest.raises(
        AssertionError, match=r"expected no CreateSecret\(SecretName='db'\), got 1.*\n  #1 CreateSecret"
    ):
        kms.calls.assert_not_called("CreateSecret", SecretName="db")


def test_evicted_calls_are_mentioned(small: KmsMock) -> None:
    """A failed assertion says that older calls are gone: the one that is missed may be among them."""
    client = small.client()
    create(client, "s0")
    for _ in range(3):
        value(client)
    with pytest.raises(AssertionError, match="1 older calls were evicted; the journal keeps 3"):
        small.calls.assert_called("CreateSecret")
    with pytest.raises(AssertionError, match="cannot tell whether CreateSecret was called: 1 older calls were evicted"):
        small.calls.assert_not_called("CreateSecret")


def test_filter(kms: KmsMock, client: Client) -> None:
    """By action, code, caller and parameters, in order."""
    create(client)
    value(client)
    value(kms.client(access_key_id="bob"))
    assert [call.number for call in kms.calls.filter()] == [1, 2, 3]
    assert [call.number for call in kms.calls.filter("GetSecretValue")] == [2, 3]
    assert [call.number for call in kms.calls.filter(access_key_id="bob")] == [3]
    assert [call.number for call in kms.calls.filter(code="", SecretName="db")] == [1, 2, 3]
    assert kms.calls.filter(code="InternalFailure") == []


@pytest.mark.parametrize(
    ("action", "parameters", "problem"),
    [
        ("CreateSecrt", {}, "there is no operation 'CreateSecrt'; did you mean 'CreateSecret'?"),
        ("createsecret", {}, "there is no operation 'createsecret'; did you mean 'CreateSecret'?"),
        (
            "CreateSecret",
            {"Secretname": "db"},
            "CreateSecret has no parameter 'Secretname'; did you mean 'SecretName'?",
        ),
        ("CreateSecret", {"KeyId": "x"}, "CreateSecret has no parameter 'KeyId'"),
        ("CreateSecret", {"code": "Rejected.ResourceExists"}, "no error code 'Rejected.ResourceExists'; did you mean"),
    ],
)
def test_a_name_that_does_not_exist_is_a_mistake_of_the_test(
    kms: KmsMock, client: Client, action: str, parameters: dict[str, Any], problem: str
) -> None:
    """Such an assertion passed, or found nothing, in a test that did create the secret."""
    create(client)
    for ask in (kms.calls.filter, kms.calls.assert_called, kms.calls.assert_not_called):
        with pytest.raises(ValueError, match=re.escape(problem)):
            ask(action, **parameters)


def test_without_an_operation_any_parameter_will_do(kms: KmsMock, client: Client) -> None:
    """A parameter that no operation has is a mistake; RegionId and its like travel with every request."""
    create(client)
    assert len(kms.calls.filter(secret_name="db")) == 1
    assert kms.calls.filter(RegionId="cn-beijing") == []
    with pytest.raises(ValueError, match="no operation has a parameter 'SecretNam'; did you mean 'SecretName'"):
        kms.calls.filter(SecretNam="db")


def test_the_spelling_of_the_sdk_is_accepted(kms: KmsMock, client: Client) -> None:
    """`create_secret` and `secret_name` are CreateSecret and SecretName; lists and objects are compared as values."""
    create(client)
    put(client, "v2", "two", version_stages='["ACSCurrent", "blue"]')
    kms.calls.assert_called("create_secret", secret_name="db", version_id="v1", times=1)
    kms.calls.assert_called("PutSecretValue", version_stages=["ACSCurrent", "blue"])
    kms.calls.assert_not_called("put_secret_value", version_stages=["blue"])
    with pytest.raises(AssertionError, match="got 1"):
        kms.calls.assert_not_called("CreateSecret", secret_name="db")
    sdk(client, "ListTagResources", region_id="cn-hangzhou", resource_type="secret", resource_id=["db"])
    kms.calls.assert_called("ListTagResources", resource_id=["db"], times=1)
    kms.calls.assert_called("ListTagResources", **{"ResourceId.1": "db"}, times=1)
    kms.calls.assert_not_called("ListTagResources", resource_id=["web"])


def test_what_a_client_called_can_be_looked_for(kms: KmsMock) -> None:
    """An operation that does not exist, but was asked for, is a fact of the test."""
    raw_http.ask(kms, raw_http.http(query=raw_http.request_parameters("GetSecretValu")))
    assert [call.code for call in kms.calls.filter("GetSecretValu")] == ["InvalidAction.NotFound"]
    with pytest.raises(AssertionError, match="expected no GetSecretValu"):
        kms.calls.assert_not_called("GetSecretValu")


def test_a_code_of_a_faults_own_can_be_looked_for(kms: KmsMock, client: Client) -> None:
    """Any code may be a fault's; only one that is nearly a known one is taken for a mistake."""
    kms.calls.assert_not_called("GetSecretValue", code="Company.Own")
    kms.fail("GetSecretValue", code="InternalFailures", status=500, message="x")
    with pytest.raises(Exception, match="InternalFailures"):
        value(client)
    kms.calls.assert_called("GetSecretValue", code="InternalFailures", times=1)


def test_a_call_in_words_says_why(kms: KmsMock) -> None:
    """Status, code and reason on one line fit for a terminal, whatever a client sent as action or value."""
    raw_http.ask(kms, raw_http.http(query=raw_http.request_parameters("GetSecretValue", SecretName="no\x9b31m")))
    assert str(last_call(kms)) == (
        "#1 GetSecretValue(SecretName='no\\x9b31m') -> 404 Forbidden.ResourceNotFound: "
        "There is no secret no\\x9b31m in cn-hangzhou of account 1234567890123456."
    )
    raw_http.ask(kms, raw_http.http(query="Action=Get%1B%5B31m%C2%9BValue&Version=2016-01-20"))
    assert str(last_call(kms)).startswith(
        "#2 Get\\x1b[31m\\x9bValue() -> 404 InvalidAction.NotFound: There is no operation"
    )
    assert str(last_call(kms)).isprintable()


def test_a_refused_value_is_masked(kms: KmsMock) -> None:
    """A secret in the wrong parameter shows up nowhere; numbers and choices that fit do."""
    sent = {
        "SecretName": "db",
        "VersionId": "v1",
        "SecretData": "x",
        "SecretDataType": "it's-S3CRET",
        "DKMSInstanceId": "S3",
    }
    answer = raw_http.ask(kms, raw_http.http(query=raw_http.request_parameters("CreateSecret", **sent)))
    assert answer.headers["x-kms-mock-reason"] == "SecretDataType: expected one of text, binary"
    call = last_call(kms)
    assert "S3" not in f"{call} {call!r} {call.document()}"
    assert call.parameters["SecretName"] == "db"
    assert call.unmasked_parameters["SecretDataType"] == "it's-S3CRET"


def test_the_log_has_no_secret_either(kms: KmsMock, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """The server's own request log names action, status, code and request id, and no value."""
    with caplog.at_level(logging.INFO, "kms_mock"):
        create(client, value=DATA)
        value(client)
    assert DATA not in caplog.text
    kms.assert_no_leaks(caplog.records)
