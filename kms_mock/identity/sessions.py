"""Sessions of roles: the temporary credentials that STS and the credential endpoints issue."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kms_mock.identity.identities import role_arn
from kms_mock.identity.policies import Policy
from kms_mock.regex import regex
from kms_mock.store.resource import Index, Resource

if TYPE_CHECKING:
    from kms_mock.store.store import Store

PREFIX: Final = "STS."
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_ID_LENGTH: Final = 25  # as the samples of the STS documentation have it
_SECRET_LENGTH: Final = 44
_TOKEN_START: Final = "CAIS"  # noqa: S105 (how every token begins)
_TOKEN_BYTES: Final = 243
_TOKEN = regex(r"CAIS[A-Za-z0-9+/]{324}")
KEPT_SECONDS: Final = 86400  # that an expired session is remembered, so that its refusal says why
MOST_SESSIONS: Final = 20_000  # about 30 MB


class Session(Struct, frozen=True):
    """One session of a role: its temporary AccessKey pair and the token that goes with it. Times are epoch seconds."""

    id: str
    secret: str
    token: str
    account: str
    role: str
    name: str
    issued: float
    expires: float
    policy: Policy | None = None
    source_identity: str = ""

    def __repr__(self) -> str:
        return f"Session({self.id!r}, role={self.role!r})"

    @property
    def arn(self) -> str:
        """The ARN of the session as GetCallerIdentity returns it."""
        return f"acs:ram::{self.account}:assumed-role/{self.role}/{self.name}"


SESSIONS_OF_ROLES = Index[Session](lambda session: (f"{role_arn(session.account, session.role)}/{session.name}",))
sessions = Resource(
    Session,
    "session",
    indexes=(SESSIONS_OF_ROLES,),
    label=lambda session: f"session {session.name} of role {session.role}",
)


class SessionOrder(Struct, frozen=True):
    """What a new session shall be: of which role, under which name, for how many seconds, limited by which policy."""

    account: str
    role: str
    name: str
    duration: float
    policy: Policy | None = None
    source_identity: str = ""


def issue_session(store: Store, order: SessionOrder, now: float) -> Session:
    """Make the credentials of a new session."""
    random_bytes = store.sources.random_bytes
    session = Session(
        id=PREFIX + _letters(random_bytes(_ID_LENGTH)),
        secret=_letters(random_bytes(_SECRET_LENGTH)),
        token=_TOKEN_START + base64.b64encode(random_bytes(_TOKEN_BYTES)).decode(),
        account=order.account,
        role=order.role,
        name=order.name,
        issued=now,
        expires=float(int(now + order.duration)),  # answers have whole seconds
        policy=order.policy,
        source_identity=order.source_identity,
    )
    _forget_old(store, now)
    store.server[sessions].put(session)
    return session


def lasting_session(store: Store, order: SessionOrder, until: float) -> Session | None:
    """Return the newest session of a role with the same name if it lasts until a moment, or None."""
    table = store.server[sessions]
    ids = table.ids(SESSIONS_OF_ROLES, f"{role_arn(order.account, order.role)}/{order.name}")
    found = table.get(ids[-1]) if ids else None
    return found if found is not None and found.expires >= until else None


def has_token_form(token: str) -> bool:
    """Return whether a text could be a token of a session at all."""
    return _TOKEN.fullmatch(token) is not None


def _letters(data: bytes) -> str:
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in data)


def _forget_old(store: Store, now: float) -> None:
    """Remove the oldest sessions that expired long ago, and one more when there are too many."""
    table = store.server[sessions]
    while table:
        oldest = table.page(0, 1)[0]
        if oldest.expires + KEPT_SECONDS > now and len(table) < MOST_SESSIONS:
            return
        table.remove(oldest)
