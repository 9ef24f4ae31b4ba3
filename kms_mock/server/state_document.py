"""The store as a fixture document, made in steps between which the server answers others."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any, TypeVar

import msgspec

from kms_mock.control.calls import MASK
from kms_mock.fixtures.base import Document
from kms_mock.fixtures.documents import Writer
from kms_mock.fixtures.files import snapshot_in_steps
from kms_mock.fixtures.places import SECRET_FIELDS
from kms_mock.store.store import Store

T = TypeVar("T")


class _MaskingWriter(Writer):
    """Masks every secret, and notes whether there was one."""

    def __init__(self) -> None:
        self.has_masked = False

    def tree(self, document: Document) -> dict[str, Any]:
        found = super().tree(document)
        self.has_masked |= _mask(found)
        return found


class _JsonWriter(Writer):
    """Writes the records, as another writer has them, as JSON."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._encode = msgspec.json.Encoder().encode

    def tree(self, document: Document) -> dict[str, Any]:
        return self._writer.tree(document)

    def record(self, document: Document) -> Any:
        return msgspec.Raw(self._encode(self._writer.record(document)))


async def state_document(store: Store, *, reveal_secrets: bool, as_json: bool = False) -> dict[str, Any]:
    """Return what is in the store now as a fixture document; masked ones are marked, so that nobody loads them.

    With `as_json` its records are JSON already, to be written into the rest.
    """
    masking = _MaskingWriter()
    writer = Writer() if reveal_secrets else masking
    document = await _in_steps(snapshot_in_steps(store.copy(), _JsonWriter(writer) if as_json else writer))
    return {"masked": True, **document} if masking.has_masked else document


async def _in_steps(steps: Generator[None, None, T]) -> T:
    try:
        while True:
            next(steps)
            await asyncio.sleep(0)
    except StopIteration as done:
        result: T = done.value
        return result
    finally:
        steps.close()


def _mask(tree: dict[str, Any]) -> bool:
    """Mask the secrets in a tree, in place. Return whether there were any."""
    found = False
    for name, value in tree.items():
        kind = type(value)
        if kind is str:
            if name in SECRET_FIELDS:
                tree[name] = MASK
                found = True
        elif kind is dict:
            if name != "tags":  # the names in it are their owner's
                found |= _mask(value)
        elif kind is list:
            found |= _mask_items(value)
    return found


def _mask_items(items: list[Any]) -> bool:
    found = False
    for item in items:
        kind = type(item)
        if kind is dict:
            found |= _mask(item)
        elif kind is list:
            found |= _mask_items(item)
    return found
