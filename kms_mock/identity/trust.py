"""Whom a role trusts: who may assume it (RAM, "Edit the trust policy of a RAM role")."""

from __future__ import annotations

from typing import Final

from kms_mock.identity.conditions import Request
from kms_mock.identity.decisions import decide
from kms_mock.identity.identities import Role, role_arn

ECS: Final = "ecs.aliyuncs.com"  # the service that ECS instances get their role's credentials from


def trust_refusal(account: str, role: Role, request: Request, *, same_account: bool) -> str:
    """Return why a role of an account does not trust a request's principal, "" if it does.

    `same_account` tells whether the principal belongs to the role's account: without a trust policy that is enough.
    """
    if role.trust is None:
        return "" if same_account else f"Role {role.name} has no trust policy: it trusts account {account} alone."
    decision = decide(((f"the trust policy of role {role.name}", role.trust),), request)
    return "" if decision.allowed else decision.explain()


def ecs_refusal(account: str, role: Role) -> str:
    """Return why no ECS instance of the account may have a role, "" if one may."""
    request = Request("sts:AssumeRole", role_arn(account, role.name), ECS, "Service")
    return trust_refusal(account, role, request, same_account=True)
