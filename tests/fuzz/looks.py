"""Looks at one mock and its answers that a campaign needs: parameters of a message, a stream, what a state file has."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

from kms_mock import KmsMock
from kms_mock.config import Config
from kms_mock.kms.dedicated.messages import layout_of
from kms_mock.kms.model.rates import RequestCount
from kms_mock.persistence.state import State, make_state
from kms_mock.products import APIS
from kms_mock.rpc.api import Operation
from kms_mock.server.routes import ControlResponse
from kms_mock.store.resource import Table
from kms_mock.store.store import Store
from tests.fuzz.steps import ApiStep, DedicatedStep, Pairs
from tests.support.state_files import contents


class Writes:
    """Counts what is written into any store, by `Table._write`, which is the only way, and by going back to a copy."""

    def __init__(self) -> None:
        self.count = 0
        self._undo: list[Callable[[], None]] = []
        for owner, name in ((Table, "_write"), (Table, "restore"), (Store, "clear"), (Store, "remove_account")):
            self._count_calls(owner, name)

    def _count_calls(self, owner: type[Any], name: str) -> None:
        original = getattr(owner, name)

        def counting(*arguments: Any, **named: Any) -> Any:
            self.count += 1
            return original(*arguments, **named)

        setattr(owner, name, counting)
        self._undo.append(lambda: setattr(owner, name, original))

    def stop(self) -> None:
        """Count no more."""
        while self._undo:
            self._undo.pop()()


def with_state_file(path: Path, kms: KmsMock) -> State:
    """Give a mock a state file, which it would not take with a seed; the steps need that to have the same results."""
    state = make_state(Config(state=path), kms.store, kms.clock, APIS)
    kms._state, kms.gateway._save = state, state.save_request  # noqa: SLF001
    state.open()
    return state


def values_of(step: ApiStep | DedicatedStep, operation: Operation | None) -> Pairs:
    """Return the parameters of a request by name; of a body that cannot be read, all of it under no name."""
    if isinstance(step, ApiStep):
        return step.parameters
    try:
        sent = {} if operation is None else layout_of(operation).request.decode(step.body)
    except ValueError:
        sent = {}
    if operation is None:
        sent = {"": step.body}
    return tuple(
        (name, value.decode(errors="replace") if isinstance(value, bytes) else str(value))
        for name, value in sent.items()
    )


async def first_events(answer: ControlResponse) -> bytes:
    """Return what a stream sends at first, nothing for an answer without one."""
    if answer.stream is None:
        return b""
    async with aclosing(answer.stream) as stream:
        return await anext(stream) + await anext(stream)


def saved_records(store: Store) -> dict[Any, Any]:
    """Return the records of a store that a state file has."""
    return {name: records for name, records in contents(store).items() if name[1] != RequestCount.__name__}
