"""What one account has in one region: a table for each kind of resource, and what time does to their records."""

from __future__ import annotations

import heapq
import math
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct

from kms_mock.store.changes import Change, Place
from kms_mock.store.events import Event, Settling
from kms_mock.store.resource import Resource, Table, TableState
from kms_mock.suggestions import nearest

if TYPE_CHECKING:
    from kms_mock.sources import Sources
    from kms_mock.store.store import Store

R = TypeVar("R")
_FEW = 100
_DATE = itemgetter(0, 1, 2)


# An entry of the heap of dates: when, the name of the kind of record, its id. Of one moment, this is the order too.
Due = tuple[float, str, str, Resource[Any]]

# In one step of time, this many repetitions of one record happen one by one, of all records together, and of each even
# when there are very many (events.Settling). A jump of centuries is done in seconds so.
MOST_REPETITIONS = 100
MOST_REPETITIONS_TOGETHER = 20_000
FEWEST_REPETITIONS = 2

# What bounds the search for a reason: a request waits for it.
_MAX_SHOWN = 200  # characters of an id
_MAX_PARTITIONS = 10_000
_MAX_PLACES = 3
_MAX_COMPARED = 200  # ids, at 20 microseconds each


class PartitionState(Struct, frozen=True, eq=False):
    """A copy of everything in a partition; the records in it are shared. Empty tables are left out.

    `due` is the heap of dates, with how long it may be; what it holds follows from the records, so that states are
    equal when their tables are.
    """

    tables: dict[Resource[Any], TableState]
    due: list[Due]
    due_limit: int

    def __eq__(self, other: object) -> bool:
        return self.tables == other.tables if isinstance(other, PartitionState) else NotImplemented

    def __hash__(self) -> int:
        raise TypeError("a state of a partition has no hash")


class Partition(dict[Resource[Any], Table[Any]]):
    """The resources of one account in one region; `partition[keys]` is the table of keys.

    It is the dict of its tables, because every request looks several up; a table is made when it is first asked for.
    What belongs to an account but to no region is in the partition with the region "", what belongs to the whole
    server in the one with the account "".
    """

    def __init__(self, store: Store, place: Place) -> None:
        super().__init__()
        self.store = store
        self.place = place
        self.account_id, self.region = place
        self.next_due = math.inf
        # A heap. A record that got another date, or was removed, leaves its entry behind until that is on top.
        self._due: list[Due] = []
        self._due_limit = _FEW

    if TYPE_CHECKING:

        def __getitem__(self, resource: Resource[R]) -> Table[R]:
            """Return the table of a kind of resource."""

    def __missing__(self, resource: Resource[R]) -> Table[R]:
        table = self[resource] = Table(resource, self)
        return table

    # A partition is itself, whatever is in it.
    __eq__ = object.__eq__
    __ne__ = object.__ne__
    __hash__ = object.__hash__  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return True

    @property
    def sources(self) -> Sources:
        """Where time, ids and random bytes come from."""
        return self.store.sources

    @property
    def empty(self) -> bool:
        """Whether nothing was ever put here, or nothing is left."""
        return not any(self.values())

    def written(self, change: Change) -> None:
        """Note a change of one of the tables; only they call this."""
        store, resource, before, after = self.store, change.resource, change.before, change.after
        # Counts of requests, which are not saved, are written with every request, and decide nothing there.
        if resource.saved:
            if resource.decide_callers or not self.region:
                store.clear_account_caches()
            if store.unsaved is not None:
                store.unsaved.append(change)
        if store.logs_changes and resource.logged:
            store.changes.append(change)
        if before is None:
            store.keep(self)
        elif after is None and self.empty:
            store.release(self)
        if resource.can_fall_due and after is not None:
            due = after.due
            if due < math.inf and (before is None or before.due != due):
                heapq.heappush(self._due, (due, resource.name, change.id, resource))
                self.next_due = self._due[0][0]
                if len(self._due) > self._due_limit:
                    self._drop_outdated()

    def reason_for_missing(self, resource: Resource[Any], record_id: str) -> str:
        """Return, for the person who debugs, where a record was looked for, where one is, and the nearest id here.

        Costs microseconds for each partition and up to a few milliseconds for the ids, whatever the table holds.
        """
        here = " of ".join(filter(None, (self.region, self.store.account_name(self.account_id))))
        text = f"There is no {resource.name} {record_id[:_MAX_SHOWN]} in {here}"
        elsewhere = self._elsewhere(resource, record_id)
        near = nearest(record_id, islice(self[resource], _MAX_COMPARED))
        if elsewhere:
            text += f"; there is one in {' and in '.join(elsewhere)}"
        if near is not None:
            text += f"; did you mean {near[:_MAX_SHOWN]}?"
        return text if text.endswith("?") else f"{text}."

    def _elsewhere(self, resource: Resource[Any], record_id: str) -> list[str]:
        """Return in which regions of this account, and then in which other accounts, a record is."""
        places: list[tuple[bool, str]] = []
        for partition in islice(self.store.partitions(), _MAX_PARTITIONS):
            if partition is not self and record_id in partition[resource]:
                foreign = partition.account_id != self.account_id
                account = f" of {self.store.account_name(partition.account_id)}" if foreign else ""
                places.append((foreign, f"{partition.region}{account}"))
        return [place for _, place in sorted(places)][:_MAX_PLACES]

    # -- time ---------------------------------------------------------------------------------------------------------

    def settle(self, now: float) -> list[Event]:
        """Make everything happen that is due at `now`, in order of time; return the events. Costs what is due."""
        events: list[Event] = []
        settling: Settling | None = None
        while self._due and (self._due[0][0] <= now or self._outdated(self._due[0])):
            entry = heapq.heappop(self._due)
            if self._outdated(entry):
                continue
            settling = settling or self._settling(now)
            at, _, record_id, resource = entry
            events.append(self[resource].find(record_id).happen(self, at, settling))
        self.next_due = self._due[0][0] if self._due else math.inf
        return events

    def dates(self) -> list[Due]:
        """Return the dates of the records, the earliest first."""
        self._drop_outdated()
        return self._due.copy()

    def _outdated(self, entry: Due) -> bool:
        """Return whether a record no longer has the date with which it was entered."""
        at, _, record_id, resource = entry
        table = self.get(resource)
        record = None if table is None else table.get(record_id)
        return record is None or record.due != at

    def _settling(self, now: float) -> Settling:
        records = 1  # which is taken out of the heap already
        places = [0]
        while places:  # what is due is the top of the heap, so nothing else is looked at
            place = places.pop()
            if place < len(self._due) and self._due[place][0] <= now:
                records += 1
                places += [2 * place + 1, 2 * place + 2]
        return Settling(now, max(FEWEST_REPETITIONS, min(MOST_REPETITIONS, MOST_REPETITIONS_TOGETHER // records)))

    def _drop_outdated(self) -> None:
        """Drop the entries that lead nowhere, and those that are there twice; what is left is sorted."""
        self._set_due(sorted({entry for entry in self._due if not self._outdated(entry)}, key=_DATE))

    def _set_due(self, due: list[Due]) -> None:
        self._due = due
        self._due_limit = _FEW + 2 * len(due)
        self.next_due = self._due[0][0] if self._due else math.inf

    # -- checkpoints --------------------------------------------------------------------------------------------------

    def state(self) -> PartitionState:
        """Return a copy to go back to. Costs microseconds per thousand records."""
        tables = {resource: table.state() for resource, table in self.items() if table}
        return PartitionState(tables, self._due.copy(), self._due_limit)

    def restore(self, state: PartitionState, *, last: bool = False) -> None:
        """Go back to a copy, which can be restored again later unless this is the `last` time."""
        self.clear()
        for resource, table in state.tables.items():
            self[resource].restore(table, last=last)
        self._set_due(state.due if last else state.due.copy())
        self._due_limit = state.due_limit
