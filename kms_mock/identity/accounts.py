"""Accounts, their AccessKey pairs, and how strictly callers are checked."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from kms_mock.identity.policies import NamedPolicy, Policy
from kms_mock.identity.sessions import sessions
from kms_mock.store.resource import Index, Resource

if TYPE_CHECKING:
    from kms_mock.store.store import Store


class AccessKey(Struct, frozen=True):
    """One AccessKey pair. Without a user it belongs to the account itself, which may do everything.

    `policy` is what RAM permits this user; None means everything (a mock is permissive until told otherwise).
    """

    id: str
    secret: str | None = None
    active: bool = True
    user: str | None = None
    policy: Policy | None = None

    def __repr__(self) -> str:
        return f"AccessKey({self.id!r}, user={self.user!r})"


class Account(Struct, frozen=True):
    """One Alibaba Cloud account that a fixture file describes; others exist as soon as they have something."""

    id: str
    access_keys: dict[str, AccessKey] = {}


class Caller(Struct, frozen=True, dict=True):
    """Who sent a request: an AccessKey pair of an account, one of a session of a role, or an application.

    `policies` are those of the user and his groups, or of the role, besides the one of the AccessKey pair; None where
    nothing limits the caller. `session_policies` limit them further; they are there only with `policies`. `application`
    is the ARN of what an application signs for: it is no principal of RAM, so that only `policies` allow it anything.
    """

    account: str
    access_key: AccessKey
    policies: tuple[NamedPolicy, ...] | None = None
    session_policies: tuple[NamedPolicy, ...] | None = None
    role: str | None = None
    session_name: str = ""
    source_identity: str = ""
    application: str | None = None

    @cached_property
    def possible_actions(self) -> set[str]:
        """Which actions some statement allows on some resource, as far as that was asked before; see `access`."""
        return set()

    @cached_property
    def plain_rights(self) -> set[tuple[str, ...]]:
        """What the policies allow whatever the circumstances, as far as that was asked before, as a product tells it."""
        return set()

    @property
    def arn(self) -> str:
        """The caller's ARN: of the account's root, of a RAM user, of a session of a role, or of the application."""
        if self.role is not None:
            return f"acs:ram::{self.account}:assumed-role/{self.role}/{self.session_name}"
        return self.application or self._ram_principal

    @property
    def principal(self) -> str | None:
        """The caller as policies name it: as its ARN, but a session of a role as the role; None for an application."""
        return self._ram_principal if self.application is None else None

    @property
    def _ram_principal(self) -> str:
        if self.role is not None:
            return f"acs:ram::{self.account}:role/{self.role}"
        user = self.access_key.user
        return f"acs:ram::{self.account}:" + (f"user/{user}" if user else "root")

    @property
    def is_root(self) -> bool:
        """Whether the account itself calls."""
        return self.role is None and self.access_key.user is None and self.application is None


class AuthenticationSettings(Struct, frozen=True):
    """How strictly callers are checked. By default any AccessKey is the default account's, and no signature counts.

    With `refuse_unknown_access_keys` only the AccessKey pairs of the fixture files exist; with `verify_signatures` each
    request must be signed with the secret of a known pair.
    """

    refuse_unknown_access_keys: bool = False
    verify_signatures: bool = False


# An AccessKey id belongs to one account on the whole server.
ACCESS_KEY_IDS = Index[Account](lambda account: account.access_keys, unique=True)
accounts = Resource(Account, "account", indexes=(ACCESS_KEY_IDS,))
settings = Resource(AuthenticationSettings, "authentication settings", key=lambda _: "", logged=False)

_USUAL_SETTINGS = AuthenticationSettings()


def account_of_access_key(store: Store, access_key_id: str) -> Account | None:
    """Return the account that a known AccessKey id belongs to, or None."""
    return store.server[accounts].owner(ACCESS_KEY_IDS, access_key_id)


def account_exists(store: Store, account_id: str) -> bool:
    """Return whether there is an account: the default one, one that a fixture file describes, one that has something."""
    return (
        account_id == store.default_account
        or account_id in store.server[accounts]
        or next(store.partitions(account_id), None) is not None
    )


def account_ids(store: Store) -> list[str]:
    """Return the ids of all accounts that are described or have something, the described ones first."""
    owners = (partition.account_id for partition in store.partitions() if partition.account_id)
    return list(dict.fromkeys([*store.server[accounts], *owners]))


def remove_account(store: Store, account_id: str) -> None:
    """Forget an account with its AccessKey pairs, its sessions and everything that it has."""
    account = store.server[accounts].get(account_id)
    if account is not None:
        store.server[accounts].remove(account)
    table = store.server[sessions]
    for session in [session for session in table.values() if session.account == account_id]:
        table.remove(session)
    store.remove_account(account_id)


def authentication_settings(store: Store) -> AuthenticationSettings:
    """Return how strictly callers are checked."""
    return store.server[settings].get("") or _USUAL_SETTINGS
