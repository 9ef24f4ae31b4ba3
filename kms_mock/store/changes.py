"""The log of changes: what was put into tables and taken out of them, and how a person reads about it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from kms_mock.store.resource import Resource
    from kms_mock.store.store import StoreState

Place = tuple[str, str]  # the id of an account and a region; "" where something belongs to no single one


class Change(Struct, frozen=True, gc=False):
    """One change of one record: before (None: it was created) and after (None: it was deleted)."""

    place: Place
    resource: Resource[Any]
    id: str
    before: Any
    after: Any

    def describe(self) -> list[str]:
        """Return what the change did, one line per effect."""
        label = self.resource.label(self.before if self.after is None else self.after)
        if self.before is None:
            return [f"created {label}"]
        if self.after is None:
            return [f"deleted {label}"]
        if self.resource.describes_changes:
            lines: list[str] = self.after.changes_from(self.before)
            return lines
        return changed_fields(label, self.before, self.after)


def describe(changes: Iterable[Change]) -> list[str]:
    """Return what the changes did, one line per effect."""
    return [line for change in changes for line in change.describe()]


def changed_fields(label: str, before: Any, after: Any, told: Collection[str] = ()) -> list[str]:
    """Return a line that names the fields in which two records differ, except those in `told`; none if there are none."""
    changed = [
        field.replace("_", " ")
        for field in after.__struct_fields__
        if field not in told and getattr(before, field) != getattr(after, field)
    ]
    return [f"changed {', '.join(changed)} of {label}"] if changed else []


def difference(before: StoreState, after: StoreState) -> list[Change]:
    """Return the changes that lead from one state of a store to another."""
    changes: list[Change] = []
    for place in dict.fromkeys([*before.partitions, *after.partitions]):
        old, new = before.tables(place), after.tables(place)
        for resource in [resource for resource in dict.fromkeys([*old, *new]) if resource.logged]:
            was = old[resource].records if resource in old else {}
            now = new[resource].records if resource in new else {}
            changes += [
                Change(place, resource, record_id, was.get(record_id), record)
                for record_id, record in now.items()
                if was.get(record_id) is not record and was.get(record_id) != record
            ]
            changes += [
                Change(place, resource, record_id, record, None)
                for record_id, record in was.items()
                if record_id not in now
            ]
    return changes
