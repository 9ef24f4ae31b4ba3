"""`kms-mock env --unset`: the way back from `eval "$(kms-mock env)"`."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli import CLEAN, COMMAND, run_command, serving

# What a user has before, and keeps.
PATHS = [CLEAN["PYTHONPATH"]] if "PYTHONPATH" in CLEAN else []
KEPT = {"PYTHONPATH": os.pathsep.join([*PATHS, "/a"]), "NODE_OPTIONS": "--no-warnings", "JAVA_TOOL_OPTIONS": "-Da=b"}
ENV = f"{shlex.quote(COMMAND)} env"
PRINT = f"{shlex.quote(sys.executable)} -c 'import json, os; print(json.dumps(dict(os.environ)))'"


def changed(command: str, environment: dict[str, str]) -> dict[str, str]:
    """Return the environment of a shell after it evaluated what a command prints."""
    script = f'eval "$({command})"\n{PRINT}'
    done = subprocess.run(
        ["sh", "-ec", script], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("kept", [{}, KEPT], ids=["nothing before", "options before"])
def test_a_shell_is_as_before_when_the_server_has_ended(kept: dict[str, str], tmp_path: Path) -> None:
    """Every program of the shell failed with ProxyError; lists of options keep what was in them."""
    needed: dict[str, str] = {name: CLEAN[name] for name in ("PATH", "PYTHONPATH") if name in CLEAN}
    before = changed("true", {**needed, **kept})
    with serving(tmp_path, "--port", "0", "--ca-dir", str(tmp_path / "ca")) as server:
        folder = shlex.quote(str(tmp_path / "a b"))
        found = changed(f"{ENV} --url {server.url} --dir {folder}", before)
        assert found["HTTPS_PROXY"] == server.url
    assert {name for name in found if found[name] != before.get(name)} > set(KEPT)
    assert changed(f"{ENV} --unset", found) == before


def test_the_formats_that_can_unset(tmp_path: Path) -> None:
    """PowerShell and JSON too; the others refuse in words, and so does a shell that has nothing of it."""
    environment = {"KMS_MOCK_URL": "http://127.0.0.1:1", "KMS_MOCK_CA_FILE": str(tmp_path / "ca.pem")}
    options = ("env", "--unset", "--format")
    told = run_command(*options, "powershell", environment=environment)[0]
    assert "Remove-Item Env:HTTPS_PROXY -ErrorAction SilentlyContinue\n" in told
    found = json.loads(run_command(*options, "json", environment=environment)[0])
    assert found["KMS_MOCK_URL"] is found["HTTPS_PROXY"] is None
    assert "ALIBABA_CLOUD_SECURITY_TOKEN" not in found  # of what it did not set it knows nothing
    for form in ("dotenv", "github", "compose"):
        problem = run_command(*options, form, environment=environment, code=2)[1]
        assert f"the format {form} cannot unset a variable: take export, powershell, json" in problem
    environment.pop("KMS_MOCK_CA_FILE")
    out, problem = run_command("env", "--unset", environment=environment, code=1)
    assert (out, problem) == ("", "Error: there is nothing to take back: KMS_MOCK_CA_FILE is not set here\n")


def test_a_list_that_was_added_to_since(tmp_path: Path) -> None:
    """What stands on both sides stays, with one separator."""
    environment = {"KMS_MOCK_URL": "http://127.0.0.1:1", "KMS_MOCK_CA_FILE": str(tmp_path / "ca.pem")}
    path = os.pathsep.join(["/first", str(tmp_path / "python"), "/last"])
    found = json.loads(
        run_command("env", "--unset", "--format", "json", environment={**environment, "PYTHONPATH": path})[0]
    )
    assert found["PYTHONPATH"] == os.pathsep.join(["/first", "/last"])
