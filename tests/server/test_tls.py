"""HTTPS on the port of plain HTTP: certificates for every name, both versions of TLS, clients that do it wrong."""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import os
import re
import select
import socket
import ssl
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest

from kms_mock import KmsMock
from kms_mock.config import Config
from kms_mock.rpc.decode import HttpRequest
from kms_mock.rpc.encode import HttpResponse
from kms_mock.server import client_hello
from kms_mock.server.authority_files import AuthorityError, load_or_make
from kms_mock.server.certificates import Certificates
from tests.support.raw_http import Wire, ask, request_parameters
from tests.support.raw_http import http as http_request
from tests.support.waiting import open_descriptors, wait_for_descriptors, wait_for_strike

FIXTURE = {"secrets": [{"name": "db", "value": "one"}]}
GET = http_request(query=request_parameters("GetSecretValue", SecretName="db"))
PATIENCE = 10.0


@pytest.fixture
def kms() -> Iterator[KmsMock]:
    """A mock with one secret."""
    with KmsMock(FIXTURE) as running:
        yield running


def trusting(kms: KmsMock, **versions: ssl.TLSVersion) -> ssl.SSLContext:
    """A client's context that trusts nothing but the mock's authority."""
    context = ssl.create_default_context(cadata=kms.ca_pem)
    for name, version in versions.items():
        setattr(context, name, version)
    return context


@contextlib.contextmanager
def tls(kms: KmsMock, name: str = "127.0.0.1", context: ssl.SSLContext | None = None) -> Iterator[ssl.SSLSocket]:
    """Connect as a client that believes the mock to have a name, and verifies that."""
    with (
        socket.create_connection(("127.0.0.1", kms.port), PATIENCE) as plain,
        (context or trusting(kms)).wrap_socket(plain, server_hostname=name) as wrapped,
    ):
        yield wrapped


def secret_value(wrapped: socket.socket) -> str:
    """Ask for the secret on a connection."""
    wrapped.sendall(GET)
    answer = http.client.HTTPResponse(wrapped)
    answer.begin()
    assert answer.status == 200
    return str(json.load(answer)["SecretData"])


# -- the way in ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_of_tls(kms: KmsMock, version: ssl.TLSVersion) -> None:
    """TLS 1.2 and 1.3 are spoken on the port of plain HTTP, with HTTP/1.1 as the protocol; the connection is kept."""
    context = trusting(kms, minimum_version=version, maximum_version=version)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with tls(kms, context=context) as wrapped:
        assert wrapped.selected_alpn_protocol() == "http/1.1"
        assert wrapped.version() == version.name.replace("_", ".")
        assert [secret_value(wrapped) for _ in range(3)] == ["one"] * 3
    assert ask(kms, GET).status == 200


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
    with tls(kms, name.removesuffix(".")) as wrapped:
        assert secret_value(wrapped) == "one"


def test_an_address_of_another_interface() -> None:
    """Clients name no host when they connect to an address: the certificate is for the address that they reached."""
    with (
        KmsMock(FIXTURE, host="127.0.0.9") as kms,
        socket.create_connection(("127.0.0.9", kms.port), PATIENCE) as plain,
        trusting(kms).wrap_socket(plain, server_hostname="127.0.0.9") as wrapped,
    ):
        assert secret_value(wrapped) == "one"


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
        ask(kms, GET)
        with tls(kms) as wrapped:
            secret_value(wrapped)
    assert seen == [False, True]


def test_a_client_without_sni_gets_the_certificate_of_this_machine(kms: KmsMock) -> None:
    """Old clients name nothing; the certificate is for localhost and the loopback addresses."""
    context = trusting(kms)
    context.check_hostname = False
    with socket.create_connection(("127.0.0.1", kms.port), PATIENCE) as plain, context.wrap_socket(plain) as wrapped:
        certificate = cast("dict[str, Any]", wrapped.getpeercert())
        names = {name for _, name in certificate["subjectAltName"]}
        assert names == {"localhost", "127.0.0.1", "0:0:0:0:0:0:0:1"}
        assert secret_value(wrapped) == "one"


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
    with KmsMock(FIXTURE) as kms:
        assert ask(kms, GET).status == 200


def test_a_split_hello_is_understood(kms: KmsMock) -> None:
    """A ClientHello that comes in pieces, as those with a post-quantum key do through small frames."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting(kms).wrap_bio(incoming, outgoing, server_hostname="kms.cn-beijing.aliyuncs.com")
    with socket.create_connection(("127.0.0.1", kms.port), PATIENCE) as plain:
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
    assert ask(kms, GET).status == 200
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert "Traceback" not in capfd.readouterr().err


def test_a_client_that_does_not_trust_the_mock_is_a_debug_line(kms: KmsMock, caplog: pytest.LogCaptureFixture) -> None:
    """An alert of the client (unknown authority) is no error of the server."""
    caplog.set_level(logging.DEBUG, "kms_mock")
    with pytest.raises(ssl.SSLCertVerificationError), tls(kms, context=ssl.create_default_context()):
        pass
    end = time.monotonic() + PATIENCE
    while "a TLS handshake failed" not in caplog.text and time.monotonic() < end:
        time.sleep(0.01)
    assert "a TLS handshake failed" in caplog.text
    assert {record.levelname for record in caplog.records if "TLS" in record.getMessage()} == {"DEBUG"}


def test_a_thousand_clients_that_send_one_byte(caplog: pytest.LogCaptureFixture) -> None:
    """They delay nobody, cost a descriptor each, and are closed after header_timeout; no line above INFO."""
    with KmsMock(FIXTURE, config=Config(header_timeout=3.0)) as kms:
        assert ask(kms, GET).status == 200
        before = open_descriptors()
        clients = [socket.create_connection(("127.0.0.1", kms.port), PATIENCE) for _ in range(1000)]
        for client in clients:
            client.sendall(b"\x16")
        assert ask(kms, GET).status == 200
        with tls(kms) as wrapped:
            assert secret_value(wrapped) == "one"
        for client in clients:
            with contextlib.suppress(ConnectionResetError):
                assert client.recv(1) == b""
            client.close()
        wait_for_descriptors(before)
        assert ask(kms, GET).status == 200
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.skipif(not hasattr(select, "POLLRDHUP"), reason="the system does not tell while bytes wait unread")
def test_clients_that_leave_in_the_middle_are_forgotten(kms: KmsMock) -> None:
    """What a client that has gone away had begun to send does not keep its descriptor until the time limit."""
    assert ask(kms, GET).status == 200
    before = open_descriptors()
    for beginning in (b"\x16", hello(b"localhost")[:20], b"CONNECT local"):
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", kms.port), PATIENCE) as client:
                client.sendall(beginning)
    wait_for_descriptors(before)


def test_a_silent_client_is_answered_and_closed() -> None:
    """A client that sends nothing gets the answer that it was too slow, as before there was TLS."""
    with KmsMock(FIXTURE, config=Config(header_timeout=0.3)) as kms, Wire(kms) as wire:
        assert wire.receive().status == 400
        assert wire.closed()


def test_stopping_does_not_wait_for_clients(caplog: pytest.LogCaptureFixture) -> None:
    """A mock stops at once in the middle of handshakes and answers, and leaves no descriptor behind."""
    before = open_descriptors()
    with KmsMock(FIXTURE) as kms:
        kms.fail("GetSecretValue", latency=60)
        half = [socket.create_connection(("127.0.0.1", kms.port), PATIENCE) for _ in range(4)]
        half[1].sendall(b"\x16\3")
        half[2].sendall(hello(b"localhost"))
        half[3].sendall(b"CONNECT local")
        with tls(kms) as wrapped, tls(kms) as idle:
            wrapped.sendall(GET)
            wait_for_strike(kms)
            began = time.monotonic()
            kms.stop()
            assert time.monotonic() - began < PATIENCE / 2
            for connection in (wrapped, idle):
                assert connection.recv(1) == b""  # an orderly end of TLS: a cut would raise
    for client in half:
        client.close()
    wait_for_descriptors(before)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_half_closed_tls(kms: KmsMock, caplog: pytest.LogCaptureFixture) -> None:
    """A client that closes its side of TLS before its answer is no error."""
    kms.fail("GetSecretValue", latency=0.2)
    with tls(kms) as wrapped:
        wrapped.sendall(GET)
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


# -- certificates of the user's own, and the authority in a folder ------------------------------------------------------


@pytest.fixture
def own(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for kms.internal and *.kms.internal that is its own authority, and its key."""
    certificate, key = tmp_path / "own.pem", tmp_path / "own-key.pem"
    names = "subjectAltName=DNS:kms.internal,DNS:*.kms.internal"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=own"
    subprocess.run(
        [*command.split(), "-addext", names, "-keyout", key, "-out", certificate], check=True, capture_output=True
    )
    return certificate, key


def test_a_certificate_of_the_users_own(own: tuple[Path, Path]) -> None:
    """It is shown for every name but those of Alibaba Cloud, which a program reaches through the proxy."""
    certificate, key = own
    with KmsMock(FIXTURE, config=Config(tls_cert=certificate, tls_key=key)) as kms:
        its = ssl.create_default_context(cafile=certificate)
        for name in ("kms.internal", "a.kms.internal"):
            with tls(kms, name, its) as wrapped:
                assert secret_value(wrapped) == "one"
        with pytest.raises(ssl.SSLCertVerificationError, match="not valid for 'localhost'"), tls(kms, "localhost", its):
            pass
        with tls(kms, "kms.cn-hangzhou.aliyuncs.com") as wrapped:
            assert secret_value(wrapped) == "one"


def test_a_certificate_that_cannot_be_used_is_told_at_once(own: tuple[Path, Path], tmp_path: Path) -> None:
    """A missing file, a key of another certificate, and a file that is none: the message says which."""
    certificate, key = own
    other = tmp_path / "other.pem"
    other.write_text("not PEM")
    for config, message in (
        (Config(tls_cert=tmp_path / "none.pem"), r"cannot read .*none\.pem or its key: No such file"),
        (Config(tls_cert=certificate), "cannot use the certificate"),
        (Config(tls_cert=certificate, tls_key=other), "cannot use the certificate"),
        (Config(tls_cert=other, tls_key=key), "cannot use the certificate"),
    ):
        with pytest.raises(AuthorityError, match=message):
            KmsMock(config=config)
    with pytest.raises(ValueError, match="a TLS key comes with its certificate"):
        Config(tls_key=key)


def test_an_authority_is_made_once_and_kept(tmp_path: Path) -> None:
    """Several at once agree on one; only its owner can read the key; the certificate is in a file of its own."""
    folder = tmp_path / "new" / "ca"
    barrier = threading.Barrier(8)

    def load() -> bytes:
        barrier.wait()
        return load_or_make(folder).private_pem

    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: load(), range(8)))
    assert len(found) == 1
    assert sorted(path.name for path in folder.iterdir()) == ["ca-key.pem", "ca.pem"]
    assert stat.S_IMODE((folder / "ca-key.pem").stat().st_mode) == 0o600
    assert load_or_make(folder).pem == (folder / "ca.pem").read_bytes()
    with KmsMock(config=Config(ca_dir=folder)) as kms:
        assert kms.ca_file == str(folder / "ca.pem")
    assert (folder / "ca.pem").exists()


def test_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system without hard links keeps an authority, too."""

    def link(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", link)
    made = load_or_make(tmp_path)
    assert load_or_make(tmp_path).private_pem == made.private_pem
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ca-key.pem", "ca.pem"]


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    """A damaged key, a key that others can read, a file in place of the folder: each is told in words."""
    load_or_make(tmp_path / "ca")
    key = tmp_path / "ca" / "ca-key.pem"
    key.chmod(0o644)
    with pytest.raises(AuthorityError, match=r"ca-key\.pem can be read by others \(mode 0644\): run chmod 600"):
        load_or_make(tmp_path / "ca")
    key.write_text("damaged")
    key.chmod(0o600)
    with pytest.raises(AuthorityError, match=r"ca-key\.pem is damaged"):
        load_or_make(tmp_path / "ca")
    with pytest.raises(AuthorityError, match="cannot keep a certificate authority in"):
        load_or_make(key / "below")


def test_without_a_state_folder_there_is_an_authority_for_the_time_being(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the user's state cannot be written (a container), https works with an authority that is not kept."""
    (tmp_path / "file").touch()
    monkeypatch.setattr("kms_mock.server.certificates.default_folder", lambda: tmp_path / "file" / "ca")
    with KmsMock(FIXTURE, config=Config(keep_ca=True)) as kms, tls(kms) as wrapped:
        assert secret_value(wrapped) == "one"
        assert Path(kms.ca_file).read_text() == kms.ca_pem
    assert re.search("cannot keep a certificate authority in .*; until this server ends", caplog.text)
