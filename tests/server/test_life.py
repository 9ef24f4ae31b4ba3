"""The life of a server on its thread: started and stopped by many, used meanwhile, forked, with time frozen."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from freezegun import freeze_time

from kms_mock import KmsMock
from tests.support.raw_http import Wire, ask, http, request_parameters
from tests.support.waiting import accepts, in_a_process, wait_for_strike

DB = {"secrets": [{"name": "db", "value": "one"}]}
GET = http(query=request_parameters("GetSecretValue", SecretName="db"))
PATIENCE = 10.0


def server_threads() -> int:
    return [thread.name for thread in threading.enumerate()].count("kms-mock")


# -- many threads -------------------------------------------------------------------------------------------------------


def test_start_in_many_threads() -> None:
    """Of eight threads that call `start` at once one starts the server; to the others it is running already.

    Each used to start a server, and `stop` ended only the last one's.
    """
    for _ in range(10):
        kms = KmsMock()
        everybody = threading.Barrier(8)

        def start(kms: KmsMock = kms, everybody: threading.Barrier = everybody) -> str:
            everybody.wait()
            try:
                kms.start()
            except RuntimeError as error:
                return str(error)
            return "started"

        with ThreadPoolExecutor(8) as pool:
            outcomes = [started.result(PATIENCE) for started in [pool.submit(start) for _ in range(8)]]
        assert sorted(outcomes) == sorted(["started", *["this KmsMock is running already"] * 7])
        port = kms.port
        kms.stop()
        assert not accepts(port)
    assert server_threads() == 0


@pytest.mark.parametrize(
    "use",
    [
        lambda kms: kms.reset(),
        lambda kms: kms.snapshot(),
        lambda kms: kms.checkpoint().restore(),
        lambda kms: kms.faults.remove(kms.fail("ListSecrets", latency=0.0).number),
        lambda kms: kms.clock.advance("1s"),
    ],
    ids=["reset", "snapshot", "checkpoint", "fail", "clock"],
)
def test_stop_while_another_thread_uses_it(use: Callable[[KmsMock], Any]) -> None:
    """What other threads ask of the handle while it stops is done, before or after the stop: nothing waits for ever.

    A call that reached the loop's queue when the loop had ended used to hang.
    """
    kms = KmsMock(DB)
    done = threading.Event()

    def work() -> int:
        count = 0
        while not done.is_set():
            use(kms)
            count += 1
        return count

    with ThreadPoolExecutor(4) as pool:
        workers = [pool.submit(work) for _ in range(3)]
        try:
            for _ in range(30):
                pool.submit(kms.start).result(PATIENCE)
                pool.submit(kms.stop).result(PATIENCE)
        finally:
            done.set()
        assert all(worker.result(PATIENCE) for worker in workers)
    assert server_threads() == 0


def test_stop_in_many_threads() -> None:
    """Several threads may stop it at once, and it can be started again."""
    kms = KmsMock(DB)
    with ThreadPoolExecutor(4) as pool:
        for _ in range(10):
            kms.start()
            port = kms.port
            for stopped in [pool.submit(kms.stop) for _ in range(4)]:
                stopped.result(PATIENCE)
            assert not accepts(port)


def test_control_request_during_stop() -> None:
    """A request of the control API that moves the clock while the server stops does not wait for the thread that stops it."""
    kms = KmsMock(DB)
    move = http("PUT", path="/_kms_mock/clock", body=b'{"advance": "1s"}', headers={"Content-Type": "application/json"})
    with ThreadPoolExecutor(1) as pool:
        for _ in range(20):
            kms.start()
            with Wire(kms) as wire:
                wire.send(move * 5)
                pool.submit(kms.stop).result(PATIENCE)


def test_interrupted_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while `start` waits for its thread leaves no server behind."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    kms = KmsMock(DB)
    monkeypatch.setattr("threading.Event.wait", interrupt)
    with pytest.raises(KeyboardInterrupt):
        kms.start()
    monkeypatch.undo()
    assert server_threads() == 0
    with kms:
        assert ask(kms, GET).status == 200


def test_start_without_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """A `start` for which the system has no thread left raises that, and leaves the port free."""

    def refuse(*_: Any) -> None:
        raise RuntimeError("can't start new thread")

    with KmsMock() as other:
        port = other.port
    kms = KmsMock(DB, port=port)
    monkeypatch.setattr("threading._start_new_thread", refuse)
    with pytest.raises(RuntimeError, match="new thread"):
        kms.start()
    monkeypatch.undo()
    assert not accepts(port)
    with kms:
        assert ask(kms, GET).status == 200


async def test_cancelled_async_with() -> None:
    """An `async with` that is cancelled while it starts leaves no server behind."""
    for _ in range(20):

        async def use() -> None:
            async with KmsMock():
                await asyncio.sleep(PATIENCE)

        task = asyncio.create_task(use())
        await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert server_threads() == 0


# -- the end ------------------------------------------------------------------------------------------------------------


def test_stop_after_a_client_gave_up() -> None:
    """A client that gave up on a slow answer does not keep `stop` waiting: running requests are cancelled at once.

    It took two seconds: one for the answer, one for the task, of a connection that was lost already.
    """
    for leave in (True, False):
        kms = KmsMock(DB).start()
        kms.fail(latency=60)
        with Wire(kms) as wire:
            wire.send(GET)
            wait_for_strike(kms)
            if leave:
                wire.socket.close()
            began = time.monotonic()
            kms.stop()
            assert time.monotonic() - began < 0.9


def test_stop_with_half_a_request_or_an_unread_answer() -> None:
    """Neither half a request, nor a refusal that lingers, nor a client that reads nothing keeps `stop` waiting."""
    kms = KmsMock({"secrets": [{"name": "db", "value": "x" * 30_000}]}).start()
    with Wire(kms) as half, Wire(kms) as refused, Wire(kms) as deaf:
        half.send(GET[:20])
        refused.send(b"no HTTP\r\n\r\n").receive()
        deaf.send(GET * 1000)
        time.sleep(0.1)
        began = time.monotonic()
        kms.stop()
        assert time.monotonic() - began < 0.9
        assert half.closed()


def test_stop_while_a_key_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work on another thread (an RSA key) does not keep `stop` waiting: nobody needs its result any more."""
    release, working = threading.Event(), threading.Event()

    def search(*_: object) -> None:
        working.set()
        release.wait(PATIENCE)

    monkeypatch.setattr(rsa, "generate_private_key", search)
    kms = KmsMock().start()
    try:
        with Wire(kms) as wire, ThreadPoolExecutor(1) as pool:
            wire.send(http(query=request_parameters("CreateKey", KeySpec="RSA_2048", KeyUsage="SIGN/VERIFY")))
            assert working.wait(PATIENCE)
            pool.submit(kms.stop).result(PATIENCE / 2)
    finally:
        release.set()


# -- frozen time --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [{"latency": 0.1}, {"effect": "slow", "seconds": 0.1}], ids=["latency", "slow"])
def test_faults_while_time_is_frozen(fault: dict[str, Any]) -> None:
    """A latency and a slow delivery end also in a test that freezes time: the server's timers run on real time."""
    with KmsMock(DB) as kms, freeze_time("2030-01-01"):
        kms.fail(times=1, **fault)
        assert ask(kms, GET).status == 200
        assert [call.status for call in kms.calls] == [200]


def test_stop_while_time_is_frozen() -> None:
    """`stop` with half a body ends while time is frozen."""
    kms = KmsMock(DB).start()
    with Wire(kms) as wire, freeze_time("2030-01-01"), ThreadPoolExecutor(1) as pool:
        wire.send(http("POST", headers={"Content-Length": "100"}) + b"Action=")
        time.sleep(0.1)  # the server waits for the rest
        pool.submit(kms.stop).result(PATIENCE)


def test_server_imported_while_time_is_frozen() -> None:
    """A server that is imported only while time is frozen runs on real time too."""
    printed = in_a_process(
        """
from urllib.request import ProxyHandler, build_opener
from freezegun import freeze_time
with freeze_time("2030-01-01"):
    from kms_mock import KmsMock
    with KmsMock() as kms:
        kms.fail(latency=0.1, times=1)
        build_opener(ProxyHandler({})).open(kms.url + "/?Action=ListSecrets&Version=2016-01-20", timeout=10).close()
print("answered")
"""
    )
    assert printed == "answered\n"


# -- fork ---------------------------------------------------------------------------------------------------------------

FORK = """
import os, socket, sys
from kms_mock import KmsMock
from kms_mock.mock import KmsMock as Handle
kms = KmsMock({"secrets": [{"name": "db", "value": "one"}]}).start()
url, port = kms.url, kms.port
kept = socket.create_connection(("127.0.0.1", port))
kept.sendall(b"GET /?Action=ListSecrets&Version=2016-01-20 HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
kept.recv(65536)
to_child, from_parent = os.pipe()
to_parent, from_child = os.pipe()
if os.fork() == 0:
    os.close(from_parent)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_fork() -> None:
    """In a forked process every call on the handle says in words that the server is not there; its sockets are closed.

    They used to hang, and the child kept the port open without answering. The parent's server is not disturbed.
    """
    printed = in_a_process(
        FORK
        + """
    for use in (kms.reset, kms.snapshot, kms.checkpoint, kms.namespace, kms.fail, lambda: kms.load({}),
                lambda: kms.clock.advance("1d"), lambda: kms.calls, lambda: kms.faults):
        try:
            use()
            told = "nothing"
        except RuntimeError as error:
            told = str(error)
        print("of which this one is a fork" in told, flush=True)
    print(kms.url == url, flush=True)
    os.write(from_child, b"x")
    os.read(to_child, 1)  # until the parent has stopped
    kms.stop()
    with kms:
        print(kms.port != port, flush=True)
    os._exit(0)
os.close(to_child)
os.read(to_parent, 1)
for _ in range(3):
    kept.sendall(b"GET /?Action=ListSecrets&Version=2016-01-20 HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
    assert kept.recv(65536).startswith(b"HTTP/1.1 200")
kms.reset()
kms.stop()
assert kept.recv(1) == b"", "the child keeps the connection"
try:
    socket.create_connection(("127.0.0.1", port), 1)
    print("the child keeps the port")
except ConnectionRefusedError:
    pass
os.close(from_parent)
os.wait()
"""
    )
    assert printed == "True\n" * 11


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_keeps_no_tunnel_and_no_new_connection() -> None:
    """What the proxy carries, and a client that has sent nothing yet, ends with the parent's server, not with the child."""
    printed = in_a_process(
        """
import os, socket, urllib.request
from kms_mock import KmsMock
kms = KmsMock().start()
host = socket.create_server(("127.0.0.1", 0))
port = host.getsockname()[1]
client = socket.create_connection(("127.0.0.1", kms.port))
client.sendall(f"CONNECT 127.0.0.1:{port} HTTP/1.1\\r\\n\\r\\n".encode())
reached, _ = host.accept()
assert client.recv(100).startswith(b"HTTP/1.1 200 ")
silent = socket.create_connection(("127.0.0.1", kms.port))
urllib.request.urlopen(f"{kms.url}/_kms_mock/health").read()  # connections are accepted in order
to_child, from_parent = os.pipe()
if os.fork() == 0:
    os.close(from_parent)
    os.read(to_child, 1)  # until the parent has ended
    os._exit(0)
kms.stop()
print([found.recv(100) for found in (reached, client, silent)])
"""
    )
    assert printed == "[b'', b'', b'']\n"
