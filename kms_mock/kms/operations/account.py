"""The account: regions, whether KMS is open, opening it, and challenges for attestation."""

from collections.abc import Callable
from typing import TypedDict

import msgspec
from msgspec.structs import replace

from kms_mock.crypto import b64
from kms_mock.crypto.material import KeyMaterial
from kms_mock.kms import errors, inferred
from kms_mock.kms.context import Context
from kms_mock.kms.model.attestation import ChallengeKey, challenge_keys
from kms_mock.kms.model.key import pair_work
from kms_mock.kms.model.subscription import ServiceStatus, Subscription, subscription_of, subscriptions
from kms_mock.kms.operations.results import Empty
from kms_mock.rpc.api import operation

# The regions that have an endpoint (api-docs, 2025-12).
_REGIONS = (
    *("cn-qingdao", "cn-beijing", "cn-zhangjiakou", "cn-zhengzhou-jva", "cn-huhehaote", "cn-wulanchabu"),
    *("cn-hangzhou", "cn-shanghai", "cn-fuzhou", "cn-shenzhen", "cn-heyuan", "cn-guangzhou", "cn-chengdu"),
    *("cn-wuhan-lr", "cn-hongkong", "ap-northeast-1", "ap-northeast-2", "ap-southeast-1", "ap-southeast-2"),
    *("ap-southeast-3", "ap-southeast-5", "ap-southeast-6", "us-east-1", "us-west-1", "eu-west-1", "eu-central-1"),
    *("ap-south-1", "me-east-1", "cn-hangzhou-finance", "cn-shanghai-finance-1", "cn-shenzhen-finance-1"),
    *("ap-southeast-7", "cn-beijing-finance-1", "me-central-1", "cn-heyuan-acdr-1", "na-south-1"),
)

# What DescribeAccountKmsStatus calls each status.
_STATUS: dict[ServiceStatus, str] = {
    "Enabled": "Enabled",
    "NotEnabled": "NotEnabled",
    "InDebt": "InDebt",
    "InDebtOverdue": "Suspended",
    "RiskControl": "Suspended",
    "UbsmsInvalidUserid": "NotEnabled",
    "UbsmsInvalidBid": "NotEnabled",
}

# The sample of the Java, Go and C# SDKs: 44 characters of Base64, and a token that ends in a time 300 s past a round one.
_CHALLENGE_LENGTH = 32
_CHALLENGE_LIFETIME = 300


class RegionEntry(TypedDict):
    RegionId: str


class RegionEntries(TypedDict):
    Region: list[RegionEntry]


class Regions(TypedDict):
    Regions: RegionEntries


class AccountStatus(TypedDict):
    AccountStatus: str


class Challenge(TypedDict):
    ChallengeToken: str
    Nonce: str


def _subscription(ctx: Context) -> Subscription:
    return subscription_of(ctx.store, ctx.caller.account)


@operation("DescribeRegions", errors=errors.USUAL_TABLE, needs_service=False, needs_permission=False)
def describe_regions(ctx: Context) -> Regions:
    """List the regions in which there is KMS."""
    return {"Regions": {"Region": [{"RegionId": region} for region in _REGIONS]}}


@operation(
    "DescribeAccountKmsStatus",
    errors=(*errors.USUAL_TABLE, errors.NO_PERMISSION),
    inferred=(inferred.ACCOUNT_STATUSES,),
    needs_service=False,
    container="*",
)
def describe_account_kms_status(ctx: Context) -> AccountStatus:
    """Return whether KMS is open for this account."""
    return {"AccountStatus": _STATUS[_subscription(ctx).status]}


@operation(
    "OpenKmsService",
    errors=(errors.CREATE_ORDER_FAILED, errors.NO_REAL_NAME, errors.SERVICE_OPENED),
    inferred=(
        inferred.ACCOUNT_STATUSES,
        "An account whose service is suspended still has it: it is refused as open already.",
    ),
    needs_service=False,
    container="*",
)
def open_kms_service(ctx: Context) -> Empty:
    """Open KMS for an account that never had it."""
    account = _subscription(ctx)
    if _STATUS[account.status] != "NotEnabled":
        raise errors.SERVICE_OPENED(f"KMS is open for account {account.id}: {account.status}.")
    if not account.real_name:
        raise errors.NO_REAL_NAME(f"Account {account.id} has `real_name: false` in the fixture file.")
    if account.orders_fail:
        raise errors.CREATE_ORDER_FAILED(f"Account {account.id} has `orders_fail: true` in the fixture file.")
    home = ctx.store.partition(account.id, "")
    home[subscriptions].put(replace(account, status="Enabled"))
    return {}


def _signing_key(ctx: Context) -> Callable[[], KeyMaterial] | None:
    """Return the work that makes the key that signs challenges, once for each server."""
    return pair_work("RSA_2048", ctx.sources) if _challenge_key(ctx) is None else None


def _challenge_key(ctx: Context) -> KeyMaterial | None:
    found = ctx.store.server[challenge_keys].get("")
    return None if found is None else found.material


@operation(
    "GetChallenge",
    inferred=(
        (
            "The SDKs' samples show a JSON Web Token of RS384 whose claims begin with the nonce and end with a time; that its "
            "times are named iat and exp is not shown."
        ),
    ),
    prepare=_signing_key,
    container="*",
)
def get_challenge(ctx: Context) -> Challenge:
    """Return a nonce for the evidence of an attestation, and a token by which the service knows the nonce again.

    Only the SDKs have this operation: samples, not a word of prose.
    """
    from kms_mock.crypto import jwt  # noqa: PLC0415 (loads the asymmetric parts of `cryptography`)

    key = _challenge_key(ctx)
    if key is None:
        key = ctx.prepared
        ctx.store.server[challenge_keys].put(ChallengeKey(key))
    nonce = b64.encode(ctx.sources.random_bytes(_CHALLENGE_LENGTH))
    issued = int(ctx.now)
    claims = msgspec.json.encode({"nonce": nonce, "iat": issued, "exp": issued + _CHALLENGE_LIFETIME})
    return {"ChallengeToken": jwt.signed(key, claims), "Nonce": nonce}
