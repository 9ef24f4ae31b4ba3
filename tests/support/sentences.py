"""The sentences with which the edges of the package refuse something, read from its source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).parents[2] / "kms_mock"
# What refuses any request before an operation sees it: its reasons are sentences, too.
_REFUSALS = (
    "rpc/authentication.py",
    "rpc/decode.py",
    "rpc/gateway.py",
    "rpc/signature.py",
    "rpc/signed_request.py",
)
# What a user meets besides the API's own errors: command line, fixture files, control API, state file, TLS, proxy,
# interception. Of the products only what makes tokens for tests.
_EDGES = (
    "*.py",
    "cli/*.py",
    "control/*.py",
    "fixtures/*.py",
    "identity/*.py",
    "importing/*.py",
    "parity/*.py",
    "persistence/*.py",
    "reach/*.py",
    *_REFUSALS,
    "server/*.py",
    "store/times.py",
    "sts/oidc.py",
)
_ERRORS = re.compile(
    r"^(?:[A-Z]\w*(?:Error|Exception|Problem|Parameter)|Problem|NotMockedError|fail|_refuse|_error|refusal)$"
)
_REFUSAL = re.compile(r"^[A-Z]+(?:_[A-Z]+)+$")  # an error of the API
# Modules that return their sentences, or keep them in constants.
_PLAIN = (
    "fixtures/limits.py",
    "identity/decisions.py",
    "identity/policies.py",
    "reach/hosts.py",
    "rpc/authentication.py",
    "rpc/signature.py",
    "rpc/signed_request.py",
    "server/guards.py",
    "server/hosts.py",
    "server/proxy.py",
)
# Python's own, for the log, for developers.
_NOT_MET = (
    "module 'kms_mock' has no attribute …",
    "the client has disconnected",
    "the last attempt returns or raises",
    "…: the case … is there twice",
    "….… has no description: write a string below it",
    "Verification(…, matches=…)",
    # Pieces of sentences.
    "The header x-acs-date",
    "The parameter Timestamp",
    "statement … of …",
    "unknown_access_keys: refuse and",
    "… and … characters more",
    "…; it would take ….",
)
_LEAST = 12  # characters of a sentence


class Sentence(NamedTuple):
    """One text; `…` stands for what differs from time to time."""

    place: str
    text: str


def edge_sentences() -> Iterator[Sentence]:
    """Yield the sentences of errors that are raised, returned or reported at the edges."""
    for pattern in _EDGES:
        for path in sorted(PACKAGE.glob(pattern)):
            name = path.relative_to(PACKAGE).as_posix()
            tree = ast.parse(path.read_text(encoding="utf-8"))
            constants = {
                target.id: node.value
                for node in tree.body
                if isinstance(node, ast.Assign)
                for target in node.targets
                if isinstance(target, ast.Name)
            }
            for node in ast.walk(tree):
                for expression in _expressions(node, name):
                    for text in _texts(expression, constants):
                        if len(text.replace("…", "").strip()) >= _LEAST and text not in _NOT_MET:
                            yield Sentence(f"kms_mock/{name}:{expression.lineno}", text)


def _expressions(node: ast.AST, module: str) -> list[ast.expr]:
    """Return the expressions of a node that may be sentences."""
    if isinstance(node, ast.Call) and _ERRORS.match(_name(node.func)):
        return node.args
    if isinstance(node, ast.Call) and module in _REFUSALS and _REFUSAL.match(_name(node.func)):
        return node.args
    if module in _PLAIN and isinstance(node, ast.Return | ast.Assign) and node.value is not None:
        return [node.value]
    return []


def _name(function: ast.expr) -> str:
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def _texts(node: ast.expr, constants: dict[str, ast.expr]) -> Iterator[str]:
    """Yield the texts that an expression can be; `constants` are those of its module."""
    if isinstance(node, ast.Name) and node.id in constants:
        node = constants[node.id]
    if isinstance(node, ast.IfExp):
        yield from _texts(node.body, constants)
        yield from _texts(node.orelse, constants)
    elif isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp):
        text = _template(node)
        if " " in text.strip("… "):
            yield re.sub(r"…+", "…", text).strip()


def _template(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else "…"
    if isinstance(node, ast.JoinedStr):
        return "".join(_template(part) for part in node.values)
    if isinstance(node, ast.BinOp):
        return _template(node.left) + _template(node.right)
    return "…"
