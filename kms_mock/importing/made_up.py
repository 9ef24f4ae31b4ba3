"""Values in the shape of real ones, with nothing of them in it.

JSON stays JSON with the same keys, a Boolean stays one, a number keeps its digits' count, text its length and which of
its characters are letters and digits. The lines that frame a PEM block stay as they are.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import string
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import structs

from kms_mock.kms.model.secret_types import SECRET_TYPES, SecretType

RandomBytes = Callable[[int], bytes]

_SEPARATORS = frozenset(" \t\n-_./:@=,;?&")
_FRAME = re.compile(r"-----(BEGIN|END) [A-Z0-9 ]+-----")
_USUAL_LENGTH = 24
_ATTEMPTS = 20
_NAMES = ("AccountName", "UserName")  # fields of a value that its configuration has too, and that are no secrets


def same_shape(value: str, random_bytes: RandomBytes) -> str:
    """Return a text that looks like a value and is another one."""
    try:
        document = json.loads(value)
        if isinstance(document, dict | list) and document:
            separators = None if re.search(r"[,:]\s", value) else (",", ":")
            return json.dumps(_json(document, random_bytes), ensure_ascii=False, separators=separators)
    except (ValueError, RecursionError):  # no JSON, or nested too deeply to be walked through
        pass
    return _text(value, random_bytes)


def same_size(data: str, random_bytes: RandomBytes) -> str:
    """Return Base64 of as many random bytes as there are in a binary value."""
    try:
        size = len(base64.b64decode(data, validate=True))
    except (binascii.Error, ValueError):
        size = len(data)
    return base64.b64encode(random_bytes(size)).decode()


def any_value(random_bytes: RandomBytes) -> str:
    """Return a value for a secret of which nobody knows the shape."""
    return _text("x" * _USUAL_LENGTH, random_bytes)


def managed_value(secret_type: SecretType, config: Mapping[str, Any], moment: str, random_bytes: RandomBytes) -> str:
    """Return a value of the form that a managed type documents; `moment` stands where it has a time."""
    fields: dict[str, str] = {}
    for field in structs.fields(SECRET_TYPES[secret_type].form(dict(config))):
        wire = field.encode_name
        if wire == "GenerateTimestamp":
            fields[wire] = moment
        else:
            known = config.get(wire) if wire in _NAMES else None
            fields[wire] = str(known or any_value(random_bytes))
    return json.dumps(fields, separators=(",", ":"))


def _json(value: Any, random_bytes: RandomBytes) -> Any:
    if isinstance(value, dict):
        return {name: _json(item, random_bytes) for name, item in value.items()}
    if isinstance(value, list):
        return [_json(item, random_bytes) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        digits = _text(re.sub("[^0-9]", "", str(abs(value))), random_bytes)
        return int("9" + digits[1:]) if isinstance(value, int) else float(f"9.{digits[1:]}")
    return same_shape(value, random_bytes)


def _text(value: str, random_bytes: RandomBytes) -> str:
    """Return a text of the same length; what is not a letter, digit or separator becomes a letter."""
    if not value:
        return value
    for _ in range(_ATTEMPTS):
        made = "".join(_line(line, random_bytes) for line in value.splitlines(keepends=True))
        if made != value:
            return made
    return _line("x" * len(value), random_bytes)  # nothing but separators


def _line(line: str, random_bytes: RandomBytes) -> str:
    if _FRAME.fullmatch(line.strip()):
        return line
    return "".join(map(_character, line, random_bytes(len(line))))


def _character(character: str, number: int) -> str:
    if character in _SEPARATORS or not character.isprintable():
        return character if character in _SEPARATORS or character in "\r\x0b\x0c" else " "
    if character.isdigit():
        letters = string.digits
    else:
        letters = string.ascii_uppercase if character.isupper() else string.ascii_lowercase
    return letters[number % len(letters)]
