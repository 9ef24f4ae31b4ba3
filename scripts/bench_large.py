"""What 100,000 secrets cost where it is felt: loading, memory, lists, snapshots, namespaces; milliseconds, in process."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

COUNT = 100_000
_ROUNDS = 7

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
    with KmsMock([{"secrets": secrets}]) as kms:
        ask = _asker(kms.url)

        def namespace() -> None:
            with kms.namespace([small]):
                pass

        name = json.dumps([{"Key": "SecretName", "Values": ["app/secret-77"]}])
        tag = {"ResourceType": "secret", "RegionId": "cn-hangzhou", "Tag.1.Key": "team", "Tag.1.Value": "t99"}
        for what, goal, run in (
            ("ListSecrets with Filters", "<= 30", lambda: ask("ListSecrets", Filters=name)),
            ("ListSecrets, last page", "<= 2", lambda: ask("ListSecrets", PageNumber=COUNT // 10)),
            ("ListTagResources by a rare tag", "<= 5", lambda: ask("ListTagResources", **tag)),
            ("namespace with a fixture, made and removed", "<= 1", namespace),
            ("snapshot", "<= 1000", kms.snapshot),
            ("GET state", "<= 1000", lambda: _read(f"{kms.url}/_kms_mock/state")),
        ):
            times = [_milliseconds(run) for _ in range(_ROUNDS)]
            report(f"{what}, 100,000 secrets, ms", statistics.median(times), goal, f"slowest {max(times):.1f}")


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
