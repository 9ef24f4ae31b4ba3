"""What the models of the official Python SDKs tell about parameters and answers."""

from __future__ import annotations

import inspect
import re
import typing
from typing import Any

from tests.support.reference import Shape


def sdk_fields(model: type) -> dict[str, Any]:
    """Return wire name and annotation of each field of an SDK model."""
    hints = typing.get_type_hints(vars(model)["__init__"], vars(inspect.getmodule(model)))
    source = inspect.getsource(model.to_map)  # type: ignore[attr-defined]
    fields = re.findall(r"if self\.(\w+) is not None:\s+(?:result\['([\w.]+)'\]|for )", source)
    lists = dict(re.findall(r"result\['([\w.]+)'\] = \[\]\s+if self\.(\w+) is not None", source))
    wire_names = {attribute: name for attribute, name in fields if name} | {
        attribute: name for name, attribute in lists.items()
    }
    hints.pop("return", None)
    assert set(wire_names) == set(hints), model
    return {wire_names[attribute]: hint for attribute, hint in hints.items()}


def sdk_kind(hint: Any) -> str:
    origin = typing.get_origin(hint) or hint
    return {str: "string", int: "integer", bool: "boolean", list: "list", dict: "object"}.get(origin, "model")


def sdk_shape(hint: Any) -> Shape:
    """Return the shape of an SDK model as the reference writes shapes."""
    if typing.get_origin(hint) is list:
        return [sdk_shape(typing.get_args(hint)[0])]
    simple = {str: "string", int: "integer", bool: "boolean"}
    if hint in simple:
        return simple[hint]
    return {name: sdk_shape(field) for name, field in sdk_fields(hint).items()}


def sdk_required(model: type) -> set[str]:
    """Return the wire names of the fields whose comment says that they are required."""
    source = inspect.getsource(vars(model)["__init__"])
    attributes = set(re.findall(r"# This parameter is required\.\s+self\.(\w+) =", source))
    names = re.findall(r"if self\.(\w+) is not None:\s+result\['([\w.]+)'\]", inspect.getsource(model.to_map))  # type: ignore[attr-defined]
    return {name for attribute, name in names if attribute in attributes}
