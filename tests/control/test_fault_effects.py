"""What a client sees of a fault: errors, latency, spoiled answers, lost connections."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator

import pytest
from alibabacloud_kms20160120.client import Client
from Tea.exceptions import TeaException

from kms_mock import KmsMock
from kms_mock import kms as kms_api
from kms_mock.control.faults import FaultOptions, FaultSpec
from tests.support.control import RAW_GET, SECRET_FIXTURE, codes
from tests.support.raw_http import Wire
from tests.support.registry import REGISTRY
from tests.support.secrets import sdk, value


@pytest.fixture
def kms() -> Iterator[KmsMock]:
    """A mock with one secret."""
    with KmsMock([SECRET_FIXTURE]) as running:
        yield running


# -- what the client sees ---------------------------------------------------------------------------------------------


CATALOGUE = kms_api.API.errors


def test_every_error_of_the_catalogue_can_be_had(kms: KmsMock) -> None:
    """Each code comes with its status, and with the operation's own text where its table has the code."""
    table = REGISTRY["GetSecretValue"].rows_by_code
    with Wire(kms) as wire:
        for code, row in CATALOGUE.items():
            kms.fail("GetSecretValue", code=code, times=1)
            status, told, message = wire.send(RAW_GET).receive().refusal
            row = table.get(code, row)  # noqa: PLW2901 (the operation's own words)
            names = {"name": "SecretName", "key": "key", "detail": "fault"}
            assert (status, told, message) == (row.status, code, row.text(names))
    assert {"Rejected.Throttling", "InternalFailure", "Forbidden.InDebt", "Throttling"} <= set(CATALOGUE)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("Throttling.User", 400),
        ("InvalidSecurityToken.Expired", 400),
        ("Forbidden.RAM", 403),
        ("ServiceUnavailable", 503),
        ("InternalError", 500),
    ],
)
def test_the_codes_of_the_gateway_are_in_the_catalogue(kms: KmsMock, client: Client, code: str, status: int) -> None:
    """What people test for comes with a status and a text of its own."""
    kms.fail("GetSecretValue", code=code, times=1)
    with pytest.raises(TeaException) as caught:
        value(client)
    assert (caught.value.statusCode, caught.value.code) == (status, code)
    assert caught.value.data["Message"].endswith(".")


def test_any_code_can_be_had(kms: KmsMock) -> None:
    """One that is in no catalogue needs a status and a message, which come as they were given, in JSON and in XML."""
    kms.fail("GetSecretValue", code="Company.Own", status=418, message="I am {a} teapot & <more>", times=2)
    for form in ("JSON", "XML"):
        with Wire(kms) as wire:
            answer = wire.send(RAW_GET.replace(b"?", f"?Format={form}&".encode())).receive()
        assert answer.refusal == (418, "Company.Own", "I am {a} teapot & <more>")


def test_status_and_text_of_a_known_code_can_be_others(kms: KmsMock) -> None:
    """The gateway in front of a product throttles with 400 here and 503 there."""
    kms.fail("GetSecretValue", code="Throttling", status=503, times=1)
    kms.fail("GetSecretValue", code="InternalFailure", message="busy", times=1)
    with Wire(kms) as wire:
        assert wire.send(RAW_GET).receive().refusal == (
            503,
            "Throttling",
            "Request was denied due to request throttling.",
        )
        assert wire.send(RAW_GET).receive().refusal == (500, "InternalFailure", "busy")


def test_the_arguments_of_fail_are_the_fields_of_a_fault() -> None:
    """An editor completes what FaultOptions names: all that a FaultSpec has besides the operation."""
    assert {"operation", *FaultOptions.__annotations__} == set(FaultSpec.__struct_fields__)


def test_the_time_to_wait_goes_into_a_header(kms: KmsMock, client: Client) -> None:
    """With `retry_after` the SDK raises its ThrottlingException, which carries the seconds (clients.md 2.27)."""
    kms.fail("GetSecretValue", code="Rejected.Throttling", retry_after=3, times=1)
    with pytest.raises(TeaException) as caught:
        value(client)
    assert getattr(caught.value, "retry_after", None) == 3


def test_latency(kms: KmsMock, client: Client) -> None:
    """An answer takes at least as long as asked for; the operation happens all the same."""
    kms.fail("GetSecretValue", latency=0.05, times=1)
    began = time.perf_counter()
    assert value(client) == "hunter2hunter2"
    assert time.perf_counter() - began >= 0.05
    assert kms.calls.filter("GetSecretValue")[0].milliseconds >= 50


def test_latency_with_an_error(kms: KmsMock, client: Client) -> None:
    """Slow, and then it fails: both in one fault."""
    kms.fail("GetSecretValue", latency=0.03, code="InternalFailure", times=1)
    began = time.perf_counter()
    assert codes(client, 1) == ["InternalFailure"]
    assert time.perf_counter() - began >= 0.03


def test_a_distribution_of_latency_repeats_with_its_seed(kms: KmsMock) -> None:
    """Between least and most, not always the same, and the same sequence for the same seed."""
    delays = []
    for seed in (7, 7, 8):
        fault = kms.fail(latency=[0.2, 0.4], seed=seed)
        delays.append([fault.delay() for _ in range(20)])
    assert all(0.2 <= delay <= 0.4 for delay in delays[0])
    assert len(set(delays[0])) > 10
    assert delays[0] == delays[1] != delays[2]


async def test_a_delayed_request_holds_up_no_other(kms: KmsMock) -> None:
    """While one request waits, others are answered."""
    kms.fail(resource="db", latency=0.5)
    client = kms.client()
    slow = asyncio.create_task(asyncio.to_thread(value, client, "db"))
    await asyncio.sleep(0.05)
    assert sdk(kms.client(), "ListKeys")["TotalCount"] == 0
    assert not slow.done()
    kms.faults.clear()
    assert await slow == "hunter2hunter2"


def test_a_reset_connection(kms: KmsMock) -> None:
    """The connection ends with a reset, and not a byte of an answer; the next one works."""
    kms.fail("GetSecretValue", effect="reset", times=1)
    with socket.create_connection((kms.config.host, kms.port), 5) as connection:
        connection.sendall(RAW_GET)
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    with Wire(kms) as wire:
        assert wire.send(RAW_GET).receive().status == 200


def test_a_truncated_body(kms: KmsMock) -> None:
    """The head promises more than comes before the connection ends."""
    kms.fail("GetSecretValue", effect="truncate", times=1)
    with socket.create_connection((kms.config.host, kms.port), 5) as connection:
        connection.sendall(RAW_GET)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert f"Content-Length: {2 * len(body)}".encode()[:-1] in head
    assert body.startswith(b"{")


def test_a_slow_body(kms: KmsMock, client: Client) -> None:
    """The body comes byte by byte over `seconds`, whole in the end."""
    kms.fail("GetSecretValue", effect="slow", seconds=0.1, times=1)
    began = time.perf_counter()
    assert value(client) == "hunter2hunter2"
    assert time.perf_counter() - began >= 0.1


def test_a_malformed_body(kms: KmsMock, client: Client) -> None:
    """Status 200 and JSON that is none: the SDK cannot read it."""
    kms.fail("GetSecretValue", effect="malformed", times=2)
    began = time.perf_counter()
    with Wire(kms) as wire:
        answer = wire.send(RAW_GET).receive()
    assert time.perf_counter() - began < 1  # `seconds` is for slow ones
    assert answer.status == 200
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|Invalid"):
        json.loads(answer.body)
    with pytest.raises(Exception, match="json"):
        value(client)


def test_an_error_in_a_broken_body(kms: KmsMock) -> None:
    """Code and effect together: the error's own body is the broken one, and the operation did not happen."""
    kms.fail("CreateKey", code="InternalFailure", effect="malformed", times=1)
    with Wire(kms) as wire:
        answer = wire.send(RAW_GET.replace(b"GetSecretValue", b"CreateKey")).receive()
    assert (answer.status, b"InternalFailure" in answer.body) == (500, True)
    assert kms.snapshot()["accounts"][0]["regions"][0].get("keys", []) == []
