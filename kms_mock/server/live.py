"""What happens, as it happens: calls and the clock as server-sent events (HTML Standard, "Server-sent events").

Nobody is told of a call while it runs: a stream looks at the journal a few times a second, so that a call costs the same
whether somebody watches or not, and a stream that nobody opened costs nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypedDict

import msgspec
from msgspec import Struct

from kms_mock.control.calls import CallDocument
from kms_mock.server.routes import ControlProblem, ControlResponse, Route
from kms_mock.store.times import iso

if TYPE_CHECKING:
    from kms_mock.server.control_api import ControlApi

MAX_STREAMS = 32  # each looks at the journal all the time
_LOOK_SECONDS = 0.25
_IDLE_LOOKS = 4  # then a comment shows whether the client is still there
_MAX_CALLS = 250  # in one look; of more, the newest
_RETRY_MILLISECONDS = 1000


class EventsQuery(Struct):
    """The number of the last call that is known already, or the id of the last event; `Last-Event-ID` counts more."""

    since: str = "0"


class CallsEvent(TypedDict):
    """Event `calls`: the new ones. `skipped` is how many others there were since the last event."""

    calls: list[CallDocument]
    skipped: int


class StateEvent(TypedDict):
    """Event `state`: sent when something in it but the time has changed.

    `run` tells this server from another one at the same address, and is in the ids of events, before the number of the
    last call. `count` is the number of the last call, `oldest` that of the oldest one that is kept. `changes` counts requests to
    the control API that may have changed something. The clock stood at `now` when this was sent.
    """

    run: str
    count: int
    oldest: int
    changes: int
    now: str
    tick_rate: float


def get_events(api: ControlApi, query: Mapping[str, str], _body: bytes, _rest: str) -> ControlResponse:
    """Send calls and the state of the clock as they come, as server-sent events `calls` and `state`."""
    run, _, number = query.get("since", "0").rpartition(".")
    since = int(number) if run in ("", api.run) else 0
    if api.streams >= MAX_STREAMS:
        raise ControlProblem(409, f"there are {MAX_STREAMS} streams of events already: close one first")
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return ControlResponse(200, b"", headers, "text/event-stream", stream=_stream(api, since))


async def _stream(api: ControlApi, since: int) -> AsyncGenerator[bytes]:
    api.streams += 1
    try:
        yield f"retry: {_RETRY_MILLISECONDS}\n\n".encode()
        look = Look(api, since)
        idle = 0
        while True:
            news = b"".join(look())
            idle = 0 if news else idle + 1
            if news or idle % _IDLE_LOOKS == 0:
                yield news or b": still here\n\n"
            await asyncio.sleep(_LOOK_SECONDS)
    finally:
        api.streams -= 1


class Look:
    """One client's looks: each returns the events since the one before."""

    def __init__(self, api: ControlApi, since: int) -> None:
        self._api = api
        self._seen = since if 0 <= since <= api.controls.journal.count else 0
        self._state: tuple[Any, ...] = ()

    def __call__(self) -> Iterator[bytes]:
        """Yield the events, encoded."""
        controls = self._api.controls
        journal, clock = controls.journal, controls.clock
        number = journal.count
        if number > self._seen:
            calls = journal.newer_than(self._seen, _MAX_CALLS)
            event: CallsEvent = {
                "calls": [call.document() for call in calls],
                "skipped": number - self._seen - len(calls),
            }
            self._seen = number
            yield self._event("calls", event, number)
        # The time itself always differs: what counts is whether the clock was moved.
        state = (number, journal.oldest, self._api.changes, clock.moves)
        if state != self._state:
            self._state = state
            moved: StateEvent = {
                "run": self._api.run,
                "count": number,
                "oldest": journal.oldest,
                "changes": self._api.changes,
                "now": iso(clock.now()),
                "tick_rate": clock.tick_rate,
            }
            yield self._event("state", moved, number)

    def _event(self, name: str, document: Any, number: int) -> bytes:
        head = f"event: {name}\nid: {self._api.run}.{number}\ndata: "
        return b"%s%s\n\n" % (head.encode(), msgspec.json.encode(document))


ROUTES = (
    Route(
        "GET",
        "events",
        get_events,
        query=EventsQuery,
        answer=(CallsEvent, StateEvent),
        content_type="text/event-stream",
        refusals=(409,),
    ),
)
