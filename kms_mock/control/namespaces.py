"""Namespaces: several isolated parts of one server, told apart by the caller's AccessKey."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack

from kms_mock.control.checkpoints import Checkpoint
from kms_mock.control.controls import Controls
from kms_mock.control.faults import Fault, FaultOptions, fault_spec
from kms_mock.control.journal import CallsOf
from kms_mock.control.leaks import assert_no_leaks
from kms_mock.control.minimal_policy import Document, choose, minimal_policies
from kms_mock.identity.accounts import AccessKey, Account, account_ids, accounts, remove_account
from kms_mock.store.store import Store

if TYPE_CHECKING:
    from alibabacloud_kms20160120.client import Client


class Namespace:
    """An account of its own on a server that others use too. `access_key_id` is what leads a request to it.

    As a context manager it takes everything in the account, and its faults, away at the end.
    """

    def __init__(
        self,
        controls: Controls,
        between_requests: Callable[[Callable[[], Any]], Any],
        client: Callable[..., Client],
        load: Callable[[Store, Any, str], None],
        fixtures: Iterable[Any] = (),
    ) -> None:
        """Make the account. `load(store, fixture, account)` adds a fixture, all of it or nothing."""
        self._controls = controls
        self._between_requests = between_requests
        self._client = client
        store = controls.store
        number = store.sources.random_bytes(7).hex()
        self.account = str(int(number, 16) % 10**15 + 10**15)
        self.access_key_id = f"namespace-{number}"
        self.access_key_secret = f"secret-{number}"

        self.calls = CallsOf(controls.journal, self.access_key_id)
        self._faults: list[Fault] = []
        self._accounts = [self.account]

        def make() -> None:
            store.account_names[self.account] = f"namespace {self.access_key_id}"
            former = set(account_ids(store))
            # A RAM user's, because roles may not be assumed by the account itself.
            access_key = AccessKey(self.access_key_id, self.access_key_secret, user="namespace")
            try:
                with store.all_or_nothing():
                    store.server[accounts].put(Account(self.account, access_keys={self.access_key_id: access_key}))
                    for fixture in fixtures:
                        load(store, fixture, self.account)
            except BaseException:
                del store.account_names[self.account]
                raise
            # A fixture may describe accounts of its own.
            self._accounts += [name for name in account_ids(store) if name != self.account and name not in former]

        between_requests(make)

    def client(self, **options: Any) -> Client:
        """Make a client of the official SDK whose requests go to this namespace."""
        return self._client(access_key_id=self.access_key_id, access_key_secret=self.access_key_secret, **options)

    def fail(self, operation: str = "*", **options: Unpack[FaultOptions]) -> Fault:
        """Ask for a fault that strikes only this namespace; see `KmsMock.fail`."""
        spec = fault_spec(operation, {"caller": self.access_key_id, **options})
        fault: Fault = self._between_requests(lambda: self._controls.faults.add(spec))
        self._faults.append(fault)
        return fault

    def checkpoint(self) -> Checkpoint:
        """Remember the state of this namespace: `with namespace.checkpoint(): ...` comes back to it at the end."""
        return Checkpoint(self._controls.store, self._between_requests, tuple(self._accounts))

    def minimal_policy(self, identity: str | None = None, *, include_refused: bool = False) -> Document:
        """Return the least RAM policy for what an identity of this namespace used; see `KmsMock.minimal_policy`."""
        return choose(self.minimal_policies(include_refused=include_refused), identity)

    def minimal_policies(self, *, include_refused: bool = False) -> dict[str, Document]:
        """Return the least RAM policy of each identity of this namespace that used something, by its ARN."""
        uses, since = self._controls.journal.uses, self.calls.since
        found = self._between_requests(lambda: uses.since(since, self._accounts))
        return minimal_policies(found, include_refused=include_refused)

    @property
    def unused_faults(self) -> list[Fault]:
        """Faults of this namespace that did not strike as often as they should."""
        return [fault for fault in self._faults if fault.unused]

    def assert_no_leaks(self, subject: Any) -> None:
        """Assert that no secret value of this namespace's calls is in a text, bytes, a log record, or several of them."""
        assert_no_leaks(self.calls, subject)

    def remove(self) -> None:
        """Take the account with everything in it away."""

        def remove() -> None:
            for account in self._accounts:
                remove_account(self._controls.store, account)
            self._controls.journal.uses.forget(self._accounts)
            self._controls.store.changes.clear()
            self._controls.store.account_names.pop(self.account, None)
            for fault in self._faults:
                self._controls.faults.remove(fault.number)

        self._between_requests(remove)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()
