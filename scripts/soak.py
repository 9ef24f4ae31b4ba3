"""A soak of one mock: threads of SDK and raw calls with resets, checkpoints, clock moves, namespaces and faults."""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.fuzz.soak import Soak


@click.command()
@click.option("--minutes", default=10.0, show_default=True, help="How long it takes.")
@click.option("--threads", default=10, show_default=True, help="Four of them use tools, the others are clients.")
@click.option("--seed", type=int, help="What decides the calls of each thread; by default the time.")
def main(minutes: float, threads: int, seed: int | None) -> None:
    """Run a soak. The exit code is 1 if something was wrong, or if memory grew by more than 20 MB after a minute."""
    seed = int(time.monotonic() * 1000) if seed is None else seed
    logging.getLogger("kms_mock").propagate = False
    report = Soak(seed, threads).run(minutes * 60)
    print(f"seed {seed}: {report.text()}")
    sys.exit(0 if report.good else 1)


if __name__ == "__main__":
    main()
