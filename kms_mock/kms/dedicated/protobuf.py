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
_LONGEST = 10  # bytes of a number
_MAX_FIELD = (1 << 29) - 1
_TOO_LONG = "a field is longer than the message"


def _int32(number: int) -> int:
    return (number & 0xFFFF_FFFF ^ 0x8000_0000) - 0x8000_0000  # of a longer one the low bits count


_READERS: dict[FieldType, Callable[[Any], Any]] = {
    "string": bytes.decode,
    "bytes": bytes,
    "int32": _int32,
    "bool": bool,
    "repeated string": bytes.decode,
}


_WRITERS: dict[FieldType, Callable[[Any], bytes]] = {"string": str.encode, "bytes": bytes}


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
        # Most of what is sent are texts and bytes with tags of one byte: how they are read, by these.
        self._usual = {
            field.tag: (name, _READERS[field.type])
            for name, field in fields.items()
            if field.type in _WRITERS and field.tag < _MORE
        }
        self._written = [
            (name, _varint(field.tag), _WRITERS.get(field.type), field.type) for name, field in fields.items()
        ]

    def decode(self, data: bytes) -> dict[str, Any]:
        """Return the values that are there. Unknown fields are skipped. Raises ValueError for damaged data."""
        values: dict[str, Any] = {}
        usual, place, end = self._usual, 0, len(data)
        while place < end:
            field = usual.get(data[place])
            if field is None:
                place = self._read_other(data, place, values)
                continue
            start = place + 2
            length = data[place + 1] if start <= end else _MORE
            if length >= _MORE:
                length, start = _read_varint(data, place + 1)
            place = start + length
            if place > end:
                raise ValueError(_TOO_LONG)
            name, read = field
            values[name] = read(data[start:place])  # of several the last one counts
        return values if all(values.values()) else {name: value for name, value in values.items() if value}

    def _read_other(self, data: bytes, place: int, values: dict[str, Any]) -> int:
        """Read the field at a place, of any type; return the place after it."""
        tag, place = _read_varint(data, place)
        wire_type = tag & 7
        value: bytes | int
        if wire_type == _VARINT:
            value, place = _read_varint(data, place)
        else:
            length, start = _read_varint(data, place) if wire_type == _LENGTH else (_fixed(wire_type), place)
            place = start + length
            if place > len(data):
                raise ValueError(_TOO_LONG)
            value = data[start:place]
        found = self._by_tag.get(tag)
        if found is None:
            if not 0 < tag >> 3 <= _MAX_FIELD:
                raise ValueError("a field has no valid number")
            return place
        name, kind, read = found
        if kind == "repeated string":
            values.setdefault(name, []).append(read(value))
        else:
            values[name] = read(value)
        return place

    def encode(self, values: Mapping[str, Any]) -> bytes:
        """Return the message that has these values."""
        written: list[bytes] = []
        for name, tag, write, kind in self._written:
            value = values.get(name)
            if not value:
                continue
            if write is not None:
                data = write(value)
                length = len(data)
                written += (tag, _ONE_BYTE[length] if length < _MORE else _varint(length), data)
            elif kind == "repeated string":
                for text in value:
                    data = text.encode()
                    written += (tag, _varint(len(data)), data)
            else:
                written += (tag, _varint(int(value) & _MASK))
        return b"".join(written)


def _fixed(wire_type: int) -> int:
    if wire_type not in _FIXED:
        raise ValueError("a field is of no type that proto3 has")
    return _FIXED[wire_type]


def _read_varint(data: bytes, place: int) -> tuple[int, int]:
    """Return the number at a place, of seven bits a byte, the lowest first, and the place after it."""
    number = shift = 0
    for byte in data[place : place + _LONGEST]:
        place += 1
        if byte < _MORE:
            return (number | byte << shift) & _MASK, place
        number |= (byte & 0x7F) << shift
        shift += 7
    raise ValueError("a number has no end")


def _varint(number: int) -> bytes:
    if number < _MORE:
        return _ONE_BYTE[number]
    first, rest = number & 0x7F | _MORE, number >> 7
    return bytes((first, rest)) if rest < _MORE else bytes((first,)) + _varint(rest)
