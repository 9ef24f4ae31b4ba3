"""Decisions of policies: several together, before the resource is known, of resources, and the reasons for them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kms_mock.identity.conditions import Request
from kms_mock.identity.decisions import Decision, both, decide, decide_anywhere, either
from kms_mock.identity.policies import MAX_POLICY_BYTES, default_policy, parse_resource_policy
from tests.support.ram_policies import (
    ALLOW_ALL,
    DENY_EVERYTHING,
    KEY_ARN,
    RAM_USER,
    SECRET_ARN,
    allowed_if,
    effect_of,
    policy_of,
)

# -- operations without a resource, and before the resource is known --------------------------------------------------


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([{**ALLOW_ALL, "Resource": SECRET_ARN}], "Allow"),
        ([allowed_if("Bool", "acs:MFAPresent", "true")], "Allow"),
        ([ALLOW_ALL, {**DENY_EVERYTHING, "Resource": SECRET_ARN}], "Allow"),
        ([ALLOW_ALL, {**DENY_EVERYTHING, "Condition": {"Bool": {"acs:MFAPresent": "true"}}}], "Allow"),
        ([ALLOW_ALL, {"Effect": "Deny", "Action": "kms:*", "NotResource": SECRET_ARN}], "Allow"),
        ([ALLOW_ALL, {**DENY_EVERYTHING, "Resource": "acs:kms:*:1:*"}], "Allow"),
        ([ALLOW_ALL, DENY_EVERYTHING], "Deny"),
        ([ALLOW_ALL, {**DENY_EVERYTHING, "Resource": "acs:kms:*:*:*"}], "Deny"),
        ([ALLOW_ALL, {**DENY_EVERYTHING, "Resource": ["acs:oss:*:*:*", "acs:*:*:*:*"]}], "Deny"),
        ([ALLOW_ALL, {**DENY_EVERYTHING, "Resource": "acs:oss:*:*:*"}], "Allow"),
        ([{**ALLOW_ALL, "Action": "kms:Encrypt"}], None),
    ],
)
def test_whether_an_action_can_ever_succeed(statements: list[dict[str, Any]], expected: str | None) -> None:
    """An Allow for one resource counts, under any condition; a Deny only if it is for all and under none."""
    request = Request("kms:GetSecretValue", "*")
    assert decide_anywhere([("test", policy_of(*statements))], request).effect == expected


@pytest.mark.parametrize(
    ("named", "kind", "principal", "expected"),
    [
        ({"Service": "ecs.aliyuncs.com"}, "Service", "ecs.aliyuncs.com", True),
        ({"Service": ["ecs.aliyuncs.com"]}, "Service", "fc.aliyuncs.com", False),
        ({"Service": "ecs.aliyuncs.com"}, "RAM", "ecs.aliyuncs.com", False),
        ({"Federated": "acs:ram::1:oidc-provider/k8s"}, "Federated", "acs:ram::1:oidc-provider/k8s", True),
        ({"RAM": "acs:ram::1:root"}, "Federated", "acs:ram::1:oidc-provider/k8s", False),
        ({"RAM": "*"}, "Service", "ecs.aliyuncs.com", False),
    ],
)
def test_the_kinds_of_principals_are_kept_apart(
    named: dict[str, Any], kind: Any, principal: str, *, expected: bool
) -> None:
    """A trust policy has no Resource; services and identity providers are no RAM principals (RAM: elements, Principal)."""
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": named}
    request = Request("sts:AssumeRole", "acs:ram::1:role/dev", principal, kind)
    assert (effect_of([trust], request) == "Allow") is expected


# -- two policies together --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "one_is_enough", "two_are_needed"),
    [
        ("Allow", None, "Allow", None),
        (None, "Allow", "Allow", None),
        ("Allow", "Allow", "Allow", "Allow"),
        ("Allow", "Deny", "Deny", "Deny"),
        ("Deny", "Allow", "Deny", "Deny"),
        ("Deny", None, "Deny", "Deny"),
        (None, "Deny", "Deny", "Deny"),
        (None, None, None, None),
    ],
)
def test_two_policies_together(first: Any, second: Any, one_is_enough: Any, two_are_needed: Any) -> None:
    """One Allow is enough within the owner's account, across accounts two are needed (KMS: Key policy overview)."""
    request = Request("kms:Decrypt", KEY_ARN, RAM_USER)
    one, other = Decision(first, request), Decision(second, request)
    assert either(one, other).effect == one_is_enough
    assert both(one, other).effect == two_are_needed


# -- reasons ----------------------------------------------------------------------------------------------------------


def test_a_decision_names_the_statement_that_decided() -> None:
    """Policy, number and Sid of the statement are in the decision and in its explanation."""
    named = [
        ("the policy first", policy_of(ALLOW_ALL)),
        ("the policy second", policy_of(ALLOW_ALL, {**DENY_EVERYTHING, "Sid": "no reads"})),
    ]
    decision = decide(named, Request("kms:GetSecretValue", SECRET_ARN))
    assert (decision.effect, decision.policy, decision.statement, decision.sid) == (
        "Deny",
        "the policy second",
        2,
        "no reads",
    )
    assert (
        decision.explain() == f"Statement 2 (no reads) of the policy second denies kms:GetSecretValue on {SECRET_ARN}."
    )
    assert (
        decide(named[:1], Request("kms:Encrypt", KEY_ARN)).explain()
        == f"Statement 1 of the policy first allows kms:Encrypt on {KEY_ARN}."
    )


def test_a_refusal_says_what_would_allow_it() -> None:
    """No statement allows it: the explanation has the nearest one with what it misses, and a statement that would do."""
    near = {**allowed_if("IpAddress", "acs:SourceIp", "10.0.0.0/8"), "Resource": "acs:kms:*:*:key/*", "Sid": "office"}
    decision = decide(
        [("the policy p", policy_of(near))], Request("kms:GetSecretValue", SECRET_ARN, source_ip="192.0.2.1")
    )
    assert decision.explain() == (
        f"No statement of the policy p allows kms:GetSecretValue on {SECRET_ARN} "
        "(statement 1 (office) of the policy p would, but for its resource, IpAddress acs:SourceIp); "
        f'it would take {{"Effect":"Allow","Action":"kms:GetSecretValue","Resource":"{SECRET_ARN}"}}.'
    )
    stranger = {**ALLOW_ALL, "Principal": {"RAM": "acs:ram::2:*"}}
    assert (
        "but for its principal"
        in decide([("p", policy_of(stranger))], Request("kms:Encrypt", KEY_ARN, RAM_USER)).explain()
    )
    assert (
        decide([], Request("kms:Encrypt", KEY_ARN)).explain().startswith(f"No policy allows kms:Encrypt on {KEY_ARN};")
    )


def test_what_a_refusal_proposes_does_allow_the_request() -> None:
    """The statement at the end of an explanation is a policy's statement, and with it the request is allowed."""
    request = Request("kms:GetSecretValue", SECRET_ARN)
    said = decide([("p", policy_of())], request).explain()
    proposed = json.loads(said.partition("it would take ")[2].removesuffix("."))
    assert effect_of([proposed], request) == "Allow"


def test_two_refusals_are_explained_one_after_the_other() -> None:
    """Where neither RAM nor the resource's policy allows it, both say so."""
    request = Request("kms:Decrypt", KEY_ARN, RAM_USER)
    said = either(decide([("A", policy_of())], request), decide([("B", policy_of())], request)).explain()
    assert "statement of A allows" in said
    assert "statement of B allows" in said


def test_a_caller_whom_no_policy_limits() -> None:
    """The account itself has no policies and is allowed everything."""
    assert (
        Decision("Allow", Request("kms:Decrypt", KEY_ARN)).explain()
        == f"Nothing limits the caller: it allows kms:Decrypt on {KEY_ARN}."
    )


# -- resource policies ------------------------------------------------------------------------------------------------


def test_the_default_policy_is_well_formed() -> None:
    """The policy from birth passes the checks of a set one and lets its own account in, nobody else."""
    parsed = parse_resource_policy(default_policy("1", "kms default secret policy"))
    assert decide([("p", parsed)], Request("kms:DeleteSecret", SECRET_ARN, RAM_USER)).allowed
    assert not decide([("p", parsed)], Request("kms:DeleteSecret", SECRET_ARN, "acs:ram::2:root")).allowed
    assert not decide([("p", parsed)], Request("kms:DeleteSecret", SECRET_ARN)).allowed


def test_the_size_limit_counts_bytes() -> None:
    """32,768 bytes fit, one more does not."""
    statement = {**ALLOW_ALL, "Principal": {"RAM": ["acs:ram::1:*"]}}
    text = json.dumps({"Version": "1", "Statement": [statement]})
    longest = text + " " * (MAX_POLICY_BYTES - len(text))
    parse_resource_policy(longest)
    with pytest.raises(ValueError, match="32768 bytes"):
        parse_resource_policy(longest + " ")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Sid": "ü"}, "a Sid has"),
        ({"Principal": {"Service": ["ecs.aliyuncs.com"]}}, "under RAM"),
        ({"Action": "*"}, "starts with kms:"),
        ({"Resource": "acs:kms:*:*:*"}, r"the Resource is \*"),
        ({"Condition": {"StringEquals": {"acs:Nothing": "x"}}}, "no such condition key"),
    ],
)
def test_a_resource_policy_has_rules_of_its_own(change: dict[str, Any], message: str) -> None:
    """RAM principals only, actions of KMS, Resource *; the place of the fault is named."""
    text = json.dumps({"Version": "1", "Statement": [{**ALLOW_ALL, "Principal": {"RAM": RAM_USER}, **change}]})
    with pytest.raises(ValueError, match=message) as caught:
        parse_resource_policy(text)
    assert "$.Statement[0]" in str(caught.value)
