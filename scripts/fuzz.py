"""Campaigns of the structured fuzz in tests/fuzz: a report, and for each finding a program that shows it."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.fuzz.campaign import Campaign


@click.command()
@click.option("--minutes", default=20.0, show_default=True, help="How long each campaign runs.")
@click.option("--steps", type=int, help="How many steps each campaign has, instead of minutes.")
@click.option("--seed", type=int, help="What decides the steps; by default the time.")
@click.option("--workers", default=1, show_default=True, help="Campaigns at once; their seeds follow each other.")
def main(minutes: float, steps: int | None, seed: int | None, workers: int) -> None:
    """Run campaigns. The exit code is 1 if there is a finding."""
    seed = int(time.monotonic() * 1000) if seed is None else seed
    if workers > 1:
        sys.exit(_several(minutes, steps, seed, workers))
    logging.getLogger("kms_mock").propagate = False
    campaign = Campaign(seed)
    try:
        report = campaign.run(
            lambda done, seconds: done <= steps if steps is not None else seconds < minutes * 60,
            lambda line: print(line, flush=True),
        )
    finally:
        campaign.close()
    print(report.text())
    sys.exit(1 if report.findings or report.grown else 0)


def _several(minutes: float, steps: int | None, seed: int, workers: int) -> int:
    length = ["--minutes", str(minutes)] if steps is None else ["--steps", str(steps)]
    commands = [[sys.executable, __file__, *length, "--seed", str(seed + number)] for number in range(workers)]
    processes = [subprocess.Popen(command) for command in commands]
    return max(process.wait() for process in processes)


if __name__ == "__main__":
    main()
