"""Flat messages in the binary form of Protocol Buffers (proto3): texts, bytes, int32, bool, and lists of texts.

That is all the dedicated gateway has. The `protobuf` package would come with a compiled part, generated code, and a
release that has to suit the clients beside it: the vendor's Python SDK wants one before 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

FieldType = Literal["string", "bytes", "int32", "bool", "repeated string"]
Message = Mapping[str, "Field"]

_VARINT, _SIXTY_FOUR, _LENGTH, _THIRTY_TWO = 0, 1, 2, 5  # wire types; 3 and 4, groups, are none of proto3's
_FIXED = {_SIXTY_FOUR: 8, _THIRTY_TWO: 4}
_NUMBERS = ("int32", "bool")


class Field(NamedTuple):
    """One field of a message."""

    number: int
    type: FieldType

    @property
    def wire_type(self) -> int:
        """How its value is written."""
        return _VARINT if self.type in _NUMBERS else _LENGTH


def decode(message: Message, data: bytes) -> dict[str, Any]:
    """Return the values that a message carries by name. Unknown fields are skipped. Raises ValueError for damaged data."""
    by_number = {(field.number, field.wire_type): (name, field.type) for name, field in message.items()}
    values: dict[str, Any] = {}
    place = 0
    while place < len(data):
        tag, place = _read_varint(data, place)
        number, wire_type = tag >> 3, tag & 7
        if not 0 < number < 1 << 29:
            raise ValueError("a field has no valid number")
        value: bytes | int
        if wire_type == _VARINT:
            value, place = _read_varint(data, place)
        else:
            length, place = (_FIXED[wire_type], place) if wire_type in _FIXED else _read_length(data, place, wire_type)
            value = data[place : place + length]
            place += length
            if place > len(data):
                raise ValueError("a field is longer than the message")
        name, kind = by_number.get((number, wire_type), ("", ""))
        if kind == "repeated string":
            values.setdefault(name, []).append(_read_value(kind, value))
        elif name:
            values[name] = _read_value(kind, value)
    return values


def encode(message: Message, values: Mapping[str, Any]) -> bytes:
    """Write a message; a value that is empty, 0 or false is not written, as proto3 has it."""
    written = []
    for name, (number, kind) in message.items():
        value = values.get(name)
        if not value:
            continue
        if kind in _NUMBERS:
            written += [_varint(number << 3 | _VARINT), _varint(int(value) & 0xFFFF_FFFF_FFFF_FFFF)]
            continue
        for item in value if kind == "repeated string" else [value]:
            data = item if isinstance(item, bytes) else item.encode()
            written += [_varint(number << 3 | _LENGTH), _varint(len(data)), data]
    return b"".join(written)


def _read_value(kind: str, value: Any) -> Any:
    if kind == "bool":
        return value != 0
    if kind == "int32":
        return (value & 0xFFFF_FFFF ^ 0x8000_0000) - 0x8000_0000  # of a longer one the low bits count
    return value if kind == "bytes" else value.decode()


def _read_length(data: bytes, place: int, wire_type: int) -> tuple[int, int]:
    if wire_type != _LENGTH:
        raise ValueError("a field is of no type that proto3 has")
    return _read_varint(data, place)


def _read_varint(data: bytes, place: int) -> tuple[int, int]:
    """Return the number at a place, of seven bits a byte, the lowest first, and the place after it."""
    number = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            break
        byte = data[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 (the high bit says that more follows)
            return number & 0xFFFF_FFFF_FFFF_FFFF, place
    raise ValueError("a number has no end")


def _varint(number: int) -> bytes:
    if number < 0x80:  # noqa: PLR2004 (as above)
        return bytes((number,))
    return bytes((number & 0x7F | 0x80,)) + _varint(number >> 7)
