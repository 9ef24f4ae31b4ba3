"""The store as the control API writes it: the same document in every way of writing it."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from kms_mock import KmsMock, fixtures
from kms_mock.control.calls import MASK
from kms_mock.fixtures.places import SECRET_FIELDS
from kms_mock.kms.model.secret import secrets
from kms_mock.server.state_document import state_document
from kms_mock.store.store import Store
from tests.support.record_samples import filled_store


def written(store: Store, *, reveal_secrets: bool, as_json: bool) -> Any:
    """Return the document, read from JSON where it was written as JSON."""
    document = asyncio.run(state_document(store, reveal_secrets=reveal_secrets, as_json=as_json))
    return msgspec.json.decode(msgspec.json.encode(document)) if as_json else document


def secrets_in(tree: Any) -> list[str]:
    """Return what stands in the secret fields of a document."""
    if isinstance(tree, list):
        return [text for item in tree if isinstance(item, dict | list) for text in secrets_in(item)]
    found = []
    for name, value in tree.items():
        if isinstance(value, dict | list):
            found += [] if name == "tags" else secrets_in(value)
        elif name in SECRET_FIELDS and isinstance(value, str):
            found.append(value)
    return found


@pytest.mark.parametrize("reveal_secrets", [True, False])
def test_json_is_the_document(reveal_secrets: bool) -> None:
    """Records that become JSON at once are what they are as plain values, of every kind of record."""
    store = filled_store()
    plain = written(store, reveal_secrets=reveal_secrets, as_json=False)
    assert written(store, reveal_secrets=reveal_secrets, as_json=True) == plain
    assert (plain == fixtures.snapshot(store)) == reveal_secrets


def test_every_secret_is_masked() -> None:
    """Also in records that hold a policy or a configuration; the store keeps its own."""
    store = filled_store()
    before = fixtures.snapshot(store)
    document = written(store, reveal_secrets=False, as_json=True)
    assert document.pop("masked") is True
    assert set(secrets_in(document)) == {MASK}
    assert len(secrets_in(document)) == len(secrets_in(before))
    assert fixtures.snapshot(store) == before


def many_secrets() -> Store:
    """Return a store with more secrets than one step writes."""
    return KmsMock([{"secrets": [{"name": f"s{number}", "value": "x"} for number in range(1000)]}], seed=1).store


def change(store: Store) -> None:
    """Remove a secret that is not written yet."""
    table = store.partition(store.default_account, store.default_region)[secrets]
    table.remove([*table.values()][-1])


def test_secrets_in_nested_lists_are_masked() -> None:
    """CustomData is any JSON of the client; a field in it that is named like a secret is one."""
    custom = {"rows": [[{"password": "hunter2"}], "plain"]}
    config = {"SecretSubType": "SingleUser", "DBInstanceId": "rm-1", "CustomData": custom}
    value = '{"AccountName":"app","AccountPassword":"hunter2"}'
    secret = {"name": "s", "type": "Rds", "extended_config": config, "value": value}
    store = KmsMock({"secrets": [secret]}).store
    documents = [asyncio.run(state_document(store, reveal_secrets=False, as_json=as_json)) for as_json in (True, False)]
    texts = [msgspec.json.encode(document).decode() for document in documents]
    assert [("hunter2" in text, "plain" in text) for text in texts] == [(False, True)] * 2


def test_others_are_answered_while_a_document_is_written() -> None:
    """The loop goes on every few records, and what it changes is not in the document: it is of the moment of the call."""
    store = many_secrets()
    before = fixtures.snapshot(store)

    async def write_and_change() -> tuple[int, Any]:
        steps = 0
        task = asyncio.create_task(state_document(store, reveal_secrets=True))
        while not task.done():
            await asyncio.sleep(0)
            change(store)
            steps += 1
        return steps, task.result()

    steps, document = asyncio.run(write_and_change())
    assert steps >= 10
    assert document == before


def test_a_snapshot_lets_requests_in() -> None:
    """`KmsMock.snapshot` runs on the server's loop a few steps at a time."""
    store = many_secrets()
    before = fixtures.snapshot(store)
    runs = []

    def run(function: Callable[[], bool]) -> bool:
        runs.append(function)
        has_more = function()
        change(store)
        return has_more

    assert fixtures.exhausted(fixtures.snapshot_in_steps(store), run) == before
    assert len(runs) >= 10


def test_a_snapshot_keeps_nothing_alive() -> None:
    """Records that are replaced after it need no garbage collection to leave the memory."""
    store = many_secrets()
    record = next(iter(store.partition(store.default_account, store.default_region)[secrets].values()))
    before = sys.getrefcount(record)
    gc.disable()
    try:
        fixtures.snapshot(store)
        assert sys.getrefcount(record) == before
    finally:
        gc.enable()


def test_a_client_that_goes_away_leaves_the_collector_on() -> None:
    """It is off while a document is written, and on again when its writing is cancelled half-way."""

    async def cancel() -> None:
        task = asyncio.create_task(state_document(many_secrets(), reveal_secrets=True))
        for _ in range(3):
            await asyncio.sleep(0)
        assert not gc.isenabled()
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(cancel())
    assert gc.isenabled()
