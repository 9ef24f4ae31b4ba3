"""What the APIs can do, from their operations: parameters, errors, and the rules that no document states."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypedDict

from kms_mock.control.type_words import default_text, type_words
from kms_mock.rpc.api import Api, Operation
from kms_mock.rpc.binding import Parameter
from kms_mock.rpc.errors import ErrorSpec

Sureness = Literal["documented", "seen", "inferred"]


class ParameterEntry(TypedDict):
    """One parameter.

    `type` says type and limits in words; `default` is the value as a client would send it, null for none;
    `inferred` are the limits that no document states; `not_offered` says why it is refused, "" for all others.
    """

    name: str
    type: str
    required: bool
    default: str | None
    sensitive: bool
    inferred: list[str]
    not_offered: str


class ErrorEntry(TypedDict):
    """One row of an error table; `note` says where it was seen or what is inferred, "" for a documented row."""

    status: int
    code: str
    message: str
    sureness: Sureness
    note: str


class OperationEntry(TypedDict):
    """One operation.

    `module` is where it is declared; `inferred` are the rules that no document states, those on parameters included.
    """

    product: str
    version: str
    name: str
    module: str
    description: str
    parameters: list[ParameterEntry]
    errors: list[ErrorEntry]
    inferred: list[str]


def operations(apis: Iterable[Api]) -> list[OperationEntry]:
    """Describe every operation, in order of product and name."""
    return [describe_operation(api, api.operations[name]) for api in apis for name in sorted(api.operations)]


def describe_operation(api: Api, operation: Operation) -> OperationEntry:
    """Describe one operation of an API."""
    parameters = [describe_parameter(parameter) for parameter in operation.parameters]
    of_parameters = [sentence for parameter in parameters for sentence in parameter["inferred"]]
    return {
        "product": api.product,
        "version": api.version,
        "name": operation.name,
        "module": operation.handler.__module__.rpartition(".")[2],
        "description": (operation.handler.__doc__ or "").strip().partition("\n")[0],
        "parameters": parameters,
        "errors": [describe_error(row) for row in operation.errors],
        "inferred": list(dict.fromkeys([*operation.inferred, *of_parameters])),
    }


def describe_parameter(parameter: Parameter) -> ParameterEntry:
    """Describe one parameter."""
    return {
        "name": parameter.name,
        "type": type_words(parameter),
        "required": parameter.required,
        "default": default_text(parameter),
        "sensitive": parameter.sensitive,
        "inferred": list(parameter.inferred),
        "not_offered": parameter.not_offered,
    }


def describe_error(row: ErrorSpec) -> ErrorEntry:
    """Describe one row of an error table, with how sure it is."""
    sureness: Sureness = "inferred" if row.inferred else "seen" if row.seen else "documented"
    return {
        "status": row.status,
        "code": row.code,
        "message": row.message,
        "sureness": sureness,
        "note": row.inferred or row.seen,
    }
