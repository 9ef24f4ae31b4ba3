"""The states of a store that a campaign starts from, and requests that succeed in them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from msgspec import Struct

from kms_mock import KmsMock, fixtures
from kms_mock.store.store import StoreState
from tests.fuzz.steps import Pairs
from tests.fuzz.values import PLANTED
from tests.support.examples import EXAMPLES
from tests.support.record_samples import filled_store

Call = Callable[..., dict[str, Any]]

FOLDER = Path(__file__).parents[2] / "fixtures"
OTHER = "2222222222222222"
SECRET = "the-secret-of-x-0123456789abcd"
READ_ONLY = {
    "Version": "1",
    "Statement": [
        {"Effect": "Allow", "Action": ["kms:Describe*", "kms:List*", "kms:Get*"], "Resource": "*"},
        {"Effect": "Deny", "Action": "kms:GetSecretValue", "Resource": "acs:kms:*:*:secret/db"},
    ],
}
CONDITIONS = {
    "Version": "1",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "kms:*",
            "Resource": "*",
            "Condition": {"StringLike": {"kms:tag/team": "pay*"}, "IpAddress": {"acs:SourceIp": ["127.0.0.0/8"]}},
        }
    ],
}
ACCESS_KEYS = (
    "",
    "mock",
    "AK",
    "AK-off",
    "AK-reader",
    "AK-conditions",
    "AK-other",
    "AK-closed",
    "STS.AK",
    "no such key",
)
PLACES: dict[str, Any] = {
    "keys": [
        {"id": "k-plain", "aliases": ["alias/app", "alias/other"], "tags": {"team": "pay"}},
        {"id": "k-off", "state": "Disabled"},
        {"id": "k-protected", "deletion_protection": True},
        {"id": "k-leaving", "state": "PendingDeletion", "deletion_date": "+7d"},
        {"id": "k-external", "origin": "EXTERNAL", "state": "PendingImport"},
        {"id": "k-mac", "spec": "HMAC_SHA_256"},
        {"id": "k-rotating", "rotation_interval": "30d"},
        {"id": "k-ec", "spec": "EC_P256", "usage": "SIGN/VERIFY"},
    ],
    "secrets": [
        {"name": "db", "value": PLANTED, "encryption_key": "k-plain", "tags": {"team": "pay"}},
        {"name": "under-off", "value": PLANTED, "encryption_key": "k-off"},
        {"name": "app/x", "value": PLANTED},
        {"name": "leaving", "value": PLANTED, "planned_delete": "+7d"},
        {
            "name": "rds",
            "type": "Rds",
            "extended_config": {"SecretSubType": "SingleUser", "DBInstanceId": "rm-1"},
            "rotation_interval": "7d",
            "value": json.dumps({"AccountName": "app", "AccountPassword": PLANTED}),
        },
    ],
}
QUOTAS = {"keys": 9, "aliases": 3, "secrets": 6, "key_versions": 3, "certificates": 1}
ACCOUNTS: dict[str, Any] = {
    "accounts": [
        {
            "id": "1234567890123456",
            "access_keys": [
                {"id": "AK", "secret": SECRET},
                {"id": "AK-off", "secret": SECRET, "active": False},
                {"id": "AK-reader", "secret": SECRET, "user": "reader", "policy": READ_ONLY},
                {"id": "AK-conditions", "secret": SECRET, "user": "conditions", "policy": CONDITIONS},
                {"id": "STS.AK", "secret": SECRET},
            ],
            "regions": [{"id": "cn-beijing", **PLACES}],
        },
        {
            "id": OTHER,
            "access_keys": [{"id": "AK-other", "secret": SECRET}],
            "quotas": QUOTAS,
            "regions": [{"id": "cn-hangzhou", **PLACES}],
        },
        {"id": "3333333333333333", "status": "InDebt", "access_keys": [{"id": "AK-closed", "secret": SECRET}]},
    ]
}
LIMITED = "limited"
"""The world in which the rates of requests are limited, and every request comes a moment after the one before."""

_RATES = {"key-read": 1, "key-write": 1, "symmetric": 2, "CreateKey": 0, "secret-write": 1, "GetSecretValue": 1}
LIMITS: dict[str, Any] = {
    "accounts": [
        {"id": "1234567890123456", "quotas": {"rates": _RATES}, "access_keys": [{"id": "AK", "secret": SECRET}]},
        {"id": OTHER, "quotas": {"rates": "documented"}, "access_keys": [{"id": "AK-other", "secret": SECRET}]},
    ]
}
SETTINGS: dict[str, dict[str, Any]] = {
    "open": {},
    "strict": {"authentication": {"signatures": "verify", "unknown_access_keys": "refuse"}},
}


class World(Struct, frozen=True):
    """A state to come back to; `seeds` are operations with parameters that succeed there."""

    name: str
    state: StoreState
    seeds: tuple[tuple[str, Pairs], ...]


def make_worlds(kms: KmsMock, call: Call) -> dict[str, World]:
    """Load the worlds one after another into a mock. Each has the accounts above, most an example's fixture."""
    groups: dict[str, list[str]] = {}
    for operation, example in EXAMPLES.items():
        groups.setdefault(json.dumps(example.fixture, sort_keys=True), []).append(operation)
    worlds = []
    for number, (text, operations) in enumerate(groups.items()):
        fixture = json.loads(text)
        documents = [fixture] if "accounts" in fixture else [fixture, ACCOUNTS]
        worlds.append(_world(kms, call, f"example-{number}", documents, operations))
    for name, settings in SETTINGS.items():
        worlds.append(_world(kms, call, name, [{**PLACES, **settings}, ACCOUNTS]))
    worlds.append(_world(kms, call, LIMITED, [{**PLACES, **LIMITS}]))
    worlds.append(_world(kms, call, "records", [fixtures.snapshot(filled_store())]))
    worlds += [_world(kms, call, path.name, [path]) for path in sorted(FOLDER.glob("*.yaml"))]
    return {world.name: world for world in worlds}


def _world(kms: KmsMock, call: Call, name: str, documents: Iterable[Any], operations: Iterable[str] = ()) -> World:
    kms.controls.replace({})
    for document in documents:
        kms.load(document)
    before = kms.store.state()
    seeds = [(operation, tuple(EXAMPLES[operation].parameters(call).items())) for operation in operations]
    kms.store.restore(before)
    return World(name, before, tuple(seeds))
