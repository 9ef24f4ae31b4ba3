"""The report after a pytest run: what of KMS the tests exercised, and which documented errors they never met."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from kms_mock.control.journal import Call
from kms_mock.model.key import Key
from kms_mock.model.secret import Secret
from kms_mock.operation import REGISTRY
from kms_mock.operations import load_all

if TYPE_CHECKING:
    from kms_mock.mock import KmsMock

_KEY = "kms_mock_report"


class Reporter:
    """Collects the calls of every mock, in every xdist worker, and prints the summary at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.calls: Counter[tuple[str, str]] = Counter()
        self.seen: set[str] = set()

    def watch(self, mock: KmsMock) -> None:
        """Note every call of a mock from now on, whatever its journal forgets."""
        mock.calls.watcher = self.take

    def take(self, call: Call) -> None:
        """Add one call."""
        self.calls[call.action, call.code] += 1
        for change in call.effects:
            if isinstance(change.after, Key):
                self.seen.add(f"key state {change.after.state}")
            if isinstance(change.after, Secret):
                self.seen.update(f"stage {stage}" for stage in change.after.stages)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:  # noqa: ARG002 (the hook of xdist)
        """Take what a worker sends at its end."""
        calls, seen = getattr(node, "workeroutput", {}).get(_KEY, ([], []))
        for action, code, count in calls:
            self.calls[action, code] += count
        self.seen.update(seen)

    def pytest_sessionfinish(self) -> None:
        """In a worker, send everything to the controller."""
        if hasattr(self.config, "workerinput"):
            calls = [(action, code, count) for (action, code), count in self.calls.items()]
            # xdist gives its workers this attribute, unknown to pytest itself
            output: dict[str, Any] = getattr(self.config, "workeroutput")  # noqa: B009
            output[_KEY] = (calls, sorted(self.seen))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the summary."""
        terminalreporter.section("kms-mock report")
        for line in self.lines():
            terminalreporter.line(line)

    def lines(self) -> list[str]:
        """Give the lines of the summary."""
        load_all()  # under xdist nothing in this process needed the operations before
        used = sorted({action for action, _ in self.calls if action in REGISTRY})
        lines = [f"{len(used)} of {len(REGISTRY)} operations, {self.calls.total()} calls"]
        for action in used:
            met = {code: count for (name, code), count in self.calls.items() if name == action}
            spelled = ", ".join(f"{code or 'ok'} {count}x" for code, count in sorted(met.items()))
            lines.append(f"  {action}: {spelled}")
            never = sorted({row.code for row in REGISTRY[action].errors} - set(met))
            if never:
                lines.append(f"    never met: {', '.join(never)}")
        if self.seen:
            lines.append(f"  exercised: {', '.join(sorted(self.seen))}")
        return lines
