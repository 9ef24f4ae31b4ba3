"""Everything that steers a server, in one place: the handle, the control API and the command line all use this."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kms_mock import fixtures
from kms_mock.control.clock import Clock
from kms_mock.control.faults import Faults
from kms_mock.control.journal import Call, Journal
from kms_mock.model.events import Event
from kms_mock.model.store import Store
from kms_mock.model.table import Change
from kms_mock.operation import Operation
from kms_mock.wire.decode import ApiRequest
from kms_mock.wire.encode import HttpResponse


class Controls:
    """The clock, the faults and the journal of one server, and what it started with."""

    def __init__(self, store: Store, clock: Clock, journal_size: int) -> None:
        self.store = store
        self.clock = clock
        self.faults = Faults()
        self.journal = Journal(journal_size)
        self.initial: dict[str, Any] = {}
        clock.settle = self._settle

    def remember(self) -> None:
        """Take the store's state as the one that `reset` goes back to."""
        self.store.changes.clear()
        self.initial = self.store.state()

    def reset(self) -> None:
        """Go back to the fixtures: state, clock, faults and journal."""
        self.store.restore(self.initial)
        self.clock.reset()
        self.faults.clear()
        self.journal.clear()

    def replace(self, document: Mapping[str, Any]) -> None:
        """Put a fixture document in the place of everything in the store; a wrong one changes nothing."""
        before = self.store.state()
        self.store.clear()
        try:
            self.add(document)
        except BaseException:
            self.store.restore(before)
            raise

    def add(self, document: Any) -> None:
        """Add a fixture (a document or the path of a file); a wrong one changes nothing."""
        fixtures.load(self.store, document)
        self.store.changes.clear()

    def _settle(self, now: float) -> list[Event]:
        events = self.store.settle(now)
        self.store.changes.clear()  # told as events; the next request did not do it
        return events

    # -- the gateway's side -------------------------------------------------------------------------------------------

    def record(  # noqa: PLR0917 (the gateway calls it for every request, and keywords cost)
        self,
        request: ApiRequest | None,
        operation: Operation | None,
        response: HttpResponse,
        milliseconds: float,
        fault: str,
        effects: tuple[Change, ...],
    ) -> None:
        """Keep what a request did. `effects` is what it changed as far as that was taken from the store already."""
        if self.store.changes:
            effects += self.store.take_changes()
        journal = self.journal
        journal.count += 1
        if not journal.wanted:
            return
        journal.add(
            Call(
                journal.count,
                self.clock.now(),
                operation.name if operation is not None else (request.action[:60] if request is not None else ""),
                request.access_key_id if request is not None else "",
                response.status,
                response.code,
                response.reason,
                response.request_id,
                milliseconds,
                request.query if request is not None else "",
                request.form if request is not None else "",
                response.body,
                effects,
                fault,
            )
        )
