"""Quotas bite at the documented numbers, and at those of a fixture file (behaviour.md 14)."""

from __future__ import annotations

from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.defaults import DEFAULT_ACCOUNT
from kms_mock.kms import errors
from tests.support.secrets import OTHER_ACCOUNT, create, refuse, sdk

ONE_KEY = {"keys": [{"id": "one"}]}


def quotas(kms: KmsMock, **numbers: int | None) -> None:
    kms.load({"accounts": [{"id": DEFAULT_ACCOUNT, "quotas": numbers}]})


def keys(number: int, **more: Any) -> dict[str, Any]:
    return {"keys": [{"id": f"key-{one}", **more} for one in range(number)]}


def new_secret(name: str, **more: Any) -> dict[str, Any]:
    return {"secret_name": name, "version_id": "v1", "secret_data": "x", **more}


def test_the_201st_key_is_one_too_many(kms: KmsMock, client: Client) -> None:
    """An account has 200 keys in a region: CreateKey makes the 200th and not the next."""
    kms.load(keys(199))
    sdk(client, "CreateKey")
    refuse(kms, client, errors.LIMIT_EXCEEDED, "CreateKey")


def test_a_deleted_key_makes_room(kms: KmsMock, client: Client) -> None:
    """A key counts until its deletion date; then another one can be made."""
    quotas(kms, keys=1)
    kms.load({"keys": [{"id": "going", "state": "PendingDeletion", "deletion_date": "+7d"}]})
    refuse(kms, client, errors.LIMIT_EXCEEDED, "CreateKey")
    kms.reset()
    quotas(kms, keys=1)
    kms.load({"keys": [{"id": "gone", "state": "PendingDeletion", "deletion_date": "-1s"}]})
    sdk(client, "CreateKey")


def test_the_301st_alias_is_one_too_many(kms: KmsMock, client: Client) -> None:
    """An account has 300 aliases in a region: CreateAlias makes the 300th and not the next."""
    kms.load({"keys": [{"id": "one", "aliases": [f"alias/{number}" for number in range(299)]}]})
    sdk(client, "CreateAlias", key_id="one", alias_name="alias/last")
    refuse(kms, client, errors.LIMIT_EXCEEDED, "CreateAlias", key_id="one", alias_name="alias/more")
    sdk(client, "DeleteAlias", alias_name="alias/last")
    sdk(client, "CreateAlias", key_id="one", alias_name="alias/more")


@pytest.mark.parametrize(
    ("numbers", "operation", "fields"),
    [
        ({"keys": 1}, "CreateKey", {}),
        ({"key_versions": 1}, "CreateKey", {}),
        ({"aliases": 0}, "CreateAlias", {"key_id": "one", "alias_name": "alias/new"}),
        ({"secrets": 1}, "CreateSecret", new_secret("new")),
    ],
)
def test_a_fixture_file_sets_quotas(
    kms: KmsMock, client: Client, numbers: dict[str, int], operation: str, fields: dict[str, Any]
) -> None:
    """A quota in accounts[].quotas is refused with Rejected.LimitExceeded once it is used up, and survives a snapshot."""
    kms.load({**ONE_KEY, "secrets": [{"name": "db", "value": "x"}]})
    quotas(kms, **numbers)
    refuse(kms, client, errors.LIMIT_EXCEEDED, operation, **fields)
    with KmsMock(fixtures=[kms.snapshot()]) as other:
        refuse(other, other.client(), errors.LIMIT_EXCEEDED, operation, **fields)


def test_a_quota_of_null_is_no_limit(kms: KmsMock, client: Client) -> None:
    """With keys null the 201st key can be made."""
    quotas(kms, keys=None)
    kms.load(keys(200))
    sdk(client, "CreateKey")


def test_quotas_are_per_account_and_region(kms: KmsMock, client: Client) -> None:
    """A full region of one account says nothing about another account."""
    quotas(kms, keys=1)
    kms.load(ONE_KEY)
    kms.load({"accounts": [{"id": OTHER_ACCOUNT, "access_keys": [{"id": "other"}]}]})
    refuse(kms, client, errors.LIMIT_EXCEEDED, "CreateKey")
    sdk(kms.client(access_key_id="other"), "CreateKey")


@pytest.mark.parametrize(
    ("owner", "spec"), [(None, errors.LIMIT_EXCEEDED), (OTHER_ACCOUNT, errors.SHARE_QUOTA_EXCEEDED)]
)
def test_an_instance_has_quotas_of_its_own(
    kms: KmsMock, client: Client, owner: str | None, spec: errors.ErrorSpec
) -> None:
    """A full instance refuses keys and secrets; a shared one says Rejected.ShareQuotaExceedLimit."""
    instance = {"id": "kst-1", "max_keys": 1, "max_secrets": 1, "owner": owner}
    kms.load({"instances": [instance], "keys": [{"id": "one", "instance": "kst-1"}]})
    create(client, "first", dkmsinstance_id="kst-1")
    refuse(kms, client, spec, "CreateKey", dkmsinstance_id="kst-1")
    refuse(kms, client, spec, "CreateSecret", **new_secret("second", dkmsinstance_id="kst-1"))
    sdk(client, "CreateKey")
    create(client, "outside")
    used = sdk(client, "GetKmsInstanceQuotaInfos", kms_instance_id="kst-1")["KmsInstanceQuotaInfos"]
    assert [(one["ResourceQuota"], one["UsedQuantity"]) for one in used[:2]] == [(1, 1), (1, 1)]


@pytest.mark.parametrize(
    ("numbers", "operation", "fields"),
    [
        ({"keys": 1}, "CreateKey", {}),
        ({"key_versions": 1}, "CreateKey", {}),
        ({"secrets": 1}, "CreateSecret", new_secret("new")),
    ],
)
def test_what_is_in_an_instance_uses_up_nothing_outside(
    kms: KmsMock, client: Client, numbers: dict[str, int], operation: str, fields: dict[str, Any]
) -> None:
    """An instance has quotas of its own; what it holds does not count against those of the account."""
    inside = {"instance": "kst-1"}
    kms.load(
        {
            "instances": [{"id": "kst-1"}],
            "keys": [{"id": "in", **inside}],
            "secrets": [{"name": "in", "value": "x", **inside}],
        }
    )
    quotas(kms, **numbers)
    sdk(client, operation, **fields)
    if "secret_name" in fields:
        fields = {**fields, "secret_name": "one-more"}
    refuse(kms, client, errors.LIMIT_EXCEEDED, operation, **fields)
