"""Rounds of `tests/persistence/crash.py`: start, write from four threads, kill, compare."""

from __future__ import annotations

import logging
import sys
import tempfile
import time
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.persistence.crash import Crash

_TOLD = 25  # rounds


@click.command()
@click.option("--rounds", default=500, show_default=True, help="How many times the server is killed.")
@click.option("--seed", type=int, help="What decides the calls of each thread; by default the time.")
def main(rounds: int, seed: int | None) -> None:
    """Kill a server with a state file again and again. Ends with an error as soon as something that was answered is lost."""
    seed = int(time.monotonic() * 1000) if seed is None else seed
    logging.getLogger("kms_mock").propagate = False
    with tempfile.TemporaryDirectory() as folder:
        crash = Crash(Path(folder), seed)
        for number in range(1, rounds + 1):
            crash.round()
            if number % _TOLD == 0:
                print(f"seed {seed}: {crash.text()}", flush=True)
        print(f"seed {seed}: nothing was lost in {crash.text()}, {crash.path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
