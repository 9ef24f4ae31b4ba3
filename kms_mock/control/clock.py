"""The one clock of a server: every date, deletion, rotation and expiry goes by it."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import copy
from datetime import UTC, datetime, timedelta
from typing import Any

from kms_mock.model.events import Event
from kms_mock.model.times import parse_iso

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_STEP = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhd])")
_LAST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()  # later moments cannot be written


class Clock:
    """A clock that can be frozen, set, moved on, and made to run faster or slower.

    `settle` lets due things happen everywhere at a given time and says what happened; it is called whenever the clock
    is moved by hand. `between_requests` runs what moves the clock so that no request sees half of it.
    """

    def __init__(self, real: Callable[[], float]) -> None:
        self._real = real
        self._base = 0.0  # this clock's time at the real time `_since`
        self._since = 0.0
        self._rate = 1.0
        self._untouched = True
        self.settle: Callable[[float], list[Event]] = lambda _now: []
        self.between_requests: Callable[[Callable[[], Any]], Any] = lambda function: function()

    def now(self) -> float:
        """Give seconds since 1970 UTC."""
        if self._untouched:
            return self._real()
        return self._base + (self._real() - self._since) * self._rate

    @property
    def frozen(self) -> bool:
        """Whether time stands still."""
        return self._rate == 0.0

    @property
    def tick_rate(self) -> float:
        """How many of this clock's seconds pass in one real second: 1 as usual, 0 while frozen."""
        return self._rate

    @tick_rate.setter
    def tick_rate(self, rate: float) -> None:
        if not 0 <= rate < float("inf"):
            raise ValueError("a tick rate is a number from 0 upwards")
        self.between_requests(lambda: self._move(self.now(), rate))

    def freeze(self) -> None:
        """Let time stand still until `unfreeze`, `set` or `advance` moves it."""
        self.tick_rate = 0.0

    def unfreeze(self) -> None:
        """Let time run on, at its usual rate, from where it is."""
        self.tick_rate = 1.0

    def set(self, moment: str | float | datetime) -> list[Event]:
        """Go to a moment (ISO 8601, seconds since 1970 UTC, or a datetime); give what became due, in order of time."""
        return self._go(lambda: _seconds(moment))

    def advance(self, step: str | float | timedelta) -> list[Event]:
        """Move on by a step such as `7d`, `1h30m` or a number of seconds; give what became due, in order of time."""
        seconds = parse_step(step)
        if not seconds >= 0:
            raise ValueError("a step of time goes forwards; `set` can go back")
        return self._go(lambda: self.now() + seconds)

    def rehearsal(self) -> Clock:
        """Give a clock that goes as this one does and that nothing else goes by, to try out a move."""
        twin = copy(self)
        twin.settle = lambda _now: []
        twin.between_requests = lambda function: function()
        return twin

    def reset(self) -> None:
        """Run with the real clock again."""
        self._untouched, self._rate = True, 1.0

    def _go(self, moment: Callable[[], float]) -> list[Event]:
        def go() -> list[Event]:
            then = moment()
            if not 0 <= then < _LAST:
                raise ValueError("the clock goes from 1970 to 9998")
            self._move(then, self._rate)
            return self.settle(then)

        events: list[Event] = self.between_requests(go)
        return events

    def _move(self, now: float, rate: float) -> None:
        self._base, self._since, self._rate, self._untouched = now, self._real(), rate, False


def parse_step(step: str | float | timedelta) -> float:
    """Read a step of time as seconds. Raises ValueError."""
    if isinstance(step, timedelta):
        return step.total_seconds()
    if isinstance(step, int | float):
        return float(step)
    parts = _STEP.findall(step)
    if not parts or "".join(number + unit for number, unit in parts) != step.replace(" ", ""):
        raise ValueError(f"a step of time is written like 7d, 12h or 1h30m, not {step!r}")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def _seconds(moment: str | float | datetime) -> float:
    if isinstance(moment, datetime):
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return parse_iso(moment) if isinstance(moment, str) else float(moment)
