"""How much a fixture file may hold: values, depth, size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kms_mock import fixtures
from kms_mock.control.faults import FaultSpec
from kms_mock.fixtures import FixtureError, limits, reader
from tests.support.fixture_files import file_tree, refused_file

LEVELS = "abcdefghi"
LIST_BOMB = "z: &z [lol, lol]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("z" + LEVELS, LEVELS + "j", strict=True)
)
MAPPING_BOMB = "z: &z {k: v}\n" + "".join(
    f"{name}: &{name} {{" + ", ".join(f"{letter}: *{before}" for letter in "pqrstuvwx") + "}\n"
    for before, name in zip("z" + LEVELS, LEVELS + "j", strict=True)
)
MERGE_BOMB = "b: &b {" + ", ".join(f"k{n}: 1" for n in range(3000)) + "}\nx:\n" + "- <<: *b\n" * 3000
MERGE_LIST_BOMB = "b: &b {" + ", ".join(f"k{n}: 1" for n in range(3000)) + "}\nx: {<<: [" + "*b, " * 3000 + "]}\n"


@pytest.mark.parametrize("text", [LIST_BOMB, MAPPING_BOMB, MERGE_BOMB, MERGE_LIST_BOMB])
def test_aliases_and_merges_are_counted_where_they_are_used(tmp_path: Path, text: str) -> None:
    """753 bytes of aliases stand for 10^9 values: they are refused before anything of that size is made."""
    error = refused_file(tmp_path, text)
    assert error.problem == limits.TOO_MANY
    assert error.line is not None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", '{"a": ["x", "x", 1]}'),
        ("a.yaml", "a: [x, x, 1]"),
        ("a.yaml", "a: [&x x, *x, 1]"),
        ("a.yaml", "a: [{<<: {b: 1}}]"),
    ],
)
def test_the_count_of_values_is_exact(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, text: str) -> None:
    """As many values as the limit pass, one more does not, whatever they are and wherever they come from."""
    monkeypatch.setattr(limits, "MAX_VALUES", 5)
    document = file_tree(tmp_path, text, name)
    assert reader.read(document).tree == document
    monkeypatch.setattr(limits, "MAX_VALUES", 3)
    assert refused_file(tmp_path, text, name).problem == limits.TOO_MANY


@pytest.mark.parametrize("depth", [limits.MAX_DEPTH, limits.MAX_DEPTH + 1, 500, 5000, 100_000])
@pytest.mark.parametrize("name", ["a.json", "a.yaml"])
def test_depth_has_a_limit(tmp_path: Path, name: str, depth: int) -> None:
    """64 lists in each other can be read; 65, 500 and 100,000 are refused in the same words."""
    text = "[" * depth + "]" * depth
    if depth <= limits.MAX_DEPTH:
        assert isinstance(file_tree(tmp_path, text, name), list)
    else:
        problem = refused_file(tmp_path, text, name).problem
        # libyaml has a limit of its own, which it comes upon when it looks ahead.
        assert problem == limits.TOO_DEEP or (depth > 500 and name == "a.yaml" and "not YAML" in problem)


def test_depth_made_of_aliases_has_the_same_limit(tmp_path: Path) -> None:
    """Lists that are nested by way of aliases count as what they stand for."""
    text = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 200))
    assert refused_file(tmp_path, text).problem == limits.TOO_DEEP


def test_documents_of_python_have_the_same_limits() -> None:
    """A list that contains itself, an endless float and a number of 100 digits in a document end in an error."""
    endless: list[Any] = []
    endless.append(endless)
    config = {"name": "db", "value": "x", "extended_config": {"a": endless}}
    for document, path, problem in (
        ({"secrets": endless}, "$", limits.TOO_DEEP),
        ({"secrets": [config]}, "$", limits.TOO_DEEP),
        ({"secrets": [{"extended_config": {"a": float("nan")}}]}, "$.secrets[0].extended_config.a", limits.BAD_NUMBER),
        ({"instances": [{"max_keys": 10**100}]}, "$.instances[0].max_keys", limits.BAD_NUMBER),
        ({"secrets": {float("inf")}}, "$", limits.BAD_NUMBER),  # in a set nothing has a place
        ({"secrets": [{("a", "b"): 1}]}, "$.secrets[0]", "expected a string as a key"),
    ):
        with pytest.raises(FixtureError) as caught:
            fixtures.read(document)
        assert (caught.value.path, caught.value.problem) == (path, problem)


def test_a_text_has_a_size(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file above the limit is refused after that many bytes, by YAML, JSON and the body of a request."""
    monkeypatch.setattr(limits, "MAX_BYTES", 20)
    assert "20 bytes" in refused_file(tmp_path, "a" * 21).problem
    assert "20 bytes" in refused_file(tmp_path, "1" * 21, "a.json").problem
    with pytest.raises(FixtureError, match="20 bytes"):
        reader.read_json(b" " * 21, FaultSpec)
    assert file_tree(tmp_path, "a" * 20) == "a" * 20


def test_many_tag_directives_are_refused(tmp_path: Path) -> None:
    """To libyaml each %TAG is one to compare with all others: 1 MB of them would take 10 seconds."""
    text = "".join(f"%TAG !a{n}! tag:x\n" for n in range(50_000)) + "---\na: 1\n"
    assert "tag directives" in refused_file(tmp_path, text).problem
