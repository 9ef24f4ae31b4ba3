"""The clock: it stands, jumps and runs at any rate, everything goes by it, and moving it tells what became due."""

from __future__ import annotations

import math
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client

from kms_mock import KmsMock
from kms_mock.control.clock import Clock
from kms_mock.kms import errors
from kms_mock.store.events import Event
from kms_mock.store.times import parse_iso
from tests.support.calls import refused
from tests.support.keys import (
    create_key,
    decrypt,
    describe,
    encrypt,
    import_material,
    import_request,
    key_versions,
    parameters_for_import,
    schedule,
)
from tests.support.secrets import RDS, RDS_VALUE, create, sdk, value

DAY = 86400


class Hands:
    """A real clock that a test moves."""

    def __init__(self) -> None:
        self.time = 1_000_000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def real() -> Hands:
    return Hands()


def test_an_untouched_clock_is_the_real_one(real: Hands) -> None:
    """Nothing asked of it, it shows the real time at the real rate."""
    clock = Clock(real)
    real.time += 5
    assert (clock.now(), clock.frozen, clock.tick_rate) == (1_000_005.0, False, 1.0)


def test_a_frozen_clock_stands(real: Hands) -> None:
    """Frozen, no time passes; unfrozen, it runs on from where it stood."""
    clock = Clock(real)
    clock.freeze()
    real.time += 100
    assert (clock.now(), clock.frozen) == (1_000_000.0, True)
    clock.unfreeze()
    real.time += 7
    assert (clock.now(), clock.frozen) == (1_000_007.0, False)


def test_a_tick_rate_stretches_time(real: Hands) -> None:
    """At rate 60 a second is a minute, from the moment when the rate was set; before it nothing changes."""
    clock = Clock(real)
    real.time += 10
    clock.tick_rate = 60
    real.time += 2
    assert clock.now() == 1_000_130.0
    clock.tick_rate = 0.5
    real.time += 2
    assert clock.now() == 1_000_131.0


@pytest.mark.parametrize("rate", [-1, math.inf, math.nan])
def test_a_wrong_tick_rate_is_refused(real: Hands, rate: float) -> None:
    """Time does not run backwards, nor infinitely fast."""
    clock = Clock(real)
    with pytest.raises(ValueError, match="tick rate"):
        clock.tick_rate = rate
    assert clock.tick_rate == 1.0


@pytest.mark.parametrize(
    "moment",
    [
        "2030-01-01T00:00:00Z",
        "2030-01-01T08:00:00+08:00",
        "2030-01-01",
        1893456000,
        1893456000.0,
        datetime(2030, 1, 1, tzinfo=UTC),
        datetime(2030, 1, 1),  # noqa: DTZ001 (one without a zone is UTC)
    ],
)
def test_set_takes_a_moment_in_any_form(real: Hands, moment: Any) -> None:
    """ISO 8601 with or without a zone, seconds since 1970, datetimes: all name the same moment."""
    clock = Clock(real)
    clock.set(moment)
    real.time += 1
    assert clock.now() == 1893456001.0


@pytest.mark.parametrize("step", ["-1d", " -90s", -1, timedelta(days=-1)])
def test_a_step_goes_forwards(real: Hands, step: Any) -> None:
    """A negative step, which fixture files have for moments in the past, is refused with the way to go back."""
    with pytest.raises(ValueError, match="`set` can go back"):
        Clock(real).advance(step)


def test_setting_and_advancing_a_frozen_clock_keep_it_frozen(real: Hands) -> None:
    """Time jumps, and then stands again."""
    clock = Clock(real)
    clock.freeze()
    clock.set(5_000)
    clock.advance("1m")
    real.time += 50
    assert clock.now() == 5_060.0


@pytest.mark.parametrize(
    ("step", "seconds"),
    [
        ("7d", 7 * DAY),
        ("12h", 12 * 3600),
        ("90m", 5400),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("1.5h", 5400),
        ("5s", 5),
        (60, 60),
        (0.25, 0.25),
        (timedelta(days=2), 2 * DAY),
        (0, 0),
    ],
)
def test_advance_takes_a_step_in_any_form(real: Hands, step: Any, seconds: float) -> None:
    """Units add up; numbers are seconds."""
    clock = Clock(real)
    clock.advance(step)
    assert clock.now() == 1_000_000.0 + seconds


@pytest.mark.parametrize("step", ["", "7", "7w", "7d x", "-7d", "d", "7d7", -1, math.nan, math.inf, "999999999d"])
def test_a_wrong_step_is_refused_and_moves_nothing(real: Hands, step: Any) -> None:
    """A step that is none, goes back, or leads beyond what can be written as a date."""
    clock = Clock(real)
    with pytest.raises(ValueError):
        clock.advance(step)
    assert clock.now() == 1_000_000.0


def test_a_step_of_a_million_parts_is_not_read(real: Hands) -> None:
    """A control request may have megabytes, and adding up `1d1d1d…` held the server; nor is so much of it quoted."""
    with pytest.raises(ValueError, match="a step of time is written like") as caught:
        Clock(real).advance("1d" * 1_000_000)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("moment", ["tomorrow", -1, 1e15, math.nan])
def test_a_wrong_moment_is_refused_and_moves_nothing(real: Hands, moment: Any) -> None:
    """No date, one before 1970, or one that cannot be written."""
    clock = Clock(real)
    with pytest.raises(ValueError):
        clock.set(moment)
    assert clock.now() == 1_000_000.0


def test_reset_goes_back_to_the_real_clock(real: Hands) -> None:
    """However it was set, it shows the real time again, at the real rate."""
    clock = Clock(real)
    clock.set(5_000)
    clock.freeze()
    clock.reset()
    real.time += 3
    assert (clock.now(), clock.tick_rate) == (1_000_003.0, 1.0)


def test_one_clock_for_everything(kms: KmsMock, client: Client) -> None:
    """Dates in answers, planned dates, the journal and relative times of a fixture all go by it."""
    kms.clock.set("2031-05-06T07:08:09Z")
    kms.clock.freeze()
    kms.clock.set("2031-05-06T07:08:09Z")
    create(client)
    key = create_key(client)
    assert sdk(client, "DescribeSecret", secret_name="db")["CreateTime"] == "2031-05-06T07:08:09Z"
    assert key.creation_date == "2031-05-06T07:08:09Z"
    schedule(client, key.key_id, 7)
    assert describe(client, key.key_id).delete_date == "2031-05-13T07:08:09Z"
    assert kms.calls.filter("CreateSecret")[0].at == parse_iso("2031-05-06T07:08:09Z")
    kms.load({"secrets": [{"name": "old", "value": "x", "created": "-3d"}]})
    assert sdk(client, "DescribeSecret", secret_name="old")["CreateTime"] == "2031-05-03T07:08:09Z"


def test_a_month_in_the_life_of_a_store(kms: KmsMock, client: Client) -> None:
    """advance("31d") gives all that happens in it in order of time, and the next calls see every effect.

    A key scheduled for 7 days, a secret in a window of 10, a key that rotates every 12 days, a managed secret that
    rotates every 20, material that expires after 15, and the tokens of an import, which live one day.
    """
    kms.clock.freeze()
    now = kms.clock.now()
    doomed = create_key(client)
    sdk(client, "CreateAlias", key_id=doomed.key_id, alias_name="alias/doomed")
    schedule(client, doomed.key_id, 7)
    create(client, "gone", "value")
    sdk(client, "DeleteSecret", secret_name="gone", recovery_window_in_days="10")
    rotating = create_key(client, enable_automatic_rotation=True, rotation_interval="12d")
    first_version, blob = rotating.primary_key_version, encrypt(client, rotating.key_id, "kept")
    sdk(
        client,
        "CreateSecret",
        secret_name="rds",
        version_id="v1",
        secret_data='{"Accounts":[' + RDS_VALUE + "]}",
        secret_type="Rds",
        extended_config=RDS,
        enable_automatic_rotation=True,
        rotation_interval="20d",
    )
    imported = create_key(client, origin="EXTERNAL")
    import_material(client, imported.key_id, expires=int(now) + 15 * DAY)

    events = kms.clock.advance("31d")

    assert [(event.kind, round((event.at - now) / DAY)) for event in events] == [
        ("import token expired", 1),
        ("key deleted", 7),
        ("secret purged", 10),
        ("key rotated", 12),
        ("key material expired", 15),
        ("secret rotated", 20),
        ("key rotated", 24),
    ]
    assert [event.resource for event in events] == [
        imported.arn,
        doomed.arn,
        "acs:kms:cn-hangzhou:1234567890123456:secret/gone",
        rotating.arn,
        imported.arn,
        "acs:kms:cn-hangzhou:1234567890123456:secret/rds",
        rotating.arn,
    ]
    refused(kms, errors.KEY_NOT_FOUND, lambda: describe(client, doomed.key_id))
    assert sdk(client, "ListAliases")["TotalCount"] == 0
    refused(kms, errors.ACCESS_NOT_FOUND, lambda: value(client, "gone"))
    create(client, "gone", "its name is free again")
    assert describe(client, imported.key_id).key_state == "PendingImport"
    assert value(client, "rds") != RDS_VALUE
    assert value(client, "rds", version_stage="ACSPrevious") == RDS_VALUE
    after = describe(client, rotating.key_id)
    assert key_versions(client, rotating.key_id)[0] == first_version
    assert (len(key_versions(client, rotating.key_id)), after.primary_key_version != first_version) == (3, True)
    assert decrypt(client, blob) == "kept"
    assert kms.clock.advance(0) == []


def test_an_import_token_is_refused_after_its_day(kms: KmsMock, client: Client) -> None:
    """The clock lets a token expire, says so, and the import answers ExpiredImportToken."""
    key = create_key(client, origin="EXTERNAL")
    given = parameters_for_import(client, key.key_id)
    assert [event.kind for event in kms.clock.advance("25h")] == ["import token expired"]
    refused(kms, errors.EXPIRED_IMPORT_TOKEN, client.import_key_material, import_request(given))


def test_time_that_passes_by_itself_does_the_same(kms: KmsMock, client: Client) -> None:
    """What falls due while the clock runs has happened for the next request, which is not blamed for it."""
    key = create_key(client)
    schedule(client, key.key_id, 7)
    kms.clock.tick_rate = 8 * DAY / 0.05
    time.sleep(0.06)
    assert sdk(client, "ListKeys")["TotalCount"] == 0
    last = kms.calls.last
    assert last is not None
    assert (last.action, last.changes) == ("ListKeys", [])


def test_advance_is_not_blamed_on_the_next_request(kms: KmsMock, client: Client) -> None:
    """What advance caused are its events; the journal's next call changed nothing."""
    key = create_key(client)
    schedule(client, key.key_id, 7)
    kms.clock.advance("8d")
    sdk(client, "ListKeys")
    assert kms.calls.filter("ListKeys")[0].effects == ()


def test_going_back_in_time_undoes_nothing(kms: KmsMock, client: Client) -> None:
    """The clock may be set back; what happened stays, and comes due again only by its own date."""
    key = create_key(client, enable_automatic_rotation=True, rotation_interval="7d")
    kms.clock.freeze()
    began = kms.clock.now()
    assert len(kms.clock.advance("8d")) == 1
    assert kms.clock.set(began) == []
    assert len(key_versions(client, key.key_id)) == 2
    assert kms.clock.advance("8d") == []
    assert [event.kind for event in kms.clock.advance("7d")] == ["key rotated"]


def test_the_clock_moves_between_two_requests(kms: KmsMock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever moves the clock, what becomes due happens on the server's own thread, where requests run."""
    threads: list[str] = []
    settle = kms.store.settle

    def noted(now: float) -> list[Event]:
        threads.append(threading.current_thread().name)
        return settle(now)

    monkeypatch.setattr(kms.store, "settle", noted)
    kms.clock.advance("1d")
    kms.clock.set("2040-01-01")
    assert threads == ["kms-mock", "kms-mock"]


def test_all_regions_and_accounts_move_together(kms: KmsMock, client: Client) -> None:
    """The events of every partition come back, in one order of time."""
    key = {"id": "k", "state": "PendingDeletion"}
    kms.load(
        {
            "keys": [{**key, "deletion_date": "+9d"}],
            "accounts": [
                {
                    "id": "1000000000000001",
                    "regions": [
                        {"id": "cn-beijing", "keys": [{**key, "deletion_date": "+8d"}]},
                        {"id": "cn-shanghai", "keys": [{**key, "deletion_date": "+10d"}]},
                    ],
                }
            ],
        }
    )
    assert [event.resource.split(":")[2] for event in kms.clock.advance("31d")] == [
        "cn-beijing",
        "cn-hangzhou",
        "cn-shanghai",
    ]
    assert sdk(client, "ListKeys")["TotalCount"] == 0
