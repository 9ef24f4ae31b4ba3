"""Time: whatever a file or the clock says, due work is bounded, and every date that can be computed can be written."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from msgspec.structs import replace

from kms_mock import KmsMock
from kms_mock.control.clock import Clock
from kms_mock.fixtures import FixtureError
from kms_mock.kms.model import key as key_model
from kms_mock.kms.model.key import keys
from kms_mock.kms.model.rotation import Rotations
from kms_mock.kms.model.secret import MAX_VERSIONS, secrets
from kms_mock.store import partition as partitions
from kms_mock.store.times import DAY, END_OF_TIME, LAST_DATE, iso, parse_iso
from tests.support.control import control_request
from tests.support.in_process import START, InProcess
from tests.support.secrets import RDS

WEEK = 7 * DAY
CENTURIES = 500 * 365 * DAY


def rotating_key(name: str = "k", **more: Any) -> dict[str, Any]:
    return {"id": name, "rotation_interval": "7d", **more}


def rotating_secret(name: str = "s", **more: Any) -> dict[str, Any]:
    value = '{"AccountName":"user","AccountPassword":"Secret-1234"}'
    return {
        "name": name,
        "type": "Rds",
        "extended_config": RDS,
        "rotation_interval": "7d",
        "value": value,
        **more,
    }


# -- due work ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("interval", ["1s", "5h", "366d"])
def test_a_secret_in_a_file_rotates_as_the_api_lets_it(interval: str) -> None:
    """6 hours to 365 days. With one second since 2001 the server made 800 million versions before its first answer."""
    with pytest.raises(FixtureError, match=r"0.25 to 365 days") as caught:
        KmsMock({"secrets": [rotating_secret(rotation_interval=interval, last_rotation="2001-01-01")]})
    assert caught.value.path == "$.secrets[0].rotation_interval"


@pytest.mark.parametrize("interval", ["1s", "6d", "731d"])
def test_a_key_in_a_file_rotates_as_the_api_lets_it(interval: str) -> None:
    """7 to 730 days."""
    with pytest.raises(FixtureError, match=r"7 to 730 days") as caught:
        KmsMock({"keys": [rotating_key(rotation_interval=interval)]})
    assert caught.value.path == "$.keys[0].rotation_interval"


def test_a_jump_of_500_years_with_weekly_rotations_is_bounded() -> None:
    """26,071 rotations of a key leave 102 versions, the last ones a week apart; the events still count them all."""
    server = InProcess({"keys": [rotating_key()]})
    (event, *others) = server.store.settle(START + CENTURIES)
    partition = server.store.partition("1234567890123456", "cn-hangzhou")
    key = partition[keys].find("k")
    due = CENTURIES // WEEK
    assert event.count + len(others) == sum(each.count for each in [event, *others]) == due
    assert event.detail.endswith(f", then {event.count - 1} without one")
    assert len(key.versions) in (partitions.MOST_REPETITIONS + 2, partitions.MOST_REPETITIONS + 3)
    assert key.last_rotation == START + due * WEEK
    assert key.next_rotation == START + (due + 1) * WEEK
    created = [version.created for version in key.versions.values()]
    assert {later - former for former, later in pairwise(created[2:])} == {WEEK}
    server.close()


def test_a_jump_of_50_years_rotates_a_secret_as_if_step_by_step() -> None:
    """Only ten versions are left of any number, so the first rotation and the last ten or eleven are enough."""
    two = {**RDS, "SecretSubType": "DoubleUsers"}
    first, second = (f'{{"AccountName":"{name}","AccountPassword":"Secret-1234"}}' for name in ("one", "two"))
    versions = [
        {"id": "a", "data": first, "stages": ["ACSCurrent", "Kept"]},
        {"id": "b", "data": second, "stages": ["ACSPrevious"]},
    ]
    document = rotating_secret(extended_config=two, versions=versions)
    del document["value"]
    jumping, stepping = InProcess({"secrets": [document]}), InProcess({"secrets": [document]})
    weeks = 52 * 50 + 1
    events = jumping.store.settle(START + weeks * WEEK)
    for week in range(1, weeks + 1):
        stepping.store.settle(START + week * WEEK)
    found = [
        server.store.partition("1234567890123456", "cn-hangzhou")[secrets].find("s") for server in (jumping, stepping)
    ]
    assert len(events) <= MAX_VERSIONS + 2
    assert sum(event.count for event in events) == weeks
    shapes = [
        (
            [version.created for version in secret.versions.values()][-8:],
            len(secret.versions),
            secret.next_rotation,
            secret.last_rotation,
            secret.value(
                jumping.store.partition("1234567890123456", "cn-hangzhou")
                if secret is found[0]
                else stepping.store.partition("1234567890123456", "cn-hangzhou"),
                secret.staged("ACSCurrent"),
            )[:20],
        )
        for secret in found
    ]
    assert shapes[0] == shapes[1]
    jumping.close()
    stepping.close()


@pytest.mark.parametrize(
    ("at", "interval", "now", "most"), [(0, 10, 95, 3), (0, 10, 100, 3), (0, 10, 20, 3), (5, 10, 5, 0)]
)
def test_rotations_are_skipped_in_pairs(at: float, interval: int, now: float, most: int) -> None:
    """Two accounts take turns, so an even number is skipped; `most` or one more are left."""
    rotations = Rotations(at, interval, now, most)
    assert rotations.skipped % 2 == 0
    following = rotations.following
    assert following is not None
    left = int((now - following) // interval) + 1
    assert left in (most, most + 1) if rotations.skipped else left <= most + 1


def test_a_jump_over_many_records_has_one_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 50 keys with a budget of 200 rotations, each makes about four in a jump of 500 years, and never fewer than two."""
    monkeypatch.setattr(partitions, "MOST_REPETITIONS_TOGETHER", 200)
    server = InProcess({"keys": [rotating_key(f"k{number}") for number in range(50)]})
    events = server.store.settle(START + CENTURIES)
    assert 50 * 4 <= len(events) <= 50 * 6
    server.close()


def test_time_that_passes_is_not_logged() -> None:
    """While time settles no change is noted: each rotation's note held a whole key, and all of them at once gigabytes."""
    server = InProcess({"keys": [rotating_key()]})
    noted: list[Any] = []

    class Log(list[Any]):
        def append(self, change: Any) -> None:
            noted.append(change)

    server.store.changes = Log()
    assert server.store.settle(START + 20 * WEEK)
    assert noted == []
    assert server.store.logs_changes
    server.close()


def test_settling_looks_at_what_is_due_only() -> None:
    """One due record among 2,000 costs one step: the dates are in a heap, and nobody walks through the tables."""
    server = InProcess(
        {
            "keys": [{"id": "due", "state": "PendingDeletion", "deletion_date": "+1d"}],
            "secrets": [{"name": f"s{number}", "value": "x", "planned_delete": "+9d"} for number in range(2000)],
        }
    )
    partition = server.store.partition("1234567890123456", "cn-hangzhou")
    asked: list[str] = []
    find = partition[secrets].get

    class Watched(type(partition[secrets])):  # type: ignore[misc]
        __slots__ = ()

        def get(self, record_id: str) -> Any:
            asked.append(record_id)
            return super().get(record_id)

        def values(self) -> Any:
            raise AssertionError("a walk through the table")

    partition[secrets].__class__ = Watched
    assert [event.kind for event in server.store.settle(START + 2 * DAY)] == ["key deleted"]
    assert len(asked) <= 1
    assert find("s0") is not None
    server.close()


def test_the_heap_of_dates_does_not_grow() -> None:
    """Scheduling and cancelling a deletion 5,000 times leaves a bounded number of outdated dates behind."""
    server = InProcess({"keys": [{"id": "k"}]})
    partition = server.store.partition("1234567890123456", "cn-hangzhou")
    key = partition[keys].find("k")
    for number in range(5000):
        partition[keys].put(replace(key, state="PendingDeletion", deletion_date=START + number + 1))
        partition[keys].put(key)
    assert len(partition._due) <= 300  # noqa: SLF001 (what grows is nowhere else to be seen)
    assert server.store.settle(START + 9000) == []
    assert partition.next_due == math.inf
    server.close()


def test_a_rotating_key_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock that runs a year in a second a key would get versions without end: its rotation stops at a number."""
    monkeypatch.setattr(key_model, "MAX_ROTATED_VERSIONS", 5)
    server = InProcess({"keys": [rotating_key()]})
    events = [event for week in range(1, 9) for event in server.store.settle(START + week * WEEK)]
    assert [event.detail.partition(" ")[0] for event in events] == ["version"] * 4 + ["failed:"]
    server.close()


@pytest.mark.parametrize("rate", [1e15, 1e300])
def test_the_fastest_clock_stops_at_the_end_of_time(rate: float) -> None:
    """`tick_rate: 1e300` broke `health` and every later request; 1e15 let weekly rotations run for ever."""
    with KmsMock({"keys": [rotating_key()], "secrets": [rotating_secret()]}) as kms:
        control_request(kms, "PUT", "clock", {"tick_rate": rate})
        while kms.clock.now() < END_OF_TIME:
            pass
        assert control_request(kms, "GET", "health")["now"] == "9900-01-01T00:00:00Z"
        assert control_request(kms, "GET", "clock")["now"] == "9900-01-01T00:00:00Z"
        assert control_request(kms, "PUT", "clock", {"advance": 0})["events"]
        assert control_request(kms, "PUT", "clock", {"reset": True})["events"] == []


# -- dates ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", [-1, END_OF_TIME + 1, "9900-01-01T00:00:01Z", "9998-12-31"])
def test_the_clock_goes_to_the_year_9900(moment: Any) -> None:
    """Later moments are refused, the last one is not."""
    clock = Clock(lambda: 1_000_000.0)
    with pytest.raises(ValueError, match="1970 to 9900"):
        clock.set(moment)
    clock.set(END_OF_TIME)
    assert clock.now() == END_OF_TIME


def test_the_machines_clock_may_step_back_under_a_fast_one() -> None:
    """A second that the machine's clock loses is not multiplied: dates before 1970 could not be written."""
    real = [1_000_000.0]
    clock = Clock(lambda: real[0])
    clock.tick_rate = 1e15
    real[0] -= 1.0
    assert clock.now() == 1_000_000.0


AT_THE_END: tuple[tuple[str, dict[str, str]], ...] = (
    ("CreateKey", {"EnableAutomaticRotation": "true", "RotationInterval": "730d"}),
    ("CreateSecret", {"SecretName": "new", "VersionId": "v1", "SecretData": "x"}),
    ("ScheduleKeyDeletion", {"KeyId": "doomed", "PendingWindowInDays": "366"}),
    ("DescribeKey", {"KeyId": "doomed"}),
    ("UpdateRotationPolicy", {"KeyId": "k", "EnableAutomaticRotation": "true", "RotationInterval": "730d"}),
    ("DescribeKey", {"KeyId": "k"}),
    ("DeleteSecret", {"SecretName": "new", "RecoveryWindowInDays": "30"}),
    ("DescribeSecret", {"SecretName": "new"}),
    ("RotateSecret", {"SecretName": "s", "VersionId": "v2"}),
    ("DescribeSecret", {"SecretName": "s"}),
    (
        "GetParametersForImport",
        {"KeyId": "external", "WrappingAlgorithm": "RSAES_OAEP_SHA_1", "WrappingKeySpec": "RSA_2048"},
    ),
    ("GetChallenge", {}),
    ("ListSecrets", {}),
)


def test_at_the_end_of_time_every_operation_still_answers() -> None:
    """At 9998, ScheduleKeyDeletion was 200 and DescribeKey 500 for good; CreateKey was 500 and the key existed."""
    server = InProcess(
        {
            "keys": [{"id": "doomed"}, rotating_key(created="9899-12-31"), {"id": "external", "origin": "EXTERNAL"}],
            "secrets": [rotating_secret(rotation_interval="365d", created="9899-12-31")],
        }
    )
    server.now = END_OF_TIME
    for operation, parameters in AT_THE_END:
        assert server.call(operation, **parameters)[0] == "", operation
    server.close()


@pytest.mark.parametrize(
    ("section", "document"),
    [
        ("keys", rotating_key(created="9901-01-01")),
        ("keys", rotating_key(last_rotation="9950-01-01")),
        ("keys", {"id": "k", "created": "9950-01-01"}),
        ("secrets", rotating_secret(created="9950-01-01")),
        ("secrets", rotating_secret(last_rotation="9999-01-01")),
        ("secrets", {"name": "s", "value": "x", "created": "1969-12-31"}),
        ("secrets", {"name": "s", "value": "x", "created": "+99999999d"}),
    ],
)
def test_times_in_files_are_bounded_too(section: str, document: dict[str, Any]) -> None:
    """A rotation is computed from them, and its date could not be written: DescribeKey would be 500."""
    with pytest.raises(FixtureError, match=r"1970 to 9900"):
        KmsMock({section: [document]})


def test_the_longest_dates_can_be_written() -> None:
    """From the end of time, certificates of 20 years and rotations in 730 days are before the last date."""
    assert parse_iso(iso(LAST_DATE)) == LAST_DATE
    assert END_OF_TIME + 99 * 365 * DAY < LAST_DATE
