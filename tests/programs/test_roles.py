"""Programs with a role: unchanged ones, with the credentials library's default chain, and every signature verified."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from Tea.exceptions import TeaException

from kms_mock import KmsMock, mock_kms
from kms_mock.defaults import ROLE_WAYS
from tests.programs.test_in_process import LOOPS
from tests.support.cli import run_command
from tests.support.programs import FIXTURE, FOLDER, load
from tests.support.renewal import LIFE, REMAINS

ROOT = Path(__file__).parents[2]
role = load("role")
REFRESHED = [way for way in ROLE_WAYS if way != "keys"]

each_way = pytest.mark.parametrize("way", ROLE_WAYS)


def make_client(way: str) -> Any:
    """Make the program's client, as it does in the environment of an interception."""
    return role.make_client(role.assumed_role() if way == "sts" else role.default_chain())


def sessions_used(kms: KmsMock) -> list[str]:
    """Return the AccessKey ids that signed the requests for a secret which were answered."""
    found = [call.access_key_id for call in kms.calls if call.action == "GetSecretValue" and call.status == 200]
    assert all(access_key_id.startswith("STS.") for access_key_id in found)
    return found


@each_way
def test_a_program_in_this_process(way: str) -> None:
    """By `mock_kms`: the program signs with the credentials of a session of the role."""
    with mock_kms(FIXTURE, role="app", via=way) as kms:
        assert role.read(make_client(way)) == "hunter2"
        assert len(sessions_used(kms)) == 1


@each_way
@pytest.mark.parametrize("loop", LOOPS)
def test_an_asynchronous_program(way: str, loop: str) -> None:
    """The library's asynchronous half, on both loops."""
    with mock_kms(FIXTURE, role="app", via=way) as kms, asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        assert runner.run(role.read_async(make_client(way))) == "hunter2"
        assert len(sessions_used(kms)) == 1


@pytest.mark.parametrize("way", REFRESHED)
def test_credentials_are_renewed(way: str) -> None:
    """After the end of its first credentials the same client is answered, with others."""
    with mock_kms(FIXTURE, role="app", via=way) as kms:
        kms.clock.set(kms.clock.now() - LIFE[way] + REMAINS)
        client = make_client(way)
        assert role.read(client) == "hunter2"
        kms.clock.advance(LIFE[way])
        assert role.read(client) == "hunter2"
        assert len(set(sessions_used(kms))) == 2


def test_keys_of_a_session_end() -> None:
    """Via keys the program has no way to others: they are refused from the role's `max_session` on."""
    with KmsMock(FIXTURE) as kms:
        kms.clock.freeze()
        with kms.intercept(role="app", via="keys"):
            client = make_client("keys")
            kms.clock.advance(LIFE["keys"] - 1)
            assert role.read(client) == "hunter2"
            kms.clock.advance(1)
            with pytest.raises(TeaException, match=r"InvalidSecurityToken\.Expired"):
                role.read(client)


@each_way
def test_a_program_under_run(way: str, tmp_path: Path) -> None:
    """`kms-mock run --role app --via …`: a program in a process of its own, past the end of its first credentials."""
    fixture = tmp_path / "fixture.json"
    fixture.write_text(json.dumps(FIXTURE))
    program = [sys.executable, str(FOLDER / "role.py"), *(["assume"] if way == "sts" else [])]
    command = ["run", "--fixture", str(fixture), "--role", "app", "--via", way, "--", sys.executable, "-m"]
    done = run_command(*command, "tests.support.renewal", way, *program, folder=ROOT)
    assert done[0] == "hunter2\n"
