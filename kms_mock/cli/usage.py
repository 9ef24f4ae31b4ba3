"""What `kms-mock run` tells at its end: which operations were used, which calls were refused, and why."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from kms_mock.cli.output import counted
from kms_mock.logs import printable

if TYPE_CHECKING:
    from kms_mock.control.calls import Call

T = TypeVar("T")

_MAX_TEXT = 300  # characters
_REASONS = 3  # of an operation and a code, in the report
_REFUSALS = 5  # without a report


class _Refusal(NamedTuple):
    """A refused call: the code of the answer, the resource that it named ("" for none), the reason for people."""

    code: str
    resource: str
    reason: str

    def __str__(self) -> str:
        subject = ", ".join(printable(text, _MAX_TEXT) for text in (self.code, self.resource) if text)
        return ": ".join(text for text in (subject, printable(self.reason, _MAX_TEXT)) if text)


class Usage:
    """Counts calls, and keeps the last different refusals."""

    def __init__(self) -> None:
        self._calls: Counter[tuple[str, str]] = Counter()
        self._other_refusals: Counter[str] = Counter()  # of what is no call of an operation
        self._reasons: dict[tuple[str, str], dict[_Refusal, None]] = {}
        self._last: dict[tuple[str, _Refusal], None] = {}

    def add(self, call: Call) -> None:
        """Count one call."""
        if call.action:
            self._calls[call.action, call.code] += 1
        else:
            self._other_refusals[call.reason or call.code] += 1
        if call.code or call.reason:
            refusal = _Refusal(call.code, call.resource, call.reason)
            _keep(self._last, (call.action, refusal), _REFUSALS)
            if call.action:
                _keep(self._reasons.setdefault((call.action, call.code), {}), refusal, _REASONS)

    def report(self) -> list[str]:
        """Return the lines of the report."""
        actions = sorted({action for action, _ in self._calls})
        lines = [f"kms-mock: {counted(len(actions), 'operation')}, {counted(self._calls.total(), 'call')}"]
        for action in actions:
            codes = {code: count for (name, code), count in sorted(self._calls.items()) if name == action}
            spelled = ", ".join(f"{code or 'ok'} {count}x" for code, count in codes.items())
            lines.append(f"  {printable(action, _MAX_TEXT)}: {spelled}")
            lines += [f"    {refusal}" for code in codes for refusal in self._reasons.get((action, code), ())]
        refusals = sorted(self._other_refusals.items())
        return lines + [f"  refused {count}x: {printable(reason, _MAX_TEXT)}" for reason, count in refusals]

    def refusals(self) -> list[str]:
        """Return the last refusals with a heading, for a program that failed; nothing where no call was refused."""
        if not self._last:
            return []
        count = sum(count for (_, code), count in self._calls.items() if code) + self._other_refusals.total()
        heading = f"kms-mock: {counted(count, 'call')} refused; more with --report or --log-level info"
        return [heading, *(f"  {printable(action, _MAX_TEXT) or '-'}: {refusal}" for action, refusal in self._last)]


def _keep(kept: dict[T, None], new: T, most: int) -> None:
    """Keep the last different ones, in the order in which they came last."""
    kept.pop(new, None)
    kept[new] = None
    if len(kept) > most:
        del kept[next(iter(kept))]
