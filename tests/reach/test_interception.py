"""Interception in process: what arrives, what is refused, and what is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import types
import urllib.error
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import httpx
import pytest
import uvloop

from kms_mock import KmsMock, mock_kms
from kms_mock.reach.hosts import RESERVED_ADDRESS, NotMockedError, is_mocked
from kms_mock.reach.intercept import Interception, asked_hosts, forget_asked_hosts
from tests.support.https import ASK, HOST, OTHER_HOST, holding, patched_names, read_secret


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    """After each test here, sockets, TLS, event loops and environment are what they were."""

    def state() -> Any:
        loops = [dict(vars(owner)) for owner in (uvloop.Loop, aiohttp.TCPConnector)]
        return patched_names(), loops, list(sys.meta_path), dict(os.environ) | {"PYTEST_CURRENT_TEST": ""}

    before = state()
    yield
    assert state() == before


async def read_async(host: str = HOST, scheme: str = "https") -> str:
    async with aiohttp.ClientSession() as session, session.get(f"{scheme}://{host}{ASK}") as answer:
        value: str = (await answer.json())["SecretData"]
        return value


async def read_httpx(host: str = HOST, scheme: str = "https") -> str:
    async with httpx.AsyncClient() as client:
        value: str = (await client.get(f"{scheme}://{host}{ASK}")).json()["SecretData"]
        return value


async def read_stream(host: str = HOST, scheme: str = "https") -> str:
    """`loop.create_connection`, without a library."""
    context = ssl.create_default_context() if scheme == "https" else None
    reader, writer = await asyncio.open_connection(host, 443 if context else 80, ssl=context)
    writer.write(f"GET {ASK} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    value: str = json.loads(answer.partition(b"\r\n\r\n")[2])["SecretData"]
    return value


ASYNC_CLIENTS = [read_async, read_httpx, read_stream]
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


def run_on(loop: str, coroutine: Any) -> Any:
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        return runner.run(coroutine)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", [HOST, "KMS-vpc.cn-hangzhou.aliyuncs.com", "kst-a1.cryptoservice.kms.aliyuncs.com"])
def test_hosts_of_the_product_are_answered_by_the_mock(host: str, scheme: str) -> None:
    """Public endpoints, those within a VPC and those of dedicated instances, over TLS and not, in any case of letters."""
    with mock_kms(holding("one")):
        assert read_secret(host, scheme) == "one"


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("client", ASYNC_CLIENTS)
def test_asynchronous_clients_arrive(client: Callable[..., Any], loop: str, scheme: str) -> None:
    """Clients on aiohttp (which resolves by aiodns where it is installed, as here), httpx (anyio) and bare streams, on both loops."""
    assert aiohttp.resolver.DefaultResolver is aiohttp.AsyncResolver
    with mock_kms(holding("one")):
        assert run_on(loop, client(scheme=scheme)) == "one"


def test_the_region_comes_from_the_host_name() -> None:
    """The URL stays what the code asked for, so its region does, too."""
    with mock_kms({"accounts": [{"id": "1234567890123456", "regions": [{"id": "cn-beijing", **holding("b")}]}]}) as kms:
        assert read_secret("kms.cn-beijing.aliyuncs.com") == "b"
        assert kms.calls.last is not None
        with pytest.raises(urllib.error.HTTPError):
            read_secret()


@pytest.mark.parametrize("host", [OTHER_HOST, "ram.aliyuncs.com", "bucket.oss-cn-hangzhou.aliyuncs.com."])
def test_other_products_are_refused_in_words(host: str) -> None:
    """Whatever the client, its error holds a sentence that names the host and says what to do."""
    words = f"your code asked for {host.removesuffix('.')}, which is not mocked; nothing was sent to Alibaba Cloud"
    with mock_kms():
        with pytest.raises(urllib.error.URLError, match=words):
            read_secret(host)
        with pytest.raises(httpx.ConnectError, match=words):
            httpx.get(f"https://{host}")
        with pytest.raises(NotMockedError, match=words):
            socket.gethostbyname(host)
        with socket.socket() as plain, pytest.raises(NotMockedError, match=words):
            plain.connect((host, 443))
        for loop in LOOPS:
            with pytest.raises(aiohttp.ClientConnectorError, match=words):
                run_on(loop, read_async(host))
            with pytest.raises(NotMockedError, match=words):
                run_on(loop, read_stream(host))


def test_the_metadata_service_is_the_mock_s() -> None:
    """Nobody takes the credentials of the machine that runs the tests: the metadata address of ECS is answered here."""
    fixture = {"accounts": [{"id": "1234567890123456", "roles": [{"name": "app"}]}]}
    with mock_kms(fixtures=[fixture]):
        found = httpx.get("http://100.100.100.200/latest/meta-data/ram/security-credentials/")
    assert (found.status_code, found.text) == (200, "app")


def test_other_hosts_are_left_alone() -> None:
    """A server of the test's own is reached as ever, by name and by address, also over a Unix socket."""
    with mock_kms() as kms, KmsMock(holding("own")) as other:
        assert read_secret(f"localhost:{other.port}", "http") == "own"
        assert read_secret(f"127.0.0.1:{other.port}", "http") == "own"
        left, right = socket.socketpair()
        with left, right, pytest.raises(FileNotFoundError):
            left.connect("/nowhere")
        assert not list(kms.calls)


@pytest.mark.parametrize(
    "host",
    [
        "kms.aliyuncs.com.evil.example",
        "xkms.cn-hangzhou.aliyuncs.com",
        "kms.cn-hangzhou.aliyuncs.com.cn",
        "cryptoservice.kms.aliyuncs.com",
        "",
    ],
)
def test_names_that_only_look_like_it_are_not_mocked(host: str) -> None:
    """A name is the product's as a whole, or not at all."""
    assert not is_mocked(host)


# -- what is left behind: `_nothing_is_left` compares -----------------------------------------------------------------
def test_an_exception_inside_leaves_nothing_behind() -> None:
    """The block ends like any other, and the exception passes."""
    with pytest.raises(LookupError, match="mine"), mock_kms():
        raise LookupError("mine")


def test_a_wrong_fixture_leaves_nothing_behind() -> None:
    """Nothing is intercepted before the mock listens."""
    with pytest.raises(Exception, match="unknown"), mock_kms({"unknown": 1}):
        raise AssertionError("not reached")


def test_nested_mocks() -> None:
    """The inner mock answers until its end, then the outer one does again; the same for the environment."""
    with pytest.MonkeyPatch.context() as mine:
        mine.setenv("ALIBABA_CLOUD_REGION_ID", "cn-mine")
        nest()


def nest() -> None:
    with mock_kms(holding("outer"), region="cn-shanghai"):
        assert read_secret("kms.cn-shanghai.aliyuncs.com") == "outer"
        with mock_kms(holding("inner")):
            assert read_secret() == "inner"
            assert os.environ["ALIBABA_CLOUD_REGION_ID"] == "cn-hangzhou"
        assert read_secret("kms.cn-shanghai.aliyuncs.com") == "outer"
        assert os.environ["ALIBABA_CLOUD_REGION_ID"] == "cn-shanghai"
    assert os.environ["ALIBABA_CLOUD_REGION_ID"] == "cn-mine"


def test_interceptions_may_end_in_any_order() -> None:
    """Of two threads that intercept, the first to begin may be the first to end."""
    with KmsMock(holding("first")) as first, KmsMock(holding("second")) as second:
        one, two, three = first.intercept(), second.intercept(), first.intercept()
        for interception in one, two, three:
            interception.start()
        two.stop()
        assert read_secret() == "first"
        one.stop()
        assert read_secret() == "first"
        three.stop()
        three.stop()  # ends nothing more


def test_a_client_that_outlives_an_inner_mock_finds_the_outer_one() -> None:
    """A kept connection belongs to the mock that it was made for: it is not used for another one."""
    with httpx.Client() as client, mock_kms(holding("outer")), KmsMock(holding("inner")) as inner:
        url = f"https://{HOST}{ASK}"
        assert client.get(url).json()["SecretData"] == "outer"
        with inner.intercept():
            assert client.get(url).json()["SecretData"] == "inner"
        assert client.get(url).json()["SecretData"] == "outer"


def test_interception_of_a_mock_that_goes_on_ends_for_kept_connections() -> None:
    """After the end no request of an unchanged client reaches the mock, though it is still there."""
    with httpx.Client(transport=httpx.HTTPTransport()) as client, KmsMock(holding("one")) as kms:
        with kms.intercept():
            assert client.get(f"http://{HOST}{ASK}").json()["SecretData"] == "one"
        with Interception(None), pytest.raises(httpx.ConnectError, match="while no mock was running"):
            client.get(f"http://{HOST}{ASK}")


def test_a_thread_that_outlives_it() -> None:
    """Who resolved the name before the end and connects after it is refused by this machine."""
    resolved, ended = threading.Event(), threading.Event()
    seen: list[Any] = []

    def work() -> None:
        seen.append(socket.getaddrinfo(HOST, 443, type=socket.SOCK_STREAM)[0][4])
        connect = socket.socket.connect
        resolved.set()
        assert ended.wait(10)
        with socket.socket() as late:
            try:
                connect(late, seen[0])
            except OSError as error:
                seen.append(error)

    with mock_kms():
        thread = threading.Thread(target=work)
        thread.start()
        assert resolved.wait(10)
    ended.set()
    thread.join(10)
    assert seen[0] == (RESERVED_ADDRESS, 443)
    assert isinstance(seen[1], OSError)


def test_threads() -> None:
    """Many threads begin and end interceptions while others read: each answer is one of the mocks', or none came."""
    answers: list[str] = []

    def work(value: str) -> None:
        for _ in range(5):
            # Another thread's mock may be the innermost one at this moment, and stop before it has answered.
            with mock_kms(holding(value)), contextlib.suppress(ConnectionError, urllib.error.URLError):
                answers.append(read_secret(scheme="http"))

    threads = [threading.Thread(target=work, args=(value,)) for value in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers
    assert set(answers) <= set("abcd")


def test_what_others_replace_meanwhile_stays() -> None:
    """A wrapper that somebody put over ours is not taken away, and works on: ours lets everything pass by then."""
    original = socket.getaddrinfo
    with mock_kms():
        ours = socket.getaddrinfo
        socket.getaddrinfo = functools.partial(ours)
    try:
        assert socket.getaddrinfo is not original
        assert socket.getaddrinfo("127.0.0.1", 80) == original("127.0.0.1", 80)
    finally:
        socket.getaddrinfo = original


LATE = """
import asyncio, json, sys
assert "uvloop" not in sys.modules and "aiohttp" not in sys.modules
from kms_mock.reach.intercept import Interception
from kms_mock.reach.hosts import NotMockedError
with Interception(None):
    import uvloop, aiohttp
    assert "sock_connect" in vars(uvloop.Loop)
    async def ask():
        async with aiohttp.ClientSession() as session, session.get("https://kms.cn-hangzhou.aliyuncs.com"): pass
    for run in asyncio.run, uvloop.run:
        try:
            run(ask())
        except aiohttp.ClientConnectorError as error:
            assert "while no mock was running" in str(error), error
        else:
            raise AssertionError
assert "sock_connect" not in vars(uvloop.Loop)
assert "exec_module" not in vars(uvloop.__spec__.loader)
print("done")
"""


def test_libraries_that_are_imported_inside_are_reached() -> None:
    """Both uvloop and aiohttp, imported after interception began, are intercepted like those that were there before."""
    run = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True, timeout=60, check=False)
    assert run.stdout == "done\n", run.stderr


# -- what cannot be done ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("module", ["gevent.monkey", "eventlet.patcher"])
def test_other_sockets_are_refused_in_words(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another library has replaced the socket module, interception says so instead of being bypassed."""
    there = types.SimpleNamespace(is_module_patched=lambda _: True, is_monkey_patched=lambda _: True)
    monkeypatch.setitem(sys.modules, module, there)
    with KmsMock() as kms, pytest.raises(RuntimeError, match=r"cannot intercept the sockets of (gevent|eventlet),"):
        kms.intercept().start()


def test_a_library_that_is_not_there_stays_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs that try to import one, and go on without it, do so here too."""
    monkeypatch.delitem(sys.modules, "uvloop", raising=False)
    with KmsMock() as kms, kms.intercept():
        monkeypatch.setattr(sys, "path", [])
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("uvloop")


def test_a_mock_must_run_on_ipv4() -> None:
    """A mock that is not running, one on IPv6, and one interception begun twice are errors in words."""
    with pytest.raises(RuntimeError, match="not running"):
        KmsMock().intercept().start()
    with pytest.raises(ValueError, match="IPv4"):
        KmsMock(host="::1").intercept()
    with KmsMock() as kms, kms.intercept() as interception, pytest.raises(RuntimeError, match="is on already"):
        interception.start()


def test_a_mock_that_listens_everywhere_is_reached() -> None:
    """0.0.0.0 is where it listens, not where it is reached."""
    with mock_kms(holding("one"), host="0.0.0.0"):  # noqa: S104 (the point)
        assert read_secret(scheme="http") == "one"


def test_a_mock_that_stopped_before_the_interception() -> None:
    """Its hosts are refused in the same words as without a mock."""
    kms = KmsMock().start()
    with kms.intercept():
        kms.stop()
        with pytest.raises(urllib.error.URLError, match="while no mock was running"):
            read_secret()


# -- hosts that were asked for ----------------------------------------------------------------------------------------
def test_the_hosts_are_remembered() -> None:
    """Each name once, with what happened to it; none when there was no interception."""
    forget_asked_hosts()
    assert not asked_hosts().report()
    with mock_kms(holding("one")):
        assert asked_hosts().report() == "your code asked for no host while KMS was intercepted"
        read_secret()
        read_secret()
        for host in OTHER_HOST, "kms.invalid", "localhost":
            with contextlib.suppress(OSError):
                socket.getaddrinfo(host, "no such port")
    assert asked_hosts().report().splitlines() == [
        f"your code asked for {HOST}: the mock answers for it",
        f"your code asked for {OTHER_HOST}: it is not mocked, so it was refused",
        "your code asked for kms.invalid: it is no host of Alibaba Cloud, so it was not intercepted",
    ]
    forget_asked_hosts()


# -- kept connections -------------------------------------------------------------------------------------------------
def test_a_request_in_flight_is_answered_before_its_connection_ends() -> None:
    """Closing kept connections takes no answer away: the one that is awaited arrives, and then the connection ends."""
    with KmsMock(holding("one")) as kms, httpx.Client() as client:
        kms.fail("GetSecretValue", latency=0.3, times=1)
        answers: list[httpx.Response] = []
        thread = threading.Thread(target=lambda: answers.append(client.get(kms.url + ASK)))
        thread.start()
        while kms.faults.unused:
            threading.Event().wait(0.005)
        kms.close_kept_connections()
        thread.join(10)
        assert answers[0].json()["SecretData"] == "one"
        assert client.get(kms.url + ASK).json()["SecretData"] == "one"
    kms.close_kept_connections()  # of a mock that has stopped there are none
