"""The contract cases: read from the YAML files beside this module, tables of them spelled out."""

from __future__ import annotations

import itertools
from functools import cache
from importlib.resources import files
from string import Template
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta, Struct

from kms_mock.fixtures import yaml_files
from kms_mock.kms import API
from kms_mock.parity.results import Certainty

Resource: TypeAlias = str  # a name in runner.PROVIDERS: "secret", "alias" or a kind of key


class Refusal(Struct, frozen=True, forbid_unknown_fields=True):
    """What refuses a call: HTTP status, code and text; a missing text is whatever the mock has."""

    status: int
    code: str
    text: str | None = None


class Step(Struct, frozen=True, forbid_unknown_fields=True):
    """One call. It returns an answer with at least these fields, or is refused.

    In `parameters` and `returns`, `$name` stands for a variable. In `returns`, `<any>`, `<time>`, `<uuid>` and `<base64>`
    stand for what has that form, `<absent>` for a field that is not there. `keep` names fields of the answer, by paths
    with dots, that later steps use as variables.
    """

    call: str
    parameters: dict[str, str] = {}
    returns: dict[str, Any] = {}
    refused: Refusal | None = None
    keep: dict[str, str] = {}


class Case(Struct, frozen=True, forbid_unknown_fields=True):
    """One rule. `given` are the resources that it needs; `inferred` is the sentence of the registry that it settles."""

    id: Annotated[str, Meta(pattern="^[a-z0-9-]+$")]
    rule: str
    source: str
    certainty: Certainty
    steps: Annotated[list[Step], Meta(min_length=1)]
    given: list[Resource] = []
    inferred: str | None = None

    @property
    def operations(self) -> tuple[str, ...]:
        """The operations that the case is about: those of its steps, the last one first."""
        return tuple(dict.fromkeys(step.call for step in reversed(self.steps)))


class _Table(Struct, frozen=True, forbid_unknown_fields=True):
    """Cases that differ in a few words: one for each combination of the rows of `each`."""

    case: dict[str, Any]
    each: list[list[dict[str, str]]]


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    cases: list[dict[str, Any]] = []
    tables: list[_Table] = []


@cache
def all_cases() -> tuple[Case, ...]:
    """Return the cases of all files, by file and in their order there. Raises ValueError for an id that is taken."""
    found: dict[str, Case] = {}
    for file in sorted(files(__package__).joinpath("cases").iterdir(), key=lambda file: file.name):
        for case in _read(file.name, file.read_text(encoding="utf-8")):
            if case.id in found:
                raise ValueError(f"{file.name}: the case {case.id} is there twice")
            found[case.id] = case
    return tuple(found.values())


def _read(name: str, text: str) -> list[Case]:
    document = msgspec.convert(yaml_files.parse(name, text), _File)
    trees = [*document.cases]
    for table in document.tables:
        for rows in itertools.product(*table.each):
            variables = {key: value for row in rows for key, value in row.items()}
            trees.append(_fitted(substituted(table.case, variables)))
    return [msgspec.convert(tree, Case, strict=False) for tree in trees]


def _fitted(case: dict[str, Any]) -> dict[str, Any]:
    """Leave out the parameters that an operation does not have: the rows of a table are about several operations."""
    steps = []
    for step in case["steps"]:
        known = API.operations[step["call"]].by_name
        given = step.get("parameters", {})
        steps.append({**step, "parameters": {name: given[name] for name in given if name in known}})
    return {**case, "steps": steps}


def substituted(tree: Any, variables: dict[str, str]) -> Any:
    """Return a document with `$name` replaced, also in its keys; names that are not known stay."""
    if isinstance(tree, dict):
        return {substituted(key, variables): substituted(value, variables) for key, value in tree.items()}
    if isinstance(tree, list):
        return [substituted(item, variables) for item in tree]
    return Template(tree).safe_substitute(variables) if isinstance(tree, str) else tree
