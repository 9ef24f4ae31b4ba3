"""The handle that users hold: its fixtures, where it is, its client, and its state seen from other threads."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_kms20160120 import models
from Tea.exceptions import TeaException

from kms_mock import FixtureError, KmsMock
from kms_mock.defaults import DEFAULT_ACCOUNT, DEFAULT_REGION
from tests.support.raw_http import ask, http, request_parameters
from tests.support.secrets import all_secret_names, create, put, sdk, stored_names, value
from tests.support.waiting import accepts

DB = {"secrets": [{"name": "db", "value": "one"}]}


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
        assert stored_names(one) == ["db", "only-one"]


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
                    assert len(stored_names(kms)) == 301
                    kms.reset()
                    assert len(stored_names(kms)) == 1
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
