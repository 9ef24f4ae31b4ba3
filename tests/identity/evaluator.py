"""A small evaluator of RAM policies, written apart from the product's: plain JSON in, Allow, Deny or None out.

It compiles nothing: patterns are matched by a table, values compared as `datetime` and `ipaddress` objects.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": lambda one, other: bool(one == other),
    "NotEquals": lambda one, other: bool(one == other),  # negated by its name
    "LessThan": lambda one, other: bool(one < other),
    "LessThanEquals": lambda one, other: bool(one <= other),
    "GreaterThan": lambda one, other: bool(one > other),
    "GreaterThanEquals": lambda one, other: bool(one >= other),
}


def evaluate(policy: Mapping[str, Any], request: Mapping[str, Any]) -> str | None:
    """`request` has `action`, `resource`, `principal` and `keys` (condition keys to texts; a missing one is absent)."""
    effects = {each["Effect"] for each in policy["Statement"] if applies(each, request)}
    return "Deny" if "Deny" in effects else "Allow" if "Allow" in effects else None


def applies(statement: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    action = request["action"].lower()
    if "Action" in statement:
        if not any(like(pattern.lower(), action) for pattern in listed(statement["Action"])):
            return False
    elif any(like(pattern.lower(), action) for pattern in listed(statement["NotAction"])):
        return False
    if "Resource" in statement:
        if not any(like(pattern, request["resource"]) for pattern in listed(statement["Resource"])):
            return False
    elif any(like(pattern, request["resource"]) for pattern in listed(statement["NotResource"])):
        return False
    if "Principal" in statement and not any(
        who(pattern, request["principal"]) for pattern in listed(statement["Principal"]["RAM"])
    ):
        return False
    return all(
        holds(operator, listed(value), request["keys"].get(key))
        for operator, keys in statement.get("Condition", {}).items()
        for key, value in keys.items()
    )


def who(pattern: str, principal: str) -> bool:
    if pattern.endswith(":root"):
        account = pattern.split(":")[3]
        return like(account, principal.split(":")[3])
    return like(pattern, principal)


def holds(operator: str, values: list[Any], actual: str | None) -> bool:
    negated = "Not" in operator
    if actual is None:
        return negated
    found = any(fits(operator, as_text(value), actual) for value in values)
    return not found if negated else found


def fits(operator: str, wanted: str, actual: str) -> bool:  # noqa: PLR0911 (one return for each kind of operator)
    if operator.startswith("String"):
        if operator.endswith("Like"):
            return like(wanted, actual)
        return wanted.lower() == actual.lower() if operator.endswith("IgnoreCase") else wanted == actual
    if operator == "Bool":
        return wanted.lower() == actual.lower()
    try:
        if operator.startswith("Numeric"):
            return COMPARE[operator.removeprefix("Numeric")](float(actual), float(wanted))
        if operator.startswith("Date"):
            return COMPARE[operator.removeprefix("Date")](moment_of(actual), moment_of(wanted))
        address = ipaddress.ip_address(actual)
        network = ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address in network


def moment_of(text: str) -> datetime:
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def like(pattern: str, text: str) -> bool:
    """Match without the shortcuts of the product: a row of the usual table for each character of the pattern."""
    row = [True] + [False] * len(text)
    for character in pattern:
        if character == "*":
            for index in range(1, len(row)):
                row[index] = row[index] or row[index - 1]
        else:
            row = [False] + [
                row[index] and (character == "?" or character == text[index]) for index in range(len(text))
            ]
    return row[-1]


def as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
