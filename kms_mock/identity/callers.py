"""Who calls: what an AccessKey pair, or the credentials of a session, make of a request's sender.

A session's rights are its role's policies at the time of the request, and of these what its own policy allows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kms_mock.identity.accounts import AccessKey, Caller, account_of_access_key
from kms_mock.identity.identities import find_role, user_policies
from kms_mock.identity.sessions import Session, sessions

if TYPE_CHECKING:
    from kms_mock.identity.policies import NamedPolicy
    from kms_mock.store.store import Store


def account_of_caller(store: Store, access_key_id: str) -> str:
    """Return the account of an AccessKey id, one of a session included; the default account for an unknown one."""
    owner = account_of_access_key(store, access_key_id) or store.server[sessions].get(access_key_id)
    if owner is None:
        return store.default_account
    return owner.account if isinstance(owner, Session) else owner.id


def known_caller(store: Store, account: str, access_key: AccessKey) -> Caller:
    """Return the caller of an AccessKey pair that a fixture file describes, with the policies of its user."""
    home = None if access_key.user is None else store.existing(account, "")
    if home is None or access_key.user is None:
        return Caller(account, access_key)
    return Caller(account, access_key, user_policies(home, access_key.user))


def session_caller(store: Store, session: Session) -> Caller:
    """Return the caller that signs with a session's credentials."""
    role = find_role(store, session.account, session.role)
    of_role: tuple[NamedPolicy, ...] | None = () if role is None else role.named_policies
    of_session = None if session.policy is None else ((f"the policy of session {session.name}", session.policy),)
    return Caller(
        session.account,
        AccessKey(session.id, session.secret),
        policies=of_session if of_role is None else of_role,
        session_policies=None if of_role is None else of_session,
        role=session.role,
        session_name=session.name,
        source_identity=session.source_identity,
    )
