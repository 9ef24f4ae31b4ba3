"""What 1,000,000 secrets cost (a minute and 2 GB of memory), and how long others wait for a snapshot of 100,000."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, cast

from bench_large import COUNT, caller, milliseconds
from bench_rows import Ratio
from bench_tools import repeat, report, rounds_of

_MILLION = 1_000_000
_FILES = 2  # a document may have 5,000,000 values
_ROUNDS = 7

# A client in a process of its own: asks until its input ends, and prints when each request began and was answered.
_CLIENT = """
import http.client, json, select, sys, time
connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
waits = []
print("asking", flush=True)
while not select.select([sys.stdin], [], [], 0.001)[0]:
    began = time.perf_counter()
    connection.request("POST", "/?Action=GetSecretValue&Version=2016-01-20&AccessKeyId=bench&SecretName=app/secret-6")
    assert b"SecretData" in connection.getresponse().read()
    waits.append((began, time.perf_counter()))
print(json.dumps(waits))
"""


def main() -> None:
    """Measure, and print a row for each."""
    during_a_snapshot()
    a_million()


def during_a_snapshot() -> None:
    """How long another client waits while `KmsMock.snapshot` runs."""
    from kms_mock import KmsMock  # noqa: PLC0415 (most sections run servers in processes of their own)

    with KmsMock([_document(range(COUNT))]) as kms:
        found = [_waits_during(kms.port, kms.snapshot) for _ in range(rounds_of(_ROUNDS))]
    p99 = Ratio.of([sorted(waits)[int(len(waits) * 0.99)] for waits in found])
    slowest = max(map(max, found))
    report("GetSecretValue p99 during snapshot, 100,000 secrets, ms", p99, "<= 20", f"slowest {slowest:.0f} ms")


def a_million() -> None:
    """Load JSON files, and list what is far from both ends."""
    from kms_mock import KmsMock  # noqa: PLC0415 (as above)

    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, f"{number}.json") for number in range(_FILES)]
        for number, file in enumerate(files):
            file.write_text(json.dumps(_document(range(number, _MILLION, _FILES))), "utf-8")
        began = time.process_time()
        kms = KmsMock(files)
        report("loading 1,000,000 secrets, s of CPU", time.process_time() - began, "<= 11", "two JSON files")
    with kms:
        call = caller(kms.url)
        tag = {"ResourceType": "secret", "RegionId": "cn-hangzhou", "Tag.1.Key": "team", "Tag.1.Value": "t99"}
        for what, goal, run in (
            ("ListSecrets, first page", "<= 2", lambda: call("ListSecrets")),
            ("ListSecrets, page in the middle", "<= 2", lambda: call("ListSecrets", PageNumber=_MILLION // 20)),
            ("ListSecrets, last page", "<= 2", lambda: call("ListSecrets", PageNumber=_MILLION // 10)),
            ("ListTagResources by a rare tag", "<= 5", lambda: call("ListTagResources", **tag)),
        ):
            found = repeat(lambda r=run: milliseconds(r), _ROUNDS)  # type: ignore[misc]
            report(f"{what}, 1,000,000 secrets, ms", found, goal, "")


def _document(numbers: range) -> dict[str, Any]:
    return {
        "secrets": [
            {"name": f"app/secret-{number}", "value": f"value-{number}", "tags": {"team": f"t{number}"}}
            for number in numbers
        ]
    }


def _waits_during(port: int, run: Callable[[], object]) -> list[float]:
    """Return what each answer took, in milliseconds, to a client that asks while something runs."""
    command = (sys.executable, "-c", _CLIENT, str(port))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        cast("IO[str]", client.stdout).readline()
        time.sleep(0.1)
        began = time.perf_counter()  # the clock of the other process is the same one
        run()
        ended = time.perf_counter()
        output, _ = client.communicate("enough")
    return [(until - since) * 1000 for since, until in json.loads(output) if until > began and since < ended]
