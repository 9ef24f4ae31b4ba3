"""The report: what the tests exercised and what they never met, whatever happened to the journals meanwhile."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from kms_mock import KmsMock
from kms_mock.config import Config
from kms_mock.control.report import Reporter
from kms_mock.products import APIS
from tests.support.calls import call
from tests.support.keys import create_key, disable
from tests.support.registry import DECLARED, REGISTRY
from tests.support.secrets import create, put, sdk, value


@pytest.fixture
def reporter(pytestconfig: pytest.Config) -> Reporter:
    return Reporter(pytestconfig, APIS)


def test_operations_and_codes_are_counted(reporter: Reporter, kms: KmsMock) -> None:
    """Each operation with how often it ended how, and the documented errors that it never met."""
    reporter.watch(kms)
    client = kms.client()
    create(client)
    for name in ("db", "db", "none"):
        try:
            value(client, name)
        except Exception as error:  # noqa: BLE001 (the SDK's own)
            assert "ResourceNotFound" in str(error)  # noqa: PT017 (one of three fails)
    lines = reporter.lines()
    assert lines[0] == f"2 of {len(DECLARED)} operations, 4 calls"
    assert "  CreateSecret: ok 1x" in lines
    place = lines.index("  GetSecretValue: ok 2x, Forbidden.ResourceNotFound 1x")
    never = lines[place + 1].removeprefix("    never met: ").split(", ")
    assert set(never) == {row.code for row in REGISTRY["GetSecretValue"].errors} - {"Forbidden.ResourceNotFound"}


def test_states_and_stages_are_noted(reporter: Reporter, kms: KmsMock) -> None:
    """Which key states and version stages the tests brought about."""
    reporter.watch(kms)
    client = kms.client()
    disable(client, create_key(client).key_id)
    create(client)
    put(client, "v2", "two", version_stages='["ACSCurrent","blue"]')
    sdk(client, "DeleteSecret", secret_name="db", force_delete_without_recovery="true")
    assert reporter.lines()[-1] == (
        "  exercised: key state Disabled, key state Enabled, stage ACSCurrent, stage ACSPrevious, stage blue"
    )


def test_it_forgets_nothing_that_a_journal_forgets(reporter: Reporter) -> None:
    """Evicted and cleared calls count, `reset` does not matter, and a journal of size zero neither."""
    for size in (2, 0):
        with KmsMock(config=Config(journal=size)) as kms:
            reporter.watch(kms)
            client = kms.client()
            for _ in range(5):
                sdk(client, "ListKeys")
            kms.calls.clear()
            kms.reset()
            sdk(client, "ListKeys")
    assert reporter.lines()[1] == "  ListKeys: ok 12x"


def test_what_workers_send_is_added_up(reporter: Reporter, kms: KmsMock) -> None:
    """Under xdist each worker counts for itself; the controller prints the sum."""
    config: Any = SimpleNamespace(workerinput={}, workeroutput={})
    for _ in range(2):
        worker = Reporter(config, APIS)
        worker.watch(kms)
        create(kms.client(), f"s{len(kms.calls)}")
        worker.pytest_sessionfinish()
        reporter.pytest_testnodedown(config, None)
    reporter.pytest_testnodedown(SimpleNamespace(), "crashed")  # a worker that died has nothing to say
    assert reporter.lines() == [
        f"1 of {len(DECLARED)} operations, 2 calls",
        "  CreateSecret: ok 2x",
        *[line for line in reporter.lines() if "never met" in line],
        "  exercised: stage ACSCurrent",
    ]


def test_a_misspelled_operation_is_no_operation(reporter: Reporter, kms: KmsMock) -> None:
    """It counts as a call, and is listed apart, with the nearest operation."""
    reporter.watch(kms)
    client = kms.client()
    with pytest.raises(Exception, match=r"InvalidAction\.NotFound"):
        call(client, "GetSecretValu")
    assert reporter.lines() == [
        f"0 of {len(DECLARED)} operations, 1 calls",
        "  no operation: GetSecretValu 1x; did you mean 'GetSecretValue'?",
    ]
