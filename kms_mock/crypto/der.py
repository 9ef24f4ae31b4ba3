"""The subset of DER (ITU-T X.690) that keys, signatures, ciphertexts and requests need; strict: each value has one encoding."""

from __future__ import annotations

from typing import Final

INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
OBJECT_IDENTIFIER: Final = 0x06
SEQUENCE: Final = 0x30
CONTEXT_1: Final = 0xA1

_LONG_FORM: Final = 0x80
_LONGEST_FORM: Final = 0x84  # four bytes of length are more than any caller can send


def encode(tag: int, *contents: bytes) -> bytes:
    """Return one tag-length-value around the joined contents."""
    body = b"".join(contents)
    size = len(body)
    if size < _LONG_FORM:
        return bytes((tag, size)) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG_FORM | len(length))) + length + body


def encode_integer(value: int) -> bytes:
    """Return a non-negative INTEGER."""
    return encode(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


class Reader:
    """Takes values off the front of DER bytes; ValueError as soon as they are not what was expected."""

    __slots__ = ("_data", "_position")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def take(self, tag: int) -> bytes:
        """Return the contents of the next value, which must have this tag."""
        if self._byte() != tag:
            raise ValueError("unexpected DER tag")
        return self._bytes(self._length())

    def take_integer(self) -> int:
        """Return the next value, which must be a non-negative INTEGER in its shortest form."""
        body = self.take(INTEGER)
        value = int.from_bytes(body, "big", signed=True)
        if value < 0 or encode_integer(value) != encode(INTEGER, body):
            raise ValueError("a DER INTEGER is negative or not in its shortest form")
        return value

    def sequence(self) -> Reader:
        """Return a reader over the contents of the next value, which must be a SEQUENCE."""
        return Reader(self.take(SEQUENCE))

    def end(self) -> None:
        """Raise ValueError when anything is left."""
        if self._position != len(self._data):
            raise ValueError("bytes left after the end of a DER value")

    def _byte(self) -> int:
        return self._bytes(1)[0]

    def _bytes(self, count: int) -> bytes:
        start, self._position = self._position, self._position + count
        if self._position > len(self._data):
            raise ValueError("DER data ends too early")
        return self._data[start : self._position]

    def _length(self) -> int:
        first = self._byte()
        if first < _LONG_FORM:
            return first
        # The indefinite form, 0x80 alone, is BER and not DER.
        if not _LONG_FORM < first <= _LONGEST_FORM:
            raise ValueError("unsupported DER length")
        octets = self._bytes(first - _LONG_FORM)
        length = int.from_bytes(octets, "big")
        if octets[0] == 0 or length < _LONG_FORM:
            raise ValueError("a DER length is not in its shortest form")
        return length
