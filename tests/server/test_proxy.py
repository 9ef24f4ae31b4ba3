"""The proxy: mocked products are answered here, other products of Alibaba Cloud refused, other hosts left alone."""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, cast
from urllib.request import ProxyHandler, build_opener
from xml.etree import ElementTree as ET

import pytest

from kms_mock import KmsMock
from kms_mock.config import DEFAULT_ACCOUNT, Config
from kms_mock.products import APIS
from kms_mock.rpc.decode import HttpRequest
from kms_mock.rpc.encode import HttpResponse
from kms_mock.server.hosts import Hosts, Place, is_alibaba_cloud, is_loopback, split_authority
from tests.support.raw_http import Wire, ask, request_parameters
from tests.support.raw_http import http as http_request
from tests.support.waiting import open_descriptors, wait_for_descriptors, wait_for_strike

ACCOUNT: dict[str, Any] = {
    "id": DEFAULT_ACCOUNT,
    "regions": [{"id": "cn-shanghai", "secrets": [{"name": "db", "value": "one"}]}],
}
SHANGHAI = {"accounts": [ACCOUNT]}
KMS = "kms.cn-shanghai.aliyuncs.com"
ECS = "ecs.cn-hangzhou.aliyuncs.com"
QUERY = request_parameters("GetSecretValue", SecretName="db")
GET = "/?" + "&".join(f"{name}={value}" for name, value in QUERY.items())
NOT_MOCKED = "kms-mock does not mock {}; nothing was sent to Alibaba Cloud"
PATIENCE = 10.0


@pytest.fixture
def kms() -> Iterator[KmsMock]:
    """A mock with a secret in cn-shanghai, which is not the region of requests that name none."""
    with KmsMock(SHANGHAI) as running:
        yield running


def through(kms: KmsMock, host: str, port: int = 443, *, tls: bool = True) -> http.client.HTTPConnection:
    """Return a connection to a host through the mock as proxy, as `HTTPS_PROXY` makes it."""
    address = ("127.0.0.1", kms.port)
    connection = (
        http.client.HTTPSConnection(*address, timeout=PATIENCE, context=ssl.create_default_context(cadata=kms.ca_pem))
        if tls
        else http.client.HTTPConnection(*address, timeout=PATIENCE)
    )
    connection.set_tunnel(host, port)
    return connection


def fetch(connection: http.client.HTTPConnection, target: str = GET) -> tuple[int, bytes]:
    connection.request("GET", target)
    answer = connection.getresponse()
    return answer.status, answer.read()


def refused_tunnel(connection: http.client.HTTPConnection) -> str:
    """Return what http.client says of a tunnel that is refused."""
    with pytest.raises(OSError, match="Tunnel connection failed") as caught:
        connection.connect()
    connection.close()
    return str(caught.value).removeprefix("Tunnel connection failed: ")


@contextlib.contextmanager
def listener(serve: Callable[[socket.socket], None] | None = None) -> Iterator[int]:
    """Listen on a port of this machine, and run a function for each connection; without one, keep it open."""
    kept = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    accepted, _ = listening.accept()
                    accepted.settimeout(PATIENCE)
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


def connect(kms: KmsMock, port: int) -> socket.socket:
    """Open a tunnel to a port of this machine."""
    client = socket.create_connection(("127.0.0.1", kms.port), PATIENCE)
    client.sendall(f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += client.recv(1)
    assert head == b"HTTP/1.1 200 Connection established\r\n\r\n"
    return client


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


# -- mocked products ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", [KMS, "kms-vpc.cn-shanghai.aliyuncs.com", "KMS.CN-Shanghai.aliyuncs.com."])
@pytest.mark.parametrize("tls", [True, False])
def test_a_mocked_host_is_answered_in_its_region(kms: KmsMock, host: str, *, tls: bool) -> None:
    """CONNECT to a public host of KMS: the certificate is for it, the region is the one in its name."""
    connection = through(kms, host, tls=tls) if not host.endswith(".") else through(kms, host[:-1], tls=tls)
    for _ in range(2):
        status, body = fetch(connection)
        assert (status, json.loads(body)["SecretData"]) == (200, "one")
    connection.close()


def test_the_host_of_a_tunnel_decides(kms: KmsMock) -> None:
    """A request in a tunnel that names no host, or another one, is for the host that the tunnel leads to."""
    for headers in ({"Host": "127.0.0.1"}, {"Host": ""}, {"Host": "kms.cn-beijing.aliyuncs.com"}):
        connection = through(kms, KMS)
        connection.putrequest("GET", GET, skip_host=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        assert connection.getresponse().status == 200
        connection.close()


def test_the_absolute_form_decides(kms: KmsMock) -> None:
    """`GET http://kms.<region>…/` as HTTP_PROXY makes it: region from the target, whatever Host says (RFC 9112)."""
    for host in (KMS, "127.0.0.1", "kms.cn-beijing.aliyuncs.com"):
        answer = ask(kms, http_request(query=QUERY, path=f"http://{KMS}/", host=host))
        assert answer.tree["SecretData"] == "one"
    assert ask(kms, http_request(query=QUERY, path=f"http://user:word@{KMS}:80/")).status == 200


def test_a_request_in_a_tunnel_is_secure(kms: KmsMock, monkeypatch: pytest.MonkeyPatch) -> None:
    """acs:SecureTransport is true in TLS inside a tunnel, and only there; acs:SourceIp is the client's."""
    seen: list[tuple[bool, tuple[str, str, str]]] = []
    answer = kms.gateway.answer

    async def note(request: HttpRequest) -> HttpResponse:
        seen.append((request.secure, (request.peer or "", request.headers["Host"].partition(":")[0], request.target)))
        return await answer(request)

    kms.stop()
    monkeypatch.setattr(kms.gateway, "answer", note)
    with kms:
        for tls in (True, False):
            connection = through(kms, KMS, tls=tls)
            fetch(connection)
            connection.close()
        ask(kms, http_request(query=QUERY, path=f"http://{KMS}/", host="x"))
    assert seen == [(secure, ("127.0.0.1", KMS, GET)) for secure in (True, False, False)]


def test_signatures_verify_in_a_tunnel() -> None:
    """The official SDK with a real endpoint, https and a proxy: signed for the real host; it shows the refusal's text."""
    from alibabacloud_kms20160120 import models  # noqa: PLC0415
    from alibabacloud_kms20160120.client import Client  # noqa: PLC0415
    from alibabacloud_tea_openapi.exceptions import ClientException  # noqa: PLC0415
    from alibabacloud_tea_openapi.utils_models import Config as SdkConfig  # noqa: PLC0415

    fixture = {
        "accounts": [{**ACCOUNT, "access_keys": [{"id": "LTAI5tExample", "secret": "verysecret"}]}],
        "authentication": {"signatures": "verify", "unknown_access_keys": "refuse"},
    }
    with KmsMock(fixture) as kms:
        config = SdkConfig(
            access_key_id="LTAI5tExample",
            access_key_secret="verysecret",
            endpoint=KMS,
            protocol="https",
            https_proxy=kms.url,
            ca=kms.ca_file,
        )
        wanted = models.GetSecretValueRequest(secret_name="db")
        assert Client(config).get_secret_value(wanted).body.secret_data == "one"
        config.endpoint = ECS
        with pytest.raises(ClientException, match=NOT_MOCKED.format(ECS)):
            Client(config).get_secret_value(wanted)


# -- other products -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", [ECS, "sls.aliyun.com", "ims.alibabacloud.com", "aliyuncs.com"])
def test_another_product_is_refused_in_its_clients_words(kms: KmsMock, host: str) -> None:
    """The tunnel is accepted and the answer is the API's envelope, whose message SDKs show; then it closes."""
    connection = through(kms, host)
    status, body = fetch(connection, "/?Action=DescribeInstances&Version=2014-05-26")
    tree = json.loads(body)
    assert status == tree["HttpStatus"] == 403
    assert (tree["Code"], tree["Message"]) == ("KmsMock.HostNotMocked", NOT_MOCKED.format(host))
    connection.close()
    answer = ask(kms, http_request(path=f"http://{host}/", host=host))
    assert answer.tree["Message"] == NOT_MOCKED.format(host)
    assert [call.code for call in kms.calls] == ["KmsMock.HostNotMocked"] * 2


def test_object_storage_is_refused_in_xml(kms: KmsMock) -> None:
    """Clients of OSS read `<Error>`; a body that is larger than any request to KMS is not waited for."""
    connection = through(kms, "bucket.oss-cn-hangzhou.aliyuncs.com")
    connection.request("PUT", "/object", b"x" * 3_000_000)
    answer = connection.getresponse()
    tree = ET.fromstring(answer.read())  # noqa: S314 (this server's own answer)
    assert (answer.status, tree.tag) == (403, "Error")
    assert tree.findtext("Message") == NOT_MOCKED.format("bucket.oss-cn-hangzhou.aliyuncs.com")
    connection.close()


def test_what_is_no_api_is_refused_in_the_reason_phrase(kms: KmsMock) -> None:
    """A database behind another port would not understand an envelope: CONNECT fails, and clients show why."""
    host = "r-bp1.redis.rds.aliyuncs.com"
    assert refused_tunnel(through(kms, host, 6379)) == f"403 {NOT_MOCKED.format(host)}"


def test_places() -> None:
    """Every kind of host, by name alone."""
    hosts = Hosts(lambda host: any(api.has_host(host) for api in APIS), "kms-mock")
    hosts.ports = {4588}
    found = {
        place: [
            name
            for name in (
                "kms.cn-hangzhou.aliyuncs.com",
                "kms-vpc.eu-central-1.aliyuncs.com",
                "kms-intl.ap-southeast-1.aliyuncs.com",
                "kst-hzz1.cryptoservice.kms.aliyuncs.com",
                "127.0.0.1",
                "::1",
                "localhost",
                "kms-mock",
                "mykms.cn-hangzhou.aliyuncs.com",
                "kms.cn-hangzhou.aliyuncs.com.evil.example",
                "evilaliyuncs.com",
                "mirrors.aliyun.com",
                "maven.aliyun.com",
                "example.com",
                "sts.aliyuncs.com.cn",
                "ecs.aliyuncs.com",
                "console.aliyun.com",
            )
            if hosts.place(name, 4588) is place
        ]
        for place in Place
    }
    assert found[Place.HERE][:4] == [
        "kms.cn-hangzhou.aliyuncs.com",
        "kms-vpc.eu-central-1.aliyuncs.com",
        "kms-intl.ap-southeast-1.aliyuncs.com",
        "kst-hzz1.cryptoservice.kms.aliyuncs.com",
    ]
    assert found[Place.HERE][4:] == ["127.0.0.1", "::1", "localhost", "kms-mock"]
    assert found[Place.REFUSED] == ["mykms.cn-hangzhou.aliyuncs.com", "ecs.aliyuncs.com", "console.aliyun.com"]
    assert len(found[Place.ELSEWHERE]) == 6
    assert hosts.place("127.0.0.1", 80) is Place.ELSEWHERE


def test_addresses_and_authorities() -> None:
    """Loopback addresses, the IPv4 ones in IPv6 too; authorities with and without port and brackets."""
    assert [is_loopback(found) for found in ("127.8.9.1", "::1", "::ffff:127.0.0.1")] == [True] * 3
    assert [is_loopback(found) for found in ("10.0.0.1", "::ffff:10.0.0.1", "", None, "localhost")] == [False] * 5
    assert split_authority("[::1]:80") == ("::1", 80)
    assert split_authority("Example.COM.", 443) == ("example.com", 443)
    for wrong in ("", ":80", "a", "a:0", "a:99999", "a:b", "u@a:1", "a:1/x"):
        with pytest.raises(ValueError, match=r"is not a host and a port|Port"):
            split_authority(wrong)
    assert not is_alibaba_cloud("notaliyun.com")


# -- other hosts --------------------------------------------------------------------------------------------------------


def echo(accepted: socket.socket) -> None:
    """Send back what comes, and close when the other side has."""
    with accepted:
        while data := accepted.recv(65536):
            accepted.sendall(data)


def test_a_tunnel_carries_bytes_untouched(kms: KmsMock) -> None:
    """Megabytes both ways, more than any buffer holds, and the end of one side before the other's."""
    payload = bytes(range(256)) * 40_000
    received = bytearray()
    with listener(echo) as port, connect(kms, port) as client:

        def read() -> None:
            while data := client.recv(65536):
                received.extend(data)

        reader = threading.Thread(target=read)
        reader.start()
        client.sendall(payload)
        client.shutdown(socket.SHUT_WR)
        reader.join(PATIENCE)
    assert bytes(received) == payload
    assert list(kms.calls) == []


def test_a_tunnel_does_not_fill_memory(kms: KmsMock) -> None:
    """A host that reads nothing stops its client after a few buffers."""
    with listener() as port, connect(kms, port) as client:
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

    with listener(greet) as port, connect(kms, port) as client:
        assert client.recv(100) == b"220 ready\r\n"
        assert client.recv(100) == b""
    with listener(break_off) as port, connect(kms, port) as client:
        client.sendall(b"x")
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_a_silent_tunnel_ends() -> None:
    """After tunnel_timeout without a byte both ends are closed."""
    with (
        KmsMock(config=Config(tunnel_timeout=0.3, idle_timeout=1.0)) as kms,
        listener(echo) as port,
        connect(kms, port) as client,
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
        refused_tunnel(through(kms, "127.0.0.1", port))
        == f"502 kms-mock cannot reach 127.0.0.1:{port}: Connection refused"
    )
    assert refused_tunnel(through(kms, "nobody.invalid")).startswith("502 kms-mock cannot reach nobody.invalid:443: ")
    assert refused_tunnel(through(kms, f"{'a' * 70}.example")).startswith("502 kms-mock cannot reach aaa")
    answer = ask(kms, http_request(path="http://nobody.invalid/"))
    assert answer.status == 502
    assert json.loads(answer.body)["error"].startswith("kms-mock cannot reach nobody.invalid:80: ")
    assert complaints(caplog) == []


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
    assert complaints(caplog) == []


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

    with listener(serve) as port:
        yield port, seen


def test_a_plain_request_to_another_host_is_passed_on(kms: KmsMock) -> None:
    """As HTTP_PROXY makes it: method, target, headers and body arrive as sent, and so does the answer."""
    with web_server() as (port, seen):
        connection = http.client.HTTPConnection("127.0.0.1", kms.port, timeout=PATIENCE)
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

    with listener(serve) as port:
        connection = http.client.HTTPConnection("127.0.0.1", kms.port, timeout=PATIENCE)
        connection.request("GET", f"http://127.0.0.1:{port}/")
        with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
            connection.getresponse().read()
        connection.close()
    assert complaints(caplog) == []


# -- the mock itself ----------------------------------------------------------------------------------------------------


def test_the_mock_itself_through_its_proxy(kms: KmsMock) -> None:
    """Clients that send everything through HTTP_PROXY reach the mock, its control API too, in both forms."""
    opener = build_opener(ProxyHandler({"http": kms.url}))
    with opener.open(f"{kms.url}/_kms_mock/health", timeout=PATIENCE) as answer:
        assert json.load(answer)["status"] == "ok"
    for host in ("127.0.0.1", "localhost", "127.0.0.7"):
        connection = through(kms, host, kms.port, tls=host == "localhost")
        assert fetch(connection, "/?Action=ListSecrets&Version=2016-01-20")[0] == 200
        connection.close()


def test_a_name_that_leads_back_to_the_mock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host name that resolves to the mock is answered by it, held to the same rules as a Host header."""
    look_up = socket.getaddrinfo

    def resolve(host: Any, *arguments: Any, **options: Any) -> Any:
        return look_up("127.0.0.1" if str(host).endswith(".example") else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with KmsMock(config=Config(allow_hosts=("back.example",))) as kms:
        for host, status in (("back.example", 200), ("page.example", 403)):
            connection = through(kms, host, kms.port)
            assert fetch(connection, "/?Action=ListSecrets&Version=2016-01-20")[0] == status
            connection.close()
            plain = http_request(
                query=request_parameters("ListSecrets"), path=f"http://{host}:{kms.port}/", host=f"{host}:{kms.port}"
            )
            assert ask(kms, plain).status == status


def test_the_endpoint_of_a_region_through_the_proxy(kms: KmsMock) -> None:
    """The port that a tunnel or an absolute URL names decides the region, not the one that the proxy listens on."""
    port = int(kms.endpoint_of("cn-shanghai").rpartition(":")[2])
    connection = through(kms, "127.0.0.1", port)
    assert fetch(connection)[0] == 200
    connection.close()
    assert ask(kms, http_request(query=QUERY, path=f"http://127.0.0.1:{port}/")).status == 200
    assert ask(kms, http_request(query=QUERY, path=f"http://127.0.0.1:{kms.port}/")).status == 404


def test_the_proxy_serves_this_machine_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client of another machine gets 403 for CONNECT and for plain requests to other hosts, unless proxy_remote."""
    text = "the proxy of kms-mock serves only this machine; see --proxy-remote"
    monkeypatch.setattr("kms_mock.server.proxy.is_loopback", lambda _: False)
    with KmsMock(SHANGHAI) as kms:
        assert refused_tunnel(through(kms, KMS)) == f"403 {text}"
        answer = ask(kms, http_request(path="http://example.invalid/"))
        assert (answer.status, json.loads(answer.body)) == (403, {"error": text})
        assert ask(kms, http_request(query=QUERY, path=f"http://{KMS}/")).status == 200  # nothing is passed on
    with KmsMock(SHANGHAI, config=Config(proxy_remote=True)) as kms:
        connection = through(kms, KMS)
        assert fetch(connection)[0] == 200
        connection.close()


# -- many, and the end --------------------------------------------------------------------------------------------------


def test_a_thousand_half_made_tunnels(caplog: pytest.LogCaptureFixture) -> None:
    """Heads that stop, tunnels without a byte, some to a host and some to the mock: nobody else waits, all are closed."""
    config = Config(header_timeout=3.0, tunnel_timeout=3.0)
    with KmsMock(SHANGHAI, config=config) as kms, listener(echo) as port:
        assert ask(kms, http_request(query=QUERY, host=KMS)).status == 200
        before = open_descriptors()
        beginnings = [
            b"C",
            f"CONNECT {KMS}:443 HTTP/1.1\r\nHost".encode(),
            f"CONNECT {KMS}:443 HTTP/1.1\r\n\r\n".encode(),
            f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n".encode(),
        ]
        clients = []
        for number in range(1000):
            clients.append(client := socket.create_connection(("127.0.0.1", kms.port), PATIENCE))
            client.sendall(beginnings[number % 4])
        assert ask(kms, http_request(query=QUERY, host=KMS)).status == 200
        for client in clients:
            with contextlib.suppress(ConnectionResetError):
                while client.recv(65536):
                    pass
            client.close()
        wait_for_descriptors(before + 1)  # the listener of this test
        assert ask(kms, http_request(query=QUERY, host=KMS)).status == 200
    assert complaints(caplog) == []


def test_stopping_closes_tunnels(kms: KmsMock, caplog: pytest.LogCaptureFixture) -> None:
    """A mock with open tunnels and a request in one of them stops at once and leaves no descriptor behind."""
    before = open_descriptors()
    kms.fail("GetSecretValue", latency=60)
    with listener(echo) as port, connect(kms, port) as client:
        waiting = through(kms, KMS)
        waiting.request("GET", GET)
        wait_for_strike(kms)
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        kms.stop()
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            waiting.getresponse()
        waiting.close()
    wait_for_descriptors(before)
    assert complaints(caplog) == []


def test_the_answer_to_a_refused_connect_is_json(kms: KmsMock) -> None:
    """Its body says the same as its reason phrase, for clients that show that."""
    with Wire(kms) as wire:
        answer = wire.send(b"CONNECT r-x.redis.rds.aliyuncs.com:6379 HTTP/1.1\r\n\r\n").receive()
    error = cast("dict[str, str]", json.loads(answer.body))["error"]
    assert error == NOT_MOCKED.format("r-x.redis.rds.aliyuncs.com")
