"""The files around the image: the compose example and its application, the page of the command line."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from kms_mock.cli import COMMANDS, main
from tests.support.cli import CLEAN, PATIENCE, run_command, serving

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs/examples"
PAGE = (ROOT / "docs/command-line.md").read_text("utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


def test_the_compose_example() -> None:
    """The application waits for the server's health; everything that it mounts is there."""
    services = yaml.safe_load((EXAMPLES / "compose.yaml").read_text("utf-8"))["services"]
    assert services["app"]["depends_on"] == {"kms": {"condition": "service_healthy"}}
    assert services["kms"]["read_only"] is True
    assert (EXAMPLES / services["kms"]["build"] / "Dockerfile").exists()
    for service in services.values():
        for volume in service["volumes"]:
            assert (EXAMPLES / volume.partition(":")[0]).exists(), volume


def test_the_application_of_the_compose_example(tmp_path: Path) -> None:
    """It works with a server that has its fixture files, and finds it by the name in its environment."""
    with serving(tmp_path, "--port", "0", "--fixture", str(EXAMPLES / "compose/fixtures")) as server:
        for _ in range(2):  # the reset lets it run again
            done = subprocess.run(
                [sys.executable, EXAMPLES / "compose/app.py"],
                env={**CLEAN, "KMS_ENDPOINT": f"localhost:{server.port}", "NO_PROXY": "*"},
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
            assert done.stdout == f"the application works with localhost:{server.port}\n", done.stderr


def test_the_image_s_settings_are_options() -> None:
    """Each KMS_MOCK_ variable of the Dockerfile is that of an option of `serve`; what it copies is there."""
    helped = run_command("serve", "--help")[0]
    variables = re.findall(r"\b(KMS_MOCK_\w+)=", DOCKERFILE)
    assert len(variables) >= 4
    for variable in variables:
        assert variable in helped
    ignore = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert f"!{source}" in ignore, source


def commands_by_path(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{path}{name}", command
        if isinstance(command, click.Group):
            yield from commands_by_path(command, f"{path}{name} ")


@pytest.mark.parametrize("name", [name for listed in COMMANDS.values() for name in listed])
def test_the_page_names_every_command(name: str) -> None:
    """Each command is in a table of the page, by the name that it has itself."""
    assert f"| `{name}` | " in PAGE
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.name == name


def test_the_commands_of_the_page_exist() -> None:
    """Each `kms-mock …` in a block is a command with options that it has."""
    known = dict(commands_by_path(main))
    lines = [
        line.removeprefix("kms-mock ")
        for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
        if line.startswith("kms-mock ")
    ]
    assert len(lines) >= 10
    for line in lines:
        name = max((name for name in known if f"{line} ".startswith(f"{name} ")), key=len)
        options = {
            option for parameter in known[name].get_params(click.Context(known[name])) for option in parameter.opts
        }
        options |= {
            option
            for parameter in known[name].get_params(click.Context(known[name]))
            for option in parameter.secondary_opts
        }
        assert set(re.findall(r"(?<= )--[a-z-]+", line)) <= options, line
