"""RAM policies for tests: statements, and what a policy of them decides."""

from __future__ import annotations

from typing import Any

import msgspec

from kms_mock.identity.conditions import Request
from kms_mock.identity.decisions import decide
from kms_mock.identity.policies import Policy

ALLOW_ALL: dict[str, Any] = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}
DENY_EVERYTHING: dict[str, Any] = {**ALLOW_ALL, "Effect": "Deny"}
SECRET_ARN = "acs:kms:cn-hangzhou:1:secret/app/db"
KEY_ARN = "acs:kms:cn-hangzhou:1:key/08ec3bb9"
RAM_USER = "acs:ram::1:user/robot"


def policy_of(*statements: dict[str, Any]) -> Policy:
    return msgspec.convert({"Version": "1", "Statement": list(statements)}, Policy)


def effect_of(statements: list[dict[str, Any]], request: Request) -> str | None:
    return decide([("test", policy_of(*statements))], request).effect


def allowed_if(operator: str, key: str, value: Any) -> dict[str, Any]:
    """Return a statement that allows everything under one condition."""
    return {**ALLOW_ALL, "Condition": {operator: {key: value}}}
