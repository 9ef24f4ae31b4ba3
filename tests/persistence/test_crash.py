"""A server that is killed loses nothing that it answered. `scripts/crash-test` does many more rounds."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kms_mock import KmsMock
from tests.persistence.crash import Crash, LostError, Writer
from tests.support.profile import rounds
from tests.support.state_files import contents, opened

ROUNDS = rounds(quick=20, deep=500)
KILLED_STARTS = rounds(quick=3, deep=20)


def test_what_was_answered_survives_kills(tmp_path: Path) -> None:
    """Rounds of four writing threads and a kill: each change is there as a whole or not at all."""
    crash = Crash(tmp_path, seed=14)
    for _ in range(ROUNDS):
        crash.round()
    counts = crash.text()
    assert all(name in counts for name in ("put", "create_secret", "create_key", "encrypt", "tag", "alias", "disable"))


def test_a_kill_while_the_file_is_made(tmp_path: Path) -> None:
    """There is no file, or a whole one: the next start has everything."""
    fixture = tmp_path / "many.json"
    fixture.write_text(json.dumps({"secrets": [{"name": f"s{number}", "value": "x"} for number in range(3000)]}))
    chance = random.Random(3)  # noqa: S311 (repeatable on purpose)
    for number in range(KILLED_STARTS):
        path = tmp_path / f"{number}.db"
        command = [sys.executable, "-m", "kms_mock", "serve", "--port", "0", "--fixture", str(fixture)]
        process = subprocess.Popen([*command, "--state", str(path)], stdout=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.2, 1.2))
        process.kill()
        process.wait()
        with opened(path, json.loads(fixture.read_text())) as kms:
            assert sum(len(records) for (_, kind), records in contents(kms.store).items() if kind == "Secret") == 3000


def test_the_comparison_notices() -> None:
    """A lost change, half of one, one that nobody made, and an older state than the answered one are each an error."""
    first, second = ("key", "t0-1"), ("key", "t0-2")

    def writer(pending: dict[tuple[str, str], object]) -> Writer:
        made = Writer("t0", "seed")
        made.answered = {first: 1, second: 1}
        made.pending = pending
        return made

    writer({}).settle({first: 1, second: 1, ("key", "t1-1"): 5})
    for seen in ({first: 1, second: 1}, {first: 2, second: 2}):
        writer({first: 2, second: 2}).settle(dict(seen))
    writer({first: None}).settle({second: 1})
    for pending, seen in (
        ({}, {first: 1}),
        ({}, {first: 0, second: 1}),
        ({}, {first: 1, second: 1, ("key", "t0-3"): 1}),
        ({first: 2, second: 2}, {first: 2, second: 1}),
    ):
        with pytest.raises(LostError):
            writer(dict(pending)).settle(dict(seen))


def test_a_server_that_loses_is_found_out(tmp_path: Path) -> None:
    """The harness fails when the file is that of a while ago."""
    crash = Crash(tmp_path, seed=5)
    crash.round()
    with opened(crash.path):
        pass
    former = crash.path.read_bytes()
    puts = crash.writers[0].counts["put"]
    while crash.writers[0].counts["put"] == puts:
        crash.round()
    KmsMock(state=crash.path).stop()
    crash.path.write_bytes(former)
    with pytest.raises(LostError):
        crash.check()
