"""Tags and names of KMS instances, as Terraform's provider asks for them."""

from __future__ import annotations

from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.defaults import DEFAULT_ACCOUNT
from kms_mock.kms import errors
from tests.support.access import INSTANCE, NEW, WORLD
from tests.support.calls import call, refused
from tests.support.secrets import OTHER_ACCOUNT, sdk

ARN = f"acs:kms:cn-hangzhou:{DEFAULT_ACCOUNT}:keystore/{INSTANCE}"
REGION = {"RegionId": "cn-hangzhou", "ResourceType": "instance"}
ONE_TAG = {"Tag.1.Key": "team", "Tag.1.Value": "a"}


@pytest.fixture(autouse=True)
def _world(kms: KmsMock) -> None:
    kms.load(WORLD)


def rows(client: Client, **parameters: str) -> list[tuple[str, str, str]]:
    found = call(client, "ListTagResources", **REGION, **parameters)["TagResources"]["TagResource"]
    assert all(row["ResourceType"] == "instance" for row in found)
    return [(row["ResourceId"], row["TagKey"], row["TagValue"]) for row in found]


@pytest.mark.parametrize("name", [INSTANCE, ARN], ids=["id", "arn"])
def test_an_instance_has_tags(kms: KmsMock, client: Client, name: str) -> None:
    """TagResources, ListTagResources and UntagResources take ResourceType instance; a snapshot keeps the tags."""
    named = {"ResourceId.1": name}
    call(client, "TagResources", **REGION, **named, **ONE_TAG, **{"Tag.2.Key": "env", "Tag.2.Value": "b"})
    both = [(INSTANCE, "team", "a"), (INSTANCE, "env", "b")]
    with KmsMock(fixtures=[kms.snapshot()]) as other:
        for seen in (client, other.client()):
            assert rows(seen, **named) == rows(seen) == rows(seen, **{"Tag.1.Key": "env"}) == both
    call(client, "UntagResources", **REGION, **named, **{"TagKey.1": "team"})
    assert rows(client, **named) == both[1:]
    call(client, "UntagResources", **REGION, **named, All="true")
    assert rows(client, **named) == []


def test_the_tags_of_a_fixture_file_are_checked(kms: KmsMock) -> None:
    """Tags of an instance follow the rules of all tags."""
    with pytest.raises(ValueError, match=r"instances\[0\]\.tags"):
        kms.load({"instances": [{"id": "kst-x", "tags": {"acs:x": "v"}}]})


@pytest.mark.parametrize(
    ("operation", "more"), [("TagResources", ONE_TAG), ("UntagResources", {"All": "true"}), ("ListTagResources", {})]
)
def test_an_instance_that_is_not_there_refuses_all(
    kms: KmsMock, client: Client, operation: str, more: dict[str, str]
) -> None:
    """A missing instance is 404 InvalidResourceId.NotFound, as a missing key is, and no other one is changed."""
    ids = {"ResourceId.1": INSTANCE, "ResourceId.2": "kst-none"}
    refused(kms, errors.INVALID_RESOURCE_ID, lambda: call(client, operation, **REGION, **ids, **more))


def test_the_tags_of_an_instance_that_is_not_connected_are_not_listed(kms: KmsMock, client: Client) -> None:
    """ListTagResources of such an instance is 400 Rejected.Uninitialized, for which Terraform's provider waits."""
    named = {"ResourceId.1": NEW}
    call(client, "TagResources", **REGION, **named, **ONE_TAG)
    refused(kms, errors.INSTANCE_UNINITIALIZED, lambda: call(client, "ListTagResources", **REGION, **named))
    assert rows(client) == []
    fields = {"zone_ids": "cn-hangzhou-k,cn-hangzhou-j", "v_switch_ids": "vsw-1", "kmprovider": "Aliyun"}
    sdk(client, "ConnectKmsInstance", kms_instance_id=NEW, vpc_id="vpc-2", **fields)
    assert rows(client, **named) == [(NEW, "team", "a")]


def test_a_condition_sees_the_tags_of_an_instance(kms: KmsMock) -> None:
    """A RAM policy may allow what carries a tag, instances too."""
    statement: dict[str, Any] = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}
    statement["Condition"] = {"StringEquals": {"acs:ResourceTag/team": "dev"}}
    user = {"id": "limited", "user": "limited", "policy": {"Version": "1", "Statement": [statement]}}
    account = {"id": DEFAULT_ACCOUNT, "access_keys": [user]}
    kms.load({"accounts": [account], "instances": [{"id": "kst-dev", "tags": {"team": "dev"}}]})
    limited = kms.client(access_key_id="limited")
    assert sdk(limited, "GetKmsInstance", kms_instance_id="kst-dev")["KmsInstance"]["InstanceId"] == "kst-dev"
    refused(kms, errors.NO_PERMISSION_ON, lambda: sdk(limited, "GetKmsInstance", kms_instance_id=INSTANCE))


# -- UpdateKmsInstance ------------------------------------------------------------------------------------------------


def test_an_instance_is_renamed(kms: KmsMock, client: Client) -> None:
    """UpdateKmsInstance replaces InstanceName, of an instance that is not connected too; a snapshot keeps it."""
    for instance in (INSTANCE, NEW):
        answer = call(client, "UpdateKmsInstance", KmsInstanceId=instance, InstanceName="vault")
        assert set(answer) == {"RequestId"}
    with KmsMock(fixtures=[kms.snapshot()]) as other:
        for seen in (client, other.client()):
            for instance in (INSTANCE, NEW):
                details = sdk(seen, "GetKmsInstance", kms_instance_id=instance)["KmsInstance"]
                assert details["InstanceName"] == "vault"


def test_only_an_instance_of_ones_own_is_renamed(kms: KmsMock, client: Client) -> None:
    """A missing instance is 403 Forbidden.DKMSInstanceNotFound, one that another account shares is forbidden."""
    kms.load({"instances": [{"id": "kst-shared", "owner": OTHER_ACCOUNT}]})
    for instance, spec in (("kst-none", errors.INSTANCE_NOT_FOUND), ("kst-shared", errors.NO_PERMISSION_ON)):
        fields = {"KmsInstanceId": instance, "InstanceName": "vault"}
        refused(kms, spec, lambda fields=fields: call(client, "UpdateKmsInstance", **fields))


@pytest.mark.parametrize("name", ["x" * 129, "line\nbreak"])
def test_a_name_of_another_form_is_refused(kms: KmsMock, client: Client, name: str) -> None:
    """InstanceName has at most 128 characters, and none that XML cannot carry."""
    refused(
        kms,
        errors.KMS_INVALID_PARAMETER,
        lambda: call(client, "UpdateKmsInstance", KmsInstanceId=INSTANCE, InstanceName=name),
    )
