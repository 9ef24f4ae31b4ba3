"""GetSecretPolicy and SetSecretPolicy, through the official SDK."""

from __future__ import annotations

import json
from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.defaults import DEFAULT_ACCOUNT
from kms_mock.kms import errors
from tests.support.secrets import (
    KEY_ID,
    OTHER_ACCOUNT,
    allow,
    create,
    in_instance,
    ram_user,
    refuse,
    resource_policy,
    sdk,
    value,
)

OPEN = resource_policy("kms:*", principal=f"acs:ram::{DEFAULT_ACCOUNT}:*")
STATEMENT: dict[str, Any] = OPEN["Statement"][0]


def test_the_default_policy_is_the_documented_one(kms: KmsMock, client: Client) -> None:
    """A secret whose policy nobody set has the default one: its account may do everything."""
    kms.load(in_instance())
    answer = sdk(client, "GetSecretPolicy", secret_name="vault")
    assert set(answer) == {"Policy", "RequestId"}
    assert json.loads(answer["Policy"]) == {
        "Version": "1",
        "Statement": [
            {
                "Sid": "kms default secret policy",
                "Effect": "Allow",
                "Principal": {"RAM": [f"acs:ram::{DEFAULT_ACCOUNT}:*"]},
                "Action": ["kms:*"],
                "Resource": ["*"],
            }
        ],
    }


def test_a_policy_comes_back_as_it_was_set(kms: KmsMock, client: Client) -> None:
    """The answer's Policy is the very text that was set; `default` is its only name."""
    kms.load(in_instance())
    text = json.dumps({"Version": "1", "Statement": [{"Sid": "a b_/+=.@-", **STATEMENT}]}, indent=2)
    assert set(sdk(client, "SetSecretPolicy", secret_name="vault", policy=text, policy_name="default")) == {"RequestId"}
    assert sdk(client, "GetSecretPolicy", secret_name="vault", policy_name="default")["Policy"] == text
    assert value(client, "vault") == "one"


def test_create_secret_takes_a_policy(kms: KmsMock, client: Client) -> None:
    """CreateSecret's Policy is the secret's policy from its birth."""
    kms.load({"instances": [{"id": "kst-1"}]})
    text = json.dumps(OPEN)
    create(client, "vault", dkmsinstance_id="kst-1", policy=text)
    assert sdk(client, "GetSecretPolicy", secret_name="vault")["Policy"] == text


def test_a_policy_lets_another_account_in_and_out_again(kms: KmsMock, client: Client) -> None:
    """A policy opens the secret to another account's user; a later one without it shuts it."""
    kms.load(in_instance())
    kms.load(ram_user(allow("kms:*"), key="visitor", account=OTHER_ACCOUNT))
    arn = f"acs:kms:cn-hangzhou:{DEFAULT_ACCOUNT}:secret/vault"
    visitor = kms.client(access_key_id="visitor")
    refuse(kms, visitor, errors.NO_PERMISSION_ON, "GetSecretValue", secret_name=arn)
    both = {"RAM": [f"acs:ram::{DEFAULT_ACCOUNT}:*", f"acs:ram::{OTHER_ACCOUNT}:user/visitor"]}
    opened = {"Version": "1", "Statement": [{**STATEMENT, "Principal": both}]}
    sdk(client, "SetSecretPolicy", secret_name="vault", policy=json.dumps(opened))
    assert value(visitor, arn) == "one"
    sdk(client, "SetSecretPolicy", secret_name="vault", policy=json.dumps(OPEN))
    refuse(kms, visitor, errors.NO_PERMISSION_ON, "GetSecretValue", secret_name=arn)


def test_an_account_cannot_lock_itself_out(kms: KmsMock, client: Client) -> None:
    """Whatever the policy says, the account itself can read and replace it."""
    kms.load(in_instance())
    shut = resource_policy("kms:*", principal=f"acs:ram::{DEFAULT_ACCOUNT}:*", effect="Deny")
    sdk(client, "SetSecretPolicy", secret_name="vault", policy=json.dumps(shut))
    refuse(kms, client, errors.NO_PERMISSION_ON, "GetSecretValue", secret_name="vault")
    assert json.loads(sdk(client, "GetSecretPolicy", secret_name="vault")["Policy"]) == shut
    sdk(client, "SetSecretPolicy", secret_name="vault", policy=json.dumps(OPEN))
    assert value(client, "vault") == "one"


def changed(**fields: Any) -> str:
    """Return a policy whose only statement differs in some fields; None leaves a field out."""
    statement = {key: value for key, value in {**STATEMENT, **fields}.items() if value is not None}
    return json.dumps({"Version": "1", "Statement": [statement]})


@pytest.mark.parametrize(
    "policy",
    [
        "no JSON",
        "[]",
        "{}",
        '{"Version":"2","Statement":[]}',
        '{"Version":"1","Statement":[]}',
        '{"Version":"1","Statement":[' * 3000,
        changed(Sid="x" * 129),
        changed(Sid="ü"),
        changed(Effect="Maybe"),
        changed(Effect=None),
        changed(Principal=None),
        changed(Principal={"RAM": []}),
        changed(Principal={"Service": ["ecs"]}),
        changed(Action=None),
        changed(Action=["ecs:*"]),
        changed(Resource=None),
        changed(Resource=["acs:kms:*:*:secret/vault"]),
        changed(Colour="red"),
        changed(Condition="no object"),
        changed(Condition={"StringEquals": {"k": "x" * 32768}}),
    ],
    ids=lambda policy: policy[:60],
)
def test_a_policy_must_have_the_documented_form(kms: KmsMock, client: Client, policy: str) -> None:
    """Version 1, one statement or more, Effect, Principal, kms: actions, Resource *, Sid, size: all are checked."""
    kms.load(in_instance())
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, "SetSecretPolicy", secret_name="vault", policy=policy)


@pytest.mark.parametrize("operation", ["GetSecretPolicy", "SetSecretPolicy"])
def test_refusals(kms: KmsMock, client: Client, operation: str) -> None:
    """Outside an instance there is no policy; `default` is its only name; name and policy are required."""
    kms.load(in_instance())
    kms.load({"secrets": [{"name": "classic", "value": "x"}]})
    fields = {"policy": json.dumps(OPEN)} if operation == "SetSecretPolicy" else {}
    not_found = errors.ACCESS_NOT_FOUND
    refuse(kms, client, errors.POLICY_UNSUPPORTED, operation, secret_name="classic", **fields)
    refuse(kms, client, not_found, operation, message="Resource not found.", secret_name="none", **fields)
    refuse(kms, client, not_found, operation, secret_name="vault", policy_name="other", **fields)
    missing = "The parameter  SecretName  needed but no provided."
    refuse(kms, client, errors.MISSING_PARAMETER, operation, message=missing, **fields)


@pytest.mark.parametrize("operation", ["GetSecretPolicy", "SetSecretPolicy"])
def test_the_instance_must_be_connected(kms: KmsMock, client: Client, operation: str) -> None:
    """Policies live in the instance: in another state than Connected it answers 403."""
    kms.load(in_instance("Connecting"))
    fields = {"policy": json.dumps(OPEN)} if operation == "SetSecretPolicy" else {}
    refuse(kms, client, errors.INSTANCE_STATE_INVALID, operation, secret_name="vault", **fields)


@pytest.mark.parametrize("operation", ["GetSecretPolicy", "SetSecretPolicy"])
def test_the_secrets_key_must_exist(kms: KmsMock, client: Client, operation: str) -> None:
    """When the secret's key is gone the answer is 404 Forbidden.KeyNotFound."""
    key = {"id": KEY_ID, "instance": "kst-1", "state": "PendingDeletion", "deletion_date": "-1s"}
    kms.load({**in_instance(encryption_key=KEY_ID), "keys": [key]})
    sdk(client, "ListSecrets")  # the key goes at the first request
    fields = {"policy": json.dumps(OPEN)} if operation == "SetSecretPolicy" else {}
    refuse(kms, client, errors.KEY_NOT_FOUND, operation, secret_name="vault", **fields)


@pytest.mark.parametrize("operation", ["GetSecretPolicy", "SetSecretPolicy"])
def test_the_permission_is_refused_with_400(kms: KmsMock, operation: str) -> None:
    """Forbidden.NoPermission has the status 400 in the tables of these two (behaviour.md 13)."""
    kms.load({**in_instance(), **ram_user(allow("kms:GetSecretValue"))})
    fields = {"policy": json.dumps(OPEN)} if operation == "SetSecretPolicy" else {}
    limited = kms.client(access_key_id="limited")
    refuse(kms, limited, errors.POLICY_NO_PERMISSION, operation, secret_name="vault", **fields)


def test_an_access_key_id_with_blanks_is_refused(kms: KmsMock) -> None:
    """The only parameter of GetSecretPolicy that can be invalid as such is the AccessKeyId."""
    kms.load(in_instance())
    padded = kms.client(access_key_id="padded ")
    refuse(kms, padded, errors.KMS_INVALID_PARAMETER, "GetSecretPolicy", secret_name="vault")


def test_a_secret_outside_an_instance_is_created_without_a_policy(kms: KmsMock, client: Client) -> None:
    """CreateSecret with a Policy but no instance is refused."""
    refuse(
        kms,
        client,
        errors.POLICY_UNSUPPORTED,
        "CreateSecret",
        secret_name="db",
        version_id="v1",
        secret_data="one",
        policy=json.dumps(OPEN),
    )


def test_a_deleted_secret_takes_no_policy(kms: KmsMock, client: Client) -> None:
    """In its recovery window a secret's policy can be read, not set."""
    kms.load(in_instance(planned_delete="+7d"))
    sdk(client, "GetSecretPolicy", secret_name="vault")
    policy = json.dumps(OPEN)
    refuse(kms, client, errors.SECRET_IN_DELETE_WINDOW, "SetSecretPolicy", secret_name="vault", policy=policy)
