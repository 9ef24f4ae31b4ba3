"""The hosts that the code under test asked for while interception was on, for the report of a failed test."""

from __future__ import annotations

from enum import StrEnum

_LIMIT = 100
_LOCAL = ("localhost", "localhost.localdomain", "ip6-localhost")


class Outcome(StrEnum):
    """What happened to a connection."""

    MOCKED = "the mock answers for it"
    REFUSED = "it is not mocked, so it was refused"
    UNTOUCHED = "it is no host of Alibaba Cloud, so it was not intercepted"


class AskedHosts:
    """Host names with what happened to them, in the order in which they were asked for first; at most 100."""

    def __init__(self) -> None:
        self.hosts: dict[str, Outcome] = {}
        self.intercepting = False  # whether interception was on at any time since the last `clear`

    def note(self, name: str, outcome: Outcome) -> None:
        """Remember a name, unless it is an address or this machine."""
        if len(self.hosts) < _LIMIT and name not in _LOCAL and ":" not in name and not name[-1:].isdigit():
            self.hosts[name] = outcome

    def clear(self, *, intercepting: bool) -> None:
        """Forget all names."""
        self.hosts.clear()
        self.intercepting = intercepting

    def report(self) -> str:
        """Return a line for each name; "" when there was no interception."""
        if not self.intercepting:
            return ""
        lines = [f"your code asked for {name}: {outcome}" for name, outcome in list(self.hosts.items())]
        return "\n".join(lines) or "your code asked for no host while KMS was intercepted"
