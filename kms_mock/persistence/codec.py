"""Records as bytes and back: MessagePack by field names, sealed where there is a passphrase."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
from msgspec import Struct

from kms_mock.crypto import material as key_material
from kms_mock.crypto.material import KeyMaterial
from kms_mock.crypto.passphrase import PassphraseKey
from kms_mock.store.changes import Place
from kms_mock.store.resource import Resource

_BIG_INTEGER: Final = 1  # the code of MessagePack's extension that holds the digits of an integer beyond 64 bits
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1


class DamagedError(Exception):
    """Bytes that are not what was written; the text names no value."""


class Row(Struct, frozen=True):
    """One record in the file. Rows of one kind in one place are in order of creation by `number`."""

    number: int
    account: str
    region: str
    kind: str
    id: str
    data: bytes
    checksum: int


class Codec:
    """Writes and reads the records of some kinds. In a file, a kind is called by the name of its class."""

    def __init__(self, resources: Iterable[Resource[Any]], passphrase_key: PassphraseKey | None) -> None:
        self._passphrase_key = passphrase_key
        self._encode = msgspec.msgpack.Encoder(enc_hook=_to_builtins).encode
        self._resources = {resource.record.__name__: resource for resource in resources}
        self._decoders: dict[str, Callable[[bytes], Any]] = {}

    @property
    def kinds(self) -> dict[str, Resource[Any]]:
        """The kinds of records by their names in the file."""
        return self._resources

    def row(self, number: int, place: Place, resource: Resource[Any], record_id: str, record: Any) -> Row:
        """Return a record as it stands in the file."""
        try:
            data = self._encode(record)
        except OverflowError:
            data = self._encode(
                _with_big_integers(msgspec.to_builtins(record, enc_hook=_to_builtins, builtin_types=(bytes,)))
            )
        kind = resource.record.__name__
        name = _name(*place, kind, record_id)
        if self._passphrase_key is not None:
            data = self._passphrase_key.seal(data, name)
        return Row(number, *place, kind, record_id, data, zlib.crc32(data, zlib.crc32(name)))

    def opened(self, row: Row) -> bytes:
        """Return the bytes of a record. Raises DamagedError."""
        name = _name(row.account, row.region, row.kind, row.id)
        if zlib.crc32(row.data, zlib.crc32(name)) != row.checksum:
            raise DamagedError(f"the checksum of a record ({row.kind}) is wrong")
        if self._passphrase_key is None:
            return row.data
        try:
            return self._passphrase_key.unseal(row.data, name)
        except ValueError as error:
            raise DamagedError(f"a record ({row.kind}) does not open") from error

    def decode(self, kind: str, data: bytes) -> Any:
        """Return a record. Raises DamagedError."""
        decoder = self._decoders.get(kind)
        if decoder is None:
            if kind not in self._resources:
                raise DamagedError(f"there are records of a kind that this server does not have ({kind[:40]!a})")
            decoder = msgspec.msgpack.Decoder(
                self._resources[kind].record, dec_hook=_from_builtins, ext_hook=_from_extension
            ).decode
            self._decoders[kind] = decoder
        try:
            return decoder(data)
        except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors; they may quote the record
            raise DamagedError(f"a record ({kind}) cannot be read") from error


def _name(account: str, region: str, kind: str, record_id: str) -> bytes:
    """Return what binds the bytes of a record to its place: moved to another row they do not open."""
    return f"{account}\0{region}\0{kind}\0{record_id}".encode()


def decode_tree(data: bytes) -> Any:
    """Return the plain values of a record, for a migration. Raises DamagedError."""
    try:
        return msgspec.msgpack.decode(data, ext_hook=_from_extension)
    except (ValueError, RecursionError) as error:
        raise DamagedError("a record cannot be read") from error


def encode_tree(tree: Any) -> bytes:
    """Return the bytes of plain values, as a migration made them."""
    return msgspec.msgpack.encode(_with_big_integers(tree))


def _to_builtins(value: KeyMaterial) -> tuple[str, bytes]:
    """Return key material as what MessagePack has; nothing else in records needs this."""
    return value.spec.name, value.to_bytes()


def _from_builtins(_kind: type, value: Any) -> KeyMaterial:
    """Return what `_to_builtins` made plain."""
    return key_material.load(*value)


def _with_big_integers(tree: Any) -> Any:
    """Return plain values in which MessagePack can hold every integer: JSON of a request may have any."""
    if isinstance(tree, dict):
        return {name: _with_big_integers(value) for name, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_with_big_integers(value) for value in tree]
    if isinstance(tree, int) and not _SMALLEST <= tree <= _LARGEST:
        return msgspec.msgpack.Ext(_BIG_INTEGER, str(tree).encode())
    return tree


def _from_extension(code: int, data: memoryview) -> Any:
    if code != _BIG_INTEGER:
        raise ValueError("an unknown extension")
    return int(data.tobytes())
