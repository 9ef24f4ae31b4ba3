"""The selectors: adaptive polling begins where waits are short, ends where it is in vain, and changes nothing else."""

from __future__ import annotations

import asyncio
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from kms_mock.server.loop import PollingSelector, ServerLoop

SHORT, LONG = 0.00002, 0.01  # seconds that a wait seems to take
POLLED_IN_VAIN = 10  # looks at the clock: what polling takes at least when nothing comes
NOT_POLLED = 2


class Waits:
    """A selector with one socket that is read from, and a clock on which each look takes some seconds."""

    def __init__(self) -> None:
        self.here, self.there = socket.socketpair()
        self.selector = PollingSelector(self.now)
        self.selector.register(self.here, selectors.EVENT_READ, "here")
        self.time = 0.0
        self.step = SHORT
        self.looks = 0
        self.on_look: Callable[[], object] = lambda: None

    def now(self) -> float:
        self.looks += 1
        self.time += self.step
        self.on_look()
        return self.time

    def wait(self, *, step: float, ready: bool, timeout: float | None = 0.005) -> int:
        """Wait once, for a socket that is readable or not; return how often the clock was looked at."""
        self.step, self.looks = step, 0
        if ready:
            self.there.send(b"x")
        found = self.selector.select(timeout)
        assert [key.data for key, _ in found] == ["here"] * ready
        if ready:
            self.here.recv(1)
        return self.looks


@pytest.fixture
def waits() -> Iterator[Waits]:
    made = Waits()
    yield made
    made.selector.close()
    made.here.close()
    made.there.close()


def test_it_polls_after_a_short_wait(waits: Waits) -> None:
    """The first wait is a sleep. After a short one it looks several times, and finds what comes meanwhile."""
    assert waits.wait(step=SHORT, ready=True) == NOT_POLLED
    waits.on_look = lambda: waits.there.send(b"x") if waits.looks == 5 else None
    waits.looks = 0
    assert [key.data for key, _ in waits.selector.select(None)] == ["here"]
    assert waits.looks == 5


def test_it_sleeps_after_a_long_wait(waits: Waits) -> None:
    """Clients that take their time, as with an SDK, cost an idle server nothing."""
    assert waits.wait(step=LONG, ready=True) == NOT_POLLED
    assert waits.wait(step=SHORT, ready=False) == NOT_POLLED


def test_polling_in_vain_ends_it_for_a_while(waits: Waits) -> None:
    """Where waits are short because the client has no CPU while the server polls, it polls once in 64 waits."""
    assert waits.wait(step=SHORT, ready=True) == NOT_POLLED
    assert waits.wait(step=SHORT, ready=False) >= POLLED_IN_VAIN
    assert [waits.wait(step=SHORT, ready=True) for _ in range(65)] == [NOT_POLLED] * 65
    assert waits.wait(step=SHORT, ready=False) >= POLLED_IN_VAIN
    assert [waits.wait(step=LONG, ready=True) for _ in range(100)] == [NOT_POLLED] * 100
    assert waits.wait(step=SHORT, ready=False) == NOT_POLLED


@pytest.mark.parametrize("polls", [False, True])
def test_a_timeout_is_kept(waits: Waits, polls: bool) -> None:
    """Nothing is returned before a timeout is over, whether it has polled or not; none at all for a timeout of zero."""
    if polls:
        waits.wait(step=SHORT, ready=True)
    for timeout in (0, -1):
        assert waits.wait(step=SHORT, ready=False, timeout=timeout) == 0
    began = time.monotonic()
    waits.wait(step=SHORT, ready=False, timeout=0.05)
    assert time.monotonic() - began >= 0.05


def test_a_loop_runs_on_it() -> None:
    """Timers, other threads and sockets wake an event loop that polls as they wake any other."""
    loop = ServerLoop(polls=True)
    order: list[str] = []

    async def run() -> None:
        timer, thread = asyncio.Event(), asyncio.Event()
        loop.call_later(0.01, timer.set)
        here, there = socket.socketpair()
        with here, there:
            here.setblocking(False)
            for number in range(200):
                loop.call_soon(there.send, b"x")
                assert await loop.sock_recv(here, 1) == b"x", number
        await timer.wait()
        order.append("timer")
        threading.Thread(target=lambda: loop.call_soon_threadsafe(thread.set)).start()
        await thread.wait()
        order.append("thread")

    try:
        loop.run_until_complete(asyncio.wait_for(run(), 10))
    finally:
        loop.close()
    assert order == ["timer", "thread"]
