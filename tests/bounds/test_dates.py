"""Every date that a record can have is one that can be written, and read back: by fixture files and by the state file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct, structs

from kms_mock import KmsMock, fixtures
from kms_mock.defaults import DEFAULT_ACCOUNT, DEFAULT_REGION
from kms_mock.fixtures import FixtureError
from kms_mock.identity.sessions import Session
from kms_mock.kms.model.access import AccessPoint, AccessPolicy, ClientKey, NetworkRule
from kms_mock.kms.model.certificate import Certificate
from kms_mock.kms.model.data_key import ManagedDataKey, ManagedDataKeyVersion
from kms_mock.kms.model.instance import Instance, instances
from kms_mock.kms.model.key import Key, KeyVersion, keys
from kms_mock.kms.model.secret import Secret, SecretVersion, secrets
from kms_mock.store.resource import Resource
from kms_mock.store.store import Store
from kms_mock.store.times import DAY, END_OF_TIME, FUTURE, LAST_DATE, PAST, VALIDITY, DateRange, iso, years_later
from tests.support.example_documents import KMS_PRODUCT
from tests.support.in_process import InProcess
from tests.support.record_samples import filled_store
from tests.support.records import UNSAVED, records_of
from tests.support.secrets import RDS

DATES: dict[tuple[type[Struct], str], DateRange] = {
    **{
        (record, "created"): PAST
        for record in (
            AccessPoint, AccessPolicy, Certificate, ClientKey, Instance, Key, KeyVersion, ManagedDataKey,
            ManagedDataKeyVersion, NetworkRule, Secret, SecretVersion,
        )
    },
    (Certificate, "updated"): PAST,
    (Instance, "started"): PAST,
    (Key, "last_rotation"): PAST,
    (Secret, "last_rotation"): PAST,
    (Secret, "updated"): PAST,
    (Session, "issued"): PAST,
    (Instance, "ends"): FUTURE,
    (Key, "deletion_date"): FUTURE,
    (Key, "material_expires"): FUTURE,
    (Key, "next_rotation"): FUTURE,
    (Secret, "next_rotation"): FUTURE,
    (Secret, "planned_delete"): FUTURE,
    (Session, "expires"): FUTURE,
    (ClientKey, "not_before"): VALIDITY,
    (ClientKey, "not_after"): VALIDITY,
}  # fmt: skip


def dated(value: Any) -> Iterator[Struct]:
    """Yield every struct in a value, at any depth."""
    if isinstance(value, Struct):
        yield value
        value = {name: getattr(value, name) for name in value.__struct_fields__}
    if isinstance(value, dict):
        value = value.values()
    if isinstance(value, list | tuple | type({}.values())):
        for item in value:
            yield from dated(item)


def moved(value: Any, kind: type[Struct], field: str, moment: float) -> Any:
    """Return a value in which this field of every struct of a kind is another moment, unless it is None."""
    if isinstance(value, Struct):
        changes = {name: moved(getattr(value, name), kind, field, moment) for name in value.__struct_fields__}
        if type(value) is kind and changes[field] is not None:
            changes[field] = moment
        return structs.replace(value, **changes)
    if isinstance(value, dict):
        return {name: moved(item, kind, field, moment) for name, item in value.items()}
    return [moved(item, kind, field, moment) for item in value] if isinstance(value, list) else value


def saved_records(store: Store) -> list[tuple[Any, Resource[Any], Any]]:
    """Return the records that a fixture document holds, with their places and kinds."""
    return [
        (place, resource, record)
        for place, partition in store.state().partitions.items()
        for resource, table in partition.tables.items()
        if resource.logged and resource not in UNSAVED
        for record in table.records.values()
    ]


def reloaded(store: Store) -> Store:
    """Return a new store with the snapshot of another one, which went through JSON."""
    fresh = Store(store.sources, DEFAULT_ACCOUNT, DEFAULT_REGION)
    fixtures.load(fresh, json.loads(json.dumps(fixtures.snapshot(store))))
    return fresh


def test_every_date_of_every_record_is_in_the_table() -> None:
    """A new field with a moment in it needs a range, or nothing says how far it may go."""
    found = {
        (type(record), field.name)
        for record in dated([record for _, _, record in saved_records(filled_store())])
        for field in structs.fields(record)
        if field.type is float or "float" in str(field.type)
    }
    assert found == DATES.keys()


@pytest.mark.parametrize("end", ["first", "last"])
@pytest.mark.parametrize(("kind", "field"), DATES, ids=lambda value: getattr(value, "__name__", value))
def test_the_ends_of_its_range_can_be_written_and_read_back(kind: type[Struct], field: str, end: str) -> None:
    """A rotation that is due after the year 9900 made a snapshot that did not load."""
    store = filled_store()
    moment = getattr(DATES[kind, field], end)
    changed = 0
    for (account, region), resource, record in saved_records(store):
        new = moved(record, kind, field, moment)
        changed += new != record
        store.partition(account, region)[resource].put(new)
    assert changed
    fresh = reloaded(store)
    assert records_of(fresh) == records_of(store)
    assert moment in {
        getattr(found, field) for found in dated([r for _, _, r in saved_records(fresh)]) if type(found) is kind
    }


@pytest.mark.parametrize(
    "document",
    [
        {"instances": [{"id": "kst-1", "created": "9990-01-01"}]},
        {"instances": [{"id": "kst-1", "created": "9900-01-01T00:00:01Z"}]},
        {"keys": [{"id": "k", "versions": [{"created": "9901-01-01"}]}]},
        {"access_points": [{"name": "a", "policies": [], "created": "9999-12-31"}]},
    ],
)
def test_what_has_happened_is_not_after_the_end_of_the_clock(document: dict[str, Any]) -> None:
    """The certificate of an instance of 9990 would end in 10010: that was a ValueError with a traceback, from a fixture."""
    with pytest.raises(FixtureError, match="from 1970 to 9900"):
        KmsMock(document)


def test_certificates_end_before_the_last_date() -> None:
    """An instance of the last moment of the clock has its certificate of 20 years."""
    mock = KmsMock({"instances": [{"id": "kst-1", "created": iso(END_OF_TIME)}]})
    (found,) = mock.store.partition(DEFAULT_ACCOUNT, DEFAULT_REGION)[instances].values()
    assert (found.ca_certificate or "").startswith("-----BEGIN CERTIFICATE-----")
    assert years_later(END_OF_TIME, 20) < LAST_DATE


def test_a_rotation_after_the_end_of_the_clock_never_comes() -> None:
    """The clock stops before it, and the key stays as it is."""
    server = InProcess({"keys": [{"id": "k", "rotation_interval": "7d", "next_rotation": "9900-01-02"}]})
    server.now = END_OF_TIME
    assert server.call("DescribeKey", KeyId="k")[1]["KeyMetadata"]["NextRotationDate"] == "9900-01-02T00:00:00Z"
    server.close()


def test_a_secret_changed_at_the_first_moment_keeps_its_date() -> None:
    """1970-01-01T00:00:00Z is a date like any other: a snapshot lost it, because zero counted as none."""
    server = InProcess({"secrets": [{"name": "s", "value": "x"}]})
    server.now = 0.0
    assert server.call("UpdateSecret", SecretName="s", Description="d")[0] == ""
    fresh = reloaded(server.store)
    assert fresh.partition(DEFAULT_ACCOUNT, DEFAULT_REGION)[secrets].find("s").updated == 0.0
    server.close()


# -- any state --------------------------------------------------------------------------------------------------------

BASE: dict[str, Any] = {
    "instances": [{"id": "kst-1", "created": "9899-01-01"}, {"id": "kst-2", "status": "Uninitialized"}],
    "keys": [
        {"id": "k", "rotation_interval": "730d", "created": "9899-06-01"},
        {"id": "doomed", "created": "9899-12-31"},
        {"id": "external", "origin": "EXTERNAL", "material_expires": "9999-12-31T23:59:59Z"},
    ],
    "secrets": [
        {
            "name": "rds",
            "type": "Rds",
            "extended_config": RDS,
            "rotation_interval": "365d",
            "created": "9899-12-01",
            "value": '{"AccountName":"user","AccountPassword":"Secret-1234"}',
        },
        {"name": "generic", "value": "x"},
    ],
    "roles": [{"name": "role"}],
    "access_points": [{"name": "point", "policies": []}],
}
NEW_ROTATION = {"EnableAutomaticRotation": "true"}
CALLS: list[tuple[str, dict[str, str]]] = [
    ("CreateKey", {**NEW_ROTATION, "RotationInterval": "730d"}),
    ("UpdateRotationPolicy", {"KeyId": "k", **NEW_ROTATION, "RotationInterval": "730d"}),
    ("UpdateRotationPolicy", {"KeyId": "k", **NEW_ROTATION, "RotationInterval": "7d"}),
    ("ScheduleKeyDeletion", {"KeyId": "doomed", "PendingWindowInDays": "366"}),
    ("CancelKeyDeletion", {"KeyId": "doomed"}),
    ("DisableKey", {"KeyId": "k"}),
    ("EnableKey", {"KeyId": "k"}),
    ("RotateSecret", {"SecretName": "rds", "VersionId": "v"}),
    ("UpdateSecretRotationPolicy", {"SecretName": "rds", **NEW_ROTATION, "RotationInterval": "365d"}),
    ("UpdateSecret", {"SecretName": "generic", "Description": "d"}),
    ("DeleteSecret", {"SecretName": "generic", "RecoveryWindowInDays": "30"}),
    ("RestoreSecret", {"SecretName": "generic"}),
    ("AssumeRole", {"RoleArn": f"acs:ram::{DEFAULT_ACCOUNT}:role/role", "RoleSessionName": "me", "DurationSeconds": "3600"}),
    (
        "CreateInstance",
        {**KMS_PRODUCT, "SubscriptionType": "Subscription", "Period": "60"},
    ),
    (
        "ConnectKmsInstance",
        {"KmsInstanceId": "kst-2", "KMProvider": "Aliyun", "VpcId": "vpc-1", "ZoneIds": "a,b", "VSwitchIds": "vsw-1"},
    ),
]  # fmt: skip
STEPS = st.lists(st.sampled_from(CALLS) | st.floats(0, 40 * DAY), max_size=20)


@given(steps=STEPS, start=st.floats(0, 800 * DAY))
def test_any_state_near_the_end_of_time_can_be_saved_and_loaded(
    steps: list[tuple[str, dict[str, str]] | float], start: float
) -> None:
    """Whatever is done in the last years of the clock, the snapshot loads to the same records."""
    server = InProcess(BASE)
    try:
        server.now = END_OF_TIME - start
        for step in steps:
            if isinstance(step, float):
                server.now = min(server.now + step, END_OF_TIME)
            else:
                server.call(step[0], **step[1])
        assert records_of(reloaded(server.store)) == records_of(server.store)
    finally:
        server.close()


@pytest.mark.parametrize(("operation", "parameters"), CALLS, ids=lambda value: value if isinstance(value, str) else "")
def test_each_call_of_that_test_succeeds_at_the_end_of_time(operation: str, parameters: dict[str, str]) -> None:
    """Or the test would show nothing: those that undo something refuse, as there is nothing yet."""
    server = InProcess(BASE)
    server.now = END_OF_TIME
    code, _ = server.call(operation, **parameters)
    undoes = operation in {"CancelKeyDeletion", "RestoreSecret"}
    assert (code != "") == undoes, code
    server.close()


def test_a_state_file_has_the_dates_of_the_end_of_time(tmp_path: Path) -> None:
    """A server that is started again from its state file has the records that it had, and its snapshot loads."""
    with KmsMock(state=tmp_path / "state.db") as mock:
        mock.clock.freeze()
        mock.clock.set(END_OF_TIME)
        mock.load({"keys": [{"id": "k", "rotation_interval": "730d"}]})
        before = records_of(mock.store)
    with KmsMock(state=tmp_path / "state.db") as again:
        assert records_of(again.store) == records_of(reloaded(again.store)) == before
        key = again.store.partition(DEFAULT_ACCOUNT, DEFAULT_REGION)[keys].find("k")
        assert key.next_rotation == END_OF_TIME + 730 * DAY
