"""The proxy and hosts that are none of Alibaba Cloud's: tunnels and plain HTTP, left alone."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from kms_mock import KmsMock
from kms_mock.config import Config
from tests.support.proxy import (
    PROXY_PATIENCE,
    SHANGHAI_FIXTURE,
    echo_back,
    listening_port,
    open_tunnel,
    refused_tunnel,
    through_proxy,
    warnings_logged,
)
from tests.support.raw_http import Wire, ask, request_parameters
from tests.support.raw_http import http as http_request

KMS = "kms.cn-shanghai.aliyuncs.com"
QUERY = request_parameters("GetSecretValue", SecretName="db")


@pytest.fixture
def kms() -> Iterator[KmsMock]:
    """A mock with a secret in cn-shanghai, which is not the region of requests that name none."""
    with KmsMock(SHANGHAI_FIXTURE) as running:
        yield running


# -- other hosts --------------------------------------------------------------------------------------------------------


def test_a_tunnel_carries_bytes_untouched(kms: KmsMock) -> None:
    """Megabytes both ways, more than any buffer holds, and the end of one side before the other's."""
    payload = bytes(range(256)) * 40_000
    received = bytearray()
    with listening_port(echo_back) as port, open_tunnel(kms, port) as client:

        def read() -> None:
            while data := client.recv(65536):
                received.extend(data)

        reader = threading.Thread(target=read)
        reader.start()
        client.sendall(payload)
        client.shutdown(socket.SHUT_WR)
        reader.join(PROXY_PATIENCE)
    assert bytes(received) == payload
    assert list(kms.calls) == []


def test_a_tunnel_does_not_fill_memory(kms: KmsMock) -> None:
    """A host that reads nothing stops its client after a few buffers."""
    with listening_port() as port, open_tunnel(kms, port) as client:
        client.settimeout(0.5)
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < 200_000_000:
                sent += client.send(bytes(1_000_000))
        assert sent < 50_000_000


def test_the_host_speaks_first_and_ends(kms: KmsMock) -> None:
    """A greeting arrives without a byte from the client; when the host closes, so does the tunnel; a reset is one."""

    def greet(accepted: socket.socket) -> None:
        with accepted:
            accepted.sendall(b"220 ready\r\n")

    def break_off(accepted: socket.socket) -> None:
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        accepted.recv(1)
        accepted.close()

    with listening_port(greet) as port, open_tunnel(kms, port) as client:
        assert client.recv(100) == b"220 ready\r\n"
        assert client.recv(100) == b""
    with listening_port(break_off) as port, open_tunnel(kms, port) as client:
        client.sendall(b"x")
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_a_silent_tunnel_ends() -> None:
    """After tunnel_timeout without a byte both ends are closed."""
    with (
        KmsMock(config=Config(tunnel_timeout=0.3, idle_timeout=1.0)) as kms,
        listening_port(echo_back) as port,
        open_tunnel(kms, port) as client,
    ):
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""


def test_a_host_that_cannot_be_reached(kms: KmsMock, caplog: pytest.LogCaptureFixture) -> None:
    """A closed port, a name that nobody has: 502 with the reason in words that clients show."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert (
        refused_tunnel(through_proxy(kms, "127.0.0.1", port))
        == f"502 kms-mock cannot reach 127.0.0.1:{port}: Connection refused"
    )
    assert refused_tunnel(through_proxy(kms, "nobody.invalid")).startswith(
        "502 kms-mock cannot reach nobody.invalid:443: "
    )
    assert refused_tunnel(through_proxy(kms, f"{'a' * 70}.example")).startswith("502 kms-mock cannot reach aaa")
    answer = ask(kms, http_request(path="http://nobody.invalid/"))
    assert answer.status == 502
    assert json.loads(answer.body)["error"].startswith("kms-mock cannot reach nobody.invalid:80: ")
    assert warnings_logged(caplog) == []


@pytest.mark.parametrize(
    "head", ["CONNECT", "CONNECT ", "CONNECT a HTTP/1.1", "CONNECT a:b HTTP/1.1", "CONNECT http://a:1 HTTP/1.1"]
)
def test_a_connect_that_is_none_is_refused(kms: KmsMock, head: str, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever begins like CONNECT is answered with 400, and the connection closed."""
    with Wire(kms) as wire:
        answer = wire.send(f"{head}\r\n\r\n".encode()).receive()
        assert answer.status == 400
        assert wire.closed()
    with Wire(kms) as wire:
        assert wire.send(b"CONNECT a:1 HTTP/1.1\r\nX: " + b"x" * 20_000).receive().status in (400, 502)
    assert warnings_logged(caplog) == []


def test_a_connect_in_pieces(kms: KmsMock) -> None:
    """The head of a CONNECT may come byte by byte, and another method that begins like it is no CONNECT."""
    with Wire(kms) as wire:
        for byte in f"CONNECT {KMS}:80 HTTP/1.1\r\n\r\n".encode():
            wire.send(bytes([byte]))
            time.sleep(0.002)
        assert wire._until(b"\r\n\r\n") == b"HTTP/1.1 200 Connection established"  # noqa: SLF001 (no headers)
        assert wire.send(http_request(query=QUERY, host=KMS)).receive().status == 200
    with Wire(kms) as wire:
        assert wire.send(b"CO").send(b"PY / HTTP/1.1\r\nHost: x\r\n\r\n").receive().status in (400, 403)


# -- plain HTTP to other hosts ------------------------------------------------------------------------------------------


@contextlib.contextmanager
def web_server() -> Iterator[tuple[int, list[bytes]]]:
    """A server that answers every request with its body, chunked, and keeps what it received."""
    seen: list[bytes] = []

    def serve(accepted: socket.socket) -> None:
        with accepted, accepted.makefile("rb") as stream:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += stream.readline() or b"\r\n\r\n"
            length = re.search(rb"(?i)content-length: (\d+)", head)
            body = stream.read(int(length[1])) if length else b""
            seen.append(head + body)
            accepted.sendall(
                b"HTTP/1.1 203 Fine\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Type: text/x\r\n"
                b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                + b"%x\r\n%s\r\n0\r\n\r\n"
                % (len(body), body)
                if body
                else b"HTTP/1.1 204 Nothing\r\nConnection: close\r\n\r\n"
            )

    with listening_port(serve) as port:
        yield port, seen


def test_a_plain_request_to_another_host_is_passed_on(kms: KmsMock) -> None:
    """As HTTP_PROXY makes it: method, target, headers and body arrive as sent, and so does the answer."""
    with web_server() as (port, seen):
        connection = http.client.HTTPConnection("127.0.0.1", kms.port, timeout=PROXY_PATIENCE)
        url = f"http://127.0.0.1:{port}/a%2Fb?c=%20d"
        for headers in ({}, {"Expect": "100-continue"}):
            connection.request("PUT", url, b"x" * 2_000_000, {"X-Own": "1", "Proxy-Connection": "close", **headers})
            answer = connection.getresponse()
            assert (answer.status, answer.reason, answer.read()) == (203, "Fine", b"x" * 2_000_000)
            assert answer.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
            assert answer.headers["Content-Type"] == "text/x"
        connection.request("GET", url)
        assert connection.getresponse().status == 204
        connection.close()
    assert len(seen) == 3
    head = seen[0].partition(b"\r\n\r\n")[0]
    assert head.startswith(b"PUT /a%2Fb?c=%20d HTTP/1.1\r\n")
    assert b"X-Own: 1" in head
    assert not re.search(rb"(?i)proxy-connection|expect|user-agent|chunked", head)


def test_a_host_that_breaks_off_its_answer(kms: KmsMock, caplog: pytest.LogCaptureFixture) -> None:
    """Half an answer stays half an answer: the client sees that it is cut."""

    def serve(accepted: socket.socket) -> None:
        with accepted:
            accepted.recv(65536)
            accepted.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")

    with listening_port(serve) as port:
        connection = http.client.HTTPConnection("127.0.0.1", kms.port, timeout=PROXY_PATIENCE)
        connection.request("GET", f"http://127.0.0.1:{port}/")
        with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
            connection.getresponse().read()
        connection.close()
    assert warnings_logged(caplog) == []
