"""Which errors the suite provoked, by real requests: collected from the server's own log lines.

A full run prints the figure for all documented (operation, code) pairs, and fails when a declared one was neither
provoked nor, excused in `excused.py`, answered by an injected fault.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from tests import reference_data
from tests.excused import IMPOSSIBLE, excuse

Pair = tuple[str, str]

PROVOKED, INJECTED = "kms_mock_provoked", "kms_mock_injected"
# What narrows a run: then nothing can be said about the whole suite.
_NARROWING = ("keyword", "markexpr", "lf", "stepwise", "collectonly", "deselect", "ignore", "ignore_glob")


class Collector(logging.Handler):
    """Notes the pairs of all requests: those of injected faults apart, which prove nothing about the rules."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.pairs: dict[str, set[Pair]] = {PROVOKED: set(), INJECTED: set()}

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.args, tuple) and len(record.args) == 5:
            action, _, code, _, _ = record.args
            kind = INJECTED if getattr(record, "reason", "").startswith("Fault ") else PROVOKED
            self.pairs[kind].add((str(action), str(code)))


class Recorder:
    """A pytest plugin, in every xdist worker and in the controller, that merges what the workers saw."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.collector = Collector()
        self.whole = False
        logger = logging.getLogger("kms_mock")
        logger.setLevel(logging.INFO)
        logger.addHandler(self.collector)

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
        return [(folder / argument).resolve() for argument in self.config.args] == [Path(__file__).parent]

    def injectable(self, pair: Pair) -> bool:
        """Say whether a pair is excused, and a fault answered it."""
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
        impossible = (pairs - provoked - injected) & IMPOSSIBLE.keys()
        reachable = len(provoked | injected) / len(pairs)
        terminalreporter.line(
            f"{len(pairs)} documented (operation, code) pairs: {len(provoked)} provoked by a test, {len(injected)} "
            f"reachable only by fault injection, {len(impossible)} impossible ({reachable:.1%} can be had)"
        )
        for pair in sorted(injected):
            terminalreporter.line(f"by fault injection: {pair[0]} {pair[1]} ({excuse(*pair)})")
        for pair in sorted(impossible):
            terminalreporter.line(f"impossible: {pair[0]} {pair[1]} ({IMPOSSIBLE[pair]})")
        for pair in self.missing():
            terminalreporter.line(f"declared, neither provoked nor excused and injected: {pair[0]} {pair[1]}", red=True)


def declared() -> set[Pair]:
    """Every (operation, code) pair of the registry."""
    import kms_mock.gateway  # noqa: F401, PLC0415 (fills the registry)
    from kms_mock.operation import REGISTRY  # noqa: PLC0415

    return {(operation.name, row.code) for operation in REGISTRY.values() for row in operation.errors}


def documented() -> set[Pair]:
    """Every (operation, code) pair of the documents."""
    return {(name, code) for name, codes in reference_data.read("documented_codes.json").items() for code in codes}
