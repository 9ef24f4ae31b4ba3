"""Aliases, through the official SDK."""

from __future__ import annotations

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.defaults import DEFAULT_ACCOUNT
from kms_mock.kms import errors
from tests.support.keys import decrypt, describe, encrypt
from tests.support.secrets import allow, ram_user, refuse, sdk

INVALID = errors.KMS_INVALID_PARAMETER


@pytest.fixture(autouse=True)
def keys(kms: KmsMock) -> None:
    """Two keys, the first with one alias."""
    kms.load({"keys": [{"id": "one", "aliases": ["alias/first"]}, {"id": "two"}]})


def alias_names(client: Client, operation: str = "ListAliases", **fields: object) -> list[str]:
    return [alias["AliasName"] for alias in sdk(client, operation, **fields)["Aliases"]["Alias"]]


def test_a_new_alias_stands_for_its_key(client: Client) -> None:
    """CreateAlias gives a key one more name, which DescribeKey and Encrypt take in place of the id."""
    sdk(client, "CreateAlias", key_id="one", alias_name="alias/second")
    assert describe(client, "alias/second").key_id == "one"
    assert decrypt(client, encrypt(client, "alias/second", "hi")) == "hi"
    assert alias_names(client, "ListAliasesByKeyId", key_id="one") == ["alias/first", "alias/second"]


def test_an_alias_is_listed_whole(client: Client) -> None:
    """A list entry has the name, the ARN (without a second prefix) and the key (behaviour.md 15)."""
    entry = {
        "KeyId": "one",
        "AliasArn": f"acs:kms:cn-hangzhou:{DEFAULT_ACCOUNT}:alias/first",
        "AliasName": "alias/first",
    }
    for body in (sdk(client, "ListAliases"), sdk(client, "ListAliasesByKeyId", key_id="one")):
        assert body["Aliases"]["Alias"] == [entry]
        assert (body["TotalCount"], body["PageNumber"], body["PageSize"]) == (1, 1, 10)


def test_an_alias_is_unique(kms: KmsMock, client: Client) -> None:
    """A name that is taken is 400 AliasAlreadyExists, for the same key too."""
    for key in ("one", "two"):
        refuse(kms, client, errors.ALIAS_EXISTS, "CreateAlias", key_id=key, alias_name="alias/first")


def test_another_region_has_its_own_aliases(kms: KmsMock, client: Client) -> None:
    """Names are unique within an account and a region only."""
    north = [{"id": "north", "aliases": ["alias/first"]}]
    kms.load({"accounts": [{"id": DEFAULT_ACCOUNT, "regions": [{"id": "cn-beijing", "keys": north}]}]})
    assert alias_names(client) == ["alias/first"]


@pytest.mark.parametrize("name", ["alias/a", "alias/" + "x" * 249, "alias/A-z_0/9", "alias/ac"])
def test_names_that_are_aliases(client: Client, name: str) -> None:
    """A name is alias/ and letters, digits, / _ -, at most 255 characters in all."""
    sdk(client, "CreateAlias", key_id="two", alias_name=name)
    assert alias_names(client, "ListAliasesByKeyId", key_id="two") == [name]


@pytest.mark.parametrize(
    "name", ["example", "alias/", "Alias/x", "alias/" + "x" * 250, "alias/a b", "alias/é", "alias/x\n", "alias/a.b"]
)
@pytest.mark.parametrize("operation", ["CreateAlias", "DeleteAlias"])
def test_names_that_are_none(kms: KmsMock, client: Client, operation: str, name: str) -> None:
    """Without the prefix, too long, or with other characters a name is not valid."""
    fields = {"key_id": "one"} if operation == "CreateAlias" else {}
    refuse(kms, client, INVALID, operation, alias_name=name, **fields)


@pytest.mark.parametrize("name", ["alias/acs", "alias/acs/ecs", "alias/acsx"])
def test_reserved_names(kms: KmsMock, client: Client, name: str) -> None:
    """Nobody creates an alias that starts with alias/acs (api-docs CreateAlias)."""
    refuse(kms, client, INVALID, "CreateAlias", key_id="one", alias_name=name)


def test_an_alias_is_bound_to_another_key(client: Client) -> None:
    """UpdateAlias moves the name; what was encrypted through it still decrypts."""
    blob = encrypt(client, "alias/first", "before")
    sdk(client, "UpdateAlias", key_id="two", alias_name="alias/first")
    assert describe(client, "alias/first").key_id == "two"
    assert alias_names(client, "ListAliasesByKeyId", key_id="one") == []
    assert alias_names(client, "ListAliasesByKeyId", key_id="two") == ["alias/first"]
    assert decrypt(client, blob) == "before"


def test_an_alias_is_deleted_and_its_key_stays(kms: KmsMock, client: Client) -> None:
    """DeleteAlias takes the name away, not the key; the name is free again."""
    sdk(client, "DeleteAlias", alias_name="alias/first")
    refuse(kms, client, errors.ALIAS_NOT_FOUND, "DescribeKey", key_id="alias/first")
    assert describe(client, "one").key_id == "one"
    sdk(client, "CreateAlias", key_id="two", alias_name="alias/first")
    assert describe(client, "alias/first").key_id == "two"


@pytest.mark.parametrize(("operation", "fields"), [("UpdateAlias", {"key_id": "one"}), ("DeleteAlias", {})])
def test_an_alias_that_is_not_there(kms: KmsMock, client: Client, operation: str, fields: dict[str, str]) -> None:
    """UpdateAlias and DeleteAlias of an unknown alias are 404 Forbidden.AliasNotFound."""
    refuse(kms, client, errors.ALIAS_NOT_FOUND, operation, alias_name="alias/none", **fields)


@pytest.mark.parametrize("operation", ["CreateAlias", "UpdateAlias"])
def test_an_alias_stays_in_its_account(kms: KmsMock, client: Client, operation: str) -> None:
    """The key of an alias is in the caller's own account, even where another account's policy would let it in."""
    everyone = {"Effect": "Allow", "Principal": {"RAM": ["*"]}, "Action": ["kms:*"], "Resource": ["*"]}
    key = {"id": "theirs", "policy": {"Version": "1", "Statement": [everyone]}}
    kms.load({"accounts": [{"id": "42", "regions": [{"id": "cn-hangzhou", "keys": [key]}]}]})
    arn = "acs:kms:cn-hangzhou:42:key/theirs"
    assert describe(client, arn).key_id == "theirs"
    name = "alias/new" if operation == "CreateAlias" else "alias/first"
    refuse(kms, client, errors.KEY_NOT_FOUND, operation, key_id=arn, alias_name=name)


def test_a_key_is_named_by_its_arn(client: Client) -> None:
    """The ARN of a key does where its id does."""
    arn = f"acs:kms:cn-hangzhou:{DEFAULT_ACCOUNT}:key/two"
    sdk(client, "CreateAlias", key_id=arn, alias_name="alias/new")
    sdk(client, "UpdateAlias", key_id=arn, alias_name="alias/first")
    assert alias_names(client, "ListAliasesByKeyId", key_id=arn) == ["alias/new", "alias/first"]


def test_pages_of_aliases(kms: KmsMock, client: Client) -> None:
    """ListAliases has pages of 0 to 100, ListAliasesByKeyId of 0 to 101, ten by default, in order of creation."""
    everything = [f"alias/{number:03}" for number in range(103)]
    kms.load({"keys": [{"id": "many", "aliases": everything}]})
    assert alias_names(client) == ["alias/first", *everything[:9]]
    assert alias_names(client, page_size=100, page_number=2) == everything[99:]
    assert alias_names(client, "ListAliasesByKeyId", key_id="many") == everything[:10]
    assert alias_names(client, "ListAliasesByKeyId", key_id="many", page_size=101) == everything[:101]
    assert alias_names(client, "ListAliasesByKeyId", key_id="many", page_size=101, page_number=2) == everything[101:]
    body = sdk(client, "ListAliases", page_size=0)
    assert (body["Aliases"]["Alias"], body["TotalCount"]) == ([], 104)
    refuse(kms, client, INVALID, "ListAliases", page_size=101)
    refuse(kms, client, INVALID, "ListAliasesByKeyId", key_id="many", page_size=102)
    refuse(kms, client, INVALID, "ListAliases", page_number=0)


def test_the_quota_of_aliases_is_300(kms: KmsMock, client: Client) -> None:
    """The 301st alias is refused; with one less there is room again (behaviour.md 14)."""
    kms.load({"keys": [{"id": "many", "aliases": [f"alias/{number}" for number in range(299)]}]})
    refuse(kms, client, errors.LIMIT_EXCEEDED, "CreateAlias", key_id="one", alias_name="alias/new")
    sdk(client, "UpdateAlias", key_id="two", alias_name="alias/first")
    sdk(client, "DeleteAlias", alias_name="alias/first")
    sdk(client, "CreateAlias", key_id="one", alias_name="alias/new")


def test_permission_is_asked_for_the_key_and_the_alias(kms: KmsMock, client: Client) -> None:
    """RAM must allow kms:CreateAlias on both, and kms:DeleteAlias on the alias (help page on aliases)."""
    place = f"acs:kms:cn-hangzhou:{DEFAULT_ACCOUNT}:"
    kms.load(ram_user(allow("kms:CreateAlias", resource=place + "key/one"), key="key-only"))
    kms.load(ram_user(allow("kms:*Alias", resource=place + "alias/mine"), key="alias-only"))
    both = [allow("kms:*Alias", resource=place + "key/*"), allow("kms:*Alias", resource=place + "alias/mine*")]
    kms.load(ram_user(*both, key="both"))
    for user in ("key-only", "alias-only"):
        half = kms.client(access_key_id=user)
        refuse(kms, half, errors.NO_PERMISSION_ON, "CreateAlias", key_id="one", alias_name="alias/mine")
    user_client = kms.client(access_key_id="both")
    sdk(user_client, "CreateAlias", key_id="one", alias_name="alias/mine")
    refuse(kms, user_client, errors.NO_PERMISSION_ON, "DeleteAlias", alias_name="alias/first")
    refuse(kms, user_client, errors.NO_PERMISSION_ON, "UpdateAlias", key_id="one", alias_name="alias/first")
    sdk(user_client, "DeleteAlias", alias_name="alias/mine")
    assert alias_names(client) == ["alias/first"]


def test_what_a_snapshot_says_of_aliases(kms: KmsMock, client: Client) -> None:
    """A snapshot carries aliases: a mock loaded from it knows the same names."""
    sdk(client, "CreateAlias", key_id="two", alias_name="alias/second")
    document = kms.snapshot()
    with KmsMock([document]) as copy:
        assert describe(copy.client(), "alias/second").key_id == "two"
        assert copy.snapshot() == document
