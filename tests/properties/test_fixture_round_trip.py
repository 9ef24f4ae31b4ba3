"""A snapshot of any store loads to an equal store."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kms_mock import fixtures
from kms_mock.defaults import DEFAULT_ACCOUNT, DEFAULT_REGION
from kms_mock.store.store import Store
from tests.support.calls import tag_parameter
from tests.support.in_process import InProcess
from tests.support.records import records_of

RDS = {"SecretSubType": "DoubleUsers", "DBInstanceId": "rm-1"}
ECS = {"SecretSubType": "SSHKey", "RegionId": "cn-hangzhou", "InstanceId": "i-1"}
USERS = [{"AccountName": name, "AccountPassword": "p"} for name in ("a", "b")]
KEYS = ["11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"]
POLICY = {
    "Version": "1",
    "Statement": [{"Effect": "Allow", "Principal": {"RAM": ["acs:ram::*:*"]}, "Action": "kms:*", "Resource": "*"}],
}
BASE: dict[str, Any] = {
    "instances": [{"id": "kst-1", "max_secrets": 3, "owner": "77"}],
    "keys": [
        {"id": KEYS[0], "aliases": ["alias/a", "alias/b"], "rotation_interval": "30d", "policy": POLICY},
        {"id": KEYS[1], "state": "PendingDeletion", "deletion_date": "+9d"},
        {"id": "key-external", "origin": "EXTERNAL"},
        {"id": "key-rsa", "spec": "EC_P256", "tags": {"a": "b"}},
    ],
    "secrets": [
        {"name": "kept", "value": "x", "encryption_key": "alias/a"},
        {"name": "lost", "value": "x", "encryption_key": KEYS[1]},
        {"name": "lost/rds", "type": "Rds", "extended_config": {**RDS, "SecretSubType": "SingleUser"}},
        {"name": "vault", "value": "x", "instance": "kst-1", "policy": POLICY, "creator": "88"},
    ],
    "accounts": [
        {
            "id": "77",
            "status": "InDebt",
            "quotas": {"secrets": 3},
            "access_keys": [{"id": "LTAI", "secret": "s", "user": "u", "policy": POLICY, "active": False}],
            "regions": [{"id": "cn-beijing", "secrets": [{"name": "far", "value": "x"}]}],
        }
    ],
    "authentication": {"signatures": "ignore", "unknown_access_keys": "accept"},
}
BASE["secrets"][2] |= {
    "value": '{"AccountName":"a","AccountPassword":"p"}',
    "encryption_key": KEYS[1],
    "rotation_interval": "10d",
}

NAMES = st.sampled_from(["a", "b", "kept", "lost", "lost/rds", "vault", "acs/ecs/web"])
TEXT = st.text(max_size=20).filter(bool)
TAG = st.text(alphabet="abc/\\_-.+=:@", max_size=5)


def step(operation: str, **parameters: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, dict[str, str]]]:
    """Return a strategy for one call."""
    return st.tuples(st.just(operation), st.fixed_dictionaries({"SecretName": NAMES, **parameters}))


VERSION = st.sampled_from([f"v{number}" for number in range(1, 5)])
GENERIC = {"VersionId": TEXT, "SecretData": TEXT}
CALLS = st.one_of(
    step(
        "CreateSecret",
        **GENERIC,
        Description=st.text(max_size=20),
        Tags=st.dictionaries(TAG, TAG, max_size=3).map(lambda tags: tag_parameter(**tags)),
        EncryptionKeyId=st.sampled_from(["", "alias/b", *KEYS]),
        DKMSInstanceId=st.sampled_from(["", "kst-1"]),
        Policy=st.sampled_from(["", json.dumps(POLICY)]),
        SecretDataType=st.sampled_from(["text", "binary"]),
    ),
    step(
        "CreateSecret",
        VersionId=VERSION,
        SecretData=st.just(json.dumps({"Accounts": USERS})),
        SecretType=st.just("Rds"),
        ExtendedConfig=TEXT.map(lambda text: json.dumps({**RDS, "CustomData": {text: [text, 1, None, 2.5]}})),
        EnableAutomaticRotation=st.sampled_from(["true", "false"]),
        RotationInterval=st.sampled_from(["6h", "10d"]),
        EncryptionKeyId=st.sampled_from(["", *KEYS]),
    ),
    step(
        "CreateSecret",
        VersionId=VERSION,
        SecretData=st.just('{"UserName":"a","PublicKey":"b","PrivateKey":"c"}'),
        SecretType=st.just("ECS"),
        ExtendedConfig=st.just(json.dumps(ECS)),
    ),
    step("PutSecretValue", **GENERIC),
    step("PutSecretValue", **GENERIC, VersionStages=st.lists(TEXT, min_size=1, max_size=3).map(json.dumps)),
    step("UpdateSecretVersionStage", VersionStage=TEXT, MoveToVersion=VERSION),
    step("UpdateSecret", Description=st.text(max_size=20)),
    step("DeleteSecret", RecoveryWindowInDays=st.sampled_from(["7", "30"])),
    step("DeleteSecret", ForceDeleteWithoutRecovery=st.just("true")),
    step("RestoreSecret"),
    step("RotateSecret", VersionId=VERSION),
    step(
        "UpdateSecretRotationPolicy",
        EnableAutomaticRotation=st.sampled_from(["true", "false"]),
        RotationInterval=st.sampled_from(["7d", "30d"]),
    ),
    step("SetSecretPolicy", Policy=st.just(json.dumps(POLICY))),
    step("TagResource", Tags=st.dictionaries(TAG, TAG, max_size=3).map(lambda tags: tag_parameter(**tags))),
    step("ListSecrets", RegionId=st.sampled_from(["cn-hangzhou", "cn-beijing", "cn-empty"])),
)
WAITS = st.floats(0, 15 * 86400).map(lambda seconds: ("", {"seconds": str(seconds)}))


@given(steps=st.lists(CALLS | WAITS, max_size=25))
def test_a_snapshot_of_any_store_loads_to_an_equal_store(steps: list[tuple[str, dict[str, str]]]) -> None:
    """Whatever was done before, a snapshot loads, as a document and as JSON, to the same records, field by field."""
    server = InProcess(BASE)
    try:
        for operation, parameters in steps:
            if operation:
                server.call(operation, **parameters)
            else:
                server.now += float(parameters["seconds"])
        document = fixtures.snapshot(server.store)
        fresh = Store(server.store.sources, DEFAULT_ACCOUNT, DEFAULT_REGION)
        fixtures.load(fresh, document)
        assert fixtures.snapshot(fresh) == document
        again = Store(server.store.sources, DEFAULT_ACCOUNT, DEFAULT_REGION)
        fixtures.load(again, json.loads(json.dumps(document)))
        assert fixtures.snapshot(again) == document
        assert records_of(fresh) == records_of(server.store)
        assert records_of(again) == records_of(server.store)
    finally:
        server.close()
