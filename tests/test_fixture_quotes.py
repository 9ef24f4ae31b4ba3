"""Values that YAML does not take for the string that was meant: the error says that they need quotes, and quotes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from kms_mock import KmsMock
from kms_mock.fixtures import FixtureError, yaml_files
from tests.support.fixture_files import PLANTED, refused_file

BLOCK = "secrets:\n- name: db\n  value: {}\n- name: c\n"
FLOW = "secrets:\n- {name: db, value: {}}\n"
QUOTES = "; put the value in quotes if it is a string"
EMPTY = 'the value is empty (null): write "" for an empty string, and put one that begins with # or & in quotes'


def refused_load(file: Path) -> FixtureError:
    """Load a file; return the error that this ends in."""
    with pytest.raises(FixtureError) as caught:
        KmsMock([file])
    return caught.value


@pytest.mark.parametrize("fixed_messages", [True, False], ids=["libyaml", "PyYAML"])
@pytest.mark.parametrize("form", [BLOCK, FLOW], ids=["block", "flow"])
@pytest.mark.parametrize("value", ["@x", "%x", "`x", "x: y", "x y: z", "x:", "- x", "? x", "| x", ">x", "]x", "*x*"])
def test_a_value_that_is_no_yaml_needs_quotes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, form: str, fixed_messages: bool
) -> None:
    """Where the parser stops in what follows `key: `, with the C library and without; the place is that line."""
    if not fixed_messages:
        monkeypatch.setattr(yaml_files, "_Loader", yaml.SafeLoader)
        monkeypatch.setattr(yaml_files, "_FIXED_MESSAGES", False)
    error = refused_file(tmp_path, form.replace("{}", value.replace("x", PLANTED)))
    assert error.problem.startswith("not YAML")
    assert error.problem.endswith(QUOTES)
    assert error.line == (3 if form is BLOCK else 2)


@pytest.mark.parametrize("value", ["[x", "{x"])
def test_a_bracket_that_opens_a_secret_value_needs_quotes(tmp_path: Path, value: str) -> None:
    """The parser stops on a later line and names where the bracket is."""
    assert refused_file(tmp_path, BLOCK.replace("{}", value.replace("x", PLANTED))).problem.endswith(QUOTES)


@pytest.mark.parametrize(
    "text",
    [
        "secrets: [\n",
        "secrets:\n- name: db\n   value: x\n",
        "secrets:\n\t- name: db\n",
        BLOCK.replace("{}", "'it's'"),
        BLOCK.replace("{}", '"x" y'),
        BLOCK.replace("{}", '"x: y" z'),
    ],
)
def test_other_mistakes_of_form_say_nothing_of_quotes(tmp_path: Path, text: str) -> None:
    """A wrong indentation, a tab, a list without an end, and what is in quotes already."""
    problem = refused_file(tmp_path, text).problem
    assert problem.startswith("not YAML")
    assert "in quotes" not in problem


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ('{"hunter2": 1}', "expected a string, got a mapping: a JSON text goes in quotes, as '…'"),
        ('["hunter2"]', "expected a string, got a list: a JSON text goes in quotes, as '…'"),
        ("{{hunter2}}", "expected a string as a key, got a mapping or list: put a text like {{x}} in quotes"),
        (",hunter2", "unknown field without a value (known are "),
        ("x, hunter2", "unknown field without a value (known are "),
    ],
)
def test_a_value_that_is_another_thing_in_yaml_needs_quotes(tmp_path: Path, value: str, problem: str) -> None:
    """A mapping, a list, a template, a comma within braces: what the value became is not shown."""
    error = refused_file(tmp_path, FLOW.replace("{}", value))
    assert error.problem.startswith(problem)
    assert "in quotes" in error.problem


@pytest.mark.parametrize("value", ["", "~", "null", "&hunter2", "#hunter2"])
@pytest.mark.parametrize("field", ["value", "versions:\n  - id: v1\n    stages: [ACSCurrent]\n    data"])
def test_an_empty_value_is_named_as_such(tmp_path: Path, field: str, value: str) -> None:
    """YAML makes null of nothing, of an anchor and of a comment; the error points at the value."""
    file = tmp_path / "a.yaml"
    file.write_text(f"secrets:\n- name: db\n  {field}: {value}\n")
    error = refused_load(file)
    assert (error.line, error.problem) == (3 + field.count("\n"), EMPTY)
    assert error.path.endswith((".value", ".data"))
    assert PLANTED not in str(error)


def test_an_empty_value_in_json_is_named_as_such(tmp_path: Path) -> None:
    """There it is null; an entry without the field has neither."""
    file = tmp_path / "a.json"
    file.write_text(
        json.dumps({"accounts": [{"id": "1", "regions": [{"id": "cn-x", "secrets": [{"name": "db", "value": None}]}]}]})
    )
    error = refused_load(file)
    assert (error.path, error.problem) == ("$.accounts[0].regions[0].secrets[0].value", EMPTY)
    file.write_text(json.dumps({"secrets": [{"name": "db"}]}))
    assert refused_load(file).problem == "expected either value or versions, got neither"


def test_an_error_about_the_whole_file_names_no_path(tmp_path: Path) -> None:
    """`$` tells nobody anything; `path` has it all the same."""
    error = refused_load(tmp_path / "none.yaml")
    assert str(error) == f"{tmp_path / 'none.yaml'}: cannot be read: No such file or directory"
    assert error.path == "$"
