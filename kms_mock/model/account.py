"""Accounts, their AccessKey pairs and their quotas, as a fixture file gives them."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from kms_mock.model.permissions import Policy

ServiceStatus = Literal[
    "Enabled", "NotEnabled", "InDebt", "InDebtOverdue", "RiskControl", "UbsmsInvalidUserid", "UbsmsInvalidBid"
]


class AccessKey(Struct, frozen=True):
    """One AccessKey pair. Without a user it belongs to the account itself, which may do everything.

    `policy` is what RAM permits this user; None means everything (a mock is permissive until told otherwise).
    """

    id: str
    secret: str | None = None
    active: bool = True
    user: str | None = None
    policy: Policy | None = None

    def __repr__(self) -> str:
        return f"AccessKey({self.id!r}, user={self.user!r})"


class Quotas(Struct, frozen=True):
    """How many of each an account may have in one region (behaviour.md 14). None is no limit."""

    keys: int | None = 200
    aliases: int | None = 300
    key_versions: int | None = 10000
    secrets: int | None = None  # inferred: no document gives a number for an account outside instances
    certificates: int | None = None


class Account(Struct, frozen=True):
    """One Alibaba Cloud account. `real_name` and `orders_fail` decide what OpenKmsService has to say."""

    id: str
    status: ServiceStatus = "Enabled"
    access_keys: dict[str, AccessKey] = {}
    quotas: Quotas = Quotas()
    real_name: bool = True
    orders_fail: bool = False


class Caller(Struct, frozen=True):
    """Who sent a request."""

    account: str
    access_key: AccessKey

    @property
    def arn(self) -> str:
        """The caller as a policy's principal names it: the account's root, or one of its RAM users."""
        user = self.access_key.user
        return f"acs:ram::{self.account}:" + (f"user/{user}" if user else "root")
