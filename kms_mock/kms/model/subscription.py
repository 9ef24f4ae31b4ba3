"""The KMS service of an account: whether it is open, and its quotas, as a fixture file describes them."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from kms_mock.kms import errors
from kms_mock.store.resource import Resource
from kms_mock.store.store import Store

ServiceStatus = Literal[
    "Enabled", "NotEnabled", "InDebt", "InDebtOverdue", "RiskControl", "UbsmsInvalidUserid", "UbsmsInvalidBid"
]
_REFUSALS: dict[ServiceStatus, errors.ErrorSpec] = {
    "NotEnabled": errors.SERVICE_NOT_ENABLED,
    "InDebt": errors.IN_DEBT,
    "InDebtOverdue": errors.IN_DEBT_OVERDUE,
    "RiskControl": errors.RISK_CONTROL,
    "UbsmsInvalidUserid": errors.UBSMS_INVALID_USER,
    "UbsmsInvalidBid": errors.UBSMS_INVALID_BID,
}


# Requests a second by operation or group (`kms.model.rates`), or those that the documents state.
Rates = Literal["documented"] | dict[str, int]


class Quotas(Struct, frozen=True):
    """How many of each an account may have in one region, and how many requests a second. None is no limit.

    Sources: behaviour.md 14.
    """

    keys: int | None = 200
    aliases: int | None = 300
    key_versions: int | None = 10000
    secrets: int | None = None
    certificates: int | None = None
    rates: Rates | None = None


class Subscription(Struct, frozen=True):
    """The KMS service of the account `id`. `real_name` and `orders_fail` decide what OpenKmsService answers."""

    id: str
    status: ServiceStatus = "Enabled"
    quotas: Quotas = Quotas()
    real_name: bool = True
    orders_fail: bool = False


subscriptions = Resource(Subscription, "account")  # in the partition of the account that has no region


def subscription_of(store: Store, account_id: str) -> Subscription:
    """Return the KMS service of an account; one that nobody described is open and has the usual quotas."""
    return store.account_record(subscriptions, account_id, account_id) or Subscription(account_id)


def check_open(store: Store, account_id: str) -> None:
    """Check that KMS is open for an account. Raises the refusal of its status."""
    found = store.account_record(subscriptions, account_id, account_id)
    if found is not None and found.status != "Enabled":
        raise _REFUSALS[found.status](f"Account {account_id} is {found.status} in the fixture file.")
