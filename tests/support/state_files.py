"""What tests of state files share: what a store holds, and what a file holds."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kms_mock import KmsMock
from kms_mock.store.changes import Place
from kms_mock.store.store import Store


def contents(store: Store) -> dict[tuple[Place, str], list[tuple[str, Any]]]:
    """Return every record of a store, in order of creation, by place and kind."""
    return {
        (partition.place, resource.record.__name__): list(table.records.items())
        for partition in store.partitions()
        for resource, table in partition.state().tables.items()
    }


@contextmanager
def opened(path: Path, *fixtures: Any, **options: Any) -> Iterator[KmsMock]:
    """Use a mock with a state file, without a server; close the file at the end."""
    kms = KmsMock(fixtures, state=path, **options)
    try:
        yield kms
    finally:
        kms.stop()


def kept(path: Path) -> dict[tuple[Place, str], list[tuple[str, Any]]]:
    """Return what a file holds that nobody uses."""
    with opened(path) as kms:
        return contents(kms.store)


@contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    """Use a file that nobody uses as the database that it is; what was changed is committed."""
    connection = sqlite3.connect(path)
    try:
        with connection:
            yield connection
    finally:
        connection.close()


def files_of(path: Path) -> dict[str, bytes]:
    """Return the bytes of a file and of what is beside it."""
    return {
        found.name: found.read_bytes() for found in sorted(path.parent.iterdir()) if not found.name.endswith("-shm")
    }


def mounted(folder: Path, size: str) -> bool:
    """Mount a small file system in memory; return False where this user may not."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
