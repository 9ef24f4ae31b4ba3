"""`kms-mock run --record`: a fixture file that grows by what a program did not find."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kms_mock import fixtures, logs
from kms_mock.cli.client import MAX_TEXT
from kms_mock.cli.output import counted
from kms_mock.fixtures import FixtureError, reader
from kms_mock.fixtures.writing import write_document
from kms_mock.recording import Recording
from kms_mock.store.store import Store

if TYPE_CHECKING:
    from kms_mock.mock import KmsMock

_HEADING = "What a program asked for and did not find, recorded by `kms-mock run --record`. The values are made up."


class Record:
    """The file, and what is missing in it. `others` are the fixtures that are loaded before it."""

    def __init__(self, path: Path, others: Iterable[Path], mock: KmsMock) -> None:
        """Record from now on what calls of a mock do not find; it has loaded the file, if there is one."""
        self._path = path
        self._others = tuple(others)
        self._before: dict[str, Any] = reader.read(path).tree if path.exists() else {}
        self._store = mock.store
        self._recording = Recording(mock.store)
        mock.calls.watch(self._recording.add)

    def write(self) -> bool:
        """Write the file if anything is new, and report it on stderr. Return whether that worked."""
        document = self._recording.document(self._before)
        problem = ""
        if self._recording.added:
            try:
                self._check(document)
                write_document(self._path, document, _HEADING)
            except FixtureError as error:
                problem = f"nothing was recorded: {error}"
            except OSError as error:
                problem = f"cannot write {self._path}: {error.strerror}"
        if problem:
            self._report(problem)
        elif self._recording.added:
            added = self._recording.added
            self._report(f"{self._path}: {counted(len(added), 'entry', 'entries')} added: {', '.join(added)}")
        if self._recording.elsewhere:
            names = ", ".join(self._recording.elsewhere)
            self._report(f"not recorded, since {self._path} does not have them, but they exist: {names}")
        return not problem

    def _check(self, document: dict[str, Any]) -> None:
        """Raise FixtureError unless the document loads after the other fixtures."""
        store = Store(self._store.sources, self._store.default_account, self._store.default_region)
        for other in self._others:
            fixtures.load(store, other)
        fixtures.load(store, document, source="what was missing")

    @staticmethod
    def _report(text: str) -> None:
        click.echo(f"kms-mock: {logs.printable(text, MAX_TEXT)}", err=True)
