"""Checkpoints: go back to where a test was, and tell what it did since."""

from __future__ import annotations

from collections.abc import Callable, Collection
from types import TracebackType
from typing import Any, Self, TypeVar

from kms_mock.store.changes import describe, difference
from kms_mock.store.store import Store, StoreState

T = TypeVar("T")


class Checkpoint:
    """A state of the store, or of some of its accounts, to come back to.

    As a context manager it comes back at the end; checkpoints nest.

    Taking and restoring one costs microseconds for each thousand records, because records are shared, not copied.
    """

    def __init__(
        self,
        store: Store,
        between_requests: Callable[[Callable[[], Any]], Any],
        accounts: Collection[str] | None = None,
    ) -> None:
        """Remember the state of everything, or of these accounts: others are then left alone."""
        self._store = store
        self._between_requests = between_requests
        self._accounts = accounts
        self._state: StoreState = between_requests(self._now)

    def restore(self) -> None:
        """Go back to this state; may be done more than once. The clock and the journal go on."""
        self._between_requests(lambda: self._store.restore(self._state, self._accounts))

    def changes(self) -> list[str]:
        """Return in words what changed since: "created key …", "secret db/password got version v2"."""
        after = self._between_requests(self._now)
        return describe(difference(self._state, after))

    def _now(self) -> StoreState:
        return self._store.state(self._accounts)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.restore()
