"""Answers on their way to the transports: those of one turn of the event loop leave together, at its end.

A client that keeps several connections busy wakes up once for all of them, and finds them all: to wake it for each one
costs a fifth of what an answer costs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from kms_mock.server.loop import ServerLoop

MAX_WAIT = 0.0005  # seconds


class Outbox:
    """The answers of one server that are ready; they leave in the order in which they were added.

    They wait for MAX_WAIT, or for one request that takes longer; one that came alone not at all.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, after_answers: Callable[[], None]) -> None:
        """Write in the turns of a loop; `after_answers` is called whenever answers have been written."""
        self._loop = loop
        # Of another's loop nobody knows whether something came alone.
        self._selector = loop.selector if isinstance(loop, ServerLoop) else None
        self._after_answers = after_answers
        self._waiting: list[tuple[asyncio.Transport, bytes]] = []
        self._since = 0.0  # the loop's time

    def add(self, transport: asyncio.Transport, data: bytes) -> None:
        """Write an answer, at the latest before the loop takes what arrives next."""
        waiting = self._waiting
        if not waiting and self._selector is not None and self._selector.ready == 1:
            transport.write(data)
            self._after_answers()
            return
        waiting.append((transport, data))
        if len(waiting) == 1:
            self._since = self._loop.time()
            self._loop.call_soon(self.flush)
        elif self._loop.time() - self._since > MAX_WAIT:
            self.flush()

    def flush(self) -> None:
        """Write what waits. Whoever closes connections calls this first."""
        waiting, self._waiting = self._waiting, []
        for transport, data in waiting:
            transport.write(data)
        self._after_answers()
