"""Secrets as such: describe, update, delete, restore, through the official SDK."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.defaults import DEFAULT_ACCOUNT
from kms_mock.kms import errors
from tests.support.secrets import (
    NO_SUCH_KEYS,
    OTHER_ACCOUNT,
    RDS,
    RDS_VALUE,
    allow,
    create,
    in_instance,
    moment,
    names,
    put,
    ram_user,
    refuse,
    resource_policy,
    sdk,
    stages,
    value,
)

ARN = f"acs:kms:cn-hangzhou:{DEFAULT_ACCOUNT}:secret"


# -- DescribeSecret ---------------------------------------------------------------------------------------------------


def test_describe_gives_the_metadata_and_never_the_value(client: Client) -> None:
    """DescribeSecret of a generic secret has exactly the documented fields that apply to it."""
    create(client, value="the value itself", description="d")
    described = sdk(client, "DescribeSecret", secret_name="db")
    assert "the value itself" not in json.dumps(described)
    assert set(described) == {
        "Arn",
        "SecretName",
        "SecretType",
        "Description",
        "CreateTime",
        "UpdateTime",
        "OwingService",
        "RequestId",
    }
    assert moment(described["CreateTime"]) == moment(described["UpdateTime"])


def test_describe_takes_an_arn(client: Client) -> None:
    """SecretName may be the secret's ARN."""
    arn = create(client)["Arn"]
    assert sdk(client, "DescribeSecret", secret_name=arn)["SecretName"] == "db"


def test_tags_come_only_when_asked_for(client: Client) -> None:
    """Without FetchTags, and with false, the answer has no Tags; with true it has, even when there are none."""
    create(client)
    assert "Tags" not in sdk(client, "DescribeSecret", secret_name="db")
    assert "Tags" not in sdk(client, "DescribeSecret", secret_name="db", fetch_tags="false")
    assert sdk(client, "DescribeSecret", secret_name="db", fetch_tags="true")["Tags"] == {"Tag": []}


def test_describe_refusals(kms: KmsMock, client: Client) -> None:
    """DescribeSecret of an unknown secret answers 404, a strange flag 400."""
    refuse(kms, client, errors.SECRET_NOT_FOUND, "DescribeSecret", secret_name="none")
    create(client)
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, "DescribeSecret", secret_name="db", fetch_tags="yes, please")


# -- UpdateSecret -----------------------------------------------------------------------------------------------------


def test_update_changes_the_description(kms: KmsMock, client: Client) -> None:
    """UpdateSecret sets Description and UpdateTime and leaves the value alone; an empty text empties it."""
    kms.load({"secrets": [{"name": "db", "value": "one", "description": "old", "created": "-1d"}]})
    answer = sdk(client, "UpdateSecret", secret_name="db", description="new")
    assert set(answer) == {"SecretName", "RequestId"}
    described = sdk(client, "DescribeSecret", secret_name="db")
    assert described["Description"] == "new"
    assert described["UpdateTime"] > described["CreateTime"]
    assert value(client) == "one"
    sdk(client, "UpdateSecret", secret_name="db", description="")
    assert sdk(client, "DescribeSecret", secret_name="db")["Description"] == ""


def custom(data: Any) -> models.UpdateSecretRequestExtendedConfig:
    """Return the SDK's object for `ExtendedConfig.CustomData`."""
    return models.UpdateSecretRequestExtendedConfig(custom_data=data)


def test_update_replaces_the_custom_data_of_a_managed_secret(kms: KmsMock, client: Client) -> None:
    """ExtendedConfig.CustomData replaces the custom data; the rest of the configuration stays."""
    config = {**RDS, "CustomData": {"old": "x"}}
    kms.load({"secrets": [{"name": "rds", "type": "Rds", "extended_config": config, "value": RDS_VALUE}]})
    sdk(client, "UpdateSecret", secret_name="rds", extended_config=custom({"DBName": "app1", "Port": "3306"}))
    described = sdk(client, "DescribeSecret", secret_name="rds")
    assert json.loads(described["ExtendedConfig"]) == {**RDS, "CustomData": {"DBName": "app1", "Port": "3306"}}


def test_update_refusals(kms: KmsMock, client: Client) -> None:
    """Custom data is not for generic secrets and has at most ten pairs; unknown and deleted secrets are refused."""
    kms.load({"secrets": [{"name": "rds", "type": "Rds", "extended_config": RDS, "value": RDS_VALUE}]})
    create(client)
    invalid = errors.SECRET_INVALID_PARAMETER
    refuse(kms, client, invalid, "UpdateSecret", secret_name="db", extended_config=custom({"a": "b"}))
    eleven = custom({str(number): "x" for number in range(11)})
    refuse(kms, client, invalid, "UpdateSecret", secret_name="rds", extended_config=eleven)
    refuse(kms, client, invalid, "UpdateSecret", secret_name="db", description="x" * 8193)
    refuse(kms, client, errors.SECRET_NOT_FOUND, "UpdateSecret", secret_name="none", description="x")
    sdk(client, "DeleteSecret", secret_name="db")
    refuse(kms, client, errors.SECRET_IN_DELETE_WINDOW, "UpdateSecret", secret_name="db", description="x")


# -- DeleteSecret, RestoreSecret --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("window", "days"), [(None, 30), ("7", 7), ("30", 30)])
def test_a_deletion_is_planned_within_its_window(client: Client, window: str | None, days: int) -> None:
    """Without a window it is 30 days; the answer gives the time of the deletion, as DescribeSecret does."""
    create(client)
    before = datetime.now(UTC)  # noqa: TID251 (the server runs on the real clock)
    answer = sdk(client, "DeleteSecret", secret_name="db", recovery_window_in_days=window)
    assert set(answer) == {"SecretName", "PlannedDeleteTime", "RequestId"}
    planned = moment(answer["PlannedDeleteTime"])
    assert abs(planned - before - timedelta(days=days)) < timedelta(seconds=5)
    assert sdk(client, "DescribeSecret", secret_name="db")["PlannedDeleteTime"] == answer["PlannedDeleteTime"]


def test_a_secret_in_its_window_is_seen_but_not_read(kms: KmsMock, client: Client) -> None:
    """Its value reads as not found; DescribeSecret, ListSecrets and ListSecretVersionIds still show it (design.md 6)."""
    create(client)
    sdk(client, "DeleteSecret", secret_name="db")
    refuse(kms, client, errors.ACCESS_NOT_FOUND, "GetSecretValue", secret_name="db")
    listed = sdk(client, "ListSecrets")["SecretList"]["Secret"][0]
    assert moment(listed["PlannedDeleteTime"]) > moment(listed["CreateTime"])
    assert stages(client) == {"v1": ["ACSCurrent"]}


def test_restore_brings_a_secret_back_whole(kms: KmsMock, client: Client) -> None:
    """After DeleteSecret and RestoreSecret everything but UpdateTime is as it was."""
    create(client, description="d", tags='[{"TagKey": "a", "TagValue": "b"}]')
    put(client, "v2", "two", version_stages='["blue"]')
    before = sdk(client, "DescribeSecret", secret_name="db", fetch_tags="true")
    marks = stages(client)
    sdk(client, "DeleteSecret", secret_name="db")
    assert set(sdk(client, "RestoreSecret", secret_name="db")) == {"SecretName", "RequestId"}
    after = sdk(client, "DescribeSecret", secret_name="db", fetch_tags="true")
    for changing in ("RequestId", "UpdateTime"):
        del before[changing], after[changing]
    assert after == before
    assert stages(client) == marks
    assert (value(client), value(client, version_id="v2")) == ("one", "two")
    refuse(kms, client, errors.SECRET_NOT_DELETED, "RestoreSecret", message="restore normal secret", secret_name="db")


def test_a_second_deletion_is_refused(kms: KmsMock, client: Client) -> None:
    """A secret in its window cannot be deleted again, not even by force."""
    create(client)
    sdk(client, "DeleteSecret", secret_name="db")
    error = errors.SECRET_IN_DELETE_WINDOW
    refuse(kms, client, error, "DeleteSecret", message="secret in delete peroid", secret_name="db")
    refuse(kms, client, error, "DeleteSecret", secret_name="db", force_delete_without_recovery="true")


@pytest.mark.parametrize(
    "fields",
    [
        {"recovery_window_in_days": "6"},
        {"recovery_window_in_days": "31"},
        {"recovery_window_in_days": "7.5"},
        {"recovery_window_in_days": "week"},
        {"force_delete_without_recovery": "maybe"},
        {"force_delete_without_recovery": "true", "recovery_window_in_days": "7"},
    ],
    ids=json.dumps,
)
def test_delete_refuses_what_is_out_of_range(kms: KmsMock, client: Client, fields: dict[str, str]) -> None:
    """The window is 7 to 30 days, and a forced deletion has none."""
    create(client)
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, "DeleteSecret", secret_name="db", **fields)


def test_a_forced_deletion_cannot_be_undone(kms: KmsMock, client: Client) -> None:
    """ForceDeleteWithoutRecovery removes the secret now: it is in no list and cannot be restored."""
    create(client)
    sdk(client, "DeleteSecret", secret_name="db", force_delete_without_recovery="true")
    assert sdk(client, "ListSecrets")["TotalCount"] == 0
    refuse(kms, client, errors.SECRET_NOT_FOUND, "RestoreSecret", secret_name="db")
    refuse(kms, client, errors.SECRET_NOT_FOUND, "DescribeSecret", secret_name="db")
    refuse(kms, client, errors.SECRET_NOT_FOUND, "DeleteSecret", secret_name="db")


def test_a_secret_is_purged_when_its_time_has_come(kms: KmsMock, client: Client) -> None:
    """At its planned time a secret is gone, and its name is free again."""
    kms.load({"secrets": [{"name": "db", "value": "one", "planned_delete": "-1s"}]})
    kms.load({"secrets": [{"name": "later", "value": "one", "planned_delete": "+7d"}]})
    assert names(sdk(client, "ListSecrets")) == ["later"]
    create(client)
    assert value(client) == "one"


# -- refusals that all of them share ----------------------------------------------------------------------------------

WHOLE: dict[str, dict[str, str]] = {
    "DescribeSecret": {},
    "UpdateSecret": {"description": "x"},
    "DeleteSecret": {},
    "RestoreSecret": {},
}


@pytest.mark.parametrize("operation", WHOLE)
def test_a_secret_of_another_account_needs_its_policy(kms: KmsMock, client: Client, operation: str) -> None:
    """By ARN another account's secret is found, and forbidden unless its policy allows this operation."""
    policy = resource_policy(f"kms:{operation}", principal=f"acs:ram::{DEFAULT_ACCOUNT}:root")
    planned = "+7d" if operation == "RestoreSecret" else None
    shared = [
        {"name": "open", "value": "x", "policy": policy, "planned_delete": planned},
        {"name": "closed", "value": "x", "planned_delete": planned},
    ]
    kms.load({"accounts": [{"id": OTHER_ACCOUNT, "regions": [{"id": "cn-hangzhou", "secrets": shared}]}]})
    arn = f"acs:kms:cn-hangzhou:{OTHER_ACCOUNT}:secret"
    create(client, "open", "mine")  # of the same name: must not be touched
    assert sdk(client, operation, secret_name=f"{arn}/open", **WHOLE[operation])["SecretName"] == "open"
    refuse(kms, client, errors.NO_PERMISSION_ON, operation, secret_name=f"{arn}/closed", **WHOLE[operation])
    mine = sdk(client, "DescribeSecret", secret_name="open")
    assert mine["Description"] == ""
    assert "PlannedDeleteTime" not in mine
    assert value(client, "open") == "mine"


@pytest.mark.parametrize("operation", ["UpdateSecret", "RestoreSecret", "ListSecrets", "ListSecretVersionIds"])
def test_a_ram_user_without_the_permission_is_refused(kms: KmsMock, operation: str) -> None:
    """RAM refuses with 403: in the text of the table where no resource is named, else in the one with its ARN."""
    kms.load(ram_user(allow("kms:DescribeSecret")))
    kms.load({"secrets": [{"name": "db", "value": "one"}]})
    fields = {} if operation == "ListSecrets" else {"secret_name": "db"}
    limited = kms.client(access_key_id="limited")
    spec = errors.SECRET_NO_PERMISSION if operation == "ListSecrets" else errors.NO_PERMISSION_ON
    refuse(kms, limited, spec, operation, **fields)


@pytest.mark.parametrize("operation", ["DescribeSecret", "ListSecrets", "DeleteSecret", "RotateSecret"])
def test_an_unknown_access_key_is_refused_when_the_fixture_says_so(
    kms: KmsMock, client: Client, operation: str
) -> None:
    """With unknown AccessKeys refused the answer is 404 InvalidAccessKeyId.NotFound."""
    kms.load({**NO_SUCH_KEYS, "secrets": [{"name": "db", "value": "one"}]})
    fields = {} if operation == "ListSecrets" else {"secret_name": "db"}
    refuse(kms, client, errors.INVALID_ACCESS_KEY_ID, operation, **fields)


@pytest.mark.parametrize("operation", WHOLE)
def test_a_blank_padded_access_key_id_is_an_invalid_parameter(kms: KmsMock, operation: str) -> None:
    """The only parameter of RestoreSecret that can be invalid as such is the AccessKeyId; the others refuse it too."""
    kms.load({"secrets": [{"name": "db", "value": "one"}]})
    secret = operation in ("UpdateSecret", "RestoreSecret")
    row = errors.SECRET_INVALID_PARAMETER if secret else errors.KMS_INVALID_PARAMETER
    refuse(kms, kms.client(access_key_id=" padded"), row, operation, secret_name="db", **WHOLE[operation])


def test_restore_refuses_an_overlong_name_as_not_found(kms: KmsMock, client: Client) -> None:
    """A name that no secret can have is simply not found."""
    refuse(kms, client, errors.SECRET_NOT_FOUND, "RestoreSecret", secret_name="x" * 1000)


def test_an_instance_secret_lives_in_its_fixture(kms: KmsMock, client: Client) -> None:
    """A fixture's secret in an instance reads like any other while the instance is connected."""
    kms.load(in_instance())
    assert value(client, "vault") == "one"
