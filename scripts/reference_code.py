"""The reference pages of what Python programs import: the pytest plugin, and the classes."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from reference_tools import MADE, table, text_of

from kms_mock import KmsMock, mock_kms, pytest_plugin
from kms_mock.config import Config
from kms_mock.control.calls import Call
from kms_mock.control.checkpoints import Checkpoint
from kms_mock.control.clock import Clock
from kms_mock.control.faults import Fault, Faults
from kms_mock.control.journal import Calls
from kms_mock.control.namespaces import Namespace
from kms_mock.reach.intercept import Interception
from kms_mock.store.events import Event

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
                    f"The plugin is there as soon as the package is installed. {MADE} [Tools for tests](testing-tools.md) and "
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
        f"`from kms_mock import KmsMock, mock_kms, FixtureError`, and what they lead to. {MADE}",
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
