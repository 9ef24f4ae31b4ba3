"""An assertion about calls as a document: whether it holds, and what the nearest calls have that differs."""

from __future__ import annotations

from typing import Any, TypedDict

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
    operations = [operation for api in calls.apis for operation in api.operations.values()]
    action, code = assertion.action, assertion.code
    parameters = {parameter_named(operations, name): value for name, value in assertion.parameters.items()}
    found = calls.filter(action, code=code, **parameters)
    holds = bool(found) if assertion.times is None else len(found) == assertion.times
    others = [] if holds else [call for call in calls.nearest(action, code=code, **parameters) if call not in found]

    def differences(call: Call) -> list[Difference]:
        differing: list[Difference] = []
        if call not in calls.filter(action):
            differing.append({"what": "action", "wanted": action, "found": call.action})
        if code is not None and call.code != code:
            differing.append({"what": "code", "wanted": code, "found": call.code})
        shown = call.parameters
        differing += [
            {"what": name, "wanted": value, "found": shown.get(name)}
            for name, value in parameters.items()
            if call not in calls.filter(None, **{name: value})
        ]
        return differing

    return {
        "holds": holds,
        "matches": [call.document() for call in found],
        "near": [{"call": call.document(), "differences": differences(call)} for call in others],
    }
