"""What a table knows besides its indexes, made when it is first asked for and kept right from then on.

Few servers are asked for a record by its tags, or for a page far from both ends of a list: the others pay nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

_Ids = str | dict[str, None]  # one id, as nearly all tags with a value of their own have, or several


class TagIndex:
    """Which records carry a tag: their ids by key and value, in order of creation.

    The strings are those of the records, so that a tag takes tens of bytes.
    """

    def __init__(self, records: Mapping[str, Any]) -> None:
        self._records = records
        self._ids: dict[str, dict[str, _Ids]] = {}
        self._unordered: set[tuple[str, str]] = set()  # tags that a record got after younger ones had them
        for record_id, record in records.items():
            for key, value in record.tags.items():
                self._add(key, value, record_id)

    def replace(self, record_id: str, before: Any, after: Any) -> None:
        """Take the tags of a former record out of the index, and put those of the new one in; None is no record."""
        old: dict[str, str] = {} if before is None else before.tags
        new: dict[str, str] = {} if after is None else after.tags
        if old == new:
            return
        for key, value in old.items():
            if new.get(key) != value:
                self._remove(key, value, record_id)
        for key, value in new.items():
            if old.get(key) != value:
                self._add(key, value, record_id)
                if before is not None:
                    self._unordered.add((key, value))

    def find(self, wanted: Mapping[str, str | None]) -> Iterator[Any]:
        """Return the records that carry all of some tags, in order of creation; None stands for any value.

        Costs the records that carry the rarest of them, and for any value, or after tags were added to records of
        different age, some nanoseconds for each record.
        """
        records, rest = self._records, dict(wanted)
        ids: Mapping[str, Any] = records
        for key, value in wanted.items():
            found = self._of_key(key) if value is None else self._of_tag(key, value)
            if len(found) < len(ids):
                ids, rest = found, {other: wanted[other] for other in wanted if other != key}
        for record_id in ids:
            record = records[record_id]
            tags = record.tags
            if not rest or all(key in tags and (value is None or tags[key] == value) for key, value in rest.items()):
                yield record

    def _of_tag(self, key: str, value: str) -> Mapping[str, Any]:
        found = self._ids.get(key, {}).get(value, {})
        if isinstance(found, str):
            return {found: None}
        if (key, value) in self._unordered:
            self._unordered.discard((key, value))
            found = self._ids[key][value] = self._in_order(found)
        return found

    def _of_key(self, key: str) -> Mapping[str, Any]:
        groups = self._ids.get(key, {})
        if len(groups) * 4 > len(self._records):
            return self._records  # a page of those who carry it is soon found among all
        several = ((group,) if isinstance(group, str) else group for group in groups.values())
        return self._in_order(dict.fromkeys(chain.from_iterable(several)))

    def _in_order(self, ids: dict[str, None]) -> dict[str, None]:
        return dict.fromkeys(filter(ids.__contains__, self._records))

    def _add(self, key: str, value: str, record_id: str) -> None:
        groups = self._ids.setdefault(key, {})
        group = groups.setdefault(value, record_id)
        if isinstance(group, dict):
            group[record_id] = None
        elif group is not record_id:
            groups[value] = {group: None, record_id: None}

    def _remove(self, key: str, value: str, record_id: str) -> None:
        groups = self._ids[key]
        group = groups[value]
        if isinstance(group, dict) and len(group) > 1:
            del group[record_id]
            return
        del groups[value]
        self._unordered.discard((key, value))
        if not groups:
            del self._ids[key]
