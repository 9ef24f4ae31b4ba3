"""Clients that are slow or silent, or wait for a slow answer: which connections are closed, when, and how."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from kms_mock import KmsMock
from kms_mock.config import Config
from tests.support.raw_http import Wire, http, request_parameters

SECRET = {"name": "db", "value": "one"}
GET = request_parameters("GetSecretValue", SecretName="db")
UNPARSED = (
    400,
    "ParseRequestParameterException",
    "Server parse parameters exception. Please check your input params.",
)


@pytest.fixture(scope="module")
def kms(with_each_lane: KmsMock) -> KmsMock:
    return with_each_lane


@pytest.fixture(scope="module", params=[True, False], ids=["lane", "aiohttp"])
def hasty(request: pytest.FixtureRequest) -> Iterator[KmsMock]:
    """A mock that waits for nobody."""
    config = Config(header_timeout=0.4, idle_timeout=1.6, lane=request.param)
    with KmsMock([{"secrets": [SECRET]}], config=config) as running:
        yield running


def late(wire: Wire) -> None:
    assert wire.receive().refusal == UNPARSED
    assert wire.closed()


def test_a_silent_connection_is_closed(hasty: KmsMock) -> None:
    """A connection on which nothing ever comes is answered and closed after header_timeout."""
    began = time.monotonic()
    with Wire(hasty) as wire:
        late(wire)
    assert 0.4 <= time.monotonic() - began < 3


def test_a_header_that_never_ends_is_closed(hasty: KmsMock) -> None:
    """A request that stops within its header is answered and closed after header_timeout."""
    with Wire(hasty) as wire:
        wire.send(http("GET", GET)[:-2])
        late(wire)


def test_a_header_sent_byte_by_byte_is_read_while_there_is_time(kms: KmsMock, hasty: KmsMock) -> None:
    """Bytes one by one are fine, but they do not extend the time: header_timeout is for the whole request."""
    with Wire(kms) as wire:
        for byte in http("GET", GET):
            wire.send(bytes([byte]))
        assert wire.receive().tree["SecretData"] == "one"
    with Wire(hasty, timeout=0.05) as wire:
        began = time.monotonic()
        answered = False
        while not answered and time.monotonic() - began < 3:
            wire.send(b"G" if wire.buffer else b"GET /?")
            try:
                answered = wire.receive().refusal == UNPARSED
            except TimeoutError:
                wire.send(b"x")
        assert answered


def test_a_body_that_never_ends_is_closed(hasty: KmsMock) -> None:
    """A request that stops within its body is answered and closed after header_timeout, and answered only once."""
    for request in (
        http("POST", headers={"Content-Length": "100"}) + b"Action=",
        http("POST", headers={"Transfer-Encoding": "chunked"}) + b"5\r\nab",
        http("POST", headers={"Content-Length": "100", "Expect": "100-continue"}),
    ):
        with Wire(hasty) as wire:
            wire.send(request)
            if b"Expect" in request:
                assert wire.receive().status == 100
            answer = wire.receive()
            assert answer.refusal == UNPARSED
            assert "too long to arrive" in answer.headers["x-kms-mock-reason"]
            assert wire.closed()


def post() -> tuple[bytes, bytes]:
    """Return head and body of a request that reads the secret by a form."""
    body = urlencode(GET).encode()
    return http("POST", body=body).removesuffix(body), body


@pytest.mark.parametrize("separate", [False, True])
def test_the_body_of_an_answered_request_begins_no_other_one(hasty: KmsMock, separate: bool) -> None:
    """After a POST, however its bytes arrived, the connection is idle: no further answer, and it ends when it is asked."""
    head, body = post()
    with Wire(hasty) as wire:
        for segment in (head, body) if separate else (head + body,):
            wire.send(segment)
            time.sleep(0.05)
        assert wire.receive().tree["SecretData"] == "one"
        time.sleep(1.0)  # longer than a request may take
        wire.send(head + body)
        assert wire.receive().tree["SecretData"] == "one"
        hasty.close_kept_connections()
        assert wire.closed()


@pytest.mark.parametrize("separate", [False, True])
def test_a_long_answer_makes_no_request_late(hasty: KmsMock, separate: bool) -> None:
    """A latency longer than header_timeout delays a POST and the one that is pipelined behind it, and refuses neither."""
    hasty.fail("GetSecretValue", latency=1.0, times=1)
    request = b"".join(post())
    with Wire(hasty) as wire:
        for segment in (request, request) if separate else (request + request,):
            wire.send(segment)
            time.sleep(0.05)
        assert [wire.receive().tree.get("SecretData") for _ in range(2)] == ["one", "one"]


def test_an_idle_kept_connection_is_closed_without_a_word(hasty: KmsMock) -> None:
    """A kept connection without a further request ends after idle_timeout, later than header_timeout, with nothing sent."""
    with Wire(hasty) as wire:
        assert wire.send(http("GET", GET)).receive().status == 200
        time.sleep(0.5)  # longer than a request may take: waiting for the next one is no slow request
        assert wire.send(http("GET", GET)).receive().status == 200
        began = time.monotonic()
        assert wire.closed()
        assert 1.2 < time.monotonic() - began < 3


def test_a_slow_request_on_a_kept_connection_is_timed_from_its_first_byte(hasty: KmsMock) -> None:
    """On a kept connection the clock of a request starts with its first byte."""
    with Wire(hasty) as wire:
        assert wire.send(http("GET", GET)).receive().status == 200
        time.sleep(0.3)
        wire.send(b"GET /?Action=")
        late(wire)
