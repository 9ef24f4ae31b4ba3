"""Policies of applications, through the official SDK."""

from __future__ import annotations

import json
from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.defaults import DEFAULT_ACCOUNT
from kms_mock.kms import errors
from tests.support.access import INSTANCE, WORLD
from tests.support.secrets import UUID, refuse, sdk

ARN = f"acs:kms:cn-hangzhou:{DEFAULT_ACCOUNT}:policy"
KEY_USER = "RbacPermission/Template/CryptoServiceKeyUser"
SECRET_USER = "RbacPermission/Template/CryptoServiceSecretUser"
FIELDS: dict[str, Any] = {"name": "policy", "permissions": json.dumps([KEY_USER]), "resources": '["key/*"]'}


def create_policy(client: Client, **more: Any) -> dict[str, Any]:
    answer = sdk(client, "CreatePolicy", **{**FIELDS, **more})
    assert UUID.fullmatch(answer.pop("RequestId"))
    return answer


def describe_policy(client: Client, name: str = "policy") -> dict[str, Any]:
    answer = sdk(client, "DescribePolicy", name=name)
    assert UUID.fullmatch(answer.pop("RequestId"))
    return answer


def test_a_created_policy_is_there(kms: KmsMock, client: Client) -> None:
    """CreatePolicy answers its lists as they were sent, DescribePolicy as lists; the network rules are a text in both."""
    kms.load(WORLD)
    rules = '{"NetworkRules":["office"]}'
    answer = create_policy(
        client,
        permissions=json.dumps([KEY_USER, SECRET_USER]),
        resources='["secret/acs/ram/user/x", "key/key-1"]',
        kms_instance=INSTANCE,
        access_control_rules=rules,
        description="what it is for",
    )
    common = {
        "Arn": f"{ARN}/policy",
        "Name": "policy",
        "Description": "what it is for",
        "KmsInstance": INSTANCE,
        "AccessControlRules": rules,
    }
    assert answer == {
        **common,
        "Permissions": json.dumps([KEY_USER, SECRET_USER]),
        "Resources": '["secret/acs/ram/user/x", "key/key-1"]',
    }
    assert describe_policy(client) == {
        **common,
        "Permissions": [KEY_USER, SECRET_USER],
        "Resources": ["secret/acs/ram/user/x", "key/key-1"],
    }


def test_what_a_policy_was_not_given_is_not_in_the_answer(client: Client) -> None:
    """Without KmsInstance and AccessControlRules the answer has neither."""
    assert set(create_policy(client)) == {"Arn", "Name", "Description", "Permissions", "Resources"}


@pytest.mark.parametrize(
    "more",
    [
        {"kms_instance": "shared", "permissions": '["RbacPermission/Template/SecretUser"]'},
        {"access_control_rules": '{"NetworkRules":["nobody-made-this"]}'},
        {"resources": '["key/a*","secret/b*"]'},
        {"permissions": json.dumps([SECRET_USER, SECRET_USER])},
    ],
)
def test_what_the_vendors_terraform_tests_send_is_taken(client: Client, more: dict[str, str]) -> None:
    """The shared gateway, a rule that nobody made, patterns of names and a permission twice make a policy."""
    create_policy(client, **more)
    describe_policy(client)


@pytest.mark.parametrize(
    "wrong",
    [
        {"permissions": '["RbacPermission/Template/Other"]'},
        {"permissions": KEY_USER},
        {"resources": '["alias/x"]'},
        {"resources": '["key/"]'},
        {"resources": "key/*"},
        {"access_control_rules": '["office"]'},
        {"access_control_rules": '{"NetworkRules":"office"}'},
        {"name": "x" * 256},
    ],
)
def test_a_policy_of_another_form_is_refused(kms: KmsMock, client: Client, wrong: dict[str, str]) -> None:
    """Unknown permissions, other resources than keys and secrets, and anything but JSON answer InvalidParameter."""
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, "CreatePolicy", **{**FIELDS, **wrong})


def test_the_instance_of_a_policy_exists(kms: KmsMock, client: Client) -> None:
    """A KmsInstance that is not there answers Forbidden.DKMSInstanceNotFound."""
    refuse(kms, client, errors.INSTANCE_NOT_FOUND, "CreatePolicy", **FIELDS, kms_instance="kst-none")


def test_a_name_is_given_once(kms: KmsMock, client: Client) -> None:
    """A second policy of the same name answers 409 Rejected.ResourceExist."""
    create_policy(client)
    refuse(kms, client, errors.ACCESS_EXISTS, "CreatePolicy", **FIELDS)


def test_policies_are_listed_in_pages(client: Client) -> None:
    """ListPolicies gives names in order of creation, 20 a page."""
    for number in range(21):
        create_policy(client, name=f"policy-{number}")
    answer = sdk(client, "ListPolicies")
    assert (answer["TotalCount"], answer["PageNumber"], answer["PageSize"]) == (21, 1, 20)
    assert answer["Policies"]["Policy"][1] == {"Name": "policy-1"}
    assert sdk(client, "ListPolicies", page_number=2)["Policies"] == {"Policy": [{"Name": "policy-20"}]}


def test_a_page_has_at_most_100_policies(kms: KmsMock, client: Client) -> None:
    """ListPolicies with PageSize 101 answers InvalidParameter."""
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, "ListPolicies", page_size=101)


@pytest.mark.parametrize(
    ("fields", "changed"),
    [
        ({"permissions": "[]"}, {"Permissions": []}),
        ({"resources": '["secret/db"]'}, {"Resources": ["secret/db"]}),
        ({"access_control_rules": "{}"}, {"AccessControlRules": "{}"}),
        ({"description": "new"}, {"Description": "new"}),
        ({}, {}),
    ],
)
def test_an_update_changes_what_it_gives(client: Client, fields: dict[str, str], changed: dict[str, Any]) -> None:
    """UpdatePolicy changes permissions, resources, rules and description each by itself."""
    create_policy(client, description="old")
    before = describe_policy(client)
    sdk(client, "UpdatePolicy", name="policy", **fields)
    assert describe_policy(client) == {**before, **changed}


def test_an_update_is_checked_like_a_creation(kms: KmsMock, client: Client) -> None:
    """UpdatePolicy with a resource of another kind answers InvalidParameter."""
    create_policy(client)
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, "UpdatePolicy", name="policy", resources='["alias/x"]')


def test_a_policy_that_an_access_point_is_bound_to_is_deleted(kms: KmsMock, client: Client) -> None:
    """DeletePolicy succeeds while an access point names the policy: Terraform renames one by deleting it first."""
    kms.load(WORLD)
    sdk(client, "DeletePolicy", name="reader")
    refuse(kms, client, errors.ACCESS_NOT_FOUND, "DescribePolicy", name="reader")
    assert sdk(client, "DescribeApplicationAccessPoint", name="app")["Policies"] == '["reader"]'


@pytest.mark.parametrize("sent", ["{}", '{\n  "NetworkRules": [\n    "office"\n  ]\n}', '{"NetworkRules":[],"More":1}'])
def test_the_rules_come_back_as_they_were_sent(kms: KmsMock, client: Client, sent: str) -> None:
    """AccessControlRules is a text in the API, so clients that compare it see what they sent; a snapshot keeps it."""
    assert create_policy(client, access_control_rules=sent)["AccessControlRules"] == sent
    create_policy(client, name="updated")
    sdk(client, "UpdatePolicy", name="updated", access_control_rules=sent)
    with KmsMock(fixtures=[kms.snapshot()]) as other:
        for seen in (client, other.client()):
            for name in ("policy", "updated"):
                assert describe_policy(seen, name)["AccessControlRules"] == sent


@pytest.mark.parametrize("operation", ["DescribePolicy", "UpdatePolicy", "DeletePolicy"])
def test_a_policy_that_is_not_there_is_refused(kms: KmsMock, client: Client, operation: str) -> None:
    """A missing policy answers 404 Forbidden.ResourceNotFound."""
    refuse(kms, client, errors.ACCESS_NOT_FOUND, operation, name="none")


def test_a_name_too_long_is_refused(kms: KmsMock, client: Client) -> None:
    """A name of 256 characters answers InvalidParameter."""
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, "DeletePolicy", name="x" * 256)


def test_a_policy_stays_when_its_instance_is_released(kms: KmsMock, client: Client) -> None:
    """After ReleaseKmsInstance its policies are still described, and a snapshot with them loads."""
    kms.load(WORLD)
    sdk(client, "ReleaseKmsInstance", kms_instance_id=INSTANCE, force_delete_without_backup="true")
    with KmsMock(fixtures=[kms.snapshot()]) as other:
        assert other.snapshot() == kms.snapshot()
        assert describe_policy(other.client(), "reader")["KmsInstance"] == INSTANCE
