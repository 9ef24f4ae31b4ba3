"""What the APIs can do, from their operations: parameters, errors, and the rules that no document states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, Literal, TypedDict

from kms_mock.control.type_words import default_text, type_words
from kms_mock.rpc.api import Api, Operation
from kms_mock.rpc.binding import Parameter
from kms_mock.rpc.errors import ErrorSpec

Sureness = Literal["documented", "seen", "inferred"]
Settled = Mapping[str, str]  # a rule -> the date of the comparison with the real service that bore it out
NOTHING: Final[Settled] = MappingProxyType({})


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
    `seen` are such rules that the real service bears out, each with the date of the comparison.
    """

    product: str
    version: str
    name: str
    module: str
    description: str
    parameters: list[ParameterEntry]
    errors: list[ErrorEntry]
    inferred: list[str]
    seen: dict[str, str]


def operations(apis: Iterable[Api], settled: Settled = NOTHING) -> list[OperationEntry]:
    """Describe every operation, in order of product and name."""
    return [describe_operation(api, api.operations[name], settled) for api in apis for name in sorted(api.operations)]


def describe_operation(api: Api, operation: Operation, settled: Settled) -> OperationEntry:
    """Describe one operation of an API."""
    parameters = [describe_parameter(parameter) for parameter in operation.parameters]
    of_parameters = [sentence for parameter in parameters for sentence in parameter["inferred"]]
    rules = dict.fromkeys([*operation.inferred, *of_parameters])
    return {
        "product": api.product,
        "version": api.version,
        "name": operation.name,
        "module": operation.handler.__module__.rpartition(".")[2],
        "description": (operation.handler.__doc__ or "").strip().partition("\n")[0],
        "parameters": parameters,
        "errors": [describe_error(row, settled) for row in operation.errors],
        "inferred": [rule for rule in rules if rule not in settled],
        "seen": {rule: settled[rule] for rule in rules if rule in settled},
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


def describe_error(row: ErrorSpec, settled: Settled) -> ErrorEntry:
    """Describe one row of an error table, with how sure it is."""
    date = settled.get(row.inferred, "")
    sureness: Sureness = "inferred" if row.inferred and not date else "seen" if row.seen or date else "documented"
    return {
        "status": row.status,
        "code": row.code,
        "message": row.message,
        "sureness": sureness,
        "note": f"{row.inferred} ({seen_on(date)})" if date else row.inferred or row.seen,
    }


def seen_on(date: str) -> str:
    """Return what a rule says that was inferred until it was compared."""
    return f"seen in a comparison with the real service on {date}"
