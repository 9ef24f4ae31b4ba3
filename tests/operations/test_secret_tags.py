"""Tags on secrets: the older calls for one, the newer ones for many, through the official SDK."""

from __future__ import annotations

import json
from typing import Any

import pytest
from alibabacloud_kms20160120 import models
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.defaults import DEFAULT_ACCOUNT
from kms_mock.kms import errors
from tests.support.calls import tag_parameter
from tests.support.secrets import (
    KEY_ID,
    NO_SUCH_KEYS,
    OTHER_ACCOUNT,
    UNKNOWN_KEY_ID,
    create,
    refuse,
    resource_policy,
    sdk,
)

Tag: Any = models.TagResourcesRequestTag
Wanted: Any = models.ListTagResourcesRequestTag
REGION = {"region_id": "cn-hangzhou", "resource_type": "secret"}
CHARACTERS = "aZ09/\\_-.+=:@"


def tags(client: Client, name: str = "db") -> dict[str, str]:
    """Return the tags of a secret."""
    found = sdk(client, "DescribeSecret", secret_name=name, fetch_tags="true")["Tags"]["Tag"]
    return {one["TagKey"]: one["TagValue"] for one in found}


# -- TagResource, UntagResource ---------------------------------------------------------------------------------------


def test_tags_are_added_and_replaced(client: Client) -> None:
    """TagResource adds tags; a key that is there gets its new value; values may be empty."""
    create(client)
    assert set(sdk(client, "TagResource", secret_name="db", tags=tag_parameter(a="1", b="2"))) == {"RequestId"}
    sdk(client, "TagResource", secret_name="db", tags=tag_parameter(b="3", c=""))
    assert tags(client) == {"a": "1", "b": "3", "c": ""}


def test_tags_are_removed(client: Client) -> None:
    """UntagResource removes the named tags; one that is not there is fine."""
    create(client, tags=tag_parameter(a="1", b="2", c="3"))
    sdk(client, "UntagResource", secret_name="db", tag_keys='["a","c","none"]')
    assert tags(client) == {"b": "2"}


def test_the_characters_of_tags(client: Client) -> None:
    r"""Keys and values have up to 128 letters, digits and /\_-.+=:@."""
    create(client)
    key, value = (CHARACTERS * 10)[:128], (CHARACTERS[::-1] * 10)[:128]
    sdk(client, "TagResource", secret_name="db", tags=tag_parameter(**{key: value}))
    assert tags(client) == {key: value}


@pytest.mark.parametrize(
    "given",
    [
        "a=b",
        "{}",
        "[{}]",
        tag_parameter(**{"": "x"}),
        tag_parameter(**{"x" * 129: "x"}),
        tag_parameter(a="x" * 129),
        tag_parameter(**{"a b": "x"}),
        tag_parameter(a="ü"),
        tag_parameter(**{"acs:a": "x"}),
        tag_parameter(**{"aliyun.a": "x"}),
        '[{"TagKey":"a"},{"TagKey":"a"}]',
        tag_parameter(**{f"k{number}": "x" for number in range(21)}),
        '[{"TagKey":' + "[" * 9999,
    ],
    ids=lambda given: given[:40],
)
def test_wrong_tags_are_refused_whole(kms: KmsMock, client: Client, given: str) -> None:
    """One wrong tag refuses them all."""
    create(client, tags=tag_parameter(old="1"))
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, "TagResource", secret_name="db", tags=given)


def test_a_twenty_first_tag_is_refused(kms: KmsMock, client: Client) -> None:
    """A secret has at most 20 tags, those it has already included; replacing one is no new one."""
    create(client, tags=tag_parameter(**{f"k{number}": "x" for number in range(20)}))
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, "TagResource", secret_name="db", tags=tag_parameter(new="x"))
    sdk(client, "TagResource", secret_name="db", tags=tag_parameter(k0="y"))
    assert tags(client)["k0"] == "y"


@pytest.mark.parametrize(
    ("operation", "fields"), [("TagResource", {"tags": tag_parameter(a="1")}), ("UntagResource", {"tag_keys": '["a"]'})]
)
class TestOneResource:
    """What TagResource and UntagResource share."""

    def test_exactly_one_resource_is_named(
        self, kms: KmsMock, client: Client, operation: str, fields: dict[str, str]
    ) -> None:
        """KeyId, SecretName and CertificateId: exactly one of them."""
        create(client)
        invalid = errors.KMS_INVALID_PARAMETER
        refuse(kms, client, invalid, operation, **fields)
        refuse(kms, client, invalid, operation, secret_name="db", key_id=KEY_ID, **fields)
        refuse(kms, client, invalid, operation, secret_name="db", certificate_id="c", **fields)

    def test_the_resource_must_exist(
        self, kms: KmsMock, client: Client, operation: str, fields: dict[str, str]
    ) -> None:
        """An unknown secret, key or certificate is not found."""
        refuse(kms, client, errors.SECRET_NOT_FOUND, operation, secret_name="none", **fields)
        refuse(kms, client, errors.KEY_NOT_FOUND, operation, key_id=UNKNOWN_KEY_ID, **fields)
        refuse(kms, client, errors.CERTIFICATE_NOT_FOUND, operation, certificate_id="none", **fields)

    def test_what_waits_for_deletion_is_not_tagged(
        self, kms: KmsMock, client: Client, operation: str, fields: dict[str, str]
    ) -> None:
        """A secret in its recovery window and a key that is PendingDeletion are refused with 409."""
        kms.load(
            {
                "keys": [{"id": KEY_ID, "state": "PendingDeletion", "deletion_date": "+7d"}],
                "secrets": [{"name": "db", "value": "x", "planned_delete": "+7d"}],
            }
        )
        refuse(kms, client, errors.SECRET_IN_DELETE_WINDOW, operation, secret_name="db", **fields)
        refuse(kms, client, errors.KEY_PENDING_DELETION, operation, key_id=KEY_ID, **fields)

    def test_unknown_access_keys(self, kms: KmsMock, client: Client, operation: str, fields: dict[str, str]) -> None:
        """An AccessKey that is not in the fixture is refused when it says so."""
        kms.load(NO_SUCH_KEYS)
        refuse(kms, client, errors.INVALID_ACCESS_KEY_ID, operation, secret_name="db", **fields)


@pytest.mark.parametrize("keys", ["a", "{}", "[1]", '[""]', json.dumps(["x" * 129])])
def test_wrong_tag_keys_are_refused(kms: KmsMock, client: Client, keys: str) -> None:
    """TagKeys is a JSON array of keys of 1 to 128 characters."""
    create(client)
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, "UntagResource", secret_name="db", tag_keys=keys)


# -- ListResourceTags -------------------------------------------------------------------------------------------------


def test_tags_of_a_key(kms: KmsMock, client: Client) -> None:
    """ListResourceTags lists the tags of a key, each with the key's id."""
    kms.load({"keys": [{"id": KEY_ID, "tags": {"a": "1", "b": ""}}]})
    answer = sdk(client, "ListResourceTags", key_id=KEY_ID)
    assert answer["Tags"] == {
        "Tag": [
            {"KeyId": KEY_ID, "TagKey": "a", "TagValue": "1"},
            {"KeyId": KEY_ID, "TagKey": "b", "TagValue": ""},
        ]
    }
    sdk(client, "TagResource", key_id=KEY_ID, tags=tag_parameter(c="2"))
    sdk(client, "UntagResource", key_id=KEY_ID, tag_keys='["a"]')
    listed = sdk(client, "ListResourceTags", key_id=KEY_ID)["Tags"]["Tag"]
    assert [one["TagKey"] for one in listed] == ["b", "c"]


def test_tags_of_a_key_refusals(kms: KmsMock, client: Client) -> None:
    """Unknown keys are not found, overlong ids are invalid, unknown AccessKeys are refused when the fixture says so."""
    refuse(kms, client, errors.KEY_NOT_FOUND, "ListResourceTags", key_id=UNKNOWN_KEY_ID)
    refuse(kms, client, errors.KMS_INVALID_PARAMETER, "ListResourceTags", key_id="x" * 513)
    kms.load(NO_SUCH_KEYS)
    refuse(kms, client, errors.INVALID_ACCESS_KEY_ID, "ListResourceTags", key_id=UNKNOWN_KEY_ID)


# -- TagResources, UntagResources -------------------------------------------------------------------------------------


def test_many_resources_get_many_tags(client: Client) -> None:
    """TagResources adds all tags to all named resources, by name or ARN."""
    create(client, "a", tags=tag_parameter(x="old", z="kept"))
    arn = create(client, "b")["Arn"]
    create(client, "c")
    given = [Tag(key="x", value="1"), Tag(key="y")]
    answer = sdk(client, "TagResources", **REGION, resource_id=["a", arn], tag=given)
    assert set(answer) == {"RequestId"}
    assert tags(client, "a") == {"x": "1", "z": "kept", "y": ""}
    assert tags(client, "b") == {"x": "1", "y": ""}
    assert tags(client, "c") == {}


def test_one_missing_resource_refuses_the_whole_call(kms: KmsMock, client: Client) -> None:
    """All of them or none: one unknown id answers InvalidResourceId.NotFound and nothing is tagged."""
    create(client, "a", tags=tag_parameter(x="1"))
    row = errors.INVALID_RESOURCE_ID
    ids = ["a", "none"]
    refuse(kms, client, row, "TagResources", **REGION, resource_id=ids, tag=[Tag(key="y", value="1")])
    refuse(kms, client, row, "UntagResources", **REGION, resource_id=ids, tag_key=["x"])
    refuse(kms, client, row, "ListTagResources", **REGION, resource_id=ids)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ([Tag(key="acs:x", value="1")], errors.INVALID_TAG_KEY),
        ([Tag(value="1")], errors.INVALID_TAG_KEY),
        ([Tag(key="x" * 129, value="1")], errors.INVALID_TAG_KEY),
        ([Tag(key="a b", value="1")], errors.INVALID_TAG_KEY),
        ([Tag(key="x", value="x" * 129)], errors.INVALID_TAG_VALUE),
        ([Tag(key="x", value="a b")], errors.INVALID_TAG_VALUE),
        ([Tag(key="x", value="1"), Tag(key="x", value="2")], errors.DUPLICATE_TAG_KEY),
    ],
    ids=lambda one: one.code if isinstance(one, errors.ErrorSpec) else str(len(one)),
)
def test_wrong_tags_have_codes_of_their_own(
    kms: KmsMock, client: Client, given: list[Any], error: errors.ErrorSpec
) -> None:
    """InvalidParameter.TagKey, InvalidParameter.TagValue and Duplicate.TagKey say which side of a tag is wrong."""
    create(client)
    refuse(kms, client, error, "TagResources", **REGION, resource_id=["db"], tag=given)


def test_limits_of_the_lists(kms: KmsMock, client: Client) -> None:
    """At most 50 resources and 20 tags or tag keys in one call; the secret's own limit is 20 tags."""
    create(client, tags=tag_parameter(old="x"))
    many = [Tag(key=f"k{number}", value="x") for number in range(21)]
    invalid = errors.INVALID_PARAMETER
    named = "The specified parameter {} is not valid.".format
    tag = [Tag(key="a", value="1")]
    ids = ["db"] * 51
    refuse(kms, client, invalid, "TagResources", message=named("ResourceId"), **REGION, resource_id=ids, tag=tag)
    refuse(kms, client, invalid, "TagResources", message=named("Tag"), **REGION, resource_id=["db"], tag=many)
    refuse(kms, client, invalid, "TagResources", message=named("Tag"), **REGION, resource_id=["db"], tag=many[:20])
    keys = [f"k{number}" for number in range(21)]
    refuse(kms, client, invalid, "UntagResources", message=named("TagKey"), **REGION, resource_id=["db"], tag_key=keys)
    kind = {**REGION, "resource_type": "certificate"}
    message = named("ResourceType")
    refuse(kms, client, invalid, "TagResources", message=message, **kind, resource_id=["db"], tag=tag)
    sdk(client, "TagResources", **REGION, resource_id=["db"] * 50, tag=many[:19])
    assert len(tags(client)) == 20


def test_tags_are_removed_from_many(client: Client) -> None:
    """UntagResources removes the named keys where they are; All=true without keys removes every tag."""
    create(client, "a", tags=tag_parameter(x="1", y="2"))
    create(client, "b", tags=tag_parameter(y="2", z="3"))
    sdk(client, "UntagResources", **REGION, resource_id=["a", "b"], tag_key=["x", "z", "none"])
    assert (tags(client, "a"), tags(client, "b")) == ({"y": "2"}, {"y": "2"})
    create(client, "c", tags=tag_parameter(x="1", y="2"))
    sdk(client, "UntagResources", **REGION, resource_id=["c"], tag_key=["x"], all=True)  # All counts only without keys
    assert tags(client, "c") == {"y": "2"}
    sdk(client, "UntagResources", **REGION, resource_id=["a", "c"], all=True)
    assert (tags(client, "a"), tags(client, "c")) == ({}, {})
    assert tags(client, "b") == {"y": "2"}


def test_something_to_remove_must_be_named(kms: KmsMock, client: Client) -> None:
    """Without keys and without All=true there is nothing to do."""
    create(client, tags=tag_parameter(x="1"))
    message = "The parameter  TagKey  needed but no provided."
    row = errors.MISSING_PARAMETER
    refuse(kms, client, row, "UntagResources", message=message, **REGION, resource_id=["db"])
    refuse(kms, client, row, "UntagResources", message=message, **REGION, resource_id=["db"], all=False)


@pytest.mark.parametrize("operation", ["TagResources", "UntagResources"])
def test_what_waits_for_deletion_is_not_tagged(kms: KmsMock, client: Client, operation: str) -> None:
    """One secret in its recovery window refuses the whole call."""
    kms.load({"secrets": [{"name": "a", "value": "x"}, {"name": "b", "value": "x", "planned_delete": "+7d"}]})
    fields: dict[str, Any] = {"tag": [Tag(key="x", value="1")]} if operation == "TagResources" else {"tag_key": ["x"]}
    refuse(kms, client, errors.SECRET_IN_DELETE_WINDOW, operation, **REGION, resource_id=["a", "b"], **fields)


def test_arns_of_several_accounts_in_one_call(kms: KmsMock, client: Client) -> None:
    """Each resource is changed in its own account; a plain name is this account's, whatever came before it."""
    policy = resource_policy("kms:*", principal=f"acs:ram::{DEFAULT_ACCOUNT}:*")
    theirs = [{"name": "db", "value": "theirs", "policy": policy}]
    kms.load({"accounts": [{"id": OTHER_ACCOUNT, "regions": [{"id": "cn-hangzhou", "secrets": theirs}]}]})
    create(client)
    create(client, "mine")
    arn = f"acs:kms:cn-hangzhou:{OTHER_ACCOUNT}:secret/db"
    ids = ["db", arn, "mine"]
    sdk(client, "TagResources", **REGION, resource_id=ids, tag=[Tag(key="x", value="1")])
    assert [tags(client, name) for name in ids] == [{"x": "1"}] * 3
    rows = sdk(client, "ListTagResources", **REGION, resource_id=ids)["TagResources"]["TagResource"]
    assert [row["ResourceId"] for row in rows] == ["db", "db", "mine"]
    sdk(client, "UntagResources", **REGION, resource_id=[arn, "db"], all=True)
    assert [tags(client, name) for name in ids] == [{}, {}, {"x": "1"}]


def test_keys_are_tagged_by_the_same_calls(kms: KmsMock, client: Client) -> None:
    """ResourceType key names keys."""
    kms.load({"keys": [{"id": KEY_ID}]})
    of_keys = {"region_id": "cn-hangzhou", "resource_type": "key", "resource_id": [KEY_ID]}
    sdk(client, "TagResources", **of_keys, tag=[Tag(key="x", value="1")])
    rows = sdk(client, "ListTagResources", **of_keys)["TagResources"]["TagResource"]
    assert rows == [{"ResourceType": "key", "ResourceId": KEY_ID, "TagKey": "x", "TagValue": "1"}]
    sdk(client, "UntagResources", **of_keys, all=True)
    assert sdk(client, "ListTagResources", **of_keys)["TagResources"] == {"TagResource": []}


# -- ListTagResources -------------------------------------------------------------------------------------------------


def listed(client: Client, **fields: Any) -> list[tuple[str, str, str]]:
    """Return the rows of a page."""
    rows = sdk(client, "ListTagResources", **REGION, **fields)["TagResources"]["TagResource"]
    return [(row["ResourceId"], row["TagKey"], row["TagValue"]) for row in rows]


@pytest.fixture
def filled(kms: KmsMock) -> None:
    """Three secrets with tags, one without."""
    kms.load(
        {
            "secrets": [
                {"name": "a", "value": "x", "tags": {"env": "test", "team": "one"}},
                {"name": "b", "value": "x", "tags": {"env": "prod"}},
                {"name": "c", "value": "x"},
                {"name": "d", "value": "x", "tags": {"env": ""}},
            ]
        }
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, [("a", "env", "test"), ("a", "team", "one"), ("b", "env", "prod"), ("d", "env", "")]),
        ({"resource_id": ["b", "c"]}, [("b", "env", "prod")]),
        ({"tag": [Wanted(key="env", value="test")]}, [("a", "env", "test"), ("a", "team", "one")]),
        ({"tag": [Wanted(key="team")]}, [("a", "env", "test"), ("a", "team", "one")]),
        ({"tag": [Wanted(key="env", value="test"), Wanted(key="team", value="two")]}, []),
        ({"resource_id": ["a"], "tag": [Wanted(key="env", value="prod")]}, []),
        ({"tag": [Wanted(key="none")]}, []),
    ],
)
@pytest.mark.usefixtures("filled")
def test_rows_by_resource_and_tag(client: Client, fields: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    """One row for each tag of each resource that is named and carries all wanted tags."""
    assert listed(client, **fields) == expected


def test_two_hundred_rows_a_page(kms: KmsMock, client: Client) -> None:
    """A page has 200 rows; NextToken leads to the next one and is empty on the last."""
    many = {f"k{number}": "x" for number in range(20)}
    kms.load({"secrets": [{"name": f"s{number}", "value": "x", "tags": many} for number in range(21)]})
    rows, token, pages = [], "", 0
    while True:
        answer = sdk(client, "ListTagResources", **REGION, next_token=token or None)
        rows += answer["TagResources"]["TagResource"]
        token, pages = answer["NextToken"], pages + 1
        if not token:
            break
    assert pages == 3
    assert len({(row["ResourceId"], row["TagKey"]) for row in rows}) == len(rows) == 420


@pytest.mark.parametrize("token", ["x", "-1", "1", "f" * 16, "g" * 16, "0" * 17])
def test_a_token_must_be_one_that_was_given(kms: KmsMock, client: Client, token: str) -> None:
    """Any other NextToken is an invalid parameter."""
    message = "The specified parameter NextToken is not valid."
    fields = {**REGION, "next_token": token}
    refuse(kms, client, errors.INVALID_PARAMETER, "ListTagResources", message=message, **fields)


def test_list_refusals(kms: KmsMock, client: Client) -> None:
    """A tag key asked for twice, and unknown AccessKeys when the fixture says so, are refused."""
    twice = [Wanted(key="a", value="1"), Wanted(key="a", value="2")]
    refuse(kms, client, errors.DUPLICATE_TAG_KEY, "ListTagResources", **REGION, tag=twice)
    kms.load(NO_SUCH_KEYS)
    row = errors.INVALID_ACCESS_KEY_ID
    refuse(kms, client, row, "ListTagResources", **REGION)
    refuse(kms, client, row, "TagResources", **REGION, resource_id=["db"], tag=[Tag(key="a", value="1")])
    refuse(kms, client, row, "UntagResources", **REGION, resource_id=["db"], all=True)
