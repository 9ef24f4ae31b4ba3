"""Keys as such, through the official SDK."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client
from Tea.exceptions import TeaException

from kms_mock import KmsMock
from kms_mock.defaults import DEFAULT_ACCOUNT
from kms_mock.kms import errors
from tests.support.calls import refused
from tests.support.keys import (
    POLICY,
    advance,
    cancel,
    create_key,
    describe,
    disable,
    enable,
    key_ids,
    schedule,
    with_instances,
)

# -- DescribeKey, ListKeys --------------------------------------------------------------------------------------------


def test_a_key_is_described_by_id_arn_and_alias(client: Client) -> None:
    """DescribeKey takes a key's id, its ARN and any of its aliases, and always answers with the id."""
    key = create_key(client)
    client.create_alias(models.CreateAliasRequest(key_id=key.key_id, alias_name="alias/x"))
    for name in (key.key_id, key.arn, "alias/x", f"acs:kms:cn-hangzhou:{DEFAULT_ACCOUNT}:alias/x"):
        assert describe(client, name).key_id == key.key_id


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("5c438b18-05be-40ad-b6c2-3be6752c0000", errors.KEY_NOT_FOUND),
        ("acs:kms:cn-hangzhou:1234567890123456:key/none", errors.KEY_NOT_FOUND),
        ("acs:kms:cn-beijing:1234567890123456:key/none", errors.KEY_NOT_FOUND),
        ("alias/none", errors.ALIAS_NOT_FOUND),
        ("x" * 513, errors.KMS_INVALID_PARAMETER),
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
    assert body.keys.key[0].key_arn == f"acs:kms:cn-hangzhou:{DEFAULT_ACCOUNT}:key/key-00"


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
                {"id": DEFAULT_ACCOUNT, "regions": [{"id": "cn-beijing", "keys": [{"id": "north"}]}]},
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
    refused(kms, errors.UNSUPPORTED_ALIAS, call, client, f"acs:kms:cn-hangzhou:{DEFAULT_ACCOUNT}:alias/x")
    refused(kms, errors.KEY_NOT_FOUND, call, client, "none")


def test_disable_and_enable(client: Client) -> None:
    """DisableKey and EnableKey switch the state; doing so twice is fine."""
    key = create_key(client)
    for call, state in ((disable, "Disabled"), (disable, "Disabled"), (enable, "Enabled"), (enable, "Enabled")):
        call(client, key.key_id)
        assert describe(client, key.key_id).key_state == state


def test_a_key_that_is_not_being_deleted_has_an_empty_delete_date(client: Client) -> None:
    """DeleteDate is there and "" in CreateKey and DescribeKey, before a deletion and after its end (behaviour.md 11)."""
    key = create_key(client)
    assert (key.delete_date, describe(client, key.key_id).delete_date) == ("", "")
    schedule(client, key.key_id, 7)
    assert describe(client, key.key_id).delete_date
    client.cancel_key_deletion(models.CancelKeyDeletionRequest(key_id=key.key_id))
    assert describe(client, key.key_id).delete_date == ""


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
    refused(kms, errors.KMS_INVALID_PARAMETER, schedule, client, key.key_id, days)


@pytest.mark.parametrize("before", ["Enabled", "Disabled"])
def test_a_cancelled_deletion_leaves_an_enabled_key(kms: KmsMock, client: Client, before: str) -> None:
    """CancelKeyDeletion makes the key Enabled, whatever it was, and it is not deleted any more (design.md 6)."""
    key = create_key(client)
    if before == "Disabled":
        disable(client, key.key_id)
    schedule(client, key.key_id)
    cancel(client, key.key_id)
    found = describe(client, key.key_id)
    assert (found.key_state, found.delete_date) == ("Enabled", "")
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
        {"protected_resource_arn": f"acs:kms:cn-hangzhou:{DEFAULT_ACCOUNT}:keystore/kst-soft"},
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
        {"kms_instance_id": "acs:kms:cn-beijing:9:secret/kst-soft"},
        {"protected_resource_arn": f"acs:kms:cn-beijing:{DEFAULT_ACCOUNT}:keystore/kst-soft"},
    ],
    ids=str,
)
def test_only_what_exists_is_protected(kms: KmsMock, client: Client, name: dict[str, str]) -> None:
    """An instance that is not here, or an ARN of another region, is DKMSInstanceNotFound."""
    with_instances(kms)
    request = models.SetDeletionProtectionRequest(enable_deletion_protection=True, **name)
    refused(kms, errors.INSTANCE_NOT_FOUND, client.set_deletion_protection, request)
