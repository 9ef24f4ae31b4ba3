"""Runs a program with a role past the end of its first credentials, within `kms-mock run`.

`python -m tests.support.renewal WAY COMMAND...`: the program answers each line of its input. In production its
credentials end after hours. Here the mock's clock is set back first, so that they are nearly over by the program's own
clock, and forward then, past their end by the mock's. The output is the program's last answer.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from typing import IO, Any
from urllib.request import ProxyHandler, Request, build_opener

# How long the first credentials of each way last, in seconds.
LIFE = {"ecs": 21600, "oidc": 3600, "uri": 3600, "sts": 3600, "profile": 3600, "keys": 3600}
REMAINS = 170  # seconds of them by the program's clock: each library renews credentials that last no longer
_PATIENCE = 20.0


def control_of_environment(path: str, document: Any = None) -> Any:
    """Call the control API of the mock."""
    body = None if document is None else json.dumps(document).encode()
    url = f"{os.environ['KMS_MOCK_URL']}/_kms_mock/{path}"
    headers = {"Content-Type": "application/json"}
    request = Request(url, body, headers, method="GET" if body is None else "PUT")  # noqa: S310 (the mock's)
    with build_opener(ProxyHandler({})).open(request, timeout=_PATIENCE) as answer:
        return json.load(answer)


def answer(output: IO[str]) -> str:
    """Return the next answer: the Java library logs to the same output."""
    return next((line.strip() for line in output if " [WARN] " not in line), "")


def renewed(way: str, command: list[str]) -> str:
    """Run a program; return its last answer, after checking whose credentials signed its requests."""
    now = datetime.fromisoformat(control_of_environment("clock")["now"])
    renews = way != "keys"
    if renews:
        control_of_environment("clock", {"set": (now - timedelta(seconds=LIFE[way] - REMAINS)).isoformat()})
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("1\n")
        first = answer(process.stdout)
        if renews:
            control_of_environment("clock", {"advance": LIFE[way]})
        process.stdin.write("2\n")
        second = answer(process.stdout)
        process.stdin.close()
        status = process.wait()
    calls = control_of_environment("requests?action=GetSecretValue")["requests"]
    signed_by = [call["access_key_id"] for call in calls if call["status"] == 200]
    assert status == 0, status
    assert first == second, (first, second)
    assert all(access_key_id.startswith("STS.") for access_key_id in signed_by), signed_by
    assert len(set(signed_by)) == (2 if renews else 1), calls
    return second


if __name__ == "__main__":
    print(renewed(sys.argv[1], sys.argv[2:]))  # noqa: T201 (a program)
