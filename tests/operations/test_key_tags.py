"""Tags of keys, through the official SDK (and its generic call for the newer operations, as scripts use it)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.defaults import DEFAULT_ACCOUNT
from kms_mock.kms import errors
from kms_mock.kms.errors import ErrorSpec
from tests.support.calls import call, refused, tag_parameter
from tests.support.keys import create_key, key_ids
from tests.support.secrets import refuse, sdk

INVALID = errors.KMS_INVALID_PARAMETER


@pytest.fixture(autouse=True)
def keys(kms: KmsMock) -> None:
    """Two keys, the first with one tag."""
    kms.load({"keys": [{"id": "one", "tags": {"team": "a"}, "aliases": ["alias/one"]}, {"id": "two"}]})


def tags(client: Client, key_id: str = "one") -> dict[str, str]:
    found = sdk(client, "ListResourceTags", key_id=key_id)["Tags"]["Tag"]
    assert {tag["KeyId"] for tag in found} <= {"one", "two"}
    return {tag["TagKey"]: tag["TagValue"] for tag in found}


def on_keys(*ids: str, **more: str) -> dict[str, str]:
    named = {f"ResourceId.{number}": one for number, one in enumerate(ids, 1)}
    return {"RegionId": "cn-hangzhou", "ResourceType": "key", **named, **more}


def with_tags(**wanted: str) -> dict[str, str]:
    numbered = enumerate(wanted.items(), 1)
    return {
        f"Tag.{number}.{part}": word
        for number, pair in numbered
        for part, word in zip(("Key", "Value"), pair, strict=True)
    }


# -- TagResource, UntagResource, ListResourceTags ---------------------------------------------------------------------


def test_tags_are_added_and_replaced(client: Client) -> None:
    """TagResource adds tags and gives an existing key its new value."""
    sdk(client, "TagResource", key_id="one", tags=tag_parameter(team="b", env="test"))
    assert tags(client) == {"team": "b", "env": "test"}


def test_tags_are_removed(client: Client) -> None:
    """UntagResource removes the named tags; one that is not there is fine."""
    sdk(client, "UntagResource", key_id="one", tag_keys='["team","none"]')
    assert tags(client) == {}


@pytest.mark.parametrize("name", ["alias/one", f"acs:kms:cn-hangzhou:{DEFAULT_ACCOUNT}:key/one"])
def test_a_key_is_named_by_alias_or_arn(client: Client, name: str) -> None:
    """The three calls find a key by alias and ARN too."""
    sdk(client, "TagResource", key_id=name, tags=tag_parameter(env="x"))
    assert tags(client, name) == {"team": "a", "env": "x"}
    sdk(client, "UntagResource", key_id=name, tag_keys='["env"]')
    assert tags(client) == {"team": "a"}


def test_twenty_tags_and_no_more(kms: KmsMock, client: Client) -> None:
    """A key has at most 20 tags, over all calls; a call that would make it more adds none."""
    sdk(client, "TagResource", key_id="one", tags=tag_parameter(**{f"k{number}": "" for number in range(19)}))
    refuse(kms, client, INVALID, "TagResource", key_id="one", tags=tag_parameter(more="x"))
    sdk(client, "TagResource", key_id="one", tags=tag_parameter(team="fine"))
    assert len(tags(client)) == 20


LONGEST = "x" * 128


@pytest.mark.parametrize(
    ("key", "value"),
    [(LONGEST, LONGEST), ("a/b\\c_d-e.f+g=h:i@j", "a/b\\c_d-e.f+g=h:i@j"), ("k", ""), ("Aliyun", "acs:x")],
)
def test_tags_that_are_taken(client: Client, key: str, value: str) -> None:
    """Keys and values have up to 128 characters of the documented set; only keys have reserved beginnings."""
    sdk(client, "TagResource", key_id="two", tags=tag_parameter(**{key: value}))
    assert tags(client, "two") == {key: value}


@pytest.mark.parametrize(
    "wrong",
    [
        tag_parameter(**{LONGEST + "x": "v"}),
        tag_parameter(k=LONGEST + "x"),
        tag_parameter(**{"a b": "v"}),
        tag_parameter(k="ü"),
        tag_parameter(**{"aliyun-x": "v"}),
        tag_parameter(**{"acs:x": "v"}),
        tag_parameter(**{"": "v"}),
        '[{"TagKey":"k","TagValue":"1"},{"TagKey":"k","TagValue":"2"}]',
        '{"TagKey":"k"}',
        "k=v",
    ],
)
def test_tags_that_are_refused(kms: KmsMock, client: Client, wrong: str) -> None:
    """Anything else is refused, and not one tag of the call is added."""
    refuse(kms, client, INVALID, "TagResource", key_id="one", tags=wrong)


@pytest.mark.parametrize("wrong", ['"team"', "team", '[""]', json.dumps([LONGEST + "x"])])
def test_tag_keys_that_are_refused(kms: KmsMock, client: Client, wrong: str) -> None:
    """TagKeys is a JSON list of texts of 1 to 128 characters."""
    refuse(kms, client, INVALID, "UntagResource", key_id="one", tag_keys=wrong)


@pytest.mark.parametrize(
    ("operation", "fields"),
    [("TagResource", {"tags": tag_parameter(a="b")}), ("UntagResource", {"tag_keys": '["team"]'})],
)
def test_exactly_one_resource(kms: KmsMock, client: Client, operation: str, fields: dict[str, Any]) -> None:
    """TagResource and UntagResource name exactly one of key, secret and certificate, which must be there."""
    refuse(kms, client, INVALID, operation, **fields)
    refuse(kms, client, INVALID, operation, key_id="one", secret_name="db", **fields)
    refuse(kms, client, errors.KEY_NOT_FOUND, operation, key_id="none", **fields)


def test_tags_of_a_key_that_is_not_there(kms: KmsMock, client: Client) -> None:
    """ListResourceTags of an unknown key is 404 Forbidden.KeyNotFound."""
    refuse(kms, client, errors.KEY_NOT_FOUND, "ListResourceTags", key_id="none")


# -- TagResources, UntagResources, ListTagResources -------------------------------------------------------------------


def test_many_keys_are_tagged_at_once(client: Client) -> None:
    """TagResources adds its tags to every named key, UntagResources removes them."""
    call(client, "TagResources", **on_keys("one", "two"), **with_tags(env="x", team="c"))
    assert tags(client) == {"team": "c", "env": "x"}
    assert tags(client, "two") == {"env": "x", "team": "c"}
    call(client, "UntagResources", **on_keys("one", "two"), **{"TagKey.1": "env", "TagKey.2": "none"})
    assert (tags(client), tags(client, "two")) == ({"team": "c"}, {"team": "c"})


def test_all_tags_are_removed_only_without_names(kms: KmsMock, client: Client) -> None:
    """All=true removes every tag when no keys are named, and counts for nothing when some are."""
    call(client, "TagResources", **on_keys("one"), **with_tags(env="x"))
    call(client, "UntagResources", **on_keys("one"), All="true", **{"TagKey.1": "env"})
    assert tags(client) == {"team": "a"}
    message = "The parameter  TagKey  needed but no provided."
    refused(
        kms,
        errors.MISSING_PARAMETER,
        lambda: call(client, "UntagResources", **on_keys("one")),
        message=message,
    )
    call(client, "UntagResources", **on_keys("one", "two"), All="true")
    assert tags(client) == {}


def test_one_unknown_key_refuses_all(kms: KmsMock, client: Client) -> None:
    """A key that is not there is 404 InvalidResourceId.NotFound, and no other key is changed."""
    some = on_keys("one", "none")
    refused(kms, errors.INVALID_RESOURCE_ID, lambda: call(client, "TagResources", **some, **with_tags(env="x")))
    refused(kms, errors.INVALID_RESOURCE_ID, lambda: call(client, "UntagResources", **some, All="true"))
    refused(kms, errors.INVALID_RESOURCE_ID, lambda: call(client, "ListTagResources", **some))


@pytest.mark.parametrize(
    ("wrong", "spec"),
    [
        ({"Tag.1.Key": "acs:x", "Tag.1.Value": "v"}, errors.INVALID_TAG_KEY),
        ({"Tag.1.Key": "k", "Tag.1.Value": "a b"}, errors.INVALID_TAG_VALUE),
        ({"Tag.1.Key": "k", "Tag.1.Value": "1", "Tag.2.Key": "k", "Tag.2.Value": "2"}, errors.DUPLICATE_TAG_KEY),
    ],
)
def test_wrong_tags_of_many(kms: KmsMock, client: Client, wrong: dict[str, str], spec: ErrorSpec) -> None:
    """TagResources has a code for each way in which a tag is wrong."""
    refused(kms, spec, lambda: call(client, "TagResources", **on_keys("two"), **wrong))


def test_a_tag_that_is_text_and_fields(kms: KmsMock, client: Client) -> None:
    """`Tag.1` beside `Tag.1.Key` is no tag, whichever comes first."""
    fields = {"Tag.1.Key": "k", "Tag.1.Value": "v"}
    message = "The specified parameter Tag is not valid."
    for wrong in ({"Tag.1": "text", **fields}, {**fields, "Tag.1": "text"}):
        refused(
            kms,
            errors.KMS_INVALID_PARAMETER,
            lambda wrong=wrong: call(client, "TagResources", **on_keys("two"), **wrong),
            message=message,
        )


def test_tags_are_listed_by_key_and_by_tag(client: Client) -> None:
    """ListTagResources lists the rows of the named keys, or of those that carry all the asked tags."""
    call(client, "TagResources", **on_keys("two"), **with_tags(team="b", env="x"))

    def rows(parameters: dict[str, str]) -> list[tuple[str, str, str]]:
        body = call(client, "ListTagResources", **parameters)
        assert body["NextToken"] == ""
        found = body["TagResources"]["TagResource"]
        assert all(row["ResourceType"] == "key" for row in found)
        return [(row["ResourceId"], row["TagKey"], row["TagValue"]) for row in found]

    everything = [("one", "team", "a"), ("two", "team", "b"), ("two", "env", "x")]
    assert rows(on_keys()) == everything
    assert rows(on_keys("one")) == everything[:1]
    assert rows(on_keys(**with_tags(team="b"))) == everything[1:]
    assert rows(on_keys(**{"Tag.1.Key": "team"})) == everything
    assert rows(on_keys(**with_tags(team="a", env="x"))) == []


def test_more_rows_than_a_page(kms: KmsMock, client: Client) -> None:
    """A page has 200 rows and a token for the next one; the last page's token is empty."""
    many = {f"k{number}": "v" for number in range(20)}
    kms.load({"keys": [{"id": f"key-{number}", "tags": many} for number in range(12)]})
    parameters = on_keys(**{"Tag.1.Key": "k0"})
    first = call(client, "ListTagResources", **parameters)
    second = call(client, "ListTagResources", **parameters, NextToken=first["NextToken"])
    rows = [body["TagResources"]["TagResource"] for body in (first, second)]
    assert [len(page) for page in rows] == [200, 40]
    assert len({(row["ResourceId"], row["TagKey"]) for page in rows for row in page}) == 240
    assert second["NextToken"] == ""


# -- tags elsewhere ---------------------------------------------------------------------------------------------------


def test_tags_find_keys(client: Client) -> None:
    """ListKeys filters by the tags that these calls set."""
    made = create_key(client, tags=tag_parameter(team="z")).key_id
    sdk(client, "TagResource", key_id="two", tags=tag_parameter(team="z"))
    assert key_ids(client, filters='[{"Key":"TagValue","Values":["z"]}]') == ["two", made]


def test_a_snapshot_keeps_tags(kms: KmsMock, client: Client) -> None:
    """A mock loaded from a snapshot has the same tags."""
    sdk(client, "TagResource", key_id="one", tags=tag_parameter(env="x"))
    with KmsMock([kms.snapshot()]) as copy:
        assert tags(copy.client()) == {"team": "a", "env": "x"}
