"""The files of docs/examples/ fit the schemas of the tools that read them, and what they say of kms-mock is true.

Kubernetes' schemas are large: `scripts/docs` holds the manifest against them.
"""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from jsonschema.validators import validator_for

from kms_mock import KmsMock
from kms_mock.cli import main as command_line
from kms_mock.cli.init import COMPOSE
from kms_mock.cli.serve import serve
from tests.support.blocks import all_blocks, page_files

FOLDER = Path(__file__).parents[2] / "docs/examples"
FILES = sorted(path for path in FOLDER.iterdir() if path.is_file())
SCHEMAS = files("check_jsonschema") / "builtin_schemas/vendor"
# The beginning of a file's name, and the schema in check-jsonschema; "" for what is checked otherwise.
KINDS = {
    "github-actions": "github-workflows.json",
    "gitlab-ci": "gitlab-ci.json",
    "compose": "compose-spec.json",
    "kubernetes": "",  # scripts/docs
    "secrets": "",  # a fixture file
}


def kind_of(path: Path) -> str:
    """Return the beginning of a name that tells its kind."""
    return next((kind for kind in KINDS if path.name.startswith(kind)), "")


def documents(path: Path) -> list[Any]:
    return [document for document in yaml.safe_load_all(path.read_text(encoding="utf-8")) if document is not None]


def test_every_file_is_of_a_known_kind() -> None:
    """A new kind of file gets its check here; a folder holds what the file of its name needs."""
    assert [path.name for path in FILES if not kind_of(path)] == []
    assert {kind_of(path) for path in FILES} == KINDS.keys()
    folders = [path for path in FOLDER.iterdir() if path.is_dir()]
    assert [path.name for path in folders if not path.with_suffix(".yaml").is_file()] == []


def problems(schema: str, document: Any) -> list[str]:
    """Return what a schema of check-jsonschema finds wrong."""
    loaded = json.loads((SCHEMAS / schema).read_bytes())
    return [error.message for error in validator_for(loaded)(loaded).iter_errors(document)]


@pytest.mark.parametrize("path", [path for path in FILES if KINDS.get(kind_of(path))], ids=lambda path: path.name)
def test_the_file_fits_its_schema(path: Path) -> None:
    """GitHub's, GitLab's and Compose's, as check-jsonschema ships them."""
    for document in documents(path):
        # YAML 1.1 takes the key `on` for true.
        assert problems(KINDS[kind_of(path)], {("on" if key is True else key): document[key] for key in document}) == []


def test_the_compose_file_of_init_fits_its_schema() -> None:
    """What `kms-mock init --compose` writes is a compose file, too."""
    assert problems("compose-spec.json", yaml.safe_load(COMPOSE)) == []


@pytest.mark.parametrize(
    ("schema", "document"),
    [
        ("github-workflows.json", {"on": "push", "jobs": {"a": {"runs-on": "x", "stepps": []}}}),
        ("compose-spec.json", {"services": {"kms": {"imagge": "kms-mock"}}}),
        ("gitlab-ci.json", {"run": {"script": 1}}),
    ],
)
def test_a_wrong_file_does_not_fit(schema: str, document: Any) -> None:
    """The schemas see a misspelled key, or a wrong type."""
    assert problems(schema, document)


def test_the_fixture_files_load() -> None:
    """secrets.yaml, and the same in the manifest's ConfigMap."""
    assert KmsMock([FOLDER / "secrets.yaml"]).snapshot()["accounts"]
    maps = [document for document in documents(FOLDER / "kubernetes.yaml") if document["kind"] == "ConfigMap"]
    assert [text for found in maps for text in found["data"].values()] == [(FOLDER / "secrets.yaml").read_text()]


def test_every_variable_and_command_exists() -> None:
    """`KMS_MOCK_…` is the variable of an option of `serve`; `kms-mock NAME` a command."""
    variables = {option.envvar for option in serve.params}
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert set(re.findall(r"^\s+(?:- \{name: )?(KMS_MOCK_\w+)", text, re.MULTILINE)) <= variables, path.name
        named = set(re.findall(r"kms-mock (?!tests)([a-z]+)\b(?!:)", text))
        assert named <= {*command_line.list_commands(click.Context(command_line)), "would"}, path.name


def test_every_file_is_on_a_page() -> None:
    """Shown, whole or in part, or named."""
    shown = {Path(block.text).name for block in all_blocks() if block.note == "from"}
    named = "".join(page.read_text(encoding="utf-8") for page in page_files())
    hidden = [path.name for path in FILES if path.name not in shown and f"examples/{path.name}" not in named]
    assert hidden == []
