"""Fixture files of one text: read, or refused with an error that quotes nothing of it."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import pytest

from kms_mock import fixtures
from kms_mock.fixtures import FixtureError, reader

PLANTED = "hunter2"


def refused_file(folder: Path, text: str | bytes, name: str = "a.yaml") -> FixtureError:
    """Write a file, and return the error that reading it as a fixture ends in."""
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(FixtureError) as caught:
        fixtures.read(file)
    error = caught.value
    assert error.source == str(file)
    assert PLANTED not in "".join(traceback.format_exception(error)), "the chain of causes is shown too"
    return error


def file_tree(folder: Path, text: str | bytes, name: str = "a.yaml") -> Any:
    """Write a file, and return the document that it is read as."""
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return reader.read(file).tree
