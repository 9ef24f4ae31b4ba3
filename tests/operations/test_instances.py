"""KMS instances, through the official SDK."""

from __future__ import annotations

import json
from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client
from cryptography import x509

from kms_mock import KmsMock
from kms_mock.defaults import DEFAULT_ACCOUNT
from kms_mock.kms import errors
from kms_mock.kms.errors import ErrorSpec
from tests.support import raw_http
from tests.support.access import INSTANCE, NEW, VALID, WORLD
from tests.support.secrets import ISO, OTHER_ACCOUNT, allow, ram_user, refuse, sdk

CONNECT: dict[str, Any] = {
    "kms_instance_id": NEW,
    "vpc_id": "vpc-2",
    "zone_ids": "cn-hangzhou-k,cn-hangzhou-j",
    "v_switch_ids": "vsw-1,vsw-2",
    "kmprovider": "Aliyun",
}
FURTHER = {"VpcId": "vpc-9", "VSwitchId": "vsw-9", "RegionId": "cn-hangzhou", "VpcOwnerId": 9999999999999999}


@pytest.fixture(autouse=True)
def _world(kms: KmsMock) -> None:
    kms.load(WORLD)


def describe_instance(client: Client, instance_id: str = INSTANCE) -> dict[str, Any]:
    details: dict[str, Any] = sdk(client, "GetKmsInstance", kms_instance_id=instance_id)["KmsInstance"]
    return details


def list_instances(client: Client, **fields: Any) -> list[str]:
    return [one["KmsInstanceId"] for one in sdk(client, "ListKmsInstances", **fields)["KmsInstances"]["KmsInstance"]]


def filtered(**wanted: list[str]) -> str:
    return json.dumps([{"Key": key, "Values": values} for key, values in wanted.items()])


# -- GetKmsInstance, ListKmsInstances, GetDefaultKmsInstance ----------------------------------------------------------


def test_an_instance_of_a_fixture_file_is_described_with_everything_the_file_says(kms: KmsMock, client: Client) -> None:
    """GetKmsInstance gives each field of the API; SecretNum is a string and KeyNum a number."""
    instance = {
        "id": "kst-full",
        "name": "vault",
        "kind": "hardware",
        "max_keys": 7,
        "max_secrets": 8,
        "spec": 2000,
        "vpc_num": 9,
        "vpc": "vpc-1",
        "zones": ["cn-hangzhou-k", "cn-hangzhou-j"],
        "vswitches": ["vsw-1"],
        "bound_vpcs": [{"vpc": "vpc-2", "vswitch": "vsw-2", "owner": OTHER_ACCOUNT}],
        "charge_type": "PREPAY",
        "log_storage": 1000,
        "created": "2026-01-02T03:04:05Z",
        "started": "2026-01-03T03:04:05Z",
        "ends": "2027-01-03T03:04:05Z",
        "deletion_protection": True,
        "deletion_protection_description": "in use",
        "ca_certificate": "pem",
    }
    kms.load({"instances": [instance]})
    assert describe_instance(client, "kst-full") == {
        "InstanceId": "kst-full",
        "InstanceName": "vault",
        "Status": "Connected",
        "CreateTime": "2026-01-02T03:04:05Z",
        "StartDate": "2026-01-03T03:04:05Z",
        "EndDate": "2027-01-03T03:04:05Z",
        "Spec": 2000,
        "KeyNum": 7,
        "SecretNum": "8",
        "VpcNum": 9,
        "VpcId": "vpc-1",
        "ZoneIds": ["cn-hangzhou-k", "cn-hangzhou-j"],
        "VswitchIds": ["vsw-1"],
        "BindVpcs": {
            "BindVpc": [
                {"RegionId": "cn-hangzhou", "VpcId": "vpc-2", "VSwitchId": "vsw-2", "VpcOwnerId": OTHER_ACCOUNT}
            ]
        },
        "ChargeType": "PREPAY",
        "ProductVersion": "5",
        "ProductType": "kms_ddi_public_cn",
        "SaleStatus": "Normal",
        "Log": 1,
        "LogStorage": 1000,
        "CaCertificateChainPem": "pem",
        "DeletionProtection": True,
        "DeletionProtectionDescription": "in use",
    }


def test_an_instance_that_was_never_enabled_has_no_vpc_no_start_and_no_certificate(client: Client) -> None:
    """An Uninitialized instance answers without VpcId, StartDate and CaCertificateChainPem."""
    details = describe_instance(client, NEW)
    assert details["Status"] == "Uninitialized"
    assert details["ChargeType"] == "POSTPAY"
    assert not {"VpcId", "StartDate", "EndDate", "CaCertificateChainPem"} & set(details)


def test_a_quota_of_null_is_no_limit_and_not_in_the_answer(kms: KmsMock, client: Client) -> None:
    """An instance with max_keys and max_secrets null answers no KeyNum, no SecretNum and no ResourceQuota."""
    kms.load({"instances": [{"id": "kst-big", "max_keys": None, "max_secrets": None}]})
    assert not {"KeyNum", "SecretNum"} & set(describe_instance(client, "kst-big"))
    quotas = sdk(client, "GetKmsInstanceQuotaInfos", kms_instance_id="kst-big", resource_type="key")
    assert quotas["KmsInstanceQuotaInfos"] == [{"ResourceType": "key", "UsedQuantity": 0}]


def test_an_enabled_instance_has_a_ca_certificate(client: Client) -> None:
    """CaCertificateChainPem is a self-signed certificate that may sign others."""
    certificate = x509.load_pem_x509_certificate(describe_instance(client)["CaCertificateChainPem"].encode())
    certificate.verify_directly_issued_by(certificate)
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_instances_are_listed_in_pages_in_order_of_creation(kms: KmsMock, client: Client) -> None:
    """ListKmsInstances gives id and ARN, 20 a page, and counts them all."""
    kms.load({"instances": [{"id": f"kst-{number}"} for number in range(20)]})
    answer = sdk(client, "ListKmsInstances")
    assert (answer["TotalCount"], answer["PageNumber"], answer["PageSize"]) == (22, 1, 20)
    assert answer["KmsInstances"]["KmsInstance"][0] == {
        "KmsInstanceId": INSTANCE,
        "KmsInstanceArn": f"acs:kms:cn-hangzhou:{DEFAULT_ACCOUNT}:keystore/{INSTANCE}",
    }
    assert len(answer["KmsInstances"]["KmsInstance"]) == 20
    assert list_instances(client, page_number=2) == ["kst-18", "kst-19"]
    assert list_instances(client, page_number=3, page_size=1) == ["kst-0"]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (filtered(Status=["Connected"]), [INSTANCE]),
        (filtered(Status=["Connected", "Uninitialized"]), [INSTANCE, NEW]),
        (filtered(InstanceId=[NEW]), [NEW]),
        (filtered(KmsInstanceId=[INSTANCE], Status=["Uninitialized"]), []),
        (filtered(ProductVersion=["3"], ChargeType=["POSTPAY"], VpcId=["vpc-1"], InstanceName=[INSTANCE]), [INSTANCE]),
    ],
)
def test_filters_are_and_between_keys_and_or_within(client: Client, filters: str, found: list[str]) -> None:
    """Filters of ListKmsInstances choose as those of ListKeys do."""
    assert list_instances(client, filters=filters) == found


@pytest.mark.parametrize("filters", [filtered(Color=["red"]), "{}", "[1]", "no JSON"])
def test_filters_of_another_form_are_refused(kms: KmsMock, client: Client, filters: str) -> None:
    """An unknown key and anything but a list of Key and Values answers InvalidParameter."""
    refuse(
        kms,
        client,
        errors.INVALID_PARAMETER,
        "ListKmsInstances",
        filters=filters,
        message="The specified parameter Filters is not valid.",
    )


def test_the_default_instance_is_the_one_that_the_fixture_file_marks(client: Client) -> None:
    """GetDefaultKmsInstance names the default instance."""
    assert client.get_default_kms_instance().body.default_kms_instance_id == INSTANCE


def test_without_a_default_instance_its_name_is_empty() -> None:
    """GetDefaultKmsInstance answers "" where there is none."""
    with KmsMock() as kms:
        assert kms.client().get_default_kms_instance().body.default_kms_instance_id == ""


@pytest.mark.parametrize("action", ["GetKmsInstance", "ListKmsInstances"])
def test_without_a_timestamp_a_signed_request_is_refused(kms: KmsMock, action: str) -> None:
    """Where signatures count, a request without Timestamp answers IllegalTimestamp in the documented words."""
    keys = [{"id": "signer", "secret": "made-up"}]
    kms.load({"authentication": {"signatures": "verify"}, "accounts": [{"id": DEFAULT_ACCOUNT, "access_keys": keys}]})
    signed = {"AccessKeyId": "signer", "SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0", "Signature": "x"}
    query = {**raw_http.request_parameters(action, **VALID[action]), **signed, "SignatureNonce": "1"}
    answer = raw_http.ask(kms, raw_http.http(query=query))
    spec = errors.ILLEGAL_TIMESTAMP
    assert answer.refusal == (spec.status, spec.code, spec.message)


# -- ConnectKmsInstance -----------------------------------------------------------------------------------------------


def test_connecting_enables_an_instance_at_once(kms: KmsMock, client: Client) -> None:
    """After ConnectKmsInstance the instance is Connected, with its VPC, zones, switches, start date and CA."""
    before = describe_instance(client, NEW)
    assert set(sdk(client, "ConnectKmsInstance", **CONNECT)) == {"RequestId"}
    after = describe_instance(client, NEW)
    assert ISO.fullmatch(after.pop("StartDate"))
    assert x509.load_pem_x509_certificate(after.pop("CaCertificateChainPem").encode())
    assert after == {
        **before,
        "Status": "Connected",
        "VpcId": "vpc-2",
        "ZoneIds": ["cn-hangzhou-k", "cn-hangzhou-j"],
        "VswitchIds": ["vsw-1", "vsw-2"],
    }
    refuse(kms, client, errors.INSTANCE_STATE_INVALID, "ConnectKmsInstance", **CONNECT)


def test_an_instance_can_be_used_once_it_is_connected(kms: KmsMock, client: Client) -> None:
    """CreateSecret in an Uninitialized instance is refused, and works after ConnectKmsInstance."""
    secret = {"secret_name": "db", "version_id": "v1", "secret_data": "x", "dkmsinstance_id": NEW}
    refuse(kms, client, errors.INSTANCE_STATE_INVALID, "CreateSecret", **secret)
    sdk(client, "ConnectKmsInstance", **CONNECT)
    assert sdk(client, "CreateSecret", **secret)["DKMSInstanceId"] == NEW


@pytest.mark.parametrize(
    "wrong",
    [
        {"zone_ids": "cn-hangzhou-k"},
        {"zone_ids": "cn-hangzhou-k,cn-hangzhou-k"},
        {"zone_ids": "a,b,c"},
        {"v_switch_ids": "vsw-1,"},
        {"vpc_id": "vpc 1"},
        {"kmprovider": "Other"},
    ],
)
def test_connecting_needs_two_zones_and_the_one_provider(kms: KmsMock, client: Client, wrong: dict[str, str]) -> None:
    """Anything but two different zones, well-formed ids and the provider Aliyun answers InvalidParameter."""
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, "ConnectKmsInstance", **{**CONNECT, **wrong})


def test_a_hardware_instance_is_not_enabled_by_this_call(kms: KmsMock, client: Client) -> None:
    """ConnectKmsInstance of a hardware instance answers Rejected.UnsupportedOperation."""
    kms.load({"instances": [{"id": "kst-hsm", "kind": "hardware", "status": "Uninitialized"}]})
    fields = {**CONNECT, "kms_instance_id": "kst-hsm"}
    refuse(kms, client, errors.REJECTED_UNSUPPORTED, "ConnectKmsInstance", **fields)


# -- UpdateKmsInstanceBindVpc -----------------------------------------------------------------------------------------


def test_the_further_vpcs_are_replaced_whole(client: Client) -> None:
    """UpdateKmsInstanceBindVpc sets the list; by default owner and region are the instance's; [] empties it."""
    own = {"VpcId": "vpc-8", "VSwitchId": "vsw-8", "RegionId": ""}
    sdk(client, "UpdateKmsInstanceBindVpc", kms_instance_id=INSTANCE, bind_vpcs=json.dumps([FURTHER, own]))
    assert describe_instance(client)["BindVpcs"]["BindVpc"] == [
        {**FURTHER, "VpcOwnerId": OTHER_ACCOUNT},
        {**own, "RegionId": "cn-hangzhou", "VpcOwnerId": DEFAULT_ACCOUNT},
    ]
    sdk(client, "UpdateKmsInstanceBindVpc", kms_instance_id=INSTANCE, bind_vpcs="[]")
    assert describe_instance(client)["BindVpcs"] == {"BindVpc": []}


@pytest.mark.parametrize(
    "vpcs",
    [
        "no JSON",
        "{}",
        json.dumps([{"VpcId": "vpc-9"}]),
        json.dumps([{**FURTHER, "RegionId": "cn-beijing"}]),
        json.dumps([{**FURTHER, "VpcOwnerId": "somebody"}]),
        json.dumps([FURTHER, FURTHER]),
    ],
)
def test_a_further_vpc_is_in_the_region_and_well_formed(kms: KmsMock, client: Client, vpcs: str) -> None:
    """Another region, a missing switch, an odd owner and a VPC twice answer InvalidParameter."""
    spec = errors.KMS_INVALID_PARAMETER
    refuse(kms, client, spec, "UpdateKmsInstanceBindVpc", kms_instance_id=INSTANCE, bind_vpcs=vpcs)


def test_no_more_vpcs_can_be_bound_than_were_bought(kms: KmsMock, client: Client) -> None:
    """With VpcNum 5 and its own VPC an instance takes four further ones."""
    vpcs = [{"VpcId": f"vpc-{number}", "VSwitchId": "vsw-1"} for number in range(10, 15)]
    sdk(client, "UpdateKmsInstanceBindVpc", kms_instance_id=INSTANCE, bind_vpcs=json.dumps(vpcs[:4]))
    fields = {"kms_instance_id": INSTANCE, "bind_vpcs": json.dumps(vpcs)}
    refuse(kms, client, errors.LIMIT_EXCEEDED, "UpdateKmsInstanceBindVpc", **fields)


def test_vpcs_are_bound_to_a_connected_instance_only(kms: KmsMock, client: Client) -> None:
    """UpdateKmsInstanceBindVpc of an Uninitialized instance answers Forbidden.DKMSInstanceStateInvalid."""
    fields = {"kms_instance_id": NEW, "bind_vpcs": "[]"}
    refuse(kms, client, errors.INSTANCE_STATE_INVALID, "UpdateKmsInstanceBindVpc", **fields)


# -- ReleaseKmsInstance -----------------------------------------------------------------------------------------------


def test_a_released_instance_takes_its_keys_aliases_and_secrets_along(kms: KmsMock, client: Client) -> None:
    """After ReleaseKmsInstance the instance and all that was in it are gone; everything else stays."""
    kms.load(
        {
            "keys": [
                {"id": "key-in", "instance": INSTANCE, "aliases": ["alias/in"]},
                {"id": "key-out", "aliases": ["alias/out"]},
            ],
            "secrets": [
                {"name": "in", "value": "x", "instance": INSTANCE, "encryption_key": "key-in"},
                {"name": "out", "value": "x"},
            ],
        }
    )
    sdk(client, "ReleaseKmsInstance", kms_instance_id=INSTANCE, force_delete_without_backup="true")
    assert list_instances(client) == [NEW]
    assert describe_instance(client, INSTANCE)["InstanceId"] == ""
    refuse(kms, client, errors.SECRET_NOT_FOUND, "DescribeSecret", secret_name="in")
    assert sdk(client, "DescribeSecret", secret_name="out")["SecretName"] == "out"
    [region] = kms.snapshot()["accounts"][0]["regions"]
    assert [(key["id"], key["aliases"]) for key in region["keys"]] == [("key-out", ["alias/out"])]
    kms.load({"keys": [{"id": "key-new", "aliases": ["alias/in"]}]})  # the alias is free again


def test_without_a_backup_an_instance_is_released_by_force_only(kms: KmsMock, client: Client) -> None:
    """ReleaseKmsInstance answers Forbidden.NoBackup unless there is a backup or ForceDeleteWithoutBackup is true."""
    refuse(kms, client, errors.INSTANCE_NO_BACKUP, "ReleaseKmsInstance", kms_instance_id=INSTANCE)
    fields = {"kms_instance_id": INSTANCE, "force_delete_without_backup": "false"}
    refuse(kms, client, errors.INSTANCE_NO_BACKUP, "ReleaseKmsInstance", **fields)
    kms.load({"instances": [{"id": "kst-safe", "backed_up": True}]})
    sdk(client, "ReleaseKmsInstance", kms_instance_id="kst-safe")
    assert "kst-safe" not in list_instances(client)


@pytest.mark.parametrize(
    ("more", "spec"),
    [
        ({"charge_type": "PREPAY"}, errors.REJECTED_UNSUPPORTED),
        ({"deletion_protection": True}, errors.DELETION_PROTECTED),
        ({"owner": OTHER_ACCOUNT}, errors.NO_PERMISSION_ON),
    ],
)
def test_some_instances_cannot_be_released(kms: KmsMock, client: Client, more: dict[str, Any], spec: ErrorSpec) -> None:
    """A subscription, a protected instance and one that another account shares stay, also by force."""
    kms.load({"instances": [{"id": "kst-kept", **more}]})
    fields = {"kms_instance_id": "kst-kept", "force_delete_without_backup": "true"}
    refuse(kms, client, spec, "ReleaseKmsInstance", **fields)


def test_force_is_true_or_false(kms: KmsMock, client: Client) -> None:
    """ForceDeleteWithoutBackup of another value answers InvalidParameter."""
    fields = {"kms_instance_id": INSTANCE, "force_delete_without_backup": "maybe"}
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, "ReleaseKmsInstance", **fields)


# -- all of them ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "more"),
    [
        ("ConnectKmsInstance", CONNECT),
        ("ReleaseKmsInstance", {}),
        ("UpdateKmsInstanceBindVpc", {"bind_vpcs": "[]"}),
    ],
)
def test_an_instance_that_is_not_there_is_refused(
    kms: KmsMock, client: Client, operation: str, more: dict[str, Any]
) -> None:
    """A missing instance answers 403 Forbidden.DKMSInstanceNotFound."""
    refuse(kms, client, errors.INSTANCE_NOT_FOUND, operation, **{**more, "kms_instance_id": "kst-none"})


def test_an_instance_that_is_not_there_is_described_as_nothing(kms: KmsMock, client: Client) -> None:
    """GetKmsInstance has no error for it (api-docs GetKmsInstance): Terraform's provider looks for an empty InstanceId."""
    found = describe_instance(client, "kst-none")
    assert found["InstanceId"] == found["Status"] == ""
    kms.load(ram_user(allow("kms:GetKmsInstance", resource=f"acs:kms:*:*:keystore/{NEW}")))
    limited = kms.client(access_key_id="limited")
    refuse(kms, limited, errors.NO_PERMISSION_ON, "GetKmsInstance", kms_instance_id=INSTANCE)
    assert describe_instance(limited, NEW)["InstanceId"] == NEW


def test_ram_can_permit_one_instance_and_not_another(kms: KmsMock) -> None:
    """A RAM user who may describe one instance is refused the other one."""
    kms.load(ram_user(allow("kms:GetKmsInstance", resource=f"acs:kms:*:*:keystore/{NEW}")))
    limited = kms.client(access_key_id="limited")
    assert describe_instance(limited, NEW)["InstanceId"] == NEW
    refuse(kms, limited, errors.NO_PERMISSION_ON, "GetKmsInstance", kms_instance_id=INSTANCE)


def test_a_snapshot_of_instances_loads_to_the_same_instances(kms: KmsMock, client: Client) -> None:
    """What the API and a fixture file made of an instance survives snapshot and load."""
    sdk(client, "ConnectKmsInstance", **CONNECT)
    sdk(client, "UpdateKmsInstanceBindVpc", kms_instance_id=INSTANCE, bind_vpcs=json.dumps([FURTHER]))
    snapshot = kms.snapshot()
    with KmsMock(fixtures=[snapshot]) as other:
        assert other.snapshot() == snapshot
        assert describe_instance(other.client(), NEW) == describe_instance(client, NEW)


def test_a_second_default_instance_is_refused_in_a_fixture_file(kms: KmsMock) -> None:
    """At most one instance of a region is the default."""
    from kms_mock.fixtures import FixtureError  # noqa: PLC0415 (the only test here that needs it)

    with pytest.raises(FixtureError, match=r"\$\.instances\[0\]\.default: instance 'kst-test' is the default already"):
        kms.load({"instances": [{"id": "kst-two", "default": True}]})
