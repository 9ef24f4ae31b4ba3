"""Everything a server knows: accounts and their partitions. One store per server, no state outside it."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from kms_mock import errors
from kms_mock.crypto.material import KeyMaterial
from kms_mock.model.account import AccessKey, Account, Caller
from kms_mock.model.due import settle
from kms_mock.model.events import Event
from kms_mock.model.partition import Partition
from kms_mock.model.table import Change
from kms_mock.sources import Sources

_NONCE_MEMORY = 900


class Authentication(Struct, frozen=True):
    """How strictly callers are checked. By default any AccessKey is the default account's own, and no signature counts.

    `unknown_access_keys` refused means that only the AccessKey pairs of the fixture files exist; `signatures` verified
    means that each request must be signed with the secret of a known pair.
    """

    refuse_unknown_access_keys: bool = False
    verify_signatures: bool = False


class Store:
    """All accounts and partitions of one server."""

    def __init__(self, sources: Sources, default_account: str, default_region: str) -> None:
        self.sources = sources
        self.default_account = default_account
        self.default_region = default_region
        self.authentication = Authentication()
        self.accounts: dict[str, Account] = {}
        self.partitions: dict[tuple[str, str], Partition] = {}
        # What was put into and taken out of tables since somebody last looked (and cleared it).
        self.changes: list[Change] = []
        self._owners: dict[str, str] = {}
        self.challenge_key: KeyMaterial | None = None  # signs challenges for attestation; made when first needed
        self._nonces: dict[tuple[str, str], float] = {}

    def put_account(self, account: Account) -> None:
        """Add or replace an account; its AccessKey ids must be its own."""
        self.changes.append(Change("accounts", account.id, self.accounts.get(account.id), account))
        self.accounts[account.id] = account
        for access_key in account.access_keys:
            self._owners[access_key] = account.id
        for (account_id, _), partition in self.partitions.items():
            if account_id == account.id:
                partition.account = account

    def remove_account(self, account_id: str) -> None:
        """Forget an account with its AccessKey pairs and everything that it has."""
        account = self.accounts.pop(account_id, None)
        for access_key in account.access_keys if account is not None else ():
            del self._owners[access_key]
        self.partitions = {place: one for place, one in self.partitions.items() if place[0] != account_id}

    def owner(self, access_key_id: str) -> str | None:
        """Give the id of the account that a known AccessKey id belongs to."""
        return self._owners.get(access_key_id)

    def access_key_secret(self, access_key_id: str) -> str | None:
        """Give the secret of a known AccessKey id, None for an unknown one or one without a secret."""
        owner = self._owners.get(access_key_id)
        return None if owner is None else self.accounts[owner].access_keys[access_key_id].secret

    def is_new_nonce(self, access_key_id: str, nonce: str, now: float) -> bool:
        """Remember a signature's nonce for 15 minutes; say whether it is its first use."""
        while self._nonces and next(iter(self._nonces.values())) < now - _NONCE_MEMORY:
            del self._nonces[next(iter(self._nonces))]
        if (access_key_id, nonce) in self._nonces:
            return False
        self._nonces[access_key_id, nonce] = now
        return True

    def account(self, account_id: str) -> Account:
        """Find an account; one that nobody described exists too, with the usual quotas."""
        found = self.accounts.get(account_id)
        if found is None:
            found = self.accounts[account_id] = Account(account_id)
        return found

    def caller(self, access_key_id: str) -> Caller:
        """Find who an AccessKey id belongs to. Raises INVALID_ACCESS_KEY_ID, ACCESS_KEY_INACTIVE."""
        owner = self._owners.get(access_key_id)
        if owner is None:
            if self.authentication.refuse_unknown_access_keys:
                raise errors.INVALID_ACCESS_KEY_ID(
                    f"AccessKey id {access_key_id[:40]!r} is in no fixture file, and unknown ones are refused."
                )
            return Caller(self.default_account, AccessKey(access_key_id))
        access_key = self.accounts[owner].access_keys[access_key_id]
        if not access_key.active:
            raise errors.ACCESS_KEY_INACTIVE(f"AccessKey {access_key_id} is not active in the fixture file.")
        return Caller(owner, access_key)

    def partition(self, account_id: str, region: str) -> Partition:
        """Give a partition without letting time pass in it."""
        found = self.partitions.get((account_id, region))
        if found is None:
            found = Partition(self.account(account_id), region, self.sources, self.changes)
            self.partitions[account_id, region] = found
        return found

    def open(self, account_id: str, region: str, now: float) -> Partition:
        """Give a partition as it is at `now`: due things happen first."""
        partition = self.partition(account_id, region)
        if partition.next_due <= now:
            before = len(self.changes)
            settle(partition, now)
            del self.changes[before:]  # time did that, not the request that found it due
        return partition

    def settle(self, now: float) -> list[Event]:
        """Let due things happen in every partition; give them in order of time."""
        events = [event for partition in self.partitions.values() for event in settle(partition, now)]
        return sorted(events, key=lambda event: event.at)

    def take_changes(self) -> tuple[Change, ...]:
        """Give what was put into and taken out of tables since the last time."""
        changes = tuple(self.changes)
        self.changes.clear()
        return changes

    def clear(self) -> None:
        """Forget everything."""
        self.authentication = Authentication()
        self.accounts, self.partitions, self._owners, self._nonces = {}, {}, {}, {}

    def state(self) -> dict[str, Any]:
        """Give a copy of everything that can change. Costs microseconds for each thousand records."""
        return {
            "authentication": self.authentication,
            "accounts": dict(self.accounts),
            "owners": dict(self._owners),
            "nonces": dict(self._nonces),
            "partitions": {place: partition.state() for place, partition in self.partitions.items()},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to what `state` gave."""
        self.authentication = state["authentication"]
        self.accounts = dict(state["accounts"])
        self._owners = dict(state["owners"])
        self._nonces = dict(state["nonces"])
        for place in [place for place in self.partitions if place not in state["partitions"]]:
            del self.partitions[place]
        for place, tables in state["partitions"].items():
            partition = self.partition(*place)
            partition.account = self.account(place[0])
            partition.restore(tables)
