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
from bench_tools import compare, plain_environment, report, report_times

_ROOT = Path(__file__).parents[1]
_ROUNDS = 21
_TESTS = 60  # of which the first are left out: they import the SDK, and what the operations need
_FIRST = 10
_Passed = tuple[float, float]  # seconds, and seconds of CPU of the process

# `bare_client` is what `kms_client` is, of a bare server on a thread that answers all three calls alike.
_CONFTEST = """
import asyncio, json, threading, time
import pytest
from aiohttp import web
from kms_mock.sdk_sessions import close_sessions, open_session

taken = {"kms_client": [], "bare_client": []}
BODY = json.dumps({
    "SecretName": "db", "SecretData": "two", "SecretDataType": "text", "SecretType": "Generic", "VersionId": "v2",
    "CreateTime": "2026-01-01T00:00:00Z", "VersionStages": {"VersionStage": ["ACSCurrent"]},
    "RequestId": "6a0b2f5e-5d47-4a4a-9c35-6a0b2f5e5d47",
}).encode()

async def answer(request):
    await request.read()
    return web.Response(body=BODY, content_type="application/json")

async def serve(started, ended):
    server = web.Server(answer)
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    started.set_result((asyncio.get_running_loop(), listener.sockets[0].getsockname()[1]))
    await ended.wait()
    listener.close()
    for connection in server.connections:
        connection.force_close()
    await asyncio.sleep(0)

@pytest.fixture
def bare_client():
    from concurrent.futures import Future
    from alibabacloud_kms20160120.client import Client
    from alibabacloud_tea_openapi.utils_models import Config
    started, ended = Future(), asyncio.Event()
    thread = threading.Thread(target=lambda: asyncio.run(serve(started, ended)))
    thread.start()
    loop, port = started.result()
    endpoint = f"127.0.0.1:{port}"
    open_session(endpoint)
    options = {"access_key_id": "mock", "access_key_secret": "mock", "region_id": "cn-hangzhou"}
    yield Client(Config(endpoint=endpoint, protocol="http", **options))
    loop.call_soon_threadsafe(ended.set)
    thread.join()
    close_sessions(endpoint)

def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.callspec.params["number"])  # in turns

@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    began = time.perf_counter(), time.process_time()
    try:
        return (yield)
    finally:
        passed = time.perf_counter() - began[0], time.process_time() - began[1]
        taken[next(name for name in taken if name in item.fixturenames)].append(passed)

def pytest_sessionfinish(session):
    (session.config.rootpath / "taken.json").write_text(json.dumps(taken))
"""
_TEST = f"""
import pytest
from alibabacloud_kms20160120 import models

def make_three_calls(client):
    client.create_secret(models.CreateSecretRequest(secret_name="db", secret_data="one", version_id="v1"))
    client.put_secret_value(models.PutSecretValueRequest(secret_name="db", secret_data="two", version_id="v2"))
    found = client.get_secret_value(models.GetSecretValueRequest(secret_name="db"))
    assert found.body.secret_data == "two"

@pytest.mark.parametrize("number", range({_TESTS}))
def test_of_mock(kms_client, number):
    make_three_calls(kms_client)

@pytest.mark.parametrize("number", range({_TESTS}))
def test_of_bare(bare_client, number):
    make_three_calls(bare_client)
"""


def main() -> None:
    """Measure, and print a row for each."""
    _seconds_of_import("kms_mock.mock")  # writes the compiled files
    ratio, our_cpu, their_cpu = compare(
        lambda: _seconds_of_import("kms_mock.mock"), lambda: _seconds_of_import("aiohttp.web"), _ROUNDS
    )
    detail = f"CPU {our_cpu * 1e3:.0f} / {their_cpu * 1e3:.0f} ms"
    report("import of kms_mock.mock, of aiohttp.web, CPU", ratio, "<= 1.4", detail)
    ours, theirs = _times_of_tests()
    detail = f"CPU {median(cpu for _, cpu in ours) * 1e3:.2f} ms, that of the SDK included"
    report("whole test of three SDK calls, ms", Ratio.of([wall * 1e3 for wall, _ in ours]), "<= 4.5", detail)
    for place, what in enumerate(("time", "CPU")):
        pairs = [(our[place], their[place]) for our, their in zip(ours, theirs, strict=True)]
        report_times(f"the same, of one against a bare server, {what}", "<= 1.15", pairs)


def _seconds_of_import(module: str) -> float:
    """Return the CPU seconds of a new interpreter that imports a module, without those of the interpreter itself."""
    return _cpu_seconds(f"import {module}") - _cpu_seconds("pass")


def _cpu_seconds(script: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", script], env=plain_environment(), cwd=_ROOT, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def _times_of_tests() -> tuple[list[_Passed], list[_Passed]]:
    """Return how long tests took from their setup to their teardown: those of the mock, and those of a bare server."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "conftest.py").write_text(_CONFTEST)
        (folder / "test_calls.py").write_text(_TEST)
        (folder / "pytest.ini").touch()
        plugins = ("-p", "kms_mock.pytest_plugin", "-p", "no:cacheprovider")
        environment = {**plain_environment(), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(_ROOT)}
        command = [sys.executable, "-m", "pytest", "-q", *plugins, "--rootdir", name, name]
        subprocess.run(command, env=environment, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        taken = json.loads((folder / "taken.json").read_text())
    return taken["kms_client"][_FIRST:], taken["bare_client"][_FIRST:]
