"""Reading the values and versions of secrets, through the official SDK."""

from __future__ import annotations

import json
from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.defaults import DEFAULT_ACCOUNT
from kms_mock.kms import errors
from tests.support.secrets import (
    ISO,
    KEY_ID,
    NO_SUCH_KEYS,
    OTHER_ACCOUNT,
    RDS,
    UNKNOWN_KEY_ID,
    UUID,
    allow,
    create,
    in_instance,
    managed,
    put,
    ram_user,
    refuse,
    resource_policy,
    sdk,
    value,
)

# -- GetSecretValue ---------------------------------------------------------------------------------------------------


def test_get_gives_the_current_value_and_the_documented_fields(client: Client) -> None:
    """Without stage or version GetSecretValue gives the version marked ACSCurrent."""
    secret = create(client)
    put(client, "v2", "two")
    got = sdk(client, "GetSecretValue", secret_name="db")
    assert UUID.fullmatch(got.pop("RequestId"))
    assert ISO.fullmatch(got.pop("CreateTime"))
    assert got == {
        "SecretName": "db",
        "SecretType": "Generic",
        "VersionId": "v2",
        "VersionStages": {"VersionStage": ["ACSCurrent"]},
        "SecretData": "two",
        "SecretDataType": "text",
    }
    assert value(client, secret["Arn"]) == "two"


def test_get_gives_the_creation_time_of_the_secret(kms: KmsMock, client: Client) -> None:
    """CreateTime of GetSecretValue is when the secret was created, not the version (api-docs GetSecretValue)."""
    kms.load({"secrets": [{"name": "db", "value": "one", "created": "2024-02-21T15:39:26Z"}]})
    put(client, "v2", "two")
    assert sdk(client, "GetSecretValue", secret_name="db")["CreateTime"] == "2024-02-21T15:39:26Z"


def test_get_by_stage_and_by_version(client: Client) -> None:
    """VersionStage and VersionId pick a version; both together must fit."""
    create(client)
    put(client, "v2", "two", version_stages='["blue"]')
    assert value(client, version_stage="ACSCurrent") == "one"
    assert value(client, version_stage="blue") == "two"
    assert value(client, version_id="v2") == "two"
    assert value(client, version_id="v2", version_stage="blue") == "two"


@pytest.mark.parametrize(
    "fields",
    [
        {"secret_name": "none"},
        {"secret_name": "db", "version_id": "v9"},
        {"secret_name": "db", "version_stage": "ACSPrevious"},
        {"secret_name": "db", "version_stage": "blue"},
        {"secret_name": "db", "version_id": "v1", "version_stage": "blue"},
        {"secret_name": f"acs:kms:cn-hangzhou:{OTHER_ACCOUNT}:secret/db"},
    ],
    ids=json.dumps,
)
def test_what_does_not_exist_is_not_found(kms: KmsMock, client: Client, fields: dict[str, str]) -> None:
    """An unknown secret, version or stage answers 404 with the text that real clients match."""
    create(client)
    refuse(kms, client, errors.ACCESS_NOT_FOUND, "GetSecretValue", **fields)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("FetchExtendedConfig", {"fetch_extended_config": "perhaps"}),
        ("DryRun", {"dry_run": "perhaps"}),
        ("VersionId", {"version_id": "x" * 65}),
        ("VersionStage", {"version_stage": "x" * 65}),
    ],
)
def test_get_names_the_parameter_that_is_not_valid(
    kms: KmsMock, client: Client, name: str, fields: dict[str, Any]
) -> None:
    """An invalid parameter is named in the text; its table's text about AccessKeyId is for that one only."""
    create(client)
    refuse(
        kms,
        client,
        errors.INVALID_PARAMETER,
        "GetSecretValue",
        message=f"The specified parameter {name} is not valid.",
        secret_name="db",
        **fields,
    )


def test_a_blank_padded_access_key_id_has_its_own_text(kms: KmsMock) -> None:
    """The text seen by users of a blank-padded AccessKeyId (external-secrets#2619)."""
    kms.load({"secrets": [{"name": "db", "value": "one"}]})
    refuse(
        kms,
        kms.client(access_key_id="padded "),
        errors.INVALID_ACCESS_KEY_ID_PARAMETER,
        "GetSecretValue",
        message="The specified parameter AccessKeyId is not valid",
        secret_name="db",
    )


def test_a_generic_secret_has_no_extended_config(client: Client) -> None:
    """FetchExtendedConfig is ignored for generic secrets."""
    create(client)
    assert "ExtendedConfig" not in sdk(client, "GetSecretValue", secret_name="db", fetch_extended_config=True)


@pytest.mark.parametrize(
    ("fields", "version"),
    [
        ({}, "v2"),
        ({"version_stage": "ACSCurrent"}, "v2"),
        ({"version_stage": "ACSPrevious"}, "v1"),
        ({"version_stage": "blue"}, "v2"),
        ({"version_id": "old"}, "v2"),
        ({"version_id": "none"}, "v2"),
        ({"version_id": "old", "version_stage": "ACSPrevious"}, "v1"),
    ],
)
def test_of_a_managed_secret_only_current_and_previous_can_be_read(
    kms: KmsMock, client: Client, fields: dict[str, str], version: str
) -> None:
    """For managed types VersionId and other stages are ignored."""
    managed(kms)
    assert sdk(client, "GetSecretValue", secret_name="db", **fields)["VersionId"] == version


def test_the_extended_config_of_a_managed_secret_comes_on_request(kms: KmsMock, client: Client) -> None:
    """FetchExtendedConfig adds ExtendedConfig, with CustomData empty by default; AutomaticRotation is always there."""
    managed(kms)
    assert "ExtendedConfig" not in sdk(client, "GetSecretValue", secret_name="db")
    got = sdk(client, "GetSecretValue", secret_name="db", fetch_extended_config=True)
    assert json.loads(got["ExtendedConfig"]) == {**RDS, "CustomData": {}}
    assert got["AutomaticRotation"] == "Disabled"


def test_dry_run_says_what_would_have_happened(kms: KmsMock, client: Client) -> None:
    """With DryRun the call always fails: with DryRunOperationError when it would have worked, else with its own error."""
    create(client)
    refuse(kms, client, errors.DRY_RUN, "GetSecretValue", secret_name="db", dry_run="true")
    refuse(kms, client, errors.ACCESS_NOT_FOUND, "GetSecretValue", secret_name="none", dry_run="true")
    assert value(client, dry_run="false") == "one"


@pytest.mark.parametrize(
    ("key", "error"),
    [
        ({"state": "Disabled"}, errors.KEY_DISABLED),
        ({"state": "PendingDeletion", "deletion_date": "+7d"}, errors.KEY_PENDING_DELETION),
    ],
    ids=["disabled", "pending deletion"],
)
def test_a_key_that_cannot_be_used_keeps_the_value_shut(
    kms: KmsMock, client: Client, key: dict[str, str], error: errors.ErrorSpec
) -> None:
    """The value is read under the secret's key, whose state must allow it."""
    kms.load({"keys": [{"id": KEY_ID, **key}], "secrets": [{"name": "db", "value": "x", "encryption_key": KEY_ID}]})
    refuse(kms, client, error, "GetSecretValue", secret_name="db")


def test_a_key_that_was_deleted_keeps_the_value_shut_for_ever(kms: KmsMock, client: Client) -> None:
    """When the key is gone the answer is 404 Forbidden.KeyNotFound."""
    kms.load(
        {
            "keys": [{"id": KEY_ID, "state": "PendingDeletion", "deletion_date": "-1s"}],
            "secrets": [{"name": "db", "value": "x", "encryption_key": KEY_ID}],
        }
    )
    sdk(client, "ListSecrets")  # the key goes at the first request
    refuse(kms, client, errors.KEY_NOT_FOUND, "GetSecretValue", secret_name="db")


def test_the_instance_must_be_connected(kms: KmsMock, client: Client) -> None:
    """A secret in an instance cannot be read while the instance is in another state."""
    kms.load(in_instance("Disconnected"))
    refuse(kms, client, errors.INSTANCE_STATE_INVALID, "GetSecretValue", secret_name="vault")


def test_the_caller_needs_kms_decrypt_on_the_key(kms: KmsMock) -> None:
    """Who may read the secret but not decrypt with its key is refused in a text that names the key."""
    secret_arn = f"acs:kms:cn-hangzhou:{DEFAULT_ACCOUNT}:secret/db"
    key_arn = f"acs:kms:cn-hangzhou:{DEFAULT_ACCOUNT}:key/{KEY_ID}"
    kms.load({"keys": [{"id": KEY_ID}], "secrets": [{"name": "db", "value": "x", "encryption_key": KEY_ID}]})
    kms.load(ram_user(allow("kms:GetSecretValue", resource=secret_arn)))
    reads = allow("kms:GetSecretValue", resource=secret_arn)
    kms.load(ram_user(reads, allow("kms:Decrypt", resource=key_arn), key="both"))
    refuse(
        kms,
        kms.client(access_key_id="limited"),
        errors.NO_PERMISSION_FOR_KEY,
        "GetSecretValue",
        message=f"This operation for {KEY_ID} is forbidden by permission system",
        secret_name="db",
    )
    assert value(kms.client(access_key_id="both")) == "x"


def test_the_caller_needs_the_secret_too(kms: KmsMock) -> None:
    """Who may not read the secret at all is refused in the general text, which names the secret's ARN."""
    kms.load(ram_user(allow("kms:GetSecretValue", resource="acs:kms:*:*:secret/other")))
    kms.load({"secrets": [{"name": "db", "value": "x"}]})
    refuse(
        kms,
        kms.client(access_key_id="limited"),
        errors.NO_PERMISSION_ON,
        "GetSecretValue",
        message=f"This operation for acs:kms:cn-hangzhou:{DEFAULT_ACCOUNT}:secret/db is forbidden by permission system.",
        secret_name="db",
    )


def test_a_deny_wins(kms: KmsMock) -> None:
    """A Deny statement beats any Allow."""
    kms.load(ram_user(allow("kms:*"), {"Effect": "Deny", "Action": "kms:Get*", "Resource": "acs:kms:*:*:secret/db"}))
    kms.load({"secrets": [{"name": "db", "value": "x"}, {"name": "other", "value": "y"}]})
    limited = kms.client(access_key_id="limited")
    refuse(kms, limited, errors.NO_PERMISSION_ON, "GetSecretValue", secret_name="db")
    assert value(limited, "other") == "y"


# -- ListSecretVersionIds ---------------------------------------------------------------------------------------------


def version_ids(client: Client, **fields: Any) -> list[str]:
    """Return the version ids of a page."""
    listed = sdk(client, "ListSecretVersionIds", secret_name="db", **fields)
    return [one["VersionId"] for one in listed["VersionIds"]["VersionId"]]


def test_versions_without_a_stage_are_hidden_unless_asked_for(client: Client) -> None:
    """IncludeDeprecated=true shows all versions; the default shows those with a stage."""
    create(client)
    put(client, "v2", "two")
    put(client, "v3", "three")
    assert version_ids(client) == ["v2", "v3"]
    assert version_ids(client, include_deprecated="false") == ["v2", "v3"]
    assert version_ids(client, include_deprecated="true") == ["v1", "v2", "v3"]


def test_version_pages(client: Client) -> None:
    """The page size is 20 by default; pages count from 1 and give the whole number."""
    create(client)
    for number in range(2, 8):
        put(client, f"v{number}", str(number))
    listed = sdk(client, "ListSecretVersionIds", secret_name="db", include_deprecated="true")
    assert set(listed) == {"SecretName", "VersionIds", "PageNumber", "PageSize", "TotalCount", "RequestId"}
    assert (listed["SecretName"], listed["PageNumber"], listed["PageSize"], listed["TotalCount"]) == ("db", 1, 20, 7)
    assert version_ids(client, include_deprecated="true", page_size=3, page_number=3) == ["v7"]
    assert version_ids(client, include_deprecated="true", page_size=3, page_number=4) == []
    entry = listed["VersionIds"]["VersionId"][-1]
    assert entry == {
        "VersionId": "v7",
        "CreateTime": entry["CreateTime"],
        "VersionStages": {"VersionStage": ["ACSCurrent"]},
    }


def test_version_list_refusals(kms: KmsMock, client: Client) -> None:
    """Strange paging and flags are refused, an unknown secret is not found."""
    create(client)
    invalid = errors.SECRET_INVALID_PARAMETER
    for fields in ({"page_size": 0}, {"page_number": 0}, {"include_deprecated": "x"}):
        refuse(kms, client, invalid, "ListSecretVersionIds", secret_name="db", **fields)
    refuse(kms, client, errors.SECRET_NOT_FOUND, "ListSecretVersionIds", secret_name="none")


# -- what several share -----------------------------------------------------------------------------------------------


def test_unknown_access_keys_are_refused_before_anything_else(kms: KmsMock, client: Client) -> None:
    """With unknown AccessKeys refused a secret's existence is not disclosed."""
    kms.load(NO_SUCH_KEYS)
    refuse(kms, client, errors.INVALID_ACCESS_KEY_ID, "GetSecretValue", secret_name="none")


def test_either_policy_lets_in_who_is_of_the_secrets_account(kms: KmsMock, client: Client) -> None:
    """Within the account a secret's policy or RAM is enough (KMS, "Overview of secret policies")."""
    only = resource_policy("kms:GetSecretValue", principal=f"acs:ram::{DEFAULT_ACCOUNT}:user/reader")
    kms.load(in_instance(policy=only))
    kms.load(ram_user(allow("kms:Encrypt"), key="reader"))
    kms.load(ram_user(allow("kms:Encrypt"), key="other"))
    assert value(client, "vault") == "one"
    assert value(kms.client(access_key_id="reader"), "vault") == "one"
    refuse(kms, kms.client(access_key_id="other"), errors.NO_PERMISSION_ON, "GetSecretValue", secret_name="vault")


def test_a_deny_in_a_policy_of_a_secret_rules_its_own_account_too(kms: KmsMock, client: Client) -> None:
    """Whom a secret's policy denies is shut out, whatever RAM allows."""
    shut = resource_policy("kms:GetSecretValue", principal=f"acs:ram::{DEFAULT_ACCOUNT}:*", effect="Deny")
    kms.load(in_instance(policy=shut))
    refuse(kms, client, errors.NO_PERMISSION_ON, "GetSecretValue", secret_name="vault")


def test_a_key_policy_of_the_secrets_key_counts(kms: KmsMock, client: Client) -> None:
    """The key's own policy must not deny kms:Decrypt, either."""
    shut = resource_policy("kms:Decrypt", principal=f"acs:ram::{DEFAULT_ACCOUNT}:*", effect="Deny")
    secret = {"name": "db", "value": "x", "encryption_key": KEY_ID}
    kms.load({"keys": [{"id": KEY_ID, "policy": shut}], "secrets": [secret]})
    message = f"This operation for {KEY_ID} is forbidden by permission system"
    refuse(kms, client, errors.NO_PERMISSION_FOR_KEY, "GetSecretValue", message=message, secret_name="db")


def test_a_missing_key_of_another_secret_changes_nothing(kms: KmsMock, client: Client) -> None:
    """A secret that names no key is read with the service's own key, whatever happens to others."""
    create(client)
    fields = {"secret_name": "x", "version_id": "v1", "secret_data": "x", "encryption_key_id": UNKNOWN_KEY_ID}
    refuse(kms, client, errors.CREATE_SECRET_KEY_NOT_FOUND, "CreateSecret", **fields)
    assert value(client) == "one"
