"""Policies of keys in KMS instances, through the official SDK."""

from __future__ import annotations

import json
from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.defaults import DEFAULT_ACCOUNT
from kms_mock.kms import errors
from tests.support.keys import INSTANCES, describe
from tests.support.secrets import allow, ram_user, refuse, resource_policy, sdk

OTHER = "9999999999999999"
MINE = resource_policy("kms:*", principal=f"acs:ram::{DEFAULT_ACCOUNT}:*")


@pytest.fixture
def key(kms: KmsMock) -> str:
    """A key in a software instance."""
    kms.load({"instances": INSTANCES, "keys": [{"id": "key", "instance": "kst-soft"}, {"id": "outside"}]})
    return "key"


def test_the_default_policy_lets_the_account_do_everything(client: Client, key: str) -> None:
    """A key that was given no policy has one for its account, with the documented Sid (api-docs GetKeyPolicy)."""
    policy = json.loads(sdk(client, "GetKeyPolicy", key_id=key)["Policy"])
    assert policy["Version"] == "1"
    assert policy["Statement"] == [
        {
            "Sid": "kms default key policy",
            "Effect": "Allow",
            "Principal": {"RAM": [f"acs:ram::{DEFAULT_ACCOUNT}:*"]},
            "Action": ["kms:*"],
            "Resource": ["*"],
        }
    ]


def test_a_policy_is_given_back_to_the_letter(client: Client, key: str) -> None:
    """GetKeyPolicy gives the very text that SetKeyPolicy was given, by id or ARN, with or without PolicyName."""
    text = json.dumps(MINE, indent=1)
    sdk(client, "SetKeyPolicy", key_id=key, policy=text, policy_name="default")
    arn = describe(client, key).arn
    for fields in ({"key_id": key}, {"key_id": arn}, {"key_id": key, "policy_name": "default"}):
        assert sdk(client, "GetKeyPolicy", **fields)["Policy"] == text


def test_a_policy_has_32768_bytes_at_most(kms: KmsMock, client: Client, key: str) -> None:
    """The limit counts bytes (behaviour.md 13)."""
    text = json.dumps(MINE)
    longest = text + " " * (32768 - len(text))
    sdk(client, "SetKeyPolicy", key_id=key, policy=longest)
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, "SetKeyPolicy", key_id=key, policy=longest + " ")


@pytest.mark.parametrize(
    "change",
    [
        {"Version": "2"},
        {"Statement": []},
        {"Statement": [{**MINE["Statement"][0], "Action": ["oss:*"]}]},
        {"Statement": [{**MINE["Statement"][0], "Resource": ["acs:kms:*"]}]},
        {"Statement": [{**MINE["Statement"][0], "Effect": "Maybe"}]},
        {"Statement": [{**MINE["Statement"][0], "Sid": "a" * 129}]},
        {"Statement": [{"Effect": "Allow", "Action": ["kms:*"], "Resource": ["*"]}]},
    ],
    ids=str,
)
def test_a_policy_that_is_none(kms: KmsMock, client: Client, key: str, change: dict[str, Any]) -> None:
    """A policy that breaks a documented rule is refused and the former one stays."""
    policy = json.dumps({**MINE, **change})
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, "SetKeyPolicy", key_id=key, policy=policy)


@pytest.mark.parametrize(
    ("operation", "fields"), [("GetKeyPolicy", {}), ("SetKeyPolicy", {"policy": json.dumps(MINE)})]
)
def test_what_has_no_policy(kms: KmsMock, client: Client, key: str, operation: str, fields: dict[str, str]) -> None:
    """Only keys in instances have a policy, and only the one named default."""
    refuse(kms, client, errors.POLICY_UNSUPPORTED, operation, key_id="outside", **fields)
    refuse(kms, client, errors.POLICY_NOT_FOUND, operation, key_id=key, policy_name="other", **fields)
    refuse(kms, client, errors.KEY_NOT_FOUND, operation, key_id="none", **fields)
    message = "The parameter  KeyId  needed but no provided."
    refuse(kms, client, errors.MISSING_PARAMETER, operation, message=message, **fields)


@pytest.mark.usefixtures("key")
def test_an_instance_that_does_not_work_takes_no_policy(kms: KmsMock, client: Client) -> None:
    """SetKeyPolicy needs a connected instance, GetKeyPolicy does not (their error tables)."""
    kms.load({"keys": [{"id": "stuck", "instance": "kst-down"}]})
    refuse(kms, client, errors.INSTANCE_STATE_INVALID, "SetKeyPolicy", key_id="stuck", policy=json.dumps(MINE))
    assert sdk(client, "GetKeyPolicy", key_id="stuck")["Policy"]


@pytest.mark.parametrize(
    ("operation", "fields"), [("GetKeyPolicy", {}), ("SetKeyPolicy", {"policy": json.dumps(MINE)})]
)
def test_ram_must_allow_it(kms: KmsMock, key: str, operation: str, fields: dict[str, str]) -> None:
    """A user without the permission gets 400 Forbidden.NoPermission (400 in these tables, not 403)."""
    kms.load(ram_user(allow("kms:Describe*")))
    user = kms.client(access_key_id="limited")
    refuse(kms, user, errors.POLICY_NO_PERMISSION, operation, key_id=key, **fields)


def test_a_policy_lets_another_account_in(kms: KmsMock, client: Client, key: str) -> None:
    """Another account may use a key by its ARN once the key's policy names it, and only for the actions it names."""
    kms.load(ram_user(allow("kms:*"), key="theirs", account=OTHER))
    stranger = kms.client(access_key_id="theirs")
    arn = describe(client, key).arn
    refuse(kms, stranger, errors.NO_PERMISSION_ON, "DescribeKey", key_id=arn)
    policy = {
        "Version": "1",
        "Statement": [
            *MINE["Statement"],
            *resource_policy("kms:Describe*", principal=f"acs:ram::{OTHER}:user/theirs")["Statement"],
        ],
    }
    sdk(client, "SetKeyPolicy", key_id=key, policy=json.dumps(policy))
    assert sdk(stranger, "DescribeKey", key_id=arn)["KeyMetadata"]["KeyId"] == key
    refuse(kms, stranger, errors.NO_PERMISSION_ON, "DisableKey", key_id=arn)


def test_the_account_itself_is_never_locked_out(kms: KmsMock, client: Client, key: str) -> None:
    """A policy that denies everybody stops the account from using the key, not from giving it another policy."""
    nobody = resource_policy("kms:*", principal="*", effect="Deny")
    sdk(client, "SetKeyPolicy", key_id=key, policy=json.dumps(nobody))
    refuse(kms, client, errors.NO_PERMISSION_ON, "DescribeKey", key_id=key)
    sdk(client, "SetKeyPolicy", key_id=key, policy=json.dumps(MINE))
    assert describe(client, key).key_id == key
