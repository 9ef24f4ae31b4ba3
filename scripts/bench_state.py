"""What a state file costs: scripts/bench state."""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import SimpleNamespace

_ROUNDS = 31  # of half a second each: the cost of a read is a few in a hundred
_SECRETS = 100_000


def main(tools: SimpleNamespace) -> None:
    """Compare a server that has a state file with one that has none; `tools` are the functions of bench.py."""
    get = tools.request("GetSecretValue", SecretName="app/secret-5")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=os.environ.get("KMS_MOCK_BENCH_FOLDER"))))
        path = stack.enter_context(tools.fixture(tools.secrets(10)))
        kept = stack.enter_context(tools.mock("--fixture", path, "--state", f"{folder}/few"))
        plain = stack.enter_context(tools.mock("--fixture", path))
        puts = _puts(tools.request)
        for what, goal, payload in (("PutSecretValue", ">= 0.60", puts), ("GetSecretValue", ">= 0.98", get)):
            ratio, ours, theirs = tools.compare(
                lambda p=payload: tools.load(kept, p), lambda p=payload: tools.load(plain, p), _ROUNDS
            )
            tools.report(f"{what}, state file / none, req/s", ratio, goal, f"{ours:.0f} / {theirs:.0f} per second")
        ratio, ours, theirs = _compare_twins(tools, path, get)
        tools.report("GetSecretValue, none / none, req/s", ratio, "1: noise", f"{ours:.0f} / {theirs:.0f} per second")
    with tempfile.TemporaryDirectory() as name, tools.fixture(tools.secrets(_SECRETS)) as path:
        options = ("--state", f"{name}/many")
        with tools.mock("--fixture", path, *options):
            pass
        seconds = min(_first_answer(tools, options, get) for _ in range(5))
        size = Path(name, "many").stat().st_size / 2**20
        tools.report("start with 100,000 secrets in the file, s", seconds, "<= 2", f"best of 5; {size:.0f} MiB")


def _puts(request: Callable[..., bytes]) -> Iterator[bytes]:
    """Yield one PutSecretValue after the other, each of a new version."""
    for number in itertools.count():
        yield request("PutSecretValue", SecretName="app/secret-5", VersionId=f"n{number}", SecretData=f"value {number}")


def _compare_twins(tools: SimpleNamespace, path: str, payload: bytes) -> tuple[float, float, float]:
    with tools.mock("--fixture", path) as first, tools.mock("--fixture", path) as second:
        found: tuple[float, float, float] = tools.compare(
            lambda: tools.load(first, payload), lambda: tools.load(second, payload), _ROUNDS
        )
        return found


def _first_answer(tools: SimpleNamespace, options: tuple[str, ...], payload: bytes) -> float:
    began = time.perf_counter()
    server: AbstractContextManager[int] = tools.mock(*options)
    with server as port:
        tools.ask(port, payload)
        return time.perf_counter() - began
