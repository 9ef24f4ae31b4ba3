"""The rows of scripts/bench: how they are printed, kept in a file, and compared with those of an earlier run."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from pathlib import Path


class Ratio(float):
    """The median of several ratios, with the smallest and the largest of them."""

    low: float
    high: float

    @classmethod
    def of(cls, ratios: Sequence[float]) -> Ratio:
        """Return the ratio of a row that was measured several times."""
        found = cls(statistics.median(ratios))
        found.low, found.high = min(ratios), max(ratios)
        return found


class Rows:
    """Prints the rows of a run, beside those of an earlier one where there is one."""

    def __init__(self) -> None:
        self._ratios: dict[str, float] = {}
        self._former: dict[str, float] = {}

    def compare_with(self, path: Path) -> None:
        """Print each row's change against the run that a file holds."""
        self._former = json.loads(path.read_text("utf-8"))

    def report(self, what: str, ratio: float, goal: str, detail: str) -> None:
        """Print one row."""
        self._ratios[what] = float(ratio)
        spread = f"{ratio.low:.2f} to {ratio.high:.2f}" if isinstance(ratio, Ratio) else ""
        former = self._former.get(what)
        change = "" if not former else f"   {ratio / former:.2f} of {former:.2f}"
        print(f"{what:<58} {ratio:6.2f}   {spread:<14} goal {goal:<22} {detail}{change}", flush=True)

    def save(self, path: Path) -> None:
        """Keep the rows of this run."""
        path.write_text(json.dumps(self._ratios, indent=2) + "\n", "utf-8")
