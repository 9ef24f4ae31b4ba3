"""BatchGetSecretValue, through the official SDK."""

from __future__ import annotations

import json
from typing import Any

import pytest
from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.defaults import DEFAULT_ACCOUNT
from kms_mock.kms import errors
from tests.support.secrets import (
    KEY_ID,
    OTHER_ACCOUNT,
    RDS,
    RDS_VALUE,
    UUID,
    allow,
    create,
    put,
    ram_user,
    refuse,
    resource_policy,
    sdk,
)

Item: Any = models.BatchGetSecretValueRequestSecretsList


def batch(client: Client, *items: Any) -> dict[str, Any]:
    """Ask for several secrets; a plain text is a name."""
    wanted = [Item(secret_name=item) if isinstance(item, str) else item for item in items]
    return sdk(client, "BatchGetSecretValue", secrets_list=wanted)


def test_values_come_in_the_order_of_the_request(client: Client) -> None:
    """Every secret's value is in the answer, in order, in the form of GetSecretValue, with a RequestId each."""
    for name in ("a", "b", "c"):
        create(client, name, f"value of {name}")
    answer = batch(client, "c", "a", "b")
    assert UUID.fullmatch(answer["RequestId"])
    assert answer["Errors"] == []
    assert [one["SecretData"] for one in answer["SecretValues"]] == ["value of c", "value of a", "value of b"]
    single = sdk(client, "GetSecretValue", secret_name="c")
    first = answer["SecretValues"][0]
    assert first.pop("RequestId") == answer["RequestId"]
    del single["RequestId"]
    assert {**first, "VersionStages": None} == {**single, "VersionStages": None}


def test_an_empty_stage_or_version_counts_as_absent(client: Client) -> None:
    """As in the query of GetSecretValue: the other one alone says which version is meant, without both the current one."""
    create(client, "a", "first", version_id="1")
    put(client, "2", "second", name="a")
    wanted = [("", ""), ("", "1"), ("ACSPrevious", ""), ("", None), (None, "")]
    items = [Item(secret_name="a", version_stage=stage, version_id=version) for stage, version in wanted]
    answer = batch(client, *items)
    assert answer["Errors"] == []
    assert [value["SecretData"] for value in answer["SecretValues"]] == ["second", "first", "first", "second", "second"]


def test_what_fails_for_one_does_not_fail_the_others(kms: KmsMock, client: Client) -> None:
    """Failures are listed with SecretName, Code, HttpStatus and Message; the rest is answered."""
    kms.load(
        {
            "keys": [{"id": KEY_ID, "state": "Disabled"}],
            "secrets": [
                {"name": "a", "value": "one"},
                {"name": "gone", "value": "x", "planned_delete": "+7d"},
                {"name": "locked", "value": "x", "encryption_key": KEY_ID},
            ],
        }
    )
    answer = batch(client, "none", "a", "gone", "locked", Item(secret_name="a", version_id="v9"))
    assert [one["SecretData"] for one in answer["SecretValues"]] == ["one"]
    assert answer["Errors"] == [
        {
            "SecretName": name,
            "Code": row.code,
            "HttpStatus": row.status,
            "Message": row.message,
        }
        for name, row in (
            ("none", errors.ACCESS_NOT_FOUND),
            ("gone", errors.ACCESS_NOT_FOUND),
            ("locked", errors.KEY_DISABLED),
            ("a", errors.ACCESS_NOT_FOUND),
        )
    ]


def test_stage_version_and_configuration_per_item(kms: KmsMock, client: Client) -> None:
    """Each item may ask for a stage, a version and, of a managed secret, its configuration."""
    create(client, "a", "one")
    put(client, "v2", "two", "a")
    kms.load({"secrets": [{"name": "rds", "type": "Rds", "extended_config": RDS, "value": RDS_VALUE}]})
    answer = batch(
        client,
        Item(secret_name="a", version_id="v1"),
        Item(secret_name="a", version_stage="ACSCurrent"),
        Item(secret_name="a", version_stage="ACSPrevious"),
        Item(secret_name="rds", fetch_extended_config="true"),
        Item(secret_name="rds", fetch_extended_config="false"),
    )
    assert [one["VersionId"] for one in answer["SecretValues"]] == ["v1", "v2", "v1", "v1", "v1"]
    configs = [one.get("ExtendedConfig") for one in answer["SecretValues"]]
    assert configs[:3] == [None, None, None]
    assert configs[3] is not None
    assert json.loads(configs[3]) == {**RDS, "CustomData": {}}
    assert configs[4] is None


def test_the_arn_of_another_account_does_not_lead_the_next_names_astray(kms: KmsMock, client: Client) -> None:
    """A plain name after the ARN of another account's secret is still this account's secret."""
    policy = resource_policy("kms:*", principal=f"acs:ram::{DEFAULT_ACCOUNT}:*")
    theirs = [{"name": "db", "value": "theirs", "policy": policy}]
    kms.load({"accounts": [{"id": OTHER_ACCOUNT, "regions": [{"id": "cn-hangzhou", "secrets": theirs}]}]})
    create(client, "db", "ours")
    arn = f"acs:kms:cn-hangzhou:{OTHER_ACCOUNT}:secret/db"
    answer = batch(client, "db", arn, "db")
    assert [one["SecretData"] for one in answer["SecretValues"]] == ["ours", "theirs", "ours"]


def test_twenty_secrets_at_once(kms: KmsMock, client: Client) -> None:
    """Twenty are allowed, twenty-one and none are not."""
    kms.load({"secrets": [{"name": f"s{number}", "value": "x"} for number in range(21)]})
    assert len(batch(client, *(f"s{number}" for number in range(20)))["SecretValues"]) == 20
    message = "The specified parameter SecretsList is not valid."
    for count in (21, 0):
        items = [Item(secret_name=f"s{number}") for number in range(count)]
        refuse(kms, client, errors.INVALID_PARAMETER, "BatchGetSecretValue", message=message, secrets_list=items)


def test_an_item_without_a_name_is_refused(kms: KmsMock, client: Client) -> None:
    """SecretName is required in every item."""
    message = "The specified parameter SecretsList is not valid."
    items = [Item(version_id="v1")]
    refuse(kms, client, errors.INVALID_PARAMETER, "BatchGetSecretValue", message=message, secrets_list=items)


def test_without_a_list_there_is_nothing_to_do(kms: KmsMock, client: Client) -> None:
    """SecretsList is required."""
    message = "The parameter  SecretsList  needed but no provided."
    refuse(kms, client, errors.MISSING_PARAMETER, "BatchGetSecretValue", message=message)


@pytest.mark.parametrize("resource", ["mine", "*"])
def test_permissions_count_per_secret(kms: KmsMock, resource: str) -> None:
    """A secret that the caller may not read is an entry in Errors."""
    kms.load(ram_user(allow("kms:*", resource=f"acs:kms:*:*:secret/{resource}")))
    kms.load({"secrets": [{"name": "mine", "value": "x"}, {"name": "other", "value": "y"}]})
    answer = batch(kms.client(access_key_id="limited"), "mine", "other")
    expected = [] if resource == "*" else [("other", "Forbidden.NoPermission", 403)]
    assert [(one["SecretName"], one["Code"], one["HttpStatus"]) for one in answer["Errors"]] == expected
