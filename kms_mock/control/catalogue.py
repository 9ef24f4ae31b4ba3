"""What a person can do with the APIs, for a page that shows it: forms for requests, and how to get every error."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from types import NoneType
from typing import Any, Literal, TypedDict, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from kms_mock.control.coverage import NOTHING, ErrorEntry, OperationEntry, Settled, describe_error, describe_operation
from kms_mock.control.provocations import PROVOCATIONS, Provocation
from kms_mock.control.type_words import unwrapped
from kms_mock.rpc.api import Api, Operation
from kms_mock.rpc.binding import EmptyAllowed, Flattenable, Json, Parameter, Parsed, Repeated
from kms_mock.rpc.errors import ErrorSpec

FieldKind = Literal["text", "choice", "integer", "boolean", "json", "list", "object"]


class FormField(TypedDict):
    """How a parameter is filled in, besides what its entry says.

    `list` and `object` are sent flattened (`Name.1`, `Name.key`), `json` as one document; of these `sample` is one that
    fits, else "". `resource` is the kind of resource that the value names, "" for none; `least` and `most` are limits
    of a number, `longest` is how many characters a text may have.
    """

    name: str
    kind: FieldKind
    choices: list[str]
    least: float | None
    most: float | None
    longest: int | None
    resource: str
    empty_allowed: bool
    sample: str


class CatalogueOperation(TypedDict):
    """One operation with its form. `section` is what it is about; `answer` are the fields of its answer, with types."""

    operation: OperationEntry
    section: str
    form: list[FormField]
    answer: dict[str, str]


class CatalogueError(TypedDict):
    """One code with one text: who answers it, and how to get it here.

    `operations` have it in their own tables; `anywhere` says that any operation may answer it. `request` gets it from
    a server that started with nothing, `fault` from any; a fault is what else has to be asked for.
    """

    products: list[str]
    error: ErrorEntry
    operations: list[str]
    anywhere: bool
    request: Provocation | None
    fault: dict[str, Any]


class CatalogueDocument(TypedDict):
    """All operations and all errors."""

    operations: list[CatalogueOperation]
    errors: list[CatalogueError]


def catalogue(apis: Iterable[Api], settled: Settled = NOTHING) -> CatalogueDocument:
    """Describe operations, in order of section and name, and errors, in order of code; of APIs in the RPC style."""
    apis = tuple(api for api in apis if api.wire_form is None)
    operations = [_operation(api, api.operations[name], settled) for api in apis for name in sorted(api.operations)]
    return {
        "operations": sorted(operations, key=lambda entry: entry["section"]),
        "errors": sorted(_errors(apis, settled), key=lambda entry: entry["error"]["code"]),
    }


def _operation(api: Api, operation: Operation, settled: Settled) -> CatalogueOperation:
    entry = describe_operation(api, operation, settled)
    title = entry["module"].replace("_", " ").capitalize()
    return {
        "operation": entry,
        "section": title
        if title != "Operations"
        else {"Sts": "STS", "BssOpenApi": "Orders"}.get(api.product, api.product),
        "form": [form_field(parameter) for parameter in operation.parameters],
        "answer": {name: _type_name(hint) for name, hint in get_type_hints(operation.response).items()},
    }


def form_field(parameter: Parameter) -> FormField:
    """Return how a parameter is filled in, from its type and nothing else."""
    plain, metas, markers = unwrapped(parameter.type)
    has = {type(mark): mark for mark in markers}
    choices = _choices(plain, metas)
    kind: FieldKind = "text"
    if Repeated in has:
        kind = "list"
    elif Flattenable in has:
        kind = "object"
    elif Json in has:
        kind = "json"
    elif choices:
        kind = "choice"
    elif Parsed not in has and plain in (int, float):
        kind = "integer"
    elif plain is bool:
        kind = "boolean"
    longest = next((meta.max_length for meta in metas if meta.max_length is not None), None)
    return {
        "name": parameter.name,
        "kind": kind,
        "choices": choices,
        "least": next((meta.ge for meta in metas if meta.ge is not None), None),
        "most": next((meta.le for meta in metas if meta.le is not None), None),
        "longest": longest if plain is str else None,
        "resource": parameter.resource_kind or ("any" if parameter.names_resource else ""),
        "empty_allowed": EmptyAllowed in has,
        "sample": msgspec.json.encode(_sample(plain)).decode() if kind in ("list", "object", "json") else "",
    }


def _choices(plain: Any, metas: Iterable[Meta]) -> list[str]:
    """Return the values to choose from; those of a text that a function reads are in its description."""
    if get_origin(plain) is Literal:
        return [str(value) for value in get_args(plain)]
    described = next((meta.description for meta in metas if meta.description), "")
    return re.findall("`([^`]+)`", described) if described.startswith("one of ") else []


def _sample(hint: Any) -> Any:
    """Return a value of a type that shows its form."""
    plain, _, _ = unwrapped(hint)
    origin, members = get_origin(plain), get_args(plain)
    if origin is list:
        return [_sample(members[0])]
    if origin is dict:
        return {"name": "value"}
    if isinstance(plain, type) and issubclass(plain, Struct):
        fields = msgspec.structs.fields(plain)
        return {field.encode_name: _sample(field.type) for field in fields if field.required or len(fields) < 3}  # noqa: PLR2004
    if NoneType in members:
        return _sample(members[0])
    return {int: 1, bool: True}.get(plain, "")


def _type_name(hint: Any) -> str:
    text = inspect.formatannotation(hint)
    return (
        text.replace("kms_mock.", "").rpartition(".")[2]
        if "[" not in text
        else text.partition("[")[0].rpartition(".")[2]
    )


def _errors(apis: tuple[Api, ...], settled: Settled) -> list[CatalogueError]:
    """Return each code and text once, with the products and the operations that have it."""
    found: dict[tuple[int, str, str], CatalogueError] = {}
    for api in apis:
        rows: list[tuple[ErrorSpec, str]] = [(row, "") for row in (*api.common_errors, *api.errors.values())]
        rows += [(row, operation.name) for operation in api.operations.values() for row in operation.errors]
        for row, name in rows:
            entry = found.setdefault((row.status, row.code, row.message), _error(row, settled))
            if api.product not in entry["products"]:
                entry["products"].append(api.product)
            if name and name not in entry["operations"]:
                entry["operations"].append(name)
            entry["anywhere"] = entry["anywhere"] or row in api.common_errors
    for entry in found.values():
        request = PROVOCATIONS.get(entry["error"]["code"])
        if request is not None and (entry["anywhere"] or request["operation"] in entry["operations"]):
            entry["request"] = request
        entry["fault"]["operation"] = "*" if entry["anywhere"] or not entry["operations"] else entry["operations"][0]
    return list(found.values())


def _error(row: ErrorSpec, settled: Settled) -> CatalogueError:
    return {
        "products": [],
        "error": describe_error(row, settled),
        "operations": [],
        "anywhere": False,
        "request": None,
        "fault": {"operation": "*", "code": row.code, "times": 1},
    }
