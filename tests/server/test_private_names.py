"""Private attributes of other people's libraries are named in one module each, and their absence is told at start-up."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from kms_mock import KmsMock
from kms_mock.server import connection

PACKAGE = Path(connection.__file__).parents[1]
# Module -> the private names of others that it may use.
ALLOWED = {
    "server/connection.py": {"_buffer", "_loop", "_messages", "_parser", "_request_count", "_task_handler", "_waiter"},
    "sdk_sessions.py": {"_sessions"},  # the official SDK has no public way to close a session
    "logs.py": {"_srcfile"},  # the switch that Python's logging HOWTO documents
}

# Public, though they begin with an underscore (Python's documentation of collections.namedtuple).
NAMED_TUPLE = {"_asdict", "_field_defaults", "_fields", "_make", "_replace"}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__") and name not in NAMED_TUPLE


def names_defined(tree: ast.AST) -> set[str]:
    """The private names that classes of this tree define: methods, class attributes, attributes of self."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for statement in ast.walk(node):
                if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                    found.add(statement.name)
                elif isinstance(statement, ast.Name) and isinstance(statement.ctx, ast.Store):
                    found.add(statement.id)
                elif isinstance(statement, ast.Attribute) and ast.unparse(statement.value) in ("self", "cls"):
                    found |= {statement.attr} if isinstance(statement.ctx, ast.Store) else set()
    return {name for name in found if is_private(name)}


def foreign_private_names(source: str) -> Iterator[str]:
    """Private names that a module uses and does not define: attributes, their names as strings, and imports."""
    tree = ast.parse(source)
    defined = names_defined(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr) and node.attr not in defined:
            yield node.attr
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "setattr", "hasattr", "delattr"):
            for argument in node.args[1:2]:
                if isinstance(argument, ast.Constant) and is_private(str(argument.value)):
                    yield str(argument.value)
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names if is_private(alias.name))
            yield from (part for part in (node.module or "").split(".") if is_private(part))


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_private_names_of_libraries_stay_in_their_module(path: Path) -> None:
    """Only server/connection.py names private attributes of aiohttp, only sdk_sessions.py one of the official SDK."""
    allowed = ALLOWED.get(str(path.relative_to(PACKAGE)), set())
    assert set(foreign_private_names(path.read_text(encoding="utf-8"))) <= allowed


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("request.protocol._messages", ["_messages"]),
        ("class C(Base):\n    def f(self): return self._inherited", ["_inherited"]),
        ("getattr(core, '_sessions', {})", ["_sessions"]),
        ("from aiohttp._http_writer import x", ["_http_writer"]),
        ("from aiohttp.helpers import _SENTINEL", ["_SENTINEL"]),
        ("class C:\n    def __init__(self): self._own = 1\n    def f(self, other): return other._own", []),
        ("Point(1, 2)._replace(x=3)", []),
        ("class C:\n    def _f(self): return self.__class__\nC()._f()", []),
    ],
)
def test_private_names_are_found(source: str, found: list[str]) -> None:
    """The reader sees attributes, inherited ones, names in strings and imports; a module's own names it leaves out."""
    assert list(foreign_private_names(source)) == found


def test_every_private_name_of_aiohttp_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an aiohttp that lacks one of the private attributes, `start` says so, and names it and the release."""
    assert set(connection.PRIVATE_NAMES) == ALLOWED["server/connection.py"]
    connection.check_aiohttp.cache_clear()
    monkeypatch.setattr(connection, "PRIVATE_NAMES", (*connection.PRIVATE_NAMES, "_no_such_name"))
    with pytest.raises(
        RuntimeError, match=rf"aiohttp {aiohttp.__version__}: its RequestHandler has no _no_such_name\."
    ):
        KmsMock().start()
