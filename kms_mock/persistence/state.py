"""A store and its clock, kept in a file: what was answered is in the file before the answer leaves."""

from __future__ import annotations

import contextlib
import logging
import os
import weakref
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from kms_mock.collector import collector_paused
from kms_mock.config import Config
from kms_mock.control.clock import Clock, ClockState
from kms_mock.crypto.passphrase import SALT_LENGTH, PassphraseKey, new_salt
from kms_mock.identity.accounts import accounts, settings
from kms_mock.persistence import database
from kms_mock.persistence.codec import Codec, DamagedError, Row, decode_tree, encode_tree
from kms_mock.persistence.database import Reader, Writer
from kms_mock.persistence.ledger import Ledger
from kms_mock.persistence.migrations import FORMAT, Format
from kms_mock.rpc import errors
from kms_mock.rpc.api import Api
from kms_mock.store.changes import Place
from kms_mock.store.errors import StateError
from kms_mock.store.resource import Resource
from kms_mock.store.store import Store, StoreState

log = logging.getLogger("kms_mock")

T = TypeVar("T")

_CLOCK = "clock"
_SALT = "salt"  # of a sealed file
_PROOF = "proof"  # of the passphrase: a text that opens under it
_PROOF_TEXT = b"kms-mock state"


class State:
    """Keeps a store and its clock in a file.

    `open` fills the store from the file, or makes the file from the store. From then on `save` writes what the store
    noted as unsaved, in one transaction; where it cannot, the store and the clock are as they were after the last one.
    """

    def __init__(
        self,
        path: Path,
        store: Store,
        clock: Clock,
        resources: Iterable[Resource[Any]],
        *,
        passphrase: bytes | None = None,
        file_format: Format = FORMAT,
    ) -> None:
        self.path = path.resolve()
        self._store = store
        self._clock = clock
        self._resources = tuple(resource for resource in resources if resource.saved)
        self._passphrase = passphrase
        self._format = file_format
        self._codec = Codec(self._resources, None)
        self._writer: Writer | None = None
        self._saved_clock = ClockState()
        self._ledger = Ledger(self._codec)
        self._committing = False
        self._problem = ""
        _open_states.add(self)

    # -- the file as a whole ------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Take the file: fill the store from it, or make it from the store where there is none. Raises StateError.

        A file is read whole before it is opened for writing, so that one that cannot be used is not changed.
        """
        if self._writer is not None:
            return
        there = database.exists(self.path)
        if not there:
            self._create()
        reader = Reader(self.path)
        try:
            migrated = self._read(reader)
        except DamagedError as error:
            raise database.damaged(self.path, str(error)) from error
        finally:
            reader.close()
        writer = Writer(self.path, reader.stamp)
        if not writer.can_write:
            log.warning("the state file %s is read-only: every change is refused", self.path)
        elif migrated:
            self._write_migrated(writer)
        self._writer = writer
        self._saved_clock = self._clock.state
        self._store.keep_unsaved()
        if there:
            log.info("the state is that of %s; fixture files count at the next reset", self.path)

    def close(self) -> None:
        """Close the file, so that others can open it. Whatever was answered is saved already."""
        if self._writer is None:
            return
        if self._store.unsaved:
            with contextlib.suppress(StateError):  # what time did and nobody was told: it happens again
                self.save()
        self._writer.close()
        self._writer = None

    def leave_to_parent(self) -> None:
        """Forget the file in a forked process: it belongs to the parent."""
        if self._writer is not None:
            self._writer.abandon()

    def _create(self) -> None:
        """Make the file from what is in the store."""
        meta = {_CLOCK: msgspec.msgpack.encode(self._clock.state)}
        passphrase_key = None
        if self._passphrase is not None:
            salt = meta[_SALT] = new_salt()
            passphrase_key = PassphraseKey(self._passphrase, salt)
            meta[_PROOF] = passphrase_key.seal(_PROOF_TEXT, salt)
        batch = Ledger(Codec(self._resources, passphrase_key)).plan(self._store, [StoreState({})]).batch
        batch.meta = meta
        database.create(self.path, batch, self._format.number)

    def _write_migrated(self, writer: Writer) -> None:
        """Write the records of an older format in this one, in the place of all rows. Raises StateError."""
        self._ledger = Ledger(self._codec)
        plan = self._ledger.plan(self._store, [StoreState({})])
        plan.batch.replaces_all = True
        try:
            writer.write(plan.batch, self._format.number)
        except StateError:
            writer.close()
            raise
        self._ledger.written(plan)
        log.info("the state file %s has format %d now", self.path, self._format.number)

    # -- reading ------------------------------------------------------------------------------------------------------

    def _read(self, reader: Reader) -> bool:
        """Fill the store; return whether it comes from an older format. Raises StateError, DamagedError."""
        if reader.format < 1:
            raise DamagedError("it has no format")
        if reader.format > self._format.number:
            raise StateError(
                f"the state file {self.path} was written by a newer kms-mock (format {reader.format}, and this one "
                f"knows {self._format.number}): start that one with it; the file was left as it is"
            )
        reader.check()
        meta = reader.meta()
        self._codec = Codec(self._resources, self._key(meta))
        migrated = reader.format != self._format.number
        rows = self._migrated(reader) if migrated else ((row, self._codec.opened(row)) for row in reader.rows())
        self._ledger = Ledger(self._codec)
        with collector_paused():
            self._store.fill(self._records(rows))
        self._read_clock(meta.get(_CLOCK, b""))
        return migrated

    def _records(self, rows: Iterable[tuple[Row, bytes]]) -> Iterator[tuple[Place, Resource[Any], Any]]:
        """Return the records of rows with where they belong, and note where they are. Raises DamagedError."""
        kinds, decode, add = self._codec.kinds, self._codec.decode, self._ledger.add
        for row, data in rows:
            record = decode(row.kind, data)
            resource, place = kinds[row.kind], (row.account, row.region)
            if resource.key(record) != row.id or not add((place, resource), row.id, row.number):
                raise DamagedError(f"a record ({row.kind}) is not in its place")
            yield place, resource, record

    def _key(self, meta: dict[str, bytes]) -> PassphraseKey | None:
        """Return the key of a sealed file, None for one that is not. Raises StateError."""
        salt, proof = meta.get(_SALT), meta.get(_PROOF, b"")
        if salt is None:
            if self._passphrase is not None:
                raise StateError(f"the state file {self.path} is not sealed: name no passphrase file")
            return None
        if self._passphrase is None:
            raise StateError(f"the state file {self.path} is sealed: name its passphrase file (state_passphrase_file)")
        if len(salt) != SALT_LENGTH:
            raise DamagedError("the salt of its passphrase")
        passphrase_key = PassphraseKey(self._passphrase, salt)
        try:
            passphrase_key.unseal(proof, salt)
        except ValueError as error:
            raise StateError(f"the state file {self.path} was sealed with another passphrase") from error
        return passphrase_key

    def _migrated(self, reader: Reader) -> Iterator[tuple[Row, bytes]]:
        """Return the rows of an older format in this one, with the bytes of their records."""
        for row in reader.rows():
            migrated = self._format.migrated(reader.format, row.kind, decode_tree(self._codec.opened(row)))
            if migrated is not None:
                kind, tree = migrated
                yield msgspec.structs.replace(row, kind=kind), encode_tree(tree)

    def _read_clock(self, data: bytes) -> None:
        try:
            self._clock.restore(msgspec.msgpack.decode(data, type=ClockState))
        except ValueError as error:
            raise DamagedError("the clock") from error

    # -- saving -------------------------------------------------------------------------------------------------------

    def commit(self, function: Callable[[], T]) -> T:
        """Run a function and save what it changes, of the store and the clock. Raises StateError: nothing is changed."""
        if self._committing:  # the outermost one saves
            return function()
        self._committing = True
        try:
            result = function()
        finally:
            self._committing = False
        if self._store.unsaved or self._clock.state is not self._saved_clock:
            self.save()
        return result

    def save_request(self) -> None:
        """Save what a request changed. Raises INTERNAL_FAILURE: nothing is changed."""
        try:
            self.save()
        except StateError as error:
            raise errors.INTERNAL_FAILURE(f"Nothing was changed: {error}.") from error

    def save(self) -> None:
        """Write everything that is not saved. Raises StateError: all of it was taken back."""
        try:
            self._save_or_undo()
        except StateError as error:
            if self._problem != str(error):  # once, not for each of maybe thousands of requests
                self._problem = str(error)
                log.error("changes are refused: %s", error)  # noqa: TRY400 (the text says it all)
            raise
        if self._problem:
            self._problem = ""
            log.warning("changes are saved again in %s", self.path)

    def _save_or_undo(self) -> None:
        try:
            self._save()
        except BaseException:
            self._store.undo_unsaved()
            self._clock.restore(self._saved_clock)
            raise

    def _save(self) -> None:
        if self._writer is None:
            raise StateError(f"the state file {self.path} is closed: start the mock again")
        entries, clock = self._store.unsaved or (), self._clock.state
        row = self._ledger.row_of(entries) if clock is self._saved_clock else None
        if row is not None:
            self._writer.replace(row)
        else:
            plan = self._ledger.plan(self._store, entries)
            if clock is not self._saved_clock:
                plan.batch.meta[_CLOCK] = msgspec.msgpack.encode(clock)
            self._writer.write(plan.batch)
            self._ledger.written(plan)
        self._store.keep_unsaved()
        self._saved_clock = clock


_open_states: weakref.WeakSet[State] = weakref.WeakSet()


def _leave_to_parent() -> None:
    for state in list(_open_states):
        state.leave_to_parent()


if hasattr(os, "register_at_fork"):  # not on Windows, where there is no fork
    os.register_at_fork(after_in_child=_leave_to_parent)


def make_state(config: Config, store: Store, clock: Clock, apis: Iterable[Api]) -> State:
    """Return the state that a configuration names, not opened yet. Raises StateError."""
    passphrase = None if config.state_passphrase_file is None else _read_passphrase(config.state_passphrase_file)
    resources: list[Resource[Any]] = [accounts, settings, *(resource for api in apis for resource in api.resources)]
    assert config.state is not None  # noqa: S101 (who has no file does not ask)
    return State(config.state, store, clock, resources, passphrase=passphrase)


def _read_passphrase(path: Path) -> bytes:
    try:
        passphrase = path.read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise StateError(f"cannot read the passphrase file {path}: {error.strerror or error}") from error
    if not passphrase:
        raise StateError(f"the passphrase file {path} is empty")
    return passphrase
