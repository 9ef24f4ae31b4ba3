"""Plain requests are answered at once, without aiohttp's task: nothing but the time that it takes may differ."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from kms_mock import KmsMock
from kms_mock.config import Config
from kms_mock.control.faults import Effect
from kms_mock.server.lane import begin
from tests.support.raw_http import FORM, Answer, Wire, http, request_parameters
from tests.support.waiting import wait_for_strike

CREATED = "2026-01-01"
WORLD: dict[str, Any] = {
    "secrets": [
        {"name": "db", "value": "one", "created": CREATED},
        {"name": "large", "value": "x" * 30_000, "created": CREATED},
    ]
}
GET = http(query=request_parameters("GetSecretValue", SecretName="db"))
LIST = http("POST", request_parameters("ListSecrets"), headers={"Content-Length": "0"})
BY_FORM = http("POST", form=request_parameters("GetSecretValue", SecretName="db"))
ORDERS = [GET, LIST, BY_FORM, LIST, LIST, GET]
FIRST_NAMES = ["SecretName", "SecretList", "SecretName", "SecretList", "SecretList", "SecretName"]


@pytest.fixture(scope="module", params=[True, False], ids=["lane", "aiohttp"])
def kms(request: pytest.FixtureRequest) -> Iterator[KmsMock]:
    with KmsMock(WORLD, config=Config(lane=request.param)) as running:
        yield running


BREAKING: tuple[Effect, ...] = ("reset", "truncate")
SPOILING: tuple[Effect, ...] = ("slow", "malformed")
ENOUGH_TO_WAIT = 400  # answers of 30 KB: more than systems keep for a client


def took_lane(answer: Answer) -> bool:
    """Return whether an answer took the lane: aiohttp names itself in its own."""
    return "server" not in answer.headers


def first_names(wire: Wire, count: int) -> list[str]:
    return [next(iter(wire.receive().tree)) for _ in range(count)]


# -- which way, and that it does not matter -----------------------------------------------------------------------------

PLAIN = {
    "query": GET,
    "empty form": LIST,
    "form": BY_FORM,
    "chunks": http("POST", headers={"Transfer-Encoding": "chunked"}) + b"%x\r\n%s\r\n0\r\n\r\n" % (38, b"Action=ListSecrets&Version=2016-01-20&"),
    "body that is no form": http("POST", body=b"<a/>", headers={"Content-Type": "text/xml"}),
    "unknown operation": http(query=request_parameters("NoSuch")),
    "missing secret": http(query=request_parameters("GetSecretValue", SecretName="none")),
    "missing parameter": http(query=request_parameters("GetSecretValue")),
    "XML": http(query={**request_parameters("GetSecretValue", SecretName="db"), "Format": "XML"}),
    "foreign host": http(query=request_parameters("ListSecrets"), host="evil.example"),
    "foreign page": http(query=request_parameters("ListSecrets"), headers={"Origin": "http://evil.example"}),
    "other path": http(path="/x", query=request_parameters("ListSecrets")),
    "change": http(query=request_parameters("CreateSecret", SecretName="new", VersionId="v", SecretData="x")),
    "key": http(query=request_parameters("CreateKey")),
    "unknown parameter": http(query=request_parameters("ListSecrets", Nonsense="1")),
}  # fmt: skip
OTHER = {
    "HEAD": http("HEAD", request_parameters("ListSecrets")),
    "PUT": http("PUT", request_parameters("ListSecrets"), body=b"abc"),
    "close": http(query=request_parameters("ListSecrets"), headers={"Connection": "close"}),
    "HTTP/1.0": b"GET /?Action=ListSecrets&Version=2016-01-20 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "upgrade": http(query=request_parameters("ListSecrets"), headers={"Connection": "Upgrade", "Upgrade": "h2c"}),
    "large answer": http(query=request_parameters("BatchGetSecretValue", SecretsList='[{"SecretName":"large"},{"SecretName":"large2"},{"SecretName":"large3"}]')),
    "RSA": http(query=request_parameters("CreateKey", KeySpec="RSA_2048")),
    "health": http(path="/_kms_mock/health"),
}  # fmt: skip


def conversation(lane: bool, caplog: pytest.LogCaptureFixture) -> tuple[list[Answer], list[Any], list[str]]:
    """Send every kind of request to a seeded mock; return the answers, the calls in the journal and the log."""
    caplog.clear()
    world = {"secrets": [*WORLD["secrets"], *({**WORLD["secrets"][1], "name": f"large{n}"} for n in (2, 3))]}
    answers = []
    with KmsMock(world, config=Config(seed=1, lane=lane)) as kms:
        kms.clock.freeze()
        kms.clock.set("2026-01-31")
        for name, request in (PLAIN | OTHER).items():
            with Wire(kms) as wire:
                answers.append(wire.send(request).receive(head_only=name == "HEAD"))
        calls = [{**call.document(), "milliseconds": 0} for call in kms.calls]
    lines = [f"{record.levelname} {record.getMessage()}" for record in caplog.records if record.name == "kms_mock"]
    return answers, calls, [line.replace(line.partition(" ms ")[0].rpartition(" ")[2], "") for line in lines]


def test_both_ways_answer_alike(caplog: pytest.LogCaptureFixture) -> None:
    """With one seed, what is answered, kept in the journal and logged is the same on both ways, but for aiohttp's name."""
    ours, theirs = conversation(True, caplog), conversation(False, caplog)
    assert [took_lane(answer) for answer in ours[0]] == [True] * len(PLAIN) + [False] * len(OTHER)
    assert not any(map(took_lane, theirs[0]))
    for name, one, other in zip(PLAIN | OTHER, ours[0], theirs[0], strict=True):
        headers = [
            {key: value for key, value in each.headers.items() if key not in ("server", "date")}
            for each in (one, other)
        ]
        assert (one.status, headers[0]) == (other.status, headers[1]), name
        assert (one.body == other.body) or name == "health", name  # which has the machine's time
        assert "date" in one.headers
    assert ours[1:] == theirs[1:]
    assert len(ours[1]) > len(PLAIN)
    assert any("Nonsense" in line for line in ours[2])


def test_a_tls_connection_has_the_lane_too() -> None:
    """Plain is a matter of the request, not of the transport: through TLS it takes the lane as well.

    Not each one has to: while the transport still has to send, as after a handshake, answers are left to aiohttp.
    """
    with KmsMock(WORLD) as kms, Wire(kms) as wire:
        wire.socket = ssl.create_default_context(cadata=kms.ca_pem).wrap_socket(
            wire.socket, server_hostname="127.0.0.1"
        )
        answers = [wire.send(request).receive() for request in (GET, BY_FORM) * 10]
        assert {answer.tree["SecretData"] for answer in answers} == {"one"}
        assert any(map(took_lane, answers))


# -- how requests arrive ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("request_bytes", [GET, BY_FORM], ids=["query", "form"])
def test_a_request_may_be_cut_anywhere(kms: KmsMock, request_bytes: bytes) -> None:
    """In two segments, cut at any byte, a request is answered like in one, on the same connection."""
    with Wire(kms) as wire:
        wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for place in range(1, len(request_bytes)):
            wire.send(request_bytes[:place])
            time.sleep(0.0005)
            assert wire.send(request_bytes[place:]).receive().tree["SecretData"] == "one"


def test_pipelined_requests_are_answered_in_order(kms: KmsMock) -> None:
    """Requests that arrive together, or in segments that end within one, are answered in order; between them plain ones."""
    everything = b"".join(ORDERS)
    with Wire(kms) as wire:
        for cut in (len(everything), len(everything) - 3, len(GET) + 5, len(GET + LIST + BY_FORM) - 4, 1):
            wire.send(everything[:cut])
            time.sleep(0.002)
            wire.send(everything[cut:])
            assert first_names(wire, len(ORDERS)) == FIRST_NAMES
            assert wire.send(GET).receive().tree["SecretData"] == "one"
        wire.send(GET * 100 + LIST)  # more than aiohttp reads ahead
        assert first_names(wire, 101) == ["SecretName"] * 100 + ["SecretList"]


def test_the_lane_is_open_again_after_aiohttp(kms: KmsMock) -> None:
    """On one connection plain requests and others follow each other as they like."""
    with Wire(kms) as wire:
        for other in (OTHER["HEAD"], OTHER["PUT"], OTHER["health"], OTHER["upgrade"], GET + GET):
            ways = [took_lane(wire.send(GET).receive()) for _ in range(2)]
            assert ways == [kms.config.lane] * 2
            wire.send(other)
            assert not took_lane(wire.receive(head_only=other is OTHER["HEAD"]))
            if other == GET + GET:
                assert wire.receive().status == 200


def test_a_large_body_beside_plain_requests(kms: KmsMock) -> None:
    """A body of any size up to 1 MiB, in one segment or several, is answered between two plain requests."""
    with Wire(kms) as wire:
        for size in (100, 65_536, 65_537, 131_073, 300_000, 1_048_576):
            body = urlencode({**request_parameters("GetSecretValue", SecretName="db"), "Padding": ""}).encode()
            request = http("POST", body=body.ljust(size, b"x"), headers={"Content-Type": FORM})
            for segments in ([request], [request[:300], request[300:]], [request[:-1], request[-1:]]):
                for segment in segments:
                    wire.send(segment)
                    time.sleep(0.002)
                assert wire.receive().tree["SecretData"] == "one"
                assert wire.send(LIST).receive().status == 200


def test_a_client_that_expects_is_told_to_continue(kms: KmsMock) -> None:
    """`Expect: 100-continue` is answered first, whether the body waits for that or has come with the head."""
    head, _, body = http("POST", form=request_parameters("ListSecrets"), headers={"Expect": "100-continue"}).partition(
        b"\r\n\r\n"
    )
    with Wire(kms) as wire:
        for segments in ([head + b"\r\n\r\n", body], [head + b"\r\n\r\n" + body]):
            for segment in segments:
                wire.send(segment)
                time.sleep(0.01)
            assert wire.receive().status == 100
            assert wire.receive().tree["TotalCount"] == 2


# -- what waits ---------------------------------------------------------------------------------------------------------


def test_a_request_that_waits_keeps_its_place(kms: KmsMock) -> None:
    """A latency, or an RSA key, in between: the answers come in order, and other connections do not wait for them."""
    kms.faults.clear()
    kms.fail("ListSecrets", latency=0.3)
    with Wire(kms) as wire, Wire(kms) as other:
        assert took_lane(wire.send(GET).receive()) == kms.config.lane
        wire.send(LIST)
        wait_for_strike(kms)
        wire.send(GET)
        began = time.monotonic()
        assert other.send(GET).receive().status == 200
        assert time.monotonic() - began < 0.25
        assert first_names(wire, 2) == ["SecretList", "SecretName"]
        kms.faults.clear()
        wire.send(OTHER["RSA"])
        time.sleep(0.005)
        wire.send(GET)
        assert first_names(wire, 2) == ["KeyMetadata", "SecretName"]
        assert took_lane(wire.send(GET).receive()) == kms.config.lane


@pytest.mark.parametrize("lane", [True, False], ids=["lane", "aiohttp"])
def test_a_fault_strikes_on_both_ways(lane: bool) -> None:
    """Each kind of fault does to a plain request what it does to any other, and counts once."""
    with KmsMock(WORLD, config=Config(lane=lane)) as kms:
        for fault in ({"code": "InternalFailure"}, {"code": "Throttling", "phase": "after", "retry_after": 3}):
            kms.fail("GetSecretValue", times=1, **fault)
            with Wire(kms) as wire:
                assert wire.send(GET).receive().refusal[1] == fault["code"]
                assert wire.send(GET).receive().status == 200
        for effect in BREAKING:
            kms.fail("GetSecretValue", times=1, effect=effect)
            with Wire(kms) as wire, pytest.raises((EOFError, ConnectionResetError)):
                wire.send(GET).receive()
        for effect in SPOILING:
            kms.fail("GetSecretValue", times=1, effect=effect, seconds=0.05)
            with Wire(kms) as wire:
                answer = wire.send(GET).receive()
                assert answer.body.endswith(b'"}') == (effect == "slow")
                assert wire.send(GET).receive().status == 200
        assert [fault.struck for fault in kms.faults] == [1] * 6
        assert len([call for call in kms.calls if call.fault]) == 6


# -- the end of a connection --------------------------------------------------------------------------------------------


def test_a_client_may_close_its_side(kms: KmsMock) -> None:
    """After a whole request it gets the answer; in the middle of a body it is refused at once, not after a time limit."""
    with Wire(kms) as wire:
        wire.send(GET).socket.shutdown(socket.SHUT_WR)
        assert wire.receive().status == 200
        assert wire.closed()
    for early in (
        BY_FORM[:-1],
        http("POST", headers={"Content-Length": "100"}),
        http("POST", headers={"Content-Length": "100"}) + b"A",
    ):
        with Wire(kms, timeout=2) as wire:
            assert wire.send(GET).receive().status == 200
            wire.send(early)
            time.sleep(0.01)
            wire.socket.shutdown(socket.SHUT_WR)
            assert wire.receive().refusal[1] == "ParseRequestParameterException"
            assert wire.closed()


@pytest.mark.parametrize("lane", [True, False], ids=["lane", "aiohttp"])
@pytest.mark.parametrize("before", [b"", GET, LIST + GET])
def test_stop_while_a_request_waits(lane: bool, before: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """A request that waits does not keep `stop` waiting, whichever way it took; half a body does not either."""
    kms = KmsMock(WORLD, config=Config(lane=lane)).start()
    kms.fail("ListSecrets", skip=3 * before.count(b"ListSecrets"), latency=60)
    with Wire(kms) as waiting, Wire(kms) as half, Wire(kms) as idle:
        for wire in (waiting, half, idle):
            wire.send(before)
            for _ in range(before.count(b"HTTP/1.1")):
                assert wire.receive().status == 200
        half.send(BY_FORM[:-1])
        waiting.send(LIST)
        wait_for_strike(kms) if not before.count(b"ListSecrets") else time.sleep(0.1)
        began = time.monotonic()
        kms.stop()
        assert time.monotonic() - began < 5
        assert all(wire.closed() for wire in (waiting, half, idle))
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_kept_connections_are_closed_on_demand(kms: KmsMock) -> None:
    """`close_kept_connections` ends what is idle, whichever way its last request took; half a request may become whole.

    A body of which half had arrived was never read to its end.
    """
    with Wire(kms) as fresh, Wire(kms) as used, Wire(kms) as half:
        assert fresh.send(GET).receive().status == 200
        assert used.send(OTHER["HEAD"]).receive(head_only=True).status == 403
        assert used.send(GET).receive().status == 200
        assert half.send(GET).receive().status == 200
        half.send(BY_FORM[:-1])
        time.sleep(0.05)
        kms.close_kept_connections()
        assert fresh.closed()
        assert used.closed()
        assert half.send(BY_FORM[-1:]).receive().tree["SecretData"] == "one"


@pytest.mark.parametrize("lane", [True, False], ids=["lane", "aiohttp"])
def test_a_connection_that_is_closed_while_it_answers_ends_with_the_answer(lane: bool) -> None:
    """Who closes kept connections from within a request (a log hook, a watcher of the journal) gets its answer first."""
    running: list[KmsMock] = []

    def close_all(*_: Any) -> None:
        running[0].close_kept_connections()

    with KmsMock(WORLD, config=Config(lane=lane), log_request=close_all) as kms:
        running.append(kms)
        for request in (GET, BY_FORM):
            with Wire(kms) as wire:
                wire.send(OTHER["health"]).receive()  # no API request: the connection is kept
                answer = wire.send(request).receive()
                assert answer.tree["SecretData"] == "one"
                assert answer.headers["connection"] == "close"
                assert wire.closed()


def test_answers_wait_for_a_client_that_does_not_read() -> None:
    """Requests sent one by one by a client that reads late are all answered, in order: the lane leaves them to aiohttp."""
    large = http(query=request_parameters("GetSecretValue", SecretName="large"))
    with KmsMock(WORLD) as kms, Wire(kms) as wire:
        for _ in range(ENOUGH_TO_WAIT):
            wire.send(large)
            time.sleep(0.0005)
        wire.send(LIST)
        answers = [wire.receive() for _ in range(ENOUGH_TO_WAIT + 1)]
        assert {next(iter(answer.tree)) for answer in answers[:-1]} == {"SecretName"}
        assert next(iter(answers[-1].tree)) == "SecretList"
        assert {took_lane(answer) for answer in answers} == {True, False}
        assert took_lane(wire.send(GET).receive())


# -- an answer that was begun -------------------------------------------------------------------------------------------


async def test_a_coroutine_goes_on_in_a_task() -> None:
    """What waits is awaited in a task as if it had begun there: its result, its error, its cancellation are the same."""
    steps: list[str] = []

    async def work(fail: bool = False) -> str:
        await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        try:
            await asyncio.Event().wait() if steps else await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            steps.append("cancelled")
            await asyncio.sleep(0)
            steps.append("cleaned up")
            raise
        if fail:
            raise ValueError("no")
        return "done"

    async def at_once() -> str:
        return "at once"

    assert begin(at_once()) == "at once"
    rest = begin(work())
    assert not isinstance(rest, str)
    assert await rest == "done"
    failing = begin(work(fail=True))
    assert not isinstance(failing, str)
    with pytest.raises(ValueError, match="no"):
        await failing
    steps.append("waits")
    waiting = begin(work())
    assert not isinstance(waiting, str)

    async def wait() -> str:
        return await waiting

    task = asyncio.create_task(wait())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert steps == ["waits", "cancelled", "cleaned up"]
