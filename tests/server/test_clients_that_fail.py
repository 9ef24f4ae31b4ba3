"""Clients that stop reading or go away: they are cut off, and are no error of the server."""

from __future__ import annotations

import errno
import logging
import os
import select
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kms_mock import KmsMock
from kms_mock.config import Config
from tests.support.cli import COMMAND, plain_call, serving
from tests.support.raw_http import Wire, ask, http, request_parameters
from tests.support.waiting import wait_for_strike

LARGE = {"secrets": [{"name": "db", "value": "x" * 30_000}]}
GET = http(query=request_parameters("GetSecretValue", SecretName="db"))
PATIENCE = 10.0
RESET = (socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


@pytest.fixture
def hasty() -> Iterator[KmsMock]:
    """A mock that cuts idle clients soon, with an answer of 30 KB."""
    with KmsMock(LARGE, config=Config(idle_timeout=0.6)) as running:
        yield running


def reader(kms: KmsMock) -> socket.socket:
    """A client with a small buffer, so that what it does not read waits at the server."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(PATIENCE)
    client.connect((kms.config.host, kms.port))
    return client


def is_cut(client: socket.socket) -> bool:
    """Wait for a reset, without reading."""
    poll = select.poll()
    poll.register(client, 0)  # errors and hang-ups are always reported
    return bool(poll.poll(PATIENCE * 1000))


# -- clients that do not read -------------------------------------------------------------------------------------------


def send_and_read_nothing(client: socket.socket) -> None:
    client.settimeout(0.2)
    try:
        client.sendall(GET * 2000)  # the server stops reading, too
    except TimeoutError:
        client.settimeout(PATIENCE)


def close_one_side_and_read_nothing(client: socket.socket) -> None:
    client.sendall(GET * 300)
    client.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("misbehave", [send_and_read_nothing, close_one_side_and_read_nothing])
def test_a_client_that_reads_nothing_is_cut_off(hasty: KmsMock, misbehave: Callable[[socket.socket], None]) -> None:
    """Without progress for idle_timeout the connection ends: it used to keep its answers and descriptor for ever."""
    before = len(list(Path("/dev/fd").iterdir()))
    clients = [reader(hasty) for _ in range(5)]
    for client in clients:
        misbehave(client)
    assert all(is_cut(client) for client in clients)
    for client in clients:
        client.close()
    end = time.monotonic() + PATIENCE
    while len(list(Path("/dev/fd").iterdir())) > before and time.monotonic() < end:
        time.sleep(0.01)
    assert len(list(Path("/dev/fd").iterdir())) <= before


def test_a_client_that_reads_slowly_is_served(hasty: KmsMock) -> None:
    """A client that makes progress gets all its answers, though they take it several times idle_timeout."""
    answers = 60
    with reader(hasty) as client:
        client.sendall(GET * answers + http(query=request_parameters("ListSecrets"), headers={"Connection": "close"}))
        received = b""
        began = time.monotonic()
        while data := client.recv(8192):
            received += data
            if time.monotonic() - began < 2.0:
                time.sleep(0.02)
    assert received.count(b"HTTP/1.1 200 OK") == answers + 1


# -- clients that go away -----------------------------------------------------------------------------------------------


def leave(wire: Wire, *, reset: bool) -> None:
    if reset:
        wire.socket.setsockopt(*RESET)
    wire.socket.close()


FAULTS: dict[str, dict[str, Any]] = {
    "latency": {"latency": 0.1},
    "slow": {"effect": "slow", "seconds": 0.2},
    "truncate after a latency": {"effect": "truncate", "latency": 0.1},
    "reset after a latency": {"effect": "reset", "latency": 0.1},
    "refused after a latency": {"code": "InternalFailure", "latency": 0.1},
}


@pytest.mark.parametrize("reset", [True, False], ids=["reset", "close"])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_client_that_goes_away_is_no_error(
    caplog: pytest.LogCaptureFixture, fault: dict[str, Any], *, reset: bool
) -> None:
    """Whatever a fault does to the answer of a client that has gone away, nothing above INFO is logged.

    It used to be an "internal error outside the gateway" with a traceback.
    """
    with KmsMock(LARGE) as kms:
        for request in (
            GET,
            GET * 3,
            http("POST", request_parameters("GetSecretValue", SecretName="db"), body=b"Format=JSON"),
        ):
            kms.faults.clear()
            kms.fail("GetSecretValue", **fault)
            with Wire(kms) as wire:
                wire.send(request)
                wait_for_strike(kms)
                leave(wire, reset=reset)
        kms.faults.clear()
        time.sleep(0.5)  # what was on its way has come to its end
        assert ask(kms, GET).status == 200
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_client_that_goes_away_while_refused_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    """Neither a refusal on a dead socket nor a half-closed client that has gone away is an error."""
    half_a_body = http("POST", headers={"Content-Length": "100"}) + b"Action="
    with KmsMock(LARGE, config=Config(header_timeout=0.2)) as kms:
        for request in (b"no HTTP\r\n\r\n", half_a_body, http("POST", body=b"x" * 2_000_000), GET * 30):
            for half_close in (False, True):
                with Wire(kms) as wire:
                    wire.send(request)
                    if half_close:
                        wire.socket.shutdown(socket.SHUT_WR)
                    leave(wire, reset=True)
        time.sleep(0.5)
        assert ask(kms, GET).status == 200
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_socket_that_died_unnoticed_is_no_error(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing the server's side of a dead socket (ENOTCONN) after a refusal is no error."""

    def shutdown(*_: object) -> None:
        raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))

    monkeypatch.setattr(socket.socket, "shutdown", shutdown)
    with KmsMock(LARGE) as kms, Wire(kms) as wire:
        assert wire.send(b"no HTTP\r\n\r\n").receive().status == 400
        assert ask(kms, GET).status == 200
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


# -- the limit of open files --------------------------------------------------------------------------------------------


def test_the_limit_of_open_files_is_one_line_in_the_log(tmp_path: Path) -> None:
    """At the limit of open files the log has one line, not thousands a second; below it again, everything works."""
    limited = ("sh", "-c", f'ulimit -n 40; exec {COMMAND} "$@"', "sh")
    with serving(tmp_path, "--port", "0", command=limited) as server:
        clients = [socket.create_connection(("127.0.0.1", server.port), PATIENCE) for _ in range(60)]
        server.logged("cannot accept more connections: ")
        time.sleep(1.5)  # several tries to accept
        for client in clients:
            client.close()
        assert plain_call(server.url, "ListSecrets")[0] == 200
        server.logged("ListSecrets 200 ok")
        lines = [line for line in server.log.splitlines() if "ListSecrets" not in line]
        assert len(lines) == 1, lines
        assert " WARNING cannot accept more connections: " in lines[0]
