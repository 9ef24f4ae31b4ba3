"""Which errors the suite provoked by real requests, collected from the gateways' own record hook.

A full run prints the figure for all documented (operation, code) pairs, and fails when a declared one was neither
provoked nor, excused in `tests.support.excused`, answered by an injected fault.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from kms_mock.control.controls import Controls
from kms_mock.rpc.api import Operation
from kms_mock.rpc.context import Check
from kms_mock.rpc.decode import ApiRequest
from kms_mock.rpc.encode import HttpResponse
from kms_mock.store.changes import Change
from tests.support import other_products, reference
from tests.support.excused import excuse
from tests.support.registry import REGISTRY

Pair = tuple[str, str]

PROVOKED, INJECTED = "kms_mock_provoked", "kms_mock_injected"
# What narrows a run: then nothing can be said about the whole suite.
_NARROWING = ("keyword", "markexpr", "lf", "stepwise", "collectonly", "deselect", "ignore", "ignore_glob")


class Collector:
    """The (operation, code) pairs of refused requests; those that a fault struck apart: they prove nothing about rules."""

    def __init__(self) -> None:
        self.pairs: dict[str, set[Pair]] = {PROVOKED: set(), INJECTED: set()}

    def add(self, operation: str, code: str, *, injected: bool) -> None:
        self.pairs[INJECTED if injected else PROVOKED].add((operation, code))


_listening: list[Collector] = []


@contextlib.contextmanager
def collecting() -> Iterator[Collector]:
    """Return a collector of every refusal until the block ends."""
    collector = Collector()
    _listening.append(collector)
    try:
        yield collector
    finally:
        _listening.remove(collector)


def record(  # noqa: PLR0917 (the signature of the gateway's hook)
    request: ApiRequest | None,  # noqa: ARG001
    operation: Operation | None,
    response: HttpResponse,
    milliseconds: float,  # noqa: ARG001
    fault: str,
    effects: tuple[Change, ...],  # noqa: ARG001
    checks: Sequence[Check],  # noqa: ARG001
) -> None:
    """Tell all collectors of one answered request: a record hook (`kms_mock.rpc.gateway.Record`)."""
    if operation is not None and response.code:
        for collector in _listening:
            collector.add(operation.name, response.code, injected=fault != "")


def record_every_mock() -> None:
    """Let the record hook of every mock made in this process call `record` first."""
    own = Controls.record

    @functools.wraps(own)
    def both(controls: Controls, *call: Any) -> None:
        record(*call)
        own(controls, *call)

    setattr(Controls, "record", both)  # noqa: B010 (an assignment is what type checkers refuse)


class Recorder:
    """A pytest plugin, in every xdist worker and in the controller, that merges what the workers saw."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.collector = Collector()
        _listening.append(self.collector)
        record_every_mock()
        self.whole = False

    @property
    def is_worker(self) -> bool:
        return hasattr(self.config, "workerinput")

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:  # noqa: ARG002 (xdist's hook)
        for kind, pairs in self.collector.pairs.items():  # a worker that crashed left nothing
            pairs.update((action, code) for action, code in getattr(node, "workeroutput", {}).get(kind, ()))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if self.is_worker:
            for kind, pairs in self.collector.pairs.items():
                self.config.workeroutput[kind] = sorted(pairs)  # type: ignore[attr-defined]
            return
        finished = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        self.whole = finished and not session.shouldfail and not session.shouldstop and self._whole_suite()
        if exitstatus == pytest.ExitCode.OK and self.whole and self.missing():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _whole_suite(self) -> bool:
        # An option of a plugin that is switched off (`-p no:cacheprovider`) is not there at all.
        if any(self.config.getoption(name, None) for name in _NARROWING):
            return False
        folder = self.config.invocation_params.dir
        return [(folder / argument).resolve() for argument in self.config.args] == [Path(__file__).parents[1]]

    def injectable(self, pair: Pair) -> bool:
        """Return whether a pair is excused, and a fault answered it."""
        return excuse(*pair) is not None and pair in self.collector.pairs[INJECTED]

    def missing(self) -> list[Pair]:
        """Declared pairs that nothing provoked, and no fault answered in an excused test's stead."""
        provoked = self.collector.pairs[PROVOKED]
        return sorted(pair for pair in declared() if pair not in provoked and not self.injectable(pair))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.is_worker or not self.whole:
            return
        terminalreporter.section("documented errors")
        pairs = documented()
        provoked = pairs & self.collector.pairs[PROVOKED]
        injected = {pair for pair in pairs - provoked if self.injectable(pair)}
        reachable = len(provoked | injected) / len(pairs)
        terminalreporter.line(
            f"{len(pairs)} documented (operation, code) pairs: {len(provoked)} provoked by a test, {len(injected)} "
            f"reachable only by fault injection ({reachable:.1%} can be had)"
        )
        for pair in sorted(injected):
            terminalreporter.line(f"by fault injection: {pair[0]} {pair[1]} ({excuse(*pair)})")
        for pair in self.missing():
            terminalreporter.line(f"declared, neither provoked nor excused and injected: {pair[0]} {pair[1]}", red=True)


def declared() -> set[Pair]:
    """Every (operation, code) pair of the registry."""
    return {(operation.name, row.code) for operation in REGISTRY.values() for row in operation.errors}


def documented() -> set[Pair]:
    """Every (operation, code) pair of the documents, of all products."""
    others = other_products.other_facts()["errors"]
    codes = reference.read("documented_codes.json") | {name: [row[1] for row in rows] for name, rows in others.items()}
    return {(name, code) for name, of_operation in codes.items() for code in of_operation}
