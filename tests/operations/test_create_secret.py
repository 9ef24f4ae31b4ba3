"""CreateSecret, through the official SDK."""

from __future__ import annotations

import json

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.defaults import DEFAULT_ACCOUNT
from kms_mock.kms import errors
from tests.support.secrets import (
    KEY_ID,
    OTHER_ACCOUNT,
    UNKNOWN_KEY_ID,
    UUID,
    allow,
    create,
    put,
    ram_user,
    refuse,
    resource_policy,
    sdk,
    stages,
    value,
)

ARN = f"acs:kms:cn-hangzhou:{DEFAULT_ACCOUNT}:secret"


def test_a_created_secret_is_there_with_its_first_version_current(client: Client) -> None:
    """CreateSecret answers Arn, SecretName, VersionId and SecretType; the first version is marked ACSCurrent."""
    answer = create(client)
    assert UUID.fullmatch(answer.pop("RequestId"))
    assert answer == {"Arn": f"{ARN}/db", "SecretName": "db", "VersionId": "v1", "SecretType": "Generic"}
    assert stages(client) == {"v1": ["ACSCurrent"]}
    assert value(client) == "one"


@pytest.mark.parametrize("name", ["a", "x" * 192, "aZ09_/+=.@-", "/", "acs", "not/acs/x"])
def test_a_name_has_up_to_192_of_the_documented_characters(client: Client, name: str) -> None:
    """Letters, digits and _/+=.@- make a name, at most 192 of them."""
    assert create(client, name)["SecretName"] == name
    assert value(client, name) == "one"


@pytest.mark.parametrize("name", ["x" * 193, "a b", "a:b", "ö", "a\n", "a*", "acs/x", "acs/ecs/x", "$Auto", "a$Auto"])
def test_any_other_name_is_refused(kms: KmsMock, client: Client, name: str) -> None:
    """Other characters, the prefix acs/ and $Auto name no generic secret."""
    refuse(
        kms,
        client,
        errors.KMS_INVALID_PARAMETER,
        "CreateSecret",
        secret_name=name,
        version_id="v1",
        secret_data="one",
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"version_id": "x" * 65},
        {"secret_data": "x" * 30721},
        {"secret_data": "€" * 10241},
        {"secret_data_type": "blob"},
        {"secret_type": "generic"},
        {"secret_type": "Mysql"},
        {"description": "x" * 8193},
        {"tags": "key=value"},
        {"tags": '[{"TagValue": "v"}]'},
        {"tags": '[{"TagKey": "acs:k"}]'},
        {"tags": '[{"TagKey": "aliyunk"}]'},
        {"tags": json.dumps([{"TagKey": "x" * 129}])},
        {"tags": json.dumps([{"TagKey": "k", "TagValue": "x" * 129}])},
        {"tags": json.dumps([{"TagKey": "k", "TagValue": "a b"}])},
        {"tags": json.dumps([{"TagKey": "k"}, {"TagKey": "k"}])},
        {"tags": json.dumps([{"TagKey": f"k{number}"} for number in range(21)])},
        {"rotation_interval": "7"},
        {"policy": "{}", "dkmsinstance_id": "kst-1"},
        {"policy": "{" * 2000, "dkmsinstance_id": "kst-1"},
    ],
    ids=lambda fields: json.dumps(fields)[:40],
)
def test_an_invalid_parameter_refuses_the_whole_call(kms: KmsMock, client: Client, fields: dict[str, str]) -> None:
    """Every documented limit is checked before anything is created."""
    kms.load({"instances": [{"id": "kst-1"}]})
    fields = {"secret_name": "db", "version_id": "v1", "secret_data": "one", **fields}
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, "CreateSecret", **fields)


def test_a_generic_secret_ignores_what_belongs_to_managed_ones(client: Client) -> None:
    """For a generic secret ExtendedConfig and EnableAutomaticRotation are ignored, as documented."""
    answer = create(client, extended_config={"a": 1}, enable_automatic_rotation=True, rotation_interval="7d")
    assert not {"ExtendedConfig", "AutomaticRotation", "RotationInterval", "NextRotationDate"} & set(answer)
    described = sdk(client, "DescribeSecret", secret_name="db")
    assert not {"ExtendedConfig", "AutomaticRotation", "RotationInterval", "NextRotationDate"} & set(described)


def test_description_type_and_tags_are_kept(client: Client) -> None:
    """What CreateSecret is given shows in DescribeSecret and GetSecretValue; a tag value may be empty."""
    tags = [{"TagKey": "team/a\\b_-.+=:@", "TagValue": "x"}, {"TagKey": "env", "TagValue": ""}]
    create(client, description="where the data is", secret_data_type="binary", tags=json.dumps(tags))
    described = sdk(client, "DescribeSecret", secret_name="db", fetch_tags="true")
    assert described["Description"] == "where the data is"
    assert described["Tags"] == {"Tag": tags}
    assert sdk(client, "GetSecretValue", secret_name="db")["SecretDataType"] == "binary"


def test_a_name_is_unique_in_its_region(kms: KmsMock, client: Client) -> None:
    """A second secret of the same name is refused; in another region it is another secret."""
    create(client)
    fields = {"secret_name": "db", "version_id": "v1", "secret_data": "one"}
    refuse(kms, client, errors.SECRET_EXISTS, "CreateSecret", message="The resource already exists.", **fields)
    elsewhere = {"id": "cn-beijing", "secrets": [{"name": "db2", "value": "x"}]}
    kms.load({"accounts": [{"id": DEFAULT_ACCOUNT, "regions": [elsewhere]}]})
    assert create(client, "db2")["Arn"] == f"{ARN}/db2"


def test_a_name_in_its_recovery_window_is_taken(kms: KmsMock, client: Client) -> None:
    """The name of a secret that waits for deletion cannot be used again."""
    create(client)
    sdk(client, "DeleteSecret", secret_name="db")
    refuse(
        kms,
        client,
        errors.SECRET_NAME_IN_DELETE_WINDOW,
        "CreateSecret",
        message="The secret is planned to be deleted.",
        secret_name="db",
        version_id="v1",
        secret_data="one",
    )


def test_a_forced_deletion_frees_the_name_at_once(client: Client) -> None:
    """After a forced deletion a secret of the same name starts anew."""
    create(client)
    put(client, "v2", "two")
    sdk(client, "DeleteSecret", secret_name="db", force_delete_without_recovery="true")
    create(client, value="fresh")
    assert stages(client) == {"v1": ["ACSCurrent"]}
    assert value(client) == "fresh"


def test_the_quota_of_an_account_is_kept(kms: KmsMock, client: Client) -> None:
    """Beyond the account's quota the answer is Rejected.LimitExceeded, in the newest text."""
    kms.load({"accounts": [{"id": DEFAULT_ACCOUNT, "quotas": {"secrets": 1}}]})
    create(client)
    fields = {"secret_name": "db2", "version_id": "v1", "secret_data": "one"}
    refuse(kms, client, errors.LIMIT_EXCEEDED, "CreateSecret", **fields)


@pytest.mark.parametrize(
    ("owner", "error"),
    [(None, errors.LIMIT_EXCEEDED), (OTHER_ACCOUNT, errors.SHARE_QUOTA_EXCEEDED)],
    ids=["own", "shared"],
)
def test_the_quota_of_an_instance_is_kept(
    kms: KmsMock, client: Client, owner: str | None, error: errors.ErrorSpec
) -> None:
    """A full instance refuses: an own one with LimitExceeded, a shared one with ShareQuotaExceedLimit."""
    kms.load({"instances": [{"id": "kst-1", "max_secrets": 1, "owner": owner}]})
    create(client, dkmsinstance_id="kst-1")
    fields = {"secret_name": "db2", "version_id": "v1", "secret_data": "one", "dkmsinstance_id": "kst-1"}
    refuse(kms, client, error, "CreateSecret", **fields)


def test_a_secret_in_an_instance_says_so(kms: KmsMock, client: Client) -> None:
    """DKMSInstanceId shows in the answer and in DescribeSecret."""
    kms.load({"instances": [{"id": "kst-1"}]})
    assert create(client, dkmsinstance_id="kst-1")["DKMSInstanceId"] == "kst-1"
    assert sdk(client, "DescribeSecret", secret_name="db")["DKMSInstanceId"] == "kst-1"


def test_an_unknown_instance_is_refused(kms: KmsMock, client: Client) -> None:
    """An instance that does not exist answers 403 Forbidden.DKMSInstanceNotFound."""
    fields = {"secret_name": "db", "version_id": "v1", "secret_data": "one", "dkmsinstance_id": "kst-9"}
    refuse(kms, client, errors.INSTANCE_NOT_FOUND, "CreateSecret", **fields)


def test_an_instance_that_is_not_connected_is_refused(kms: KmsMock, client: Client) -> None:
    """An instance in another state than Connected cannot take a secret."""
    kms.load({"instances": [{"id": "kst-1", "status": "Error"}]})
    fields = {"secret_name": "db", "version_id": "v1", "secret_data": "one", "dkmsinstance_id": "kst-1"}
    refuse(kms, client, errors.INSTANCE_STATE_INVALID, "CreateSecret", **fields)


@pytest.mark.parametrize(
    "name", [KEY_ID, f"acs:kms:cn-hangzhou:{DEFAULT_ACCOUNT}:key/{KEY_ID}", "alias/app"], ids=["id", "arn", "alias"]
)
def test_a_key_protects_the_value(kms: KmsMock, client: Client, name: str) -> None:
    """EncryptionKeyId names a key of the same place; DescribeSecret gives its id."""
    kms.load({"keys": [{"id": KEY_ID, "aliases": ["alias/app"]}]})
    create(client, encryption_key_id=name)
    assert value(client) == "one"
    assert sdk(client, "DescribeSecret", secret_name="db")["EncryptionKeyId"] == KEY_ID


@pytest.mark.parametrize("name", [UNKNOWN_KEY_ID, "alias/none"])
def test_an_unknown_key_is_refused(kms: KmsMock, client: Client, name: str) -> None:
    """A key that does not exist answers the table's only 404, in the text of CreateSecret."""
    refuse(
        kms,
        client,
        errors.CREATE_SECRET_KEY_NOT_FOUND,
        "CreateSecret",
        message="The resource is not found.",
        secret_name="db",
        version_id="v1",
        secret_data="one",
        encryption_key_id=name,
    )


@pytest.mark.parametrize(
    ("key", "error"),
    [
        ({"spec": "RSA_2048"}, errors.UNSUPPORTED_OPERATION),
        ({"spec": "EC_P256"}, errors.UNSUPPORTED_OPERATION),
        ({"instance": "kst-1"}, errors.KMS_INVALID_PARAMETER),
        ({"state": "Disabled"}, errors.KEY_DISABLED),
        ({"state": "PendingDeletion", "deletion_date": "+7d"}, errors.KEY_PENDING_DELETION),
        ({"origin": "EXTERNAL"}, errors.KEY_PENDING_IMPORT),
    ],
    ids=lambda one: json.dumps(one) if isinstance(one, dict) else one.code,
)
def test_a_key_must_be_symmetric_near_and_usable(
    kms: KmsMock, client: Client, key: dict[str, str], error: errors.ErrorSpec
) -> None:
    """The key is symmetric, in the same instance as the secret, and its state allows its use."""
    kms.load({"instances": [{"id": "kst-1"}], "keys": [{"id": KEY_ID, **key}]})
    fields = {"secret_name": "db", "version_id": "v1", "secret_data": "one", "encryption_key_id": KEY_ID}
    refuse(kms, client, error, "CreateSecret", **fields)


def test_a_key_of_another_account_is_not_in_the_same_place(kms: KmsMock, client: Client) -> None:
    """Another account's key cannot protect a secret, whatever its policy allows; nothing is created in either."""
    policy = resource_policy("kms:*", principal="acs:ram::*:*")
    keys = [{"id": KEY_ID, "policy": policy}]
    kms.load({"accounts": [{"id": OTHER_ACCOUNT, "regions": [{"id": "cn-hangzhou", "keys": keys}]}]})
    refuse(
        kms,
        client,
        errors.KMS_INVALID_PARAMETER,
        "CreateSecret",
        secret_name="db",
        version_id="v1",
        secret_data="one",
        encryption_key_id=f"acs:kms:cn-hangzhou:{OTHER_ACCOUNT}:key/{KEY_ID}",
    )


def test_a_ram_user_needs_kms_createsecret(kms: KmsMock) -> None:
    """A RAM user without kms:CreateSecret for that name is refused."""
    kms.load(ram_user(allow("kms:CreateSecret", resource=f"{ARN}/mine/*")))
    limited = kms.client(access_key_id="limited")
    create(limited, "mine/db")
    refuse(
        kms,
        limited,
        errors.NO_PERMISSION_ON,
        "CreateSecret",
        message=f"This operation for {ARN}/db is forbidden by permission system.",
        secret_name="db",
        version_id="v1",
        secret_data="one",
    )


@pytest.mark.parametrize("action", ["kms:GenerateDataKey", "kms:CreateSecret"])
def test_a_ram_user_needs_kms_generatedatakey_on_the_key(kms: KmsMock, action: str) -> None:
    """To encrypt the value the caller needs kms:GenerateDataKey on the key, and nothing else on it."""
    key_arn = f"acs:kms:cn-hangzhou:{DEFAULT_ACCOUNT}:key/{KEY_ID}"
    user = ram_user(allow("kms:CreateSecret", resource=f"{ARN}/*"), allow(action, resource=key_arn))
    kms.load({"keys": [{"id": KEY_ID}], **user})
    limited = kms.client(access_key_id="limited")
    fields = {"secret_name": "db", "version_id": "v1", "secret_data": "one", "encryption_key_id": KEY_ID}
    if action == "kms:GenerateDataKey":
        assert sdk(limited, "CreateSecret", **fields)["SecretName"] == "db"
    else:
        refuse(kms, limited, errors.NO_PERMISSION_ON, "CreateSecret", **fields)
