"""Whatever a test does to a mock, in whatever order, the store stays whole: a machine of all the tools at once."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote, urlencode

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kms_mock import KmsMock
from kms_mock.control.checkpoints import Checkpoint
from kms_mock.control.faults import FaultOptions, Phase
from kms_mock.kms.model.key import ALIASES_OF_KEY, KEY_VERSIONS, aliases, keys
from kms_mock.kms.model.secret import CURRENT, MAX_STAGES, MAX_VERSIONS, secrets
from kms_mock.rpc.decode import HttpRequest
from kms_mock.store.changes import difference
from kms_mock.store.partition import Partition
from kms_mock.store.resource import Resource
from kms_mock.store.store import StoreState
from tests.support.secrets import RDS, RDS_VALUE

START = "2030-01-01T00:00:00Z"
SECRETS = st.sampled_from(["a", "b", "c"])
ALIASES = st.sampled_from(["alias/a", "alias/b", "alias/c"])
VERSIONS = st.sampled_from([f"v{number}" for number in range(14)])
STAGES = st.sampled_from([CURRENT, "ACSPrevious", *(f"s{number}" for number in range(9))])
REGIONS = st.sampled_from(["cn-hangzhou", "cn-hangzhou", "cn-hangzhou", "cn-beijing"])
KEYS = st.integers(0, 5)  # which of the keys there are, or one that is not
STEPS = st.sampled_from([0, "1d", "8d", "31d", "100d"])
FAULTY = st.sampled_from(["*", "Create*", "PutSecretValue", "DeleteSecret", "*Alias", "ScheduleKeyDeletion"])
EFFECTS = st.sampled_from(
    [{"code": "InternalFailure"}, {"code": "Rejected.Throttling"}, {"effect": "reset"}, {"effect": "malformed"}]
)
# So that a few steps are enough for something to happen.
# The same dates in every run, whatever the time of day.
BEGINNING = {
    "keys": [
        {"id": "first", "aliases": ["alias/a", "alias/d"], "created": START},
        {"id": "second", "aliases": ["alias/b"], "created": START},
    ],
    "secrets": [
        {"name": "a", "value": "x", "created": START},
        {"name": "b", "value": "y", "encryption_key": "first", "created": START},
        {
            "name": "c",
            "type": "Rds",
            "extended_config": RDS,
            "rotation_interval": "30d",
            "value": RDS_VALUE,
            "created": START,
        },
    ],
}
KEY_OPERATIONS = [
    ("DescribeKey", {}),
    ("EnableKey", {}),
    ("DisableKey", {}),
    ("CreateKeyVersion", {}),
    ("UpdateRotationPolicy", {"EnableAutomaticRotation": "true", "RotationInterval": "9d"}),
    ("UpdateRotationPolicy", {"EnableAutomaticRotation": "false"}),
    ("DeleteKeyMaterial", {}),
    ("UpdateKeyDescription", {"Description": "new"}),
    ("TagResource", {"Tags": '[{"TagKey":"a","TagValue":"b"}]'}),
    ("UntagResource", {"TagKeys": '["a"]'}),
]
SECRET_OPERATIONS = [
    ("GetSecretValue", {}),
    ("DescribeSecret", {}),
    ("UpdateSecret", {"Description": "new"}),
    ("UpdateSecretRotationPolicy", {"EnableAutomaticRotation": "true", "RotationInterval": "168h"}),
    ("UpdateSecretRotationPolicy", {"EnableAutomaticRotation": "false"}),
    ("TagResource", {"Tags": '[{"TagKey":"a","TagValue":"b"}]'}),
    ("TagResource", {"Tags": '[{"TagKey":"a","TagValue":"c"},{"TagKey":"d","TagValue":""}]'}),
    ("UntagResource", {"TagKeys": '["a"]'}),
]
TAGS: list[dict[str, str | None]] = [{"a": "b"}, {"a": None}, {"d": ""}, {"a": "c", "d": None}]


def comparable(kms: KmsMock) -> dict[str, Any]:
    """Return a mock's snapshot; in which order its regions were first used does not matter."""
    document = kms.snapshot()
    for account in document.get("accounts", []):
        account.get("regions", []).sort(key=lambda region: region["id"])
    return document


def dated(partition: Partition) -> list[Any]:
    """Return every record to which something can happen by itself."""
    tables = partition.state().tables.items()
    return [record for resource, table in tables if resource.can_fall_due for record in table.records.values()]


class Tools(RuleBasedStateMachine):
    """A mock without HTTP, its tools, and what must be true of it after every step."""

    def __init__(self) -> None:
        super().__init__()
        self.kms = self.make_mock()
        self.kms.clock.freeze()
        self.kms.clock.set(START)
        self.store = self.kms.store
        self.runner = asyncio.Runner()
        self.checkpoints: list[tuple[Checkpoint, StoreState]] = []

    def make_mock(self) -> KmsMock:
        """Return the mock that everything is done to."""
        return KmsMock([BEGINNING], seed=1)

    def teardown(self) -> None:
        self.a_snapshot_loads_to_an_equal_store()
        self.runner.close()

    def call(self, operation: str, region: str = "cn-hangzhou", **parameters: str) -> None:
        """Send one request. What is refused changes nothing; what changed is in the journal, all of it."""
        self.kms.clock.advance(0)  # what is due happens now, not at this request
        query = urlencode(
            {"Action": operation, "Version": "2016-01-20", "RegionId": region, **parameters}, quote_via=quote
        )
        self.store.open(self.store.default_account, region, self.kms.clock.now())
        before = self.store.state()
        answer = self.runner.run(self.kms.gateway.answer(HttpRequest("POST", f"/?{query}", {})))
        after = self.store.state()
        call = self.kms.calls.last
        assert call is not None
        assert (call.action, call.status, call.code) == (operation, answer.status, answer.code)
        assert answer.status != 500 or call.fault
        if answer.code and " after " not in call.fault:
            assert after == before, (operation, answer.code)
            assert call.effects == ()
        assert bool(difference(before, after)) <= bool(call.effects)
        assert self.store.changes == []

    def key(self, number: int, region: str = "cn-hangzhou") -> str:
        ids = [*self.store.partition(self.store.default_account, region)[keys]][:5]
        return ids[number % len(ids)] if ids and number < 5 else "no-such-key"

    # -- operations ---------------------------------------------------------------------------------------------------

    @rule(region=REGIONS, rotating=st.booleans())
    def create_key(self, region: str, rotating: bool) -> None:
        rotation = {"EnableAutomaticRotation": "true", "RotationInterval": "7d"} if rotating else {}
        self.call("CreateKey", region, **rotation)

    @rule(number=KEYS, region=REGIONS, operation=st.sampled_from(KEY_OPERATIONS))
    def change_key(self, number: int, region: str, operation: tuple[str, dict[str, str]]) -> None:
        self.call(operation[0], region, KeyId=self.key(number, region), **operation[1])

    @rule(number=KEYS, days=st.sampled_from([7, 20]))
    def schedule_key_deletion(self, number: int, days: int) -> None:
        self.call("ScheduleKeyDeletion", KeyId=self.key(number), PendingWindowInDays=str(days))

    @rule(number=KEYS)
    def cancel_key_deletion(self, number: int) -> None:
        self.call("CancelKeyDeletion", KeyId=self.key(number))

    @rule(name=SECRETS, days=st.sampled_from([0, 7, 25]))
    def delete_secret(self, name: str, days: int) -> None:
        how = {"RecoveryWindowInDays": str(days)} if days else {"ForceDeleteWithoutRecovery": "true"}
        self.call("DeleteSecret", SecretName=name, **how)

    @rule(name=SECRETS)
    def restore_secret(self, name: str) -> None:
        self.call("RestoreSecret", SecretName=name)

    @rule(number=KEYS, alias=ALIASES, operation=st.sampled_from(["CreateAlias", "UpdateAlias"]))
    def bind_alias(self, number: int, alias: str, operation: str) -> None:
        self.call(operation, AliasName=alias, KeyId=self.key(number))

    @rule(alias=ALIASES)
    def delete_alias(self, alias: str) -> None:
        self.call("DeleteAlias", AliasName=alias)

    @rule(name=SECRETS, region=REGIONS, key=st.none() | KEYS)
    def create_secret(self, name: str, region: str, key: int | None) -> None:
        under = {} if key is None else {"EncryptionKeyId": self.key(key, region)}
        self.call("CreateSecret", region, SecretName=name, VersionId="v0", SecretData=f"value of {name}", **under)

    @rule(name=SECRETS)
    def create_managed_secret(self, name: str) -> None:
        self.call(
            "CreateSecret",
            SecretName=name,
            VersionId="v0",
            SecretType="Rds",
            SecretData='{"Accounts":[' + RDS_VALUE + "]}",
            ExtendedConfig=json.dumps(RDS),
            EnableAutomaticRotation="true",
            RotationInterval="12h",
        )

    @rule(name=SECRETS, version=VERSIONS, stages=st.lists(STAGES, min_size=1, max_size=5, unique=True))
    def put_secret_value(self, name: str, version: str, stages: list[str]) -> None:
        marks = json.dumps(stages)
        self.call("PutSecretValue", SecretName=name, VersionId=version, SecretData=version, VersionStages=marks)

    @rule(name=SECRETS, stage=STAGES, to=st.none() | VERSIONS, away=st.none() | VERSIONS)
    def move_stage(self, name: str, stage: str, to: str | None, away: str | None) -> None:
        moves = {"MoveToVersion": to, "RemoveFromVersion": away}
        given = {name: version for name, version in moves.items() if version is not None}
        self.call("UpdateSecretVersionStage", SecretName=name, VersionStage=stage, **given)

    @rule(name=SECRETS, version=VERSIONS)
    def rotate_secret(self, name: str, version: str) -> None:
        self.call("RotateSecret", SecretName=name, VersionId=version)

    @rule(name=SECRETS, region=REGIONS, operation=st.sampled_from(SECRET_OPERATIONS))
    def change_secret(self, name: str, region: str, operation: tuple[str, dict[str, str]]) -> None:
        self.call(operation[0], region, SecretName=name, **operation[1])

    # -- tools --------------------------------------------------------------------------------------------------------

    @rule(step=STEPS)
    def advance(self, step: str | int) -> None:
        events = self.kms.clock.advance(step)
        now = self.kms.clock.now()
        assert [event.at for event in events] == sorted(event.at for event in events)
        assert all(event.at <= now for event in events)
        assert all(record.due > now for partition in self.store.partitions() for record in dated(partition))

    @precondition(lambda self: len(self.checkpoints) < 4)
    @rule()
    def take_checkpoint(self) -> None:
        self.checkpoints.append((self.kms.checkpoint(), self.store.state()))

    @precondition(lambda self: self.checkpoints)
    @rule(number=st.integers(0, 3), keep=st.booleans())
    def restore_checkpoint(self, number: int, keep: bool) -> None:
        number %= len(self.checkpoints)
        point, state = self.checkpoints[number]
        point.restore()
        assert self.store.state() == state
        assert point.changes() == []
        if not keep:
            del self.checkpoints[number:]

    @rule(operation=FAULTY, effect=EFFECTS, phase=st.sampled_from(["before", "after"]))
    def fail(self, operation: str, effect: FaultOptions, phase: Phase) -> None:
        options: FaultOptions = {"times": 1, "phase": phase, **effect}
        self.kms.fail(operation, **options)

    @rule(number=st.integers(0, 9))
    def load(self, number: int) -> None:
        """Add a key whose imported material expires in some days; a second one of the same name is refused whole."""
        key = {"id": f"external-{number}", "origin": "EXTERNAL", "material": "A" * 43 + "=", "material_expires": "+9d"}
        before = self.store.state()
        try:
            self.kms.load({"keys": [key], "secrets": [{"name": f"more-{number}", "value": "x"}]})
        except ValueError:
            assert self.store.state() == before

    @rule()
    def reset(self) -> None:
        now = self.kms.clock.now()
        self.kms.reset()
        assert self.store.state() == self.kms.controls.initial
        self.kms.clock.freeze()
        self.kms.clock.set(now)

    @rule()
    def a_snapshot_loads_to_an_equal_store(self) -> None:
        twin = KmsMock([self.kms.snapshot()])
        assert comparable(twin) == comparable(self.kms)
        for partition in twin.store.partitions():
            kept = dated(self.store.partition(*partition.place))
            assert partition.next_due == min((record.due for record in kept), default=float("inf"))

    # -- what is always true ------------------------------------------------------------------------------------------

    @invariant()
    def every_stage_marks_one_version_that_exists(self) -> None:
        for partition in self.store.partitions():
            for name in partition[secrets]:
                secret = partition[secrets].find(name)
                assert secret.name == name
                assert CURRENT in secret.stages
                assert set(secret.stages.values()) <= set(secret.versions)
                assert 1 <= len(secret.versions) <= MAX_VERSIONS
                assert len(secret.stages) <= MAX_STAGES

    @invariant()
    def aliases_point_to_keys(self) -> None:
        for partition in self.store.partitions():
            listed: dict[str, set[str]] = {}
            for alias in partition[aliases].values():
                assert alias.key_id in partition[keys]
                listed.setdefault(alias.key_id, set()).add(alias.name)
            for key_id in partition[keys]:
                names = partition[aliases].ids(ALIASES_OF_KEY, key_id)
                assert set(names) == listed.get(key_id, set())
                assert len(names) == len(set(names))

    @invariant()
    def key_versions_point_to_keys(self) -> None:
        for partition in self.store.partitions():
            for key in partition[keys].values():
                assert all(partition[keys].owner(KEY_VERSIONS, version) is key for version in key.versions)
                assert key.primary_version in key.versions

    @invariant()
    def records_are_found_by_their_tags(self) -> None:
        """What the index of tags finds is what looking at every record finds, in order of creation."""
        for partition in self.store.partitions():
            resources: tuple[Resource[Any], ...] = (keys, secrets)
            for resource in resources:
                table = partition[resource]
                for wanted in TAGS:
                    carrying = [
                        record
                        for record in table.values()
                        if all(
                            key in record.tags and value in {None, record.tags[key]} for key, value in wanted.items()
                        )
                    ]
                    assert list(table.tagged(wanted)) == carrying

    @invariant()
    def nothing_falls_due_unnoticed(self) -> None:
        for partition in self.store.partitions():
            assert partition.next_due <= min((record.due for record in dated(partition)), default=float("inf"))

    @invariant()
    def dates_and_states_agree(self) -> None:
        for partition in self.store.partitions():
            for key in partition[keys].values():
                assert (key.deletion_date is not None) == (key.state == "PendingDeletion")
                assert key.state != "Enabled" or key.has_material


TestTools = Tools.TestCase


# What is true of every store; each uses nothing of the machine but `store`.
INVARIANTS = (
    Tools.every_stage_marks_one_version_that_exists,
    Tools.aliases_point_to_keys,
    Tools.key_versions_point_to_keys,
    Tools.records_are_found_by_their_tags,
    Tools.nothing_falls_due_unnoticed,
    Tools.dates_and_states_agree,
)
