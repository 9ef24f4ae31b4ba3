"""Which row of the file holds which record, and which rows a change of the store writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kms_mock.persistence.codec import Codec, Row
from kms_mock.persistence.database import Batch
from kms_mock.store.changes import Change, Place
from kms_mock.store.resource import Resource
from kms_mock.store.store import Store, StoreState

Table = tuple[Place, Resource[Any]]


class Plan:
    """What to write, and where the records are once it is written: a number for each id, None for one that is gone."""

    def __init__(self, codec: Codec, last_number: int) -> None:
        self.batch = Batch()
        self.places: dict[Table, dict[str, int | None]] = {}
        self.last_number = last_number
        self._codec = codec

    def remove(self, table: Table, record_id: str, number: int) -> None:
        """Remove a row."""
        self.batch.removed.append(number)
        self.places.setdefault(table, {})[record_id] = None

    def put(self, table: Table, record_id: str, record: Any, number: int | None) -> int:
        """Write a row with this number, or with a new one behind all others; return the number."""
        if number is None:
            self.last_number += 1
            number = self.last_number
        self.batch.put.append(self._codec.row(number, *table, record_id, record))
        self.places.setdefault(table, {})[record_id] = number
        return number


class Ledger:
    """The numbers of the rows by the ids of their records, in each table rising in order of creation."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._numbers: dict[Table, dict[str, int]] = {}
        self._last_number = 0

    def add(self, table: Table, record_id: str, number: int) -> bool:
        """Note a row that the file has; return False for the second one of a record."""
        numbers = self._numbers.setdefault(table, {})
        self._last_number = max(self._last_number, number)
        return numbers.setdefault(record_id, number) == number

    def row_of(self, entries: Sequence[Change | StoreState]) -> Row | None:
        """Return the row to write where one record replaced another one, and nothing else happened; else None."""
        if len(entries) != 1:
            return None
        entry = entries[0]
        if not isinstance(entry, Change) or entry.before is None or entry.after is None:
            return None
        number = self._numbers[entry.place, entry.resource][entry.id]
        return self._codec.row(number, entry.place, entry.resource, entry.id, entry.after)

    def plan(self, store: Store, entries: Iterable[Change | StoreState]) -> Plan:
        """Return what to write for what a store noted as unsaved."""
        replaced: StoreState | None = None
        moved: dict[tuple[Table, str], bool] = {}  # in order of creation; whether a record was created or removed
        for entry in entries:
            if isinstance(entry, StoreState):
                replaced = replaced or entry
                continue
            name = (entry.place, entry.resource), entry.id
            if entry.before is None or entry.after is None:
                moved.pop(name, None)
                moved[name] = True
            else:
                moved.setdefault(name, False)
        plan = Plan(self._codec, self._last_number)
        if replaced is None:
            self._plan_changes(plan, store, moved)
        else:
            self._plan_replacement(plan, store, replaced, moved)
        return plan

    def written(self, plan: Plan) -> None:
        """Note that a plan was carried out."""
        self._last_number = plan.last_number
        for table, places in plan.places.items():
            numbers = self._numbers.setdefault(table, {})
            for record_id, number in places.items():
                if number is None:
                    del numbers[record_id]
                else:
                    numbers[record_id] = number

    def _plan_changes(self, plan: Plan, store: Store, moved: dict[tuple[Table, str], bool]) -> None:
        for (table, record_id), is_moved in moved.items():
            place, resource = table
            record = store.partition(*place)[resource].get(record_id)
            number = self._numbers.get(table, {}).get(record_id)
            if number is not None and (is_moved or record is None):
                plan.remove(table, record_id, number)
                number = None
            if record is not None:
                plan.put(table, record_id, record, number)

    def _plan_replacement(
        self, plan: Plan, store: Store, before: StoreState, moved: dict[tuple[Table, str], bool]
    ) -> None:
        """Plan what differs from a former state, in all tables; what is out of order gets new numbers."""
        now = {
            (partition.place, resource): table.records
            for partition in store.partitions()
            for resource, table in partition.state().tables.items()
            if resource.saved
        }
        for table in dict.fromkeys([*self._numbers, *now]):
            place, resource = table
            numbers, records = self._numbers.get(table, {}), now.get(table, {})
            former = before.tables(place).get(resource)
            unchanged = {} if former is None else former.records
            for record_id, number in numbers.items():
                if record_id not in records:
                    plan.remove(table, record_id, number)
            latest = 0
            for record_id, record in records.items():
                known = numbers.get(record_id)
                if known is not None and known < latest:
                    plan.remove(table, record_id, known)
                    known = None
                if known is None or unchanged.get(record_id) is not record or (table, record_id) in moved:
                    known = plan.put(table, record_id, record, known)
                latest = known
