"""A disk that is full: what cannot be saved is taken back and answered with an error, and the server goes on."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.support.cli import Server, control, get, plain_call, run_command
from tests.support.state_files import kept, mounted

LIMIT = 400_000  # bytes of a file that the server may write
NOTHING = 4000  # less than a page
VALUE = "x" * 20_000


def try_put(server: Server, number: int) -> tuple[int, str]:
    """Put a value; return the status and the reason of a refusal."""
    query = {"Action": "PutSecretValue", "Version": "2016-01-20", "SecretName": "s", "VersionId": f"n{number}"}
    answer = get(f"{server.url}/?{urlencode({**query, 'SecretData': VALUE})}")
    assert answer[0] == 200 or json.loads(answer[1])["Code"] == "InternalFailure"
    return answer[0], answer[2].get("x-kms-mock-reason", "")


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_a_full_disk(tmp_path: Path, ending: int) -> None:
    """As a limit on the size of files, which the system sets back: what was answered is there, and nothing else."""
    (tmp_path / "f.json").write_text('{"secrets": [{"name": "s", "value": "first"}]}')
    server = Server(tmp_path, "--port", "0", "--fixture", "f.json", "--state", "state.db", "--log-level", "warning")
    try:
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (LIMIT, resource.RLIM_INFINITY))
        answered = ["v1"]
        refusals, statuses = [], [200]
        for number in range(40):
            status, reason = try_put(server, number)
            statuses.append(status)
            if status == 200:
                answered.append(f"n{number}")
            else:
                refusals.append(reason)
        assert len(refusals) > 20
        assert len(answered) > 3
        assert all(reason.startswith("Nothing was changed: ") and "cannot be written" in reason for reason in refusals)
        assert plain_call(server.url, "GetSecretValue", SecretName="s", VersionId=answered[-1])[0] == 200
        assert plain_call(server.url, "GetSecretValue", SecretName="s", VersionId="n39")[0] == 404
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (NOTHING, resource.RLIM_INFINITY))
        assert "cannot be written" in run_command("clock", "--advance", "1d", "--url", server.url, code=1)[1]
        assert "cannot be written" in run_command("reset", "--url", server.url, code=1)[1]
        now = control(server, "clock")
        assert now["tick_rate"] == 1.0
        # A checkpoint of SQLite may make room for one more meanwhile; what follows each success is told once.
        periods = sum(before == 200 != after for before, after in pairwise(statuses))
        assert server.log.count("changes are refused") == periods
        assert server.log.count("changes are saved again") == periods - 1
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert try_put(server, 100)[0] == 200
        answered.append("n100")
        assert "changes are saved again" in server.log
        assert server.end(ending) == (-ending if ending == signal.SIGKILL else 0)
    finally:
        if server.process.poll() is None:
            server.end()
    (records,) = [records for (_, kind), records in kept(tmp_path / "state.db").items() if kind == "Secret"]
    assert list(records[0][1].versions) == answered[-10:]
    assert "Traceback" not in server.log


def test_a_full_file_system(tmp_path: Path) -> None:
    """A file system of 1 MB that something else fills: changes are refused until there is room, reads never."""
    folder = tmp_path / "small"
    if not mounted(folder, "1m"):
        pytest.skip("this user cannot mount a file system")
    try:
        (tmp_path / "f.json").write_text('{"secrets": [{"name": "s", "value": "first"}]}')
        server = Server(tmp_path, "--port", "0", "--fixture", "f.json", "--state", "small/state.db")
        try:
            assert try_put(server, 0)[0] == 200
            ballast = folder / "ballast"
            with pytest.raises(OSError, match="No space"):
                ballast.write_bytes(bytes(2**20))
            results = [try_put(server, number)[0] for number in range(1, 40)]
            assert results[-1] == 500
            assert plain_call(server.url, "GetSecretValue", SecretName="s")[0] == 200
            ballast.unlink()
            assert try_put(server, 100)[0] == 200
            answered = [
                "v1",
                "n0",
                *(f"n{number}" for number, status in enumerate(results, 1) if status == 200),
                "n100",
            ]
        finally:
            server.process.kill()
            server.process.wait()
        (records,) = [records for (_, kind), records in kept(folder / "state.db").items() if kind == "Secret"]
        assert list(records[0][1].versions) == answered[-10:]
    finally:
        subprocess.run(["umount", str(folder)], check=True)
