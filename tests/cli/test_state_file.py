"""`kms-mock state --export` and `--import`, `serve --state`, `run --state`: the state file from the command line."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from tests.support.cli import SECRET_VALUE, control, plain_call, run_command, secret_names, serving


@pytest.mark.parametrize("name", ["out.yaml", "out.json"])
def test_to_a_fixture_file_and_back(files: Path, tmp_path: Path, name: str) -> None:
    """What a server left is exported with its values, for its owner alone, and makes an equal file and an equal server."""
    state, twin, out = tmp_path / "state.db", tmp_path / "twin.db", tmp_path / name
    with serving(files, "--port", "0", "--fixture", "one.yaml", "--state", str(state)) as server:
        plain_call(server.url, "CreateSecret", SecretName="new", VersionId="v1", SecretData="made here")
    run_command("state", "--state", str(state), "--export", str(out))
    assert SECRET_VALUE in out.read_text()
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    run_command("validate", str(out))
    run_command("state", "--state", str(twin), "--import", str(out))
    exports = [run_command("state", "--state", str(file), "--export", "-")[0] for file in (state, twin)]
    assert json.loads(exports[0]) == json.loads(exports[1])
    with serving(files, "--port", "0", "--state", str(twin)) as server:
        assert secret_names(server.url) == ["db", "new"]
        assert json.loads(plain_call(server.url, "GetSecretValue", SecretName="new")[1])["SecretData"] == "made here"


def test_with_a_passphrase(files: Path, tmp_path: Path) -> None:
    """The same options as `serve` has; by environment variables too."""
    state, passphrase = tmp_path / "state.db", tmp_path / "passphrase"
    passphrase.write_text("correct horse\n")
    options = ("--state", str(state), "--state-passphrase-file", str(passphrase))
    run_command("state", *options, "--import", str(files / "one.yaml"))
    variables = {"KMS_MOCK_STATE": str(state), "KMS_MOCK_STATE_PASSPHRASE_FILE": str(passphrase)}
    assert SECRET_VALUE in run_command("state", "--export", "-", environment=variables)[0]
    with serving(files, "--port", "0", environment=variables) as server:
        assert secret_names(server.url) == ["db"]
    assert "is sealed" in run_command("state", "--state", str(state), "--export", "-", code=1)[1]


def test_what_is_refused(files: Path, tmp_path: Path) -> None:
    """No file to export, a file that an import would overwrite, a wrong fixture file, no file named, both at once."""
    state = tmp_path / "state.db"
    one = str(files / "one.yaml")
    assert "there is no state file" in run_command("state", "--state", str(state), "--export", "-", code=1)[1]
    assert run_command("state", "--state", str(state), "--import", str(files / "wrong.yaml"), code=1)[1]
    assert not state.exists()
    run_command("state", "--state", str(state), "--import", one)
    before = state.read_bytes()
    assert "exists" in run_command("state", "--state", str(state), "--import", one, code=1)[1]
    assert state.read_bytes() == before
    assert "--state" in run_command("state", "--export", "-", code=2)[1]
    assert "either" in run_command("state", "--state", str(state), "--export", "-", "--import", one, code=2)[1]
    wrong = ("state", "--state", str(state), "--account", "x", "--export", "-")
    assert "is not an account" in run_command(*wrong, code=2)[1]
    nowhere = run_command("state", "--state", str(state), "--export", str(tmp_path / "no" / "out.json"), code=1)[1]
    assert "cannot write" in nowhere


def test_a_server_in_use_is_not_exported(files: Path, tmp_path: Path) -> None:
    """Ask the server instead; the plain command still does, whether a state file is named or not."""
    state = str(tmp_path / "state.db")
    with serving(files, "--port", "0", "--fixture", "one.yaml", "--state", state) as server:
        assert "in use" in run_command("state", "--state", state, "--export", "-", code=1)[1]
        assert control(server, "state", "--state", state)["accounts"]


def test_run_has_a_state_too(files: Path, tmp_path: Path) -> None:
    """`kms-mock run --state`: what one program did is there for the next one."""
    state = tmp_path / "state.db"
    run_command("run", "--state", str(state), "--fixture", str(files / "one.yaml"), "--", "true")
    assert SECRET_VALUE in run_command("state", "--state", str(state), "--export", "-")[0]
    state.write_text("something else")
    assert "is no state file" in run_command("run", "--state", str(state), "--", "true", code=1)[1]
