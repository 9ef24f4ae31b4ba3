"""What policies decide: cases written from the vendor's documentation, each with its page; bounds."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest

from kms_mock.identity.conditions import Request
from kms_mock.identity.patterns import MAX_PATTERN, compile_patterns
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

# Pages of the Alibaba Cloud documentation.
ELEMENTS = "RAM: Permission policy elements"
SYNTAX = "RAM: Policy structure and syntax"
OPERATORS = "RAM: Conditional operators"
EVALUATION = "RAM: How RAM evaluates policies"
PERIOD = "RAM: Access Alibaba Cloud in a specified period of time"
KMS_RAM = "KMS: Use RAM to control access to KMS resources"
KMS_KEYS = "KMS: Policy condition keys"
KMS_POLICY = "KMS: Key policy overview"
KMS_SAMPLES = "KMS: Sample custom permission policies"
OSS = "OSS: examples of RAM policies"
KAFKA = "ApsaraMQ for Kafka: service-linked roles"
RDS = "ApsaraDB RDS: authorization for disk encryption"
CONTROL = "Resource Management: Languages of access control policies"
INFERRED = "inferred"


# -- the language ---------------------------------------------------------------------------------------------------

ACTION_CASES: list[tuple[str, str, str, bool]] = [
    (ELEMENTS, "kms:GetSecretValue", "kms:GetSecretValue", True),
    (ELEMENTS, "kms:GetSecretValue", "kms:GetSecret", False),
    (ELEMENTS, "kms:GetSecret", "kms:GetSecretValue", False),
    (ELEMENTS, "kms:Get*", "kms:GetSecretValue", True),
    (ELEMENTS, "kms:Get*", "kms:DescribeKey", False),
    (ELEMENTS, "kms:*", "kms:CreateKey", True),
    (ELEMENTS, "*", "kms:CreateKey", True),
    (ELEMENTS, "oss:*", "kms:CreateKey", False),
    (ELEMENTS, "kms:getsecretvalue", "kms:GetSecretValue", True),
    (KAFKA, "kms:Listkeys", "kms:ListKeys", True),
    (ELEMENTS, "KMS:Describe*", "kms:DescribeKey", True),
    (OPERATORS, "kms:GetSecret?alue", "kms:GetSecretValue", True),
    (OPERATORS, "kms:GetSecretValue?", "kms:GetSecretValue", False),
    (OPERATORS, "kms:*Secret*", "kms:GetSecretValue", True),
    (OPERATORS, "kms:[GE]*", "kms:GetSecretValue", False),
    (KMS_RAM, "kms:Generate*", "kms:GenerateDataKeyWithoutPlaintext", True),
]

RESOURCE_CASES: list[tuple[str, str, str, bool]] = [
    (SYNTAX, "*", SECRET_ARN, True),
    (KMS_RAM, "acs:kms:*:*:*", SECRET_ARN, True),
    (KMS_RAM, "acs:kms:*:*:*", "acs:kms:cn-hangzhou:1:key", True),
    (KMS_RAM, "acs:kms:cn-hangzhou:1:key", "acs:kms:cn-hangzhou:1:key", True),
    (KMS_RAM, "acs:kms:cn-hangzhou:1:key", KEY_ARN, False),
    (KMS_RAM, "acs:kms:cn-hangzhou:1:key/*", KEY_ARN, True),
    (KMS_RAM, "acs:kms:cn-hangzhou:1:key/*", "acs:kms:cn-hangzhou:1:key", False),
    (KMS_RAM, "acs:kms:cn-hangzhou:1:secret/app/db", SECRET_ARN, True),
    (KMS_RAM, "acs:kms:*:*:secret/app/*", SECRET_ARN, True),
    (KMS_RAM, "acs:kms:*:*:alias/*", SECRET_ARN, False),
    (ELEMENTS, "acs:kms:cn-beijing:*:*", SECRET_ARN, False),
    (ELEMENTS, "acs:kms:*:2:*", SECRET_ARN, False),
    (CONTROL, "acs:*:*cn-hangzhou*:*:*", SECRET_ARN, True),
    (OPERATORS, "acs:kms:*:?:secret/app/d?", SECRET_ARN, True),
    (OPERATORS, "acs:kms:*:*:secret/app/[d]b", SECRET_ARN, False),
    (INFERRED, "acs:kms:*:*:SECRET/*", SECRET_ARN, False),
    (ELEMENTS, "acs:oss:*:*:*", SECRET_ARN, False),
    (KMS_RAM, "acs:kms:*:*:*", "acs:kms:cn-hangzhou:1:*", True),
    (KMS_RAM, "acs:kms:*:*:secret/*", "acs:kms:cn-hangzhou:1:*", False),
]

PRINCIPAL_CASES: list[tuple[str, str, str, bool]] = [
    (KMS_POLICY, RAM_USER, RAM_USER, True),
    (KMS_POLICY, "acs:ram::1:user/other", RAM_USER, False),
    (KMS_POLICY, "acs:ram::1:*", RAM_USER, True),
    (KMS_POLICY, "acs:ram::1:*", "acs:ram::1:root", True),
    (KMS_POLICY, "acs:ram::1:*", "acs:ram::11:root", False),
    (ELEMENTS, "acs:ram::1:root", RAM_USER, True),
    (ELEMENTS, "acs:ram::1:root", "acs:ram::1:role/dev", True),
    (ELEMENTS, "acs:ram::1:root", "acs:ram::11:user/robot", False),
    (ELEMENTS, "acs:ram::2:root", RAM_USER, False),
    (ELEMENTS, "acs:ram::1:role/dev", "acs:ram::1:role/dev", True),
    (ELEMENTS, "acs:ram::1:role/dev", "acs:ram::1:user/dev", False),
    (INFERRED, "acs:ram::1:user/*", RAM_USER, True),
    (INFERRED, "acs:ram::*:root", RAM_USER, True),
    (ELEMENTS, "*", RAM_USER, True),
]

NOON = 1565600400.0  # 2019-08-12T17:00:00+08:00
CONDITION_CASES: list[tuple[str, str, str, Any, dict[str, Any], bool]] = [
    (OPERATORS, "StringEquals", "acs:ResourceTag/team", ["dev"], {"resource_tags": {"team": "dev"}}, True),
    (OPERATORS, "StringEquals", "acs:ResourceTag/team", ["dev"], {"resource_tags": {"team": "Dev"}}, False),
    (OPERATORS, "StringEquals", "acs:ResourceTag/team", ["dev"], {"resource_tags": {"other": "dev"}}, False),
    (OPERATORS, "StringEquals", "acs:ResourceTag/team", "d*", {"resource_tags": {"team": "dev"}}, False),
    (ELEMENTS, "StringEquals", "acs:ResourceTag/team", ["qa", "dev"], {"resource_tags": {"team": "dev"}}, True),
    (OPERATORS, "StringNotEquals", "acs:ResourceTag/team", "dev", {"resource_tags": {"team": "dev"}}, False),
    (OPERATORS, "StringNotEquals", "acs:ResourceTag/team", "dev", {"resource_tags": {"team": "Dev"}}, True),
    (ELEMENTS, "StringNotEquals", "acs:ResourceTag/team", ["qa", "dev"], {"resource_tags": {"team": "dev"}}, False),
    (OSS, "StringNotEquals", "acs:ResourceTag/team", "dev", {}, True),
    (OPERATORS, "StringEqualsIgnoreCase", "acs:ResourceTag/team", "dev", {"resource_tags": {"team": "DEV"}}, True),
    (OPERATORS, "StringEqualsIgnoreCase", "acs:ResourceTag/team", "dev", {"resource_tags": {"team": "qa"}}, False),
    (OPERATORS, "StringEqualsIgnoreCase", "acs:ResourceTag/team", "dev", {}, False),
    (OPERATORS, "StringNotEqualsIgnoreCase", "acs:ResourceTag/team", "dev", {"resource_tags": {"team": "DEV"}}, False),
    (OPERATORS, "StringNotEqualsIgnoreCase", "acs:ResourceTag/team", "dev", {"resource_tags": {"team": "qa"}}, True),
    (OPERATORS, "StringLike", "acs:ResourceTag/path", "a/2015/*", {"resource_tags": {"path": "a/2015/"}}, True),
    (OPERATORS, "StringLike", "acs:ResourceTag/path", "a/2015/*", {"resource_tags": {"path": "a/2015/x/y"}}, True),
    (OPERATORS, "StringLike", "acs:ResourceTag/path", "a/2015/*", {"resource_tags": {"path": "A/2015/x"}}, False),
    (OPERATORS, "StringLike", "acs:ResourceTag/path", "a?c", {"resource_tags": {"path": "abc"}}, True),
    (OPERATORS, "StringLike", "acs:ResourceTag/path", "a?c", {"resource_tags": {"path": "ac"}}, False),
    (OPERATORS, "StringLike", "acs:ResourceTag/path", "*", {}, False),
    (OPERATORS, "StringNotLike", "acs:ResourceTag/path", "a*", {"resource_tags": {"path": "abc"}}, False),
    (OPERATORS, "StringNotLike", "acs:ResourceTag/path", "b*", {"resource_tags": {"path": "abc"}}, True),
    (OSS, "StringNotLike", "acs:SourceVpc", "vpc-*", {}, True),
    (OSS, "StringNotLike", "acs:SourceVpc", "vpc-*", {"source_vpc": "vpc-bp1"}, False),
    (CONTROL, "StringLike", "acs:PrincipalARN", "acs:ram:*:*:user/rob*", {}, True),
    (CONTROL, "StringLike", "acs:PrincipalARN", "acs:ram:*:*:role/*", {}, False),
    (CONTROL, "StringNotLike", "acs:PrincipalARN", "acs:ram:*:*:role/*", {}, True),
    (INFERRED, "StringEquals", "acs:PrincipalArn", RAM_USER, {}, True),
    (KMS_KEYS, "StringEquals", "acs:SourceVpc", "vpc-bp1", {"source_vpc": "vpc-bp1"}, True),
    (KMS_KEYS, "StringEquals", "acs:SourceVpc", "vpc-bp1", {"source_vpc": "vpc-bp2"}, False),
    (KMS_KEYS, "StringEquals", "acs:SourceVpc", "vpc-bp1", {"source_ip": "192.0.2.1"}, False),
    (KMS_KEYS, "IpAddress", "acs:SourceIp", "116.62.7.0/24", {"source_ip": "116.62.7.200"}, True),
    (KMS_KEYS, "IpAddress", "acs:SourceIp", "116.62.7.0/24", {"source_ip": "116.62.8.1"}, False),
    (KMS_KEYS, "IpAddress", "acs:SourceIp", ["203.0.113.9"], {"source_ip": "203.0.113.9"}, True),
    (KMS_KEYS, "IpAddress", "acs:SourceIp", ["203.0.113.9"], {"source_ip": "203.0.113.8"}, False),
    (KMS_KEYS, "IpAddress", "acs:SourceIp", "2001:db8::/32", {"source_ip": "2001:db8:85a3::8a2e"}, True),
    (KMS_KEYS, "IpAddress", "acs:SourceIp", "2001:db8::1", {"source_ip": "2001:0db8:0:0:0:0:0:1"}, True),
    (KMS_KEYS, "IpAddress", "acs:SourceIp", "0.0.0.0/0", {"source_ip": "2001:db8::1"}, False),
    (INFERRED, "IpAddress", "acs:SourceIp", "192.0.2.0/24", {"source_ip": "::ffff:192.0.2.7"}, True),
    (INFERRED, "IpAddress", "acs:SourceIp", "192.0.2.9/24", {"source_ip": "192.0.2.1"}, True),
    (KMS_SAMPLES, "IpAddress", "acs:SourceIp", ["192.168.0.0/16", "172.16.215.218"], {"source_ip": "192.168.9.9"}, True),
    (KMS_SAMPLES, "IpAddress", "acs:SourceIp", ["192.168.0.0/16", "172.16.215.218"], {"source_ip": "172.16.215.218"}, True),
    (KMS_SAMPLES, "IpAddress", "acs:SourceIp", ["192.168.0.0/16", "172.16.215.218"], {"source_ip": "172.16.215.219"}, False),
    (OPERATORS, "IpAddress", "acs:SourceIp", "0.0.0.0/0", {}, False),
    (OPERATORS, "NotIpAddress", "acs:SourceIp", "192.168.0.0/16", {"source_ip": "192.168.1.1"}, False),
    (OPERATORS, "NotIpAddress", "acs:SourceIp", "192.168.0.0/16", {"source_ip": "10.0.0.1"}, True),
    (OPERATORS, "NotIpAddress", "acs:SourceIp", ["192.168.0.0/16", "10.0.0.1"], {"source_ip": "10.0.0.1"}, False),
    (OSS, "NotIpAddress", "acs:SourceIp", "192.168.0.0/16", {}, True),
    (KMS_KEYS, "IpAddress", "acs:VpcSourceIp", "10.0.0.0/8", {"vpc_source_ip": "10.1.2.3"}, True),
    (KMS_KEYS, "IpAddress", "acs:VpcSourceIp", "10.0.0.0/8", {"source_ip": "10.1.2.3"}, False),
    (OPERATORS, "Bool", "acs:SecureTransport", "true", {"secure_transport": True}, True),
    (OPERATORS, "Bool", "acs:SecureTransport", "true", {"secure_transport": False}, False),
    (OPERATORS, "Bool", "acs:SecureTransport", ["false"], {"secure_transport": False}, True),
    (INFERRED, "Bool", "acs:SecureTransport", True, {"secure_transport": True}, True),
    (ELEMENTS, "Bool", "acs:MFAPresent", "true", {"mfa_present": True}, True),
    (ELEMENTS, "Bool", "acs:MFAPresent", "true", {"mfa_present": False}, False),
    (OPERATORS, "Bool", "acs:MFAPresent", "true", {}, False),
    (OPERATORS, "Bool", "acs:MFAPresent", "false", {}, False),
    (PERIOD, "DateLessThan", "acs:CurrentTime", "2019-08-12T17:00:00+08:00", {"now": NOON - 1}, True),
    (PERIOD, "DateLessThan", "acs:CurrentTime", "2019-08-12T17:00:00+08:00", {"now": NOON}, False),
    (PERIOD, "DateLessThan", "acs:CurrentTime", "2019-08-12T09:00:00Z", {"now": NOON - 1}, True),
    (OPERATORS, "DateLessThanEquals", "acs:CurrentTime", "2019-08-12T09:00:00Z", {"now": NOON}, True),
    (OPERATORS, "DateLessThanEquals", "acs:CurrentTime", "2019-08-12T09:00:00Z", {"now": NOON + 1}, False),
    (OPERATORS, "DateGreaterThan", "acs:CurrentTime", "2019-08-12T09:00:00Z", {"now": NOON}, False),
    (OPERATORS, "DateGreaterThan", "acs:CurrentTime", "2019-08-12T09:00:00Z", {"now": NOON + 1}, True),
    (OPERATORS, "DateGreaterThanEquals", "acs:CurrentTime", "2019-08-12T09:00:00Z", {"now": NOON}, True),
    (OPERATORS, "DateGreaterThanEquals", "acs:CurrentTime", "2019-08-12T09:00:00Z", {"now": NOON - 1}, False),
    (OPERATORS, "DateEquals", "acs:CurrentTime", "2019-08-12T09:00:00Z", {"now": NOON + 0.9}, True),
    (OPERATORS, "DateEquals", "acs:CurrentTime", "2019-08-12T09:00:00Z", {"now": NOON + 1}, False),
    (OPERATORS, "DateNotEquals", "acs:CurrentTime", "2019-08-12T09:00:00Z", {"now": NOON}, False),
    (OPERATORS, "DateNotEquals", "acs:CurrentTime", "2019-08-12T09:00:00Z", {"now": NOON + 1}, True),
    (INFERRED, "DateLessThan", "acs:CurrentTime", "2019-08-13", {"now": NOON}, True),
    (INFERRED, "DateGreaterThan", "acs:ResourceTag/until", "2019-08-12", {"resource_tags": {"until": "2019-08-13"}}, True),
    (INFERRED, "DateGreaterThan", "acs:ResourceTag/until", "2019-08-12", {"resource_tags": {"until": "later"}}, False),
    (OPERATORS, "NumericEquals", "acs:ResourceTag/level", "3", {"resource_tags": {"level": "3.0"}}, True),
    (OPERATORS, "NumericEquals", "acs:ResourceTag/level", [1, 3], {"resource_tags": {"level": "3"}}, True),
    (OPERATORS, "NumericNotEquals", "acs:ResourceTag/level", "3", {"resource_tags": {"level": "3"}}, False),
    (OPERATORS, "NumericNotEquals", "acs:ResourceTag/level", "3", {"resource_tags": {"level": "4"}}, True),
    (OPERATORS, "NumericLessThan", "acs:ResourceTag/level", "3", {"resource_tags": {"level": "2"}}, True),
    (OPERATORS, "NumericLessThan", "acs:ResourceTag/level", "3", {"resource_tags": {"level": "3"}}, False),
    (OPERATORS, "NumericLessThanEquals", "acs:ResourceTag/level", "3", {"resource_tags": {"level": "3"}}, True),
    (OPERATORS, "NumericLessThanEquals", "acs:ResourceTag/level", "3", {"resource_tags": {"level": "10"}}, False),
    (OPERATORS, "NumericGreaterThan", "acs:ResourceTag/level", "3", {"resource_tags": {"level": "10"}}, True),
    (OPERATORS, "NumericGreaterThan", "acs:ResourceTag/level", "3", {"resource_tags": {"level": "3"}}, False),
    (OPERATORS, "NumericGreaterThanEquals", "acs:ResourceTag/level", "3", {"resource_tags": {"level": "3"}}, True),
    (OPERATORS, "NumericGreaterThanEquals", "acs:ResourceTag/level", "3", {"resource_tags": {"level": "2.9"}}, False),
    (INFERRED, "NumericEquals", "acs:ResourceTag/level", "3", {"resource_tags": {"level": "three"}}, False),
    (KMS_RAM, "StringEquals", "kms:tag/project", "a", {"resource_tags": {"project": "a"}}, True),
    (KMS_RAM, "StringEquals", "kms:tag/project", "a", {"resource_tags": {"project": "b"}}, False),
    (RDS, "StringEqualsIgnoreCase", "kms:tag/acs:rds:instance-encryption", "true",
     {"resource_tags": {"acs:rds:instance-encryption": "True"}}, True),
    (RDS, "StringEqualsIgnoreCase", "kms:tag/acs:rds:instance-encryption", "true", {}, False),
    (KMS_KEYS, "StringEquals", "kms:EncryptionAlgorithm", "RSAES_OAEP_SHA_256",
     {"values": {"kms:EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}}, True),
    (KMS_KEYS, "StringEquals", "kms:EncryptionAlgorithm", "RSAES_OAEP_SHA_256",
     {"values": {"kms:EncryptionAlgorithm": "RSAES_OAEP_SHA_1"}}, False),
    ("Tag: tag-based authorization", "StringEquals", "acs:RequestTag/owner", "tony", {"request_tags": {"owner": "tony"}}, True),
    ("Tag: tag-based authorization", "StringEquals", "acs:RequestTag/owner", "tony", {"resource_tags": {"owner": "tony"}}, False),
]  # fmt: skip

STATEMENT_CASES: list[tuple[str, list[dict[str, Any]], str | None]] = [
    (EVALUATION, [], None),
    (EVALUATION, [ALLOW_ALL], "Allow"),
    (EVALUATION, [DENY_EVERYTHING], "Deny"),
    (EVALUATION, [ALLOW_ALL, DENY_EVERYTHING], "Deny"),
    (EVALUATION, [DENY_EVERYTHING, ALLOW_ALL], "Deny"),
    (EVALUATION, [ALLOW_ALL, {**DENY_EVERYTHING, "Resource": "acs:kms:*:*:key/*"}], "Allow"),
    (EVALUATION, [ALLOW_ALL, {**DENY_EVERYTHING, "Action": "kms:Delete*"}], "Allow"),
    (ELEMENTS, [{"Effect": "Allow", "NotAction": "ram:*", "Resource": "*"}], "Allow"),
    (ELEMENTS, [{"Effect": "Allow", "NotAction": ["kms:Get*"], "Resource": "*"}], None),
    (ELEMENTS, [ALLOW_ALL, {"Effect": "Deny", "NotAction": ["kms:Get*"], "Resource": "*"}], "Allow"),
    (ELEMENTS, [ALLOW_ALL, {"Effect": "Deny", "NotAction": ["kms:List*"], "Resource": "*"}], "Deny"),
    (SYNTAX, [{"Effect": "Allow", "Action": "kms:*", "NotResource": "acs:kms:*:*:key/*"}], "Allow"),
    (SYNTAX, [{"Effect": "Allow", "Action": "kms:*", "NotResource": ["acs:kms:*:*:secret/*"]}], None),
    (SYNTAX, [{**ALLOW_ALL, "Action": ["kms:*"], "Resource": ["*"]}], "Allow"),
    (ELEMENTS, [{**ALLOW_ALL, "Condition": {"Bool": {"acs:SecureTransport": "true"}}}], None),
    (ELEMENTS, [ALLOW_ALL, {**DENY_EVERYTHING, "Condition": {"Bool": {"acs:SecureTransport": "true"}}}], "Allow"),
    (ELEMENTS, [{**ALLOW_ALL, "Condition": {"StringEquals": {"kms:tag/a": "1", "kms:tag/b": "2"}}}], "Allow"),
    (ELEMENTS, [{**ALLOW_ALL, "Condition": {"StringEquals": {"kms:tag/a": "1", "kms:tag/b": "3"}}}], None),
    (ELEMENTS, [{**ALLOW_ALL, "Condition": {"StringEquals": {"kms:tag/a": "1"}, "StringLike": {"kms:tag/b": "?"}}}], "Allow"),
    (ELEMENTS, [{**ALLOW_ALL, "Condition": {"StringEquals": {"kms:tag/a": "1"}, "StringLike": {"kms:tag/b": "x"}}}], None),
    (ELEMENTS, [{**ALLOW_ALL, "Principal": {"RAM": "acs:ram::2:*"}}, ALLOW_ALL], "Allow"),
    (ELEMENTS, [{**ALLOW_ALL, "Principal": {"RAM": "acs:ram::2:*"}}], None),
    (ELEMENTS, [{**ALLOW_ALL, "Condition": {"StringLike": {"oss:Prefix": "a/*"}}, "Action": "oss:ListObjects"}], None),
    (ELEMENTS, [{"Effect": "Allow", "Action": "kms:*", "Principal": {"RAM": [RAM_USER], "Service": ["ecs.aliyuncs.com"]}}], "Allow"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "pattern", "action", "expected"), ACTION_CASES)
def test_actions(source: str, pattern: str, action: str, *, expected: bool) -> None:
    """Actions are patterns that ignore case; NotAction is the opposite of Action."""
    assert (
        effect_of([{**ALLOW_ALL, "Action": ["kms:Nothing", pattern]}], Request(action, SECRET_ARN)) == "Allow"
    ) is expected, source
    opposite = {"Effect": "Allow", "NotAction": [pattern], "Resource": "*"}
    assert (effect_of([opposite], Request(action, SECRET_ARN)) is None) is expected, source


@pytest.mark.parametrize(("source", "pattern", "resource", "expected"), RESOURCE_CASES)
def test_resources(source: str, pattern: str, resource: str, *, expected: bool) -> None:
    """Resources are patterns over ARNs; NotResource is the opposite of Resource."""
    request = Request("kms:GetSecretValue", resource)
    assert (effect_of([{**ALLOW_ALL, "Resource": pattern}], request) == "Allow") is expected, source
    opposite = {"Effect": "Allow", "Action": "*", "NotResource": [pattern]}
    assert (effect_of([opposite], request) is None) is expected, source


@pytest.mark.parametrize(("source", "pattern", "principal", "expected"), PRINCIPAL_CASES)
def test_principals(source: str, pattern: str, principal: str, *, expected: bool) -> None:
    """A principal is an ARN or a pattern; an account's root stands for everyone in it."""
    request = Request("kms:GetSecretValue", SECRET_ARN, principal)
    assert (effect_of([{**ALLOW_ALL, "Principal": {"RAM": [pattern]}}], request) == "Allow") is expected, source


@pytest.mark.parametrize(("source", "operator", "key", "value", "known", "expected"), CONDITION_CASES)
def test_conditions(source: str, operator: str, key: str, value: Any, known: dict[str, Any], *, expected: bool) -> None:
    """One of the values must match, of a negated operator none; what a request lacks meets negated operators only."""
    request = Request("kms:GetSecretValue", SECRET_ARN, RAM_USER, **known)
    assert (effect_of([allowed_if(operator, key, value)], request) == "Allow") is expected, source
    refusing = {**allowed_if(operator, key, value), "Effect": "Deny"}
    assert (effect_of([ALLOW_ALL, refusing], request) == "Deny") is expected, source


@pytest.mark.parametrize(("source", "statements", "expected"), STATEMENT_CASES)
def test_statements(source: str, statements: list[dict[str, Any]], expected: str | None) -> None:
    """A Deny beats every Allow in any order; all conditions must be met; what nothing allows is not decided."""
    request = Request("kms:GetSecretValue", SECRET_ARN, RAM_USER, resource_tags={"a": "1", "b": "2"})
    assert effect_of(statements, request) == expected, source


def test_there_are_as_many_cases_as_promised() -> None:
    """100 cases and more that name their page, without the inferred ones; each operator at least twice."""
    tables: list[list[Any]] = [ACTION_CASES, RESOURCE_CASES, PRINCIPAL_CASES, STATEMENT_CASES, CONDITION_CASES]
    sources = [case[0] for table in tables for case in table]
    assert all(": " in source for source in sources if source != INFERRED)
    assert sum(source != INFERRED for source in sources) >= 150
    operators = [case[1] for case in CONDITION_CASES]
    assert len(set(operators)) == 21
    assert all(operators.count(operator) >= 2 for operator in operators)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (allowed_if("StringEquls", "acs:SourceIp", "x"), r"^Condition\.StringEquls: .*did you mean 'StringEquals'\? - at `\$\.Statement\[1\]`$"),
        (allowed_if("BoolIfExists", "acs:MFAPresent", "true"), r"^Condition\.BoolIfExists: RAM has no Null, IfExists"),
        (allowed_if("Null", "acs:MFAPresent", "true"), r"^Condition\.Null: RAM has no Null"),
        (allowed_if("ForAnyValue:StringEquals", "kms:tag/a", "x"), r"RAM has no Null, IfExists, ForAnyValue"),
        (allowed_if("Bool", "acs:MFApresent", "true"), r"^Condition\.Bool\.acs:MFApresent: .*did you mean 'acs:MFAPresent'\?"),
        (allowed_if("StringEquals", "kms:KeySpec", "x"), r"^Condition\.StringEquals\.kms:KeySpec: there is no such condition key"),
        (allowed_if("StringEquals", "oss:Prefix", "x"), r"no such condition key"),
        (allowed_if("StringEquals", "Prefix", "x"), r"<ram-code>:<name>"),
        (allowed_if("StringEquals", "kms:tag/", "x"), r"the tag's key is missing"),
        (allowed_if("StringEquals", "acs:SourceVpc", []), r"one value or more"),
        (allowed_if("StringEquals", "acs:SourceVpc", {"a": 1}), r"expected a text"),
        (allowed_if("StringEquals", "acs:SourceVpc", "x" * 4097), r"at most 4096"),
        (allowed_if("StringLike", "acs:SourceVpc", "x" * (MAX_PATTERN + 1)), r"at most 2048"),
        (allowed_if("Bool", "acs:MFAPresent", ["true", "false"]), r"a single Boolean"),
        (allowed_if("Bool", "acs:MFAPresent", "yes"), r"true or false"),
        (allowed_if("NumericEquals", "kms:tag/a", "nan"), r"expected a number"),
        (allowed_if("DateLessThan", "acs:CurrentTime", "tomorrow"), r"a time such as"),
        (allowed_if("DateLessThan", "acs:CurrentTime", "2019-02-30"), r"no such time"),
        (allowed_if("IpAddress", "acs:SourceIp", "10.0.0.0/33"), r"an IP address or a CIDR block"),
        ({**ALLOW_ALL, "Condition": {"Bool": {}}}, r"^Condition\.Bool: expected an object"),
        ({**ALLOW_ALL, "NotAction": "oss:*"}, r"either Action or NotAction"),
        ({"Effect": "Allow", "Resource": "*"}, r"either Action or NotAction"),
        ({"Effect": "Allow", "Action": "kms:*"}, r"either Resource or NotResource"),
        ({**ALLOW_ALL, "Action": []}, r"^Action: expected one value or more"),
        ({**ALLOW_ALL, "Action": ["kms:*", "ListKeys"]}, r"^Action\[1\]: .*<ram-code>:<action-name>"),
        ({**ALLOW_ALL, "Resource": "key/*"}, r"^Resource\[0\]: .*starts with acs:"),
        ({**ALLOW_ALL, "Resource": "acs:kms:*"}, r"acs:<ram-code>:<region>:<account-id>:<relative-id>"),
        ({**ALLOW_ALL, "Resource": "acs:kms:*:*:" + "x" * MAX_PATTERN}, r"^Resource: a pattern has at most 2048"),
        ({**ALLOW_ALL, "Principal": {"RAM": ["robot"]}}, r"^Principal\.RAM\[0\]: a principal is an ARN"),
        ({**ALLOW_ALL, "Principal": {}}, r"^Principal: expected one value or more"),
        ({**ALLOW_ALL, "Principal": {"Service": "*"}}, r"^Principal\.Service\[0\]: expected a name without wildcards"),
        ({**ALLOW_ALL, "Sid": "a\nb"}, r"^a Sid has at most"),
        ({**ALLOW_ALL, "Effect": "Maybe"}, r"Invalid enum value"),
        ({**ALLOW_ALL, "Colour": "red"}, r"unknown field"),
    ],
)  # fmt: skip
def test_what_is_no_policy_is_refused_with_its_place(statement: dict[str, Any], message: str) -> None:
    """An unknown operator, key or form is an error when the policy is read (RAM: Validate policies)."""
    with pytest.raises(msgspec.ValidationError, match=message) as caught:
        policy_of(ALLOW_ALL, statement)
    assert str(caught.value).endswith("]`") or "$.Statement[1]" in str(caught.value)


# -- bounds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["a*", "?*", "a?", "*a?", "?a*b", "*", "?"])
def test_no_pattern_is_slow(unit: str) -> None:
    """The longest patterns over a text that nearly matches, as many as a policy holds, take milliseconds of CPU."""
    pattern = (unit * MAX_PATTERN)[: MAX_PATTERN // 2 - 1] + "b"
    patterns = compile_patterns(f"*{pattern}{number}" for number in range(30))
    text = "a" * 4000
    began = time.process_time()
    assert not patterns(text)
    assert time.process_time() - began < 2  # 0.1 s at most where it was written; backtracking would take years
