"""What a run waits for before it tests anything, and what a test of it costs."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from bench_rows import Ratio
from bench_tools import compare, plain_environment, report

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


def main() -> None:
    """Measure, and print a row for each."""
    _seconds_of_import("kms_mock.mock")  # writes the compiled files
    ratio, ours, theirs = compare(
        lambda: _seconds_of_import("kms_mock.mock"), lambda: _seconds_of_import("aiohttp.web"), _ROUNDS
    )
    detail = f"CPU {ours * 1e3:.0f} / {theirs * 1e3:.0f} ms"
    report("import of kms_mock.mock, of aiohttp.web, CPU", ratio, "<= 1.4", detail)
    wall, cpu = _times_of_tests()
    detail = f"CPU {cpu * 1e3:.2f} ms, that of the SDK included"
    report("whole test of three SDK calls, ms", wall, "<= 4.5", detail)


def _seconds_of_import(module: str) -> float:
    """Return the CPU seconds of a new interpreter that imports a module, without those of the interpreter itself."""
    return _cpu_seconds(f"import {module}") - _cpu_seconds("pass")


def _cpu_seconds(script: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", script], env=plain_environment(), cwd=_ROOT, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def _times_of_tests() -> tuple[Ratio, float]:
    """Return how long a test takes from its setup to its teardown: milliseconds, and seconds of CPU."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "conftest.py").write_text(_CONFTEST)
        (folder / "test_calls.py").write_text(_TEST)
        (folder / "pytest.ini").touch()
        plugins = ("-p", "kms_mock.pytest_plugin", "-p", "no:cacheprovider")
        environment = {**plain_environment(), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(_ROOT)}
        command = [sys.executable, "-m", "pytest", "-q", *plugins, "--rootdir", name, name]
        subprocess.run(command, env=environment, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        taken = json.loads((folder / "taken.json").read_text())[_FIRST:]
    return Ratio.of([wall * 1e3 for wall, _ in taken]), median(cpu for _, cpu in taken)
