"""Programs with a role: unchanged ones, with the credentials library's default chain, and every signature verified.

In production a program meets the end of its credentials after hours. Here the mock's clock is set back first, so that the
first credentials are nearly over by the program's own clock, and forward then, past their end.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from Tea.exceptions import TeaException

from kms_mock import KmsMock, mock_kms
from kms_mock.config import ROLE_WAYS
from tests.programs.test_in_process import LOOPS
from tests.support.cli import CLEAN, COMMAND, PATIENCE, run_command
from tests.support.programs import FIXTURE, FOLDER, load

role = load("role")
# The shortest time after which each way's first credentials are over, in seconds.
LIFE = {"ecs": 21600, "oidc": 3600, "uri": 3600, "sts": 3600, "profile": 3600, "keys": 3600}
REMAINS = 170  # seconds of them by the program's clock: each library renews credentials with less
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
    with mock_kms(FIXTURE, role="app", via="keys") as kms:
        client = make_client("keys")
        kms.clock.advance(LIFE["keys"] - 1)
        assert role.read(client) == "hunter2"
        kms.clock.advance(1)
        with pytest.raises(TeaException, match=r"InvalidSecurityToken\.Expired"):
            role.read(client)


def asked(url: str, *command: str) -> Any:
    """Run a command that talks to the mock of another process; return the document that it prints."""
    return json.loads(run_command(*command, "--url", url)[0])


@each_way
def test_a_program_under_run(way: str, tmp_path: Path) -> None:
    """`kms-mock run --role app --via …`: a program of its own process is renewed like one in this process."""
    fixture = tmp_path / "fixture.json"
    fixture.write_text(json.dumps(FIXTURE))
    script = 'echo "$KMS_MOCK_URL"; read line; exec "$@"'
    program = [sys.executable, str(FOLDER / "role.py"), *(["assume"] if way == "sts" else [])]
    options = ("--fixture", str(fixture), "--role", "app", "--via", way)
    command = [COMMAND, "run", *options, "--", "sh", "-c", script, "sh", *program]
    with subprocess.Popen(
        command, env=CLEAN, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        if way in REFRESHED:
            now = datetime.fromisoformat(asked(url, "clock")["now"])
            asked(url, "clock", "--set", (now - timedelta(seconds=LIFE[way] - REMAINS)).isoformat())
        process.stdin.write("start\n1\n")
        assert process.stdout.readline() == "hunter2\n"
        if way in REFRESHED:
            asked(url, "clock", "--advance", f"{LIFE[way]}s")
        process.stdin.write("2\n")
        assert process.stdout.readline() == "hunter2\n"
        calls = asked(url, "requests", "--action", "GetSecretValue")["requests"]
        process.stdin.close()
        assert process.wait(PATIENCE) == 0
    assert len({call["access_key_id"] for call in calls}) == (2 if way in REFRESHED else 1)
    assert all(call["access_key_id"].startswith("STS.") for call in calls)
