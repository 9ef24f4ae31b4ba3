"""GetRandomPassword (behaviour.md 8), through the official SDK."""

from __future__ import annotations

import json
import string

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.kms import errors
from tests.support.secrets import refuse, sdk

PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_{|}~"
KINDS = {
    "lowercase": string.ascii_lowercase,
    "uppercase": string.ascii_uppercase,
    "numbers": string.digits,
    "punctuation": PUNCTUATION,
}


def password(client: Client, **fields: str) -> str:
    """Ask for a password."""
    answer = sdk(client, "GetRandomPassword", **fields)
    assert set(answer) == {"RandomPassword", "RequestId"}
    return str(answer["RandomPassword"])


def test_a_password_has_32_characters_of_every_kind(client: Client) -> None:
    """By default: 32 characters, at least one of each of the four kinds, no backtick, and never the same twice."""
    found = {password(client) for _ in range(20)}
    assert len(found) == 20
    for one in found:
        assert len(one) == 32
        assert set(one) <= set("".join(KINDS.values()))
        assert all(set(one) & set(kind) for kind in KINDS.values())


@pytest.mark.parametrize("length", [8, 9, 128])
def test_the_length_is_8_to_128(client: Client, length: int) -> None:
    """PasswordLength gives the number of characters."""
    assert len(password(client, password_length=str(length))) == length


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_can_be_left_out(client: Client, kind: str) -> None:
    """Exclude<Kind>=true leaves that kind out; the others are all there."""
    one = password(client, password_length="128", **{f"exclude_{kind}": "true"})
    assert not set(one) & set(KINDS[kind])
    assert all(set(one) & set(other) for name, other in KINDS.items() if name != kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_single_kind_is_enough(client: Client, kind: str) -> None:
    """With three kinds left out the password is made of the fourth."""
    others = {f"exclude_{name}": "true" for name in KINDS if name != kind}
    assert set(password(client, **others)) <= set(KINDS[kind])


def test_characters_can_be_left_out(client: Client) -> None:
    """ExcludeCharacters never come; a kind of which nothing is left is not required any more."""
    excluded = string.digits + "abcABC" + PUNCTUATION
    one = password(client, password_length="128", exclude_characters=excluded)
    assert not set(one) & set(excluded)
    assert set(one) & set(string.ascii_lowercase)
    assert set(one) & set(string.ascii_uppercase)


def test_one_character_may_be_left(client: Client) -> None:
    """A password of a single possible character is still a password."""
    excluded = string.digits[1:]
    fields = {"exclude_lowercase": "true", "exclude_uppercase": "true", "exclude_punctuation": "true"}
    assert password(client, password_length="8", exclude_characters=excluded, **fields) == "0" * 8


def test_kinds_need_not_all_be_there(client: Client) -> None:
    """With RequireEachIncludedType=false short passwords miss a kind now and then."""
    short = [password(client, password_length="8", require_each_included_type="false") for _ in range(60)]
    assert any(not set(one) & set(string.digits) for one in short)


@pytest.mark.parametrize(
    "fields",
    [
        {"password_length": "7"},
        {"password_length": "129"},
        {"password_length": "many"},
        {"exclude_numbers": "maybe"},
        {"exclude_characters": "`"},
        {"exclude_characters": "ö"},
        {"exclude_characters": " "},
        {f"exclude_{kind}": "true" for kind in KINDS},
        {
            "exclude_lowercase": "true",
            "exclude_uppercase": "true",
            "exclude_punctuation": "true",
            "exclude_characters": string.digits,
        },
    ],
    ids=json.dumps,
)
def test_what_cannot_be_made_is_refused(kms: KmsMock, client: Client, fields: dict[str, str]) -> None:
    """Out of range, unknown characters, or nothing left to choose from: the text of its table, odd quotes included."""
    refuse(kms, client, errors.SECRET_INVALID_PARAMETER, "GetRandomPassword", **fields)


def test_a_seed_makes_the_passwords_repeat() -> None:
    """Two servers with the same seed give the same passwords."""
    found = []
    for _ in range(2):
        with KmsMock(seed=7) as kms:
            found.append([password(kms.client()) for _ in range(3)])
    assert found[0] == found[1]
    assert len(set(found[0])) == 3
