"""A few seconds of what `scripts/soak` does for minutes."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.fuzz.soak import Soak
from tests.support.profile import rounds

SECONDS = rounds(quick=2, deep=60)
_NOTHING = logging.Filter("no logger has this name")


@pytest.fixture(autouse=True)
def _keep_records_out(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.filtering(_NOTHING):
        yield


def test_ten_threads_leave_the_store_whole() -> None:
    """SDK and raw calls with resets, checkpoints, clock moves, namespaces and faults: what is always true stays so."""
    report = Soak(seed=1, threads=10).run(SECONDS)
    assert not report.problems, report.text()
    assert report.calls.keys() == {"move_clock", "go_back", "use_namespace", "fail", "sdk", "raw"}
