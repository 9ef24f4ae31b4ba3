"""What 100,000 secrets cost where it is felt: loading, memory, lists, snapshots, namespaces; milliseconds, in process.

`million` is what 1,000,000 cost, in a minute and 2 GB of memory.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import urlencode

COUNT = 100_000
_ROUNDS = 7
_MILLION = 1_000_000
_FILES = 2  # a document may have 5,000,000 values

# In a process of its own, so that its memory is that of the secrets.
_MEMORY = f"""
import gc, os, time
from kms_mock import KmsMock
def memory():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
document = {{"secrets": [{{"name": f"app/secret-{{n}}", "value": f"value-{{n}}", "tags": {{"team": f"t{{n}}"}}}} for n in range({COUNT})]}}
KmsMock([{{"secrets": [{{"name": "a", "value": "b"}}]}}])
gc.collect()
before, began = memory(), time.process_time()
mock = KmsMock([document])
print(time.process_time() - began, (memory() - before) / {COUNT})
"""

# Another client, in a process of its own: asks until its input ends, and prints when each answer came and what it took.
_CLIENT = """
import http.client, json, select, sys, time
connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
waits = []
print("asking", flush=True)
while not select.select([sys.stdin], [], [], 0.001)[0]:
    began = time.perf_counter()
    connection.request("POST", "/?Action=GetSecretValue&Version=2016-01-20&AccessKeyId=bench&SecretName=app/secret-7")
    assert b"SecretData" in connection.getresponse().read()
    waits.append((began, time.perf_counter()))
print(json.dumps(waits))
"""


def main(report: Callable[[str, float, str, str], None]) -> None:
    """Measure, and print a row for each."""
    if sys.platform == "linux":
        seconds, size = map(float, subprocess.check_output([sys.executable, "-c", _MEMORY], text=True).split())
        report("loading 100,000 secrets, s of CPU", seconds, "<= 1.3", "")
        report("memory of a secret, KB", size / 1000, "<= 1.2", "")
    from kms_mock import KmsMock  # noqa: PLC0415 (every other section runs servers in processes of their own)

    secrets = [
        {"name": f"app/secret-{number}", "value": f"value-{number}", "tags": {"team": f"t{number}"}}
        for number in range(COUNT)
    ]
    small = {"secrets": [{"name": "a", "value": "b"}]}
    secrets += [
        {"name": f"due-{number}", "value": "x", "planned_delete": f"+{number + 1}d"} for number in range(_ROUNDS)
    ]
    with KmsMock([{"secrets": secrets}]) as kms:
        ask = _asker(kms.url)

        def namespace() -> None:
            with kms.namespace([small]):
                pass

        name = json.dumps([{"Key": "SecretName", "Values": ["app/secret-77"]}])
        tag = {"ResourceType": "secret", "RegionId": "cn-hangzhou", "Tag.1.Key": "team", "Tag.1.Value": "t99"}
        for what, goal, run in (
            ("ListSecrets with Filters", "<= 30", lambda: ask("ListSecrets", Filters=name)),
            ("ListSecrets, page in the middle", "<= 2", lambda: ask("ListSecrets", PageNumber=COUNT // 20)),
            ("ListSecrets, last page", "<= 2", lambda: ask("ListSecrets", PageNumber=COUNT // 10)),
            ("ListTagResources by a rare tag", "<= 5", lambda: ask("ListTagResources", **tag)),
            ("namespace with a fixture, made and removed", "<= 1", namespace),
            ("one due thing settling", "<= 1", lambda: kms.clock.advance("1d")),
            ("snapshot", "<= 1000", kms.snapshot),
            ("GET state", "<= 1000", lambda: _read(f"{kms.url}/_kms_mock/state")),
        ):
            _report_times(report, f"{what}, 100,000 secrets, ms", goal, run)
        for what, run in (("snapshot", kms.snapshot), ("GET state", lambda: _read(f"{kms.url}/_kms_mock/state"))):
            waits = [wait for _ in range(3) for wait in _waits_during(kms.port, run)]
            p99 = statistics.quantiles(waits, n=100)[-1]
            detail = f"slowest {max(waits):.1f}, {len(waits)} answers"
            report(f"GetSecretValue while {what}, 100,000 secrets, p99 in ms", p99, "<= 20", detail)


def million(report: Callable[[str, float, str, str], None]) -> None:
    """Measure a server with 1,000,000 secrets from JSON files, and print a row for each."""
    from kms_mock import KmsMock  # noqa: PLC0415 (every other section runs servers in processes of their own)

    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, f"{number}.json") for number in range(_FILES)]
        for number, file in enumerate(files):
            secrets = [
                {"name": f"app/secret-{at}", "value": f"value-{at}", "tags": {"team": f"t{at}"}}
                for at in range(number, _MILLION, _FILES)
            ]
            file.write_text(json.dumps({"secrets": secrets}), "utf-8")
        del secrets
        began = time.process_time()
        kms = KmsMock(files)
    report("loading 1,000,000 secrets, s of CPU", time.process_time() - began, "<= 11", "two JSON files")
    with kms:
        ask = _asker(kms.url)
        tag = {"ResourceType": "secret", "RegionId": "cn-hangzhou", "Tag.1.Key": "team", "Tag.1.Value": "t99"}
        for what, goal, run in (
            ("ListSecrets, page in the middle", "<= 2", lambda: ask("ListSecrets", PageNumber=_MILLION // 20)),
            ("ListSecrets, last page", "<= 2", lambda: ask("ListSecrets", PageNumber=_MILLION // 10)),
            ("ListTagResources by a rare tag", "<= 5", lambda: ask("ListTagResources", **tag)),
        ):
            _report_times(report, f"{what}, 1,000,000 secrets, ms", goal, run)


def _report_times(
    report: Callable[[str, float, str, str], None], what: str, goal: str, run: Callable[[], object]
) -> None:
    times = [_milliseconds(run) for _ in range(_ROUNDS)]
    report(what, statistics.median(times), goal, f"slowest {max(times):.1f}")


def _waits_during(port: int, run: Callable[[], object]) -> list[float]:
    """Return what each answer took, in milliseconds, to another client while something runs."""
    command = (sys.executable, "-c", _CLIENT, str(port))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        cast("IO[str]", client.stdout).readline()
        time.sleep(0.1)
        began = time.perf_counter()  # the clock of the other process is the same one
        run()
        ended = time.perf_counter()
        output, _ = client.communicate("enough")
    return [(until - since) * 1000 for since, until in json.loads(output) if until > began and since < ended]


def _asker(url: str) -> Callable[..., None]:
    def ask(action: str, **parameters: Any) -> None:
        query = urlencode({"Action": action, "Version": "2016-01-20", "AccessKeyId": "bench", **parameters})
        _read(f"{url}/?{query}")

    return ask


def _read(url: str) -> None:
    with urllib.request.urlopen(url) as answer:  # noqa: S310 (the mock's own)
        answer.read()


def _milliseconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return (time.perf_counter() - began) * 1000
