"""The store as a fixture document, made in steps between which the server answers others."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from functools import cache
from typing import Any, TypeVar, cast

import msgspec
from msgspec import inspect

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


class _JsonWriter(_MaskingWriter):
    """Writes records as JSON; masked, unless secrets may be revealed."""

    def __init__(self, *, reveal_secrets: bool) -> None:
        super().__init__()
        self._reveal_secrets = reveal_secrets
        self._encode = msgspec.json.Encoder().encode

    def tree(self, document: Document) -> dict[str, Any]:
        return Writer.tree(self, document) if self._reveal_secrets else super().tree(document)

    def record(self, document: Document) -> msgspec.Raw:
        if not self._reveal_secrets:
            found = _mask_document(document)
            if found is None:
                return msgspec.Raw(self._encode(self.tree(document)))
            self.has_masked |= found
        return msgspec.Raw(self._encode(document))


async def state_document(store: Store, *, reveal_secrets: bool, as_json: bool = False) -> dict[str, Any]:
    """Return what is in the store now as a fixture document; masked ones are marked, so that nobody loads them.

    With `as_json` its records are JSON already, to be written into the rest.
    """
    if as_json:
        writer: Writer = _JsonWriter(reveal_secrets=reveal_secrets)
    else:
        writer = Writer() if reveal_secrets else _MaskingWriter()
    document = await _in_steps(snapshot_in_steps(store, writer))
    has_masked = isinstance(writer, _MaskingWriter) and writer.has_masked
    return {"masked": True, **document} if has_masked else document


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


def _mask_document(document: Document) -> bool | None:
    """Mask the secrets in a document, in place: a third of the time that its plain values take.

    Return whether there were any; None where something in it is no document, so that `_mask` has to look.
    """
    found = False
    for name in _fields_to_look_at(type(document)):
        value = getattr(document, name)
        if value is None:
            continue
        if type(value) is str:
            if name in SECRET_FIELDS:
                setattr(document, name, MASK)
                found = True
            continue
        for item in value if type(value) is list else (value,):
            masked = _mask_document(item) if isinstance(item, Document) else None
            if masked is None:
                return None
            found |= masked
    return found


@cache
def _fields_to_look_at(kind: type[Document]) -> tuple[str, ...]:
    """Return the fields of a document that may hold a secret, or something in which there may be one."""
    described = cast("inspect.StructType", inspect.type_info(kind))
    return tuple(
        field.name
        for field in described.fields
        if field.name in SECRET_FIELDS or (field.name != "tags" and not _is_plain(field.type))
    )


def _is_plain(kind: inspect.Type) -> bool:
    """Return whether a value of a type is no document, no mapping and nothing of unknown type, and has none within."""
    if isinstance(kind, inspect.Metadata):
        return _is_plain(kind.type)
    if isinstance(kind, inspect.UnionType):
        return all(map(_is_plain, kind.types))
    return isinstance(kind, _PLAIN) or (isinstance(kind, inspect.ListType) and _is_plain(kind.item_type))


_PLAIN = (
    inspect.StrType,
    inspect.IntType,
    inspect.FloatType,
    inspect.BoolType,
    inspect.NoneType,
    inspect.LiteralType,
)


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
