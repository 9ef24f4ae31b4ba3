"""Start and end: a server process up to its first answer, and a mock in the process of a test."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from bench_tools import GET, bare, compare_times, connect, fixture, mock, repeat, report, secrets


def first_answer(make: Callable[[], AbstractContextManager[int]]) -> float:
    """Return how many seconds a server process takes from its start to its first answer."""
    began = time.perf_counter()
    with make() as port, connect(port) as connection:
        connection.sendall(GET)
        connection.recv(65536)
        return time.perf_counter() - began


def _milliseconds(make: Callable[[], AbstractContextManager[object]]) -> float:
    began = time.perf_counter()
    with make():
        pass
    return (time.perf_counter() - began) * 1000


def main() -> None:
    """Measure, and print a row for each."""
    from kms_mock import KmsMock, mock_kms  # noqa: PLC0415 (most sections run servers in processes of their own)

    with fixture(secrets(10)) as path:
        compare_times(
            "process start to first answer, time",
            "<= 1.22",
            lambda: first_answer(lambda: mock("--fixture", path)),
            lambda: first_answer(bare),
        )
    for what, goal, make in (
        ("start + stop of a mock without TLS, ms", "<= 0.6", KmsMock),
        ("the same, intercepted, ms", "<= 3", mock_kms),
    ):
        report(what, repeat(lambda m=make: _milliseconds(m), 100), goal, "")  # type: ignore[misc]
