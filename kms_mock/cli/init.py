"""The command `init`: the first files of a project that tests with the mock."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import click

from kms_mock.cli.files import PATTERNS
from kms_mock.cli.help import Command
from kms_mock.config import DEFAULT_PORT

FIXTURE = """\
# What the mock starts with. `kms-mock validate kms-mock.yaml` checks it, `kms-mock docs` lists what to read.
secrets:
  - name: app/database-url
    value: postgres://app:hunter2@db.internal/app

keys:
  - id: 11111111-2222-4333-8444-555555555555
    aliases: [alias/app]
"""
CONFTEST = '''\
"""Every test's mock KMS starts with kms-mock.yaml."""

from pathlib import Path

import pytest

FIXTURE = Path(__file__).with_name("kms-mock.yaml")


@pytest.fixture
def kms_mock_options(kms_mock_options):
    return {**kms_mock_options, "fixtures": [FIXTURE, *kms_mock_options["fixtures"]]}
'''
COMPOSE = f"""\
# Build the image once, in a checkout of kms-mock: docker build -t kms-mock .
services:
  kms:
    image: kms-mock
    read_only: true
    ports: ["127.0.0.1:{DEFAULT_PORT}:{DEFAULT_PORT}"]
    volumes: ["./kms-mock.yaml:/fixtures/kms-mock.yaml:ro"]
    environment:
      KMS_MOCK_FIXTURE: /fixtures/kms-mock.yaml
"""


class _Step(NamedTuple):
    """One thing that `init` can do: its option, the question about it, the files that it writes."""

    option: str
    question: str
    files: dict[str, str]


_STEPS = (
    _Step("fixture", "a fixture file with a secret and a key", {"kms-mock.yaml": FIXTURE}),
    _Step("conftest", "a conftest.py that lets every test start with it", {"conftest.py": CONFTEST}),
    _Step("compose", "a compose file with the mock as a service", {"compose.yaml": COMPOSE}),
    _Step("editor", "settings of VS Code that check and complete fixture files", {}),
)


def _choices(command: Callable[..., None]) -> Callable[..., None]:
    for step in reversed(_STEPS):
        command = click.option(f"--{step.option}/--no-{step.option}", default=None, help=f"Write {step.question}.")(
            command
        )
    return command


@click.command(cls=Command, examples=["kms-mock init", "kms-mock init --fixture --conftest tests"])
@_choices
@click.argument("folder", default=".", type=click.Path(path_type=Path, file_okay=False))
def init(folder: Path, **choices: bool | None) -> None:
    """Write the first files of a project with tests.

    What is there already stays as it is. Without options it asks; where it cannot ask it writes the fixture file and conftest.py.
    """
    chosen = _ask() if set(choices.values()) == {None} else {name for name, choice in choices.items() if choice}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for line in _write(folder, chosen):
            click.echo(line)
    except OSError as error:
        raise click.ClickException(f"cannot write {error.filename}: {error.strerror}") from error


def _ask() -> set[str]:
    if not sys.stdin.isatty():
        return {"fixture", "conftest"}
    return {
        step.option for step in _STEPS if click.confirm(f"Write {step.question}?", default=step.option != "compose")
    }


def _write(folder: Path, chosen: set[str]) -> Iterator[str]:
    """Write what was chosen; yield a line about each file."""
    for step in _STEPS:
        if step.option not in chosen:
            continue
        for name, text in step.files.items():
            path = folder / name
            try:
                with path.open("x", encoding="utf-8") as file:
                    file.write(text)
            except FileExistsError:
                yield f"{path} is there already: it stays as it is"
            else:
                yield f"wrote {path}"
    if "editor" in chosen:
        yield from _wire_editor(folder)


def _wire_editor(folder: Path) -> Iterator[str]:
    from kms_mock.cli import editor  # noqa: PLC0415 (--help must not wait for it)

    if (folder / editor.SETTINGS).exists():
        yield f"{folder / editor.SETTINGS} is there already: `kms-mock schema --vscode` adds the schema to it"
        return
    for path in editor.wire_vscode(folder, PATTERNS):
        yield f"wrote {path}"
