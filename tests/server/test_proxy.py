"""The proxy: mocked products are answered here, other products of Alibaba Cloud refused, other hosts left alone."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any, cast
from urllib.request import ProxyHandler, build_opener
from xml.etree import ElementTree as ET

import pytest

from kms_mock import KmsMock
from kms_mock.config import Config
from kms_mock.products import APIS
from kms_mock.rpc.decode import HttpRequest
from kms_mock.rpc.encode import HttpResponse
from kms_mock.server.hosts import Hosts, Place, is_alibaba_cloud, is_loopback, split_authority
from tests.support.proxy import (
    PROXY_PATIENCE,
    SHANGHAI_ACCOUNT,
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
from tests.support.waiting import open_descriptors, wait_for_descriptors, wait_for_strike

KMS = "kms.cn-shanghai.aliyuncs.com"
ECS = "ecs.cn-hangzhou.aliyuncs.com"
QUERY = request_parameters("GetSecretValue", SecretName="db")
GET = "/?" + "&".join(f"{name}={value}" for name, value in QUERY.items())
NOT_MOCKED = "kms-mock does not mock {}; nothing was sent to Alibaba Cloud"


@pytest.fixture
def kms() -> Iterator[KmsMock]:
    """A mock with a secret in cn-shanghai, which is not the region of requests that name none."""
    with KmsMock(SHANGHAI_FIXTURE) as running:
        yield running


def fetch(connection: http.client.HTTPConnection, target: str = GET) -> tuple[int, bytes]:
    connection.request("GET", target)
    answer = connection.getresponse()
    return answer.status, answer.read()


# -- mocked products ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", [KMS, "kms-vpc.cn-shanghai.aliyuncs.com", "KMS.CN-Shanghai.aliyuncs.com."])
@pytest.mark.parametrize("tls", [True, False])
def test_a_mocked_host_is_answered_in_its_region(kms: KmsMock, host: str, *, tls: bool) -> None:
    """CONNECT to a public host of KMS: the certificate is for it, the region is the one in its name."""
    connection = through_proxy(kms, host, tls=tls) if not host.endswith(".") else through_proxy(kms, host[:-1], tls=tls)
    for _ in range(2):
        status, body = fetch(connection)
        assert (status, json.loads(body)["SecretData"]) == (200, "one")
    connection.close()


def test_the_host_of_a_tunnel_decides(kms: KmsMock) -> None:
    """A request in a tunnel that names no host, or another one, is for the host that the tunnel leads to."""
    for headers in ({"Host": "127.0.0.1"}, {"Host": ""}, {"Host": "kms.cn-beijing.aliyuncs.com"}):
        connection = through_proxy(kms, KMS)
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
            connection = through_proxy(kms, KMS, tls=tls)
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
        "accounts": [{**SHANGHAI_ACCOUNT, "access_keys": [{"id": "LTAI5tExample", "secret": "verysecret"}]}],
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
    connection = through_proxy(kms, host)
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
    connection = through_proxy(kms, "bucket.oss-cn-hangzhou.aliyuncs.com")
    connection.request("PUT", "/object", b"x" * 3_000_000)
    answer = connection.getresponse()
    tree = ET.fromstring(answer.read())  # noqa: S314 (this server's own answer)
    assert (answer.status, tree.tag) == (403, "Error")
    assert tree.findtext("Message") == NOT_MOCKED.format("bucket.oss-cn-hangzhou.aliyuncs.com")
    connection.close()


def test_what_is_no_api_is_refused_in_the_reason_phrase(kms: KmsMock) -> None:
    """A database behind another port would not understand an envelope: CONNECT fails, and clients show why."""
    host = "r-bp1.redis.rds.aliyuncs.com"
    assert refused_tunnel(through_proxy(kms, host, 6379)) == f"403 {NOT_MOCKED.format(host)}"


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
    with pytest.raises(ValueError, match=r"^a host comes without a user's name and password$"):
        split_authority("user:hunter2@a:1")  # the text goes into the log and the answer
    for wrong in ("", ":80", "a", "a:0", "a:99999", "a:b", "a:1/x"):
        with pytest.raises(ValueError, match=r"is not a host and a port|Port"):
            split_authority(wrong)
    assert not is_alibaba_cloud("notaliyun.com")


# -- the mock itself ----------------------------------------------------------------------------------------------------


def test_the_mock_itself_through_its_proxy(kms: KmsMock) -> None:
    """Clients that send everything through HTTP_PROXY reach the mock, its control API too, in both forms."""
    opener = build_opener(ProxyHandler({"http": kms.url}))
    with opener.open(f"{kms.url}/_kms_mock/health", timeout=PROXY_PATIENCE) as answer:
        assert json.load(answer)["status"] == "ok"
    for host in ("127.0.0.1", "localhost", "127.0.0.7"):
        connection = through_proxy(kms, host, kms.port, tls=host == "localhost")
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
            connection = through_proxy(kms, host, kms.port)
            assert fetch(connection, "/?Action=ListSecrets&Version=2016-01-20")[0] == status
            connection.close()
            plain = http_request(
                query=request_parameters("ListSecrets"), path=f"http://{host}:{kms.port}/", host=f"{host}:{kms.port}"
            )
            assert ask(kms, plain).status == status


def test_a_name_that_leads_back_to_another_address_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection with it comes from another address than the one that it leads to; still it would be a circle."""
    look_up = socket.getaddrinfo

    def resolve(host: Any, *arguments: Any, **options: Any) -> Any:
        return look_up("127.0.0.7" if host == "back.example" else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with KmsMock(config=Config(host="127.0.0.7", allow_hosts=("back.example",))) as kms:
        connection = http.client.HTTPConnection("127.0.0.7", kms.port, timeout=PROXY_PATIENCE)
        connection.set_tunnel("back.example", kms.port)
        assert fetch(connection, "/?Action=ListSecrets&Version=2016-01-20")[0] == 200
        connection.close()
        assert [call.action for call in kms.calls] == ["ListSecrets"]


def test_a_url_of_another_host_with_a_wrong_port(kms: KmsMock) -> None:
    """It goes nowhere: the answer is that to a request which is none of this API."""
    for authority in ("example.com:99999", "example.com:x"):
        answer = ask(kms, http_request(path=f"http://{authority}/", host="example.com"))
        assert answer.status in (400, 403), answer


def test_the_endpoint_of_a_region_through_the_proxy(kms: KmsMock) -> None:
    """The port that a tunnel or an absolute URL names decides the region, not the one that the proxy listens on."""
    port = int(kms.endpoint_of("cn-shanghai").rpartition(":")[2])
    connection = through_proxy(kms, "127.0.0.1", port)
    assert fetch(connection)[0] == 200
    connection.close()
    assert ask(kms, http_request(query=QUERY, path=f"http://127.0.0.1:{port}/")).status == 200
    assert ask(kms, http_request(query=QUERY, path=f"http://127.0.0.1:{kms.port}/")).status == 404


def test_the_proxy_serves_this_machine_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client of another machine gets 403 for CONNECT and for plain requests to other hosts, unless proxy_remote."""
    text = "the proxy of kms-mock serves only this machine; see --proxy-remote"
    monkeypatch.setattr("kms_mock.server.proxy.is_loopback", lambda _: False)
    with KmsMock(SHANGHAI_FIXTURE) as kms:
        assert refused_tunnel(through_proxy(kms, KMS)) == f"403 {text}"
        answer = ask(kms, http_request(path="http://example.invalid/"))
        assert (answer.status, json.loads(answer.body)) == (403, {"error": text})
        assert ask(kms, http_request(query=QUERY, path=f"http://{KMS}/")).status == 200  # nothing is passed on
    with KmsMock(SHANGHAI_FIXTURE, config=Config(proxy_remote=True)) as kms:
        connection = through_proxy(kms, KMS)
        assert fetch(connection)[0] == 200
        connection.close()


# -- many, and the end --------------------------------------------------------------------------------------------------


def test_a_thousand_half_made_tunnels(caplog: pytest.LogCaptureFixture) -> None:
    """Heads that stop, tunnels without a byte, some to a host and some to the mock: nobody else waits, all are closed."""
    config = Config(header_timeout=3.0, tunnel_timeout=3.0)
    with KmsMock(SHANGHAI_FIXTURE, config=config) as kms, listening_port(echo_back) as port:
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
            clients.append(client := socket.create_connection(("127.0.0.1", kms.port), PROXY_PATIENCE))
            client.sendall(beginnings[number % 4])
        assert ask(kms, http_request(query=QUERY, host=KMS)).status == 200
        for client in clients:
            with contextlib.suppress(ConnectionResetError):
                while client.recv(65536):
                    pass
            client.close()
        wait_for_descriptors(before + 1)  # the listener of this test
        assert ask(kms, http_request(query=QUERY, host=KMS)).status == 200
    assert warnings_logged(caplog) == []


def test_stopping_closes_tunnels(kms: KmsMock, caplog: pytest.LogCaptureFixture) -> None:
    """A mock with open tunnels and a request in one of them stops at once and leaves no descriptor behind."""
    before = open_descriptors()
    kms.fail("GetSecretValue", latency=60)
    with listening_port(echo_back) as port, open_tunnel(kms, port) as client:
        waiting = through_proxy(kms, KMS)
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
    assert warnings_logged(caplog) == []


def test_the_answer_to_a_refused_connect_is_json(kms: KmsMock) -> None:
    """Its body says the same as its reason phrase, for clients that show that."""
    with Wire(kms) as wire:
        answer = wire.send(b"CONNECT r-x.redis.rds.aliyuncs.com:6379 HTTP/1.1\r\n\r\n").receive()
    error = cast("dict[str, str]", json.loads(answer.body))["error"]
    assert error == NOT_MOCKED.format("r-x.redis.rds.aliyuncs.com")
