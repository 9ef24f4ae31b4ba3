"""The facts of the reference that the tests need, without its prose: compact copies in `tests/data`.

`python -m tests.support.reference` makes them anew from `../shared/reference`.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "data"
# Beside the repository's folder; in a clone below it, one level higher.
REFERENCE = Path(__file__).parents[3] / "shared" / "reference"

# The one place that states it: what the reference has is checked against this number, everything else against the reference.
OPERATION_COUNT = 103

# What terraform-provider-alicloud alone shows: no other source has these operations.
SEEN_IN_TERRAFORM = {
    "UpdateKmsInstance": {
        "parameters": {"InstanceName": None, "KmsInstanceId": None},
        "response": {"RequestId": "string"},
    }
}

Shape = Any  # "string", {name: Shape}, or [Shape] for a list


def compact_operations(reference: dict[str, Any]) -> dict[str, Any]:
    """Return {operation: {"parameters": {name: required or None}, "response": shape or None}}.

    Names that end in a dot are how the V1 SDK spells flattened lists; they are no parameters of their own.
    """
    return {
        name: {
            "parameters": {
                parameter: facts["required"]
                for parameter, facts in entry["parameters"].items()
                if not parameter.endswith(".")
            },
            "response": entry["response"],
        }
        for name, entry in reference.items()
    } | SEEN_IN_TERRAFORM


def compact_errors(reference: dict[str, Any]) -> dict[str, list[list[Any]]]:
    """Return {operation: [[status, code, message]]} with the rows whose status and message are known."""
    return {
        name: [
            [row["status"], row["code"], row["message"]]
            for row in rows
            if row["status"] is not None and row["message"] is not None
        ]
        for name, rows in reference["operations"].items()
    }


def documented_codes(reference: dict[str, Any]) -> dict[str, list[str]]:
    """Return {operation: [code]}, those whose status and message are not known too."""
    return {name: list(dict.fromkeys(row["code"] for row in rows)) for name, rows in reference["operations"].items()}


def compact_examples(*references: dict[str, Any]) -> dict[str, Shape]:
    """Return {operation: shape of its JSON example}; the documents in both languages have the same."""
    shapes: dict[str, Shape] = {}
    for reference in references:
        for name, entry in reference["apis"].items():
            for demo in json.loads(entry.get("responseDemo") or "[]"):
                # The older examples stand where errors should, in the demo of the other format.
                for example in (demo["example"], demo.get("errorExample") or ""):
                    text = example.strip().removeprefix("//json response").strip()
                    if text.startswith("{"):
                        shape = shape_of(json.loads(text))
                        if shapes.setdefault(name, shape) != shape:
                            raise ValueError(f"{name} has examples of two shapes")
    return shapes


def shape_of(tree: Any) -> Shape:
    """Reduce an answer to its fields' names and types; a string that holds a JSON object or list is a "JSON text".

    Raises ValueError for a list whose entries differ.
    """
    if isinstance(tree, dict):
        return {name: shape_of(value) for name, value in tree.items()}
    if isinstance(tree, list):
        shapes = [shape_of(value) for value in tree]
        if any(shape != shapes[0] for shape in shapes):
            raise ValueError(f"a list of different entries: {shapes}")
        return shapes[:1] or ["nothing"]
    if isinstance(tree, str) and tree.startswith(("{", "[")):
        with contextlib.suppress(ValueError):
            json.loads(tree)
            return "JSON text"
    return {bool: "boolean", int: "integer", str: "string"}[type(tree)]


SOURCES: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "operations.json": (compact_operations, ("operations.json",)),
    "errors.json": (compact_errors, ("errors.json",)),
    "documented_codes.json": (documented_codes, ("errors.json",)),
    "examples.json": (compact_examples, ("api-docs.zh_cn.json", "api-docs.en_us.json")),
}


def read(name: str) -> Any:
    """Return the compact copy of a reference file."""
    return json.loads((DATA / name).read_text(encoding="utf-8"))


def made_anew(name: str) -> Any:
    """Make the compact copy from the reference itself."""
    compact, files = SOURCES[name]
    return compact(*(json.loads((REFERENCE / file).read_text(encoding="utf-8")) for file in files))


def write_copies() -> None:
    """Write the compact copies, one operation per line."""
    DATA.mkdir(exist_ok=True)
    for name in SOURCES:
        lines = [
            f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in made_anew(name).items()
        ]
        (DATA / name).write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    write_copies()
