"""Requests a second are counted where a fixture file asks for it, and refused as documented (behaviour.md 14)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client
from Tea.exceptions import TeaException

from kms_mock import KmsMock
from kms_mock.defaults import DEFAULT_ACCOUNT
from kms_mock.fixtures import FixtureError
from kms_mock.kms import errors
from kms_mock.kms.model.rates import GROUP_OF, GROUPS
from tests.support.calls import call, refused
from tests.support.examples import EXAMPLES
from tests.support.registry import KMS_REGISTRY
from tests.support.secrets import OTHER_ACCOUNT

PAGE = (Path(__file__).parents[2] / "docs/rate-limits.md").read_text(encoding="utf-8")
SECRETS = {"secrets": [{"name": "db", "value": "x"}, {"name": "app", "value": "y"}]}
LIMITED = sorted(set(GROUP_OF) & set(EXAMPLES))


def limited(rates: Any, account: str = DEFAULT_ACCOUNT) -> dict[str, Any]:
    """Return a fixture document with rates for an account."""
    return {"accounts": [{"id": account, "quotas": {"rates": rates}}]}


@pytest.fixture
def kms(kms: KmsMock) -> KmsMock:
    """A mock with two secrets, whose clock stands still."""
    kms.load(SECRETS)
    kms.clock.freeze()
    return kms


def fetch_secret(client: Client, name: str = "db") -> None:
    call(client, "GetSecretValue", SecretName=name)


def throttled(kms: KmsMock, client: Client, action: str = "GetSecretValue", **parameters: str) -> None:
    """Assert that a call is refused, and that nothing else happens."""
    parameters = parameters or {"SecretName": "db"}
    row = KMS_REGISTRY[action].reworded(errors.REJECTED_THROTTLING("")).spec
    assert (row.status, row.code) == (429, "Rejected.Throttling")
    refused(kms, row, lambda: call(client, action, **parameters))


def test_without_rates_nothing_is_counted(kms: KmsMock, client: Client) -> None:
    """The default: as many requests a second as a program can send."""
    for _ in range(20):
        call(client, "DescribeAccountKmsStatus")
    assert not any(
        "request count" in str(resource) for place in kms.store.state().partitions.values() for resource in place.tables
    )


def test_one_too_many_in_a_second_is_refused(kms: KmsMock, client: Client) -> None:
    """By the mock's clock: while it stands still no second passes, and a step of one second lets the next go on."""
    kms.load(limited({"GetSecretValue": 2}))
    for _ in range(2):
        fetch_secret(client)
        fetch_secret(client, "app")
        throttled(kms, client)
        throttled(kms, client)
        kms.clock.advance("0.5s")
        throttled(kms, client)
        kms.clock.advance("0.5s")
    call(client, "DescribeSecret", SecretName="db")
    last = next(each for each in reversed(list(kms.calls)) if each.code)
    assert "may send 2 requests of GetSecretValue a second" in last.reason


def test_a_group_shares_its_rate(kms: KmsMock, client: Client) -> None:
    """A rate of an operation and one of its group both count, and what is refused uses up neither."""
    kms.load(limited({"secret-read": 3, "DescribeSecret": 1}))
    call(client, "DescribeSecret", SecretName="db")
    throttled(kms, client, "DescribeSecret", SecretName="db")
    fetch_secret(client)
    fetch_secret(client)
    throttled(kms, client)
    call(client, "ListSecrets")


def test_refused_requests_count_too(kms: KmsMock, client: Client) -> None:
    """As at a gateway, which does not know what will come of a request; one that cannot be read is refused before."""
    kms.load(limited({"GetSecretValue": 1}))
    with pytest.raises(TeaException, match="MissingParameter"):
        call(client, "GetSecretValue")
    with pytest.raises(TeaException, match="Resource not found"):
        fetch_secret(client, "none")
    throttled(kms, client)


def test_accounts_and_regions_are_counted_apart(kms: KmsMock) -> None:
    """The quota is that of an account in a region (KMS, "Performance data")."""
    kms.load(limited({"ListKeys": 1}))
    kms.load(
        {"accounts": [{"id": OTHER_ACCOUNT, "access_keys": [{"id": "other"}], "quotas": {"rates": {"ListKeys": 1}}}]}
    )
    for client in (kms.client(), kms.client(region_id="cn-beijing"), kms.client(access_key_id="other")):
        call(client, "ListKeys")
        refused(kms, errors.REJECTED_THROTTLING, lambda client=client: call(client, "ListKeys"))


def test_a_rate_of_zero_refuses_everything(kms: KmsMock, client: Client) -> None:
    """What a client does that is never let through."""
    kms.load(limited({"GetSecretValue": 0}))
    for _ in range(3):
        throttled(kms, client)
        kms.clock.advance("1s")


def test_the_documented_rates(kms: KmsMock, client: Client) -> None:
    """`documented` is the table of the documents: 10 keys a second, one question about the account."""
    kms.load(limited("documented"))
    for _ in range(GROUPS["key-create"].rate):
        call(client, "CreateKey")
    refused(kms, errors.REJECTED_THROTTLING, lambda: call(client, "CreateKey"))
    call(client, "DescribeAccountKmsStatus")
    refused(kms, errors.REJECTED_THROTTLING, lambda: call(client, "DescribeAccountKmsStatus"))
    for _ in range(60):  # of no group
        call(client, "ListNetworkRules")


@pytest.mark.parametrize("action", LIMITED)
def test_every_operation_of_a_group_is_refused_in_its_own_words(kms: KmsMock, client: Client, action: str) -> None:
    """CreateSecret has a text of its own; the code is the same everywhere."""
    kms.reset()
    kms.load(EXAMPLES[action].fixture)
    parameters = EXAMPLES[action].parameters(lambda other, **more: call(client, other, **more))
    kms.load(limited({action: 0}))
    throttled(kms, client, action, **{**parameters, "RegionId": "cn-hangzhou"})


def test_a_checkpoint_brings_the_counts_back(kms: KmsMock, client: Client) -> None:
    """A test that shares its server with others does not use up their requests; a reset forgets them."""
    kms.load(limited({"GetSecretValue": 1}))
    with kms.checkpoint():
        fetch_secret(client)
        throttled(kms, client)
    fetch_secret(client)
    throttled(kms, client)
    kms.reset()
    kms.load({**SECRETS, **limited({"GetSecretValue": 1})})
    kms.clock.freeze()
    fetch_secret(client)


def test_an_account_that_was_not_limited_is_limited_from_its_new_record_on(kms: KmsMock, client: Client) -> None:
    """That nothing limits an account is remembered until a record of an account changes: by a load, a checkpoint, a reset."""
    fetch_secret(client)
    for _ in range(2):
        with kms.checkpoint():
            kms.load(limited({"GetSecretValue": 1}))
            fetch_secret(client)
            throttled(kms, client)
            before = kms.store.state()
        for _ in range(3):
            fetch_secret(client)
        kms.store.restore(before)
        throttled(kms, client)
        kms.reset()
        kms.load(SECRETS)
        kms.clock.freeze()
        for _ in range(3):
            fetch_secret(client)


def test_a_clock_that_goes_back_begins_anew(kms: KmsMock, client: Client) -> None:
    """A second that lies ahead is none that requests were counted in."""
    kms.load(limited({"GetSecretValue": 1}))
    kms.clock.set("2030-01-01")
    fetch_secret(client)
    kms.clock.reset()
    fetch_secret(client)


def test_the_gateway_of_an_instance_has_no_such_limit(kms: KmsMock) -> None:
    """The rates are those of the shared gateway (KMS, "Performance data")."""
    kms.load(limited({"ListKeys": 0}))
    with kms.intercept():
        client = kms.client(endpoint="kst-a.cryptoservice.kms.aliyuncs.com")
        call(client, "ListKeys")


@pytest.mark.parametrize(
    ("rates", "problem"),
    [
        (
            {"GetSecretValu": 1},
            "$.accounts[0].quotas.rates.GetSecretValu: there is no such operation or group; did you mean",
        ),
        ({"GetSecretValue": -1}, "$.accounts[0].quotas.rates"),
        ({"GetSecretValue": 1.5}, "$.accounts[0].quotas.rates"),
        ("fast", "$.accounts[0].quotas.rates"),
    ],
)
def test_wrong_rates_are_refused(rates: Any, problem: str) -> None:
    """A name that nothing has, and what is no number of requests."""
    with pytest.raises(FixtureError) as caught:
        KmsMock(limited(rates))
    assert problem in str(caught.value)


def test_the_groups_are_operations_of_kms() -> None:
    """Each operation of a group exists, and is in one group."""
    listed = [operation for group in GROUPS.values() for operation in group.operations]
    assert len(listed) == len(set(listed))
    assert set(listed) <= set(KMS_REGISTRY)
    assert not set(GROUPS) & set(KMS_REGISTRY)


def test_the_page_has_the_table() -> None:
    """docs/rate-limits.md: every group with its rate, its operations, and whether the documents list them."""
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d+) \| ([^|]+) \| (documented|inferred) \|$", PAGE, re.MULTILINE)
    assert [(name, int(rate), tuple(text.split(", ")), members) for name, rate, text, members in rows] == [
        (name, group.rate, group.operations, group.members) for name, group in GROUPS.items()
    ]
