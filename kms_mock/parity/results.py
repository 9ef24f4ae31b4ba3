"""What comparisons found: the document of one, and what those that come with the package settle.

A result of `kms-mock parity --against real -o FILE` is checked in as a file of the folder `results` beside this module.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

Certainty = Literal["documented", "seen", "inferred"]
Against = Literal["real", "mock"]

RESULTS = Path(__file__).parent / "results"


class Row(Struct, frozen=True):
    """One case: the sanitised answers of both services, or why one of them could not be asked."""

    id: str
    rule: str
    source: str
    certainty: Certainty
    inferred: str | None
    same: bool
    mock: list[dict[str, Any]]
    other: list[dict[str, Any]]
    problem: str = ""


class Comparison(Struct, frozen=True):
    """A whole run: when (date), which version of kms-mock, which region; no names, ids, accounts or values are in it."""

    date: str
    version: str
    region: str
    against: Against
    rows: list[Row]

    @property
    def differing(self) -> list[Row]:
        """The cases that the two services answer differently."""
        return [row for row in self.rows if not row.same and not row.problem]

    @property
    def settled(self) -> dict[str, str]:
        """The inferred sentences that the other service bears out, with the date: those whose cases are all the same."""
        rows = [row for row in self.rows if row.inferred]
        wrong = {row.inferred for row in rows if not row.same}
        return {row.inferred: self.date for row in rows if row.inferred and row.inferred not in wrong}


def settled_rules() -> dict[str, str]:
    """Return the inferred sentences that the real service bears out, with the date of the latest comparison.

    A later comparison in which a case differs counts more. A damaged file raises ValueError with its name.
    """
    found: dict[str, str] = {}
    for comparison in sorted(map(_read, RESULTS.glob("*.json")), key=lambda comparison: comparison.date):
        if comparison.against == "real":
            for row in comparison.differing:
                found.pop(row.inferred or "", None)
            found |= comparison.settled
    return found


def _read(file: Path) -> Comparison:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Comparison)
    except msgspec.DecodeError as error:
        raise ValueError(f"{file.name} is no result of kms-mock parity: {error}") from None
