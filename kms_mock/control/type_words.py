"""The type and the limits of a parameter, in words for people: from its annotated type and nothing else."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from kms_mock.rpc.binding import EmptyAllowed, Flattenable, Json, Parameter, Parsed, Repeated

_PLAIN = {str: "string", int: "integer", bool: "`true` or `false`", bytes: "Base64"}


def type_words(parameter: Parameter) -> str:
    """Return the type of a parameter with its limits, such as `integer, 1 to 100`."""
    plain, metas, markers = unwrapped(parameter.type)
    words = _described(plain, metas, parsed=any(isinstance(mark, Parsed) for mark in markers))
    for mark in markers:
        match mark:
            case Json():
                words = f"JSON {words}"
            case Repeated(most=most):
                words = (
                    f"list of up to {most}, as `{parameter.name}.1` and so on or as JSON; {words.partition('; ')[2]}"
                )
            case Flattenable(longest=longest):
                limit = "" if longest is None else f", at most {longest} characters"
                words = f"JSON {words}{limit}; also sent as `{parameter.name}.key`"
            case EmptyAllowed():
                words += ", may be empty"
    return words


def default_text(parameter: Parameter) -> str | None:
    """Return the default of a parameter as a client would send it, None for none."""
    value = parameter.default
    if value is None or value == "":
        return None
    return str(value).lower() if isinstance(value, bool) else str(getattr(value, "name", value))


def unwrapped(hint: Any) -> tuple[Any, list[Meta], list[Any]]:
    """Return a type without its annotations, its constraints and its markers."""
    metas: list[Meta] = []
    markers: list[Any] = []
    while get_origin(hint) is Annotated:
        metas += [mark for mark in hint.__metadata__ if isinstance(mark, Meta)]
        markers += [mark for mark in hint.__metadata__ if not isinstance(mark, Meta)]
        hint = get_args(hint)[0]
    return hint, metas, markers


def _words(hint: Any) -> str:
    plain, metas, _ = unwrapped(hint)
    return _described(plain, metas)


def _described(plain: Any, metas: list[Meta], *, parsed: bool = False) -> str:
    descriptions = [meta.description for meta in metas if meta.description]
    if parsed:
        return ", ".join(descriptions)
    limits = [text for meta in metas for text in _limits(plain, meta)]
    if get_origin(plain) is list:
        entries = ", ".join(["list", *limits])
        return f"{entries}; each {_words(get_args(plain)[0])}"
    return ", ".join([_kind(plain), *limits, *descriptions])


def _kind(plain: Any) -> str:
    origin, members = get_origin(plain), get_args(plain)
    if origin is Literal:
        return ("one of " if len(members) > 1 else "") + ", ".join(f"`{value}`" for value in members)
    if origin in (Union, UnionType):
        return " or ".join(_words(member) for member in members if member is not NoneType)
    if origin is dict:
        return "object" if members[1] is Any else f"object of {_words(members[1])}s"
    if isinstance(plain, type) and issubclass(plain, Struct):
        return f"object with {_fields(plain)}"
    return _PLAIN[plain]


def _fields(struct: type[Struct]) -> str:
    return ", ".join(
        f"`{field.encode_name}` ({'' if field.required else 'optional '}{_words(field.type)})"
        for field in msgspec.structs.fields(struct)
    )


def _limits(plain: Any, meta: Meta) -> list[str]:
    counted = "entries" if get_origin(plain) in (list, dict) else "characters"
    return [
        text for text in (_range(meta.ge, meta.le, ""), _range(meta.min_length, meta.max_length, f" {counted}")) if text
    ]


def _range(least: float | None, most: float | None, unit: str) -> str:
    if least is not None and most is not None:
        return f"{least:g} to {most:.15g}{unit}"
    if most is not None:
        return f"at most {most:.15g}{unit}"
    if least == 1 and unit:
        return "not empty"
    return "" if least is None else f"at least {least:g}{unit}"
