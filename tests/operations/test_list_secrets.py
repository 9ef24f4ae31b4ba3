"""ListSecrets, through the official SDK."""

from __future__ import annotations

import json
from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.defaults import DEFAULT_ACCOUNT
from kms_mock.kms import errors
from tests.support.secrets import (
    RDS,
    RDS_VALUE,
    UUID,
    names,
    refuse,
    sdk,
)


def test_an_empty_region_lists_nothing(client: Client) -> None:
    """No secrets: an empty list, the total 0, and the default page 1 of size 10."""
    listed = sdk(client, "ListSecrets")
    assert UUID.fullmatch(listed.pop("RequestId"))
    assert listed == {"PageNumber": 1, "PageSize": 10, "TotalCount": 0, "SecretList": {"Secret": []}}


def test_pages_hold_what_they_say(kms: KmsMock, client: Client) -> None:
    """Pages count from 1, ten a page by default; every secret is on exactly one page; TotalCount is the whole number."""
    kms.load({"secrets": [{"name": f"s{number}", "value": "x"} for number in range(25)]})
    pages = [sdk(client, "ListSecrets", page_number=number) for number in (1, 2, 3, 4)]
    assert [len(names(page)) for page in pages] == [10, 10, 5, 0]
    assert [name for page in pages for name in names(page)] == [f"s{number}" for number in range(25)]
    assert {page["TotalCount"] for page in pages} == {25}
    whole = sdk(client, "ListSecrets", page_size=100)
    assert (whole["PageSize"], len(names(whole))) == (100, 25)


@pytest.mark.parametrize(
    "fields",
    [
        {"page_size": 0},
        {"page_size": 101},
        {"page_size": -1},
        {"page_number": 0},
        {"page_number": -1},
        {"fetch_tags": "maybe"},
        {"filters": "SecretName=db"},
        {"filters": '[{"Key": "Colour", "Values": ["red"]}]'},
        {"filters": json.dumps([{"Key": "SecretName", "Values": [str(n) for n in range(11)]}])},
        {"filters": json.dumps([{"Key": "SecretName", "Values": ["a"]}] * 11)},
        {"filters": '[{"Key":"SecretName","x":' + "[" * 20000},
    ],
    ids=lambda fields: json.dumps(fields)[:40],
)
def test_list_refuses_what_is_out_of_range(kms: KmsMock, client: Client, fields: dict[str, Any]) -> None:
    """PageSize is 1 to 100, PageNumber from 1, Filters at most ten keys with at most ten values each."""
    refuse(kms, client, errors.SECRET_INVALID_PARAMETER, "ListSecrets", **fields)


def filtered(client: Client, *filters: tuple[str, list[str]], **more: Any) -> list[str]:
    """List by filters."""
    text = json.dumps([{"Key": key, "Values": values} for key, values in filters])
    return names(sdk(client, "ListSecrets", filters=text, **more))


@pytest.fixture
def filled(kms: KmsMock) -> None:
    """Four secrets that differ in everything that a filter can ask for."""
    kms.load(
        {
            "instances": [{"id": "kst-1"}],
            "secrets": [
                {"name": "a", "value": "x", "description": "first", "tags": {"env": "test", "team": "one"}},
                {"name": "b", "value": "x", "description": "second", "tags": {"env": "prod"}, "instance": "kst-1"},
                {"name": "c", "value": RDS_VALUE, "type": "Rds", "extended_config": RDS},
                {"name": "d", "value": "x", "creator": "42", "tags": {"team": "two"}},
            ],
        }
    )


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([("SecretName", ["a"])], "a"),
        ([("SecretName", ["a", "c", "x"])], "ac"),
        ([("Description", ["second"])], "b"),
        ([("TagKey", ["env"])], "ab"),
        ([("TagKey", ["env", "team"])], "abd"),
        ([("TagValue", ["test", "two"])], "ad"),
        ([("DKMSInstanceId", ["kst-1"])], "b"),
        ([("SecretType", ["Rds"])], "c"),
        ([("SecretType", ["Generic"])], "abd"),
        ([("Creator", ["42"])], "d"),
        ([("Creator", [DEFAULT_ACCOUNT])], "abc"),
        ([("TagKey", ["team"]), ("SecretName", ["a", "b"])], "a"),
        ([("SecretName", ["a"]), ("SecretName", ["b"])], "ab"),
        ([("SecretName", ["none"])], ""),
        ([], "abcd"),
    ],
)
@pytest.mark.usefixtures("filled")
def test_filters(client: Client, filters: list[tuple[str, list[str]]], expected: str) -> None:
    """Values of one key are alternatives, keys restrict each other; a key given twice adds alternatives."""
    assert "".join(filtered(client, *filters)) == expected


@pytest.mark.usefixtures("filled")
def test_filtered_pages(client: Client) -> None:
    """Paging counts what the filter leaves."""
    text = json.dumps([{"Key": "SecretType", "Values": ["Generic"]}])
    listed = sdk(client, "ListSecrets", filters=text, page_size=2, page_number=2)
    assert names(listed) == ["d"]
    assert listed["TotalCount"] == 3


@pytest.mark.usefixtures("filled")
def test_a_summary_has_the_documented_fields(client: Client) -> None:
    """Each entry has name, type and times, with FetchTags its tags too, and never a value."""
    plain = sdk(client, "ListSecrets")["SecretList"]["Secret"][0]
    assert set(plain) == {"SecretName", "SecretType", "CreateTime", "UpdateTime", "OwingService"}
    tagged = sdk(client, "ListSecrets", fetch_tags="true")["SecretList"]["Secret"]
    assert tagged[1]["Tags"] == {"Tag": [{"TagKey": "env", "TagValue": "prod"}]}
    assert tagged[2]["Tags"] == {"Tag": []}
