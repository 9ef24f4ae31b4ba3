"""Answers to requests that arrived together leave together, and none is lost when its connection ends meanwhile."""

from __future__ import annotations

import asyncio
import json
import select
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from kms_mock import KmsMock
from kms_mock.config import Config
from kms_mock.control.calls import Call
from kms_mock.server import outbox
from tests.support.raw_http import Wire, http, request_parameters
from tests.support.tls import GET_SECRET, TLS_FIXTURE, trusting

SLOW = 0.01  # seconds: longer than answers wait for each other


class OneTurn:
    """Makes a server's event loop take several requests in one turn: it is held until all of them have arrived.

    `in_turn` is called in the loop when one of them is answered, with how many were answered before in that turn.
    """

    def __init__(self, in_turn: Callable[[int], object] = lambda _: None) -> None:
        self._in_turn = in_turn
        self._held, self._arrived = threading.Event(), threading.Event()
        self._answered: int | None = None
        self.kms = KmsMock(TLS_FIXTURE, log_request=self._after_answer)

    def _after_answer(self, *_: Any) -> None:
        if self._answered is None:
            return
        if self._answered < 0:
            self._held.set()
            assert self._arrived.wait(5)
        else:
            self._in_turn(self._answered)
        self._answered += 1

    @contextmanager
    def held(self, first: Wire) -> Iterator[None]:
        """Hold the loop in the answer to a request on a connection, while others send theirs."""
        self._answered = -1
        first.send(GET_SECRET)
        assert self._held.wait(5)
        yield
        self._arrived.set()

    @contextmanager
    def connections(self, count: int) -> Iterator[list[Wire]]:
        """Start the server, let it take a request on each of so many connections, and yield those without the answers."""
        with self.kms as kms, Wire(kms) as first:
            wires = [Wire(kms) for _ in range(count)]
            try:
                assert all(wire.send(GET_SECRET).receive().status == 200 for wire in (first, *wires))
                with self.held(first):
                    for wire in wires:
                        wire.send(GET_SECRET)
                yield wires
                assert first.receive().status == 200
            finally:
                for wire in wires:
                    wire.socket.close()


def answered(wires: list[Wire]) -> int:
    """Return how many of the clients could read something now."""
    return len(select.select([wire.socket for wire in wires], [], [], 0)[0])


def test_answers_of_one_turn_leave_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the last of several requests is answered, no client has its answer yet; then all have them."""
    monkeypatch.setattr(outbox, "MAX_WAIT", 60)  # however slow the machine is
    seen: list[int] = []
    turn = OneTurn(lambda _: seen.append(answered(wires)))
    with turn.connections(3) as wires:
        assert [wire.receive().tree["SecretData"] for wire in wires] == ["one"] * 3
    assert seen == [0, 0, 0]


def test_an_answer_does_not_wait_for_slow_ones() -> None:
    """Once a turn takes long, what is ready leaves: other requests that came with it may take longer still."""
    seen: list[int] = []
    all_seen = threading.Event()

    def look(before: int) -> None:
        seen.append(answered(wires))
        if before == 1:
            time.sleep(SLOW)
        elif before == 3:
            all_seen.set()

    turn = OneTurn(look)
    with turn.connections(4) as wires:
        assert all_seen.wait(5)
        assert [wire.receive().tree["SecretData"] for wire in wires] == ["one"] * 4
    assert seen == [0, 0, 2, 2]


def test_an_answer_leaves_before_its_connection_is_closed() -> None:
    """Who closes kept connections (here a log hook) while an answer waits does not take it from its client."""
    turn = OneTurn(lambda before: turn.kms.close_kept_connections() if before == 1 else None)
    with turn.connections(2) as wires:
        answers = [wire.receive() for wire in wires]
        assert [answer.tree["SecretData"] for answer in answers] == ["one"] * 2
        assert sorted(answer.headers.get("connection", "") for answer in answers) == ["", "close"]
        assert all(wire.closed() for wire in wires)


async def test_a_server_that_stops_sends_what_is_ready() -> None:
    """A stop in the turn after the one in which requests were answered comes before they are written, but for this."""
    kms = KmsMock(TLS_FIXTURE)
    server = kms.http_server()
    server.start()

    async def stop_in_the_next_turn() -> None:
        await asyncio.sleep(0)
        await server.stop()

    streams = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(2)]
    for reader, writer in streams:
        writer.write(GET_SECRET)
        assert b"200" in await reader.readuntil(b'"}')
    for _, writer in streams:
        writer.write(GET_SECRET)
    await asyncio.create_task(stop_in_the_next_turn())
    assert len(kms.calls) == 4
    for reader, writer in streams:
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_an_answer_does_not_wait_for_the_control_api() -> None:
    """The end of a control request may come in one turn with a request: the answer leaves before the control API works."""
    kms = KmsMock(TLS_FIXTURE)
    kms.controls.keep_calls_later()
    server = kms.http_server()
    server.start()
    (reader, client), (_, control) = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(2)]
    asked = http(path="/_kms_mock/requests", body=b"{}", headers={"Content-Type": "application/json"})
    control.write(asked[:-1])
    client.write(GET_SECRET)
    assert (await reader.readuntil(b'"}')).startswith(b"HTTP/1.1 200")
    has_answer: list[bool] = []
    kms.calls.watch(lambda _: has_answer.append(bool(select.select([client.get_extra_info("socket")], [], [], 0)[0])))
    control.write(asked[-1:])  # it keeps the call, if that is not kept yet
    client.write(GET_SECRET)
    await reader.readuntil(b'"}')
    await server.stop()
    client.close()
    control.close()
    assert has_answer == [True]


def test_tls_may_end_with_the_request() -> None:
    """The end of a TLS connection in one segment with a request is known in the same turn; the answer comes before it."""
    turn = OneTurn()
    with turn.kms as kms, Wire(kms) as first, Wire(kms) as other, Wire(kms) as wire:
        assert all(plain.send(GET_SECRET).receive().status == 200 for plain in (first, other))
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = trusting(kms).wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")

        def until_done(step: Callable[[], Any]) -> Any:
            while True:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    wire.send(outgoing.read())
                    incoming.write(wire.socket.recv(65536))

        def ask() -> bytes:
            tls.write(GET_SECRET)
            wire.send(outgoing.read())
            return bytes(until_done(lambda: tls.read(65536)))

        until_done(tls.do_handshake)
        wire.send(outgoing.read())
        while b"\r\nServer:" in ask():
            pass  # while the transport sends, as after a handshake, answers are left to aiohttp
        tls.write(GET_SECRET)
        with pytest.raises(ssl.SSLWantReadError):
            tls.unwrap()
        with turn.held(first):
            wire.send(outgoing.read())
            other.send(GET_SECRET)  # what comes alone does not wait
        while data := wire.socket.recv(65536):
            incoming.write(data)
        assert tls.read(65536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("later", [False, True], ids=["at once", "later"])
def test_calls_may_be_kept_after_their_answers(later: bool) -> None:
    """`serve` answers first and keeps the call then; who runs a mock in a thread of his own finds it when he has the answer."""
    has_answer: list[int] = []
    kept = threading.Semaphore(0)

    def look(_: Call) -> None:
        has_answer.append(answered([wire]))
        kept.release()

    with KmsMock(TLS_FIXTURE) as kms, Wire(kms) as wire:
        if later:
            kms.controls.keep_calls_later()
        kms.calls.watch(look)
        for _ in range(3):
            wire.send(GET_SECRET)
            assert kept.acquire(timeout=5)
            assert wire.receive().tree["SecretData"] == "one"
    assert has_answer == [later] * 3


def test_calls_of_one_turn_are_kept_after_all_of_their_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the first of several calls is kept, all clients have their answers."""
    monkeypatch.setattr(outbox, "MAX_WAIT", 60)
    have_answers: list[int] = []
    kept = threading.Semaphore(0)

    def look(call: Call) -> None:
        if call.number > 4:  # one on each connection, and one that held the loop
            have_answers.append(answered(wires))
            kept.release()

    turn = OneTurn()
    turn.kms.controls.keep_calls_later()
    turn.kms.calls.watch(look)
    with turn.connections(2) as wires:
        assert kept.acquire(timeout=5)
        assert kept.acquire(timeout=5)
        assert [wire.receive().status for wire in wires] == [200] * 2
    assert have_answers == [2, 2]


def test_what_comes_alone_does_not_wait() -> None:
    """An answer leaves in the turn of its request if nothing else has come in that, also while others are connected."""
    order: list[str] = []

    def note(*_: Any) -> None:
        order.append("answered")
        asyncio.get_running_loop().call_soon(order.append, "next turn")

    with KmsMock(TLS_FIXTURE, log_request=note) as kms, Wire(kms) as idle, Wire(kms) as wire:
        kms.controls.keep_calls_later()
        kms.calls.watch(lambda _: order.append("kept"))
        for each in (idle, wire, wire):
            assert each.send(GET_SECRET).receive().status == 200
    assert order == ["answered", "kept", "next turn"] * 3


@pytest.mark.parametrize("lane", [True, False], ids=["lane", "aiohttp"])
def test_calls_that_wait_to_be_kept_are_all_found(lane: bool) -> None:
    """Whoever asks the control API finds every call that was answered, in order, and clears them all."""
    names = ["db", "none", "db"]
    with KmsMock(TLS_FIXTURE, config=Config(lane=lane)) as kms, Wire(kms) as wire, Wire(kms) as other:
        kms.controls.keep_calls_later()
        asked = http(path="/_kms_mock/requests")
        for _ in range(3):
            for name in names:
                (wire if name == "db" else other).send(
                    http(query=request_parameters("GetSecretValue", SecretName=name))
                )
                (wire if name == "db" else other).receive()
            found = json.loads(other.send(asked).receive().body)["requests"]
            assert [call["parameters"]["SecretName"] for call in found] == names
            other.send(http("DELETE", path="/_kms_mock/requests")).receive()
            assert json.loads(wire.send(asked).receive().body)["requests"] == []
        assert kms.calls.count == 9


def test_a_call_that_cannot_be_kept_costs_nobody_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    """A bug in what keeps calls after their answers (here a watcher's) ends no connection; its text is not logged."""

    def fail(_: Call) -> None:
        raise ValueError("hunter" * 2)

    with KmsMock(TLS_FIXTURE) as kms, Wire(kms) as wire:
        kms.controls.keep_calls_later()
        kms.calls.watch(fail)
        for _ in range(2):
            assert wire.send(GET_SECRET).receive().status == 200
        assert [call.number for call in kms.calls] == [1, 2]
    assert [record.name for record in caplog.records if record.levelname == "ERROR"] == ["kms_mock"] * 2
    assert "hunterhunter" not in caplog.text


def test_an_answer_to_a_client_that_has_gone_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    """A client that closes its connection while its answer waits is no error, and the others get theirs."""

    def leave(_: int) -> None:
        for wire in wires[:2]:
            wire.socket.close()

    turn = OneTurn(leave)
    with turn.connections(3) as wires:
        assert wires[2].receive().tree["SecretData"] == "one"
        assert Wire(turn.kms).send(http(query=request_parameters("ListSecrets"))).receive().status == 200
    assert not caplog.records


def test_a_call_that_is_kept_later_is_of_the_time_when_it_was_answered() -> None:
    """Its fault delivers an answer slowly, and somebody moves the clock meanwhile: the call was before that."""
    with KmsMock(TLS_FIXTURE) as kms, Wire(kms) as wire:
        kms.controls.keep_calls_later()
        kms.clock.freeze()
        asked_at = kms.clock.now()
        kms.fail("GetSecretValue", effect="slow", seconds=0.2)
        wire.send(GET_SECRET)
        wire.buffer += wire.socket.recv(1)
        kms.clock.advance("7d")
        assert wire.receive().tree["SecretData"] == "one"
        assert [call.at for call in kms.calls] == [asked_at]
