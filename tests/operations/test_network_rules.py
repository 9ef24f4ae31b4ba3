"""Network rules, through the official SDK."""

from __future__ import annotations

from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.defaults import DEFAULT_ACCOUNT
from kms_mock.kms import errors
from tests.support.access import WORLD
from tests.support.secrets import UUID, allow, ram_user, refuse, sdk

ARN = f"acs:kms:cn-hangzhou:{DEFAULT_ACCOUNT}:network"


def create_rule(client: Client, name: str = "rule", **more: Any) -> dict[str, Any]:
    return sdk(client, "CreateNetworkRule", **{"name": name, "type": "Private", **more})


def describe_rule(client: Client, name: str = "rule") -> dict[str, Any]:
    answer = sdk(client, "DescribeNetworkRule", name=name)
    assert UUID.fullmatch(answer.pop("RequestId"))
    return answer


def test_a_created_rule_is_there(client: Client) -> None:
    """CreateNetworkRule answers the whole rule, DescribeNetworkRule the same without its name."""
    sources = '["192.168.0.0/16","10.0.0.1"]'
    answer = create_rule(client, description="office", source_private_ip=sources)
    assert UUID.fullmatch(answer.pop("RequestId"))
    rule = {"Arn": f"{ARN}/rule", "Type": "Private", "Description": "office", "SourcePrivateIp": sources}
    assert answer == {"Name": "rule", **rule}
    assert describe_rule(client) == rule


def test_a_rule_needs_no_description_and_no_addresses(client: Client) -> None:
    """Without Description and SourcePrivateIp the answer has an empty text and an empty list."""
    answer = create_rule(client)
    assert (answer["Description"], answer["SourcePrivateIp"]) == ("", "[]")


@pytest.mark.parametrize("source", ["10.10.10.10", "10.10.10.10/24", "172.16.0.0/12", "100.177.24.254", "fd00::/8"])
def test_addresses_and_blocks_are_taken_as_they_are(client: Client, source: str) -> None:
    """A block may have bits beyond its mask, as in the vendor's Terraform example, and comes back as it was sent."""
    assert create_rule(client, source_private_ip=f'["{source}"]')["SourcePrivateIp"] == f'["{source}"]'


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "Public"},
        {"source_private_ip": '["somewhere"]'},
        {"source_private_ip": '["10.0.0.1/33"]'},
        {"source_private_ip": '["10.0.0.256"]'},
        {"source_private_ip": "10.0.0.1"},
        {"source_private_ip": "[10]"},
        {"name": "x" * 256},
        {"name": "line\nbreak"},
        {"name": "rule\n"},
    ],
)
def test_a_rule_of_another_form_is_refused(kms: KmsMock, client: Client, wrong: dict[str, str]) -> None:
    """Another type, anything but a JSON list of addresses, and odd names answer InvalidParameter."""
    fields = {"name": "rule", "type": "Private", **wrong}
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, "CreateNetworkRule", **fields)


def test_a_name_is_given_once(kms: KmsMock, client: Client) -> None:
    """A second rule of the same name answers 409 Rejected.ResourceExist."""
    create_rule(client)
    refuse(kms, client, errors.ACCESS_EXISTS, "CreateNetworkRule", name="rule", type="Private")


def test_rules_are_listed_in_pages(client: Client) -> None:
    """ListNetworkRules gives name and type in order of creation, 20 a page."""
    for number in range(21):
        create_rule(client, f"rule-{number}")
    answer = sdk(client, "ListNetworkRules")
    assert (answer["TotalCount"], answer["PageNumber"], answer["PageSize"]) == (21, 1, 20)
    assert answer["NetworkRules"]["NetworkRule"][0] == {"Name": "rule-0", "Type": "Private"}
    last = sdk(client, "ListNetworkRules", page_number=2)["NetworkRules"]["NetworkRule"]
    assert last == [{"Name": "rule-20", "Type": "Private"}]


@pytest.mark.parametrize("fields", [{"page_size": 0}, {"page_size": 101}, {"page_number": 0}])
def test_pages_have_1_to_100_rules(kms: KmsMock, client: Client, fields: dict[str, Any]) -> None:
    """A page size beyond 1..100 and a page 0 answer InvalidParameter, in the words of this operation's own table."""
    refuse(kms, client, errors.ENCRYPT_INVALID_PARAMETER, "ListNetworkRules", **fields)


def test_an_update_changes_what_it_gives(client: Client) -> None:
    """UpdateNetworkRule changes description and addresses each by itself; an empty description is one."""
    create_rule(client, description="old", source_private_ip='["10.0.0.1"]')
    before = describe_rule(client)
    sdk(client, "UpdateNetworkRule", name="rule", description="")
    assert describe_rule(client) == {**before, "Description": ""}
    sdk(client, "UpdateNetworkRule", name="rule", source_private_ip='["10.0.0.2"]')
    assert describe_rule(client) == {**before, "Description": "", "SourcePrivateIp": '["10.0.0.2"]'}


def test_an_update_is_checked_like_a_creation(kms: KmsMock, client: Client) -> None:
    """UpdateNetworkRule with a broken address answers InvalidParameter."""
    create_rule(client)
    fields = {"name": "rule", "source_private_ip": '["somewhere"]'}
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, "UpdateNetworkRule", **fields)


def test_a_deleted_rule_is_gone(kms: KmsMock, client: Client) -> None:
    """After DeleteNetworkRule the name is not found, and free."""
    create_rule(client)
    sdk(client, "DeleteNetworkRule", name="rule")
    refuse(kms, client, errors.ACCESS_NOT_FOUND, "DescribeNetworkRule", name="rule")
    create_rule(client)


def test_a_rule_that_a_policy_names_is_deleted(kms: KmsMock, client: Client) -> None:
    """DeleteNetworkRule succeeds while policies name the rule: Terraform renames one by deleting it first."""
    kms.load(WORLD)
    sdk(client, "DeleteNetworkRule", name="office")
    refuse(kms, client, errors.ACCESS_NOT_FOUND, "DescribeNetworkRule", name="office")
    create_rule(client, "office")


def test_the_addresses_come_back_as_they_were_sent(kms: KmsMock, client: Client) -> None:
    """SourcePrivateIp is a text in the API: blanks and line feeds of its JSON stay, also through a snapshot."""
    sent = '[\n  "10.0.0.1",\n  "192.168.0.0/16" ]'
    assert create_rule(client, source_private_ip=sent)["SourcePrivateIp"] == sent
    updated = '[ "10.0.0.2" ]'
    sdk(client, "UpdateNetworkRule", name="rule", source_private_ip=updated)
    with KmsMock(fixtures=[kms.snapshot()]) as other:
        for seen in (client, other.client()):
            assert describe_rule(seen)["SourcePrivateIp"] == updated


@pytest.mark.parametrize("operation", ["DescribeNetworkRule", "UpdateNetworkRule", "DeleteNetworkRule"])
def test_a_rule_that_is_not_there_is_refused(kms: KmsMock, client: Client, operation: str) -> None:
    """A missing rule answers 404 Forbidden.ResourceNotFound."""
    refuse(kms, client, errors.ACCESS_NOT_FOUND, operation, name="none")


@pytest.mark.parametrize("operation", ["DescribeNetworkRule", "DeleteNetworkRule"])
def test_a_name_too_long_is_refused(kms: KmsMock, client: Client, operation: str) -> None:
    """A name of 256 characters answers InvalidParameter."""
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, operation, name="x" * 256)


def test_ram_can_permit_one_rule_and_not_another(kms: KmsMock, client: Client) -> None:
    """A RAM user who may create one name is refused another."""
    kms.load(ram_user(allow("kms:CreateNetworkRule", resource=f"{ARN}/mine")))
    limited = kms.client(access_key_id="limited")
    create_rule(limited, "mine")
    refuse(kms, limited, errors.NO_PERMISSION_ON, "CreateNetworkRule", name="yours", type="Private")
    assert describe_rule(client, "mine")["Arn"] == f"{ARN}/mine"


def test_a_snapshot_of_rules_loads_to_the_same_rules(kms: KmsMock, client: Client) -> None:
    """What CreateNetworkRule made survives snapshot and load."""
    create_rule(client, description="office", source_private_ip='["10.0.0.0/8"]')
    with KmsMock(fixtures=[kms.snapshot()]) as other:
        assert other.snapshot() == kms.snapshot()
        assert describe_rule(other.client()) == describe_rule(client)
