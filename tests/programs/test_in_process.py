"""Unchanged programs, in process: each makes its own client of the real endpoint, and each signature is verified."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
import uvloop

from kms_mock import KmsMock, mock_kms
from tests.support.programs import ASYNC_PROGRAMS, FIXTURE, FOLDER, PROGRAMS, load

# V1 uses deprecated functions of `ssl`.
pytestmark = pytest.mark.filterwarnings(r"ignore:ssl\.\w+(\(\))? is deprecated:DeprecationWarning")

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}


def run_async(program: str, loop: str) -> str:
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        result: str = runner.run(load(program).main())
        return result


@pytest.mark.parametrize("program", PROGRAMS)
def test_mock_kms(program: str) -> None:
    """By `mock_kms`, as a context manager and as a decorator."""
    with mock_kms(FIXTURE) as kms:
        assert load(program).main() == PROGRAMS[program]
        assert {call.status for call in kms.calls} == {200}
    assert mock_kms(FIXTURE)(load(program).main)() == PROGRAMS[program]


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.kms_mock(fixture=FIXTURE)
def test_fixture(program: str, kms_mock_intercept: KmsMock) -> None:
    """By the fixture."""
    assert load(program).main() == PROGRAMS[program]
    assert kms_mock_intercept.calls.last is not None


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("program", ASYNC_PROGRAMS)
def test_asynchronous_mock_kms(program: str, loop: str) -> None:
    """By `mock_kms`, on both loops, with aiodns."""
    assert aiohttp.resolver.DefaultResolver is aiohttp.AsyncResolver
    with mock_kms(FIXTURE):
        assert run_async(program, loop) == ASYNC_PROGRAMS[program]


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("program", ASYNC_PROGRAMS)
@pytest.mark.kms_mock(fixture=FIXTURE)
@pytest.mark.usefixtures("kms_mock_intercept")
def test_asynchronous_fixture(program: str, loop: str) -> None:
    """By the fixture, on both loops."""
    assert run_async(program, loop) == ASYNC_PROGRAMS[program]


# Tests as a user has them: nothing in them knows of the mock, but one line of configuration.
SUITE = """
    import asyncio

    import pytest
    import uvloop
    {imports}

    @pytest.mark.parametrize("number", range(3))
    @pytest.mark.parametrize("program", [v2, v1, secrets_client, oss2_provider])
    def test_program(program, number):
        assert program.main() in ("hunter2 4111 1111", "hunter2", "4111 1111")

    @pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
    @pytest.mark.parametrize("number", range(3))
    def test_asynchronous_program(new_loop, number):
        with asyncio.Runner(loop_factory=new_loop) as runner:
            assert runner.run(v2_async.main()) == "hunter2 4111 1111"

    async def test_on_the_loop_of_the_test():
        assert await v2_async.main() == "hunter2 4111 1111"
"""

INI = """
    [pytest]
    addopts = -p no:cacheprovider
    asyncio_mode = auto
    asyncio_default_fixture_loop_scope = function
    kms_mock_intercept = true
    kms_mock_fixtures = programs.json
"""


def test_an_option_in_many_processes(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ini option alone, under `-n 2`: the tests and the programs know nothing of the mock."""
    monkeypatch.setenv("PYTHONPATH", str(FOLDER))
    pytester.makeini(INI)
    (pytester.path / "programs.json").write_text(json.dumps(FIXTURE))
    pytester.makepyfile(test_suite=SUITE.format(imports=f"import {', '.join([*PROGRAMS, *ASYNC_PROGRAMS])}"))
    pytester.runpytest_subprocess("-n", "2", "-q").assert_outcomes(passed=19)


# What leaves this machine passes one of these audit events: the hook stands before every name and every connection.
GUARDED = """
import ipaddress, sys
sys.path.insert(0, {folder!r})
left = []

def watch(event, args):
    if event == "socket.connect":
        host = args[1][0] if isinstance(args[1], tuple) else "127.0.0.1"
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = args[0]
    else:
        return
    if host not in (None, "localhost") and not ipaddress.ip_address(host).is_loopback:
        left.append((event, host))

def watched(event, args):
    try:
        watch(event, args)
    except ValueError:
        left.append((event, args))

sys.addaudithook(watched)
"""


def guarded(folder: Path, script: str) -> list[str]:
    """Run a script in which names and connections are watched; return its output, after checking that nothing left."""
    script = GUARDED.format(folder=str(FOLDER)) + script + "\nprint('left', left)"
    environment = {**os.environ, "NO_COLOR": "1"}
    run = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    *lines, last = run.stdout.splitlines() or [""]
    assert last == "left []", run.stdout + run.stderr
    return lines


def test_nothing_leaves_the_machine(tmp_path: Path) -> None:
    """While all programs run, and one asks for OSS, every connection and every look-up stays on this machine."""
    script = f"""
import asyncio, uvloop, oss2, v2, v1, oss2_provider, secrets_client, v2_async
from kms_mock import mock_kms
with mock_kms({FIXTURE!r}):
    print(v2.main()); print(v1.main()); print(oss2_provider.main()); print(secrets_client.main())
    print(asyncio.run(v2_async.main())); print(uvloop.run(v2_async.main()))
    bucket = oss2.Bucket(oss2.Auth("id", "secret"), "https://oss-cn-hangzhou.aliyuncs.com", "bucket")
    try:
        bucket.get_object("object")
    except oss2.exceptions.RequestError as error:
        print(error)
"""
    *outputs, error = guarded(tmp_path, script)
    assert outputs == [*PROGRAMS.values(), *ASYNC_PROGRAMS.values(), *ASYNC_PROGRAMS.values()]
    words = "your code asked for bucket.oss-cn-hangzhou.aliyuncs.com, which is not mocked; nothing was sent"
    assert words in error


OUTSIDE = """
    import asyncio, threading
    import pytest, uvloop, v2, v1, v2_async

    WORDS = "your code asked for kms.cn-hangzhou.aliyuncs.com, while no mock was running; nothing was sent"

    def refused(run):
        with pytest.raises(Exception, match=WORDS):
            run()

    def ask():
        refused(v2.main)
        refused(v1.main)
        refused(lambda: asyncio.run(v2_async.main()))
        refused(lambda: uvloop.run(v2_async.main()))

    ask()  # while pytest collects

    @pytest.fixture(scope="module", autouse=True)
    def module():
        ask()  # before the first test
        yield
        ask()  # after the last one

    def test_inside():
        assert v2.main() == "hunter2 4111 1111"
"""


def test_outside_of_tests_the_service_is_refused(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the ini option, KMS itself is refused where no mock runs: while collecting, before and after tests."""
    monkeypatch.setenv("PYTHONPATH", str(FOLDER))
    pytester.makeini(INI)
    (pytester.path / "programs.json").write_text(json.dumps(FIXTURE))
    watch = GUARDED.format(folder=str(FOLDER)) + "def pytest_sessionfinish(): assert left == [], left"
    pytester.makeconftest(watch)
    pytester.makepyfile(test_outside=OUTSIDE)
    pytester.runpytest_subprocess("-q").assert_outcomes(passed=1)
