"""Network rules, through the official SDK."""

from __future__ import annotations

from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock, errors
from kms_mock.config import DEFAULT_ACCOUNT
from tests.access_support import WORLD
from tests.secrets_support import UUID, allow, ram_user, refuse, sdk

ARN = f"acs:kms:cn-hangzhou:{DEFAULT_ACCOUNT}:network"


def create(client: Client, name: str = "rule", **more: Any) -> dict[str, Any]:
    return sdk(client, "CreateNetworkRule", **{"name": name, "type": "Private", **more})


def described(client: Client, name: str = "rule") -> dict[str, Any]:
    answer = sdk(client, "DescribeNetworkRule", name=name)
    assert UUID.fullmatch(answer.pop("RequestId"))
    return answer


def test_a_created_rule_is_there(client: Client) -> None:
    """CreateNetworkRule answers the whole rule, DescribeNetworkRule the same without its name."""
    sources = '["192.168.0.0/16","10.0.0.1"]'
    answer = create(client, description="office", source_private_ip=sources)
    assert UUID.fullmatch(answer.pop("RequestId"))
    rule = {"Arn": f"{ARN}/rule", "Type": "Private", "Description": "office", "SourcePrivateIp": sources}
    assert answer == {"Name": "rule", **rule}
    assert described(client) == rule


def test_a_rule_needs_no_description_and_no_addresses(client: Client) -> None:
    """Without Description and SourcePrivateIp the answer has an empty text and an empty list."""
    answer = create(client)
    assert (answer["Description"], answer["SourcePrivateIp"]) == ("", "[]")


@pytest.mark.parametrize("source", ["10.10.10.10", "10.10.10.10/24", "172.16.0.0/12", "100.177.24.254", "fd00::/8"])
def test_addresses_and_blocks_are_taken_as_they_are(client: Client, source: str) -> None:
    """A block may have bits beyond its mask, as in the vendor's Terraform example, and comes back as it was sent."""
    assert create(client, source_private_ip=f'["{source}"]')["SourcePrivateIp"] == f'["{source}"]'


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
    refuse(kms, client, errors.INVALID_PARAMETER_UNNAMED, "CreateNetworkRule", **fields)


def test_a_name_is_given_once(kms: KmsMock, client: Client) -> None:
    """A second rule of the same name answers 409 Rejected.ResourceExist."""
    create(client)
    refuse(kms, client, errors.RESOURCE_EXISTS, "CreateNetworkRule", name="rule", type="Private")


def test_rules_are_listed_in_pages(client: Client) -> None:
    """ListNetworkRules gives name and type in order of creation, 20 a page."""
    for number in range(21):
        create(client, f"rule-{number}")
    answer = sdk(client, "ListNetworkRules")
    assert (answer["TotalCount"], answer["PageNumber"], answer["PageSize"]) == (21, 1, 20)
    assert answer["NetworkRules"]["NetworkRule"][0] == {"Name": "rule-0", "Type": "Private"}
    last = sdk(client, "ListNetworkRules", page_number=2)["NetworkRules"]["NetworkRule"]
    assert last == [{"Name": "rule-20", "Type": "Private"}]


@pytest.mark.parametrize("fields", [{"page_size": 0}, {"page_size": 101}, {"page_number": 0}])
def test_pages_have_1_to_100_rules(kms: KmsMock, client: Client, fields: dict[str, Any]) -> None:
    """A page size beyond 1..100 and a page 0 answer InvalidParameter, in the words of this operation's own table."""
    refuse(kms, client, errors.INVALID_PARAMETER_INVALID, "ListNetworkRules", **fields)


def test_an_update_changes_what_it_gives(client: Client) -> None:
    """UpdateNetworkRule changes description and addresses each by itself; an empty description is one."""
    create(client, description="old", source_private_ip='["10.0.0.1"]')
    before = described(client)
    sdk(client, "UpdateNetworkRule", name="rule", description="")
    assert described(client) == {**before, "Description": ""}
    sdk(client, "UpdateNetworkRule", name="rule", source_private_ip='["10.0.0.2"]')
    assert described(client) == {**before, "Description": "", "SourcePrivateIp": '["10.0.0.2"]'}


def test_an_update_is_checked_like_a_creation(kms: KmsMock, client: Client) -> None:
    """UpdateNetworkRule with a broken address answers InvalidParameter."""
    create(client)
    fields = {"name": "rule", "source_private_ip": '["somewhere"]'}
    refuse(kms, client, errors.INVALID_PARAMETER_UNNAMED, "UpdateNetworkRule", **fields)


def test_a_deleted_rule_is_gone(kms: KmsMock, client: Client) -> None:
    """After DeleteNetworkRule the name is not found, and free."""
    create(client)
    sdk(client, "DeleteNetworkRule", name="rule")
    refuse(kms, client, errors.RESOURCE_NOT_FOUND_DOT, "DescribeNetworkRule", name="rule")
    create(client)


def test_a_rule_that_a_policy_names_cannot_be_deleted(kms: KmsMock, client: Client) -> None:
    """DeleteNetworkRule answers 409 Rejected.ResourceInUse until no policy names the rule."""
    kms.load(WORLD)
    refuse(kms, client, errors.ACCESS_RESOURCE_IN_USE, "DeleteNetworkRule", name="office")
    for policy in ("reader", "spare"):
        sdk(client, "UpdatePolicy", name=policy, access_control_rules='{"NetworkRules":[]}')
    sdk(client, "DeleteNetworkRule", name="office")


@pytest.mark.parametrize("operation", ["DescribeNetworkRule", "UpdateNetworkRule", "DeleteNetworkRule"])
def test_a_rule_that_is_not_there_is_refused(kms: KmsMock, client: Client, operation: str) -> None:
    """A missing rule answers 404 Forbidden.ResourceNotFound."""
    refuse(kms, client, errors.RESOURCE_NOT_FOUND_DOT, operation, name="none")


@pytest.mark.parametrize("operation", ["DescribeNetworkRule", "DeleteNetworkRule"])
def test_a_name_too_long_is_refused(kms: KmsMock, client: Client, operation: str) -> None:
    """A name of 256 characters answers InvalidParameter."""
    refuse(kms, client, errors.INVALID_PARAMETER_UNNAMED, operation, name="x" * 256)


def test_ram_can_permit_one_rule_and_not_another(kms: KmsMock, client: Client) -> None:
    """A RAM user who may create one name is refused another."""
    kms.load(ram_user(allow("kms:CreateNetworkRule", resource=f"{ARN}/mine")))
    limited = kms.client(access_key_id="limited")
    create(limited, "mine")
    refuse(kms, limited, errors.NO_PERMISSION, "CreateNetworkRule", name="yours", type="Private")
    assert described(client, "mine")["Arn"] == f"{ARN}/mine"


def test_a_snapshot_of_rules_loads_to_the_same_rules(kms: KmsMock, client: Client) -> None:
    """What CreateNetworkRule made survives snapshot and load."""
    create(client, description="office", source_private_ip='["10.0.0.0/8"]')
    with KmsMock(fixtures=[kms.snapshot()]) as other:
        assert other.snapshot() == kms.snapshot()
        assert described(other.client()) == described(client)
