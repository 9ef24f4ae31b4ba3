"""Flat messages in the binary form of Protocol Buffers (proto3): texts, bytes, int32, bool, and lists of texts.

That is all the dedicated gateway has. The `protobuf` package would come with a compiled part, generated code, and a
release that has to suit the clients beside it: the vendor's Python SDK wants one before 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

FieldType = Literal["string", "bytes", "int32", "bool", "repeated string"]

_VARINT, _SIXTY_FOUR, _LENGTH, _THIRTY_TWO = 0, 1, 2, 5  # wire types; 3 and 4, groups, are none of proto3's
_FIXED = {_SIXTY_FOUR: 8, _THIRTY_TWO: 4}
_NUMBERS = ("int32", "bool")
_MORE = 0x80  # the bit of a byte that says that the number goes on


class Field(NamedTuple):
    """One field of a message."""

    number: int
    type: FieldType

    @property
    def tag(self) -> int:
        """What stands before its value: number and wire type."""
        return self.number << 3 | (_VARINT if self.type in _NUMBERS else _LENGTH)


class Message:
    """A kind of message, which reads and writes the values of its fields by name."""

    def __init__(self, fields: Mapping[str, Field]) -> None:
        self.fields = dict(fields)
        self._by_tag = {field.tag: (name, field.type) for name, field in fields.items()}
        self._tags = [(name, field.type, _varint(field.tag)) for name, field in fields.items()]

    def decode(self, data: bytes) -> dict[str, Any]:
        """Return the values that are there. Unknown fields are skipped. Raises ValueError for damaged data."""
        values: dict[str, Any] = {}
        place, end = 0, len(data)
        while place < end:
            tag, place = _read_varint(data, place)
            if not 0 < tag >> 3 < 1 << 29:
                raise ValueError("a field has no valid number")
            wire_type = tag & 7
            value: bytes | int
            if wire_type == _VARINT:
                value, place = _read_varint(data, place)
            else:
                length, place = _read_varint(data, place) if wire_type == _LENGTH else (_fixed(wire_type), place)
                value = data[place : place + length]
                place += length
                if place > end:
                    raise ValueError("a field is longer than the message")
            name, kind = self._by_tag.get(tag, ("", ""))
            if kind == "repeated string":
                values.setdefault(name, []).append(_value(kind, value))
            elif name:
                values[name] = _value(kind, value)
        return values

    def encode(self, values: Mapping[str, Any]) -> bytes:
        """Write values; one that is empty, 0 or false is not written, as proto3 has it."""
        written: list[bytes] = []
        for name, kind, tag in self._tags:
            value = values.get(name)
            if not value:
                continue
            if kind in _NUMBERS:
                written += (tag, _varint(int(value) & 0xFFFF_FFFF_FFFF_FFFF))
                continue
            for item in value if kind == "repeated string" else (value,):
                data = item if isinstance(item, bytes) else item.encode()
                written += (tag, _varint(len(data)), data)
        return b"".join(written)


def _value(kind: str, value: Any) -> Any:
    if kind == "bool":
        return value != 0
    if kind == "int32":
        return (value & 0xFFFF_FFFF ^ 0x8000_0000) - 0x8000_0000  # of a longer one the low bits count
    return value if kind == "bytes" else value.decode()


def _fixed(wire_type: int) -> int:
    if wire_type not in _FIXED:
        raise ValueError("a field is of no type that proto3 has")
    return _FIXED[wire_type]


def _read_varint(data: bytes, place: int) -> tuple[int, int]:
    """Return the number at a place, of seven bits a byte, the lowest first, and the place after it."""
    number = 0
    for shift, byte in enumerate(data[place : place + 10]):
        if byte < _MORE:
            return (number | byte << 7 * shift) & 0xFFFF_FFFF_FFFF_FFFF, place + shift + 1
        number |= (byte & 0x7F) << 7 * shift
    raise ValueError("a number has no end")


def _varint(number: int) -> bytes:
    if number < _MORE:
        return bytes((number,))
    return bytes((number & 0x7F | _MORE,)) + _varint(number >> 7)
