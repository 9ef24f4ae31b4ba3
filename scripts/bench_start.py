"""What a run waits for before it tests anything, and what a test costs: scripts/bench imports."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from types import SimpleNamespace

_ROOT = Path(__file__).parents[1]
_ROUNDS = 21
_TESTS = 60  # of which the first are left out: they import the SDK, and what the operations need
_FIRST = 10

_CONFTEST = """
import json, time
import pytest

taken = []

@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol():
    began = time.perf_counter(), time.process_time()
    try:
        return (yield)
    finally:
        taken.append((time.perf_counter() - began[0], time.process_time() - began[1]))

def pytest_sessionfinish(session):
    (session.config.rootpath / "taken.json").write_text(json.dumps(taken))
"""
_TEST = f"""
import pytest
from alibabacloud_kms20160120 import models

@pytest.mark.parametrize("number", range({_TESTS}))
def test_three_calls(kms_client, number):
    kms_client.create_secret(models.CreateSecretRequest(secret_name="db", secret_data="one", version_id="v1"))
    kms_client.put_secret_value(models.PutSecretValueRequest(secret_name="db", secret_data="two", version_id="v2"))
    found = kms_client.get_secret_value(models.GetSecretValueRequest(secret_name="db"))
    assert found.body.secret_data == "two"
"""


def main(tools: SimpleNamespace) -> None:
    """Report imports and whole tests; `tools` are the functions of bench.py."""
    for _ in range(2):  # the first writes the compiled files
        ratio, ours, theirs = tools.compare(
            lambda: _seconds_of_import("kms_mock.mock"), lambda: _seconds_of_import("aiohttp.web"), _ROUNDS
        )
    detail = f"{ours * 1000:.0f} / {theirs * 1000:.0f} ms of CPU"
    tools.report("import of kms_mock.mock / of aiohttp.web, CPU", ratio, "<= 1.4", detail)
    wall, cpu = _test_seconds()
    detail = f"{cpu * 1000:.2f} ms of CPU; with the SDK, of {_TESTS - _FIRST} tests of one session"
    tools.report("whole test of three SDK calls, ms", wall * 1000, "<= 4.5", detail)


def _environment() -> dict[str, str]:
    """Return an environment in which nothing of the developer's changes what is imported."""
    found = {
        name: value for name, value in os.environ.items() if not name.startswith(("KMS_MOCK_", "PYTEST_", "PYTHON"))
    }
    return {**found, "PYTHONPATH": str(_ROOT)}


def _seconds_of_import(module: str) -> float:
    """Return the CPU seconds of a new interpreter that imports a module, without those of the interpreter itself."""
    return _cpu_seconds(f"import {module}") - _cpu_seconds("pass")


def _cpu_seconds(script: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", script], env=_environment(), check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def _test_seconds() -> tuple[float, float]:
    """Return how long a test takes, from its setup to its teardown, by the clock and of CPU."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "conftest.py").write_text(_CONFTEST)
        (folder / "test_calls.py").write_text(_TEST)
        (folder / "pytest.ini").touch()
        plugins = ("-p", "kms_mock.pytest_plugin", "-p", "no:cacheprovider")
        command = [sys.executable, "-m", "pytest", "-q", *plugins, "--rootdir", name, name]
        environment = {**_environment(), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        subprocess.run(command, env=environment, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        taken = json.loads((folder / "taken.json").read_text())[_FIRST:]
    return median(wall for wall, _ in taken), median(cpu for _, cpu in taken)
