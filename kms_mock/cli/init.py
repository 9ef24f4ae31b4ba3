"""The command `init`: the first files of a project that tests with the mock."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import click

from kms_mock.cli.files import PATTERNS
from kms_mock.cli.help import Command
from kms_mock.defaults import DEFAULT_PORT

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

  app:
    # Your application: put its image, or `build: .`, and its command in place of these, which read a secret and end.
    image: python:3.13-slim
    depends_on:
      kms: {{condition: service_healthy}}
    environment:
      KMS_ENDPOINT: kms:{DEFAULT_PORT} # the endpoint of your client; its protocol is http
      ALIBABA_CLOUD_ACCESS_KEY_ID: mock
      ALIBABA_CLOUD_ACCESS_KEY_SECRET: mock
    command:
      - python
      - -c
      - |
        import os, urllib.request
        query = "Action=GetSecretValue&Version=2016-01-20&SecretName=app/database-url"
        url = "http://" + os.environ["KMS_ENDPOINT"] + "/?" + query
        print(urllib.request.urlopen(url).read().decode())
"""


class _Step(NamedTuple):
    """One thing that `init` can do: its option, the question about it, the files that it writes, what to do then."""

    option: str
    question: str
    files: dict[str, str]
    next_step: str


_FIXTURE_FILE = {"kms-mock.yaml": FIXTURE}  # conftest.py and compose.yaml name it, so they come with it
_STEPS = (
    _Step(
        "fixture",
        "a fixture file with a secret and a key",
        _FIXTURE_FILE,
        "now run a program with it: kms-mock run --fixture {folder}kms-mock.yaml -- COMMAND",
    ),
    _Step(
        "conftest",
        "a conftest.py that lets every test start with the fixture file",
        {**_FIXTURE_FILE, "conftest.py": CONFTEST},
        "now write a test that asks for `kms_mock`: def test_it(kms_mock): ... (kms-mock docs tutorial shows how)",
    ),
    _Step(
        "compose",
        "a compose file with the mock and an application that waits for it",
        {**_FIXTURE_FILE, "compose.yaml": COMPOSE},
        "now put your application into {folder}compose.yaml; it works as it is, too: "
        "docker compose -f {folder}compose.yaml up --exit-code-from app",
    ),
    _Step(
        "editor",
        "settings of VS Code that check and complete fixture files",
        {},
        "now open {folder}kms-mock.yaml in VS Code, with its YAML extension",
    ),
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
    conftest.py and the compose file come with the fixture file. The last lines say what to do next.
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
    """Write what was chosen; yield a line about each file, then a line for each choice that says what to do next."""
    steps = [step for step in _STEPS if step.option in chosen]
    files = {name: text for step in steps for name, text in step.files.items()}
    for name, text in files.items():
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
    for step in steps:
        yield step.next_step.format(folder=f"{folder}/" if folder != Path() else "")
    if not steps:
        yield "nothing was chosen: kms-mock init --help lists what it can write"


def _wire_editor(folder: Path) -> Iterator[str]:
    from kms_mock.cli import editor  # noqa: PLC0415 (--help must not wait for it)

    if (folder / editor.SETTINGS).exists():
        yield f"{folder / editor.SETTINGS} is there already: `kms-mock schema --vscode` adds the schema to it"
        return
    for path in editor.wire_vscode(folder, PATTERNS):
        yield f"wrote {path}"
