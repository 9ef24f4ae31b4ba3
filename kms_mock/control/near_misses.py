"""An assertion about calls as a document: whether it holds, and what the nearest calls have that differs."""

from __future__ import annotations

from typing import Any, TypedDict

import msgspec
from msgspec import Struct

from kms_mock.control.calls import Call, CallDocument
from kms_mock.control.journal import Calls
from kms_mock.control.names import parameter_named


class Assertion(Struct, frozen=True, forbid_unknown_fields=True):
    """What `assert_called` takes: an operation, how often it was called (null: at least once), a code ("" for successes).

    A parameter that is null was not sent.
    """

    action: str
    times: int | None = None
    code: str | None = None
    parameters: dict[str, Any] = {}


class Difference(TypedDict):
    """One thing in which a call differs: the name of a parameter, `action` or `code`; secrets masked."""

    what: str
    wanted: Any
    found: str | None


class NearMiss(TypedDict):
    """A call that is not what was looked for, and why."""

    call: CallDocument
    differences: list[Difference]


class NearMissesDocument(TypedDict):
    """Whether the assertion holds, the calls that match, and if it does not, those that nearly do, the nearest first."""

    holds: bool
    matches: list[CallDocument]
    near: list[NearMiss]


def near_misses(calls: Calls, assertion: Assertion) -> NearMissesDocument:
    """Check an assertion. Raises ValueError for a name or a code that does not exist."""
    action, code, parameters = assertion.action, assertion.code, assertion.parameters
    found = calls.filter(action, code=code, **parameters)
    holds = bool(found) if assertion.times is None else len(found) == assertion.times
    others = [] if holds else [call for call in calls.nearest(action, code=code, **parameters) if call not in found]
    return {
        "holds": holds,
        "matches": [call.document() for call in found],
        "near": [{"call": call.document(), "differences": _differences(calls, call, assertion)} for call in others],
    }


def _differences(calls: Calls, call: Call, assertion: Assertion) -> list[Difference]:
    differences: list[Difference] = []
    wanted_calls = msgspec.structs.replace(assertion, code=None, parameters={})
    if call not in calls.filter(wanted_calls.action):
        differences.append({"what": "action", "wanted": assertion.action, "found": call.action})
    if assertion.code is not None and call.code != assertion.code:
        differences.append({"what": "code", "wanted": assertion.code, "found": call.code})
    shown = call.parameters
    for name, value in assertion.parameters.items():
        if call not in calls.filter(None, **{name: value}):
            operations = [operation for api in calls.apis for operation in api.operations.values()]
            wire = parameter_named(operations, name)
            differences.append({"what": wire, "wanted": value, "found": shown.get(wire)})
    return differences
