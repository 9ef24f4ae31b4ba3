"""Flat messages in the binary form of Protocol Buffers (proto3): texts, bytes, int32, bool, and lists of texts.

That is all the dedicated gateway has. The `protobuf` package would come with a compiled part, generated code, and a
release that has to suit the clients beside it: the vendor's Python SDK wants one before 4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

FieldType = Literal["string", "bytes", "int32", "bool", "repeated string"]

_VARINT, _SIXTY_FOUR, _LENGTH, _THIRTY_TWO = 0, 1, 2, 5  # wire types; 3 and 4, groups, are none of proto3's
_FIXED = {_SIXTY_FOUR: 8, _THIRTY_TWO: 4}
_NUMBERS = ("int32", "bool")
_MORE = 0x80  # the bit of a byte that says that the number goes on
_ONE_BYTE = [bytes((number,)) for number in range(_MORE)]
_MASK = 0xFFFF_FFFF_FFFF_FFFF
_MAX_SHIFT = 70  # a number has ten bytes at most
_MAX_FIELD = (1 << 29) - 1


def _int32(number: int) -> int:
    return (number & 0xFFFF_FFFF ^ 0x8000_0000) - 0x8000_0000  # of a longer one the low bits count


_READERS: dict[FieldType, Callable[[Any], Any]] = {
    "string": bytes.decode,
    "bytes": bytes,
    "int32": _int32,
    "bool": bool,
    "repeated string": bytes.decode,
}


class Field(NamedTuple):
    """One field of a message."""

    number: int
    type: FieldType

    @property
    def tag(self) -> int:
        """What stands before its value: number and wire type."""
        return self.number << 3 | (_VARINT if self.type in _NUMBERS else _LENGTH)


class Message:
    """A kind of message, which reads and writes the values of its fields by name.

    As proto3 has it, a field that is empty, 0 or false is no other than one that is not there.
    """

    def __init__(self, fields: Mapping[str, Field]) -> None:
        self.fields = dict(fields)
        self._by_tag = {field.tag: (name, field.type, _READERS[field.type]) for name, field in fields.items()}
        self._tags = [(name, field.type, _varint(field.tag)) for name, field in fields.items()]

    def decode(self, data: bytes) -> dict[str, Any]:
        """Return the values that are there. Unknown fields are skipped. Raises ValueError for damaged data."""
        values: dict[str, Any] = {}
        known, place, end = self._by_tag, 0, len(data)
        while place < end:
            tag, place = (data[place], place + 1) if data[place] < _MORE else _read_varint(data, place)
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
            found = known.get(tag)
            if found is None:
                if not 0 < tag >> 3 <= _MAX_FIELD:
                    raise ValueError("a field has no valid number")
                continue
            name, kind, read = found
            if kind == "repeated string":
                values.setdefault(name, []).append(read(value))
            else:
                values[name] = read(value)  # of several the last one counts
        return values if all(values.values()) else {name: value for name, value in values.items() if value}

    def encode(self, values: Mapping[str, Any]) -> bytes:
        """Return the message that has these values."""
        written: list[bytes] = []
        for name, kind, tag in self._tags:
            value = values.get(name)
            if not value:
                continue
            if kind == "bytes":
                written += (tag, _varint(len(value)), value)
            elif kind in _NUMBERS:
                written += (tag, _varint(int(value) & _MASK))
            else:
                for text in (value,) if kind == "string" else value:
                    data = text.encode()
                    written += (tag, _varint(len(data)), data)
        return b"".join(written)


def _fixed(wire_type: int) -> int:
    if wire_type not in _FIXED:
        raise ValueError("a field is of no type that proto3 has")
    return _FIXED[wire_type]


def _read_varint(data: bytes, place: int) -> tuple[int, int]:
    """Return the number at a place, of seven bits a byte, the lowest first, and the place after it."""
    number = shift = 0
    while place < len(data) and shift < _MAX_SHIFT:
        byte = data[place]
        place += 1
        if byte < _MORE:
            return (number | byte << shift) & _MASK, place
        number |= (byte & 0x7F) << shift
        shift += 7
    raise ValueError("a number has no end")


def _varint(number: int) -> bytes:
    return _ONE_BYTE[number] if number < _MORE else bytes((number & 0x7F | _MORE,)) + _varint(number >> 7)
