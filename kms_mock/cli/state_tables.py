"""What is in a store, as tables: one for each kind of resource in each region of each account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kms_mock.cli.output import styled, table

if TYPE_CHECKING:
    from rich.console import RenderableType

Document = dict[str, Any]

_NAMES = ("name", "id", "instance")  # what identifies a document, the first that it has
_KINDS = ("type", "spec", "kind", "charge_type")
_STATES = ("status", "state", "planned_delete", "deletion_date")
# The details: lists by their names, lists by their number, and texts.
_LISTED = ("aliases", "stages", "users", "resources", "policies")
_COUNTED = ("versions", "client_keys", "keys", "certificates")
_TEXTS = ("encryption_key", "rotation_interval", "next_rotation", "instance", "role", "expires", "description")
_MAX_LISTED = 3


def state_tables(document: Document) -> Iterator[RenderableType]:
    """Yield a table for each list of resources in a document of a whole store."""
    empty = True
    for account in document.get("accounts", []):
        for section, entries in _sections(account):
            empty = False
            yield _heading(section, entries, f"account {account['id']}")
            yield _table(entries)
        for region in account.get("regions", []):
            for section, entries in _sections(region):
                empty = False
                yield _heading(section, entries, f"{region['id']}, account {account['id']}")
                yield _table(entries)
    if empty:
        yield "nothing is there"


def _sections(owner: Document) -> Iterator[tuple[str, list[Document]]]:
    return ((name, value) for name, value in owner.items() if isinstance(value, list) and value and name != "regions")


def _heading(section: str, entries: list[Document], where: str) -> RenderableType:
    return styled(f"{section.replace('_', ' ').upper()}: {len(entries)} in {where}", "bold cyan")


def _table(entries: list[Document]) -> RenderableType:
    rows = [
        (_first(entry, _NAMES), _first(entry, _KINDS), _first(entry, _STATES), _details(entry)) for entry in entries
    ]
    headings = ("name", "kind", "state", "details")
    kept = [number for number in range(len(headings)) if any(row[number] for row in rows)]
    shown_rows = [[row[number] for number in kept] for row in rows]
    return table([headings[number] for number in kept], shown_rows, wrapped=("details",))


def _first(entry: Document, names: tuple[str, ...]) -> str:
    return next((f"{entry[name]}" for name in names if entry.get(name)), "")


def _details(entry: Document) -> str:
    found = []
    for name in _LISTED:
        if isinstance(listed := entry.get(name), list) and listed:
            texts = [text if isinstance(text, str) else "a document" for text in listed]
            more = f" and {len(texts) - _MAX_LISTED} more" if len(texts) > _MAX_LISTED else ""
            found.append(f"{name}: {', '.join(texts[:_MAX_LISTED])}{more}")
    counts = ((name, len(entry[name])) for name in _COUNTED if isinstance(entry.get(name), list))
    found += [f"{count} {name.replace('_', ' ')}" for name, count in counts if count > 1]
    named = entry.get("name") or entry.get("id")
    found += [f"{name.replace('_', ' ')}: {entry[name]}" for name in _TEXTS if entry.get(name) not in (None, "", named)]
    return ", ".join(found)
