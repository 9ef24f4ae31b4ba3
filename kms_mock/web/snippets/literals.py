"""Values as source code: literals of the languages that have ones of their own, and of those that write as C does."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple


def double_quoted(text: str) -> str:
    """Return a string literal with double quotes: Python, Go, Java, JavaScript and C# read it alike."""
    return json.dumps(text, ensure_ascii=False)


class Syntax(NamedTuple):
    """How a language writes nested values: format strings of a `key` with its `value`, and of their `items`."""

    pair: str
    mapping: str
    sequence: str
    null: str = "null"

    def write(self, value: Any) -> str:
        """Return a literal; strings, numbers and Booleans are written as in C."""
        if isinstance(value, dict):
            pairs = [self.pair.format(key=double_quoted(key), value=self.write(item)) for key, item in value.items()]
            return self.mapping.format(items=", ".join(pairs))
        if isinstance(value, list):
            return self.sequence.format(items=", ".join(map(self.write, value)))
        if isinstance(value, bool):
            return str(value).lower()
        return double_quoted(value) if isinstance(value, str) else self.null if value is None else str(value)


def python(value: Any, indent: int = 0) -> str:
    """Return a Python literal; what does not fit on a line goes over several, `indent` blanks in front."""
    flat = _flat_python(value)
    if not isinstance(value, dict | list) or not value or len(flat) + indent <= 90:  # noqa: PLR2004 (a line)
        return flat
    inner = " " * (indent + 4)
    if isinstance(value, dict):
        lines = [f"{inner}{double_quoted(str(key))}: {python(item, indent + 4)},\n" for key, item in value.items()]
        return "{\n" + "".join(lines) + " " * indent + "}"
    return "[\n" + "".join(f"{inner}{python(item, indent + 4)},\n" for item in value) + " " * indent + "]"


def _flat_python(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{double_quoted(str(key))}: {_flat_python(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flat_python, value)) + "]"
    return double_quoted(value) if isinstance(value, str) else repr(value)


def php(value: Any) -> str:
    """Return a PHP literal."""
    if isinstance(value, dict):
        return "[" + ", ".join(f"{php(str(key))} => {php(item)}" for key, item in value.items()) + "]"
    if isinstance(value, list):
        return "[" + ", ".join(map(php, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{escaped}'"
    return "null" if value is None else str(value)


def terraform(value: Any) -> str:
    """Return an HCL expression."""
    if isinstance(value, str):
        return double_quoted(value).replace("${", "$${").replace("%{", "%%{")
    return json.dumps(value, ensure_ascii=False)


def block(lines: Iterable[str], indent: int) -> str:
    """Return lines, each indented by so many blanks."""
    return "".join(f"{' ' * indent}{line}\n" for line in lines)
