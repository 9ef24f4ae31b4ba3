"""Everything that steers a server, in one place: the handle, the control API and the command line all use this."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from kms_mock.control.clock import Clock
from kms_mock.control.faults import Faults
from kms_mock.control.journal import Journal
from kms_mock.defaults import REGION
from kms_mock.identity.callers import account_of_caller
from kms_mock.logs import trace
from kms_mock.regex import regex
from kms_mock.rpc.api import Api, Operation
from kms_mock.rpc.context import Check
from kms_mock.rpc.decode import ApiRequest
from kms_mock.rpc.encode import HttpResponse
from kms_mock.store.changes import Change
from kms_mock.store.store import Store, StoreState

if TYPE_CHECKING:
    from kms_mock.control.coverage import Settled

log = logging.getLogger("kms_mock")

T = TypeVar("T")

_REGION = regex(REGION)
# Request, operation, response, milliseconds, the fault that struck, what it changed, checks of permissions.
_Recorded = tuple[ApiRequest | None, Operation | None, HttpResponse, float, str, tuple[Change, ...], Sequence[Check]]


class Controls:
    """The clock, the faults and the journal of one server, and the state that `reset` goes back to.

    `load(store, fixture)` adds a fixture (a document or the path of a file) to the store, all of it or nothing.
    `settled` returns the inferred rules that a comparison with the real service bore out.
    `commit` runs a function and saves what it changes; it raises StateError, with nothing changed, where it cannot.
    """

    def __init__(
        self,
        apis: Iterable[Api],
        store: Store,
        clock: Clock,
        *,
        journal: Journal,
        load: Callable[[Store, Any], None],
        fixtures: Iterable[Any] = (),
        on_reset: Callable[[], None] = lambda: None,
        settled: Callable[[], Settled] = dict,
        commit: Callable[[Callable[[], Any]], Any],
    ) -> None:
        """Load the fixtures that the server starts with, to which `reset` goes back."""
        self.apis = tuple(apis)
        self.store = store
        self.clock = clock
        self.faults = Faults(self.apis, self._names_of)
        self._journal = journal
        self._waiting: list[tuple[float, _Recorded]] | None = None  # what `record` took and when, to be kept later
        self._load = load
        self._on_reset = on_reset
        self.settled = settled
        self.commit = commit
        for fixture in fixtures:
            self.add(fixture)
        self.initial = store.state()

    @property
    def journal(self) -> Journal:
        """What was asked for and answered, up to now."""
        self.keep_calls()
        return self._journal

    def _names_of(self, operation: Operation, request: ApiRequest, name: str) -> Iterable[str]:
        """Return the other names of the resource that a request names, as it is in the caller's account."""
        account_id = account_of_caller(self.store, request.access_key_id)
        partition = self.store.partition(account_id, request.region or self.store.default_region)
        return operation.api.names_of(partition, name)

    def reset(self) -> None:
        """Go back to the fixtures: state, clock, faults and journal; what was signed before may be sent again."""
        self.commit(self._return_to_fixtures)
        self._on_reset()
        self.faults.clear()
        self.journal.clear()

    def _return_to_fixtures(self) -> None:
        self.store.restore(self.initial)
        self.clock.reset()

    def restore(self, state: StoreState) -> None:
        """Go back to a former state of the store; the clock goes on."""
        self.commit(lambda: self.store.restore(state))

    def replace(self, *fixtures: Any) -> None:
        """Put fixtures in the place of everything in the store; if one is wrong, nothing changes."""
        self.commit(lambda: self._change(fixtures, clear=True))

    def add(self, *fixtures: Any) -> None:
        """Add fixtures (documents or paths of files); if one is wrong, nothing changes."""
        self.commit(lambda: self._change(fixtures, clear=False))

    def _change(self, fixtures: Iterable[Any], *, clear: bool) -> None:
        with self.store.all_or_nothing():
            if clear:
                self.store.clear()
            for fixture in fixtures:
                self._load(self.store, fixture)

    def keep_calls_later(self) -> None:
        """Keep calls from now on when `keep_calls` is called: for a server whose journal only its own event loop reads."""
        self._waiting = []

    def record(self, *recorded: *_Recorded) -> None:
        """Take what a request did, and keep it in the journal."""
        now = self.clock.now()  # before anything moves the clock
        if self._waiting is None:
            self._keep(now, *recorded)
        else:
            self._waiting.append((now, recorded))

    def keep_calls(self) -> None:
        """Keep the calls that wait for that: their answers have been written."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            for now, recorded in waiting:
                try:
                    self._keep(now, *recorded)
                except Exception as error:  # noqa: BLE001 (a bug must not end the client's connection, nor lose other calls)
                    log.error("internal error after an answer\n%s", trace(error))  # noqa: TRY400 (see trace)

    def _keep(  # noqa: PLR0917 (for every request, and keywords cost)
        self,
        now: float,
        request: ApiRequest | None,
        operation: Operation | None,
        response: HttpResponse,
        milliseconds: float,
        fault: str,
        effects: tuple[Change, ...],
        checks: Sequence[Check],
    ) -> None:
        journal = self._journal
        number = journal.count = journal.count + 1
        if effects and request is not None:
            journal.uses.add_created(effects, request.parameters)
        if checks:
            journal.uses.add(number, checks)
        if not journal.wanted:
            return
        action = access_key_id = region = query = ""
        form = b""
        if request is not None:
            action = request.action[:60] if operation is None else operation.name
            access_key_id, query = request.access_key_id, request.query
            if operation is not None or request.form:  # else the body is a message of an operation that does not exist
                form = request.http.body
            region = request.region or self.store.default_region
            if region != self.store.default_region and not _REGION.fullmatch(region):
                region = ""  # what was refused is not shown
        facts = (
            number,
            now,
            action,
            access_key_id,
            region,
            milliseconds,
            query.encode("utf-8", "surrogatepass"),
            form,
            response.status,
            response.code,
            response.reason,
            response.request_id,
            response.body,
            fault,
        )
        journal.add(facts, operation, effects)
