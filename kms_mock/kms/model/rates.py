"""How many requests a second an account may send in a region, where its fixture file asks for that.

Source of the groups and their rates: KMS, "Performance data", shared gateway (2025-02, 2026-03), and for ReEncrypt its
own page (api-docs ReEncrypt). That page lists the operations of some groups and describes the others: who belongs to
those is inferred. Operations of no group have no documented rate.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from kms_mock.kms import errors
from kms_mock.kms.model.subscription import Rates, subscriptions
from kms_mock.rpc.context import Context
from kms_mock.store.resource import Resource, Table

MAX_COUNTS = 1000  # of an account: clients choose the names of regions
_WINDOW = 1.0  # seconds
_DEDICATED_GATEWAY = ".cryptoservice."  # in the host names of instances, which have no such limits


class Group(Struct, frozen=True):
    """Operations that share a quota of requests a second. `members` says whether the documents list or describe them."""

    rate: int
    operations: tuple[str, ...]
    members: Literal["documented", "inferred"] = "documented"


GROUPS: Final[dict[str, Group]] = {
    "activation": Group(1, ("OpenKmsService", "DescribeAccountKmsStatus")),
    "instance-write": Group(10, ("ConnectKmsInstance", "UpdateKmsInstanceBindVpc", "ReleaseKmsInstance")),
    "instance-read": Group(
        50, ("GetKmsInstance", "ListKmsInstances", "GetDefaultKmsInstance", "GetKmsInstanceQuotaInfos")
    ),
    "key-read": Group(
        50,
        (
            "GetParametersForImport",
            "DescribeKey",
            "ListKeys",
            "DescribeKeyVersion",
            "ListKeyVersions",
            "GetPublicKey",
            "ListAliases",
            "ListAliasesByKeyId",
            "ListTagResources",
            "DescribeRegions",
        ),
    ),
    "key-tags": Group(300, ("ListResourceTags",)),
    "key-create": Group(10, ("CreateKey",)),
    "key-write": Group(
        30,
        (
            "CreateAlias",
            "UpdateAlias",
            "DeleteAlias",
            "CreateKeyVersion",
            "EnableKey",
            "DisableKey",
            "ScheduleKeyDeletion",
            "CancelKeyDeletion",
            "SetDeletionProtection",
            "UpdateKeyDescription",
            "UpdateRotationPolicy",
            "ImportKeyMaterial",
            "DeleteKeyMaterial",
            "TagResource",
            "UntagResource",
            "TagResources",
            "UntagResources",
        ),
        "inferred",
    ),
    "symmetric": Group(
        1000,
        (
            "Encrypt",
            "Decrypt",
            "GenerateDataKey",
            "GenerateDataKeyWithoutPlaintext",
            "GenerateAndExportDataKey",
            "ExportDataKey",
        ),
        "inferred",
    ),
    "re-encrypt": Group(750, ("ReEncrypt",)),
    "asymmetric": Group(200, ("AsymmetricEncrypt", "AsymmetricDecrypt", "AsymmetricSign", "AsymmetricVerify")),
    "secret-write": Group(10, ("CreateSecret", "DeleteSecret"), "inferred"),
    "secret-read": Group(450, ("DescribeSecret", "GetSecretValue"), "inferred"),
    "secret-rare": Group(
        40,
        (
            "ListSecrets",
            "ListSecretVersionIds",
            "PutSecretValue",
            "UpdateSecret",
            "UpdateSecretVersionStage",
            "UpdateSecretRotationPolicy",
            "RestoreSecret",
            "GetRandomPassword",
        ),
        "inferred",
    ),
}
GROUP_OF: Final = {operation: name for name, group in GROUPS.items() for operation in group.operations}


class RequestCount(Struct, frozen=True):
    """How many requests of an operation or a group there were in a region since a moment, for at most a second."""

    region: str
    name: str
    since: float
    count: int

    def runs(self, now: float) -> bool:
        """Return whether its second is not over, nor ahead."""
        return self.since <= now < self.since + _WINDOW


def _key(region: str, name: str) -> str:
    return f"{region} {name}"


# Those of an account are together, whatever the region: one in which nothing else is shall be forgotten. Not logged: a
# refused request counts too, and what it changed is undone. Not saved: after a start the second is over.
request_counts = Resource(
    RequestCount, "request count", key=lambda found: _key(found.region, found.name), logged=False, saved=False
)


def limits(rates: Rates, operation: str) -> dict[str, int]:
    """Return what limits an operation: requests a second, by the name under which they are counted."""
    group = GROUP_OF.get(operation)
    if rates == "documented":
        return {} if group is None else {group: GROUPS[group].rate}
    return {name: rates[name] for name in (operation, group) if name is not None and name in rates}


def admit(ctx: Context) -> bool:
    """Count a request of an account whose rates are limited, and return whether they are.

    Raises REJECTED_THROTTLING for one too many in a second.
    The second is one of the mock's clock; it begins with the first request that is counted.
    """
    account = ctx.caller.account
    found = ctx.store.account_record(subscriptions, account, account)
    if found is None or found.quotas.rates is None:
        return False
    if _DEDICATED_GATEWAY in ctx.http.headers.get("Host", ""):
        return True
    table, region, now, counted = ctx.store.partition(account, "")[request_counts], ctx.partition.region, ctx.now, []
    for name, rate in limits(found.quotas.rates, ctx.operation.name).items():
        last = table.get(_key(region, name))
        if last is None or not last.runs(now):
            last = RequestCount(region, name, now, 0)
        if last.count >= rate:
            raise errors.REJECTED_THROTTLING(
                f"Account {account} may send {rate} requests of {name} a second: see `rates` in its fixture file."
            )
        counted.append(replace(last, count=last.count + 1))
    for count in counted:
        if len(table) >= MAX_COUNTS:
            _forget_some(table, now)
        table.put(count)
    return True


def _forget_some(table: Table[RequestCount], now: float) -> None:
    """Remove the counts whose second is over, or else the oldest one."""
    for count in [count for count in table.values() if not count.runs(now)] or table.page(0, 1):
        table.remove(count)
