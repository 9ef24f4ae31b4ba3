"""Who may do what: RAM policies of a caller, and the policies that keys and secrets carry.

A policy is `{"Version": "1", "Statement": [{"Effect", "Action", "Resource", "Principal"?, "Condition"?}]}`. A Deny wins
over every Allow. Conditions are kept but never met here: a statement with one neither allows nor denies (`# inferred`:
the mock knows none of the request contexts that conditions ask for).
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any, Literal

import msgspec
from msgspec import Struct

from kms_mock import errors

MAX_POLICY_BYTES = 32768
_SID = re.compile(r"[A-Za-z0-9 _/+=.@-]{0,128}")


class Principal(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom a statement of a resource policy is about: ARNs of accounts, users and roles."""

    RAM: str | list[str]


class Statement(Struct, frozen=True, forbid_unknown_fields=True):
    """One statement of a policy."""

    Effect: Literal["Allow", "Deny"]
    Action: str | list[str]
    Resource: str | list[str]
    Sid: str = ""
    Principal: Principal | None = None
    Condition: dict[str, dict[str, Any]] | None = None


class Policy(Struct, frozen=True, forbid_unknown_fields=True):
    """A policy document."""

    Version: Literal["1"]
    Statement: list[Statement]


def effect(policy: Policy, action: str, resource: str) -> Literal["Allow", "Deny"] | None:
    """Say what a RAM policy has to say about an action on a resource (an ARN, or `*` for "on anything at all").

    Asked for `*`, an Allow for any resource counts, and only a Deny for all resources does: it answers whether the
    action can ever succeed.
    """
    found: Literal["Allow", "Deny"] | None = None
    for statement in policy.Statement:
        if statement.Condition or not _any(statement.Action, action):
            continue
        hits = "*" in _list(statement.Resource) if resource == "*" else _any(statement.Resource, resource)
        if statement.Effect == "Deny" and hits:
            return "Deny"
        if statement.Effect == "Allow" and (hits or resource == "*"):
            found = "Allow"
    return found


def resource_effect(policy: Policy, action: str, principal: str) -> Literal["Allow", "Deny"] | None:
    """Say what the policy of a key or secret has to say about a principal (an ARN) doing an action."""
    found: Literal["Allow", "Deny"] | None = None
    for statement in policy.Statement:
        if statement.Condition or statement.Principal is None or not _any(statement.Action, action):
            continue
        if not any(_is_principal(pattern, principal) for pattern in _list(statement.Principal.RAM)):
            continue
        if statement.Effect == "Deny":
            return "Deny"
        found = "Allow"
    return found


def parse_resource_policy(text: str) -> Policy:
    """Read and check the policy of a key or secret (behaviour.md 13). Raises ValueError with a plain reason."""
    if len(text.encode()) > MAX_POLICY_BYTES:
        raise ValueError(f"a policy has at most {MAX_POLICY_BYTES} bytes")
    try:
        policy = msgspec.json.decode(text, type=Policy)
    except RecursionError as error:
        raise ValueError("the JSON is nested too deeply") from error
    if not policy.Statement:
        raise ValueError("a policy has at least one statement")
    for statement in policy.Statement:
        if not _SID.fullmatch(statement.Sid):
            raise ValueError("a Sid has at most 128 letters, digits, blanks and _/+=.@-")
        if statement.Principal is None or not _list(statement.Principal.RAM):
            raise ValueError("a statement names its Principal")
        if any(not action.startswith("kms:") for action in _list(statement.Action)):
            raise ValueError("an Action starts with kms:")
        if _list(statement.Resource) != ["*"]:
            raise ValueError("the Resource is *")
    return policy


def check_policy(text: str, instance_id: str | None) -> None:
    """Check the policy of a key or secret. Raises POLICY_UNSUPPORTED, INVALID_PARAMETER."""
    # Policies belong to KMS instances (api-docs SetKeyPolicy, SetSecretPolicy; # inferred for CreateKey, CreateSecret).
    if instance_id is None:
        raise errors.POLICY_UNSUPPORTED("A key or secret outside a KMS instance has no policy.")
    try:
        parse_resource_policy(text)
    except ValueError as error:
        raise errors.INVALID_PARAMETER(f"Policy: {error}", name="Policy") from error


def default_policy(account: str, sid: str) -> str:
    """Give the policy that a key or secret has from birth: its account may do everything (behaviour.md 13)."""
    statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"RAM": [f"acs:ram::{account}:*"]},
        "Action": ["kms:*"],
        "Resource": ["*"],
    }
    return msgspec.json.encode({"Version": "1", "Statement": [statement]}).decode()


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _any(patterns: str | list[str], text: str) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in _list(patterns))


def _is_principal(pattern: str, principal: str) -> bool:
    if pattern.endswith(":root"):  # the account and so everyone in it
        pattern = pattern[: -len("root")] + "*"
    return fnmatchcase(principal, pattern)
