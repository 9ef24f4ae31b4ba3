"""What each identity used: every action and ARN that RAM was asked about, from which the least policies are made."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct

from kms_mock.identity.accounts import Caller
from kms_mock.rpc.context import Check, Outcome
from kms_mock.store.changes import Change

MOST_USES = 20_000  # different ones: about 8 MB


class Use(Struct, frozen=True):
    """One action that an identity used on one resource, and what came of it.

    `identity` is the ARN of a RAM user, a role, an account's root, or of the access point of a client key. `resource` is
    a pattern where the server chose the name of what a request created: `acs:kms:cn-hangzhou:1:key/*`.
    """

    identity: str
    action: str
    resource: str
    outcome: Outcome
    is_application: bool


_Identity = tuple[str, str | None, str | None, str | None]  # account, role, user, access point
_Key = tuple[_Identity, str, str, Outcome]  # who, action, ARN, outcome


class Uses:
    """The different uses of one server, each with the number of the last call that had it; bounded in number."""

    def __init__(self) -> None:
        self._last: dict[_Key, int] = {}
        # For ARNs whose names the server chose, the oldest first: a dict would walk past all that were dropped.
        self._created: OrderedDict[str, None] = OrderedDict()
        self._caller: Caller | None = None  # of the last check
        self._identity: _Identity = ("", None, None, None)
        self._lost = 0  # number of the last call that had a use too many

    def add(self, number: int, checks: Sequence[Check]) -> None:
        """Keep the checks of a call in which RAM had a part."""
        last, created = self._last, self._created
        for caller, action, arn, outcome in checks:
            if outcome == "by resource":
                continue
            if caller is not self._caller:  # one check after the other is of the same
                self._caller = caller
                self._identity = (caller.account, caller.role, caller.access_key.user, caller.application)
            key = (self._identity, action, _pattern(arn) if arn in created else arn, outcome)
            if len(last) < MOST_USES or key in last:
                last[key] = number
            else:
                self._lost = number

    def add_created(self, effects: Iterable[Change], sent: Mapping[str, str]) -> None:
        """Keep the ARNs of what a call created under a name that is not among its parameters."""
        for change in effects:
            arn = getattr(change.after, "arn", None) if change.before is None else None
            if arn is not None and change.id not in sent.values():
                self._created[arn] = None
                if len(self._created) > MOST_USES:
                    self._created.popitem(last=False)

    def since(self, number: int, accounts: Collection[str] | None = None) -> list[Use]:
        """Return the uses of the calls after this one, of the identities of these accounts, None for all.

        Raises ValueError where some were lost.
        """
        if self._lost > number:
            raise ValueError(
                f"more than {MOST_USES} different uses were seen, so that the policy would lack some: clear the calls first"
            )
        return [
            self._use(key)
            for key, last in tuple(self._last.items())
            if last > number and (accounts is None or key[0][0] in accounts)
        ]

    def forget(self, accounts: Collection[str] | None = None) -> None:
        """Forget the uses by the identities of these accounts, None for all."""
        self._caller = None
        if accounts is None:
            self._last.clear()
            self._lost = 0
            return
        for key in [key for key in self._last if key[0][0] in accounts]:
            del self._last[key]

    def _use(self, key: _Key) -> Use:
        (account, role, user, application), action, resource, outcome = key
        identity = application or f"acs:ram::{account}:" + (
            f"role/{role}" if role else f"user/{user}" if user else "root"
        )
        return Use(identity, action, resource, outcome, application is not None)


def _pattern(arn: str) -> str:
    return f"{arn.rpartition('/')[0]}/*"
