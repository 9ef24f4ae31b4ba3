"""Shapes of answers: of a declared result type, and where two shapes differ."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from tests.support import reference


def declared_shape(hint: Any) -> reference.Shape:
    """Return the shape of a result type as the reference writes shapes."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.NotRequired, typing.Required, Annotated):
        return declared_shape(arguments[0])
    if origin is list:
        return [declared_shape(arguments[0])]
    if origin is dict:  # names that users choose: the tags of a certificate
        return "object"
    if origin is Literal:
        return declared_shape(type(arguments[0]))
    if typing.is_typeddict(hint):
        return {name: declared_shape(field) for name, field in typing.get_type_hints(hint).items()}
    return {str: "string", bytes: "string", int: "integer", bool: "boolean"}[hint]  # bytes travel as Base64


def differences(ours: Any, theirs: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Return (path, what differs) for each place where two shapes are not the same."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in sorted(ours.keys() | theirs.keys()):
            where = f"{path}.{name}".lstrip(".")
            if name not in ours or name not in theirs:
                yield where, "not declared" if name not in ours else "in no document"
            else:
                yield from differences(ours[name], theirs[name], where)
    elif isinstance(ours, list) and isinstance(theirs, list):
        yield from differences(ours[0], theirs[0], f"{path}[]")
    elif ours != theirs:
        yield path, f"declared as {ours}, documented as {theirs}"
