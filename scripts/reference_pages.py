"""Makes the pages of docs/ that come from the code: commands, fixture files, control API, pytest, Python, errors, operations.

`scripts/reference-pages` runs it; `--check` only compares. Each page is a function that returns Markdown.
"""

from __future__ import annotations

import difflib
import inspect
import json
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import msgspec
from reference_code import pytest_page, python_page
from reference_tools import MADE, table, text_of

from kms_mock.cli import main as command_line
from kms_mock.control.coverage import operations
from kms_mock.control.faults import FaultSpec
from kms_mock.control.operations_page import markdown
from kms_mock.parity.results import settled_rules
from kms_mock.products import APIS
from kms_mock.server.control_api import ROUTES, ClockRequest
from kms_mock.server.routes import Route
from kms_mock.server.special import PREFIX
from kms_mock.store.events import Event

ROOT = Path(__file__).resolve().parents[1]


# -- commands ---------------------------------------------------------------------------------------------------------


def commands_page() -> str:
    """Return the page of the command line, from click."""
    sections = [
        "# Commands",
        f"What `kms-mock --help` and `kms-mock COMMAND --help` print. {MADE}",
        *(_command(path, command) for path, command in _commands(command_line, ("kms-mock",))),
    ]
    return "\n\n".join(sections) + "\n"


def _commands(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in sorted(command.list_commands(context)):
            if (found := command.get_command(context, name)) is not None:
                yield from _commands(found, (*path, name))
    elif not command.hidden:
        yield path, command


def _command(path: tuple[str, ...], command: click.Command) -> str:
    context = click.Context(command, info_name=" ".join(path))
    usage = command.get_usage(context).removeprefix("Usage: ")
    help_text = inspect.cleandoc(command.help or "").replace("\b\n", "")
    rows = [
        (
            "`" + ", ".join((*parameter.opts, *parameter.secondary_opts)) + "`",
            f"`{parameter.envvar}`" if parameter.envvar else "",
            _default(parameter),
            parameter.help or "",
        )
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.hidden
    ]
    sections = [f"## {' '.join(path)}", f"`{' '.join(usage.split())}`", help_text]
    if rows:
        sections.append(table(("option", "environment", "default", "meaning"), rows))
    return "\n\n".join(section for section in sections if section)


def _default(option: click.Option) -> str:
    if isinstance(option.show_default, str):
        return option.show_default
    if option.is_flag or option.multiple or option.default is None or not isinstance(option.default, str | int | float):
        return ""
    return f"`{option.default}`"


# -- fixture files ----------------------------------------------------------------------------------------------------


def fixture_files_page() -> str:
    """Return the page of fixture files, from their JSON Schema."""
    schema = json.loads((ROOT / "fixtures/schema.json").read_text(encoding="utf-8"))
    sections = [
        "# Fields of fixture files",
        f"Every field of a fixture file, from `fixtures/schema.json`. {MADE}",
        (
            "[Fixture files](fixture-files.md) shows how to write and load them. Times are ISO 8601 or relative to the moment of loading "
            "(`-3d`, `+12h`, `now`); intervals are such as `30d` or `12h`."
        ),
    ]
    for name, definition in schema["$defs"].items():
        required = definition.get("required", [])
        rows = [
            (f"`{field}`", _type(shape), "required" if field in required else _json(shape), _description(shape))
            for field, shape in definition.get("properties", {}).items()
        ]
        sections += [f"## {_heading(name)}", definition.get("description", "")]
        if rows:
            sections.append(table(("field", "type", "default", "meaning"), rows))
    return "\n\n".join(section for section in sections if section) + "\n"


def _heading(name: str) -> str:
    words = re.sub(r"(?<!^)(?=[A-Z])", " ", name.removesuffix("Document")).lower().capitalize()
    return {"Fixture": "The file"}.get(words, words)


def _json(shape: Mapping[str, Any]) -> str:
    return f"`{json.dumps(shape['default'])}`" if "default" in shape else ""


def _description(shape: Mapping[str, Any]) -> str:
    found = [shape.get("description", ""), *(child.get("description", "") for child in shape.get("anyOf", ()))]
    return next((text for text in found if text), "")


def _type(shape: Mapping[str, Any]) -> str:
    if "anyOf" in shape:
        kinds = [_type(child) for child in shape["anyOf"]]
        return " or ".join(dict.fromkeys(kind for kind in kinds if kind != "null")) or "null"
    if "$ref" in shape:
        heading = _heading(shape["$ref"].rpartition("/")[2])
        return f"[{heading.lower()}](#{heading.lower().replace(' ', '-')})"
    if "enum" in shape:
        return ", ".join(f"`{value}`" for value in shape["enum"])
    if shape.get("type") == "array":
        return f"list of {_type(shape.get('items', {}))}"
    if shape.get("type") == "object" and isinstance(shape.get("additionalProperties"), dict):
        return f"mapping to {_type(shape['additionalProperties'])}"
    return str(shape.get("type", "anything")).replace("object", "mapping")


# -- control API ------------------------------------------------------------------------------------------------------


def control_api_page() -> str:
    """Return the page of the control API, from its routes."""
    rows = [(route.method, f"`{route.path}`", _taken(route), text_of(route.handler)) for route in ROUTES]
    return (
        "\n\n".join(
            (
                "# Control API",
                (
                    f"What a running server can be asked under `{PREFIX}`. {MADE} [Tools for tests](testing-tools.md#the-control-api) "
                    "shows it at work; [regions and host names](regions-and-hosts.md#4-the-control-api) says who may ask."
                ),
                (
                    'Bodies are JSON, sent as `Content-Type: application/json`; answers are JSON. An error is `{"error": "…"}` '
                    "with status 400, 403, 404, 405, 409 or 415."
                ),
                "The server describes these routes itself, with their types, at `/_kms_mock/openapi.json` (OpenAPI 3.1).",
                table(("method", "path", "query or body", "what it does"), rows),
                "## The clock",
                "The body of `PUT clock`:",
                _struct(ClockRequest),
                "## A fault",
                text_of(FaultSpec),
                _struct(FaultSpec),
                "## An event",
                "What became due, in the answer of `PUT clock`:",
                _struct(Event),
                "",
            )
        ).rstrip("\n")
        + "\n"
    )


_BODIES = {ClockRequest: "[the clock](#the-clock)", FaultSpec: "[a fault](#a-fault)"}


def _taken(route: Route) -> str:
    """Return what a route takes: the parameters of its query, its body or the fields of that."""
    query = [f"`?{field.encode_name}=`" for field in msgspec.structs.fields(route.query)]
    if route.body is None:
        body = []
    elif route.body in _BODIES:
        body = [_BODIES[route.body]]
    elif isinstance(route.body, type) and issubclass(route.body, msgspec.Struct):
        body = [f"`{field.encode_name}`" for field in msgspec.structs.fields(route.body)]
    else:
        body = ["a [fixture document](reference-fixture-files.md), or a list of them"]
    return ", ".join([*body, *query])


def _struct(kind: type[msgspec.Struct]) -> str:
    schema = msgspec.json.schema(kind)["$defs"][kind.__name__]
    required = schema.get("required", [])
    rows = [
        (f"`{name}`", _limits(shape), "required" if name in required else _json(shape))
        for name, shape in schema["properties"].items()
    ]
    return table(("field", "type", "default"), rows)


def _limits(shape: Mapping[str, Any]) -> str:
    bounds = {"minimum": "from", "maximum": "to", "exclusiveMinimum": "above", "maxLength": "at most"}
    found = " ".join(f"{text} {shape[name]}" for name, text in bounds.items() if name in shape)
    return f"{_type(shape)} {found}".strip()


# -- errors, operations -----------------------------------------------------------------------------------------------


def errors_page() -> str:
    """Return every error code with where it can come from."""
    found: dict[tuple[str, int, str], set[str]] = defaultdict(set)
    for entry in operations(APIS, settled_rules()):
        for error in entry["errors"]:
            found[error["code"], error["status"], error["message"]].add(
                _operation_link(entry["name"], entry["product"])
            )
    rows = [
        (code, str(status), f"`{message}`", _names(names)) for (code, status, message), names in sorted(found.items())
    ]
    return (
        "\n\n".join(
            (
                "# Errors",
                (
                    f"Every error of the operations' own tables. {MADE} What any operation may answer besides is in "
                    "[operations](operations.md#every-operation). Any of them can be provoked with a [fault](testing-tools.md#faults)."
                ),
                "The response header `x-kms-mock-reason` says in plain words why a request was refused; the text is the service's own.",
                table(("code", "status", "text", "operations"), rows),
            )
        )
        + "\n"
    )


_MANY = 12


def _operation_link(name: str, product: str) -> str:
    """Return a link to an operation; the headings of other products' operations have the product's name."""
    return f"[{name}](operations.md#{name.lower()}{'' if product == 'Kms' else f'-{product.lower()}'})"


def _names(links: set[str]) -> str:
    return f"{len(links)} operations" if len(links) > _MANY else ", ".join(sorted(links))


PAGES: dict[str, Callable[[], str]] = {
    "operations.md": lambda: markdown(APIS, settled_rules()),
    "reference-commands.md": commands_page,
    "reference-control-api.md": control_api_page,
    "reference-errors.md": errors_page,
    "reference-fixture-files.md": fixture_files_page,
    "reference-pytest.md": pytest_page,
    "reference-python.md": python_page,
}


def main() -> None:
    """Write the pages, or compare them."""
    stale = []
    for name, make in PAGES.items():
        path = ROOT / "docs" / name
        former, text = path.read_text(encoding="utf-8") if path.exists() else "", make()
        if former == text:
            continue
        if "--check" in sys.argv[1:]:
            stale.append(name)
            sys.stderr.writelines(
                difflib.unified_diff(former.splitlines(True), text.splitlines(True), name, "from the code")
            )
        else:
            path.write_text(text, encoding="utf-8")
            print(f"wrote docs/{name}")
    if stale:
        sys.exit(f"docs/{', docs/'.join(stale)}: out of date, run scripts/reference-pages")


if __name__ == "__main__":
    main()
