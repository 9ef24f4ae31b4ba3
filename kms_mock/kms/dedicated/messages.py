"""Requests and answers of declared operations as messages.

A field's number is its place: the first parameter of a handler is field 1 of the request, the first field of its result
type is field 1 of the response. What travels in a header is marked so, and is no field.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, Literal, NotRequired, get_args, get_origin, get_type_hints

from msgspec import Struct

from kms_mock.crypto import b64
from kms_mock.kms.dedicated.protobuf import Field, FieldType, Message
from kms_mock.rpc.api import Operation

_TYPES: dict[Any, FieldType] = {
    str: "string",
    bytes: "bytes",
    int: "int32",
    bool: "bool",
    list[str]: "repeated string",
}


class InHeader(Struct, frozen=True):
    """The value is no field of the message: it travels in a header."""


class Layout(Struct, frozen=True):
    """The messages of one operation."""

    request: Message
    response: Message


@lru_cache(maxsize=256)
def layout_of(operation: Operation) -> Layout:
    """Return the messages of an operation."""
    request = {parameter.name: parameter.type for parameter in operation.parameters}
    response = get_type_hints(operation.response, include_extras=True)
    return Layout(_message(request), _message(response))


def read_parameters(operation: Operation, body: bytes) -> dict[str, str]:
    """Return the parameters of a request as the binding takes them, bytes in Base64. Raises ValueError."""
    values = layout_of(operation).request.decode(body)
    return {name: _text(value) for name, value in values.items()}


def read_answer(operation: Operation, body: bytes) -> dict[str, Any]:
    """Return an answer that is no refusal as a tree, bytes in Base64."""
    values = layout_of(operation).response.decode(body)
    return {name: b64.encode(value) if isinstance(value, bytes) else value for name, value in values.items()}


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return b64.encode(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _message(hints: dict[str, Any]) -> Message:
    """Return a message from the types of all values in order."""
    plain = [(name, _plain(hint)) for name, hint in hints.items()]
    kinds = [(name, str if get_origin(hint) is Literal else hint) for name, hint in plain if hint is not None]
    return Message({name: Field(number, _TYPES[kind]) for number, (name, kind) in enumerate(kinds, 1)})


def _plain(hint: Any) -> Any:
    """Return a type without what is around it; None where the value travels in a header."""
    while get_origin(hint) in (Annotated, NotRequired):
        if any(isinstance(mark, InHeader) for mark in getattr(hint, "__metadata__", ())):
            return None
        hint = get_args(hint)[0]
    return hint
