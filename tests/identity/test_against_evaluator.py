"""Random policies and requests: the product and the small evaluator beside this file decide the same."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import msgspec

from kms_mock.identity.conditions import Request
from kms_mock.identity.decisions import allow_plainly, allow_somewhere, decide, decide_anywhere
from kms_mock.identity.patterns import compile_patterns
from kms_mock.identity.policies import Policy
from tests.identity import evaluator
from tests.support.profile import rounds

ROUNDS = rounds(quick=2_000, deep=100_000)
ACTIONS = ["kms:GetSecretValue", "kms:Encrypt", "kms:ListKeys", "KMS:encrypt"]
ACTION_PATTERNS = [
    "*",
    "kms:*",
    "kms:Get*",
    "kms:*crypt",
    "kms:encrypt",
    "kms:?ncrypt",
    "oss:*",
    "k*:List*",
    "kms:[E]*",
]
RESOURCES = ["acs:kms:cn-hangzhou:1:secret/app/db", "acs:kms:cn-hangzhou:1:key", "acs:kms:cn-beijing:2:key/a"]
RESOURCE_PATTERNS = ["*", "acs:kms:*:*:*", "acs:kms:*:1:secret/*", "acs:kms:*:*:key", "acs:kms:*:?:key/?", *RESOURCES]
PRINCIPALS = ["acs:ram::1:user/robot", "acs:ram::1:root", "acs:ram::2:role/dev", "acs:ram::11:user/robot"]
PRINCIPAL_PATTERNS = ["*", "acs:ram::1:*", "acs:ram::1:root", "acs:ram::*:root", "acs:ram::2:role/*", *PRINCIPALS]
TIMES = [
    "2026-01-01T00:00:00Z",
    "2026-01-01T08:00:00+08:00",
    "2026-06-01",
    "2026-06-01T12:00:00.5Z",
    "2025-12-31T23:59Z",
]
ADDRESSES = ["10.0.0.1", "203.0.113.7", "::ffff:10.0.0.9", "2001:db8::1"]
NETWORKS = ["10.0.0.0/8", "203.0.113.7", "2001:db8::/32", "203.0.113.9/24", "0.0.0.0/0"]
TEXTS = ["dev", "Dev", "prod", "d?v", "*", "", "12", "-3.5", "true", "1e2"]
NUMBERS = ["12", "-3.5", "100", 12, 0.5]
COMPARISONS = ["Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"]
STRINGS = ["Equals", "NotEquals", "EqualsIgnoreCase", "NotEqualsIgnoreCase", "Like", "NotLike"]
TEXT_KEYS = ["acs:ResourceTag/env", "kms:tag/env", "acs:RequestTag/env", "kms:EncryptionAlgorithm", "acs:PrincipalARN"]


def some(chance: random.Random, values: list[Any], most: int = 3) -> Any:
    chosen = chance.choices(values, k=chance.randint(1, most))
    return chosen[0] if len(chosen) == 1 and chance.random() < 0.5 else chosen


def condition(chance: random.Random) -> dict[str, Any]:
    kind = chance.randrange(5)
    if kind == 0:
        return {f"Date{chance.choice(COMPARISONS)}": {"acs:CurrentTime": some(chance, TIMES)}}
    if kind == 1:
        return {chance.choice(["IpAddress", "NotIpAddress"]): {"acs:SourceIp": some(chance, NETWORKS)}}
    if kind == 2:
        key = chance.choice(["acs:SecureTransport", "acs:MFAPresent"])
        return {"Bool": {key: chance.choice(["true", "false", True, ["False"]])}}
    if kind == 3:
        return {f"Numeric{chance.choice(COMPARISONS)}": {chance.choice(TEXT_KEYS): some(chance, NUMBERS)}}
    keys = chance.sample([*TEXT_KEYS, "acs:SourceIp", "acs:CurrentTime"], k=chance.randint(1, 2))
    values = [*TEXTS, *PRINCIPAL_PATTERNS, *TIMES, *ADDRESSES]
    return {f"String{chance.choice(STRINGS)}": {key: some(chance, values) for key in keys}}


def statement(chance: random.Random, *, resource_policy: bool) -> dict[str, Any]:
    made: dict[str, Any] = {"Effect": chance.choice(["Allow", "Allow", "Deny"])}
    made[chance.choice(["Action", "Action", "NotAction"])] = some(chance, ACTION_PATTERNS)
    made[chance.choice(["Resource", "Resource", "NotResource"])] = some(chance, RESOURCE_PATTERNS)
    if resource_policy:
        made["Principal"] = {"RAM": some(chance, PRINCIPAL_PATTERNS)}
    if chance.random() < 0.6:
        made["Condition"] = {}
        for _ in range(chance.randint(1, 2)):
            made["Condition"].update(condition(chance))
    return made


def request(chance: random.Random) -> tuple[Request, dict[str, Any]]:
    """Return the same request for both."""
    asked = Request(chance.choice(ACTIONS), chance.choice(RESOURCES), chance.choice(PRINCIPALS))
    keys: dict[str, str] = {}
    if chance.random() < 0.8:
        asked.now = chance.choice([1767225600.0, 1767225600.9, 1780315200.0, 1767225599.0])
        keys["acs:CurrentTime"] = datetime.fromtimestamp(int(asked.now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if chance.random() < 0.8:
        asked.source_ip = keys["acs:SourceIp"] = chance.choice(ADDRESSES)
    for field, key in (("secure_transport", "acs:SecureTransport"), ("mfa_present", "acs:MFAPresent")):
        value = chance.choice([None, True, False])
        setattr(asked, field, value)
        if value is not None:
            keys[key] = str(value).lower()
    if chance.random() < 0.7:
        tag = chance.choice(TEXTS)
        asked.resource_tags = {"env": tag}
        keys["acs:ResourceTag/env"] = keys["kms:tag/env"] = tag
    if chance.random() < 0.5:
        keys["acs:RequestTag/env"] = tag = chance.choice(TEXTS)
        asked.request_tags = {"env": tag}
    if chance.random() < 0.5:
        keys["kms:EncryptionAlgorithm"] = chance.choice(TEXTS)
        asked.values = {"kms:EncryptionAlgorithm": keys["kms:EncryptionAlgorithm"]}
    keys["acs:PrincipalARN"] = asked.principal or ""
    return asked, {"action": asked.action, "resource": asked.resource, "principal": asked.principal, "keys": keys}


def check_short_cuts(document: dict[str, Any], asked: Request, expected: str | None, seen: Counter[str | None]) -> None:
    """Check that what is decided without a Decision agrees with the one that is made."""
    named = [("policy", msgspec.convert(document, Policy))]
    if allow_plainly(named, asked.action, asked.resource):
        assert expected == "Allow", (document, asked)
        seen["plain"] += 1
    somewhere = allow_somewhere(named, asked.action)
    assert somewhere is decide_anywhere(named, asked).allowed, (document, asked)
    assert somewhere or expected != "Allow", (document, asked)
    seen["somewhere" if somewhere else "nowhere"] += 1


def test_random_requests_are_decided_as_by_the_evaluator() -> None:
    """Action, resource, principal and all operators: no difference, and each decision comes up often."""
    chance = random.Random(20260101)  # noqa: S311 (a test that repeats)
    seen: Counter[str | None] = Counter()
    for _ in range(ROUNDS):
        resource_policy = chance.random() < 0.5
        document = {
            "Version": "1",
            "Statement": [statement(chance, resource_policy=resource_policy) for _ in range(chance.randint(1, 4))],
        }
        asked, plain = request(chance)
        expected = evaluator.evaluate(document, plain)
        decision = decide([("policy", msgspec.convert(document, Policy))], asked)
        assert decision.effect == expected, (document, plain)
        assert "policy" in decision.explain()
        check_short_cuts(document, asked, expected, seen)
        seen[expected] += 1
    assert min(seen[None], seen["Allow"], seen["Deny"]) > ROUNDS // 20
    assert min(seen["plain"], seen["somewhere"], seen["nowhere"]) > ROUNDS // 50


def test_random_patterns_match_as_by_the_evaluator() -> None:
    """Patterns over a small alphabet, where wildcards overlap most: the same answer as from the table."""
    chance = random.Random(7)  # noqa: S311 (a test that repeats)
    matched = 0
    for _ in range(ROUNDS * 5):
        pattern = "".join(chance.choices("ab*?[", weights=(4, 3, 3, 2, 1), k=chance.randint(0, 9)))
        text = "".join(chance.choices("ab[", weights=(5, 3, 1), k=chance.randint(0, 9)))
        expected = evaluator.like(pattern, text)
        assert compile_patterns([pattern])(text) is expected, (pattern, text)
        matched += expected
    assert matched > ROUNDS // 2
