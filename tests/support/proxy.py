"""The proxy as clients use it: connections to hosts through the mock, and what listens at their ends."""

from __future__ import annotations

import contextlib
import http.client
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kms_mock import KmsMock
from kms_mock.defaults import DEFAULT_ACCOUNT

SHANGHAI_ACCOUNT: dict[str, Any] = {
    "id": DEFAULT_ACCOUNT,
    "regions": [{"id": "cn-shanghai", "secrets": [{"name": "db", "value": "one"}]}],
}
SHANGHAI_FIXTURE = {"accounts": [SHANGHAI_ACCOUNT]}
PROXY_PATIENCE = 10.0


def through_proxy(kms: KmsMock, host: str, port: int = 443, *, tls: bool = True) -> http.client.HTTPConnection:
    """Return a connection to a host through the mock as proxy, as `HTTPS_PROXY` makes it."""
    address = ("127.0.0.1", kms.port)
    connection = (
        http.client.HTTPSConnection(
            *address, timeout=PROXY_PATIENCE, context=ssl.create_default_context(cadata=kms.ca_pem)
        )
        if tls
        else http.client.HTTPConnection(*address, timeout=PROXY_PATIENCE)
    )
    connection.set_tunnel(host, port)
    return connection


def refused_tunnel(connection: http.client.HTTPConnection) -> str:
    """Return what http.client says of a tunnel that is refused."""
    with pytest.raises(OSError, match="Tunnel connection failed") as caught:
        connection.connect()
    connection.close()
    return str(caught.value).removeprefix("Tunnel connection failed: ")


@contextlib.contextmanager
def listening_port(serve: Callable[[socket.socket], None] | None = None) -> Iterator[int]:
    """Listen on a port of this machine, and run a function for each connection; without one, keep it open."""
    kept = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    accepted, _ = listening.accept()
                    accepted.settimeout(PROXY_PATIENCE)
                    if serve is None:
                        kept.append(accepted)
                    else:
                        threading.Thread(target=serve, args=(accepted,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield listening.getsockname()[1]
        finally:
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            for accepted in kept:
                accepted.close()


def open_tunnel(kms: KmsMock, port: int) -> socket.socket:
    """Open a tunnel to a port of this machine."""
    client = socket.create_connection(("127.0.0.1", kms.port), PROXY_PATIENCE)
    client.sendall(f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += client.recv(1)
    assert head == b"HTTP/1.1 200 Connection established\r\n\r\n"
    return client


def warnings_logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def echo_back(accepted: socket.socket) -> None:
    """Send back what comes, and close when the other side has."""
    with accepted:
        while data := accepted.recv(65536):
            accepted.sendall(data)
