"""Why a parameter's value does not fit its type. No part of the value is ever in the reason: it might be a secret.

msgspec quotes invalid values, so its texts are only recognised here. Whatever is not recognised becomes `OTHER`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Literal, get_args, get_origin, get_type_hints

from msgspec import Struct

from kms_mock.regex import regex

_END = r"\Z"
OTHER = "the value does not have the form of this parameter"
_PATH = regex(r"(?P<problem>.*?)(?: - at `(?P<path>\$[^`]*)`)?", re.DOTALL)
_TYPES = {
    "array": "a JSON array",
    "bool": "true or false",
    "float": "a number",
    "int": "an integer",
    "null": "null",
    "object": "a JSON object",
    "str": "a string",
}
_UNITS = {"str": "characters", "array": "entries", "object": "entries", "bytes": "bytes"}
_BOUNDS = {"<=": "at most", ">=": "at least", "<": "less than", ">": "more than", "": "exactly"}


def explain(error: Exception, hint: Any) -> str:
    """Return what is expected of a value of an annotated type instead of what msgspec refused."""
    match = _PATH.fullmatch(str(error))
    problem, path = match.group("problem", "path") if match else ("", None)
    for pattern, reason in _REASONS:
        if found := re.fullmatch(pattern, problem, re.DOTALL):
            place = (path or "").removeprefix("$.value").removeprefix("$")
            return reason(found, hint) + (f" (at {place})" if re.fullmatch(r"[A-Za-z0-9_.\[\]]+", place) else "")
    return OTHER


def _choices(_found: re.Match[str], hint: Any) -> str:
    return f"expected one of {', '.join(dict.fromkeys(map(str, _literals(hint, set()))))}"


def _literals(hint: Any, seen: set[Any]) -> Iterator[Any]:
    """Yield the values of all Literals in a type."""
    if get_origin(hint) is Literal:
        yield from get_args(hint)
    elif isinstance(hint, type) and issubclass(hint, Struct):
        if hint not in seen:
            seen.add(hint)
            for field in get_type_hints(hint).values():
                yield from _literals(field, seen)
    else:
        for member in get_args(hint):
            yield from _literals(member, seen)


def _wrong_type(found: re.Match[str], _hint: Any) -> str:
    names = [_TYPES.get(name, f"a {name}") for name in found[1].split(" | ") if name != "null"]
    return f"expected {' or '.join(names)}"


def _wrong_form(found: re.Match[str], _hint: Any) -> str:
    pattern = found[1].replace("\\\\", "\\")  # the type's own, which msgspec writes as Python's repr
    return f"expected a string matching {pattern.removeprefix('^').removesuffix(_END)}"


def _wrong_length(found: re.Match[str], _hint: Any) -> str:
    return f"expected {_BOUNDS[found[2]]} {found[3]} {_UNITS[found[1]]}"


def _wrong_size(found: re.Match[str], _hint: Any) -> str:
    return f"expected {_TYPES[found[1]]} of {_BOUNDS[found[2]]} {found[3]}"


def _missing_field(found: re.Match[str], _hint: Any) -> str:
    return f"the field {found[1]} is missing"


def _not_base64(_found: re.Match[str], _hint: Any) -> str:
    return "expected Base64"


def _not_json(found: re.Match[str], _hint: Any) -> str:
    return f"it is not JSON{found[1] or ''}"


# What msgspec may say, and the reason for it. A group that is used matches only what msgspec or the type says.
_REASONS: list[tuple[str, Callable[[re.Match[str], Any], str]]] = [
    (r"Invalid enum value .*", _choices),
    (r"Expected `([a-z |]+)`, got `[a-z]+`", _wrong_type),
    (r"Expected `str` matching regex '(.*)'", _wrong_form),
    (r"Expected `(str|array|object|bytes)` of length (<=|>=|) ?([0-9]+)", _wrong_length),
    (r"Expected `(int|float)` (<=|>=|<|>) ([0-9.-]+)", _wrong_size),
    (r"Object missing required field `(\w+)`", _missing_field),
    (r"Object contains unknown field `.*`", lambda _found, _hint: "it has an unknown field"),
    (r"Invalid base64 encoded string", _not_base64),
    (r"JSON is malformed: .*?( \(byte [0-9]+\))?", _not_json),
    (r"Input data was truncated()", _not_json),
]
