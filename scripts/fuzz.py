"""Campaigns of the structured fuzz in tests/fuzz: a report, and for each finding a program that shows it."""

from __future__ import annotations

import logging
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.fuzz.campaign import Campaign


@click.command()
@click.option("--minutes", default=20.0, show_default=True, help="How long each campaign runs.")
@click.option("--steps", type=int, help="How many steps each campaign has, instead of minutes.")
@click.option("--seed", type=int, help="What decides the steps; by default the time.")
@click.option("--state-file", is_flag=True, help="Keep the state in a file, which is opened anew from time to time.")
@click.option("--workers", default=1, show_default=True, help="Campaigns at once; their seeds follow each other.")
def main(minutes: float, steps: int | None, seed: int | None, workers: int, *, state_file: bool) -> None:
    """Run campaigns. The exit code is 1 if there is a finding."""
    seed = int(time.monotonic() * 1000) if seed is None else seed
    if workers > 1:
        sys.exit(_several(minutes, steps, seed, workers, state_file=state_file))
    logging.getLogger("kms_mock").propagate = False
    with tempfile.TemporaryDirectory() as folder:
        campaign = Campaign(seed, state_file=Path(folder) / "state.db" if state_file else None)
        try:
            report = campaign.run(
                lambda done, seconds: done <= steps if steps is not None else seconds < minutes * 60,
                _show,
            )
        finally:
            campaign.close()
    _show(report.text())
    sys.exit(1 if report.findings or report.grown else 0)


def _show(text: str) -> None:
    """Print a text, which may have halves of surrogate pairs in it."""
    print(text.encode("utf-8", "backslashreplace").decode(), flush=True)


def _several(minutes: float, steps: int | None, seed: int, workers: int, *, state_file: bool) -> int:
    options = ["--minutes", str(minutes)] if steps is None else ["--steps", str(steps)]
    options += ["--state-file"] if state_file else []
    commands = [[sys.executable, __file__, *options, "--seed", str(seed + number)] for number in range(workers)]
    processes = [subprocess.Popen(command) for command in commands]
    return max(process.wait() for process in processes)


if __name__ == "__main__":
    main()
