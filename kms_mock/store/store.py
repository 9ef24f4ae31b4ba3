"""Everything a server knows: its partitions. One store per server, no state outside it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from msgspec import Struct

from kms_mock.sources import Sources
from kms_mock.store.changes import Change, Place
from kms_mock.store.events import Event
from kms_mock.store.partition import Partition, PartitionState
from kms_mock.store.resource import Resource, TableState

R = TypeVar("R")


class StoreState(Struct, frozen=True):
    """A copy of a whole store; the records in it are shared. Empty partitions are left out."""

    partitions: dict[Place, PartitionState]

    def tables(self, place: Place) -> Mapping[Resource[Any], TableState]:
        """Return the tables of a partition, none for an empty one."""
        found = self.partitions.get(place)
        return {} if found is None else found.tables


class Store:
    """All partitions of one server. `changes` is the log of changes since somebody last took them."""

    def __init__(self, sources: Sources, default_account: str, default_region: str) -> None:
        self.sources = sources
        self.default_account = default_account
        self.default_region = default_region
        self.changes: list[Change] = []
        self.logs_changes = True
        # What a state file lacks, in order: every change, whatever caused it, and for what replaced many records at
        # once the state before. None where no file keeps this store.
        self.unsaved: list[Change | StoreState] | None = None
        self.account_names: dict[str, str] = {}  # what reasons call an account, where it has a name
        self._account_caches: list[dict[Any, Any]] = []
        self.known_signers: dict[str, Any] = self.account_cache()  # who signs with an id that a product issued, by id
        self._partitions: dict[Place, Partition]
        # Anybody can name a region: a partition with nothing in it lives only as long as somebody uses it.
        self._empty: WeakValueDictionary[Place, Partition]
        self.clear()

    # -- partitions ---------------------------------------------------------------------------------------------------

    def existing(self, account_id: str, region: str) -> Partition | None:
        """Return a partition that holds something, or None. Lets no time pass in it."""
        return self._partitions.get((account_id, region))

    def account_record(self, resource: Resource[R], account_id: str, record_id: str) -> R | None:
        """Return a record that belongs to an account and to no region, or None. Lets no time pass."""
        home = self._partitions.get((account_id, ""))
        return None if home is None else home[resource].get(record_id)

    def partition(self, account_id: str, region: str) -> Partition:
        """Return a partition without letting time pass in it."""
        place = (account_id, region)
        found = self._partitions.get(place)
        if found is None:
            found = self._empty.get(place)
        if found is None:
            found = self._empty[place] = Partition(self, place)
        return found

    def open(self, account_id: str, region: str, now: float) -> Partition:
        """Return a partition as it is at `now`: due things happen first."""
        partition = self._partitions.get((account_id, region))
        if partition is None:
            partition = self.partition(account_id, region)
        if partition.next_due <= now:
            self._settle(partition, now)
        return partition

    def partitions(self, account_id: str | None = None) -> Iterator[Partition]:
        """Return the partitions that hold something: all, or those of one account."""
        return iter([found for place, found in self._partitions.items() if account_id in (None, place[0])])

    def keep(self, partition: Partition) -> None:
        """Keep a partition for as long as something is in it; only partitions call this."""
        if partition.place not in self._partitions:
            self._partitions[partition.place] = partition
            self._empty.pop(partition.place, None)

    def release(self, partition: Partition) -> None:
        """Release a partition in which nothing is left; only partitions call this."""
        if partition is not self.server and self._partitions.pop(partition.place, None) is not None:
            self._empty[partition.place] = partition

    def remove_account(self, account_id: str) -> None:
        """Forget everything that an account has."""
        self._note_replacement()
        self.clear_account_caches()
        self._partitions = {place: found for place, found in self._partitions.items() if place[0] != account_id}
        for place in [place for place in self._empty if place[0] == account_id]:
            del self._empty[place]  # a request that still runs may hold it, with what was in it

    def account_cache(self) -> dict[Any, Any]:
        """Return a dict for what follows from the records of accounts and of the server, and from those that decide callers.

        It is cleared when one of them changes.
        """
        cache: dict[Any, Any] = {}
        self._account_caches.append(cache)
        return cache

    def clear_account_caches(self) -> None:
        """Forget what is in the caches of accounts; only partitions and this store call this."""
        for cache in self._account_caches:
            cache.clear()

    def account_name(self, account_id: str) -> str:
        """Return what a reason calls an account, "" for none."""
        return self.account_names.get(account_id) or (account_id and f"account {account_id}")

    # -- time ---------------------------------------------------------------------------------------------------------

    def settle(self, now: float) -> list[Event]:
        """Make due events happen in every partition; return them in order of time."""
        events = [event for partition in self.partitions() for event in self._settle(partition, now)]
        return sorted(events, key=lambda event: event.at)

    def dates(self) -> list[tuple[float, Place, str, str]]:
        """Return what will happen by itself: when, where, the kind of resource, its id; the earliest first."""
        return sorted(
            (at, found.place, kind, record_id)
            for found in self.partitions()
            for at, kind, record_id, _ in found.dates()
        )

    def _settle(self, partition: Partition, now: float) -> list[Event]:
        self.logs_changes = False  # changes caused by time are not effects of the request that finds them
        try:
            return partition.settle(now)
        finally:
            self.logs_changes = True

    # -- changes ------------------------------------------------------------------------------------------------------

    def commit(self) -> tuple[Change, ...]:
        """Make what changed since the last commit final, and return it."""
        changes = tuple(self.changes)
        self.changes.clear()
        return changes

    def roll_back(self) -> None:
        """Undo everything that was changed since the last commit."""
        if not self.changes:
            return
        for change in reversed(self.commit()):
            self.partition(*change.place)[change.resource].undo(change)
        self.changes.clear()

    # -- saving -------------------------------------------------------------------------------------------------------

    def fill(self, records: Iterable[tuple[Place, Resource[Any], Any]]) -> None:
        """Put saved records in the place of everything, in order of creation; nothing of it is a change.

        Whatever `records` raises is raised, and the store is as it was.
        """
        before, unsaved = self.state(), self.unsaved
        self.unsaved = None
        self.clear()
        self.logs_changes = False
        try:
            for place, resource, record in records:
                self.partition(*place)[resource].put(record)
        except BaseException:
            self.restore(before)
            self.unsaved = unsaved
            raise
        finally:
            self.logs_changes = True
            self.changes.clear()

    def keep_unsaved(self) -> None:
        """Note from now on what is not saved; what is there is saved."""
        self.unsaved = []

    def undo_unsaved(self) -> None:
        """Take back everything that is not saved: of requests, of time, and what replaced many records at once."""
        entries, self.unsaved = self.unsaved or [], None
        try:
            for entry in reversed(entries):
                if isinstance(entry, Change):
                    self.partition(*entry.place)[entry.resource].undo(entry)
                else:
                    self.restore(entry)
        finally:
            self.changes.clear()
            self.unsaved = []

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Take everything back that is changed within, if that ends with an exception. None of it is an effect of a request.

        Costs what is changed, not what the store holds.
        """
        outer, self.unsaved = self.unsaved, []
        logged, self.logs_changes = self.logs_changes, False
        try:
            yield
        except BaseException:
            self.undo_unsaved()
            raise
        else:
            if outer is not None:
                outer += self.unsaved or ()
        finally:
            self.unsaved, self.logs_changes = outer, logged

    def _note_replacement(self) -> None:
        if self.unsaved is not None:
            self.unsaved.append(self.state())

    # -- checkpoints --------------------------------------------------------------------------------------------------

    def clear(self) -> None:
        """Forget everything."""
        self._note_replacement()
        self.clear_account_caches()
        self.changes.clear()
        self._partitions, self._empty = {}, WeakValueDictionary()
        # What belongs to the whole server: accounts, settings.
        self.server = Partition(self, ("", ""))
        self.keep(self.server)
        # Never read: nothing else would keep it from one request to the next while it is empty, and most ask for it.
        self._kept = self.partition(self.default_account, self.default_region)

    def state(self, accounts: Collection[str] | None = None) -> StoreState:
        """Return a copy of everything, or of what these accounts have. Costs microseconds per thousand records."""
        return StoreState(
            {
                place: found.state()
                for place, found in self._partitions.items()
                if not found.empty and (accounts is None or place[0] in accounts)
            }
        )

    @contextmanager
    def copied(self) -> Iterator[Store]:
        """Lend a store with the same records, which changes of this one do not touch; it is emptied at the end."""
        copy = Store(self.sources, self.default_account, self.default_region)
        copy.restore(self.state(), last=True)
        try:
            yield copy
        finally:
            for partition in copy.partitions():
                partition.clear()  # its tables refer to it: the records would stay until a garbage collection

    def restore(self, state: StoreState, accounts: Collection[str] | None = None, *, last: bool = False) -> None:
        """Go back to a copy; of everything, or of what these accounts have.

        It can be restored again later, unless this is the `last` time: then nothing is copied.
        """
        if accounts is None:
            self.clear()
        else:
            for account_id in accounts:
                self.remove_account(account_id)
        for place, partition_state in state.partitions.items():
            partition = self.partition(*place)
            self.keep(partition)
            partition.restore(partition_state, last=last)
