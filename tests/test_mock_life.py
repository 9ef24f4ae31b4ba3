"""The handle that users hold: how it starts and stops, and at which address."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from kms_mock import KmsMock
from kms_mock.config import Config
from tests.support.raw_http import Wire, http, request_parameters
from tests.support.secrets import all_secret_names, create, stored_names, value
from tests.support.waiting import accepts

DB = {"secrets": [{"name": "db", "value": "one"}]}


def test_free_port() -> None:
    """Without options it listens on a free port of 127.0.0.1, and no more once it is stopped."""
    with KmsMock() as one, KmsMock() as two:
        assert one.port != two.port
        assert accepts(one.port)
        assert accepts(two.port)
        assert one.endpoint == f"127.0.0.1:{one.port}"
        assert one.url == f"http://127.0.0.1:{one.port}"
        port = one.port
    assert not accepts(port)
    assert "kms-mock" not in [thread.name for thread in threading.enumerate()]


def test_given_port() -> None:
    """A port that is given is the port it listens on; `Config` says the same as the arguments."""
    with KmsMock() as first:
        port = first.port
    with KmsMock(port=port) as again:
        assert again.port == port
    with KmsMock(config=Config(port=port)) as again:
        assert again.port == port


def test_a_config_stands_alone() -> None:
    """Beside a `Config`, another port, region or seed would be ignored in silence: it is refused."""
    with pytest.raises(ValueError, match="either a config"):
        KmsMock(config=Config(), region="cn-beijing")


def test_busy_port() -> None:
    """On a busy port `start` raises OSError at once (others hang, design.md 10.1), and works once the port is free."""
    blocked = None
    with KmsMock() as kms, ThreadPoolExecutor(1) as pool:
        blocked = KmsMock(port=kms.port)
        error = pool.submit(blocked.start).exception(timeout=5)
        assert isinstance(error, OSError)
        assert error.errno == errno.EADDRINUSE
        with pytest.raises(RuntimeError, match="not running"):
            _ = blocked.port
    with blocked:
        assert all_secret_names(blocked) == []


async def test_busy_port_async() -> None:
    """`async with` on a busy port raises the same OSError."""
    async with KmsMock() as kms:
        with pytest.raises(OSError, match="Address already in use"):
            async with asyncio.timeout(5), KmsMock(port=kms.port):
                pytest.fail("there is a server on this port")


def test_start_stop_start() -> None:
    """Stopped and started again it has what it had; a second `start` is refused, a second `stop` does nothing."""
    kms = KmsMock(DB)
    assert kms.start() is kms
    create(kms.client(), "later")
    with pytest.raises(RuntimeError, match="running already"):
        kms.start()
    assert all_secret_names(kms) == ["db", "later"]
    kms.stop()
    kms.stop()
    assert stored_names(kms) == ["db", "later"]
    kms.start()
    try:
        assert all_secret_names(kms) == ["db", "later"]
    finally:
        kms.stop()


def test_exception_inside() -> None:
    """An exception inside the with statement stops the server and goes on to the caller."""
    kms = KmsMock()

    def fail_inside() -> int:
        with kms:
            raise LookupError(kms.port)

    with pytest.raises(LookupError) as caught:
        fail_inside()
    assert not accepts(caught.value.args[0])


@pytest.mark.parametrize("use", [lambda kms: kms.port, lambda kms: kms.endpoint, lambda kms: kms.url, KmsMock.client])
def test_not_running(use: Callable[[KmsMock], Any]) -> None:
    """Where it is cannot be told before the start nor after the end: the error says what to do."""
    kms = KmsMock()
    with pytest.raises(RuntimeError, match=r"not running: use it in a with statement, or call start\(\)"):
        use(kms)
    kms.start()
    kms.stop()
    with pytest.raises(RuntimeError, match="not running"):
        use(kms)


def test_state_before_start() -> None:
    """A mock that does not listen yet can be loaded, read and reset: `reset` goes back to the constructor's fixtures."""
    kms = KmsMock([DB])
    kms.load({"secrets": [{"name": "more", "value": "two"}]})
    assert stored_names(kms) == ["db", "more"]
    kms.reset()
    assert stored_names(kms) == ["db"]


def test_stops_with_open_connections() -> None:
    """A client that keeps its connection open does not keep `stop` waiting."""
    kms = KmsMock().start()
    with Wire(kms) as wire, Wire(kms) as silent, ThreadPoolExecutor(1) as pool:
        wire.send(http(query=request_parameters("ListSecrets"))).receive()
        pool.submit(kms.stop).result(timeout=5)
        assert wire.closed()
        assert silent.closed()


def test_many_mocks() -> None:
    """A stopped mock leaves no file open, not in the SDK's client either, which keeps its connections for ever."""

    def use() -> int:
        with KmsMock() as kms:
            all_secret_names(kms)
        return len(list(Path("/dev/fd").iterdir()))

    first = use()
    assert max(use() for _ in range(5)) <= first


def test_no_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's client talks to a mock without making a TLS context first, which takes it longer than all the rest."""

    def made(*_: Any, **__: Any) -> None:
        pytest.fail("a TLS context for plain HTTP")

    monkeypatch.setattr(ssl, "create_default_context", made)
    with KmsMock(DB) as kms:
        assert all_secret_names(kms) == ["db"]


def test_ipv6() -> None:
    """An IPv6 address stands in brackets wherever it is followed by a port."""
    try:
        kms = KmsMock(DB, host="::1").start()
    except OSError:
        pytest.skip("this machine has no IPv6")
    try:
        assert kms.url == f"http://[::1]:{kms.port}"
        assert value(kms.client()) == "one"
    finally:
        kms.stop()


def test_name_with_an_address_of_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a name's addresses those count that this machine has: `localhost` is ::1 also where there is no IPv6.

    With none of them it cannot listen.
    """
    there, here = (
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in ("203.0.113.1", "127.0.0.1")
    )  # the first is for documentation (RFC 5737)
    found = [there, here]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with KmsMock(DB, host="db.internal") as kms, socket.create_connection(("127.0.0.1", kms.port)):
        pass
    found = [there]
    with pytest.raises(OSError, match=r"203\.0\.113\.1"):
        KmsMock(DB, host="db.internal").start()
