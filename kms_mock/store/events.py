"""What happens by itself when time passes."""

from __future__ import annotations

from msgspec import Struct


class Event(Struct, frozen=True):
    """One due thing that happened: when (seconds since 1970 UTC), what (`key rotated`), to which resource (its ARN).

    `count` is how often it happened from then on, where so much was due that it was done at once.
    """

    at: float
    kind: str
    resource: str
    detail: str = ""
    count: int = 1


class Settling(Struct, frozen=True):
    """What a record is told when something of it is due.

    `now` is where the clock stands, which may be long after; `most` is how many repetitions (rotations) of one record
    are carried out one by one until then: a record does no more, and says in its event how many there were.
    """

    now: float
    most: int
