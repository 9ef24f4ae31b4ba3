"""The handle that users hold: its life, where it is, its client, and its state seen from other threads."""

from __future__ import annotations

import asyncio
import errno
import json
import socket
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_kms20160120 import models
from Tea.exceptions import TeaException

from kms_mock import FixtureError, KmsMock
from kms_mock.config import Config
from kms_mock.defaults import DEFAULT_ACCOUNT, DEFAULT_REGION
from tests.support.raw_http import Wire, ask, http, request_parameters
from tests.support.secrets import create, put, sdk, value
from tests.support.waiting import accepts

DB = {"secrets": [{"name": "db", "value": "one"}]}


def all_secret_names(kms: KmsMock) -> list[str]:
    """The names of all secrets of the default partition, as a client sees them."""
    return [one["SecretName"] for one in sdk(kms.client(), "ListSecrets", page_size=100)["SecretList"]["Secret"]]


def stored(kms: KmsMock) -> list[str]:
    """The names of all secrets of the only partition there is, by the snapshot."""
    (account,) = kms.snapshot()["accounts"]
    (region,) = account["regions"]
    return [one["name"] for one in region["secrets"]]


# -- life ---------------------------------------------------------------------------------------------------------------


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
    assert stored(kms) == ["db", "later"]
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
    assert stored(kms) == ["db", "more"]
    kms.reset()
    assert stored(kms) == ["db"]


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


# -- fixtures -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize("kind", ["document", "path", "text", "json"])
def test_fixtures(tmp_path: Path, kind: str, wrapped: bool) -> None:
    """A fixture is a document, or the path of a YAML or JSON file, and one alone needs no list."""
    file = tmp_path / ("db.json" if kind == "json" else "db.yaml")
    file.write_text(json.dumps(DB) if kind == "json" else "secrets: [{name: db, value: one}]")
    fixture: Any = {"document": DB, "path": file, "text": str(file), "json": file}[kind]
    with KmsMock([fixture] if wrapped else fixture) as kms:
        assert value(kms.client()) == "one"


def test_wrong_fixture_at_start() -> None:
    """A wrong fixture keeps a mock from being made, and says where it is wrong."""
    with pytest.raises(FixtureError, match=r"\$\.secrets\[0\]") as caught:
        KmsMock([DB, {"secrets": [{"name": "db2", "valu": "one"}]}])
    assert caught.value.path == "$.secrets[0]"


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize(
    "wrong",
    [
        {"secrets": [{"name": "good", "value": "one"}, {"name": "bad"}]},
        {"secrets": [{"name": "good", "value": "one"}, {"name": "db", "value": "again"}]},
        {"secrets": [{"name": "good", "value": "one"}], "nonsense": []},
        {"keys": [{"id": "good"}, {"id": "bad", "spec": "no such spec"}]},
        "no-such-file.yaml",
    ],
)
def test_load_wrong(wrong: Any, running: bool) -> None:
    """Loading a wrong document raises FixtureError and changes nothing, however late in it the mistake is."""
    kms = KmsMock([DB])
    before = kms.snapshot()
    if running:
        kms.start()
    try:
        with pytest.raises(FixtureError):
            kms.load(wrong)
        assert kms.snapshot() == before
        if running:
            assert all_secret_names(kms) == ["db"]
    finally:
        kms.stop()


# -- client -------------------------------------------------------------------------------------------------------------


def test_context_manager() -> None:
    """In a with statement the SDK's plain methods work: what one call stores, the next one finds."""
    with KmsMock() as kms:
        client = kms.client()
        create(client, "db", "one")
        put(client, "v2", "two")
        assert value(client) == "two"


async def test_async_context_manager() -> None:
    """In `async with` the SDK's async methods work, many at a time, and its plain ones do too."""
    async with KmsMock() as kms:
        client = kms.client()
        await asyncio.gather(
            *(
                client.create_secret_async(
                    models.CreateSecretRequest(secret_name=f"s{n}", version_id="v1", secret_data=str(n))
                )
                for n in range(10)
            )
        )
        answer = await client.get_secret_value_async(models.GetSecretValueRequest(secret_name="s7"))
        assert answer.body.secret_data == "7"
        assert value(client, "s3") == "3"
        port = kms.port
    assert not accepts(port)


async def test_async_refusal() -> None:
    """An async method raises the SDK's own exception for a refusal."""
    async with KmsMock() as kms:
        with pytest.raises(TeaException) as caught:
            await kms.client().get_secret_value_async(models.GetSecretValueRequest(secret_name="none"))
    assert (caught.value.statusCode, caught.value.code) == (404, "Forbidden.ResourceNotFound")


def test_client_options() -> None:
    """`client` takes an AccessKey pair and whatever else the SDK's Config takes."""
    owner = {"id": "42", "access_keys": [{"id": "AK42", "secret": "s"}], "regions": [{"id": DEFAULT_REGION, **DB}]}
    with KmsMock({"accounts": [owner]}) as kms:
        assert all_secret_names(kms) == []
        client = kms.client(access_key_id="AK42", access_key_secret="s", user_agent="mine/1.0")
        assert sdk(client, "DescribeSecret", secret_name="db")["Arn"] == f"acs:kms:{DEFAULT_REGION}:42:secret/db"
        assert client._user_agent == "mine/1.0"  # noqa: SLF001 (the SDK shows it nowhere else)


# -- region and account -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("region", [DEFAULT_REGION, "eu-central-1"])
@pytest.mark.parametrize("account", [DEFAULT_ACCOUNT, "42"])
def test_arns(region: str, account: str) -> None:
    """The options region and account are what the ARNs of new secrets and keys name."""
    with KmsMock(region=region, account=account) as kms:
        client = kms.client()
        assert create(client)["Arn"] == f"acs:kms:{region}:{account}:secret/db"
        key = sdk(client, "CreateKey")["KeyMetadata"]
        assert key["Arn"] == f"acs:kms:{region}:{account}:key/{key['KeyId']}"


@pytest.mark.parametrize(
    "options", [{"region": "Hangzhou"}, {"region": ""}, {"region": "a:b"}, {"account": "me"}, {"account": ""}]
)
def test_impossible_arns(options: dict[str, Any]) -> None:
    """A region or account that no ARN can name is refused at once."""
    with pytest.raises(ValueError, match="is not a"):
        KmsMock(**options)


@pytest.mark.parametrize(
    ("parameters", "host", "region"),
    [
        ({}, "127.0.0.1", DEFAULT_REGION),
        ({"RegionId": "cn-beijing"}, "127.0.0.1", "cn-beijing"),
        ({}, "kms.cn-beijing.aliyuncs.com", "cn-beijing"),
        ({}, "kms-vpc.ap-southeast-1.aliyuncs.com", "ap-southeast-1"),
        ({"RegionId": "cn-beijing"}, "kms.cn-shanghai.aliyuncs.com", "cn-beijing"),
    ],
)
def test_request_chooses_region(kms: KmsMock, parameters: dict[str, str], host: str, region: str) -> None:
    """The parameter RegionId, or else a public host name, chooses the region; what is stored there is only there."""
    secret = request_parameters("CreateSecret", SecretName="db", VersionId="v1", SecretData="one", **parameters)
    answer = ask(kms, http("POST", form=secret, host=host))
    assert answer.tree["Arn"] == f"acs:kms:{region}:{DEFAULT_ACCOUNT}:secret/db"
    for place, count in ((region, 1), ("us-west-1", 0)):
        assert ask(kms, http(query=request_parameters("ListSecrets", RegionId=place))).tree["TotalCount"] == count


# -- isolation, other threads -------------------------------------------------------------------------------------------


def test_two_mocks() -> None:
    """Two mocks side by side share nothing: not the store, the clock, the faults, nor the calls."""
    with KmsMock(DB) as one, KmsMock() as two:
        create(one.client(), "only-one")
        one.clock.set("2040-01-01T00:00:00Z")
        one.fail("ListSecrets", code="InternalFailure")
        assert all_secret_names(two) == []
        assert create(two.client(), "only-two")["SecretName"] == "only-two"
        assert sdk(two.client(), "DescribeSecret", secret_name="only-two")["CreateTime"] < "2040"
        assert [made.action for made in one.calls] == ["CreateSecret"]
        assert [made.action for made in two.calls] == ["ListSecrets", "CreateSecret", "DescribeSecret"]
        two.reset()
        assert stored(one) == ["db", "only-one"]


def test_other_threads() -> None:
    """Reset, load and snapshot act between two requests: clients at work see a state from before or after, never half."""
    pair = {"secrets": [{"name": f"pair-{n}", "value": "x"} for n in range(300)]}
    with KmsMock(DB) as kms:
        done = threading.Event()

        def work() -> list[int]:
            client, seen = kms.client(), []
            while not done.is_set():
                seen.append(sdk(client, "ListSecrets", page_size=100)["TotalCount"])
            return seen

        with ThreadPoolExecutor(3) as pool:
            workers = [pool.submit(work) for _ in range(3)]
            try:
                for _ in range(10):
                    kms.load(pair)
                    assert len(stored(kms)) == 301
                    kms.reset()
                    assert len(stored(kms)) == 1
            finally:
                done.set()
            seen = {count for worker in workers for count in worker.result(timeout=10)}
    assert seen == {1, 301}


def test_snapshot_moves() -> None:
    """A snapshot is a fixture: another mock made from it has the same secrets, keys and values."""
    with KmsMock(DB) as one:
        put(one.client(), "v2", "two")
        sealed = sdk(one.client(), "CreateKey")["KeyMetadata"]["KeyId"]
        blob = sdk(one.client(), "Encrypt", key_id=sealed, plaintext="hello")["CiphertextBlob"]
        document = one.snapshot()
    with KmsMock(document) as two:
        assert value(two.client()) == "two"
        assert sdk(two.client(), "Decrypt", ciphertext_blob=blob)["Plaintext"] == "hello"
        assert two.snapshot() == document


def test_seed() -> None:
    """Two mocks with one seed give the same ids; without a seed they differ."""

    def key_id(seed: int | None) -> str:
        with KmsMock(seed=seed) as kms:
            return str(sdk(kms.client(), "CreateKey")["KeyMetadata"]["KeyId"])

    assert key_id(7) == key_id(7) != key_id(8)
    assert key_id(None) != key_id(None)
