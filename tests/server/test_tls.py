"""HTTPS on the port of plain HTTP: certificates for every name, both versions of TLS, clients that do it wrong."""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from kms_mock import KmsMock
from kms_mock.config import Config
from kms_mock.rpc.decode import HttpRequest
from kms_mock.rpc.encode import HttpResponse
from kms_mock.server import client_hello
from kms_mock.server.certificates import Certificates
from tests.support.raw_http import Wire, ask, request_parameters
from tests.support.raw_http import http as http_request
from tests.support.tls import GET_SECRET, TLS_FIXTURE, TLS_PATIENCE, secret_over_tls, tls_connection, trusting
from tests.support.waiting import open_descriptors, wait_for_descriptors, wait_for_strike


@pytest.fixture
def kms() -> Iterator[KmsMock]:
    """A mock with one secret."""
    with KmsMock(TLS_FIXTURE) as running:
        yield running


# -- the way in ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_of_tls(kms: KmsMock, version: ssl.TLSVersion) -> None:
    """TLS 1.2 and 1.3 are spoken on the port of plain HTTP, with HTTP/1.1 as the protocol; the connection is kept."""
    context = trusting(kms, minimum_version=version, maximum_version=version)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with tls_connection(kms, context=context) as wrapped:
        assert wrapped.selected_alpn_protocol() == "http/1.1"
        assert wrapped.version() == version.name.replace("_", ".")
        assert [secret_over_tls(wrapped) for _ in range(3)] == ["one"] * 3
    assert ask(kms, GET_SECRET).status == 200


@pytest.mark.parametrize(
    "name",
    [
        "localhost",
        "127.0.0.1",
        "kms.cn-shanghai.aliyuncs.com",
        "kst-hzz62ee817bvyyr5x.cryptoservice.kms.aliyuncs.com",
        "kms_mock",
        "KMS-MOCK.internal.",
        "a.b.c.example.com",
        "xn--bcher-kva.example",
    ],
)
def test_every_name_has_a_certificate(kms: KmsMock, name: str) -> None:
    """A client that trusts the authority and checks the name is served, whatever the name."""
    with tls_connection(kms, name.removesuffix(".")) as wrapped:
        assert secret_over_tls(wrapped) == "one"


def test_an_address_of_another_interface() -> None:
    """Clients name no host when they connect to an address: the certificate is for the address that they reached."""
    with (
        KmsMock(TLS_FIXTURE, host="127.0.0.9") as kms,
        socket.create_connection(("127.0.0.9", kms.port), TLS_PATIENCE) as plain,
        trusting(kms).wrap_socket(plain, server_hostname="127.0.0.9") as wrapped,
    ):
        assert secret_over_tls(wrapped) == "one"


def test_a_request_through_tls_is_secure(kms: KmsMock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The condition acs:SecureTransport sees whether a request came through TLS."""
    seen: list[bool] = []
    answer = kms.gateway.answer

    async def note(request: HttpRequest) -> HttpResponse:
        seen.append(request.secure)
        return await answer(request)

    kms.stop()
    monkeypatch.setattr(kms.gateway, "answer", note)
    with kms:
        ask(kms, GET_SECRET)
        with tls_connection(kms) as wrapped:
            secret_over_tls(wrapped)
    assert seen == [False, True]


def test_a_client_without_sni_gets_the_certificate_of_this_machine(kms: KmsMock) -> None:
    """Old clients name nothing; the certificate is for localhost and the loopback addresses."""
    context = trusting(kms)
    context.check_hostname = False
    with (
        socket.create_connection(("127.0.0.1", kms.port), TLS_PATIENCE) as plain,
        context.wrap_socket(plain) as wrapped,
    ):
        certificate = cast("dict[str, Any]", wrapped.getpeercert())
        names = {name for _, name in certificate["subjectAltName"]}
        assert names == {"localhost", "127.0.0.1", "0:0:0:0:0:0:0:1"}
        assert secret_over_tls(wrapped) == "one"


def test_the_mock_says_where_it_is(kms: KmsMock) -> None:
    """`https_url` is the same port; `ca_file` holds `ca_pem`, which the control API returns too, and goes at the end."""
    assert kms.https_url == kms.url.replace("http:", "https:")
    file = Path(kms.ca_file)
    assert file.read_text() == kms.ca_pem
    answer = ask(kms, http_request(path="/_kms_mock/ca.pem"))
    assert answer.headers["content-type"] == "application/x-pem-file"
    assert answer.body.decode() == kms.ca_pem
    assert "PRIVATE" not in kms.ca_pem
    kms.stop()
    assert not file.exists()


def test_a_mock_without_tls_makes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """No authority, no certificate, no file, while nobody asks for them."""

    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("kms_mock.server.certificates._process_authority", refuse)
    monkeypatch.setattr("kms_mock.server.certificates._new_context", refuse)
    with KmsMock(TLS_FIXTURE) as kms:
        assert ask(kms, GET_SECRET).status == 200


def test_a_split_hello_is_understood(kms: KmsMock) -> None:
    """A ClientHello that comes in pieces, as those with a post-quantum key do through small frames."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting(kms).wrap_bio(incoming, outgoing, server_hostname="kms.cn-beijing.aliyuncs.com")
    with socket.create_connection(("127.0.0.1", kms.port), TLS_PATIENCE) as plain:
        for _ in range(20):
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                for piece in (found := outgoing.read())[:3], found[3:50], found[50:]:
                    plain.sendall(piece)
                    time.sleep(0.01)
                incoming.write(plain.recv(65536))
        assert client.version() == "TLSv1.3"


# -- clients that do it wrong -------------------------------------------------------------------------------------------


def hello(name: bytes) -> bytes:
    """A ClientHello that asks for a name."""
    server_name = b"\0" + len(name).to_bytes(2) + name
    names = len(server_name).to_bytes(2) + server_name
    extension = b"\0\0" + len(names).to_bytes(2) + names
    body = b"\3\3" + bytes(32) + b"\0" + b"\0\2\xc0\x2b" + b"\1\0" + len(extension).to_bytes(2) + extension
    message = b"\1" + len(body).to_bytes(3) + body
    return b"\x16\3\1" + len(message).to_bytes(2) + message


GARBAGE = {
    "SNI of 300 letters": hello(b"a" * 300),
    "SNI with a label of 200 letters": hello(b"a" * 200 + b".example"),
    "SNI that is not ASCII": hello("bücher.example".encode()),
    "SNI with a zero byte": hello(b"kms\0.example"),
    "empty SNI": hello(b""),
    "a hello that nobody can serve": hello(b"localhost"),
    "a hello of zeros": bytes.fromhex("160301020001fc0303") + bytes(508),
    "a record that is too long": b"\x16\3\1\xff\xff" + bytes(70000),
    "a record of nothing": b"\x16\3\1\0\0",
    "a message that is no hello": b"\x16\3\1\0\4\2\0\0\0",
    "another version": b"\x16\x09\1\0\5hello",
    "text": b"\x16\r\n\r\n",
    "a cut extension": hello(b"localhost")[:-4] + b"\xff\xff\0\0",
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_garbage_ends_the_connection_and_nothing_else(
    kms: KmsMock, garbage: bytes, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """What begins like TLS and is not ends without a traceback; everybody else is served."""
    with Wire(kms) as wire:
        with contextlib.suppress(OSError):  # it may be closed before everything is sent
            wire.send(garbage)
            wire.socket.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            assert len(wire.socket.recv(65536)) < 10  # nothing, or an alert
    assert ask(kms, GET_SECRET).status == 200
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert "Traceback" not in capfd.readouterr().err


def test_a_client_that_does_not_trust_the_mock_is_a_debug_line(kms: KmsMock, caplog: pytest.LogCaptureFixture) -> None:
    """An alert of the client (unknown authority) is no error of the server."""
    caplog.set_level(logging.DEBUG, "kms_mock")
    with pytest.raises(ssl.SSLCertVerificationError), tls_connection(kms, context=ssl.create_default_context()):
        pass
    end = time.monotonic() + TLS_PATIENCE
    while "a TLS handshake failed" not in caplog.text and time.monotonic() < end:
        time.sleep(0.01)
    assert "a TLS handshake failed" in caplog.text
    assert {record.levelname for record in caplog.records if "TLS" in record.getMessage()} == {"DEBUG"}


def test_a_thousand_clients_that_send_one_byte(caplog: pytest.LogCaptureFixture) -> None:
    """They delay nobody, cost a descriptor each, and are closed after header_timeout; no line above INFO."""
    with KmsMock(TLS_FIXTURE, config=Config(header_timeout=3.0)) as kms:
        assert ask(kms, GET_SECRET).status == 200
        before = open_descriptors()
        clients = [socket.create_connection(("127.0.0.1", kms.port), TLS_PATIENCE) for _ in range(1000)]
        for client in clients:
            client.sendall(b"\x16")
        assert ask(kms, GET_SECRET).status == 200
        with tls_connection(kms) as wrapped:
            assert secret_over_tls(wrapped) == "one"
        for client in clients:
            with contextlib.suppress(ConnectionResetError):
                assert client.recv(1) == b""
            client.close()
        wait_for_descriptors(before)
        assert ask(kms, GET_SECRET).status == 200
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.skipif(not hasattr(select, "POLLRDHUP"), reason="the system does not tell while bytes wait unread")
def test_clients_that_leave_in_the_middle_are_forgotten(kms: KmsMock) -> None:
    """What a client that has gone away had begun to send does not keep its descriptor until the time limit."""
    assert ask(kms, GET_SECRET).status == 200
    before = open_descriptors()
    for beginning in (b"\x16", hello(b"localhost")[:20], b"CONNECT local"):
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", kms.port), TLS_PATIENCE) as client:
                client.sendall(beginning)
    wait_for_descriptors(before)


def test_a_silent_client_is_answered_and_closed() -> None:
    """A client that sends nothing gets the answer that it was too slow, as before there was TLS."""
    with KmsMock(TLS_FIXTURE, config=Config(header_timeout=0.3)) as kms, Wire(kms) as wire:
        assert wire.receive().status == 400
        assert wire.closed()


def test_stopping_does_not_wait_for_clients(caplog: pytest.LogCaptureFixture) -> None:
    """A mock stops at once in the middle of handshakes and answers, and leaves no descriptor behind."""
    before = open_descriptors()
    with KmsMock(TLS_FIXTURE) as kms:
        kms.fail("GetSecretValue", latency=60)
        half = [socket.create_connection(("127.0.0.1", kms.port), TLS_PATIENCE) for _ in range(4)]
        half[1].sendall(b"\x16\3")
        half[2].sendall(hello(b"localhost"))
        half[3].sendall(b"CONNECT local")
        with tls_connection(kms) as wrapped, tls_connection(kms) as idle:
            wrapped.sendall(GET_SECRET)
            wait_for_strike(kms)
            began = time.monotonic()
            kms.stop()
            assert time.monotonic() - began < TLS_PATIENCE / 2
            for connection in (wrapped, idle):
                assert connection.recv(1) == b""  # an orderly end of TLS: a cut would raise
    for client in half:
        client.close()
    wait_for_descriptors(before)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_half_closed_tls(kms: KmsMock, caplog: pytest.LogCaptureFixture) -> None:
    """A client that closes its side of TLS before its answer is no error."""
    kms.fail("GetSecretValue", latency=0.2)
    with tls_connection(kms) as wrapped:
        wrapped.sendall(GET_SECRET)
        wait_for_strike(kms)
        with contextlib.suppress(OSError):
            wrapped.unwrap()
    assert ask(kms, http_request(query=request_parameters("ListSecrets"))).status == 200
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_contexts_are_bounded() -> None:
    """A client that asks for ever new names fills no memory; a name in use stays."""
    certificates = Certificates(Config())
    first = certificates.context("localhost")
    for number in range(300):
        certificates.context(f"host-{number}.example")
        assert certificates.context("127.0.0.1") is first
    assert len(certificates._contexts) == 256  # noqa: SLF001 (nothing public counts them)


@pytest.mark.parametrize("length", [1, 5, 40, 43, 44, 50, 60])
def test_every_cut_hello_is_read_without_surprise(length: int) -> None:
    """A ClientHello cut anywhere has no name, or is not TLS; nothing else is raised."""
    cut = hello(b"localhost")[:length]
    try:
        assert client_hello.is_complete(cut) is False
        client_hello.server_name(cut)
    except client_hello.NotTlsError:
        pass
    assert client_hello.server_name(hello(b"localhost")) == "localhost"
