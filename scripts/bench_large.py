"""What 100,000 secrets cost where it is felt: loading, memory, lists, snapshots, namespaces, what falls due."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from bench_rows import Ratio
from bench_tools import GET, ask, asked_meanwhile, fixture, mock, repeat, report, rounds_of, secrets

COUNT = 100_000
_ROUNDS = 7
_DAY = 86400

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


def main() -> None:
    """Measure, and print a row for each."""
    loading()
    requests()
    falling_due()
    reading_the_state()


def loading() -> None:
    """CPU and memory of loading a document."""
    if sys.platform != "linux":
        print("loading 100,000 secrets: not measured, for it reads the memory of a process as only Linux tells it")
        return
    command = [sys.executable, "-c", _MEMORY]
    runs = [[*map(float, subprocess.check_output(command, text=True).split())] for _ in range(rounds_of(3))]
    report("loading 100,000 secrets, s of CPU", Ratio.of([seconds for seconds, _ in runs]), "<= 1.3", "")
    report("memory of a secret, KB", Ratio.of([size / 1000 for _, size in runs]), "<= 1.2", "")


def requests() -> None:
    """Requests that look at many secrets, and what the tools of a test do beside them."""
    from kms_mock import KmsMock  # noqa: PLC0415 (most sections run servers in processes of their own)

    many = [
        {"name": f"app/secret-{number}", "value": f"value-{number}", "tags": {"team": f"t{number}"}}
        for number in range(COUNT)
    ]
    small = {"secrets": [{"name": "a", "value": "b"}]}
    with KmsMock([{"secrets": many}]) as kms:
        call = _caller(kms.url)

        def namespace() -> None:
            with kms.namespace([small]):
                pass

        name = json.dumps([{"Key": "SecretName", "Values": ["app/secret-77"]}])
        tag = {"ResourceType": "secret", "RegionId": "cn-hangzhou", "Tag.1.Key": "team", "Tag.1.Value": "t99"}
        for what, goal, run in (
            ("ListSecrets with Filters", "<= 30", lambda: call("ListSecrets", Filters=name)),
            ("ListSecrets, last page", "<= 2", lambda: call("ListSecrets", PageNumber=COUNT // 10)),
            ("ListTagResources by a rare tag", "<= 5", lambda: call("ListTagResources", **tag)),
            ("namespace with a fixture, made and removed", "<= 1", namespace),
            ("snapshot", "<= 1000", kms.snapshot),
            ("GET state", "<= 1000", lambda: _read(f"{kms.url}/_kms_mock/state")),
        ):
            found = repeat(lambda r=run: _milliseconds(r), _ROUNDS)  # type: ignore[misc]
            report(f"{what}, 100,000 secrets, ms", found, goal, "")


def falling_due() -> None:
    """One secret that is deleted as its time has come, beside 100,000 whose time comes later."""
    from kms_mock import KmsMock  # noqa: PLC0415 (as above)

    waiting = [
        {"name": f"app/secret-{number}", "value": "v", "planned_delete": f"+{30 * _DAY + 10 * number}s"}
        for number in range(COUNT)
    ]
    with KmsMock([{"secrets": waiting}]) as kms:
        kms.clock.freeze()
        kms.clock.advance(30 * _DAY - 5)

        def settle() -> float:
            began = time.perf_counter()
            events = kms.clock.advance(10)
            took = time.perf_counter() - began
            if len(events) != 1:
                raise SystemExit(f"not one thing fell due, but {len(events)}")
            return took * 1000

        report("one thing falling due, 100,000 secrets, ms", repeat(settle, 50), "<= 1", "clock moved on included")


def reading_the_state() -> None:
    """How long others wait while the state is read."""
    state = b"GET /_kms_mock/state HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
    with fixture(secrets(COUNT)) as path, mock("--fixture", path) as port:
        ask(port, GET)
        found = [asked_meanwhile(port, GET, [state], pause=0.001) for _ in range(rounds_of(_ROUNDS))]
    p99 = Ratio.of([answered.percentile(99) * 1000 for answered in found])
    slowest = max(max(answered.times) for answered in found) * 1000
    report("GetSecretValue p99 during GET state, 100,000 secrets, ms", p99, "<= 20", f"slowest {slowest:.0f} ms")


def _caller(url: str) -> Callable[..., None]:
    def call(action: str, **parameters: Any) -> None:
        query = urlencode({"Action": action, "Version": "2016-01-20", "AccessKeyId": "bench", **parameters})
        _read(f"{url}/?{query}")

    return call


def _read(url: str) -> None:
    with urllib.request.urlopen(url) as answer:  # noqa: S310 (the mock's own)
        answer.read()


def _milliseconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return (time.perf_counter() - began) * 1000
