"""Namespaces: several isolated parts of one server, told apart by the caller's AccessKey."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from kms_mock import fixtures
from kms_mock.control.controls import Controls
from kms_mock.control.faults import Fault, FaultSpec
from kms_mock.control.journal import CallsOf
from kms_mock.control.leaks import assert_no_leaks
from kms_mock.model.account import AccessKey, Account

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
        fixture_files: Iterable[Any] = (),
    ) -> None:
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
            before = store.state()
            access_key = AccessKey(self.access_key_id, self.access_key_secret)
            store.put_account(Account(self.account, access_keys={self.access_key_id: access_key}))
            try:
                for fixture in fixture_files:
                    fixtures.load(store, fixture, account=self.account)
            except BaseException:
                store.restore(before)
                raise
            finally:
                store.changes.clear()
            # A fixture may describe accounts of its own.
            self._accounts += [name for name in store.accounts if name not in (self.account, *before["accounts"])]

        between_requests(make)

    def client(self, **options: Any) -> Client:
        """Make a client of the official SDK whose requests go to this namespace."""
        return self._client(access_key_id=self.access_key_id, access_key_secret=self.access_key_secret, **options)

    def fail(self, operation: str = "*", **aim_and_effect: Any) -> Fault:
        """Ask for a fault that strikes only this namespace; see `KmsMock.fail`."""
        spec = FaultSpec(**{"operation": operation, "caller": self.access_key_id, **aim_and_effect})
        fault: Fault = self._between_requests(lambda: self._controls.faults.add(spec))
        self._faults.append(fault)
        return fault

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
                self._controls.store.remove_account(account)
            for fault in self._faults:
                self._controls.faults.remove(fault.number)

        self._between_requests(remove)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()
