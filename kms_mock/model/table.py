"""Tables that remember what was put into them and taken out, so that a request's effects can be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

R = TypeVar("R")


class Change(NamedTuple):
    """One change of one table: the record before (None: it was made) and after (None: it is gone)."""

    table: str
    id: str
    before: Any
    after: Any


class Table(dict[str, R]):
    """Records by id, in order of creation; each change is appended to `log`."""

    __slots__ = ("log", "name")

    def __init__(self, name: str, log: list[Change], records: Mapping[str, R] | None = None) -> None:
        super().__init__(records or {})
        self.name = name
        self.log = log

    def __setitem__(self, key: str, record: R) -> None:
        self.log.append(Change(self.name, key, self.get(key), record))
        super().__setitem__(key, record)

    def __delitem__(self, key: str) -> None:
        self.log.append(Change(self.name, key, self[key], None))
        super().__delitem__(key)

    def pop(self, key: str, *default: Any) -> Any:
        """Take a record out."""
        if key not in self and default:
            return default[0]
        record = self[key]
        del self[key]
        return record
