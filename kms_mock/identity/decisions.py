"""What policies decide about a request.

Source: RAM, "How RAM evaluates policies": a Deny wins over every Allow; what nothing allows is refused.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from kms_mock.identity.conditions import Request
from kms_mock.identity.policies import Effect, NamedPolicy


class Decision(Struct, frozen=True):
    """What policies decide about a request: Allow or Deny and by which statement, or None where nothing allows it."""

    effect: Effect | None
    request: Request
    policies: tuple[NamedPolicy, ...] = ()
    policy: str = ""  # the name of the one that decided; none for a caller whom no policy limits
    statement: int = 0  # its number in that policy, from 1
    sid: str = ""
    because: tuple[Decision, ...] = ()  # what a combined decision rests on
    needs_ram: bool = True  # False: the resource's own policy decided, whatever the policies of the caller say

    @property
    def allowed(self) -> bool:
        """Return whether the request may go on."""
        return self.effect == "Allow"

    def explain(self, arn: str | None = None) -> str:
        """Return in one line who decided, or what comes near and what would allow the request.

        `arn` is the resource to name where the decision was made for all of them.
        """
        if self.because:
            return " ".join(decision.explain(arn) for decision in self.because)
        resource = arn or self.request.resource
        asked = f"{self.request.action} on {resource}"
        if self.effect is not None:
            who = self.place or "Nothing limits the caller: it"
            return f"{who[0].upper()}{who[1:]} {'allows' if self.allowed else 'denies'} {asked}."
        names = " and ".join(name for name, _ in self.policies)
        nothing = f"No statement of {names} allows {asked}" if names else f"No policy allows {asked}"
        nearly = next(iter(self.near_misses()), "")
        what = f'{{"Effect":"Allow","Action":"{self.request.action}","Resource":"{resource}"}}'
        return f"{nothing}{nearly and f' ({nearly})'}; it would take {what}."

    @property
    def place(self) -> str:
        """Return the policy and statement that decided, such as `statement 2 (no-deletes) of policy readers`."""
        return _place(self.policy, self.statement, self.sid) if self.policy else ""

    def near_misses(self) -> list[str]:
        """Return which Allow statements cover the action, and what about the request they do not cover."""
        request, found = self.request, []
        for name, policy in self.policies:
            for number, sid, statement in policy.about(request.action):
                if not statement.denies:
                    missed = [] if statement.covers_resource(request.resource) else ["its resource"]
                    missed += [] if statement.covers_principal(request) else ["its principal"]
                    missed += [f"{each.operator} {each.key}" for each in statement.conditions if not each.met(request)]
                    found.append(f"{_place(name, number, sid)} would, but for {', '.join(missed)}")
        return found


def decide(policies: Iterable[NamedPolicy], request: Request) -> Decision:
    """Return what the policies decide: the first Deny that applies, else the first Allow that does."""
    named = tuple(policies)
    allowed: tuple[str, int, str] | None = None
    for name, policy in named:
        for number, sid, statement in policy.about(request.action):
            if statement.denies:
                if statement.applies(request):
                    return Decision("Deny", request, named, name, number, sid)
            elif allowed is None and statement.applies(request):
                allowed = name, number, sid
    return Decision(None, request, named) if allowed is None else Decision("Allow", request, named, *allowed)


def decide_anywhere(policies: Iterable[NamedPolicy], request: Request) -> Decision:
    """Return whether an action can succeed on any resource at all, before its resource is known.

    An Allow counts on whatever resource and condition, a Deny only if it holds on every resource and without a
    condition. The request's `resource` is only what the explanation names.
    """
    named = tuple(policies)
    allowed: tuple[str, int, str] | None = None
    for name, policy in named:
        denying, allowing = policy.anywhere(request.action)
        if denying is not None:
            return Decision("Deny", request, named, name, *denying[:2])
        if allowed is None and allowing is not None:
            allowed = name, *allowing[:2]
    return Decision(None, request, named) if allowed is None else Decision("Allow", request, named, *allowed)


def allow_plainly(policies: Iterable[NamedPolicy], action: str, resource: str) -> bool:
    """Return whether nothing denies an action anywhere, and a statement without conditions allows it on a resource.

    Then `decide` allows it too, whoever asks, at several times the cost.
    """
    allowed = False
    for _, policy in policies:
        for _, _, statement in policy.about(action):
            if statement.denies:
                return False
            if not allowed and not statement.conditions and statement.principals is None:
                allowed = statement.resources(resource) is statement.resource_listed
    return allowed


def allow_somewhere(policies: Iterable[NamedPolicy], action: str) -> bool:
    """Return whether `decide_anywhere` allows an action, at a part of its cost."""
    allowed = False
    for _, policy in policies:
        denying, allowing = policy.anywhere(action)
        if denying is not None:
            return False
        allowed = allowed or allowing is not None
    return allowed


def either(first: Decision, second: Decision) -> Decision:
    """Return the decision where one Allow is enough: a caller's and a resource's policy within one account.

    Source: KMS, "Key policy overview" and "Overview of secret policies": within the owner's account either policy is
    sufficient unless one of them denies.
    """
    for effect in ("Deny", "Allow"):
        for decision in (first, second):
            if decision.effect == effect:
                return decision
    return Decision(None, first.request, because=(first, second))


def both(first: Decision, second: Decision) -> Decision:
    """Return the decision where both must allow: across accounts, or a role's policies with those of its session.

    Source: KMS, "Key policy overview": another account's user needs the key's policy and a RAM policy of his account.
    """
    for decision in (first, second):
        if decision.effect == "Deny":
            return decision
    return second if first.allowed else first


def _place(policy: str, number: int, sid: str) -> str:
    return f"statement {number}{sid and f' ({sid})'} of {policy}"
