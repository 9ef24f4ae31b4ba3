"""What happens by itself when time passes."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

EventKind = Literal[
    "key deleted", "key material expired", "key rotated", "secret purged", "secret rotated", "import token expired"
]


class Event(Struct, frozen=True):
    """One due thing that happened: when (seconds since 1970 UTC), what, and to which resource (its ARN)."""

    at: float
    kind: EventKind
    resource: str
    detail: str = ""
