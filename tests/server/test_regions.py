"""Endpoints of regions: one server, a port for each region, and which region a request is in."""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.config import Config
from kms_mock.defaults import DEFAULT_ACCOUNT, DEFAULT_REGION
from kms_mock.sdk_sessions import _sessions
from tests.support.calls import call
from tests.support.cli import get, plain_call, run_command, serving
from tests.support.raw_http import ask, request_parameters
from tests.support.raw_http import http as written
from tests.support.waiting import in_a_process

SHANGHAI, BEIJING = "cn-shanghai", "cn-beijing"
IN_EACH = [
    {
        "accounts": [
            {
                "id": DEFAULT_ACCOUNT,
                "regions": [
                    {"id": region, "secrets": [{"name": "db", "value": f"of {region}"}]}
                    for region in (DEFAULT_REGION, SHANGHAI, BEIJING)
                ],
            }
        ]
    }
]


def sdk_value(client: Client) -> str:
    return str(client.get_secret_value(models.GetSecretValueRequest(secret_name="db")).body.secret_data)


def raw_value(kms: KmsMock, host: str = "127.0.0.1", **parameters: str) -> str:
    """Read the secret at the main port, as a client that may name a region."""
    query = request_parameters("GetSecretValue", SecretName="db", **parameters)
    return str(ask(kms, written("GET", query, host=host)).tree["SecretData"])


# -- an explicit region -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("region", [SHANGHAI, DEFAULT_REGION])
def test_an_explicit_region_is_an_endpoint(region: str, caplog: pytest.LogCaptureFixture) -> None:
    """A differing RegionId is ignored, whatever it is, and noted once: Terraform sends it on some calls only."""
    with KmsMock(IN_EACH, region=region) as kms, caplog.at_level(logging.WARNING, "kms_mock"):
        for _ in range(3):
            assert raw_value(kms) == f"of {region}"
            for named in (BEIJING, region, "../etc\n", ""):
                assert raw_value(kms, RegionId=named) == f"of {region}"
    noted = [record.getMessage() for record in caplog.records]
    assert noted == [
        f"RegionId {name!r} is ignored: this is the endpoint of {region}" for name in (BEIJING, "../etc\n")
    ]


def test_an_operation_with_a_region_id_of_its_own_is_at_the_endpoint_too() -> None:
    """TagResources declares RegionId as a parameter; it tags what is in the endpoint's region."""
    with KmsMock(IN_EACH, region=SHANGHAI) as kms:
        tag = {"ResourceType": "secret", "ResourceId.1": "db", "Tag.1.Key": "team", "Tag.1.Value": "a"}
        call(kms.client(), "TagResources", RegionId=BEIJING, **tag)
        tagged = {
            region["id"]: secret.get("tags")
            for region in kms.snapshot()["accounts"][0]["regions"]
            for secret in region["secrets"]
        }
    assert tagged == {DEFAULT_REGION: None, SHANGHAI: {"team": "a"}, BEIJING: None}


def test_ignored_regions_do_not_grow_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """A client that names ever new regions is answered, and after 1,000 of them the log has said enough."""
    with KmsMock(IN_EACH, region=SHANGHAI) as kms, caplog.at_level(logging.WARNING, "kms_mock"):
        pool = ThreadPoolExecutor(4)
        assert set(pool.map(lambda number: raw_value(kms, RegionId=f"cn-{number}"), range(1010))) == {f"of {SHANGHAI}"}
    assert len(caplog.records) == 1000


def test_a_public_host_name_is_an_endpoint_of_its_own() -> None:
    """Who asks kms.cn-beijing.aliyuncs.com is at that endpoint, whichever port it was led to; RegionId does not matter."""
    with KmsMock(IN_EACH, region=SHANGHAI) as kms:
        for host in ("kms.cn-beijing.aliyuncs.com", "kms-vpc.cn-beijing.aliyuncs.com:443"):
            assert raw_value(kms, host) == raw_value(kms, host, RegionId=SHANGHAI) == f"of {BEIJING}"


def test_without_a_region_requests_choose() -> None:
    """RegionId, else a public host name, else cn-hangzhou."""
    with KmsMock(IN_EACH) as kms:
        assert raw_value(kms) == f"of {DEFAULT_REGION}"
        assert raw_value(kms, RegionId=BEIJING) == f"of {BEIJING}"
        assert raw_value(kms, "kms.cn-beijing.aliyuncs.com") == f"of {BEIJING}"
        assert raw_value(kms, "kms.cn-beijing.aliyuncs.com", RegionId=SHANGHAI) == f"of {SHANGHAI}"


# -- in process -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("region", [None, DEFAULT_REGION, BEIJING])
def test_a_client_of_a_region_works_in_it(region: str | None) -> None:
    """The official SDK sends no RegionId: `client(region_id=...)` used to work in cn-hangzhou in silence."""
    with KmsMock(IN_EACH, region=region) as kms:
        assert sdk_value(kms.client()) == f"of {region or DEFAULT_REGION}"
        for asked in (SHANGHAI, BEIJING, DEFAULT_REGION):
            client = kms.client(region_id=asked)
            assert sdk_value(client) == f"of {asked}"
            key = client.create_key(models.CreateKeyRequest()).body.key_metadata
            assert key.arn.startswith(f"acs:kms:{asked}:")


async def test_an_async_client_of_a_region() -> None:
    """The SDK's async methods go to the region's endpoint, too."""
    async with KmsMock(IN_EACH) as kms:
        request = models.GetSecretValueRequest(secret_name="db")
        answer = await kms.client(region_id=SHANGHAI).get_secret_value_async(request)
        assert answer.body.secret_data == f"of {SHANGHAI}"


@pytest.mark.parametrize("options", [{}, {"signature_version": "v4"}, {"signature_algorithm": "v2"}])
def test_signatures_at_the_endpoint_of_a_region(options: dict[str, Any]) -> None:
    """Signatures verify there in all schemes."""
    owner = {
        "id": "42",
        "access_keys": [{"id": "AK", "secret": "s"}],
        "regions": [{"id": SHANGHAI, "secrets": [{"name": "db", "value": "one"}]}],
    }
    with KmsMock({"authentication": {"signatures": "verify"}, "accounts": [owner]}) as kms:
        assert sdk_value(kms.client(access_key_id="AK", access_key_secret="s", region_id=SHANGHAI, **options)) == "one"


def test_a_namespace_in_another_region() -> None:
    """A namespace's clients take region_id as well."""
    with KmsMock() as kms, kms.namespace() as namespace:
        key = namespace.client(region_id=SHANGHAI).create_key(models.CreateKeyRequest()).body.key_metadata
        assert key.arn.startswith(f"acs:kms:{SHANGHAI}:{namespace.account}:")


def test_endpoints(caplog: pytest.LogCaptureFixture) -> None:
    """A region has one endpoint as long as the mock runs; that of requests that name none is the main one."""
    kms = KmsMock(IN_EACH)
    with kms:
        first = kms.endpoint_of(SHANGHAI)
        assert (kms.endpoint_of(SHANGHAI), kms.endpoint_of(DEFAULT_REGION)) == (first, kms.endpoint)
        assert len({first, kms.endpoint_of(BEIJING), kms.endpoint}) == 3
        with caplog.at_level(logging.WARNING, "kms_mock"):
            _, body, _ = plain_call(f"http://{first}", "GetSecretValue", SecretName="db", RegionId=BEIJING)
        assert json.loads(body)["SecretData"] == f"of {SHANGHAI}"
        assert f"RegionId {BEIJING!r} is ignored" in caplog.text
        assert get(f"http://{first}/_kms_mock/health")[0] == 200
        sdk_value(kms.client(region_id=SHANGHAI))
        assert [key for key in _sessions() if first in key]
    assert not [key for key in _sessions() if first in key]
    host, _, port = first.partition(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), 5)
    with pytest.raises(RuntimeError, match="is not running"):
        kms.endpoint_of(SHANGHAI)
    with kms:
        assert sdk_value(kms.client(region_id=SHANGHAI)) == f"of {SHANGHAI}"


def test_declared_ports() -> None:
    """`Config.region_ports` are open from the start, and are what endpoint_of returns."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with KmsMock(IN_EACH, config=Config(region_ports=((SHANGHAI, port), (BEIJING, 0)))) as kms:
        assert kms.endpoint_of(SHANGHAI) == f"127.0.0.1:{port}"
        assert sdk_value(kms.client(region_id=BEIJING)) == f"of {BEIJING}"


def test_an_endpoint_given_by_hand_is_kept() -> None:
    """`client(endpoint=...)` says where to go, whatever the region."""
    with KmsMock(IN_EACH) as kms:
        assert sdk_value(kms.client(region_id=SHANGHAI, endpoint=kms.endpoint)) == f"of {DEFAULT_REGION}"


@pytest.mark.parametrize("region", ["", "Shang Hai", "x" * 65, "cn-shanghai\n"])
def test_what_is_no_region(region: str) -> None:
    """It is refused at once, as everywhere."""
    with KmsMock() as kms, pytest.raises(ValueError, match="is not a region"):
        kms.endpoint_of(region)


def test_a_taken_port_leaves_nothing_behind() -> None:
    """When one of several ports is taken, the error names it, and the others are free again."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"127.0.0.1:{busy}"):
            KmsMock(config=Config(port=port, region_ports=((SHANGHAI, busy),))).start()
        with KmsMock(port=port):
            pass


def test_many_threads_ask_for_endpoints() -> None:
    """All get the same endpoint of a region; one that asks while the mock stops gets it, or an error, and never hangs."""
    for _ in range(5):
        kms = KmsMock().start()
        regions = [f"cn-{number % 4}" for number in range(32)]
        everybody = threading.Barrier(9)

        def ask_for(regions: list[str], kms: KmsMock = kms, everybody: threading.Barrier = everybody) -> dict[str, str]:
            found = {region: kms.endpoint_of(region) for region in regions}
            everybody.wait()
            try:
                kms.endpoint_of(f"late-{threading.get_ident()}")
            except RuntimeError as error:
                assert "is not running" in str(error)  # noqa: PT017 (either is right)
            return found

        with ThreadPoolExecutor(8) as pool:
            answers = [pool.submit(ask_for, regions) for _ in range(8)]
            everybody.wait()
            kms.stop()
            found = [answer.result(30) for answer in answers]
        assert all(one == found[0] for one in found)
        assert len(set(found[0].values())) == 4


def test_no_endpoint_can_be_opened_by_the_server_itself() -> None:
    """Code that runs on the server's thread gets an error in words; waiting for itself it would hang."""
    problems: list[str] = []

    def use(*_: Any) -> None:
        with pytest.raises(RuntimeError, match="while a request is being answered") as caught:
            kms.endpoint_of(SHANGHAI)
        problems.append(str(caught.value))

    kms = KmsMock(log_request=use)
    with kms:
        ask(kms, written("GET", request_parameters("ListKeys")))
        assert problems
        assert kms.endpoint_of(SHANGHAI)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_fork() -> None:
    """A forked process knows the endpoints that were open, and is told that it can open none."""
    printed = in_a_process(
        """
import os
from kms_mock import KmsMock
with KmsMock() as kms:
    known = kms.endpoint_of("cn-shanghai")
    if os.fork() == 0:
        print(kms.endpoint_of("cn-shanghai") == known, flush=True)
        try:
            kms.endpoint_of("cn-beijing")
        except RuntimeError as error:
            print("of which this one is a fork" in str(error), flush=True)
        os._exit(0)
    os.wait()
"""
    )
    assert printed == "True\nTrue\n"


# -- the command line -------------------------------------------------------------------------------------------------


def test_serve_region_ports(tmp_path: Path) -> None:
    """`serve --region-port` prints a line for each after the ready line, which is as ever; each is that region's."""
    regions = ["--region-port", f"{SHANGHAI}=0", "--region-port", f"{BEIJING}=0"]
    with serving(tmp_path, "--port", "0", *regions) as server:
        assert re.fullmatch(r"kms-mock listening on http://127\.0\.0\.1:\d+\n", server.ready)
        assert server.process.stdout is not None
        for region in (SHANGHAI, BEIJING):
            line = server.process.stdout.readline()
            found = re.fullmatch(rf"kms-mock listening on (http://127\.0\.0\.1:\d+) for {region}\n", line)
            assert found, line
            assert found[1] != server.url
            created = json.loads(plain_call(found[1], "CreateKey", RegionId="us-west-1")[1])
            assert created["KeyMetadata"]["Arn"].startswith(f"acs:kms:{region}:")
        assert json.loads(plain_call(server.url, "ListKeys", RegionId=SHANGHAI)[1])["TotalCount"] == 1
        assert json.loads(plain_call(server.url, "ListKeys")[1])["TotalCount"] == 0
        assert server.end() == 0


def test_a_busy_region_port() -> None:
    """It ends the server at once, with exit code 1 and one line that names the port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told, complained = run_command("serve", "--port", "0", "--region-port", f"{SHANGHAI}={port}", code=1)
    assert told == ""
    assert complained == f"Error: cannot listen on 127.0.0.1:{port}: {os.strerror(errno.EADDRINUSE)}\n"
