"""docs/terraform.md: the folder on the page works under `kms-mock run` and against `kms-mock serve`.

Terraform's provider is not in the registries that tests have, so a program sends its requests, as they were recorded of it.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from tests.support.blocks import files_beside
from tests.support.cli import get, run_command, serving
from tests.support.programs import FOLDER, load

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "terraform.md").read_text("utf-8")
FILES = files_beside("docs/terraform.md")
PROGRAM = str(FOLDER / "terraform_requests.py")
ANSWERS = "1234567890123456 acs:ram::1234567890123456:assumed-role/terraform/terraform hunter2\n"
OVERRIDE = "kms_mock_override.tf"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of the page."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def test_under_run(folder: Path) -> None:
    """Nothing in the folder is changed: the real endpoints over https, and keys from the environment."""
    command = ("run", "--fixture", "terraform.yaml", "--report", "--", sys.executable, PROGRAM, "main.tf")
    output, report = run_command(*command, folder=folder)
    assert output == ANSWERS
    assert "refused" not in report


def test_with_a_server(folder: Path) -> None:
    """With the override file of the page, but for the port; roles are assumed over https, which needs trust."""
    options = ("--port", "0", "--fixture", "terraform.yaml", "--ca-dir", "ca")
    with serving(folder, *options) as server:
        override = FILES[OVERRIDE].replace("127.0.0.1:4588", f"127.0.0.1:{server.port}")
        assert override.count(f"127.0.0.1:{server.port}") == 3
        (folder / OVERRIDE).write_text(override, "utf-8")
        authority = run_command("ca", "--ca-dir", "ca", folder=folder)[0].strip()
        program = load("terraform_requests")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SSL_CERT_FILE", str(folder / authority))
            patch.setenv("NO_PROXY", "127.0.0.1")
            found = program.main([FILES["main.tf"], override])
        calls = json.loads(get(f"{server.url}/_kms_mock/requests")[1])["requests"]
    assert " ".join(found) + "\n" == ANSWERS
    assert {call["status"] for call in calls} == {200}


def test_the_page_names_the_requests() -> None:
    """The table has every operation that the program sends."""
    text = Path(PROGRAM).read_text("utf-8")
    sent = set(re.findall(r'send\("\w+", "(\w+)"', text))
    table = PAGE[PAGE.index("| block | requests |") :]
    assert sent - set(re.findall(r"\w+", table)) == set()


def test_the_attributes_of_the_page_are_read() -> None:
    """The program's reader sees attributes and blocks within blocks."""
    program = load("terraform_requests")
    provider = program.Provider([FILES["main.tf"], FILES[OVERRIDE]])
    assert (provider.region, provider.protocol, provider.access_key) == ("cn-hangzhou", "http", "LTAI-ci")
    assert set(provider.endpoints) == {"kms", "sts", "bssopenapi"}
    assert provider.role["session_name"] == "terraform"
