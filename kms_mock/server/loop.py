"""The event loop of a server, and the selectors with which it waits for what arrives."""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable
from functools import partial

_SHORT = 1e-4  # seconds
_WINDOW = 2e-4  # seconds: more, so that a client that takes about as long as a short wait is not missed by a hair
# How many waits must be short before it polls again, once it has done so in vain: where every wait is short because the
# client has no other CPU to run on, polling would take that from it.
_PENALTY = 64


class ServerSelector(selectors.DefaultSelector):
    """The system's best selector. `ready` is how many files the loop found ready when it looked last."""

    ready = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return the files that are ready, as the base class does."""
        found = super().select(timeout)
        self.ready = len(found)
        return found


class PollingSelector(ServerSelector):
    """A selector that polls for a moment before it sleeps, as long as its waits are short (adaptive polling).

    A client that asks again as soon as it has its answer needs less time for that than the system needs to put the server
    to sleep and to wake it up. To stay awake for it takes about as much CPU, and a third off the time of a request.
    For the loop of a process of its own: polling takes the interpreter's lock from other threads.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        """Take what returns the time of the loop, in seconds."""
        super().__init__()
        self._now = now
        self._credit = 0  # polls while there is some

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return the files that are ready, as the base class does; a timeout may take a window longer."""
        if timeout is not None and timeout <= 0:
            return super().select(timeout)
        began = self._now()
        if self._credit > 0:
            while self._now() - began < _WINDOW:
                if found := super().select(0):
                    return found
            self._credit = -_PENALTY
            return super().select(timeout)
        found = super().select(timeout)
        is_short = self._now() - began < _SHORT
        self._credit = self._credit + 1 if is_short else min(self._credit, 0)
        return found


class ServerLoop(asyncio.SelectorEventLoop):
    """An event loop whose timers run on real time, also in tests that freeze the `time` module (freezegun does)."""

    # A partial of clock_gettime is replaced neither while time is frozen nor if this module is imported meanwhile.
    time = staticmethod(
        partial(time.clock_gettime, time.CLOCK_MONOTONIC) if hasattr(time, "clock_gettime") else time.monotonic
    )

    def __init__(self, *, polls: bool = False) -> None:
        """Make a loop; one that polls is for a process of its own, see `PollingSelector`."""
        self.selector = PollingSelector(self.time) if polls else ServerSelector()
        super().__init__(self.selector)
