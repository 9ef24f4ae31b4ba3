"""Secrets as such: create, describe, list, update, delete, restore, through the official SDK."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock, errors
from kms_mock.config import DEFAULT_ACCOUNT
from tests.secrets_support import (
    ISO,
    KEY_ID,
    NO_SUCH_KEYS,
    OTHER_ACCOUNT,
    RDS,
    RDS_VALUE,
    UNKNOWN_KEY_ID,
    UUID,
    allow,
    create,
    in_instance,
    put,
    ram_user,
    refuse,
    resource_policy,
    sdk,
    stages,
    value,
)

ARN = f"acs:kms:cn-hangzhou:{DEFAULT_ACCOUNT}:secret"


def moment(text: str) -> datetime:
    """Read a time of the API."""
    assert ISO.fullmatch(text)
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


# -- CreateSecret -----------------------------------------------------------------------------------------------------


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
        errors.INVALID_PARAMETER_UNNAMED,
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
    refuse(kms, client, errors.INVALID_PARAMETER_UNNAMED, "CreateSecret", **fields)


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
        errors.RESOURCE_NOT_FOUND_CREATE,
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
        ({"instance": "kst-1"}, errors.INVALID_PARAMETER_UNNAMED),
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
        errors.INVALID_PARAMETER_UNNAMED,
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
        errors.NO_PERMISSION_UNAUTHORIZED,
        "CreateSecret",
        message="You are not authorized to perform the operation.",
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
        refuse(kms, limited, errors.NO_PERMISSION_UNAUTHORIZED, "CreateSecret", **fields)


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
    refuse(kms, client, errors.RESOURCE_NOT_FOUND, "DescribeSecret", secret_name="none")
    create(client)
    refuse(kms, client, errors.INVALID_PARAMETER_UNNAMED, "DescribeSecret", secret_name="db", fetch_tags="yes, please")


# -- ListSecrets ------------------------------------------------------------------------------------------------------


def names(listed: dict[str, Any]) -> list[str]:
    """Give the names of a page."""
    return [one["SecretName"] for one in listed["SecretList"]["Secret"]]


def test_an_empty_region_lists_nothing(client: Client) -> None:
    """No secrets: an empty list, the total 0, and the default page 1 of size 10."""
    listed = sdk(client, "ListSecrets")
    assert UUID.fullmatch(listed.pop("RequestId"))
    assert listed == {"PageNumber": 1, "PageSize": 10, "TotalCount": 0, "SecretList": {"Secret": []}}


def test_pages_hold_what_they_say(kms: KmsMock, client: Client) -> None:
    """Pages count from 1, ten a page by default; every secret is on exactly one page; TotalCount is the whole number."""
    kms.load({"secrets": [{"name": f"s{number}", "value": "x"} for number in range(25)]})
    pages = [sdk(client, "ListSecrets", page_number=number) for number in (1, 2, 3, 4)]
    assert [len(names(page)) for page in pages] == [10, 10, 5, 0]
    assert [name for page in pages for name in names(page)] == [f"s{number}" for number in range(25)]
    assert {page["TotalCount"] for page in pages} == {25}
    whole = sdk(client, "ListSecrets", page_size=100)
    assert (whole["PageSize"], len(names(whole))) == (100, 25)


@pytest.mark.parametrize(
    "fields",
    [
        {"page_size": 0},
        {"page_size": 101},
        {"page_size": -1},
        {"page_number": 0},
        {"page_number": -1},
        {"fetch_tags": "maybe"},
        {"filters": "SecretName=db"},
        {"filters": '[{"Key": "Colour", "Values": ["red"]}]'},
        {"filters": json.dumps([{"Key": "SecretName", "Values": [str(n) for n in range(11)]}])},
        {"filters": json.dumps([{"Key": "SecretName", "Values": ["a"]}] * 11)},
        {"filters": '[{"Key":"SecretName","x":' + "[" * 20000},
    ],
    ids=lambda fields: json.dumps(fields)[:40],
)
def test_list_refuses_what_is_out_of_range(kms: KmsMock, client: Client, fields: dict[str, Any]) -> None:
    """PageSize is 1 to 100, PageNumber from 1, Filters at most ten keys with at most ten values each."""
    refuse(kms, client, errors.INVALID_PARAMETER_SECRET, "ListSecrets", **fields)


def filtered(client: Client, *filters: tuple[str, list[str]], **more: Any) -> list[str]:
    """List by filters."""
    text = json.dumps([{"Key": key, "Values": values} for key, values in filters])
    return names(sdk(client, "ListSecrets", filters=text, **more))


@pytest.fixture
def filled(kms: KmsMock) -> None:
    """Four secrets that differ in everything that a filter can ask for."""
    kms.load(
        {
            "instances": [{"id": "kst-1"}],
            "secrets": [
                {"name": "a", "value": "x", "description": "first", "tags": {"env": "test", "team": "one"}},
                {"name": "b", "value": "x", "description": "second", "tags": {"env": "prod"}, "instance": "kst-1"},
                {"name": "c", "value": RDS_VALUE, "type": "Rds", "extended_config": RDS},
                {"name": "d", "value": "x", "creator": "42", "tags": {"team": "two"}},
            ],
        }
    )


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([("SecretName", ["a"])], "a"),
        ([("SecretName", ["a", "c", "x"])], "ac"),
        ([("Description", ["second"])], "b"),
        ([("TagKey", ["env"])], "ab"),
        ([("TagKey", ["env", "team"])], "abd"),
        ([("TagValue", ["test", "two"])], "ad"),
        ([("DKMSInstanceId", ["kst-1"])], "b"),
        ([("SecretType", ["Rds"])], "c"),
        ([("SecretType", ["Generic"])], "abd"),
        ([("Creator", ["42"])], "d"),
        ([("Creator", [DEFAULT_ACCOUNT])], "abc"),
        ([("TagKey", ["team"]), ("SecretName", ["a", "b"])], "a"),
        ([("SecretName", ["a"]), ("SecretName", ["b"])], "ab"),
        ([("SecretName", ["none"])], ""),
        ([], "abcd"),
    ],
)
@pytest.mark.usefixtures("filled")
def test_filters(client: Client, filters: list[tuple[str, list[str]]], expected: str) -> None:
    """Values of one key are alternatives, keys restrict each other; a key given twice adds alternatives."""
    assert "".join(filtered(client, *filters)) == expected


@pytest.mark.usefixtures("filled")
def test_filtered_pages(client: Client) -> None:
    """Paging counts what the filter leaves."""
    text = json.dumps([{"Key": "SecretType", "Values": ["Generic"]}])
    listed = sdk(client, "ListSecrets", filters=text, page_size=2, page_number=2)
    assert names(listed) == ["d"]
    assert listed["TotalCount"] == 3


@pytest.mark.usefixtures("filled")
def test_a_summary_has_the_documented_fields(client: Client) -> None:
    """Each entry has name, type and times, with FetchTags its tags too, and never a value."""
    plain = sdk(client, "ListSecrets")["SecretList"]["Secret"][0]
    assert set(plain) == {"SecretName", "SecretType", "CreateTime", "UpdateTime", "OwingService"}
    tagged = sdk(client, "ListSecrets", fetch_tags="true")["SecretList"]["Secret"]
    assert tagged[1]["Tags"] == {"Tag": [{"TagKey": "env", "TagValue": "prod"}]}
    assert tagged[2]["Tags"] == {"Tag": []}


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
    """Give the SDK's object for `ExtendedConfig.CustomData`."""
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
    invalid = errors.INVALID_PARAMETER_SECRET
    refuse(kms, client, invalid, "UpdateSecret", secret_name="db", extended_config=custom({"a": "b"}))
    eleven = custom({str(number): "x" for number in range(11)})
    refuse(kms, client, invalid, "UpdateSecret", secret_name="rds", extended_config=eleven)
    refuse(kms, client, invalid, "UpdateSecret", secret_name="db", description="x" * 8193)
    refuse(kms, client, errors.RESOURCE_NOT_FOUND, "UpdateSecret", secret_name="none", description="x")
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
    """Its value reads as not found; DescribeSecret, ListSecrets and ListSecretVersionIds still show it (DESIGN 6)."""
    create(client)
    sdk(client, "DeleteSecret", secret_name="db")
    refuse(kms, client, errors.RESOURCE_NOT_FOUND, "GetSecretValue", message="Resource not found", secret_name="db")
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
    refuse(kms, client, errors.INVALID_PARAMETER_UNNAMED, "DeleteSecret", secret_name="db", **fields)


def test_a_forced_deletion_cannot_be_undone(kms: KmsMock, client: Client) -> None:
    """ForceDeleteWithoutRecovery removes the secret now: it is in no list and cannot be restored."""
    create(client)
    sdk(client, "DeleteSecret", secret_name="db", force_delete_without_recovery="true")
    assert sdk(client, "ListSecrets")["TotalCount"] == 0
    refuse(kms, client, errors.RESOURCE_NOT_FOUND, "RestoreSecret", secret_name="db")
    refuse(kms, client, errors.RESOURCE_NOT_FOUND, "DescribeSecret", secret_name="db")
    refuse(kms, client, errors.RESOURCE_NOT_FOUND, "DeleteSecret", secret_name="db")


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
_FORBIDDEN = {
    "DescribeSecret": errors.NO_PERMISSION_UNAUTHORIZED,
    "UpdateSecret": errors.NO_PERMISSION_PLAIN,
    "DeleteSecret": errors.NO_PERMISSION,  # not in its table
    "RestoreSecret": errors.NO_PERMISSION_PLAIN,
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
    refuse(kms, client, _FORBIDDEN[operation], operation, secret_name=f"{arn}/closed", **WHOLE[operation])
    mine = sdk(client, "DescribeSecret", secret_name="open")
    assert mine["Description"] == ""
    assert "PlannedDeleteTime" not in mine
    assert value(client, "open") == "mine"


@pytest.mark.parametrize("operation", ["UpdateSecret", "RestoreSecret", "ListSecrets", "ListSecretVersionIds"])
def test_a_ram_user_without_the_permission_is_refused(kms: KmsMock, operation: str) -> None:
    """RAM refuses with 403 in the text of these operations' tables."""
    kms.load(ram_user(allow("kms:DescribeSecret")))
    kms.load({"secrets": [{"name": "db", "value": "one"}]})
    fields = {} if operation == "ListSecrets" else {"secret_name": "db"}
    limited = kms.client(access_key_id="limited")
    refuse(kms, limited, errors.NO_PERMISSION_PLAIN, operation, **fields)


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
    row = errors.INVALID_PARAMETER_SECRET if secret else errors.INVALID_PARAMETER_UNNAMED
    refuse(kms, kms.client(access_key_id=" padded"), row, operation, secret_name="db", **WHOLE[operation])


def test_restore_refuses_an_overlong_name_as_not_found(kms: KmsMock, client: Client) -> None:
    """A name that no secret can have is simply not found."""
    refuse(kms, client, errors.RESOURCE_NOT_FOUND, "RestoreSecret", secret_name="x" * 1000)


def test_an_instance_secret_lives_in_its_fixture(kms: KmsMock, client: Client) -> None:
    """A fixture's secret in an instance reads like any other while the instance is connected."""
    kms.load(in_instance())
    assert value(client, "vault") == "one"
