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
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest

from kms_mock import KmsMock, mock_kms, pytest_plugin
from kms_mock.cli import main as command_line
from kms_mock.config import Config
from kms_mock.control.calls import Call
from kms_mock.control.checkpoints import Checkpoint
from kms_mock.control.clock import Clock
from kms_mock.control.coverage import operations
from kms_mock.control.faults import Fault, Faults, FaultSpec
from kms_mock.control.journal import Calls
from kms_mock.control.namespaces import Namespace
from kms_mock.control.operations_page import markdown
from kms_mock.parity.results import settled_rules
from kms_mock.products import APIS
from kms_mock.reach.intercept import Interception
from kms_mock.server.control_api import ROUTES, ClockRequest
from kms_mock.server.routes import Route
from kms_mock.server.special import PREFIX
from kms_mock.store.events import Event

ROOT = Path(__file__).resolve().parents[1]
_MADE = "This page is made from the code by `scripts/reference-pages`."


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(
        "| " + " | ".join(" ".join(cell.replace("|", r"\|").split()) for cell in row) + " |" for row in lines
    )


def text_of(thing: Any) -> str:
    """Return a docstring as Markdown."""
    return inspect.getdoc(thing) or ""


# -- commands ---------------------------------------------------------------------------------------------------------


def commands_page() -> str:
    """Return the page of the command line, from click."""
    sections = [
        "# Commands",
        f"What `kms-mock --help` and `kms-mock COMMAND --help` print. {_MADE}",
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
        f"Every field of a fixture file, from `fixtures/schema.json`. {_MADE}",
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
                    f"What a running server can be asked under `{PREFIX}`. {_MADE} [Tools for tests](testing-tools.md#the-control-api) "
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


# -- pytest -----------------------------------------------------------------------------------------------------------


class _Declared:
    """Takes what the plugin declares in `pytest_addoption`."""

    def __init__(self) -> None:
        self.ini: list[tuple[str, ...]] = []
        self.options: list[tuple[str, ...]] = []

    def addini(self, name: str, description: str, type: str, default: Any) -> None:  # noqa: A002 (pytest's name)
        self.ini.append((f"`{name}`", type, f"`{json.dumps(default)}`", description))

    def getgroup(self, _name: str) -> _Declared:
        return self

    def addoption(self, name: str, **options: Any) -> None:
        self.options.append((f"`{name}`", options["help"]))


def pytest_page() -> str:
    """Return the page of the pytest plugin, from the plugin."""
    declared = _Declared()
    pytest_plugin.pytest_addoption(declared)  # type: ignore[arg-type]
    fixtures = [
        (f"`{name}`", text_of(value.__wrapped__ if hasattr(value, "__wrapped__") else value))
        for name, value in vars(pytest_plugin).items()
        if isinstance(value, pytest.FixtureDef | type(pytest_plugin.kms_mock))
    ]
    options = [(f"`{name}`", f"`{kind}`") for name, kind in pytest_plugin.MockOptions.__annotations__.items()]
    return (
        "\n\n".join(
            (
                "# pytest",
                (
                    f"The plugin is there as soon as the package is installed. {_MADE} [Tools for tests](testing-tools.md) and "
                    "[interception](interception.md) show it at work."
                ),
                "## Fixtures",
                table(("fixture", "what it is"), fixtures),
                "## The marker kms_mock",
                text_of(pytest_plugin.MockOptions),
                table(("argument", "type"), [(name, _annotation(kind)) for name, kind in options]),
                f"`kms_mock_marker`: {text_of(pytest_plugin.kms_mock_marker)}",
                "## Ini options",
                table(("option", "type", "default", "meaning"), declared.ini),
                "## Command line",
                table(("option", "meaning"), declared.options),
            )
        )
        + "\n"
    )


def _annotation(kind: str) -> str:
    found = re.search(r"ForwardRef\('([^']*)'", kind)
    return f"`{found[1]}`" if found else kind


# -- Python -----------------------------------------------------------------------------------------------------------

_CLASSES = (KmsMock, Config, Interception, Calls, Call, Clock, Event, Fault, Faults, Checkpoint, Namespace)
_HIDDEN = {"http_server", "document", "hits", "delay", "pick", "detached"}  # for the server, not for tests


def python_page() -> str:
    """Return the page of the Python API, from its docstrings."""
    sections = [
        "# Python",
        f"`from kms_mock import KmsMock, mock_kms, FixtureError`, and what they lead to. {_MADE}",
        "## mock_kms",
        text_of(mock_kms),
    ]
    for kind in _CLASSES:
        sections += [f"## {kind.__name__}", text_of(kind)]
        if kind in (KmsMock, Config):
            sections.append(f"`{kind.__name__}{_signature(kind)}`")
            sections.append(text_of(kind.__init__) if kind is KmsMock else "")
        rows = [
            (f"`{name}{'' if isinstance(member, property) else _signature(member)}`", text_of(member))
            for name, member in _members(kind)
        ]
        if rows:
            sections.append(table(("member", "what it is"), rows))
    return "\n\n".join(section for section in sections if section) + "\n"


def _members(kind: type) -> Iterator[tuple[str, Any]]:
    for name, member in inspect.getmembers(kind):
        is_own = isinstance(member, property) or inspect.isfunction(member)
        if is_own and not name.startswith("_") and name not in _HIDDEN and text_of(member):
            yield name, member


def _signature(function: Callable[..., Any]) -> str:
    text = re.sub(r"\(self(?:, /)?(?:, )?", "(", str(inspect.signature(function)))
    text = re.sub(r"(: |-> )'([^']*)'", r"\1\2", text)  # annotations are kept as text
    text = text.replace("pathlib.Path", "Path")
    return re.sub(r"<function [^>]*>|\(<kms_mock[^)]*\)", "...", text)


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
                    f"Every error of the operations' own tables. {_MADE} What any operation may answer besides is in "
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
