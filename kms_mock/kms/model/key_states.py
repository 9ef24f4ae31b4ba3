"""What each event does to a key in each state: the next state, or the refusal. Nothing else decides.

The rows are the vendor's state matrix (behaviour.md 1), and what follows from prose for operations that are not in it.
"""

from __future__ import annotations

from typing import Literal

from kms_mock.kms import errors
from kms_mock.kms.errors import ErrorSpec

KeyState = Literal["Enabled", "Disabled", "PendingDeletion", "PendingImport"]
KeyEvent = Literal[
    "use",
    "change versions",
    "update description",
    "tag",
    "enable",
    "disable",
    "schedule deletion",
    "cancel deletion",
    "cancel deletion without material",
    "create alias",
    "bind alias",
    "get import parameters",
    "import material",
    "lose material",
    "protect",
    "set policy",
]

_D = errors.KEY_DISABLED
_P = errors.KEY_PENDING_DELETION
_I = errors.KEY_PENDING_IMPORT
_F = errors.KEY_STATE_NOT_MODIFIED

STATES: tuple[KeyState, ...] = ("Enabled", "Disabled", "PendingDeletion", "PendingImport")

_ROWS: dict[KeyEvent, tuple[KeyState | ErrorSpec, ...]] = {
    # event:                 in Enabled          Disabled           PendingDeletion    PendingImport
    "use": ("Enabled", _D, _P, _I),
    "change versions": ("Enabled", _D, _P, _I),
    "update description": ("Enabled", "Disabled", _P, "PendingImport"),
    "tag": ("Enabled", "Disabled", _P, "PendingImport"),
    "enable": ("Enabled", "Enabled", _F, _F),
    "disable": ("Disabled", "Disabled", _F, _F),
    "schedule deletion": ("PendingDeletion", "PendingDeletion", _F, "PendingDeletion"),
    "cancel deletion": (_F, _F, "Enabled", _F),
    # The documents say Enabled, but a key that waits for its material cannot be used.
    "cancel deletion without material": (_F, _F, "PendingImport", _F),
    "create alias": ("Enabled", "Disabled", _F, "PendingImport"),
    "bind alias": ("Enabled", "Disabled", _P, "PendingImport"),
    "get import parameters": ("Enabled", "Disabled", "PendingDeletion", "PendingImport"),
    "import material": ("Enabled", "Disabled", _F, "Enabled"),
    "lose material": ("PendingImport", "PendingImport", "PendingDeletion", "PendingImport"),
    # Prose says only that the key must not be PendingDeletion.
    "protect": ("Enabled", "Disabled", _P, "PendingImport"),
    # A policy is metadata, like a description.
    "set policy": ("Enabled", "Disabled", _P, "PendingImport"),
}

TRANSITIONS: dict[tuple[KeyEvent, KeyState], KeyState | ErrorSpec] = {
    (event, state): outcome for event, row in _ROWS.items() for state, outcome in zip(STATES, row, strict=True)
}

USABLE: frozenset[KeyState] = frozenset(state for state in STATES if TRANSITIONS["use", state] == state)


def next_state(event: KeyEvent, state: KeyState, key_id: str) -> KeyState:
    """Return the state after an event; raise the refusal if the event is not allowed in this state."""
    outcome = TRANSITIONS[event, state]
    if isinstance(outcome, ErrorSpec):
        raise outcome(f"Key {key_id} is {state}: not allowed to {event}.")
    return outcome
