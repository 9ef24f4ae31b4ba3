"""The least RAM policies that permit what was used: no statement, action or resource in them could be left out."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from kms_mock.control.uses import Use
from kms_mock.identity.patterns import compile_patterns

Document = dict[str, Any]


def minimal_policies(uses: Iterable[Use], *, include_refused: bool = False) -> dict[str, Document]:
    """Return the least policy of each identity, by its ARN.

    What RAM refused is left out, unless it is asked for. Client keys are left out too: the policies of their access
    points permit what they do, and no policy of RAM.
    """
    resources: dict[str, dict[str, set[str]]] = {}
    unasked: dict[str, dict[str, str]] = {}
    for use in uses:
        if use.is_application or (use.outcome == "refused" and not include_refused):
            continue
        by_action = resources.setdefault(use.identity, {})
        if use.outcome != "unasked":
            by_action.setdefault(use.action, set()).add(use.resource)
        else:  # any resource will do
            some = unasked.setdefault(use.identity, {})
            some[use.action] = min(use.resource, some.get(use.action, use.resource))
    for identity, some in unasked.items():
        for action, resource in some.items():
            resources[identity].setdefault(action, {resource})
    return {identity: _policy(by_action) for identity, by_action in sorted(resources.items())}


def choose(policies: dict[str, Document], identity: str | None) -> Document:
    """Return the policy of a named identity, else of the only one; an empty one where none is named and none used anything.

    Raises ValueError as `named_identity` does.
    """
    return _policy({}) if identity is None and not policies else policies[named_identity(policies, identity)]


def named_identity(policies: Collection[str], identity: str | None) -> str:
    """Return the ARN of the identity that its ARN or the end of it (`role/app`) names; without a name the only one.

    Raises ValueError where it is none of those that used something, or not a single one.
    """
    found = [arn for arn in policies if identity is None or arn == identity or arn.endswith(f":{identity}")]
    if not found:
        raise ValueError(f"{identity} used nothing, only {', '.join(policies)}" if policies else "nobody used anything")
    if len(found) > 1:
        raise ValueError(f"several identities used something, name one: {', '.join(found)}")
    return found[0]


def access_points(uses: Iterable[Use]) -> list[str]:
    """Return the ARNs of the access points whose client keys were used."""
    return sorted({use.identity for use in uses if use.is_application})


def _policy(by_action: dict[str, set[str]]) -> Document:
    """Return the policy document; actions with the same resources share a statement."""
    actions: dict[tuple[str, ...], list[str]] = {}
    for action, names in sorted(by_action.items()):
        actions.setdefault(_without_covered(names), []).append(action)
    statements = [
        {"Effect": "Allow", "Action": names, "Resource": list(resources)} for resources, names in actions.items()
    ]
    return {"Version": "1", "Statement": statements}


def _without_covered(names: set[str]) -> tuple[str, ...]:
    """Return the patterns that no other one covers, in order."""
    wide = {name: compile_patterns([name]) for name in names if "*" in name}
    return tuple(
        sorted(name for name in names if not any(name != other and match(name) for other, match in wide.items()))
    )
