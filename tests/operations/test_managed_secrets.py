"""Managed secrets: what may be created, and what it holds then, through the official SDK."""

from __future__ import annotations

import json
from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.kms import errors
from tests.support.managed_secrets import (
    DOUBLE,
    KINDS,
    LOGIN,
    POLAR,
    RAM,
    REDIS,
    SSH_LOGIN,
    access_keys,
    accounts,
    create_managed,
    current,
    double_users,
)
from tests.support.secrets import (
    ISO,
    RDS,
    refuse,
    sdk,
    stages,
)


@pytest.mark.parametrize("kind", KINDS)
def test_every_type_can_be_created_and_described(client: Client, kind: str) -> None:
    """A managed secret has its type, its configuration with CustomData, and AutomaticRotation Disabled by default."""
    secret_type, name, config, _ = KINDS[kind]
    answer = create_managed(client, kind)
    assert answer["SecretType"] == secret_type
    assert answer["SecretName"] == ("acs/ram/user/robot" if kind == "ram" else name)
    assert answer["Arn"].endswith(f":secret/{answer['SecretName']}")
    assert answer["AutomaticRotation"] == "Disabled"
    assert not {"RotationInterval", "NextRotationDate"} & set(answer)
    extra = {"CustomData": {}, **({"CloneAccountName": "data_clone"} if kind == "polardb" else {})}
    described = sdk(client, "DescribeSecret", secret_name=answer["SecretName"])
    for one in (answer, described):
        assert json.loads(one["ExtendedConfig"]) == {**config, **extra}
    assert described["AutomaticRotation"] == "Disabled"
    assert "LastRotationDate" not in described


def test_the_values_have_the_documented_form(client: Client) -> None:
    """GetSecretValue gives each type's value in its own form, not as it was put in."""
    create_managed(client, "rds single")
    assert current(client, "db") == {"AccountName": "app", "AccountPassword": "first-app"}
    create_managed(client, "ram")
    ram = current(client, "acs/ram/user/robot")
    assert list(ram) == ["AccessKeyId", "AccessKeySecret", "GenerateTimestamp"]
    assert (ram["AccessKeyId"], ram["AccessKeySecret"]) == ("LTAI1", "secret-LTAI1")
    assert ISO.fullmatch(ram["GenerateTimestamp"])
    create_managed(client, "ecs password")
    assert current(client, "acs/ecs/web") == {"UserName": "ecs-user", "Password": "first"}


@double_users
def test_double_users_are_current_and_previous(client: Client, kind: str, name: str, users: tuple[str, str]) -> None:
    """With two accounts ACSCurrent is the one and ACSPrevious the other; `$Auto` makes passwords for both."""
    create_managed(client, kind)
    one, two = current(client, name), current(client, name, "ACSPrevious")
    assert (one["AccountName"], two["AccountName"]) == users
    assert one["AccountPassword"] != two["AccountPassword"]
    if kind != "rds double":
        assert len(one["AccountPassword"]) == len(two["AccountPassword"]) == 32
    marks = stages(client, name)
    assert marks["v1"] == ["ACSCurrent"]
    assert sorted(marks.values()) == [["ACSCurrent"], ["ACSPrevious"]]


@pytest.mark.parametrize("kind", KINDS)
def test_a_managed_secret_needs_its_configuration(kms: KmsMock, client: Client, kind: str) -> None:
    """Without ExtendedConfig, or without any of its required fields, the secret is refused."""
    secret_type, name, config, data = KINDS[kind]
    fields = {"secret_name": name, "version_id": "v1", "secret_data": data, "secret_type": secret_type}
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, "CreateSecret", **fields)
    for missing in config:
        less = {key: value for key, value in config.items() if key != missing}
        refuse(kms, client, errors.KMS_INVALID_PARAMETER, "CreateSecret", extended_config=less, **fields)
        wrong = {**config, missing: 7}
        refuse(kms, client, errors.KMS_INVALID_PARAMETER, "CreateSecret", extended_config=wrong, **fields)


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("rds single", {**RDS, "SecretSubType": "TripleUsers"}),
        ("rds single", DOUBLE),
        ("rds double", {**DOUBLE, "SecretSubType": "SingleUser"}),
        ("redis", {**REDIS, "CloneAccountName": "other"}),
        ("polardb", {**POLAR, "CloneAccountName": "other"}),
        ("polardb", {**POLAR, "DBType": "Oracle"}),
        ("polardb", {**POLAR, "AccountType": "Super"}),
        ("rds single", {**RDS, "CustomData": [1]}),
        ("rds single", {**RDS, "CustomData": {str(number): "x" for number in range(11)}}),
        ("rds single", {**RDS, "CustomData": {"a": "x" * 1024}}),
        ("ram", {**RAM, "UserName": "no blanks"}),
        ("ram", {**RAM, "UserName": "x" * 200}),
    ],
    ids=lambda one: one if isinstance(one, str) else json.dumps(one)[:60],
)
def test_a_wrong_configuration_is_refused(kms: KmsMock, client: Client, kind: str, config: dict[str, Any]) -> None:
    """Sub-types, clone names, database types, ten pairs of custom data and 1,024 characters are checked."""
    secret_type, name, _, data = KINDS[kind]
    refuse(
        kms,
        client,
        errors.KMS_INVALID_PARAMETER,
        "CreateSecret",
        secret_name=name,
        version_id="v1",
        secret_data=data,
        secret_type=secret_type,
        extended_config=config,
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("data", ["plain", "{}", "[]", '{"hunter2":"hunter2"}', '{"Accounts":[' + "[" * 5000])
def test_a_wrong_value_is_refused_and_never_quoted(kms: KmsMock, client: Client, kind: str, data: str) -> None:
    """SecretData must have the type's own form; nothing of it shows in the answer."""
    secret_type, name, config, _ = KINDS[kind]
    caught = refuse(
        kms,
        client,
        errors.KMS_INVALID_PARAMETER,
        "CreateSecret",
        secret_name=name,
        version_id="v1",
        secret_data=data,
        secret_type=secret_type,
        extended_config=config,
    )
    assert "hunter2" not in str(caught)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("rds single", {"secret_data_type": "binary"}),
        ("rds single", {"secret_name": "acs/db"}),
        ("rds single", {"secret_data": accounts("a", "b")}),
        ("rds double", {"secret_data": accounts("a")}),
        ("redis", {"secret_name": "acs/cache"}),
        ("redis", {"secret_data": "password"}),
        ("polardb", {"secret_data": "password"}),
        ("polardb", {"secret_name": "$Auto"}),
        ("rds single", {"extended_config": '{"a":' * 5000}),
        ("ram", {"secret_name": "robot"}),
        ("ram", {"secret_data": access_keys()}),
        ("ram", {"secret_data": access_keys("a", "b", "c")}),
        ("ecs password", {"secret_name": "web"}),
        ("ecs password", {"secret_data": SSH_LOGIN}),
        ("ecs ssh", {"secret_data": LOGIN}),
        ("rds single", {"enable_automatic_rotation": True}),
        ("rds single", {"enable_automatic_rotation": True, "rotation_interval": "5h"}),
        ("rds single", {"enable_automatic_rotation": True, "rotation_interval": "21599s"}),
        ("rds single", {"enable_automatic_rotation": True, "rotation_interval": "366d"}),
        ("rds single", {"enable_automatic_rotation": True, "rotation_interval": "8761h"}),
        ("rds single", {"enable_automatic_rotation": True, "rotation_interval": "1w"}),
        ("rds single", {"enable_automatic_rotation": True, "rotation_interval": "-7d"}),
    ],
    ids=lambda one: one if isinstance(one, str) else json.dumps(one)[:70],
)
def test_names_values_and_intervals_follow_the_type(
    kms: KmsMock, client: Client, kind: str, fields: dict[str, Any]
) -> None:
    """Name prefixes, text only, number of accounts, `$Auto`, and 6 to 8,760 hours between rotations."""
    secret_type, name, config, data = KINDS[kind]
    usual = {"secret_name": name, "version_id": "v1", "secret_data": data, "secret_type": secret_type}
    refuse(
        kms,
        client,
        errors.KMS_INVALID_PARAMETER,
        "CreateSecret",
        **{**usual, "extended_config": config, **fields},
    )


@pytest.mark.parametrize(
    ("interval", "seconds"), [("6h", "21600s"), ("7d", "604800s"), ("604800s", "604800s"), ("525600m", "31536000s")]
)
def test_automatic_rotation_from_birth(client: Client, interval: str, seconds: str) -> None:
    """With EnableAutomaticRotation the answers give the interval in seconds and the next date, one interval on."""
    answer = create_managed(client, "rds single", enable_automatic_rotation=True, rotation_interval=interval)
    described = sdk(client, "DescribeSecret", secret_name="db")
    got = sdk(client, "GetSecretValue", secret_name="db")
    for one in (answer, described, got):
        assert (one["AutomaticRotation"], one["RotationInterval"]) == ("Enabled", seconds)
        assert ISO.fullmatch(one["NextRotationDate"])
        assert one["NextRotationDate"] > described["CreateTime"]
