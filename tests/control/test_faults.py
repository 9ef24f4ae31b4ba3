"""Faults: they hit what they are aimed at, when they are told to, and the client sees what they are told to show."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.control.faults import Effect, FaultSpec, Phase
from kms_mock.kms import errors
from tests.support.calls import refused
from tests.support.control import RAW_GET, SECRET_FIXTURE, codes, refusal_code
from tests.support.keys import create_key, key_ids
from tests.support.raw_http import Wire
from tests.support.registry import REGISTRY
from tests.support.secrets import create, put, sdk, value


@pytest.fixture
def kms() -> Iterator[KmsMock]:
    """A mock with one secret."""
    with KmsMock([SECRET_FIXTURE]) as running:
        yield running


# -- aim --------------------------------------------------------------------------------------------------------------


def test_the_one_line_form(kms: KmsMock, client: Client) -> None:
    """Throttled twice, then it works; nothing changed, and other operations never noticed."""
    kms.fail("GetSecretValue", code="Rejected.Throttling", times=2)
    assert refusal_code(client, "DescribeSecret", secret_name="db") == ""
    for _ in range(2):
        refused(kms, errors.REJECTED_THROTTLING, lambda: value(client))
    assert value(client) == "hunter2hunter2"


def test_without_times_it_strikes_until_it_is_taken_back(kms: KmsMock, client: Client) -> None:
    """An outage lasts; `clear` ends it."""
    kms.fail("*", code="ServiceUnavailableTemporary")
    assert set(codes(client, 5)) == {"ServiceUnavailableTemporary"}
    assert refusal_code(client, "ListKeys") == "ServiceUnavailableTemporary"
    kms.faults.clear()
    assert codes(client, 1) == [""]


def test_a_pattern_of_operations(kms: KmsMock, client: Client) -> None:
    """`List*` hits all that list, and nothing else."""
    kms.fail("List*", code="InternalFailure")
    assert [refusal_code(client, name) for name in ("ListKeys", "ListSecrets", "CreateKey")] == [
        "InternalFailure",
        "InternalFailure",
        "",
    ]


def test_a_resource(kms: KmsMock, client: Client) -> None:
    """Only requests that name the resource are struck, whether by name or by ARN; patterns work too."""
    create(client, "app/other")
    arn = "acs:kms:cn-hangzhou:1234567890123456:secret/db"
    kms.fail(resource="db", code="InternalFailure")
    assert (codes(client, 1), codes(client, 1, arn), codes(client, 1, "app/other")) == (
        ["InternalFailure"],
        ["InternalFailure"],
        [""],
    )
    kms.faults.clear()
    kms.fail(resource="app/*", code="InternalFailure")
    assert (codes(client, 1), codes(client, 1, "app/other")) == ([""], ["InternalFailure"])


@pytest.mark.parametrize(
    ("operation", "fields"),
    [
        ("DescribeKey", {"key_id": "alias/app"}),
        ("DescribeKey", {"key_id": "acs:kms:cn-hangzhou:1234567890123456:alias/app"}),
        ("DeleteAlias", {"alias_name": "alias/app"}),
        ("ListTagResources", {"region_id": "cn-hangzhou", "resource_type": "key", "resource_id": ["alias/app"]}),
    ],
)
def test_a_resource_is_found_wherever_a_request_names_it(
    kms: KmsMock, client: Client, operation: str, fields: dict[str, Any]
) -> None:
    """KeyId, AliasName, ARNs and numbered ResourceIds all count."""
    kms.fail(resource="alias/app", code="InternalFailure")
    assert refusal_code(client, operation, **fields) == "InternalFailure"


def names_of_key(client: Client) -> tuple[str, list[str]]:
    """Make a key with an alias; return its id, and every name that a request may have for it."""
    key = create_key(client)
    sdk(client, "CreateAlias", key_id=key.key_id, alias_name="alias/app")
    alias_arn = key.arn.replace(f"key/{key.key_id}", "alias/app")
    return key.key_id, [key.key_id, key.arn, "alias/app", alias_arn]


def test_a_fault_on_a_key_strikes_it_by_any_name(kms: KmsMock, client: Client) -> None:
    """A fault on the id, or on the ARN, strikes requests by id, ARN, alias and the alias's ARN; no other key."""
    key_id, names = names_of_key(client)
    other = create_key(client).key_id
    for aim in (key_id, names[1]):
        kms.faults.clear()
        kms.fail("DescribeKey", resource=aim, code="InternalFailure")
        assert [refusal_code(client, "DescribeKey", key_id=name) for name in names] == ["InternalFailure"] * 4
        assert refusal_code(client, "DescribeKey", key_id=other) == ""


def test_a_fault_on_an_alias_strikes_the_alias(kms: KmsMock, client: Client) -> None:
    """Who names the key itself is not struck: the alias may lead elsewhere tomorrow."""
    key_id, _ = names_of_key(client)
    kms.fail("DescribeKey", resource="alias/app", code="InternalFailure")
    assert [refusal_code(client, "DescribeKey", key_id=name) for name in (key_id, "alias/app")] == [
        "",
        "InternalFailure",
    ]


def test_a_fault_on_the_arn_of_a_secret_strikes_its_name(kms: KmsMock, client: Client) -> None:
    """And only in the account and region of the ARN."""
    arn = "acs:kms:cn-hangzhou:1234567890123456:secret/db"
    kms.fail("GetSecretValue", resource=arn, code="InternalFailure")
    assert (codes(client, 1), codes(client, 1, arn)) == (["InternalFailure"], ["InternalFailure"])
    with kms.namespace([SECRET_FIXTURE]) as namespace:
        assert codes(namespace.client(), 1) == [""]


def test_an_operation_in_snake_case(kms: KmsMock, client: Client) -> None:
    """`get_secret_value` and `get_*` are the SDK's spelling; the fault then says GetSecretValue."""
    fault = kms.fail("get_secret_value", code="InternalFailure", times=1)
    assert (fault.spec.operation, codes(client, 2)) == ("GetSecretValue", ["InternalFailure", ""])
    kms.fail("get_*", code="InternalFailure", times=1)
    assert codes(client, 1) == ["InternalFailure"]


def test_a_caller(kms: KmsMock) -> None:
    """Only the AccessKey that it is aimed at is struck."""
    kms.fail(caller="bob*", code="InternalFailure")
    assert codes(kms.client(access_key_id="bobby"), 1) == ["InternalFailure"]
    assert codes(kms.client(access_key_id="alice"), 1) == [""]


def test_the_nth_call(kms: KmsMock, client: Client) -> None:
    """`skip` lets the first ones pass: the third call fails, and no other."""
    fault = kms.fail("GetSecretValue", code="InternalFailure", skip=2, times=1)
    assert codes(client, 5) == ["", "", "InternalFailure", "", ""]
    assert (fault.matched, fault.struck, fault.spent) == (3, 1, True)


def test_a_probability_repeats_with_its_seed(kms: KmsMock, client: Client) -> None:
    """Half the calls fail, the same ones in every run with this seed, others with another."""
    runs = []
    for seed in (1, 1, 2):
        kms.faults.clear()
        kms.fail("GetSecretValue", code="InternalFailure", probability=0.5, seed=seed)
        runs.append(codes(client, 40))
    assert runs[0] == runs[1] != runs[2]
    assert 8 <= runs[0].count("InternalFailure") <= 32


def test_the_first_fault_that_hits_strikes(kms: KmsMock, client: Client) -> None:
    """Several faults come one after the other, in the order in which they were asked for."""
    kms.fail("GetSecretValue", code="Rejected.Throttling", times=1)
    kms.fail("Get*", code="InternalFailure", times=1)
    assert codes(client, 3) == ["Rejected.Throttling", "InternalFailure", ""]


# -- before and after -------------------------------------------------------------------------------------------------


def test_a_fault_after_the_commit(kms: KmsMock, client: Client) -> None:
    """CreateKey answers 500 and the key exists; the journal says both."""
    kms.fail("CreateKey", code="InternalFailure", phase="after", times=1)
    assert refusal_code(client, "CreateKey") == "InternalFailure"
    (key_id,) = key_ids(client)
    call = kms.calls.filter("CreateKey")[0]
    assert (call.status, call.code, call.changes) == (500, "InternalFailure", [f"created key {key_id}"])
    assert call.fault == "InternalFailure after operation=CreateKey, struck 1 of 1"


def test_a_fault_before_the_operation(kms: KmsMock, client: Client) -> None:
    """CreateKey answers 500 and there is no key."""
    kms.fail("CreateKey", code="InternalFailure", times=1)
    refused(kms, REGISTRY["CreateKey"].rows_by_code["InternalFailure"], lambda: create_key(client))
    call = kms.calls.filter("CreateKey")[0]
    assert (call.status, call.changes, call.fault) == (
        500,
        [],
        "InternalFailure before operation=CreateKey, struck 1 of 1",
    )


@pytest.mark.parametrize(("phase", "made"), [("before", 0), ("after", 1)])
def test_a_reset_before_and_after(kms: KmsMock, client: Client, phase: Phase, made: int) -> None:
    """A connection that breaks says nothing of whether the key was made: `phase` decides."""
    kms.fail("CreateKey", effect="reset", phase=phase, times=1)
    with pytest.raises(Exception, match=r"reset|aborted|Connection"):
        create_key(client)
    assert len(key_ids(client)) == made


@pytest.mark.parametrize("effect", ["truncate", "slow", "malformed"])
def test_a_spoiled_body_is_that_of_an_operation_that_happened(kms: KmsMock, client: Client, effect: Effect) -> None:
    """Without a phase these come after the operation, and say so."""
    fault = kms.fail("CreateKey", effect=effect, seconds=0.01, times=1)
    assert fault.document()["phase"] == "after"
    with Wire(kms) as wire:
        wire.send(RAW_GET.replace(b"GetSecretValue", b"CreateKey")).socket.recv(65536)
    assert len(key_ids(client)) == 1


def test_a_refused_operation_is_not_struck_after_its_commit(kms: KmsMock, client: Client) -> None:
    """There was no commit: the refusal comes through, and the fault is still there for the call it was meant for."""
    fault = kms.fail("PutSecretValue", code="InternalFailure", phase="after", times=1)
    missing = {"secret_name": "none", "version_id": "v2", "secret_data": "x"}
    assert refusal_code(client, "PutSecretValue", **missing) == "Forbidden.ResourceNotFound"
    assert (fault.struck, kms.calls.filter("PutSecretValue")[0].fault) == (0, "")
    assert refusal_code(client, "PutSecretValue", **{**missing, "secret_name": "db"}) == "InternalFailure"
    assert value(client) == "x"


async def test_what_a_delayed_request_changed_is_its_own(kms: KmsMock) -> None:
    """While an answer is held back after its commit, another request is answered: the journal mixes nothing up."""
    kms.fail("PutSecretValue", latency=0.3, phase="after", times=1)
    slow = asyncio.create_task(asyncio.to_thread(put, kms.client(), "v2", "new"))
    while "v2" not in str(kms.snapshot()):  # noqa: ASYNC110 (the other side is a thread, not a task)
        await asyncio.sleep(0.01)
    sdk(kms.client(), "ListKeys")
    await slow
    assert kms.calls.filter("ListKeys")[0].changes == []
    assert "secret db got version v2" in kms.calls.filter("PutSecretValue")[0].changes


# -- bookkeeping ------------------------------------------------------------------------------------------------------


def test_unused_faults_are_known(kms: KmsMock, client: Client) -> None:
    """A fault that never struck, or not as often as asked for, is unused; one that did its work is not."""
    kms.fail("GetSecretValue", code="InternalFailure", times=1)
    twice = kms.fail("DescribeSecret", code="InternalFailure", times=2)
    never = kms.fail("Encrypt", code="InternalFailure")
    kms.fail("ListKeys", code="InternalFailure")
    codes(client, 2)
    refusal_code(client, "DescribeSecret", secret_name="db")
    refusal_code(client, "ListKeys")
    assert kms.faults.unused == [twice, never]
    assert str(never) == "InternalFailure before operation=Encrypt, struck 0 of any number"


def test_a_fault_can_be_taken_back(kms: KmsMock, client: Client) -> None:
    """By its number; the others stay."""
    first = kms.fail("GetSecretValue", code="InternalFailure")
    second = kms.fail("GetSecretValue", code="Rejected.Throttling")
    assert kms.faults.remove(first.number)
    assert not kms.faults.remove(first.number)
    assert (codes(client, 1), list(kms.faults)) == (["Rejected.Throttling"], [second])


def test_reset_takes_faults_back(kms: KmsMock, client: Client) -> None:
    """After `reset` everything works again."""
    kms.fail(code="InternalFailure")
    kms.reset()
    assert codes(client, 1) == [""]


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ({}, "a code, a latency or an effect"),
        ({"retry_after": 3}, "a code, a latency or an effect"),
        ({"code": "Throttled"}, "no error code 'Throttled'"),
        ({"code": "throttling"}, "did you mean 'Throttling'"),
        ({"code": "Rejected.Throtling"}, "did you mean 'Rejected.Throttling'"),
        ({"code": "Delete"}, "near it: .*Rejected.DeletionProtectionEnabled|near it: .*Delete"),
        ({"operation": "GetSecret", "code": "InternalFailure"}, "no operation matches 'GetSecret'"),
        ({"code": "Own", "status": 418}, "needs a status and a message"),
        ({"code": "Own", "message": "x"}, "needs a status and a message"),
        ({"code": "Own", "status": 200, "message": "x"}, "status"),
        ({"code": "Own", "status": 418, "message": "a\x00b"}, "printable"),
        ({"code": "a/b", "status": 418, "message": "x"}, "code"),
        ({"status": 418, "latency": 1}, "belong to a code"),
        ({"latency": [3, 1]}, "least, most"),
        ({"latency": [1]}, "least, most"),
        ({"latency": -1}, "latency"),
        ({"latency": "soon"}, "latency"),
        ({"code": "InternalFailure", "times": 0}, "times"),
        ({"code": "InternalFailure", "times": "2"}, "times"),
        ({"code": "InternalFailure", "skip": -1}, "skip"),
        ({"code": "InternalFailure", "probability": 1.5}, "probability"),
        ({"code": "InternalFailure", "phase": "during"}, "phase"),
        ({"effect": "explode"}, "effect"),
        ({"effect": "truncat"}, "there is no effect 'truncat'; did you mean 'truncate'"),
    ],
)
def test_a_fault_that_could_never_strike_is_refused(kms: KmsMock, fault: dict[str, Any], problem: str) -> None:
    """A wrong fault is an error where it is asked for, not a test that passes for nothing."""
    with pytest.raises(ValueError, match=problem):
        kms.fail(**fault)
    assert list(kms.faults) == []


def test_an_unknown_word_is_refused(kms: KmsMock) -> None:
    """A misspelled argument is an error."""
    with pytest.raises(TypeError, match=r"fail\(\) has no argument 'tmes'; did you mean 'times'"):
        kms.fail("GetSecretValue", code="InternalFailure", tmes=2)  # type: ignore[call-arg]  # what the test is about


def test_a_fault_as_a_document_is_the_same_again(kms: KmsMock) -> None:
    """What a fault says of itself for the control API has its counts and its whole spec."""
    fault = kms.fail("Get*", code="InternalFailure", skip=1, times=2)
    assert fault.document() == {
        "id": 1,
        "matched": 0,
        "struck": 0,
        "spent": False,
        "operation": "Get*",
        "skip": 1,
        "times": 2,
        "code": "InternalFailure",
        "phase": "before",
    }
    assert FaultSpec(operation="Get*", code="InternalFailure", skip=1, times=2) == fault.spec
