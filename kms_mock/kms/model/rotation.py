"""Automatic rotation: its intervals, and how many rotations are carried out when many are due."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from kms_mock.kms import errors
from kms_mock.store.times import DAY


class IntervalRange(NamedTuple):
    """The shortest and the longest interval between two rotations, in seconds."""

    shortest: float
    longest: float


KEY_INTERVALS = IntervalRange(7 * DAY, 730 * DAY)  # of every key: the widest range of the documents (behaviour.md 9)
NEW_SECRET_INTERVALS = IntervalRange(DAY / 4, 365 * DAY)  # in CreateSecret (behaviour.md 7)
SECRET_INTERVALS = IntervalRange(7 * DAY, 365 * DAY)  # in UpdateSecretRotationPolicy (behaviour.md 7)


def checked_interval(interval: int | None, allowed: IntervalRange) -> int:
    """Check the interval of automatic rotation, in seconds. Raises INVALID_PARAMETER."""
    if interval is None:
        raise errors.INVALID_PARAMETER("Automatic rotation needs a RotationInterval.", name="RotationInterval")
    if not allowed.shortest <= interval <= allowed.longest:
        raise errors.INVALID_PARAMETER(
            f"RotationInterval is {allowed.shortest / DAY:g} to {allowed.longest / DAY:g} days.",
            name="RotationInterval",
        )
    return interval


class Rotations(Struct, frozen=True):
    """The rotations of one record that are due from `at` until `now`, `interval` seconds apart.

    One happens at `at`. If more than `most` are due after it, so many are passed over that `most`, or one more, are left
    to happen one by one: an even number, because a secret with two accounts gives its value to each in turn.
    """

    at: float
    interval: int | None
    now: float
    most: int

    @property
    def skipped(self) -> int:
        """How many rotations are passed over."""
        if self.interval is None:
            return 0
        left = int((self.now - self.at) // self.interval)
        return max(0, (left - self.most) // 2 * 2)

    @property
    def count(self) -> int:
        """How many rotations this step stands for."""
        return 1 + self.skipped

    @property
    def following(self) -> float | None:
        """When the next one is; None without an interval."""
        return None if self.interval is None else self.at + self.count * self.interval

    def describe(self, version: str | None) -> str:
        """Return what became of the rotation, for the event."""
        return f"version {version}" + (f", then {self.skipped} without one" if self.skipped else "")
