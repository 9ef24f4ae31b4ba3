"""Calls of a service by the official SDK: what is repeated, and what is not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from alibabacloud_tea_openapi.models import Config

from kms_mock import KmsMock
from kms_mock.service_client import RefusedError, ServiceClient, UnreachableError
from tests.support.parity import config_of

MISSING = {"SecretName": "nobody"}


@pytest.fixture
def service() -> Iterator[KmsMock]:
    """A mock in the place of the service."""
    with KmsMock() as kms:
        yield kms


def test_a_throttled_call_is_repeated_with_growing_waits(service: KmsMock) -> None:
    """The waits double; a call that is throttled to the end says so."""
    service.fail("ListKeys", code="Rejected.Throttling", times=3)
    waits: list[float] = []
    client = ServiceClient(config_of(service), sleep=waits.append)
    assert client.ask("ListKeys", {}).status == 200
    assert waits == [0.2, 0.4, 0.8]
    assert (client.calls, client.waits) == (4, 3)
    service.fail("ListKeys", code="Rejected.Throttling")
    with pytest.raises(UnreachableError, match="ListKeys is throttled"):
        client.ask("ListKeys", {})
    assert max(waits) == 20


def test_only_a_patient_client_repeats_failures(service: KmsMock) -> None:
    """A failure of the service, or no answer, may have changed something: only who reads repeats the call."""
    for options in ({"code": "InternalFailure"}, {"effect": "reset"}):
        for patient in (False, True):
            fault = service.fail("ListKeys", times=1, **options)  # type: ignore[arg-type]
            client = ServiceClient(config_of(service), patient=patient, sleep=lambda _: None)
            if patient:
                assert client.ask("ListKeys", {}).status == 200
                assert client.waits == 1
            elif "code" in options:
                assert client.ask("ListKeys", {}).code == "InternalFailure"
            else:
                with pytest.raises(UnreachableError, match="ListKeys got no answer"):
                    client.ask("ListKeys", {})
            assert not fault.unused


def test_a_refusal_is_an_answer(service: KmsMock) -> None:
    """`ask` returns status, code and text of a refusal, `call` raises it with its request id; neither is repeated."""
    client = ServiceClient(config_of(service), patient=True, sleep=lambda _: None)
    answer = client.ask("GetSecretValue", MISSING)
    assert (answer.status, answer.code, answer.text) == (404, "Forbidden.ResourceNotFound", "Resource not found.")
    with pytest.raises(RefusedError, match=r"GetSecretValue was refused with Forbidden\.ResourceNotFound \(request "):
        client.call("GetSecretValue", **MISSING)
    assert client.calls == 2


def test_nobody_there() -> None:
    """A port that nobody listens on is no answer, after as many attempts as a patient client makes."""
    config = Config(access_key_id="a", access_key_secret="b", endpoint="127.0.0.1:9", protocol="http", region_id="x")
    client = ServiceClient(config, patient=True, sleep=lambda _: None)
    with pytest.raises(UnreachableError):
        client.ask("ListKeys", {})
    assert client.calls == 10
