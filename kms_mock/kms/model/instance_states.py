"""What each event does to a KMS instance in each status: the next status, or the refusal. Nothing else decides.

Describing and releasing an instance work in every status. An instance is Disconnected or in Error only when a fixture
file says so.
"""

from __future__ import annotations

from typing import Literal

from kms_mock.kms import errors
from kms_mock.kms.errors import ErrorSpec

InstanceStatus = Literal["Uninitialized", "Connecting", "Connected", "Disconnected", "Error"]
InstanceEvent = Literal["connect", "use", "use a key in it"]

_S = errors.INSTANCE_STATE_INVALID
_U = errors.KEY_UNAVAILABLE

STATUSES: tuple[InstanceStatus, ...] = ("Uninitialized", "Connecting", "Connected", "Disconnected", "Error")

_ROWS: dict[InstanceEvent, tuple[InstanceStatus | ErrorSpec, ...]] = {
    # event:    in Uninitialized  Connecting  Connected  Disconnected  Error
    # The service is Connecting for minutes; here it is Connected at once.
    "connect": ("Connected", _S, _S, _S, _S),
    # New keys and secrets, policies, quotas, further VPCs: only in an instance that works.
    "use": (_S, _S, "Connected", _S, _S),
    # No page defines when the service answers that a key is unavailable.
    "use a key in it": (_U, _U, "Connected", _U, _U),
}

TRANSITIONS: dict[tuple[InstanceEvent, InstanceStatus], InstanceStatus | ErrorSpec] = {
    (event, status): outcome for event, row in _ROWS.items() for status, outcome in zip(STATUSES, row, strict=True)
}


def next_status(event: InstanceEvent, status: InstanceStatus, instance_id: str) -> InstanceStatus:
    """Return the status after an event; raise the refusal if the event is not allowed in this status."""
    outcome = TRANSITIONS[event, status]
    if isinstance(outcome, ErrorSpec):
        raise outcome(f"KMS instance {instance_id} is {status}: not allowed to {event}.")
    return outcome
