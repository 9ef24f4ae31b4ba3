"""The messages of the dedicated gateway as docs/dedicated.md has them (section 3), in the official protobuf library."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PAGE = Path(__file__).parents[2] / "docs" / "dedicated.md"
_ROW = re.compile(r"\| (\w+)(?: \([^)]*\))? \| ((?:\d|as ).*?) \| ((?:\d|as ).*?) \|")
_KINDS = descriptor_pb2.FieldDescriptorProto
_TYPES = {
    "": _KINDS.TYPE_STRING,
    "repeated": _KINDS.TYPE_STRING,
    "bytes": _KINDS.TYPE_BYTES,
    "int32": _KINDS.TYPE_INT32,
    "bool": _KINDS.TYPE_BOOL,
}
ERROR = "1 StatusCode int32, 2 ErrorCode, 3 ErrorMessage, 4 RequestId"


@cache
def documented_fields() -> dict[str, list[tuple[int, str, str]]]:
    """Return number, name and type ("" for a text) of each field of each message, such as EncryptRequest."""
    found: dict[str, list[tuple[int, str, str]]] = {}
    for operation, request, response in _ROW.findall(_PAGE.read_text("utf-8")):
        for suffix, text in (("Request", request), ("Response", response)):
            fields: list[tuple[int, str, str]] = []
            for part in text.split(", "):
                words = part.split()
                if words[0] == "as":
                    fields += found[words[1] + suffix]
                else:
                    fields.append((int(words[0]), words[1], words[2] if len(words) > 2 else ""))
            found[operation + suffix] = fields
    return found


@cache
def message(name: str) -> Any:
    """Return the class of a message: EncryptRequest, EncryptResponse, …, Error."""
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(name))


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    file = descriptor_pb2.FileDescriptorProto(name="dedicated.proto", syntax="proto3")
    words = [part.split() for part in ERROR.split(", ")]
    errors = [(int(number), name, (*rest, "")[0]) for number, name, *rest in words]
    for name, fields in {**documented_fields(), "Error": errors}.items():
        described = file.message_type.add(name=name)
        for number, field, kind in fields:
            label = _KINDS.LABEL_REPEATED if kind == "repeated" else _KINDS.LABEL_OPTIONAL
            described.field.add(name=field, number=number, type=_TYPES[kind], label=label)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool
