"""PEM (RFC 7468): encode and decode."""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from typing import Final

from kms_mock.crypto import b64
from kms_mock.regex import regex

_MARK: Final = b"-----BEGIN "
_BLOCK: Final = regex(rb"-----BEGIN ([A-Z ]+)-----([^-]*)-----END \1-----")
_COLUMNS: Final = 64


def is_pem(data: bytes) -> bool:
    """Return whether the data is PEM rather than DER."""
    return _MARK in data


def encode(label: str, data: bytes) -> str:
    """Return a PEM block of 64 columns with a newline at the end."""
    text = b64.encode(data)
    lines = (text[start : start + _COLUMNS] for start in range(0, len(text), _COLUMNS))
    return "\n".join((f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""))


def decode(text: str) -> bytes:
    """Return the DER of the first readable block; ValueError when there is none."""
    for _, data in blocks(text.encode()):
        return data
    raise ValueError("it is not PEM")


def blocks(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield label and DER of every readable block; skips blocks with headers (encrypted keys) or broken Base64."""
    for label, text in _BLOCK.findall(data):
        try:
            yield label.decode("ascii"), binascii.a2b_base64(b"".join(text.split()), strict_mode=True)
        except binascii.Error:
            continue
