"""The first message of a TLS client, as far as a server must know it to choose a certificate (RFC 8446, 4.1.2)."""

from __future__ import annotations

HANDSHAKE = 0x16  # the content type of the first record
RECORD_HEADER = 5
MAX_RECORD = RECORD_HEADER + 2**14
_CLIENT_HELLO = 1
_SERVER_NAME = 0


class NotTlsError(Exception):
    """Bytes that no TLS client begins with."""


class _Reader:
    """Reads fields from bytes. Raises NotTlsError when there are too few."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def __bool__(self) -> bool:
        return self._place < len(self._data)

    def take(self, length: int) -> bytes:
        found = self._data[self._place : self._place + length]
        if len(found) < length:
            raise NotTlsError
        self._place += length
        return found

    def number(self, length: int) -> int:
        return int.from_bytes(self.take(length))

    def rest(self) -> bytes:
        return self.take(len(self._data) - self._place)

    def vector(self, length: int) -> _Reader:
        """Return a reader of a vector whose length is a number of `length` bytes."""
        return _Reader(self.take(self.number(length)))


def is_complete(data: bytes) -> bool:
    """Return whether the first record is there, whole. Raises NotTlsError as soon as it cannot be one of TLS."""
    if len(data) >= 2 and data[1] != 3:  # noqa: PLR2004 (the major version of every TLS)
        raise NotTlsError
    if len(data) < RECORD_HEADER:
        return False
    length = RECORD_HEADER + int.from_bytes(data[3:RECORD_HEADER])
    if length > MAX_RECORD:
        raise NotTlsError
    return len(data) >= length


def server_name(data: bytes) -> str:
    """Return the host name that a client asks for, from its first record; "" when it names none.

    Raises NotTlsError for what is not a ClientHello, or names a host in anything but ASCII. One that is spread over
    several records, which no client in use does, is read as one without a name.
    """
    record = _Reader(data)
    record.take(3)
    body = record.vector(2)
    if body.number(1) != _CLIENT_HELLO:
        raise NotTlsError
    length = body.number(3)
    if length > len(data):
        return ""
    hello = _Reader(body.take(length))
    hello.take(2 + 32)  # version, random
    hello.vector(1)  # session id
    hello.vector(2)  # cipher suites
    hello.vector(1)  # compression methods
    extensions = hello.vector(2) if hello else _Reader(b"")
    while extensions:
        kind = extensions.number(2)
        extension = extensions.vector(2)
        if kind == _SERVER_NAME:
            return _first_name(extension)
    return ""


def _first_name(extension: _Reader) -> str:
    names = extension.vector(2)
    names.take(1)  # host_name: no other type was ever defined
    name = names.vector(2)
    try:
        return name.rest().decode("ascii")
    except UnicodeDecodeError as error:
        raise NotTlsError from error
