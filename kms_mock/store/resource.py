"""The one mechanism of resources: how a kind of record is declared, and the table that holds its records.

A product declares each kind once, beside its record: `keys = Resource(Key, "key", missing=errors.KEY_NOT_FOUND)`.
`partition[keys]` is the table of one account and region. Records are frozen and replaced whole, so a checkpoint is a
shallow copy. Only `put` and `remove` write, and they keep everything else right: the indexes, the next due time, the
log of changes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from kms_mock.store.changes import Change
from kms_mock.store.lookups import TagIndex

if TYPE_CHECKING:
    from kms_mock.store.partition import Partition

R = TypeVar("R")

_NEAR = 500  # positions at either end of a table that are reached by walking


class Index(Generic[R]):
    """Finds the records that have a value. `of` returns the values of a record; it depends on nothing else.

    A `unique` index leads from a value to one record, any other to several, in the order in which they got the value.
    """

    def __init__(self, of: Callable[[R], Iterable[str]], *, unique: bool = False) -> None:
        self.of = of
        self.unique = unique

    def replace(self, entries: dict[str, Any], record_id: str, before: R | None, after: R | None) -> None:
        """Take the values of a former record out of the entries, and put those of the new one in."""
        if before is None and after is not None:
            self._add(entries, record_id, self.of(after))
            return
        old = () if before is None else self.of(before)
        new = () if after is None else self.of(after)
        if old == new:
            return
        kept = frozenset(new) if old else ()
        for value in [value for value in old if value not in kept]:
            if self.unique:
                entries.pop(value, None)
                continue
            rest = tuple(other for other in entries[value] if other != record_id)
            if rest:
                entries[value] = rest
            else:
                del entries[value]
        had = frozenset(old)
        self._add(entries, record_id, [value for value in new if value not in had])

    def _add(self, entries: dict[str, Any], record_id: str, values: Iterable[str]) -> None:
        for value in values:
            entries[value] = record_id if self.unique else (*entries.get(value, ()), record_id)


class Resource(Generic[R]):
    """One kind of record.

    `name` is what people call it; `key` returns a record's id, unique within an account and region; `missing` makes
    the error for an id that no record has, from a reason. A record that can fall due has the attribute `due` (seconds
    since 1970 UTC, infinity for never) and the method `happen(partition, at, settling)`, which returns an Event and sees
    to it that the record is removed or due later. A record whose
    changes people read about has `changes_from(before)`, which returns lines; for any other one the changed fields
    are named. A record that is found by its tags has `tags`, values by keys. `label` returns the words for one record. `on_remove` removes what cannot exist without a record.
    `milestones` returns what a report of a test run counts. What is not `logged` is no effect of a request, what is
    not `saved` is in no state file. From records that `decide_callers`, as from all of accounts, it follows who calls.
    """

    def __init__(
        self,
        record: type[R],
        name: str,
        *,
        key: Callable[[R], str] = attrgetter("id"),
        missing: Callable[[str], Exception] = LookupError,
        indexes: Collection[Index[R]] = (),
        label: Callable[[R], str] | None = None,
        on_remove: Callable[[Partition, R], None] | None = None,
        milestones: Callable[[R], Iterable[str]] | None = None,
        logged: bool = True,
        saved: bool = True,
        decide_callers: bool = False,
    ) -> None:
        self.record = record
        self.name = name
        self.key = key
        self.missing = missing
        self.indexes = tuple(indexes)
        self.label: Callable[[R], str] = label or (lambda found: f"{name} {key(found)}")
        self.on_remove = on_remove
        self.milestones = milestones
        self.logged = logged
        self.saved = saved
        self.decide_callers = decide_callers
        self.can_fall_due = hasattr(record, "happen")
        self.describes_changes = hasattr(record, "changes_from")

    def __repr__(self) -> str:
        return f"<Resource {self.name}>"


class TableState(NamedTuple):
    """A copy of a table; the records in it are shared. `indexes` are in the order of the resource's."""

    records: dict[str, Any]
    indexes: tuple[dict[str, Any], ...]


class Table(Generic[R]):
    """The records of one kind in one partition, by id, in order of creation."""

    __slots__ = ("_indexes", "_order", "_partition", "_records", "_tags", "resource")

    def __init__(self, resource: Resource[R], partition: Partition) -> None:
        self.resource = resource
        self._partition = partition
        self._records: dict[str, R] = {}
        self._indexes: dict[Index[R], dict[str, Any]] = {index: {} for index in resource.indexes}
        # Made when first asked for, since few tables are.
        self._tags: TagIndex | None = None
        self._order: list[str] | None = None  # the ids by their position

    # -- reading ------------------------------------------------------------------------------------------------------

    def find(self, record_id: str) -> R:
        """Return a record. Raises the resource's `missing` error."""
        found = self._records.get(record_id)
        if found is None:
            raise self.resource.missing(self._partition.reason_for_missing(self.resource, record_id))
        return found

    def get(self, record_id: str) -> R | None:
        """Return a record, or None."""
        return self._records.get(record_id)

    def owner(self, index: Index[R], value: str) -> R | None:
        """Return the record that a unique index leads to, or None."""
        record_id = self._indexes[index].get(value)
        return None if record_id is None else self._records[record_id]

    def ids(self, index: Index[R], value: str) -> tuple[str, ...]:
        """Return the ids of the records that have a value, in the order in which they got it."""
        found: tuple[str, ...] = self._indexes[index].get(value, ())
        return found

    def tagged(self, wanted: Mapping[str, str | None]) -> Iterator[R]:
        """Return the records that carry all of some tags, in order of creation; None stands for any value.

        Costs what `TagIndex.find` says, and the first time the making of the index.
        """
        if not wanted:
            return iter(self._records.values())
        if self._tags is None:
            self._tags = TagIndex(self._records)
        return self._tags.find(wanted)

    def values(self) -> Records[R]:
        """Return the records, in order of creation."""
        return Records(self, self._records)

    def page(self, start: int, end: int) -> list[R]:
        """Return the records from a position up to another one; costs what it returns, once positions are known."""
        records = self._records
        if start <= _NEAR:
            return list(islice(records.values(), start, end))
        total = len(records)
        if total - start <= _NEAR:
            return list(islice(reversed(records.values()), max(total - end, 0), total - start))[::-1]
        if self._order is None:
            self._order = list(records)
        return [records[record_id] for record_id in self._order[start:end]]

    def __contains__(self, record_id: str) -> bool:
        return record_id in self._records

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    # -- writing ------------------------------------------------------------------------------------------------------

    def put(self, record: R) -> None:
        """Add a record, or replace the one with its id."""
        self._write(self.resource.key(record), record)

    def remove(self, record: R) -> None:
        """Remove a record and what cannot exist without it."""
        record_id = self.resource.key(record)
        if self.resource.on_remove is not None:
            self.resource.on_remove(self._partition, self._records[record_id])
        self._write(record_id, None)

    def _write(self, record_id: str, record: R | None) -> None:
        resource, partition = self.resource, self._partition
        before = self._records.get(record_id)
        if record is None:
            del self._records[record_id]
        else:
            self._records[record_id] = record
        for index, entries in self._indexes.items():
            index.replace(entries, record_id, before, record)
        if self._tags is not None:
            self._tags.replace(record_id, before, record)
        if self._order is not None and (before is None or record is None):
            self._note_position(record_id, is_new=before is None)
        partition.written(Change(partition.place, resource, record_id, before, record))

    def _note_position(self, record_id: str, *, is_new: bool) -> None:
        order = self._order or []
        if is_new:
            order.append(record_id)
        elif order[-1] == record_id:
            order.pop()
        else:
            self._order = None

    # -- undoing and checkpoints --------------------------------------------------------------------------------------

    def undo(self, change: Change) -> None:
        """Take back the latest change of a record. Removed records come back at the end of the order of creation."""
        self._write(change.id, change.before)

    def state(self) -> TableState:
        """Return a copy to go back to."""
        return TableState(dict(self._records), tuple(dict(entries) for entries in self._indexes.values()))

    def restore(self, state: TableState, *, last: bool = False) -> None:
        """Go back to a copy, which can be restored again later unless this is the `last` time."""
        if not last:
            state = TableState(dict(state.records), tuple(map(dict, state.indexes)))
        self._records = state.records
        self._indexes = dict(zip(self.resource.indexes, state.indexes, strict=True))
        self._tags = self._order = None


class Records(Collection[R]):
    """The records of a table, in order of creation."""

    __slots__ = ("_records", "_table")

    def __init__(self, table: Table[R], records: dict[str, R]) -> None:
        self._table = table
        self._records = records

    def page(self, start: int, end: int) -> list[R]:
        """Return the records from a position up to another one."""
        return self._table.page(start, end)

    def __iter__(self) -> Iterator[R]:
        return iter(self._records.values())

    def __len__(self) -> int:
        return len(self._records)

    def __contains__(self, record: object) -> bool:
        return record in self._records.values()
