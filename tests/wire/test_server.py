"""How requests arrive: connections, sizes, and what is not HTTP at all. Numbers are those of clients.md 2."""

from __future__ import annotations

import logging
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from msgspec.structs import replace

from kms_mock import KmsMock
from kms_mock.kms import API
from tests.support.raw_http import FORM, VERSION, Wire, ask, http, request_parameters
from tests.support.registry import REGISTRY

GET = request_parameters("GetSecretValue", SecretName="db")
UNPARSED = (
    400,
    "ParseRequestParameterException",
    "Server parse parameters exception. Please check your input params.",
)
FORM_BODY = b"Action=GetSecretValue&Version=2016-01-20&SecretName=db"


@pytest.fixture(scope="module")
def kms(with_each_lane: KmsMock) -> KmsMock:
    return with_each_lane


# -- bodies and sizes -------------------------------------------------------------------------------------------------


def test_a_form_may_come_in_chunks(kms: KmsMock) -> None:
    """5: Node's openapi-client sends its form with Transfer-Encoding: chunked, in chunks of any size."""
    chunks = b"".join(
        b"%x;ext=1\r\n%s\r\n" % (len(part), part) for part in (FORM_BODY[:1], FORM_BODY[1:20], FORM_BODY[20:])
    )
    head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    with Wire(kms) as wire:
        for byte in (head + chunks + b"0\r\n\r\n").split(b"&"):  # in several packets, too
            wire.send(byte if byte.startswith(b"POST") else b"&" + byte)
        assert wire.receive().tree["SecretData"] == "one"


def test_broken_chunks_are_refused(kms: KmsMock) -> None:
    """5: a body whose chunks are malformed answers an envelope and closes the connection."""
    head = f"POST /?Action=GetSecretValue&Version={VERSION} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with Wire(kms) as wire:
        wire.send(head.encode())
        time.sleep(0.05)  # the head is answered for before the body turns out to be broken
        answer = wire.send(b"zz\r\nabc\r\n").receive()
        assert answer.refusal == UNPARSED
        assert wire.closed()


def test_a_request_line_of_98_kb_is_read(kms: KmsMock) -> None:
    """6: the V1 SDKs put a whole secret into the URL: 30 KB that are escaped to more than 90 KB."""
    data = "é" * 15360
    created = ask(
        kms, http("POST", request_parameters("CreateSecret", SecretName="large", VersionId="v", SecretData=data))
    )
    assert created.status == 200
    assert ask(kms, http("GET", request_parameters("GetSecretValue", SecretName="large"))).tree["SecretData"] == data
    padded = http("GET", {**GET, "Padding": "%" * 32800})
    assert len(padded) > 98_000
    assert ask(kms, padded).tree["SecretData"] == "one"


@pytest.mark.parametrize("size", [300_000, 1_000_000])
def test_a_request_line_beyond_all_measure_is_refused(kms: KmsMock, size: int) -> None:
    """6: beyond 256 KB the answer is the API's envelope, though the client is still sending."""
    answer = ask(kms, http("GET", {**GET, "Padding": "x" * size}))
    assert answer.refusal == UNPARSED
    assert answer.version == "HTTP/1.0" or answer.headers["connection"] == "close"


@pytest.mark.parametrize(
    "headers", [{"X-Large": "x" * 300_000}, {f"X-{n}": "x" for n in range(5000)}], ids=["long", "many"]
)
def test_headers_beyond_all_measure_are_refused(kms: KmsMock, headers: dict[str, str]) -> None:
    """6: too long or too many headers answer the API's envelope."""
    assert ask(kms, http("GET", GET, headers=headers)).refusal == UNPARSED


def test_a_body_of_one_mib_is_read_and_a_larger_one_refused(kms: KmsMock) -> None:
    """A body may have 1 MiB; a larger one is refused with an envelope, whether its length was announced or not."""
    fitting = FORM_BODY + b"&Padding=" + b"x" * (1024 * 1024 - len(FORM_BODY) - 9)
    assert ask(kms, http("POST", body=fitting)).tree["SecretData"] == "one"
    announced = http("POST", body=fitting + b"x" * 2_000_000)
    chunked = http("POST", headers={"Transfer-Encoding": "chunked"}) + b"300000\r\n" + b"x" * 0x300000
    for request in (announced, chunked):
        with Wire(kms) as wire:
            answer = wire.send(request).receive()
            assert answer.refusal == UNPARSED
            assert "1048576" in answer.headers["x-kms-mock-reason"]
            assert answer.headers["connection"] == "close"
            assert wire.closed()


def test_a_compressed_body_is_no_form(kms: KmsMock) -> None:
    """No client compresses; a body that claims to be gzip is taken as it is and refused."""
    body = b"\x1f\x8b\x08\x00" + bytes(range(200, 256))
    assert ask(kms, http("POST", GET, body=body, headers={"Content-Encoding": "gzip"})).refusal == UNPARSED


# -- connections ------------------------------------------------------------------------------------------------------


def test_a_connection_is_kept_and_reused(kms: KmsMock) -> None:
    """16: HTTP/1.1 keeps the connection, after refusals too, and two requests sent at once are answered in order."""
    with Wire(kms) as wire:
        for _ in range(3):
            assert wire.send(http("GET", GET)).receive().tree["SecretData"] == "one"
            assert wire.send(http("POST", form=request_parameters("NoSuch"))).receive().refusal[0] == 404
            assert wire.send(http("PUT", GET, body=b"abc")).receive().refusal[0] == 403
        wire.send(http("GET", GET) + http("GET", request_parameters("ListSecrets")) + http("GET", GET))
        answers = [wire.receive().tree for _ in range(3)]
        assert [next(iter(tree)) for tree in answers] == ["SecretName", "SecretList", "SecretName"]
        assert len({tree["RequestId"] for tree in answers}) == 3


def test_connection_close_closes(kms: KmsMock) -> None:
    """16: a client that says Connection: close gets its answer and then the end of the connection."""
    with Wire(kms) as wire:
        assert wire.send(http("GET", GET, headers={"Connection": "close"})).receive().status == 200
        assert wire.closed()


def test_a_client_may_close_its_side_after_the_request(kms: KmsMock) -> None:
    """A client that sends and then shuts down its side (as `nc -N` does) gets all its answers, then the end."""
    with Wire(kms) as wire:
        wire.send(http("GET", GET) * 3)
        wire.socket.shutdown(socket.SHUT_WR)
        assert [wire.receive().tree["SecretData"] for _ in range(3)] == ["one"] * 3
        assert wire.closed()
    for request in (http("POST", headers={"Content-Length": "100"}) + b"Action=", b"no HTTP\r\n\r\n"):
        with Wire(kms, timeout=1) as wire:  # sooner than any time limit: what is cut off cannot become whole
            wire.send(request)
            wire.socket.shutdown(socket.SHUT_WR)
            assert wire.receive().refusal == UNPARSED
            assert wire.closed()
    with Wire(kms, timeout=1) as wire:
        assert wire.send(http("GET", GET)).receive().status == 200
        wire.socket.shutdown(socket.SHUT_WR)
        assert wire.closed()


def test_eight_connections_at_once_are_all_answered(kms: KmsMock) -> None:
    """16: clients open eight and more connections in parallel; none waits for another to close."""
    everybody = Barrier(16)

    def visit(number: int) -> set[str]:
        with Wire(kms) as wire:
            everybody.wait()
            found = {wire.send(http("GET", {**GET, "N": str(number)})).receive().tree["SecretData"] for _ in range(20)}
            everybody.wait()  # all sixteen stay open until all are done
        return found

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(visit, range(16))) == [{"one"}] * 16


def test_http_1_0_is_answered_and_closed_unless_kept(kms: KmsMock) -> None:
    """An HTTP/1.0 client needs no Host header and gets the connection closed, unless it asks to keep it."""
    line = http("GET", GET).partition(b" HTTP/1.1")[0] + b" HTTP/1.0\r\n"
    with Wire(kms) as wire:
        assert wire.send(line + b"\r\n").receive().tree["SecretData"] == "one"
        assert wire.closed()
    with Wire(kms) as wire:
        for _ in range(2):
            assert wire.send(line + b"Connection: keep-alive\r\n\r\n").receive().tree["SecretData"] == "one"


def test_expect_continue_is_answered_before_the_body(kms: KmsMock) -> None:
    """16: a client may wait for `100 Continue` before it sends the body (curl does beyond 1 KB)."""
    request = http("POST", form=GET, headers={"Expect": "100-continue"})
    head, _, body = request.partition(b"\r\n\r\n")
    with Wire(kms) as wire:
        go_on = wire.send(head + b"\r\n\r\n").receive()
        assert (go_on.status, go_on.headers) == (100, {})
        assert wire.send(body).receive().tree["SecretData"] == "one"


def test_head_gets_the_head_of_a_refusal(kms: KmsMock) -> None:
    """HEAD is refused like any other method; as HTTP wants it, without the body."""
    with Wire(kms) as wire:
        answer = wire.send(http("HEAD", GET)).receive(head_only=True)
        assert answer.status == 403
        assert len(answer.headers["x-acs-request-id"]) == 36
        assert wire.send(http("GET", GET)).receive().status == 200  # no body was in between


def test_an_upgrade_to_another_protocol_is_ignored(kms: KmsMock) -> None:
    """A client that offers HTTP/2 or a WebSocket is answered in HTTP/1.1."""
    for protocol in ("h2c", "websocket"):
        with Wire(kms) as wire:
            request = http("GET", GET, headers={"Connection": "Upgrade", "Upgrade": protocol})
            assert wire.send(request).receive().tree["SecretData"] == "one"


# -- not HTTP ---------------------------------------------------------------------------------------------------------

GARBAGE = {
    "bytes": b"\x00\x01\x02\xff\xfe\r\n\r\n",
    "a word": b"hello\r\n\r\n",
    "HTTP/2 prior knowledge": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a method that is none": b"FOO / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a method in lower case": b"get / HTTP/1.1\r\nHost: x\r\n\r\n",
    "HTTP/1.1 without Host": b"GET / HTTP/1.1\r\n\r\n",
    "an unknown version": b"GET / HTTP/3.7\r\nHost: x\r\n\r\n",
    "a length that is no number": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a length and chunks": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a header without a colon": b"GET / HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n",
    "a header with a zero byte": b"GET / HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
    "a blank in the request target": b"GET /?a= b HTTP/1.1\r\nHost: x\r\n\r\n",
    "an SMTP greeting": b"EHLO localhost\r\n",
    "much of nothing": b"\xff" * 500_000,
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_what_is_not_http_gets_an_envelope_and_the_door(
    kms: KmsMock, garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever comes, the answer is the API's envelope; then the connection is closed, and no error is logged."""
    with Wire(kms) as wire:
        answer = wire.send(garbage).receive()
        assert answer.refusal == UNPARSED
        assert wire.closed()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert ask(kms, http("GET", GET)).status == 200


def test_garbage_after_a_good_request_does_not_spoil_its_answer(kms: KmsMock) -> None:
    """A connection on which garbage follows an answered request is answered once more and closed."""
    with Wire(kms) as wire:
        assert wire.send(http("GET", GET)).receive().status == 200
        assert wire.send(b"garbage\r\n\r\n").receive().refusal == UNPARSED
        assert wire.closed()


def test_a_client_that_leaves_does_no_harm(kms: KmsMock, caplog: pytest.LogCaptureFixture) -> None:
    """Connections broken at any point leave no error in the log, and the server goes on."""
    request = http("POST", GET, body=b"SecretName=" + b"y" * 5000)
    for length in (0, 1, 20, len(request) - 100, len(request)):
        with Wire(kms) as wire:
            wire.send(request[:length])
            wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # reset, not close
    time.sleep(0.1)
    assert ask(kms, http("GET", GET)).status == 200
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


# -- bugs of ours -----------------------------------------------------------------------------------------------------


def test_a_bug_answers_500_and_logs_where_but_no_value(
    kms: KmsMock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A handler that fails answers the 500 envelope; the log has the traceback, but no parameter's value."""

    def broken(*_: object, **arguments: object) -> dict[str, object]:
        table: dict[object, dict[str, object]] = {}
        try:
            return table[arguments["secret_data"]]
        except KeyError as error:
            raise ValueError(f"cannot store {arguments['secret_data']}") from error

    monkeypatch.setitem(API.operations, "PutSecretValue", replace(REGISTRY["PutSecretValue"], handler=broken))
    request = request_parameters("PutSecretValue", SecretName="db", VersionId="v2", SecretData="hush-hush")
    before = kms.snapshot()
    for kind in ({}, {"Format": "XML"}):
        answer = ask(kms, http("POST", form={**request, **kind}))
        assert answer.refusal[:2] == (500, "InternalFailure")
        assert answer.tree["RequestId"] in caplog.text
        assert "hush-hush" not in str(answer)
    assert kms.snapshot() == before
    assert "broken" in caplog.text
    assert "KeyError" in caplog.text
    assert "ValueError" in caplog.text
    assert "hush-hush" not in caplog.text


def test_a_bug_beside_the_gateway_answers_500_and_is_logged(
    kms: KmsMock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What keeps the journal may fail too: the client gets the 500 envelope, the log says where, and names no value."""
    value = "hush-hush"

    def broken(*_: object) -> None:
        raise ValueError(value)

    monkeypatch.setattr(kms.calls, "add", broken)
    answer = ask(kms, http("POST", form=GET))
    assert answer.refusal[:2] == (500, "InternalFailure")
    assert "log" in answer.headers["x-kms-mock-reason"]
    assert "internal error outside the gateway" in caplog.text
    assert "broken" in caplog.text
    assert value not in caplog.text
    monkeypatch.undo()
    assert ask(kms, http("POST", form=GET)).status == 200


def test_the_log_has_one_line_per_request_and_no_value(kms: KmsMock, caplog: pytest.LogCaptureFixture) -> None:
    """Each request logs action, status, code, time and RequestId on one line, nothing of what it carried."""
    with caplog.at_level(logging.INFO, "kms_mock"):
        found = ask(kms, http("POST", form=GET))
        ask(kms, http("POST", form=request_parameters("x\r\nINFO forged", SecretData="hush-hush")))
    lines = [record.getMessage() for record in caplog.records if record.name == "kms_mock"]
    assert len(lines) == 2
    assert lines[0].startswith("GetSecretValue 200 ok ")
    assert lines[0].endswith(found.tree["RequestId"])
    assert "InvalidAction.NotFound" in lines[1]
    assert all(
        "\n" not in line
        and "\r" not in line
        and "hush" not in line
        and "secret" not in line.lower().replace("getsecretvalue", "")
        for line in lines
    )
