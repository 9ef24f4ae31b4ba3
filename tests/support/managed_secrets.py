"""What the tests of managed secrets share: configurations and first values of every kind."""

from __future__ import annotations

import json
from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client

from tests.support.secrets import (
    RDS,
    create,
    value,
)

DOUBLE = {"SecretSubType": "DoubleUsers", "DBInstanceId": "rm-1"}
REDIS = {
    "SecretSubType": "DoubleUsers",
    "AccountName": "cache",
    "CloneAccountName": "cache_clone",
    "AccountPrivilege": "RoleReadWrite",
    "InstanceId": "r-1",
    "RegionId": "cn-hangzhou",
}
POLAR = {
    "SecretSubType": "DoubleUsers",
    "RegionId": "cn-hangzhou",
    "DBClusterId": "pc-1",
    "DBType": "MySQL",
    "AccountName": "data",
}
RAM = {"SecretSubType": "RamUserAccessKey", "UserName": "robot"}
ECS = {"SecretSubType": "Password", "RegionId": "cn-hangzhou", "InstanceId": "i-1"}
SSH = {**ECS, "SecretSubType": "SSHKey"}


def accounts(*names: str) -> str:
    """Return the SecretData of an Rds secret."""
    return json.dumps({"Accounts": [{"AccountName": name, "AccountPassword": f"first-{name}"} for name in names]})


def access_keys(*ids: str) -> str:
    """Return the SecretData of a RAM secret."""
    return json.dumps({"AccessKeys": [{"AccessKeyId": one, "AccessKeySecret": f"secret-{one}"} for one in ids]})


LOGIN = '{"UserName":"ecs-user","Password":"first"}'
SSH_LOGIN = '{"UserName":"ecs-user","PublicKey":"ssh-rsa AAAA x","PrivateKey":"-----BEGIN"}'

# kind -> (SecretType, SecretName, ExtendedConfig, SecretData)
KINDS: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "rds single": ("Rds", "db", RDS, accounts("app")),
    "rds double": ("Rds", "db", DOUBLE, accounts("app", "app2")),
    "redis": ("Redis", "cache", REDIS, "$Auto"),
    "polardb": ("PolarDB", "polar", POLAR, "$Auto"),
    "ram": ("RAMCredentials", "$Auto", RAM, access_keys("LTAI1")),
    "ecs password": ("ECS", "acs/ecs/web", ECS, LOGIN),
    "ecs ssh": ("ECS", "acs/ecs/web", SSH, SSH_LOGIN),
}


def create_managed(client: Client, kind: str, **more: Any) -> dict[str, Any]:
    """Create a managed secret."""
    secret_type, name, config, data = KINDS[kind]
    return create(client, name, data, secret_type=secret_type, extended_config=config, **more)


def current(client: Client, name: str, stage: str = "ACSCurrent") -> dict[str, str]:
    """Return the value of a managed secret, which is JSON."""
    found: dict[str, str] = json.loads(value(client, name, version_stage=stage))
    return found


# Each kind with two accounts: the name of its secret, and of the accounts.
double_users = pytest.mark.parametrize(
    ("kind", "name", "users"),
    [
        ("rds double", "db", ("app", "app2")),
        ("redis", "cache", ("cache", "cache_clone")),
        ("polardb", "polar", ("data", "data_clone")),
    ],
)
