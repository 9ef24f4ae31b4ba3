"""What a state file costs: scripts/bench state."""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from bench_tools import GET, ask, compare_rates, fixture, load, mock, puts, repeat, report, secrets

_ROUNDS = 31  # of half a second each: the cost of a read is a few in a hundred
_SECRETS = 100_000


def main() -> None:
    """Compare a server that has a state file with one that has none, and two that have none."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=os.environ.get("KMS_MOCK_BENCH_FOLDER"))))
        path = stack.enter_context(fixture(secrets(10)))
        kept = stack.enter_context(mock("--fixture", path, "--state", f"{folder}/few"))
        plain = stack.enter_context(mock("--fixture", path))
        for what, goal, payload in (("PutSecretValue", ">= 0.60", puts()), ("GetSecretValue", ">= 0.98", GET)):
            compare_rates(
                f"{what}, state file / none, req/s",
                goal,
                lambda p=payload: load(kept, p),  # type: ignore[misc]
                lambda p=payload: load(plain, p),  # type: ignore[misc]
                _ROUNDS,
            )
        first, second = (stack.enter_context(mock("--fixture", path)) for _ in range(2))
        compare_rates(
            "GetSecretValue, none / none, req/s",
            "1: noise",
            lambda: load(first, GET),
            lambda: load(second, GET),
            _ROUNDS,
        )
    with tempfile.TemporaryDirectory() as name, fixture(secrets(_SECRETS)) as path:
        options = ("--state", f"{name}/many")
        with mock("--fixture", path, *options):
            pass
        found = repeat(lambda: _first_answer(options), 5)
        size = Path(name, "many").stat().st_size / 2**20
        report("start with 100,000 secrets in the state file, s", found, "<= 2", f"{size:.0f} MiB")


def _first_answer(options: tuple[str, ...]) -> float:
    began = time.perf_counter()
    with mock(*options) as port:
        ask(port, GET)
        return time.perf_counter() - began
