"""The file itself: an SQLite database in WAL mode that one process at a time has open.

A file is read and checked through a connection that cannot write, so that one that is damaged, foreign or newer stays as
it was, byte for byte; only then it is opened for writing. A new one appears whole: it is made beside and linked into
place.

A commit is in the operating system's hands before it returns, so the end of the process loses nothing. It is not forced
to the disk (`synchronous=NORMAL`): a power cut may lose the last moments, but damages nothing.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import structs

from kms_mock.persistence.codec import Row
from kms_mock.store.errors import StateError

APPLICATION_ID: Final = 0x4B4D534D  # "KMSM", in the header of the file
_SCHEMA: Final = """
CREATE TABLE records (number INTEGER PRIMARY KEY, account TEXT NOT NULL, region TEXT NOT NULL, kind TEXT NOT NULL,
                      id TEXT NOT NULL, data BLOB NOT NULL, checksum INTEGER NOT NULL);
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL);
"""
_WAL: Final = "-wal"
_PUT: Final = "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?, ?, ?)"
_REPLACE: Final = "UPDATE records SET data = ?, checksum = ? WHERE number = ?"
_REMOVE: Final = "DELETE FROM records WHERE number = ?"
_PUT_META: Final = "INSERT OR REPLACE INTO meta VALUES (?, ?)"
# Pages of 4 KiB after which the WAL is written into the database: seldom enough not to be felt, and a WAL of 16 MB.
_CHECKPOINT_PAGES: Final = 4000

# Result codes of SQLite (sqlite.org/rescode.html), of which the lowest byte says what kind it is.
_BUSY, _LOCKED, _READ_ONLY, _CORRUPT, _CANNOT_OPEN, _NOT_A_DATABASE = 5, 6, 8, 11, 14, 26
_PRIMARY: Final = 0xFF

Stamp = tuple[tuple[int, ...], ...]  # what tells whether somebody wrote into a file and its WAL


class Batch:
    """What one transaction writes."""

    def __init__(self) -> None:
        self.put: list[Row] = []
        self.removed: list[int] = []
        self.meta: dict[str, bytes] = {}
        self.replaces_all = False  # all rows that are there


class Reader:
    """Reads an existing file, which it cannot change."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises StateError where it is none of ours or in use."""
        self.path = path
        self.stamp = stamp_of(path)
        # A WAL is there while a server runs, and after one was killed; without one, nothing needs to be locked.
        immutable = "" if _beside(path, _WAL).exists() else "&immutable=1"
        with explained(path):
            self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro{immutable}", uri=True, timeout=0)
        try:
            with explained(path):
                if self._pragma("application_id") != APPLICATION_ID:
                    raise _foreign(path)
                self.format = self._pragma("user_version")
        except StateError:
            self.close()
            raise

    def check(self) -> None:
        """Check the pages of the file. Raises StateError."""
        with explained(self.path):
            (answer,) = self._connection.execute("PRAGMA quick_check(1)").fetchone()
        if answer != "ok":
            raise damaged(self.path, "its pages do not fit together")

    def meta(self) -> dict[str, bytes]:
        """Return what the file says of itself."""
        with explained(self.path):
            return dict(self._connection.execute("SELECT name, value FROM meta"))

    def rows(self) -> Iterator[Row]:
        """Return the records, in order of creation."""
        with explained(self.path):
            for row in self._connection.execute("SELECT * FROM records ORDER BY number"):
                yield Row(*row)

    def _pragma(self, name: str) -> int:
        (value,) = self._connection.execute(f"PRAGMA {name}").fetchone()
        return int(value)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


class Writer:
    """Writes into a file that this process alone has open."""

    def __init__(self, path: Path, read: Stamp) -> None:
        """Open the file, which is as it was when its `stamp` was read. Raises StateError.

        A file that its owner may not write is opened all the same: every `write` is refused.
        """
        self.path = path
        mode = stat.S_IMODE(path.stat().st_mode)
        self.can_write = bool(mode & stat.S_IWUSR) and os.access(path, os.W_OK)
        self._connection: sqlite3.Connection | None = None
        self._names = (str(path), str(_beside(path, _WAL)))
        if not self.can_write:
            return
        with contextlib.suppress(OSError):  # a file system without modes
            path.chmod(mode & (stat.S_IRUSR | stat.S_IWUSR))
        with explained(path):
            self._connection = _connect(path)
        self._files = self._look_up()
        if stamp_of(path) != read:
            self.close()
            raise StateError(f"{path} changed while it was read: another kms-mock uses it")

    def replace(self, row: Row) -> None:
        """Write a row over the one of its number; what `write` does, for nearly all requests. Raises StateError."""
        connection = self._checked()
        try:
            if connection.execute(_REPLACE, (row.data, row.checksum, row.number)).rowcount == 1:
                return
        except sqlite3.Error:
            pass  # `write` makes room and tries again, or explains
        batch = Batch()
        batch.put.append(row)
        self.write(batch)

    def write(self, batch: Batch, number: int | None = None) -> None:
        """Write a batch, all of it or nothing; with a `number` of the format. Raises StateError."""
        connection = self._checked()
        try:
            self._write(connection, batch, number)
        except sqlite3.Error as error:
            try:
                # The disk may be full of changes that have long been made again: then there is room without the WAL.
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                self._write(connection, batch, number)
            except sqlite3.Error:
                raise StateError(f"{self.path} cannot be written: {error}") from error

    def _write(self, connection: sqlite3.Connection, batch: Batch, number: int | None) -> None:
        """Write a batch in one transaction. Raises sqlite3.Error, with nothing written."""
        try:
            connection.execute("BEGIN")
            if batch.replaces_all:
                connection.execute("DELETE FROM records")
            connection.executemany(_REMOVE, [(removed,) for removed in batch.removed])
            connection.executemany(_PUT, map(structs.astuple, batch.put))
            connection.executemany(_PUT_META, batch.meta.items())
            if number is not None:
                connection.execute(f"PRAGMA user_version={number}")
            connection.execute("COMMIT")
        except sqlite3.Error:
            with contextlib.suppress(sqlite3.Error):
                connection.rollback()
            raise

    def close(self) -> None:
        """Write the WAL into the file, which is whole by itself then, and let others open it."""
        if self._connection is None:
            return
        if [found[1:] for found in self._look_up()] == [found[1:] for found in self._files]:
            self._connection.close()
        else:
            self.abandon()
        self._connection = None

    def abandon(self) -> None:
        """Forget the connection without closing it, which would remove the WAL of that name.

        In a forked process that is the parent's; where the file was replaced, it may be another server's.
        """
        if self._connection is not None:
            import ctypes  # noqa: PLC0415 (hardly ever)

            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._connection))  # so that the interpreter never closes it
            self._connection = None

    def _look_up(self) -> list[tuple[int, ...]]:
        """Return the modes, inodes and devices of the files of which the database consists now.

        One that was removed would still be written to, and never be found again.
        """
        try:
            return [os.stat(name)[:3] for name in self._names]  # noqa: PTH116 (a third of the time, for every change)
        except OSError:
            return []

    def _is_in_place(self) -> bool:
        """Return whether the files are where they were, and their owner may write them."""
        found = self._look_up()
        return found == self._files or list(map(_without_mode, found)) == list(map(_without_mode, self._files))

    def _checked(self) -> sqlite3.Connection:
        """Return the connection if what is written through it can be found again. Raises StateError."""
        if not self.can_write:
            raise StateError(f"{self.path} is read-only")
        if self._connection is None:
            raise StateError(f"{self.path} is closed")
        if not self._is_in_place():
            name = f"{self.path} (or {self.path.name}{_WAL} beside it)"
            raise StateError(f"{name} was removed, replaced or made read-only: put it back, or start anew")
        return self._connection


def _without_mode(found: tuple[int, ...]) -> tuple[int, ...]:
    """Return an entry of `Writer._look_up` with no more of its mode than whether the owner may write."""
    mode, *rest = found
    return mode & stat.S_IWUSR, *rest


def create(path: Path, batch: Batch, number: int) -> None:
    """Make a file that holds a batch; it appears whole, mode 0600, unless there is one by then. Raises StateError."""
    try:
        with _temporary_beside(path) as temporary:
            _fill(temporary, path, batch, number)
            _move_into_place(temporary, path)
    except OSError as error:
        raise StateError(f"cannot make {path}: {error.strerror or error}") from error


@contextlib.contextmanager
def _temporary_beside(path: Path) -> Iterator[Path]:
    """Make an empty file in the same folder; in the end it is gone, and its WAL. Raises OSError."""
    descriptor, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}-")
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
    finally:
        for found in (temporary, _beside(temporary, _WAL)):
            found.unlink(missing_ok=True)


def _fill(temporary: Path, path: Path, batch: Batch, number: int) -> None:
    """Write a batch into an empty file that will be at a path. Raises StateError."""
    with explained(path), contextlib.closing(_connect(temporary)) as connection:
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("BEGIN")
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        connection.executemany(_PUT, map(structs.astuple, batch.put))
        connection.executemany(_PUT_META, batch.meta.items())
        connection.execute(f"PRAGMA user_version={number}")
        connection.execute("COMMIT")


def exists(path: Path) -> bool:
    """Return whether there is a file with something in it. Raises StateError for what cannot be one."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StateError(f"cannot read {path}: {error.strerror or error}") from error
    if not stat.S_ISREG(found.st_mode):
        raise StateError(f"{path} is no file")
    return found.st_size > 0


def stamp_of(path: Path) -> Stamp:
    """Return what changes when somebody writes into a file or its WAL. An empty WAL is like none."""
    stamps = [_stamp(path)]
    wal = _beside(path, _WAL)
    if wal.exists() and wal.stat().st_size:
        stamps.append(_stamp(wal))
    return tuple(stamps)


def damaged(path: Path, how: str) -> StateError:
    """Return the error for a file that is ours, and damaged."""
    return StateError(
        f"the state file {path} is damaged ({how}): it was left as it is; start with a copy of it, or with another file"
    )


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn errors of SQLite into StateError."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
        if code in (_BUSY, _LOCKED):
            raise StateError(f"the state file {path} is in use by another kms-mock") from error
        if code == _NOT_A_DATABASE:
            raise _foreign(path) from error
        if code == _CORRUPT:
            raise damaged(path, str(error)) from error
        if code == _READ_ONLY or (code == _CANNOT_OPEN and _beside(path, _WAL).exists()):
            raise StateError(
                f"cannot open the state file {path}: nothing can be written in its folder, where SQLite has a file beside it"
            ) from error
        raise StateError(f"cannot open the state file {path}: {error}") from error


def _foreign(path: Path) -> StateError:
    return StateError(f"{path} is no state file of kms-mock: it was left as it is; name another one")


def _connect(path: Path) -> sqlite3.Connection:
    """Return a connection that no other process can have besides. Raises sqlite3.Error."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=0, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("COMMIT")  # the lock stays
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _move_into_place(temporary: Path, path: Path) -> None:
    if path.exists() and not path.stat().st_size:
        temporary.replace(path)
        return
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass  # another process was first: what it made counts
    except OSError:  # a file system without hard links
        temporary.replace(path)


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _stamp(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
