"""A folder with fixture files, and one server for the tests that leave it as it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import ONE, TWO, WRONG, Server, serving


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with fixture files, two good and one wrong."""
    folder = tmp_path_factory.mktemp("cli")
    for name, text in (("one", ONE), ("two", TWO), ("wrong", WRONG)):
        (folder / f"{name}.yaml").write_text(text)
    return folder


@pytest.fixture(scope="module")
def shared(files: Path) -> Iterator[Server]:
    """One server for the tests that leave it as it was, at the most talkative log level."""
    with serving(
        files, "--port", "0", "--fixture", "one.yaml", "--fixture", "two.yaml", "--log-level", "debug"
    ) as server:
        yield server
