"""The one clock of a server: it decides every date, deletion, rotation and expiry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from kms_mock.regex import regex
from kms_mock.store.events import Event
from kms_mock.store.times import END_OF_TIME, SECONDS_OF_UNIT, parse_iso

_LONGEST_STEP = 60  # characters
_STEP = regex(r"([0-9]+(?:\.[0-9]+)?)([smhd])")


class ClockState(NamedTuple):
    """Where a clock stands: at `base` when the machine's clock showed `since`, and `rate` seconds in one since then.

    An `untouched` one shows what the machine's clock shows.
    """

    base: float = 0.0
    since: float = 0.0
    rate: float = 1.0
    untouched: bool = True


class Clock:
    """A clock that can be frozen, set, advanced, and made to run faster or slower.

    `settle` makes due events happen in the whole store at a given time and returns them; it is called whenever the clock
    is set or advanced. `between_requests` calls a function that moves the clock while no request runs.
    """

    def __init__(
        self,
        real: Callable[[], float],
        *,
        settle: Callable[[float], list[Event]] = lambda _now: [],
        between_requests: Callable[[Callable[[], Any]], Any] = lambda function: function(),
    ) -> None:
        self._real = real
        self._settle = settle
        self._between_requests = between_requests
        self._state = ClockState()
        self.moves = 0  # how often it was set, advanced, restored, or made to run at another rate

    def now(self) -> float:
        """Return seconds since 1970 UTC. At the end of time the clock stops (`times.END_OF_TIME`)."""
        now, state = self._real(), self._state
        if not state.untouched:
            passed = max(0.0, now - state.since)  # a step of the machine's clock does not count `rate` times
            now = min(state.base + passed * state.rate, END_OF_TIME)
        return int(now * 1e6) / 1e6  # in microseconds, as fixture files have it

    @property
    def frozen(self) -> bool:
        """Whether time stands still."""
        return self._state.rate == 0.0

    @property
    def tick_rate(self) -> float:
        """How many of this clock's seconds pass in one real second: 1 as usual, 0 while frozen."""
        return self._state.rate

    @tick_rate.setter
    def tick_rate(self, rate: float) -> None:
        if not 0 <= rate < float("inf"):
            raise ValueError("a tick rate is a number from 0 upwards")
        self._between_requests(lambda: self._move(self.now(), rate))

    def freeze(self) -> None:
        """Stop the clock until `unfreeze`, `set` or `advance` moves it."""
        self.tick_rate = 0.0

    def unfreeze(self) -> None:
        """Run on from the present time at the usual rate."""
        self.tick_rate = 1.0

    def set(self, moment: str | float | datetime) -> list[Event]:
        """Go to a moment (ISO 8601, seconds since 1970 UTC, or a datetime); return what became due, in order of time."""
        return self._go(lambda: _seconds(moment))

    def advance(self, step: str | float | timedelta) -> list[Event]:
        """Move on by a step such as `7d`, `1h30m` or a number of seconds; return what became due, in order of time."""
        seconds = parse_step(step)
        if not seconds >= 0:
            raise ValueError("a step of time goes forwards; `set` can go back")
        return self._go(lambda: self.now() + seconds)

    def detached(self) -> Clock:
        """Return a copy that nothing else uses, to try out a move."""
        twin = Clock(self._real)
        twin.restore(self._state)
        return twin

    @property
    def state(self) -> ClockState:
        """Where it stands, to go back to: whatever the time is then, `restore` continues as if nothing had been moved."""
        return self._state

    def restore(self, state: ClockState) -> None:
        """Go back to where a clock stood; makes nothing happen."""
        self._state = state
        self.moves += 1

    def reset(self) -> None:
        """Run with the real clock again."""
        self._between_requests(lambda: self.restore(ClockState()))

    def _go(self, moment: Callable[[], float]) -> list[Event]:
        def go() -> list[Event]:
            then = moment()
            if not 0 <= then <= END_OF_TIME:
                raise ValueError("the clock goes from 1970 to 9900")
            self._move(then, self._state.rate)
            return self._settle(then)

        events: list[Event] = self._between_requests(go)
        return events

    def _move(self, now: float, rate: float) -> None:
        self._state = ClockState(now, self._real(), rate, untouched=False)
        self.moves += 1


def parse_step(step: str | float | timedelta) -> float:
    """Read a step of time as seconds. Raises ValueError."""
    if isinstance(step, timedelta):
        return step.total_seconds()
    if isinstance(step, int | float):
        return float(step)
    if step.lstrip().startswith("-"):
        raise ValueError(f"a step of time goes forwards, and {step[:_LONGEST_STEP]!r} does not; `set` can go back")
    parts = _STEP.findall(step) if len(step) <= _LONGEST_STEP else []
    if not parts or "".join(number + unit for number, unit in parts) != step.replace(" ", ""):
        raise ValueError(f"a step of time is written like 7d, 12h or 1h30m, not {step[:_LONGEST_STEP]!r}")
    return sum(float(number) * SECONDS_OF_UNIT[unit] for number, unit in parts)


def _seconds(moment: str | float | datetime) -> float:
    if isinstance(moment, datetime):
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return parse_iso(moment) if isinstance(moment, str) else float(moment)
