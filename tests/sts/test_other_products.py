"""Location and BssOpenApi: what clients without an endpoint and Terraform's provider ask (docs/sts.md)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from Tea.exceptions import TeaException

from kms_mock import KmsMock
from kms_mock.fixtures import FixtureError
from kms_mock.rpc.decode import HttpRequest
from tests.support.calls import call
from tests.support.in_process import InProcess

CN = "kms_ddi_public_cn"
ORDER = {"ProductCode": "kms", "ProductType": CN, "SubscriptionType": "Subscription", "Period": "1"}


@pytest.fixture
def server() -> Iterator[InProcess]:
    made = InProcess()
    yield made
    made.close()


# -- Location ---------------------------------------------------------------------------------------------------------


def test_the_endpoint_is_where_the_client_asked(kms: KmsMock) -> None:
    """Asked at its own address the mock answers that; the SDK reads Endpoints.Endpoint with the service's code."""
    body = call(kms.client(), "DescribeEndpoints", Id="cn-beijing", ServiceCode="kms", Type="openAPI")
    assert body["Success"] is True
    assert body["Endpoints"]["Endpoint"] == [
        {
            "Endpoint": kms.endpoint,
            "Id": "cn-beijing",
            "Namespace": "",
            "Protocols": {"Protocols": ["HTTP", "HTTPS"]},
            "SerivceCode": "kms",
            "Type": "openAPI",
        }
    ]


def test_behind_interception_the_endpoint_is_the_public_name(server: InProcess) -> None:
    """A client that reached the public name of Location is told the public name of the product."""
    target = "/?Action=DescribeEndpoint&Version=2015-06-12&Id=cn-beijing&ServiceCode=kms"
    request = HttpRequest("GET", target, {"Host": "location-readonly.aliyuncs.com"})
    answer = json.loads(asyncio.run(server.gateway.answer(request)).body)
    assert answer["Endpoint"] == "kms.cn-beijing.aliyuncs.com"


@pytest.mark.parametrize(
    ("region", "service", "code"),
    [
        ("cn-hangzhou", "ecs", "Illegal Parameter"),
        ("nowhere!", "kms", "InvalidRegionId"),
        ("x", "kms", "InvalidRegionId"),
    ],
)
def test_an_unknown_region_or_service_is_refused(server: InProcess, region: str, service: str, code: str) -> None:
    """With the codes and texts that the SDK compares."""
    for operation in ("DescribeEndpoint", "DescribeEndpoints"):
        assert server.call(operation, Id=region, ServiceCode=service)[0] == code


def test_another_type_of_endpoint_is_not_there(server: InProcess) -> None:
    """The list is empty, as for a product that has no such endpoint."""
    body = server.call("DescribeEndpoints", Id="cn-hangzhou", ServiceCode="kms", Type="other")[1]
    assert body["Endpoints"]["Endpoint"] == []


# -- BssOpenApi -------------------------------------------------------------------------------------------------------


def order(server: InProcess, **parameters: Any) -> str:
    given: dict[str, str] = {}
    for number, (code, value) in enumerate({"Region": "cn-beijing", **parameters}.items(), 1):
        given |= {f"Parameter.{number}.Code": code, f"Parameter.{number}.Value": str(value)}
    code, body = server.call("CreateInstance", **ORDER, **given)
    assert (code, body["Code"], body["Success"]) == ("", "Success", True)
    instance_id: str = body["Data"]["InstanceId"]
    return instance_id


def test_the_life_of_an_instance_as_terraform_drives_it(server: InProcess) -> None:
    """Order, connect, read, enlarge, renew, refund: the requests of resource alicloud_kms_instance, one after another."""
    assert server.call("QueryAvailableInstances", ProductCode="vipcloudfw")[1]["Data"]["TotalCount"] == 0
    instance_id = order(server, VpcNum=7, Spec=1000, SecretNum=10, KeyNum=2000, ProductVersion=3, Log=0)
    assert instance_id.startswith("kst-bjj6b49d200")
    home = {"RegionId": "cn-beijing", "KmsInstanceId": instance_id}
    found = server.call("GetKmsInstance", **home)[1]["KmsInstance"]
    assert (found["InstanceId"], found["Status"]) == (instance_id, "Uninitialized")
    vpc = {"VpcId": "vpc-1", "KMProvider": "Aliyun", "ZoneIds": "cn-beijing-a,cn-beijing-b", "VSwitchIds": "vsw-1"}
    assert server.call("ConnectKmsInstance", **home, **vpc)[0] == ""
    server.now += 3600
    found = server.call("GetKmsInstance", **home)[1]["KmsInstance"]
    assert (found["Status"], found["VpcNum"], found["Spec"]) == ("Connected", 7, 1000)
    assert (found["SecretNum"], found["KeyNum"]) == ("10", 2000)
    change = {"ProductCode": "kms", "ProductType": CN, "ModifyType": "Upgrade", "SubscriptionType": "Subscription"}
    grown = {"Parameter.1.Code": "KeyNum", "Parameter.1.Value": "3000"}
    assert server.call("ModifyInstance", InstanceId=instance_id, **change, **grown)[1]["Code"] == "Success"
    assert server.call("GetKmsInstance", **home)[1]["KmsInstance"]["KeyNum"] == 3000
    renewal = {"RenewalStatus": "AutoRenewal", "RenewalPeriod": "1", "ProductCode": "kms", "ProductType": CN}
    assert server.call("SetRenewal", InstanceIDs=instance_id, **renewal)[1]["Code"] == "Success"
    (entry,) = server.call("QueryAvailableInstances", InstanceIDs=instance_id)[1]["Data"]["InstanceList"]
    assert (entry["RenewStatus"], entry["RenewalDuration"], entry["RenewalDurationUnit"]) == ("AutoRenewal", 1, "M")
    assert (entry["SubscriptionType"], entry["Region"]) == ("Subscription", "cn-beijing")
    refund = {"InstanceId": instance_id, "ProductCode": "kms", "ProductType": CN, "ImmediatelyRelease": "1"}
    assert server.call("RefundInstance", **refund)[1]["Code"] == "Success"
    assert server.call("RefundInstance", **refund)[0] == "ResourceNotExists"
    assert server.call("QueryAvailableInstances")[1]["Data"]["TotalCount"] == 0


def test_what_is_not_for_sale_is_not_applicable(server: InProcess) -> None:
    """NotApplicable makes Terraform's provider try the international site."""
    product = {"ProductCode": "ecs", "ProductType": "", "InstanceId": "i", "ModifyType": "Upgrade"}
    for operation in ("CreateInstance", "ModifyInstance", "RefundInstance"):
        assert server.call(operation, SubscriptionType="Subscription", **product)[0] == "NotApplicable"
    assert server.call("CreateInstance", **{**ORDER, "ProductType": "other"})[0] == "NotApplicable"
    assert server.call("SetRenewal", InstanceIDs="i", RenewalStatus="NotRenewal", ProductCode="x")[0] == "NotApplicable"


def test_an_instance_that_is_not_there(server: InProcess) -> None:
    """ResourceNotExists, also for one of another account."""
    change = {"InstanceId": "kst-x", "ModifyType": "Upgrade", "SubscriptionType": "Subscription"}
    assert server.call("ModifyInstance", ProductCode="kms", **change)[0] == "ResourceNotExists"
    renewal = {"InstanceIDs": "kst-x", "RenewalStatus": "NotRenewal"}
    assert server.call("SetRenewal", ProductCode="kms", **renewal)[0] == "ResourceNotExists"


@pytest.mark.parametrize(
    ("code", "value"), [("KeyNum", "many"), ("KeyNum", "100001"), ("Region", "no region!"), ("Spec", "-1")]
)
def test_a_wrong_parameter_of_an_order_is_refused(server: InProcess, code: str, value: str) -> None:
    """Numbers have the limits of Terraform's schema, a region its form."""
    parameters = {"Parameter.1.Code": code, "Parameter.1.Value": value}
    assert server.call("CreateInstance", **ORDER, **parameters)[0] == "InvalidParameter"


def test_automatic_renewal_needs_a_period(server: InProcess) -> None:
    """When an instance is ordered, and when its renewal is set."""
    assert server.call("CreateInstance", **ORDER, RenewalStatus="AutoRenewal")[0] == "InvalidParameter"
    instance_id = order(server)
    renewal = {"ProductCode": "kms", "InstanceIDs": instance_id, "RenewalStatus": "AutoRenewal"}
    assert server.call("SetRenewal", **renewal)[0] == "InvalidParameter"


def test_lists_are_paged_and_filtered(server: InProcess) -> None:
    """By region, kind of subscription and renewal; pages count from 1."""
    ids = [order(server, Region=region) for region in ("cn-hangzhou", "cn-hangzhou", "cn-beijing")]
    assert server.call("CreateInstance", **{**ORDER, "SubscriptionType": "PayAsYouGo"})[0] == ""

    def listed(**parameters: str) -> list[str]:
        body = server.call("QueryAvailableInstances", **parameters)[1]
        return [entry["InstanceID"] for entry in body["Data"]["InstanceList"]]

    assert listed(Region="cn-beijing") == ids[2:]
    assert listed(SubscriptionType="Subscription", PageNum="2", PageSize="2") == ids[2:]
    assert set(listed(SubscriptionType="PayAsYouGo")).isdisjoint(ids)
    assert listed(RenewStatus="AutoRenewal") == []
    assert listed(ProductCode="ecs") == []
    assert len(listed(ProductType=CN)) == 4


def test_orders_need_their_permission() -> None:
    """A RAM user needs bss:CreateInstance and its like."""
    allow = {"Effect": "Allow", "Action": "bss:Query*", "Resource": "*"}
    users = [{"name": "ci", "policies": [{"Version": "1", "Statement": [allow]}]}]
    made = InProcess(
        {"users": users, "accounts": [{"id": "1234567890123456", "access_keys": [{"id": "CI", "user": "ci"}]}]}
    )
    assert made.call("QueryAvailableInstances", AccessKeyId="CI")[0] == ""
    assert made.call("CreateInstance", **ORDER, AccessKeyId="CI")[0] == "Forbidden.NoPermission"
    made.close()


def test_a_snapshot_keeps_renewals(kms: KmsMock) -> None:
    """What another server loads has the same instances and renewals."""
    client = kms.client()
    body = call(client, "CreateInstance", **ORDER, RenewalStatus="AutoRenewal", RenewPeriod="3")
    assert body["Data"]["InstanceId"]
    with KmsMock(kms.snapshot()) as other:
        assert other.snapshot() == kms.snapshot()
        listed = call(other.client(), "QueryAvailableInstances")["Data"]["InstanceList"]
    assert (listed[0]["RenewStatus"], listed[0]["RenewalDuration"]) == ("AutoRenewal", 3)


def test_only_subscriptions_are_renewed(kms: KmsMock) -> None:
    """Else the renewal of an instance that KMS releases would stay, and no snapshot with it could be loaded."""
    kms.load({"instances": [{"id": "kst-1"}]})
    with pytest.raises(TeaException, match="InvalidParameter"):
        call(kms.client(), "SetRenewal", ProductCode="kms", InstanceIDs="kst-1", RenewalStatus="ManualRenewal")
    with pytest.raises(FixtureError, match=r"renewals\[0\]\.instance: .*no subscription"):
        kms.load({"renewals": [{"instance": "kst-1"}]})


@pytest.mark.parametrize(
    ("region", "letters"), [("cn-hangzhou", "hzz"), ("us-west-1", "wee"), ("ap-southeast-1", "soo")]
)
def test_the_ids_of_ordered_instances(kms: KmsMock, region: str, letters: str) -> None:
    """Ids name the region as those of keys in instances do (design.md 6)."""
    order = {**ORDER, "Parameter.1.Code": "Region", "Parameter.1.Value": region}
    assert call(kms.client(), "CreateInstance", **order)["Data"]["InstanceId"].startswith(f"kst-{letters}")
