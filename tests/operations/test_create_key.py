"""CreateKey, through the official SDK."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.crypto.specs import KEY_SPECS
from kms_mock.defaults import DEFAULT_ACCOUNT
from kms_mock.kms import errors
from tests.support.calls import refused
from tests.support.keys import (
    POLICY,
    advance,
    create_key,
    describe,
    key_ids,
    schedule,
    with_instances,
)


def limited_user(kms: KmsMock, action: str) -> Client:
    """A client whose RAM policy allows everything but one action."""
    statements = [
        {"Effect": "Allow", "Action": "kms:*", "Resource": "*"},
        {"Effect": "Deny", "Action": action, "Resource": "*"},
    ]
    user = {"id": "LTAIlimited", "user": "dev", "policy": {"Version": "1", "Statement": statements}}
    kms.load({"accounts": [{"id": DEFAULT_ACCOUNT, "access_keys": [user]}]})
    return kms.client(access_key_id="LTAIlimited")


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
    assert (key.description, key.material_expire_time, key.delete_date, key.dkmsinstance_id) == ("", "", "", None)
    assert key.creator == DEFAULT_ACCOUNT
    assert key.arn == f"acs:kms:cn-hangzhou:{DEFAULT_ACCOUNT}:key/{key.key_id}"
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
    refused(kms, errors.KMS_INVALID_PARAMETER, client.create_key, models.CreateKeyRequest(**parameters))


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
    kms.load({"accounts": [{"id": DEFAULT_ACCOUNT, "quotas": {"key_versions": 1}}]})
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
    refused(kms, errors.POLICY_NO_PERMISSION, user.create_key, models.CreateKeyRequest())
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
    refused(kms, errors.KMS_INVALID_PARAMETER, client.create_key, request)
