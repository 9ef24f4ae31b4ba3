"""Application access points, through the official SDK."""

from __future__ import annotations

from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.defaults import DEFAULT_ACCOUNT
from kms_mock.kms import errors
from tests.support.access import CLIENT_KEY, WORLD
from tests.support.secrets import UUID, refuse, sdk

ARN = f"acs:kms:cn-hangzhou:{DEFAULT_ACCOUNT}:applicationaccesspoint"


def create_access_point(client: Client, name: str = "aap", policies: str = '["reader"]', **more: Any) -> dict[str, Any]:
    answer = sdk(client, "CreateApplicationAccessPoint", name=name, policies=policies, **more)
    assert UUID.fullmatch(answer.pop("RequestId"))
    return answer


def describe_access_point(client: Client, name: str = "aap") -> dict[str, Any]:
    answer = sdk(client, "DescribeApplicationAccessPoint", name=name)
    assert UUID.fullmatch(answer.pop("RequestId"))
    return answer


def list_access_points(client: Client) -> list[str]:
    points = sdk(client, "ListApplicationAccessPoints")["ApplicationAccessPoints"]["ApplicationAccessPoint"]
    return [one["Name"] for one in points]


def test_a_created_access_point_is_there(client: Client) -> None:
    """CreateApplicationAccessPoint and DescribeApplicationAccessPoint answer the same; Policies is the text that was sent."""
    answer = create_access_point(
        client, description="my app", authentication_method="ClientKey", policies='["one", "two"]'
    )
    assert answer == {
        "Arn": f"{ARN}/aap",
        "Name": "aap",
        "Description": "my app",
        "AuthenticationMethod": "ClientKey",
        "Policies": '["one", "two"]',
    }
    assert describe_access_point(client) == answer


def test_the_authentication_method_is_client_key_by_default(client: Client) -> None:
    """Without AuthenticationMethod it is ClientKey, without Description that is empty."""
    answer = create_access_point(client)
    assert (answer["AuthenticationMethod"], answer["Description"]) == ("ClientKey", "")


@pytest.mark.parametrize(
    "wrong",
    [
        {"policies": '["1","2","3","4"]'},
        {"policies": "[]"},
        {"policies": "reader"},
        {"policies": '[""]'},
        {"authentication_method": "RAMRole"},
        {"name": "x" * 256},
    ],
)
def test_an_access_point_of_another_form_is_refused(kms: KmsMock, client: Client, wrong: dict[str, str]) -> None:
    """Less than one policy, more than three and another authentication method answer InvalidParameter."""
    fields = {"name": "aap", "policies": '["1","2","3"]', **wrong}
    names = {"authentication_method": "AuthenticationMethod", "policies": "Policies", "name": "Name"}
    [name] = (names[field] for field in wrong)
    message = f"The specified parameter {name} is not valid."  # its table has no row for it
    operation = "CreateApplicationAccessPoint"
    refuse(kms, client, errors.INVALID_PARAMETER, operation, message=message, **fields)


def test_a_name_is_given_once(kms: KmsMock, client: Client) -> None:
    """A second access point of the same name answers the documented 409 Rejected.ResourceExist."""
    create_access_point(client)
    fields = {"name": "aap", "policies": '["other"]'}
    refuse(kms, client, errors.ACCESS_EXISTS, "CreateApplicationAccessPoint", **fields)


def test_access_points_are_listed_in_pages(client: Client) -> None:
    """ListApplicationAccessPoints gives name and method in order of creation, 20 a page."""
    for number in range(21):
        create_access_point(client, f"aap-{number}")
    answer = sdk(client, "ListApplicationAccessPoints")
    assert (answer["TotalCount"], answer["PageNumber"], answer["PageSize"]) == (21, 1, 20)
    rows = answer["ApplicationAccessPoints"]["ApplicationAccessPoint"]
    assert rows[0] == {"Name": "aap-0", "AuthenticationMethod": "ClientKey"}
    assert len(rows) == 20


def test_a_page_has_at_most_100_access_points(kms: KmsMock, client: Client) -> None:
    """ListApplicationAccessPoints with PageSize 101 answers InvalidParameter."""
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, "ListApplicationAccessPoints", page_size=101)


def test_an_update_changes_what_it_gives(kms: KmsMock, client: Client) -> None:
    """UpdateApplicationAccessPoint changes policies and description; client keys and place in the list stay."""
    kms.load(WORLD)
    before = describe_access_point(client, "app")
    sdk(client, "UpdateApplicationAccessPoint", name="app", policies='["spare","reader"]')
    sdk(client, "UpdateApplicationAccessPoint", name="app", description="new")
    assert describe_access_point(client, "app") == {**before, "Policies": '["spare","reader"]', "Description": "new"}
    assert list_access_points(client) == ["app", "free"]
    assert sdk(client, "GetClientKey", client_key_id=CLIENT_KEY["id"])["AapName"] == "app"


def test_an_update_is_checked_like_a_creation(kms: KmsMock, client: Client) -> None:
    """UpdateApplicationAccessPoint with four policies answers InvalidParameter, in the words of its own table."""
    create_access_point(client)
    fields = {"name": "aap", "policies": '["1","2","3","4"]'}
    refuse(kms, client, errors.ENCRYPT_INVALID_PARAMETER, "UpdateApplicationAccessPoint", **fields)


def test_a_deleted_access_point_takes_its_client_keys_along(kms: KmsMock, client: Client) -> None:
    """After DeleteApplicationAccessPoint neither it nor its client keys are found; a new one of the name has none."""
    kms.load(WORLD)
    sdk(client, "DeleteApplicationAccessPoint", name="app")
    assert list_access_points(client) == ["free"]
    refuse(kms, client, errors.ACCESS_NOT_FOUND, "GetClientKey", client_key_id=CLIENT_KEY["id"])
    create_access_point(client, "app")
    assert sdk(client, "ListClientKeys", aap_name="app")["ClientKeys"] == []


@pytest.mark.parametrize("verb", ["Describe", "Update", "Delete"])
def test_an_access_point_that_is_not_there_is_refused(kms: KmsMock, client: Client, verb: str) -> None:
    """A missing access point answers 404 Forbidden.ResourceNotFound."""
    refuse(kms, client, errors.ACCESS_NOT_FOUND, f"{verb}ApplicationAccessPoint", name="none")


@pytest.mark.parametrize("verb", ["Describe", "Delete"])
def test_a_name_too_long_is_refused(kms: KmsMock, client: Client, verb: str) -> None:
    """A name of 256 characters answers InvalidParameter."""
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, f"{verb}ApplicationAccessPoint", name="x" * 256)


def test_a_snapshot_of_access_points_loads_to_the_same(kms: KmsMock, client: Client) -> None:
    """What a fixture file and the API made survives snapshot and load, client keys included."""
    kms.load(WORLD)
    create_access_point(client, description="by call")
    with KmsMock(fixtures=[kms.snapshot()]) as other:
        assert other.snapshot() == kms.snapshot()
        assert (
            sdk(other.client(), "GetClientKey", client_key_id=CLIENT_KEY["id"])["CreateTime"] == CLIENT_KEY["created"]
        )
