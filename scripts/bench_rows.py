"""The rows of scripts/bench: how they are printed, kept in a file, and compared with those of an earlier run."""

from __future__ import annotations

import json
import operator
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_COMPARISONS = {">=": operator.ge, "<=": operator.le}


class Ratio(float):
    """The median of several measurements, with the smallest and the largest of them."""

    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Ratio:
        """Return what was measured several times as one."""
        found = cls(statistics.median(values))
        found.low, found.high = min(values), max(values)
        return found


class Row(NamedTuple):
    """A measured row. Its goal is `>= NUMBER` or `<= NUMBER`, or says why there is none."""

    what: str
    value: float
    goal: str
    detail: str

    @property
    def spread(self) -> str:
        """The smallest and the largest measurement, if there was more than one."""
        return f"{self.value.low:.2f} to {self.value.high:.2f}" if isinstance(self.value, Ratio) else ""

    @property
    def misses(self) -> bool:
        """Whether there is a goal and the row does not reach it."""
        sign, _, rest = self.goal.partition(" ")
        compare = _COMPARISONS.get(sign)
        return compare is not None and not compare(self.value, float(rest.split()[0]))


class Rows:
    """Prints the rows of a run, beside those of an earlier one where there is one."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._former: dict[str, float] = {}

    def compare_with(self, path: Path) -> None:
        """Print each row's change against the run that a file holds."""
        self._former = json.loads(path.read_text("utf-8"))

    def report(self, what: str, value: float, goal: str, detail: str) -> None:
        """Print one row."""
        row = Row(what, value, goal, detail)
        self._rows.append(row)
        former = self._former.get(what)
        change = f"   {value / former:.2f} of {former:.2f}" if former else ""
        mark = "   <-- misses its goal" if row.misses else ""
        print(f"{what:<62} {value:8.2f}   {row.spread:<18} goal {goal:<12} {detail}{change}{mark}", flush=True)

    def finish(self) -> None:
        """Print how many rows miss their goal."""
        missed = sum(row.misses for row in self._rows)
        if missed:
            print(f"\n{missed} of {len(self._rows)} rows miss their goal")

    def save(self, path: Path) -> None:
        """Keep the rows of this run."""
        path.write_text(json.dumps({row.what: float(row.value) for row in self._rows}, indent=2) + "\n", "utf-8")

    def write_markdown(self, path: Path) -> None:
        """Write the rows of this run as a table for docs/performance.md."""
        lines = ["| what | measured | smallest to largest | goal |", "| --- | --- | --- | --- |"]
        lines += [f"| {row.what} | {row.value:.2f} | {row.spread} | {row.goal} |" for row in self._rows]
        path.write_text("\n".join(lines) + "\n", "utf-8")
