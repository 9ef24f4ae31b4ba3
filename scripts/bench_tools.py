"""What the sections of scripts/bench share: servers, requests, load, and rows that are ratios within one run.

The yardstick is a bare aiohttp server that answers a constant of the same size. Servers run in processes of their own.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import selectors
import socket
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar, cast
from urllib.parse import urlencode

from bench_rows import Ratio, Rows
from bench_servers import (
    BARE,
    Server,
    bare,
    bare_command,
    connect,
    fixture,
    keys,
    mock,
    plain_environment,
    running,
    secrets,
    serve_command,
    server,
)

# Servers are a subject of their own, but a section finds all that it uses here.
__all__ = (
    "BARE",
    "Server",
    "bare",
    "bare_command",
    "connect",
    "fixture",
    "keys",
    "mock",
    "plain_environment",
    "running",
    "secrets",
    "serve_command",
    "server",
)

CONNECTIONS = 8
ROUNDS = 15
SECONDS = 0.5
_MANY_SECONDS = 0.01  # from here on milliseconds are printed, not microseconds
T = TypeVar("T")

ROWS = Rows()
report = ROWS.report


class Limits:
    """Upper limits that the command line sets, for a short run."""

    rounds: int | None = None
    seconds: float | None = None


def rounds_of(wanted: int) -> int:
    """Return how many rounds to run where `wanted` would be right."""
    return wanted if Limits.rounds is None else min(wanted, Limits.rounds)


# -- requests ---------------------------------------------------------------------------------------------------------


def request(action: str, **parameters: object) -> bytes:
    """Return one RPC request as the official SDK writes it: POST, parameters in the query, an empty form."""
    query = urlencode({name: str(value) for name, value in parameters.items()})
    return (
        f"POST /?{query} HTTP/1.1\r\nhost: 127.0.0.1\r\nx-acs-action: {action}\r\nx-acs-version: 2016-01-20\r\n"
        "user-agent: bench\r\naccept: application/json\r\nx-acs-date: 2026-01-01T00:00:00Z\r\n"
        "x-acs-signature-nonce: 0123456789abcdef\r\nx-acs-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4\r\n"
        "Authorization: ACS3-HMAC-SHA256 Credential=bench,SignedHeaders=accept;host,Signature=0123456789abcdef\r\n"
        "content-length: 0\r\n\r\n"
    ).encode()


GET = request("GetSecretValue", SecretName="app/secret-5")


def puts() -> Iterator[bytes]:
    """Yield one PutSecretValue after the other, each of a new version."""
    for number in itertools.count():
        yield request("PutSecretValue", SecretName="app/secret-5", VersionId=f"n{number}", SecretData=f"value {number}")


class AnswerError(SystemExit):
    """A server answered with something else than a 200: what it said."""


def body_of(port: int, payload: bytes) -> bytes:
    """Send one request; return the body of its answer. Raises AnswerError if that is no 200."""
    with connect(port) as connection:
        connection.sendall(payload)
        data = _whole_answer(connection.recv(262144), connection)
    return data.partition(b"\r\n\r\n")[2]


def ask(port: int, payload: bytes) -> dict[str, Any]:
    """Send one request; return the document of its answer."""
    found: dict[str, Any] = json.loads(body_of(port, payload))
    return found


def _whole_answer(data: bytes, connection: socket.socket) -> bytes:
    """Return the answer that begins with `data`, read to the end that its Content-Length tells."""
    while True:
        if not data.startswith(b"HTTP/1.1 200"):
            raise AnswerError(f"unexpected answer: {data[:600]!r}")
        end = data.find(b"\r\n\r\n") + 4
        if end >= 4:  # noqa: PLR2004 (an empty line was found)
            head = data[:end].lower()
            place = head.find(b"\r\ncontent-length:")
            size = int(head[place + 17 : head.index(b"\r", place + 17)]) if place >= 0 else 0
            if len(data) >= end + size:
                return data
        more = connection.recv(262144)
        if not more:
            raise AnswerError(f"half an answer: {data[:600]!r}")
        data += more


# -- load -------------------------------------------------------------------------------------------------------------


class Answered(NamedTuple):
    """What a load measured: requests a second, and how many seconds each took."""

    rate: float
    times: list[float]

    def percentile(self, percent: int) -> float:
        """Return a percentile of the times, in seconds."""
        return sorted(self.times)[len(self.times) * percent // 100]


def measured_load(
    port: int,
    payload: bytes | Iterator[bytes],
    seconds: float = SECONDS,
    *,
    connections: int = CONNECTIONS,
    kept: bool = True,
) -> Answered:
    """Keep connections busy with a request, or with several in turn. Raises AnswerError for what is no 200.

    A server that ends its connections gets a new one for each request, with `kept` false.
    """
    payloads = itertools.repeat(payload) if isinstance(payload, bytes) else payload
    now = time.perf_counter
    times: list[float] = []
    with selectors.DefaultSelector() as selector:

        def begin() -> None:
            connection = connect(port)
            selector.register(connection, selectors.EVENT_READ, [now()])
            connection.sendall(next(payloads))

        began = now()
        for _ in range(connections):
            begin()
        end = began + (seconds if Limits.seconds is None else min(seconds, Limits.seconds))
        while (moment := now()) < end or not times:
            for key, _ in selector.select(1.0):
                connection = cast("socket.socket", key.fileobj)
                _whole_answer(connection.recv(262144), connection)
                sent: list[float] = key.data
                moment = now()
                times.append(moment - sent[0])
                if kept:
                    sent[0] = moment
                    connection.sendall(next(payloads))
                else:
                    selector.unregister(connection)
                    connection.close()
                    begin()
        for key in list(selector.get_map().values()):
            cast("socket.socket", key.fileobj).close()
    return Answered(len(times) / (moment - began), times)


def load(port: int, payload: bytes | Iterator[bytes], seconds: float = SECONDS, **options: Any) -> float:
    """Return how many requests a second are answered, on 8 kept connections unless the options of the load differ."""
    return measured_load(port, payload, seconds, **options).rate


class Cost(NamedTuple):
    """Seconds of one request (or of what else is measured), and seconds of the server's CPU for it."""

    seconds: float
    cpu: float


def cost_of(server: Server, payload: bytes | Iterator[bytes], connections: int = CONNECTIONS) -> Cost:
    """Return what a request costs under load."""
    before = server.cpu()
    answered = measured_load(server.port, payload, connections=connections)
    return Cost(1 / answered.rate, (server.cpu() - before) / len(answered.times))


def asked_meanwhile(port: int, payload: bytes, others: Iterable[bytes], pause: float = 0.0) -> Answered:
    """Send some requests, and ask for something else until all of those are answered; return what that took.

    Raises AnswerError for what is no 200.
    """
    times = []
    with contextlib.ExitStack() as stack:
        asking = stack.enter_context(connect(port))
        waiting: set[socket.socket] = set()
        for other in others:
            connection = stack.enter_context(connect(port))
            waiting.add(connection)
            connection.sendall(other)
            connection.shutdown(socket.SHUT_WR)
            connection.setblocking(False)
        answered: set[socket.socket] = set()
        began = time.perf_counter()
        while waiting:
            sent = time.perf_counter()
            asking.sendall(payload)
            _whole_answer(asking.recv(262144), asking)
            times.append(time.perf_counter() - sent)
            for connection in list(waiting):
                with contextlib.suppress(BlockingIOError):
                    data = connection.recv(1 << 20)
                    if connection not in answered and not data.startswith(b"HTTP/1.1 200"):
                        raise AnswerError(f"unexpected answer: {data[:600]!r}")
                    answered.add(connection)
                    if not data:
                        waiting.remove(connection)
            time.sleep(pause)
    return Answered(len(times) / (time.perf_counter() - began), times)


# -- rows -------------------------------------------------------------------------------------------------------------


def in_turns(first: Callable[[], T], second: Callable[[], T], rounds: int) -> list[tuple[T, T]]:
    """Run two measurements, now the one first and now the other; return what both measured in each round."""
    pairs = []
    for number in range(rounds_of(rounds)):
        if number % 2:
            other = second()
            pairs.append((first(), other))
        else:
            pairs.append((first(), second()))
    return pairs


def ratio_of(pairs: Sequence[tuple[float, float]]) -> tuple[Ratio, float, float]:
    """Return the ratio of what was measured in turns, and both medians."""
    ours, theirs = zip(*pairs, strict=True)
    ratios = [here / (there or math.nan) for here, there in pairs]  # the CPU time of a very short load may be 0
    return Ratio.of(ratios), statistics.median(ours), statistics.median(theirs)


def compare(
    first: Callable[[], float], second: Callable[[], float], rounds: int = ROUNDS
) -> tuple[Ratio, float, float]:
    """Run two measurements in turns; return the ratio first/second, and both medians."""
    return ratio_of(in_turns(first, second, rounds))


def repeat(measure: Callable[[], float], rounds: int = ROUNDS) -> Ratio:
    """Return the median of a measurement, with its smallest and largest value."""
    return Ratio.of([measure() for _ in range(rounds_of(rounds))])


def compare_rates(
    what: str, goal: str, first: Callable[[], float], second: Callable[[], float], rounds: int = ROUNDS
) -> None:
    """Report the ratio of two measurements of requests a second."""
    report_rates(what, goal, in_turns(first, second, rounds))


def compare_times(
    what: str, goal: str, first: Callable[[], float], second: Callable[[], float], rounds: int = ROUNDS
) -> None:
    """Report the ratio of two measurements in seconds."""
    report_times(what, goal, in_turns(first, second, rounds))


def report_rates(what: str, goal: str, pairs: Sequence[tuple[float, float]]) -> None:
    """Report the ratio of requests a second that were measured in turns."""
    ratio, ours, theirs = ratio_of(pairs)
    report(what, ratio, goal, f"{ours:.0f} / {theirs:.0f} per second")


def report_times(what: str, goal: str, pairs: Sequence[tuple[float, float]]) -> None:
    """Report the ratio of seconds that were measured in turns."""
    ratio, ours, theirs = ratio_of(pairs)
    unit, factor = ("ms", 1e3) if min(ours, theirs) > _MANY_SECONDS else ("µs", 1e6)
    report(what, ratio, goal, f"{ours * factor:.0f} / {theirs * factor:.0f} {unit}")


def compare_with_bare(server: Server, rows: Iterable[tuple[str, str, bytes]]) -> None:
    """Report the requests a second of each row against a bare server whose answers are as large; CPU stands beside."""
    for what, goal, payload in rows:
        with running(*bare_command(len(body_of(server.port, payload)))) as other:
            pairs = in_turns(
                lambda p=payload: cost_of(server, p),  # type: ignore[misc]
                lambda o=other, p=payload: cost_of(o, p),  # type: ignore[misc]
                ROUNDS,
            )
        ratio, ours, theirs = ratio_of([(1 / first.seconds, 1 / second.seconds) for first, second in pairs])
        _, cpu, bare_cpu = ratio_of([(first.cpu, second.cpu) for first, second in pairs])
        report(
            what, ratio, goal, f"{ours:.0f} / {theirs:.0f} per second, CPU {cpu * 1e6:.0f} / {bare_cpu * 1e6:.0f} µs"
        )
