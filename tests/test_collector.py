"""The garbage collector is paused for loading and saving, and only for that."""

from __future__ import annotations

import gc

import pytest

from kms_mock import KmsMock
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
