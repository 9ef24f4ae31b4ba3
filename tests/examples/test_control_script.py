"""The tools from the command line: a shell script with curl against a standalone server."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.calls import outside

SCRIPT = Path(__file__).parent / "control.sh"


def test_everything_works_with_curl_alone() -> None:
    """Every step of control.sh answers as it expects; against a wrong answer it fails."""
    outside("bash")
    outside("curl")
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    serve = [sys.executable, "-m", "kms_mock", "serve", "--port", "0", "--log-level", "error"]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True, env=environment) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().split()[-1]
            run = subprocess.run(["bash", SCRIPT, url], capture_output=True, text=True, env=environment, check=False)
            assert run.returncode == 0, run.stdout + run.stderr
            assert run.stdout.splitlines()[-1] == "all is as expected"
            assert run.stdout.count("ok: ") >= 25
            # On a server that is not as the script needs it, the script must fail.
            broken = '{"code": "InternalFailure"}'
            kind = "Content-Type: application/json"
            subprocess.run(
                ["curl", "-sf", "-H", kind, "-d", broken, f"{url}/_kms_mock/faults"], check=True, env=environment
            )
            run = subprocess.run(["bash", SCRIPT, url], capture_output=True, text=True, env=environment, check=False)
            assert run.returncode == 1
            assert "FAILED: a secret was added" in run.stderr
        finally:
            server.terminate()
