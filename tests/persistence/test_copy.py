"""A copy of a state file by `kms-mock state --export` and `--import` holds what the first one holds."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from kms_mock import KmsMock
from kms_mock.cli import main
from tests.support.secrets import put, stages, value


def run_state(*arguments: str | Path) -> str:
    """Run `kms-mock state` in this process, which is cheaper than one of its own; return its output."""
    ended = CliRunner().invoke(main, ["state", *map(str, arguments)])
    assert ended.exit_code == 0, ended.output
    return ended.stdout


def test_a_copy_holds_the_secret(tmp_path: Path) -> None:
    """`db/password` has its value, versions and stages in the copy, and the copy is exported as the first file was."""
    state, copy, backup = tmp_path / "state.db", tmp_path / "copy.db", tmp_path / "backup.yaml"
    with KmsMock(
        {"secrets": [{"name": "db/password", "value": "of the fixture"}], "keys": [{"id": "k"}]}, state=state
    ) as kms:
        put(kms.client(), "second", "of a request", name="db/password")
    run_state("--state", state, "--export", backup)
    run_state("--state", copy, "--import", backup)
    assert run_state("--state", copy, "--export", "-") == run_state("--state", state, "--export", "-")
    with KmsMock(state=copy) as kms:
        client = kms.client()
        assert value(client, "db/password") == "of a request"
        assert stages(client, "db/password") == {"second": ["ACSCurrent"], "v1": ["ACSPrevious"]}
