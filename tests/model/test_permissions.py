"""RAM policies and resource policies."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from kms_mock.model.permissions import (
    MAX_POLICY_BYTES,
    Policy,
    default_policy,
    effect,
    parse_resource_policy,
    resource_effect,
)

ALL: dict[str, Any] = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}
ARN = "acs:kms:cn-hangzhou:1:secret/app/db"
USER = "acs:ram::1:user/robot"


def policy(*statements: dict[str, Any]) -> Policy:
    return msgspec.convert({"Version": "1", "Statement": list(statements)}, Policy)


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([], None),
        ([ALL], "Allow"),
        ([{**ALL, "Action": "*"}], "Allow"),
        ([{**ALL, "Action": ["kms:List*", "kms:Get*"]}], "Allow"),
        ([{**ALL, "Action": "kms:GetSecret?alue"}], "Allow"),
        ([{**ALL, "Action": "kms:getsecretvalue"}], None),
        ([{**ALL, "Action": "kms:GetSecret"}], None),
        ([{**ALL, "Resource": ["acs:kms:*:*:secret/app/*"]}], "Allow"),
        ([{**ALL, "Resource": "acs:kms:*:*:secret/other"}], None),
        ([ALL, {**ALL, "Effect": "Deny", "Resource": ARN}], "Deny"),
        ([{**ALL, "Effect": "Deny", "Resource": ARN}, ALL], "Deny"),
        ([ALL, {**ALL, "Effect": "Deny", "Resource": "acs:kms:*:*:key/*"}], "Allow"),
        ([{**ALL, "Condition": {"Bool": {"acs:SecureTransport": "true"}}}], None),
        ([ALL, {**ALL, "Effect": "Deny", "Condition": {"Bool": {"k": "v"}}}], "Allow"),
    ],
)
def test_what_a_ram_policy_says_of_a_resource(statements: list[dict[str, Any]], expected: str | None) -> None:
    """Actions and resources are patterns; a Deny beats every Allow; conditions are never met."""
    assert effect(policy(*statements), "kms:GetSecretValue", ARN) == expected


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([{**ALL, "Resource": ARN}], "Allow"),
        ([ALL, {**ALL, "Effect": "Deny", "Resource": ARN}], "Allow"),
        ([ALL, {**ALL, "Effect": "Deny"}], "Deny"),
        ([{**ALL, "Action": "kms:Encrypt"}], None),
    ],
)
def test_whether_an_action_can_ever_succeed(statements: list[dict[str, Any]], expected: str | None) -> None:
    """Asked for any resource, an Allow for one counts, a Deny only if it is for all."""
    assert effect(policy(*statements), "kms:GetSecretValue", "*") == expected


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        (USER, "Allow"),
        ("acs:ram::1:user/*", "Allow"),
        ("acs:ram::1:*", "Allow"),
        ("acs:ram::1:root", "Allow"),
        ("acs:ram::*:*", "Allow"),
        ("acs:ram::*:root", "Allow"),
        ("acs:ram::1:user/other", None),
        ("acs:ram::2:root", None),
        ("acs:ram::11:root", None),
        ("acs:ram::1:role/robot", None),
    ],
)
def test_whom_a_resource_policy_means(principal: str, expected: str | None) -> None:
    """A principal is an ARN or a pattern; an account's root stands for everyone in it."""
    one = policy({**ALL, "Principal": {"RAM": [principal]}})
    assert resource_effect(one, "kms:GetSecretValue", USER) == expected


def test_a_deny_of_a_resource_policy_wins() -> None:
    """Deny beats Allow, in any order; a statement without a principal says nothing."""
    everyone = {"RAM": "acs:ram::1:*"}
    shut = policy({**ALL, "Principal": everyone}, {**ALL, "Effect": "Deny", "Principal": {"RAM": USER}})
    assert resource_effect(shut, "kms:GetSecretValue", USER) == "Deny"
    assert resource_effect(shut, "kms:GetSecretValue", "acs:ram::1:user/other") == "Allow"
    assert resource_effect(policy(ALL), "kms:GetSecretValue", USER) is None


def test_the_default_policy_is_well_formed() -> None:
    """The policy from birth passes the checks of a set one and lets its own account in, nobody else."""
    parsed = parse_resource_policy(default_policy("1", "kms default secret policy"))
    assert resource_effect(parsed, "kms:DeleteSecret", USER) == "Allow"
    assert resource_effect(parsed, "kms:DeleteSecret", "acs:ram::2:root") is None


def test_the_size_limit_counts_bytes() -> None:
    """32,768 bytes fit, one more does not."""
    statement = {**ALL, "Principal": {"RAM": ["x"]}, "Condition": {"c": {"k": ""}}}
    frame = len(json.dumps({"Version": "1", "Statement": [statement]}))
    statement["Condition"]["c"]["k"] = "x" * (MAX_POLICY_BYTES - frame)
    text = json.dumps({"Version": "1", "Statement": [statement]})
    assert len(text) == MAX_POLICY_BYTES
    parse_resource_policy(text)
    with pytest.raises(ValueError, match="32768 bytes"):
        parse_resource_policy(text.replace('"x"', '"xy"', 1))
