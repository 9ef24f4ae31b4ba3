"""A selector that polls for a moment before it sleeps, as long as that pays (adaptive polling).

A client that asks again as soon as it has its answer needs less time for that than the system needs to put the server to
sleep and to wake it up. To stay awake for it takes no more CPU, and a quarter off the time of a request.
"""

from __future__ import annotations

import selectors
from collections.abc import Callable

_SHORT = 1e-4  # seconds
_WINDOW = 2e-4  # seconds: more, so that a client that takes about as long as a short wait is not missed by a hair
# How many waits must end within the window before it polls again, once it has done so in vain: where every wait is
# short because the client has no other CPU to run on, polling would take that from it.
_PENALTY = 64


class PollingSelector(selectors.DefaultSelector):
    """The system's best selector, which polls while the waits for events are shorter than its window.

    For the event loop of a process of its own: polling takes the interpreter's lock from other threads.
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
                if ready := super().select(0):
                    return ready
            self._credit = -_PENALTY
            return super().select(timeout)
        ready = super().select(timeout)
        is_short = self._now() - began < _SHORT
        self._credit = self._credit + 1 if is_short else min(self._credit, 0)
        return ready
