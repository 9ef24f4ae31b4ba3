"""Lists in requests: numbered, as JSON, with gaps (clients.md 2)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kms_mock import KmsMock
from tests.support.raw_http import ask, http, request_parameters

SECRET = {"name": "db", "value": "one", "tags": {"team": "a"}}


@pytest.fixture(scope="module")
def kms() -> Iterator[KmsMock]:
    with KmsMock([{"secrets": [SECRET]}]) as running:
        yield running


# -- lists ------------------------------------------------------------------------------------------------------------


def tagging(**parameters: str) -> dict[str, str]:
    return request_parameters("TagResources", RegionId="cn-hangzhou", ResourceType="secret", **parameters)


def tags_of(kms: KmsMock) -> dict[str, str]:
    answer = ask(kms, http("GET", request_parameters("DescribeSecret", SecretName="db", FetchTags="true")))
    return {tag["TagKey"]: tag["TagValue"] for tag in answer.tree["Tags"]["Tag"]}


def test_flattened_lists_are_read_in_the_order_of_their_numbers(kms: KmsMock) -> None:
    """10: `ResourceId.N`, `Tag.N.Key`: the numbers count, gaps are fine, and so is any order of arrival."""
    kms.reset()
    request = tagging(
        ResourceId__7="db", Tag__10__Value="ten", Tag__10__Key="k10", Tag__9__Key="k9", Tag__9__Value="nine"
    )
    assert ask(kms, http("POST", request)).status == 200
    assert list(tags_of(kms).items()) == [("team", "a"), ("k9", "nine"), ("k10", "ten")]
    untag = request_parameters("UntagResources", RegionId="cn-hangzhou", ResourceType="secret", ResourceId__1="db")
    assert ask(kms, http("POST", form={**untag, "TagKey.3": "k9", "TagKey.1": "team"})).status == 200
    assert tags_of(kms) == {"k10": "ten"}


@pytest.mark.parametrize(
    "parameters",
    [
        {"Tag.1.Key": "k", "Tag.1.Value": "v", **{f"ResourceId.{number}": "db" for number in range(1, 52)}},
        {"ResourceId.1": "db", **{f"Tag.{number}.Key": f"k{number}" for number in range(1, 22)}},
    ],
    ids=["51 resources", "21 tags"],
)
def test_too_long_lists_are_refused(kms: KmsMock, parameters: dict[str, str]) -> None:
    """10: at most 50 resources and 20 tags in one request (behaviour.md 6)."""
    before = kms.snapshot()
    assert ask(kms, http("POST", {**tagging(), **parameters})).refusal[:2] == (400, "InvalidParameter")
    assert kms.snapshot() == before


@pytest.mark.parametrize(
    "parameters",
    [
        {"ResourceId.1": "db", "Tag.1": "k"},
        {"ResourceId.1": "db", "Tag.1.Key": "k", "Tag.1": "k"},
        {"ResourceId.1.Key": "db", "Tag.1.Key": "k"},
        {"ResourceId": "db", "Tag.1.Key": "k"},
        {"ResourceId": "[1]", "Tag.1.Key": "k"},
        {"ResourceId": "[" * 20000, "Tag.1.Key": "k"},
        {"ResourceId.x": "db", "Tag.y": "k"},
        {"ResourceId.99999999999999999999": "db", "Tag.1.Key": "k"},
        {"ResourceId.1": "db", "Tag.-1.Key": "k"},
        {"ResourceId.": "db", "Tag.": "k"},
    ],
)
def test_lists_written_wrongly_are_refused(kms: KmsMock, parameters: dict[str, str]) -> None:
    """10: what is no list of the right form answers an error of the API and changes nothing."""
    before = kms.snapshot()
    answer = ask(kms, http("POST", {**tagging(), **parameters}))
    assert answer.refusal[0] in (400, 404)
    assert kms.snapshot() == before


def test_a_json_string_may_stand_for_a_flattened_list(kms: KmsMock) -> None:
    """10: Tags, VersionStages and Filters are JSON strings; a list parameter is read from JSON too."""
    kms.reset()
    request = tagging(ResourceId='["db"]', Tag='[{"Key":"k","Value":"v"}]')
    assert ask(kms, http("POST", request)).status == 200
    assert tags_of(kms)["k"] == "v"
    found = ask(kms, http("GET", request_parameters("ListSecrets", Filters='[{"Key":"TagKey","Values":["k"]}]')))
    assert [one["SecretName"] for one in found.tree["SecretList"]["Secret"]] == ["db"]


@pytest.mark.parametrize("text", ["{", "x", "[1]", '[{"Key":1}]', "null", '"a"', "[" * 20000, '[{"Key":"\\ud800"}]'])
def test_json_that_is_none_is_refused(kms: KmsMock, text: str) -> None:
    """10: a parameter that should hold JSON of another form answers InvalidParameter, however deep it nests."""
    assert ask(kms, http("POST", form=request_parameters("ListSecrets", Filters=text))).refusal[:2] == (
        400,
        "InvalidParameter",
    )
