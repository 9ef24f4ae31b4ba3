"""The number of the file's format, and how files of older numbers become files of this one.

The number rises whenever a kind of record or a field of one is added, renamed, removed or means something else: an
older kms-mock would drop what it does not know. `tests/persistence/test_format.py` notices.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

# A step returns the kind and the plain values of a record in the next format, or None where the record goes.
Step = Callable[[str, dict[str, Any]], tuple[str, dict[str, Any]] | None]


class Format(Struct, frozen=True):
    """A format by its number, and the steps to it: from 1 to 2, from 2 to 3, and so on.

    What only got a default needs a number, and the step that changes nothing.
    """

    number: int
    steps: tuple[Step, ...] = ()

    def migrated(self, found: int, kind: str, tree: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
        """Return a record of the format `found` in this one, or None where it goes."""
        record: tuple[str, dict[str, Any]] | None = (kind, tree)
        for step in self.steps[found - 1 :]:
            if record is None:
                return None
            record = step(*record)
        return record


FORMAT = Format(1)
