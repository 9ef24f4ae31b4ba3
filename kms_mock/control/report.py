"""The report after a pytest run: which operations the tests used, and which documented errors they never got."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest

from kms_mock.control.calls import Call
from kms_mock.logs import printable
from kms_mock.rpc.api import Api, find_operation
from kms_mock.suggestions import did_you_mean

if TYPE_CHECKING:
    from kms_mock.mock import KmsMock

_KEY = "kms_mock_report"
_MAX_SHOWN = 60  # characters of a name that is no operation


class Reporter:
    """Collects the calls of every mock, in every xdist worker, and prints the summary at the end."""

    def __init__(self, config: pytest.Config, apis: Iterable[Api]) -> None:
        self.config = config
        self.apis = tuple(apis)
        self.calls: Counter[tuple[str, str]] = Counter()
        self.seen: set[str] = set()

    def watch(self, mock: KmsMock) -> None:
        """Count every call of a mock from now on, also those that its journal drops."""
        mock.calls.watch(self.take)

    def take(self, call: Call) -> None:
        """Add one call."""
        self.calls[call.action, call.code] += 1
        for change in call.effects:
            if change.resource.milestones is not None and change.after is not None:
                self.seen.update(change.resource.milestones(change.after))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:  # noqa: ARG002 (the hook of xdist)
        """Add what a worker sends at its end."""
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
        """Return the lines of the summary."""
        used = sorted({action for action, _ in self.calls if find_operation(self.apis, action)})
        count = sum(len(api.operations) for api in self.apis)
        lines = [f"{len(used)} of {count} operations, {self.calls.total()} calls"]
        for action in used:
            met = {code: count for (name, code), count in self.calls.items() if name == action}
            spelled = ", ".join(f"{code or 'ok'} {count}x" for code, count in sorted(met.items()))
            lines.append(f"  {action}: {spelled}")
            operation = find_operation(self.apis, action)
            never = sorted({row.code for row in operation.errors} - set(met)) if operation is not None else []
            if never:
                lines.append(f"    never met: {', '.join(never)}")
        names = [name for api in self.apis for name in api.operations]
        for action in sorted({action for action, _ in self.calls} - set(used) - {""}):
            asked = sum(times for (name, _), times in self.calls.items() if name == action)
            lines.append(f"  no operation: {printable(action, _MAX_SHOWN)} {asked}x{did_you_mean(action, names)}")
        if self.seen:
            lines.append(f"  exercised: {', '.join(sorted(self.seen))}")
        return lines
