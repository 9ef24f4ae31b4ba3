"""Growth: every table that a stranger can grow has a bound or is freed."""

from __future__ import annotations

import fnmatch
import gc
import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from kms_mock import KmsMock
from kms_mock.control import faults
from kms_mock.defaults import DEFAULT_ACCOUNT
from kms_mock.identity.patterns import compile_glob
from kms_mock.kms.model import import_token, rates
from kms_mock.kms.model.import_token import TOKENS_OF_KEY, import_tokens
from kms_mock.rpc import gateway
from kms_mock.server import control_api
from tests.support.control import control_request, exchange
from tests.support.in_process import InProcess

MIB = 2**20


def grown(work: Callable[[], None]) -> float:
    """Return by how many MiB the memory in use grew."""
    gc.collect()
    tracemalloc.start()
    try:
        work()
        gc.collect()
        return tracemalloc.get_traced_memory()[0] / MIB
    finally:
        tracemalloc.stop()


@pytest.fixture
def server() -> Any:
    found = InProcess({"keys": [{"id": "k"}, {"id": "external", "origin": "EXTERNAL"}]})
    yield found
    found.close()


@pytest.mark.parametrize(
    ("operation", "parameters", "code"),
    [
        ("ListKeys", {}, ""),
        ("GetSecretValue", {"SecretName": "none"}, "Forbidden.ResourceNotFound"),
        ("RotateSecret", {"SecretName": "none", "VersionId": "v"}, "Forbidden.ResourceNotFound"),
        ("DescribeKey", {"KeyId": "alias/none"}, "Forbidden.AliasNotFound"),
        ("GetRandomPassword", {}, ""),
    ],
)
def test_the_names_of_regions_cost_nothing(
    server: InProcess, operation: str, parameters: dict[str, str], code: str
) -> None:
    """A region in which nothing is leaves nothing behind: 100,000 names took 273 MB."""
    server.call(operation, **parameters)
    before = len(list(server.store.partitions()))
    for number in range(300):
        assert server.call(operation, **parameters, RegionId=f"region-{number}")[0] == code
    assert len(list(server.store.partitions())) == before
    gc.collect()  # refusals and their tracebacks are cycles
    assert len(server.store._empty) <= 3  # noqa: SLF001 (what grows is nowhere else to be seen)


def test_the_names_of_regions_cost_nothing_where_rates_are_limited() -> None:
    """The counts of an account's requests have a bound; each name of a region stayed for ever, with a table for it."""
    server = InProcess({"accounts": [{"id": DEFAULT_ACCOUNT, "quotas": {"rates": {"ListKeys": 1, "key-read": 1}}}]})
    before = len(list(server.store.partitions()))
    for number in range(2 * rates.MAX_COUNTS):
        region = f"region-{number}"
        assert server.call("ListKeys", RegionId=region)[0] == ""
        assert server.call("ListKeys", RegionId=region)[0] == "Rejected.Throttling"
    table = server.store.partition(DEFAULT_ACCOUNT, "")[rates.request_counts]
    assert len(table) == rates.MAX_COUNTS
    server.now += 1
    assert server.call("ListKeys")[0] == ""
    assert len(table) == 2  # those of the second that is over went
    assert len(list(server.store.partitions())) == before
    server.close()


def test_a_region_is_freed_with_its_last_resource(server: InProcess) -> None:
    """An alias that comes and goes in 200 regions, and a creation that is refused, leave no region behind."""
    before = len(list(server.store.partitions()))
    for number in range(200):
        region = f"region-{number}"
        code, key = server.call("CreateKey", RegionId=region)
        assert code == ""
        partition = server.store.partition("1234567890123456", region)
        server.call("CreateKey", RegionId=region, DryRun="true")
        for table in list(partition.values()):
            for record in list(table.values()):
                table.remove(record)
        server.store.changes.clear()
        assert key
    del partition, table
    gc.collect()
    assert len(list(server.store.partitions())) == before
    assert len(server.store._empty) <= 3  # noqa: SLF001 (what grows is nowhere else to be seen)


def test_a_region_that_was_emptied_can_be_filled_again(server: InProcess) -> None:
    """What undoes a removal, or creates anew, keeps the region: nothing that exists may be forgotten."""
    for number in range(3):
        server.call("CreateSecret", SecretName="s", VersionId=f"v{number}", SecretData="x", RegionId="cn-beijing")
        assert server.call("GetSecretValue", SecretName="s", RegionId="cn-beijing")[1]["VersionId"] == f"v{number}"
        server.call("DeleteSecret", SecretName="s", ForceDeleteWithoutRecovery="true", RegionId="cn-beijing")
        gc.collect()


def test_noted_parameters_are_bounded_in_number_and_length(server: InProcess) -> None:
    """Unknown parameters are logged once each: at most 1,000 of them are kept for that, and of long ones nothing."""
    noted = server.gateway._warned  # noqa: SLF001 (as above)
    for number in range(30):
        server.call("ListKeys", **{f"a{number}{'x' * 20_000}{place}": "1" for place in range(5)})
        server.call("ListKeys", **{f"a.{number}.{'x' * 60}": "1"})
    assert 30 <= len(noted) <= 31
    assert max(len(name) for _, name in noted) <= gateway.MAX_WARNED_NAME + 2  # in quotes
    for number in range(3):
        server.call("ListKeys", **{f"a{number}_{place}": "1" for place in range(900)})
    assert len(noted) == gateway.MAX_WARNINGS


def test_rare_characters_in_a_pattern_take_no_memory() -> None:
    """A pattern of 2,000 different characters with a `?` took 700 KB, and 256 policies of four such were kept."""
    patterns = ["*" + "".join(chr(0x4E00 + first + place) for place in range(1900)) + "?*" for first in range(40)]
    kept: list[Any] = []
    assert grown(lambda: kept.extend(map(compile_glob, patterns))) < 2
    assert kept[3](f"before {patterns[3].strip('*').replace('?', 'x')} after")
    assert not kept[3](patterns[4])


def test_a_refused_policy_is_not_kept(server: InProcess) -> None:
    """What is remembered of policies is bounded by their number times their largest size."""

    def work() -> None:
        for number in range(60):
            principals = [f"acs:ram::*{chr(0x4E00 + number + place) * 500}?*" for place in range(4)]
            policy = {
                "Version": "1",
                "Statement": [
                    {"Effect": "Allow", "Principal": {"RAM": principals}, "Action": ["kms:*"], "Resource": ["*"]}
                ],
            }
            server.call("SetKeyPolicy", KeyId="k", PolicyName="default", Policy=json.dumps(policy, ensure_ascii=False))

    assert grown(work) < 8


def test_import_tokens_of_a_key_are_bounded(server: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each token holds a key pair for a day: the oldest goes, and the newest ones work."""
    monkeypatch.setattr(import_token, "MAX_TOKENS", 2)
    wanted = {"KeyId": "external", "WrappingAlgorithm": "RSAES_OAEP_SHA_1", "WrappingKeySpec": "RSA_2048"}
    texts = [server.call("GetParametersForImport", **wanted)[1]["ImportToken"] for _ in range(3)]
    table = server.store.partition("1234567890123456", "cn-hangzhou")[import_tokens]
    assert list(table.ids(TOKENS_OF_KEY, "external")) == texts[-2:]


def test_checkpoints_over_http_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each holds on to the whole store as it was; beyond 100 the answer is 409 until some are deleted."""
    monkeypatch.setattr(control_api, "MAX_CHECKPOINTS", 2)
    with KmsMock() as kms:
        first = control_request(kms, "POST", "checkpoints")["id"]
        control_request(kms, "POST", "checkpoints")
        assert exchange(kms, "POST", "checkpoints")[0] == 409
        control_request(kms, "DELETE", f"checkpoints/{first}")
        control_request(kms, "POST", "checkpoints")


def test_faults_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """In number, because each request is compared with each, and in the length of their patterns."""
    monkeypatch.setattr(faults, "MAX_FAULTS", 2)
    kms = KmsMock()
    numbers = [kms.fail("ListKeys", latency=0.0).number for _ in range(2)]
    with pytest.raises(ValueError, match="2 faults already"):
        kms.fail("ListKeys", latency=0.0)
    kms.faults.remove(numbers[0])
    kms.fail("ListKeys", latency=0.0)
    kms.faults.clear()
    with pytest.raises(ValueError, match="1024"):
        kms.fail("ListKeys", resource="a" * 1025, latency=0.0)


def test_the_patterns_of_faults_are_forgotten_with_them() -> None:
    """Patterns go with their fault: `fnmatch` itself keeps the last 32,768 that it saw, whatever their length."""
    kms = KmsMock()
    kept = fnmatch._compile_pattern.cache_info().currsize  # type: ignore[attr-defined]  # noqa: SLF001 (what grows is nowhere else to be seen)
    for number in range(20):
        kms.faults.remove(kms.fail("ListKeys", resource=f"{number}*", caller=f"{number}?", latency=0.0).number)
    assert fnmatch._compile_pattern.cache_info().currsize == kept  # type: ignore[attr-defined]  # noqa: SLF001
