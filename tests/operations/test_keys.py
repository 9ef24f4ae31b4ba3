"""Keys as such, through the official SDK."""

from __future__ import annotations

import json
import re
import time
from functools import partial
from typing import Any

import pytest
from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client
from Tea.exceptions import TeaException

from kms_mock import KmsMock, errors
from kms_mock.crypto.specs import KEY_SPECS
from tests.key_support import (
    INSTANCES,
    advance,
    cancel,
    create_key,
    describe,
    disable,
    enable,
    key_ids,
    schedule,
)
from tests.support import refused

ACCOUNT = "1234567890123456"
POLICY = {
    "Version": "1",
    "Statement": [
        {"Effect": "Allow", "Principal": {"RAM": [f"acs:ram::{ACCOUNT}:*"]}, "Action": ["kms:*"], "Resource": ["*"]}
    ],
}


def with_instances(kms: KmsMock, **document: Any) -> None:
    kms.load({"instances": INSTANCES, **document})


def limited_user(kms: KmsMock, action: str) -> Client:
    """A client whose RAM policy allows everything but one action."""
    statements = [
        {"Effect": "Allow", "Action": "kms:*", "Resource": "*"},
        {"Effect": "Deny", "Action": action, "Resource": "*"},
    ]
    user = {"id": "LTAIlimited", "user": "dev", "policy": {"Version": "1", "Statement": statements}}
    kms.load({"accounts": [{"id": ACCOUNT, "access_keys": [user]}]})
    return kms.client(access_key_id="LTAIlimited")


# -- CreateKey --------------------------------------------------------------------------------------------------------


def test_a_key_without_parameters_is_an_enabled_aes_key(client: Client) -> None:
    """CreateKey's defaults: Aliyun_AES_256, ENCRYPT/DECRYPT, Aliyun_KMS, SOFTWARE, no rotation, one version (api-docs)."""
    key = create_key(client)
    assert (key.key_spec, key.key_usage, key.origin, key.protection_level, key.key_state) == (
        "Aliyun_AES_256",
        "ENCRYPT/DECRYPT",
        "Aliyun_KMS",
        "SOFTWARE",
        "Enabled",
    )
    assert (key.automatic_rotation, key.rotation_interval, key.next_rotation_date) == ("Disabled", None, None)
    assert (key.description, key.material_expire_time, key.delete_date, key.dkmsinstance_id) == ("", "", None, None)
    assert key.creator == ACCOUNT
    assert key.arn == f"acs:kms:cn-hangzhou:{ACCOUNT}:key/{key.key_id}"
    uuid = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    assert re.fullmatch(uuid, key.key_id)
    assert re.fullmatch(uuid, key.primary_key_version)
    assert key.creation_date == key.last_rotation_date
    made = time.mktime(time.strptime(key.creation_date, "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
    assert abs(made - time.time()) < 60  # noqa: TID251 (the test's own clock judges the server's)


@pytest.mark.parametrize("spec", KEY_SPECS.values(), ids=lambda spec: spec.name)
def test_every_spec_makes_a_key_of_its_default_usage(client: Client, spec: Any) -> None:
    """Each KeySpec works; the default usage is SIGN/VERIFY if it can sign; DescribeKey says what CreateKey said."""
    made = create_key(client, key_spec=spec.name)
    assert (made.key_spec, made.key_usage) == (spec.name, spec.usages[0])
    found = describe(client, made.key_id).to_map()
    assert found.pop("DeletionProtection") == "Disabled"
    assert found == made.to_map()


@pytest.mark.parametrize("spec", ["RSA_2048", "EC_P256", "EC_SM2"])
def test_a_key_pair_has_no_primary_version(client: Client, spec: str) -> None:
    """PrimaryKeyVersion is for symmetric keys only (DescribeKey's documents of 2021 and 2025)."""
    key = create_key(client, key_spec=spec)
    assert key.primary_key_version is None
    assert len(client.list_key_versions(models.ListKeyVersionsRequest(key_id=key.key_id)).body.key_versions.key_version)


@pytest.mark.parametrize(
    ("spec", "usage"),
    [(spec.name, usage) for spec in KEY_SPECS.values() for usage in spec.usages],
)
def test_each_usage_of_a_spec_can_be_asked_for(client: Client, spec: str, usage: str) -> None:
    """KeyUsage is taken where the spec has it (behaviour.md 2)."""
    assert create_key(client, key_spec=spec, key_usage=usage).key_usage == usage


@pytest.mark.parametrize(
    ("spec", "usage"),
    [
        ("Aliyun_AES_256", "SIGN/VERIFY"),
        ("Aliyun_SM4", "SIGN/VERIFY"),
        ("EC_P256", "ENCRYPT/DECRYPT"),
        ("EC_P256K", "ENCRYPT/DECRYPT"),
        ("HMAC_SM3", "ENCRYPT/DECRYPT"),
        ("RSA_2048", "GENERATE/VERIFY_MAC"),
    ],
)
def test_a_usage_that_the_spec_does_not_have_is_refused(kms: KmsMock, client: Client, spec: str, usage: str) -> None:
    """A spec and a usage that do not go together are UnsupportedOperation, and no key comes of it."""
    request = models.CreateKeyRequest(key_spec=spec, key_usage=usage)
    refused(kms, errors.UNSUPPORTED_OPERATION, client.create_key, request)
    assert key_ids(client) == []


@pytest.mark.parametrize(
    "parameters",
    [
        {"key_spec": "AES_256"},
        {"key_usage": "encrypt/decrypt"},
        {"origin": "External"},
        {"protection_level": "hsm"},
        {"description": "x" * 8193},
        {"tags": '[{"TagKey":"acs:x","TagValue":"1"}]'},
        {"tags": "no JSON"},
        {"tags": json.dumps([{"TagKey": f"k{number}", "TagValue": ""} for number in range(21)])},
        {"enable_automatic_rotation": True},
        {"enable_automatic_rotation": True, "rotation_interval": "6d"},
        {"enable_automatic_rotation": True, "rotation_interval": "731d"},
        {"rotation_interval": "7 days"},
        {"key_storage_mechanism": "Disk"},
    ],
    ids=str,
)
def test_a_wrong_parameter_is_refused(kms: KmsMock, client: Client, parameters: dict[str, Any]) -> None:
    """CreateKey refuses values outside its documented sets and ranges, case included, with its own text."""
    refused(kms, errors.INVALID_PARAMETER_UNNAMED, client.create_key, models.CreateKeyRequest(**parameters))


def test_a_description_has_up_to_8192_characters(client: Client) -> None:
    """The longest description is taken and given back whole."""
    key = create_key(client, description="é" * 8192)
    assert describe(client, key.key_id).description == "é" * 8192


def test_tags_of_a_new_key_are_listed(client: Client) -> None:
    """Tags given to CreateKey are those that ListResourceTags shows."""
    key = create_key(client, tags='[{"TagKey":"team","TagValue":"a"},{"TagKey":"env","TagValue":""}]')
    tags = client.list_resource_tags(models.ListResourceTagsRequest(key_id=key.key_id)).body.tags.tag
    assert [(tag.key_id, tag.tag_key, tag.tag_value) for tag in tags] == [
        (key.key_id, "team", "a"),
        (key.key_id, "env", ""),
    ]


def test_protection_level_is_taken_outside_instances(client: Client) -> None:
    """ProtectionLevel HSM is given back by DescribeKey."""
    assert describe(client, create_key(client, protection_level="HSM").key_id).protection_level == "HSM"


@pytest.mark.parametrize("interval", ["7d", "168h", "604800s", "10080m"])
def test_rotation_from_birth(client: Client, interval: str) -> None:
    """RotationInterval comes back in seconds; the next rotation is that long after the first version."""
    key = create_key(client, enable_automatic_rotation=True, rotation_interval=interval)
    assert (key.automatic_rotation, key.rotation_interval) == ("Enabled", "604800s")
    format_ = "%Y-%m-%dT%H:%M:%SZ"
    dates = [time.mktime(time.strptime(date, format_)) for date in (key.creation_date, key.next_rotation_date)]
    assert dates[1] - dates[0] == 604800


@pytest.mark.parametrize("parameters", [{"key_spec": "RSA_2048"}, {"key_spec": "HMAC_SM3"}, {"origin": "EXTERNAL"}])
def test_rotation_has_no_effect_where_it_is_not_supported(client: Client, parameters: dict[str, Any]) -> None:
    """EnableAutomaticRotation is only valid where rotation is supported (api-docs CreateKey): elsewhere it is off."""
    key = create_key(client, enable_automatic_rotation=True, rotation_interval="30d", **parameters)
    assert (key.automatic_rotation, key.rotation_interval) == ("Disabled", None)


def test_an_external_key_waits_for_its_material(client: Client) -> None:
    """Origin EXTERNAL makes a key in the state PendingImport."""
    key = create_key(client, origin="EXTERNAL")
    assert (key.origin, key.key_state) == ("EXTERNAL", "PendingImport")


@pytest.mark.parametrize("spec", ["RSA_2048", "EC_P256", "EC_SM2"])
def test_material_of_key_pairs_cannot_be_external(kms: KmsMock, client: Client, spec: str) -> None:
    """A key pair with Origin EXTERNAL is refused (the documents of 2021)."""
    request = models.CreateKeyRequest(origin="EXTERNAL", key_spec=spec)
    refused(kms, errors.UNSUPPORTED_OPERATION, client.create_key, request)


def test_the_instance_decides_the_protection_level(kms: KmsMock, client: Client) -> None:
    """In an instance ProtectionLevel is ignored: its kind decides (api-docs CreateKey)."""
    with_instances(kms)
    soft = create_key(client, dkmsinstance_id="kst-soft", protection_level="HSM")
    hard = create_key(client, dkmsinstance_id="kst-hard", protection_level="SOFTWARE")
    assert (soft.protection_level, soft.dkmsinstance_id) == ("SOFTWARE", "kst-soft")
    assert (hard.protection_level, hard.dkmsinstance_id) == ("HSM", "kst-hard")
    assert describe(client, hard.key_id).dkmsinstance_id == "kst-hard"


@pytest.mark.parametrize(
    ("mechanism", "rotation"), [(None, "Disabled"), ("HsmInternal", "Disabled"), ("HsmEncryptedDatabase", "Enabled")]
)
def test_a_hardware_key_rotates_only_outside_the_hsm(
    kms: KmsMock, client: Client, mechanism: str | None, rotation: str
) -> None:
    """KeyStorageMechanism HsmEncryptedDatabase supports rotation, HsmInternal (the default) does not (SDK)."""
    with_instances(kms)
    key = create_key(
        client,
        dkmsinstance_id="kst-hard",
        key_storage_mechanism=mechanism,
        enable_automatic_rotation=True,
        rotation_interval="30d",
    )
    assert key.automatic_rotation == rotation


def test_a_software_instance_imports_no_material(kms: KmsMock, client: Client) -> None:
    """Origin EXTERNAL is for default keys and hardware instances (help page of CreateKey, 2024)."""
    with_instances(kms)
    request = models.CreateKeyRequest(origin="EXTERNAL", dkmsinstance_id="kst-soft")
    refused(kms, errors.UNSUPPORTED_OPERATION, client.create_key, request)
    assert create_key(client, origin="EXTERNAL", dkmsinstance_id="kst-hard").key_state == "PendingImport"


def test_an_instance_must_exist_and_be_connected(kms: KmsMock, client: Client) -> None:
    """DKMSInstanceId of no instance is 403 DKMSInstanceNotFound, of one that is not Connected DKMSInstanceStateInvalid."""
    with_instances(kms)
    request = models.CreateKeyRequest(dkmsinstance_id="kst-none")
    refused(kms, errors.INSTANCE_NOT_FOUND, client.create_key, request)
    request = models.CreateKeyRequest(dkmsinstance_id="kst-down")
    refused(kms, errors.INSTANCE_STATE_INVALID, client.create_key, request)


def test_the_quota_of_keys_is_200(kms: KmsMock, client: Client) -> None:
    """The 201st key of an account in a region is refused; one key less makes room again (behaviour.md 14)."""
    kms.load({"keys": [{"id": f"key-{number}"} for number in range(199)]})
    key = create_key(client)
    request = models.CreateKeyRequest()
    refused(kms, errors.LIMIT_EXCEEDED, client.create_key, request)
    schedule(client, key.key_id)
    advance(kms, "8d")
    create_key(client)


def test_the_quota_of_key_versions(kms: KmsMock, client: Client) -> None:
    """A key needs room for its first version too."""
    kms.load({"accounts": [{"id": ACCOUNT, "quotas": {"key_versions": 1}}]})
    create_key(client)
    refused(kms, errors.LIMIT_EXCEEDED, client.create_key, models.CreateKeyRequest())


def test_the_quota_of_an_instance(kms: KmsMock, client: Client) -> None:
    """A full instance is Rejected.LimitExceeded, a full one that another account shares Rejected.ShareQuotaExceedLimit."""
    kms.load(
        {
            "instances": [
                {"id": "kst-mine", "max_keys": 1},
                {"id": "kst-shared", "max_keys": 0, "owner": "9999999999999999"},
            ]
        }
    )
    create_key(client, dkmsinstance_id="kst-mine")
    request = models.CreateKeyRequest(dkmsinstance_id="kst-mine")
    refused(kms, errors.LIMIT_EXCEEDED, client.create_key, request)
    request = models.CreateKeyRequest(dkmsinstance_id="kst-shared")
    refused(kms, errors.SHARE_QUOTA_EXCEEDED, client.create_key, request)
    create_key(client)  # the account's own quota is another one


def test_permission_to_create_keys_is_asked_for(kms: KmsMock) -> None:
    """A RAM policy that denies kms:CreateKey is answered 400 Forbidden.NoPermission (CreateKey's own table)."""
    user = limited_user(kms, "kms:CreateKey")
    refused(kms, errors.NO_PERMISSION_400, user.create_key, models.CreateKeyRequest())
    assert key_ids(user) == []


def test_a_policy_from_birth(kms: KmsMock, client: Client) -> None:
    """Policy is taken for a key in an instance, and refused as unsupported or not valid otherwise."""
    with_instances(kms)
    text = json.dumps(POLICY)
    key = create_key(client, dkmsinstance_id="kst-soft", policy=text)
    found = client.get_key_policy(models.GetKeyPolicyRequest(key_id=key.key_id)).body.policy
    assert json.loads(found) == POLICY
    refused(kms, errors.POLICY_UNSUPPORTED, client.create_key, models.CreateKeyRequest(policy=text))
    request = models.CreateKeyRequest(policy="{}", dkmsinstance_id="kst-soft")
    refused(kms, errors.INVALID_PARAMETER_UNNAMED, client.create_key, request)


# -- DescribeKey, ListKeys --------------------------------------------------------------------------------------------


def test_a_key_is_described_by_id_arn_and_alias(client: Client) -> None:
    """DescribeKey takes a key's id, its ARN and any of its aliases, and always answers with the id."""
    key = create_key(client)
    client.create_alias(models.CreateAliasRequest(key_id=key.key_id, alias_name="alias/x"))
    for name in (key.key_id, key.arn, "alias/x", f"acs:kms:cn-hangzhou:{ACCOUNT}:alias/x"):
        assert describe(client, name).key_id == key.key_id


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("5c438b18-05be-40ad-b6c2-3be6752c0000", errors.KEY_NOT_FOUND),
        ("acs:kms:cn-hangzhou:1234567890123456:key/none", errors.KEY_NOT_FOUND),
        ("acs:kms:cn-beijing:1234567890123456:key/none", errors.KEY_NOT_FOUND),
        ("alias/none", errors.ALIAS_NOT_FOUND),
        ("x" * 513, errors.INVALID_PARAMETER_UNNAMED),
    ],
)
def test_what_is_not_there_is_not_described(kms: KmsMock, client: Client, name: str, spec: errors.ErrorSpec) -> None:
    """An unknown key is 404 Forbidden.KeyNotFound, an unknown alias 404 Forbidden.AliasNotFound."""
    refused(kms, spec, client.describe_key, models.DescribeKeyRequest(key_id=name))


@pytest.fixture
def zoo(kms: KmsMock, client: Client) -> Client:
    """Keys that differ in everything that a filter can ask for."""
    with_instances(
        kms,
        keys=[
            {"id": "plain", "aliases": ["alias/a", "alias/b"], "tags": {"team": "x"}},
            {"id": "sm4", "spec": "Aliyun_SM4", "state": "Disabled", "tags": {"team": "y", "x": "team"}},
            {"id": "signer", "spec": "EC_P256", "protection_level": "HSM", "creator": "42"},
            {"id": "going", "state": "PendingDeletion", "deletion_date": "+9d", "instance": "kst-soft"},
            {"id": "coming", "origin": "EXTERNAL", "service": "ecs"},
        ],
    )
    return client


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ([], "plain sm4 signer going coming"),
        ([("KeyState", ["Enabled", "Disabled"])], "plain sm4 signer"),
        ([("KeyState", ["PendingDeletion"])], "going"),
        ([("KeyState", ["PendingImport"])], "coming"),
        ([("KeySpec", ["Aliyun_SM4", "EC_P256"])], "sm4 signer"),
        ([("KeyUsage", ["SIGN/VERIFY"])], "signer"),
        ([("ProtectionLevel", ["HSM"])], "signer"),
        ([("ProtectionLevel", ["SOFTWARE"])], "plain sm4 going coming"),
        ([("CreatorType", ["Service"])], "coming"),
        ([("CreatorType", ["User"])], "plain sm4 signer going"),
        ([("DKMSInstanceId", ["kst-soft"])], "going"),
        ([("keyId", ["sm4", "none"])], "sm4"),
        ([("AliasName", ["alias/b"])], "plain"),
        ([("Creator", ["42"])], "signer"),
        ([("TagKey", ["team"])], "plain sm4"),
        ([("TagValue", ["y"])], "sm4"),
        ([("KeyState", ["Enabled"]), ("KeySpec", ["EC_P256"])], "signer"),
        ([("KeyState", ["Enabled"]), ("KeyState", ["Disabled"]), ("TagKey", ["team"])], "plain sm4"),
        ([("KeyState", ["Gone"])], ""),
        ([("KeyState", [])], ""),
    ],
    ids=str,
)
def test_filters(zoo: Client, filters: list[tuple[str, list[str]]], found: str) -> None:
    """Each filter key matches whole values; AND between keys, OR within one, also when it is given twice."""
    text = json.dumps([{"Key": key, "Values": values} for key, values in filters])
    body = zoo.list_keys(models.ListKeysRequest(filters=text)).body
    assert [key.key_id for key in body.keys.key] == found.split()
    assert body.total_count == len(found.split())


@pytest.mark.parametrize(
    "filters",
    [
        "KeyState",
        '{"Key":"KeyState"}',
        '[{"Key":"Colour","Values":["red"]}]',
        json.dumps([{"Key": "KeyState", "Values": ["Enabled"]}] * 11),
        json.dumps([{"Key": "KeyState", "Values": ["Enabled"] * 11}]),
    ],
)
def test_filters_that_are_none(kms: KmsMock, zoo: Client, filters: str) -> None:
    """Filters are a JSON list of at most ten known keys with at most ten values each."""
    request = models.ListKeysRequest(filters=filters)
    refused(
        kms, errors.INVALID_PARAMETER, zoo.list_keys, request, message="The specified parameter Filters is not valid."
    )


def test_pages_of_keys(kms: KmsMock, client: Client) -> None:
    """Pages count from 1, default to ten keys, echo their numbers and count all keys, in order of creation."""
    kms.load({"keys": [{"id": f"key-{number:02}"} for number in range(23)]})
    everything = [f"key-{number:02}" for number in range(23)]
    body = client.list_keys(models.ListKeysRequest()).body
    assert (body.page_number, body.page_size, body.total_count) == (1, 10, 23)
    assert [key.key_id for key in body.keys.key] == everything[:10]
    assert key_ids(client, page_number=3) == everything[20:]
    assert key_ids(client, page_number=4) == []
    assert key_ids(client, page_number=2, page_size=20) == everything[20:]
    assert body.keys.key[0].key_arn == f"acs:kms:cn-hangzhou:{ACCOUNT}:key/key-00"


@pytest.mark.parametrize(("name", "value"), [("page_number", 0), ("page_size", 0), ("page_size", 101)])
def test_pages_out_of_range(kms: KmsMock, client: Client, name: str, value: int) -> None:
    """ListKeys has pages of 1 to 100 keys."""
    wire = {"page_number": "PageNumber", "page_size": "PageSize"}[name]
    refused(
        kms,
        errors.INVALID_PARAMETER,
        client.list_keys,
        models.ListKeysRequest(**{name: value}),
        message=f"The specified parameter {wire} is not valid.",
    )


def test_keys_of_another_region_and_account_are_not_listed(kms: KmsMock, client: Client) -> None:
    """Each account has its own keys in each region."""
    kms.load(
        {
            "accounts": [
                {"id": ACCOUNT, "regions": [{"id": "cn-beijing", "keys": [{"id": "north"}]}]},
                {"id": "42", "regions": [{"id": "cn-hangzhou", "keys": [{"id": "theirs"}]}]},
            ]
        }
    )
    assert key_ids(client) == []
    with pytest.raises(TeaException, match="not found"):
        describe(client, "north")


# -- description, states, deletion ------------------------------------------------------------------------------------


def test_the_description_is_replaced_and_removed(client: Client) -> None:
    """UpdateKeyDescription sets a new description; an empty one removes it."""
    key = create_key(client, description="one")
    for text in ("two", ""):
        client.update_key_description(models.UpdateKeyDescriptionRequest(key_id=key.key_id, description=text))
        assert describe(client, key.key_id).description == text


ID_ONLY = {
    "UpdateKeyDescription": lambda client, key_id: client.update_key_description(
        models.UpdateKeyDescriptionRequest(key_id=key_id, description="")
    ),
    "EnableKey": enable,
    "DisableKey": disable,
    "ScheduleKeyDeletion": schedule,
    "CancelKeyDeletion": cancel,
    "SetDeletionProtection": lambda client, key_id: client.set_deletion_protection(
        models.SetDeletionProtectionRequest(key_id=key_id, enable_deletion_protection=True)
    ),
    "UpdateRotationPolicy": lambda client, key_id: client.update_rotation_policy(
        models.UpdateRotationPolicyRequest(key_id=key_id, enable_automatic_rotation=False)
    ),
    "GetKeyPolicy": lambda client, key_id: client.get_key_policy(models.GetKeyPolicyRequest(key_id=key_id)),
    "SetKeyPolicy": lambda client, key_id: client.set_key_policy(
        models.SetKeyPolicyRequest(key_id=key_id, policy=json.dumps(POLICY))
    ),
    "GetParametersForImport": lambda client, key_id: client.get_parameters_for_import(
        models.GetParametersForImportRequest(
            key_id=key_id, wrapping_algorithm="RSAES_PKCS1_V1_5", wrapping_key_spec="RSA_2048"
        )
    ),
    "ImportKeyMaterial": lambda client, key_id: client.import_key_material(
        models.ImportKeyMaterialRequest(
            key_id=key_id, encrypted_key_material="AAAA", import_token="AAAA", key_material_expire_unix=0
        )
    ),
    "DeleteKeyMaterial": lambda client, key_id: client.delete_key_material(
        models.DeleteKeyMaterialRequest(key_id=key_id)
    ),
    "CreateAlias": lambda client, key_id: client.create_alias(
        models.CreateAliasRequest(key_id=key_id, alias_name="alias/y")
    ),
    "UpdateAlias": lambda client, key_id: client.update_alias(
        models.UpdateAliasRequest(key_id=key_id, alias_name="alias/x")
    ),
    "ListAliasesByKeyId": lambda client, key_id: client.list_aliases_by_key_id(
        models.ListAliasesByKeyIdRequest(key_id=key_id)
    ),
}


@pytest.mark.parametrize("operation", ID_ONLY)
def test_operations_that_take_no_alias(kms: KmsMock, client: Client, operation: str) -> None:
    """Where only an id is documented, an alias is 400 Unsupported.Alias, and an unknown id 404 KeyNotFound."""
    kms.load({"keys": [{"id": "key", "aliases": ["alias/x"]}]})
    call = ID_ONLY[operation]
    refused(kms, errors.UNSUPPORTED_ALIAS, call, client, "alias/x")
    refused(kms, errors.UNSUPPORTED_ALIAS, call, client, f"acs:kms:cn-hangzhou:{ACCOUNT}:alias/x")
    refused(kms, errors.KEY_NOT_FOUND, call, client, "none")


def test_disable_and_enable(client: Client) -> None:
    """DisableKey and EnableKey switch the state; doing so twice is fine."""
    key = create_key(client)
    for call, state in ((disable, "Disabled"), (disable, "Disabled"), (enable, "Enabled"), (enable, "Enabled")):
        call(client, key.key_id)
        assert describe(client, key.key_id).key_state == state


@pytest.mark.parametrize("days", [7, 366])
def test_deletion_happens_when_due_and_takes_aliases_along(kms: KmsMock, client: Client, days: int) -> None:
    """A scheduled key has its DeleteDate, is PendingDeletion until then, and is gone with its aliases after."""
    key = create_key(client)
    other = create_key(client)
    client.create_alias(models.CreateAliasRequest(key_id=key.key_id, alias_name="alias/gone"))
    client.create_alias(models.CreateAliasRequest(key_id=other.key_id, alias_name="alias/stays"))
    schedule(client, key.key_id, days)
    found = describe(client, key.key_id)
    assert found.key_state == "PendingDeletion"
    advance(kms, f"{days - 1}d")
    assert describe(client, key.key_id).delete_date == found.delete_date
    events = advance(kms, "25h")
    assert [(event.kind, event.resource) for event in events] == [("key deleted", key.arn)]
    refused(kms, errors.KEY_NOT_FOUND, describe, client, key.key_id)
    aliases = client.list_aliases(models.ListAliasesRequest()).body.aliases.alias
    assert [alias.alias_name for alias in aliases] == ["alias/stays"]
    client.create_alias(models.CreateAliasRequest(key_id=other.key_id, alias_name="alias/gone"))


@pytest.mark.parametrize("days", [6, 367])
def test_the_window_of_deletion(kms: KmsMock, client: Client, days: int) -> None:
    """PendingWindowInDays is 7 to 366 (api-docs ScheduleKeyDeletion)."""
    key = create_key(client)
    refused(kms, errors.INVALID_PARAMETER_UNNAMED, schedule, client, key.key_id, days)


@pytest.mark.parametrize("before", ["Enabled", "Disabled"])
def test_a_cancelled_deletion_leaves_an_enabled_key(kms: KmsMock, client: Client, before: str) -> None:
    """CancelKeyDeletion makes the key Enabled, whatever it was, and it is not deleted any more (DESIGN 6)."""
    key = create_key(client)
    if before == "Disabled":
        disable(client, key.key_id)
    schedule(client, key.key_id)
    cancel(client, key.key_id)
    found = describe(client, key.key_id)
    assert (found.key_state, found.delete_date) == ("Enabled", None)
    advance(kms, "400d")
    assert describe(client, key.key_id).key_state == "Enabled"


def test_a_cancelled_deletion_of_a_key_without_material(client: Client) -> None:
    """A key that still waits for its material cannot become Enabled: it is PendingImport again."""
    key = create_key(client, origin="EXTERNAL")
    schedule(client, key.key_id)
    cancel(client, key.key_id)
    assert describe(client, key.key_id).key_state == "PendingImport"


# -- deletion protection ----------------------------------------------------------------------------------------------


def protect(client: Client, enable_: bool = True, **parameters: Any) -> None:
    client.set_deletion_protection(
        models.SetDeletionProtectionRequest(enable_deletion_protection=enable_, **parameters)
    )


@pytest.mark.parametrize("by", ["key_id", "protected_resource_arn"])
def test_a_protected_key_cannot_be_scheduled(kms: KmsMock, client: Client, by: str) -> None:
    """Deletion protection by id or ARN refuses ScheduleKeyDeletion until it is taken away again."""
    key = create_key(client)
    name = {by: key.key_id if by == "key_id" else key.arn}
    protect(client, deletion_protection_description="in use", **name)
    found = describe(client, key.key_id)
    assert (found.deletion_protection, found.deletion_protection_description) == ("Enabled", "in use")
    refused(kms, errors.DELETION_PROTECTED, schedule, client, key.key_id)
    protect(client, enable_=False, **name)
    found = describe(client, key.key_id)
    assert (found.deletion_protection, found.deletion_protection_description) == ("Disabled", None)
    schedule(client, key.key_id)
    refused(kms, errors.KEY_PENDING_DELETION, partial(protect, client, **name))


def test_what_is_protected_must_be_named_once(kms: KmsMock, client: Client) -> None:
    """Exactly one of ProtectedResourceArn, KeyId and KmsInstanceId names the resource."""
    with_instances(kms)
    key = create_key(client)
    message = "The parameter  ProtectedResourceArn  needed but no provided."
    request = models.SetDeletionProtectionRequest(enable_deletion_protection=True)
    refused(kms, errors.MISSING_PARAMETER, client.set_deletion_protection, request, message=message)
    request = models.SetDeletionProtectionRequest(
        enable_deletion_protection=True, key_id=key.key_id, kms_instance_id="kst-soft"
    )
    message = "The specified parameter ProtectedResourceArn is not valid."
    refused(kms, errors.INVALID_PARAMETER, client.set_deletion_protection, request, message=message)


@pytest.mark.parametrize(
    "name",
    [
        {"kms_instance_id": "kst-soft"},
        {"protected_resource_arn": f"acs:kms:cn-hangzhou:{ACCOUNT}:keystore/kst-soft"},
    ],
    ids=str,
)
def test_an_instance_is_protected(kms: KmsMock, client: Client, name: dict[str, Any]) -> None:
    """SetDeletionProtection protects KMS instances too: GetKmsInstance says so."""
    with_instances(kms)

    def protection() -> tuple[bool, str | None]:
        request = models.GetKmsInstanceRequest(kms_instance_id="kst-soft")
        found = client.get_kms_instance(request).body.kms_instance
        return found.deletion_protection, found.deletion_protection_description

    protect(client, deletion_protection_description="keep", **name)
    assert protection() == (True, "keep")
    protect(client, enable_=False, **name)
    assert protection()[0] is False


@pytest.mark.parametrize(
    "name",
    [
        {"kms_instance_id": "kst-none"},
        {"protected_resource_arn": f"acs:kms:cn-beijing:{ACCOUNT}:keystore/kst-soft"},
    ],
    ids=str,
)
def test_only_what_exists_is_protected(kms: KmsMock, client: Client, name: dict[str, str]) -> None:
    """An instance that is not here, or an ARN of another region, is DKMSInstanceNotFound."""
    with_instances(kms)
    request = models.SetDeletionProtectionRequest(enable_deletion_protection=True, **name)
    refused(kms, errors.INSTANCE_NOT_FOUND, client.set_deletion_protection, request)
