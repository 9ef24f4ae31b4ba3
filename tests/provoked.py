"""Which declared errors the suite provoked, by real requests: collected from the server's own log lines.

A full run fails when a declared (operation, code) pair was neither provoked nor excused in `excused.py`.
"""

from __future__ import annotations

import logging
from typing import Any

import pytest

from tests.excused import excuse

KEY = "kms_mock_provoked"


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.pairs: set[tuple[str, str]] = set()

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.args, tuple) and len(record.args) == 5:
            action, _, code, _, _ = record.args
            self.pairs.add((str(action), str(code)))


class Recorder:
    """A pytest plugin, in every xdist worker and in the controller, that merges what the workers saw."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.collector = _Collector()
        self.judged = False
        logger = logging.getLogger("kms_mock")
        logger.setLevel(logging.INFO)
        logger.addHandler(self.collector)

    @property
    def is_worker(self) -> bool:
        return hasattr(self.config, "workerinput")

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:  # noqa: ARG002 (xdist's hook)
        self.collector.pairs.update(tuple(pair) for pair in node.workeroutput.get(KEY, ()))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if self.is_worker:
            self.config.workeroutput[KEY] = sorted(self.collector.pairs)  # type: ignore[attr-defined]
        elif exitstatus == 0 and self._whole_suite() and self.missing():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _whole_suite(self) -> bool:
        option = self.config.option
        return not (option.keyword or option.markexpr or self.config.getoption("lf")) and self.config.args in (
            ["tests"],
            self.config.getini("testpaths"),
        )

    def missing(self) -> list[tuple[str, str]]:
        """Declared pairs that nothing provoked and nobody excused."""
        return sorted(pair for pair in declared() if pair not in self.collector.pairs and excuse(*pair) is None)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.is_worker or not self._whole_suite():
            return
        pairs = declared()
        hit = pairs & self.collector.pairs
        excused = {pair for pair in pairs - hit if excuse(*pair) is not None}
        terminalreporter.section("declared errors")
        terminalreporter.line(
            f"{len(pairs)} declared (operation, code) pairs: {len(hit)} provoked, {len(excused)} excused"
        )
        for pair in self.missing():
            terminalreporter.line(f"not provoked: {pair[0]} {pair[1]}", red=True)


def declared() -> set[tuple[str, str]]:
    """Every (operation, code) pair of the registry."""
    import kms_mock.gateway  # noqa: F401, PLC0415 (fills the registry)
    from kms_mock.operation import REGISTRY  # noqa: PLC0415

    return {(operation.name, row.code) for operation in REGISTRY.values() for row in operation.errors}
