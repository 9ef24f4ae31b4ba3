"""The garbage collector is paused for loading and saving, and only for that."""

from __future__ import annotations

import gc
import weakref

import pytest

from kms_mock import KmsMock, collector
from kms_mock.collector import collector_paused
from kms_mock.fixtures import FixtureError


def test_the_collector_runs_on_afterwards() -> None:
    """After a fixture that loads, one that fails, and a pause inside a pause."""
    assert gc.isenabled()
    KmsMock([{"secrets": [{"name": "a", "value": "b"}]}])
    assert gc.isenabled()
    with pytest.raises(FixtureError):
        KmsMock([{"secrets": [{"name": "a"}]}])
    assert gc.isenabled()
    with collector_paused():
        assert not gc.isenabled()
        with collector_paused():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_collector_that_its_user_stopped_stays_stopped() -> None:
    """Somebody who runs without the collector still does after loading."""
    gc.disable()
    try:
        KmsMock([{"secrets": [{"name": "a", "value": "b"}]}])
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_large_result_is_old_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The walk through it would take longer than all other requests together, and find nothing."""
    monkeypatch.setattr(collector, "_MANY", 1000)
    with collector_paused(result_is_old=True):
        result: list[list[int]] = [[] for _ in range(2000)]
    assert is_old(result)


def test_a_small_result_stays_young(monkeypatch: pytest.MonkeyPatch) -> None:
    """What tests make and drop by the hundred goes the collector's usual way, as does what is only loaded."""
    monkeypatch.setattr(collector, "_MANY", 1000)
    with collector_paused(result_is_old=True):
        small: list[list[int]] = [[] for _ in range(10)]
    assert not is_old(small)
    with collector_paused():
        loaded: list[list[int]] = [[] for _ in range(2000)]
    assert not is_old(loaded)


def test_what_a_user_froze_stays_frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that forks workers freezes what it made before."""
    monkeypatch.setattr(collector, "_MANY", 0)
    gc.freeze()
    try:
        with collector_paused(result_is_old=True):
            result: list[list[int]] = [[]]
        assert gc.get_freeze_count()
        assert not is_old(result)
    finally:
        gc.unfreeze()


def test_garbage_among_large_results_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The collector does not count what became old so: after very much of it, all is looked through."""
    monkeypatch.setattr(collector, "_MANY", 0)
    monkeypatch.setattr(collector, "_MOST", 5000)
    with collector_paused(result_is_old=True):
        cycle = Cycle()
        found = weakref.ref(cycle)
        del cycle
    assert found() is not None
    kept: list[list[int]] = []
    for _ in range(6):
        with collector_paused(result_is_old=True):
            kept += [[] for _ in range(1000)]
    assert found() is None


class Cycle:
    """Garbage that only the collector finds."""

    def __init__(self) -> None:
        self.itself = self


def is_old(item: object) -> bool:
    """Return whether an object is among the oldest of the collector."""
    return any(found is item for found in gc.get_objects(generation=2))
