"""Points in time as the API writes them: `yyyy-MM-dd'T'HH:mm:ss'Z'`, UTC (behaviour.md 17)."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from kms_mock.regex import regex

DAY = 86400
# The clock stops at END_OF_TIME, and nothing can have happened later. What is computed from that (rotations in 730 days,
# certificates of 20 years) is up to LAST_DATE, the last moment that can be written at all. Certificates know no moment
# before FIRST_DATE.
FIRST_DATE = datetime(1950, 1, 1, tzinfo=UTC).timestamp()
END_OF_TIME = datetime(9900, 1, 1, tzinfo=UTC).timestamp()
LAST_DATE = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()
SECONDS_OF_UNIT = {"d": DAY, "h": 3600, "m": 60, "s": 1}
_INTERVAL = regex(r"([0-9]{1,12})([dhms])")


class DateRange(NamedTuple):
    """Which dates a field of a record can have, both ends included: those may be written, and read back."""

    first: float
    last: float
    description: str


PAST = DateRange(0.0, END_OF_TIME, "from 1970 to 9900")
"""Of what has happened: the clock showed it."""

FUTURE = DateRange(0.0, LAST_DATE, "from 1970 to 9999")
"""Of what will happen, computed from a moment of the clock or named by a client."""

VALIDITY = DateRange(FIRST_DATE, LAST_DATE, "from 1950 to 9999")
"""Of what a client says about a certificate."""


def parse_interval(text: str) -> int:
    """Read `integer[unit]` as seconds; units are d, h, m, s (behaviour.md 7 and 9). Raises ValueError."""
    match = _INTERVAL.fullmatch(text)
    if match is None:
        raise ValueError("the form is integer[unit], unit one of d, h, m, s")
    return int(match[1]) * SECONDS_OF_UNIT[match[2]]


@lru_cache(maxsize=4096)  # the same few times come in answer after answer, and writing one takes microseconds
def iso(seconds: float) -> str:
    """Write seconds since 1970 UTC."""
    return _iso(int(seconds))


@lru_cache(maxsize=4096)  # most records of a fixture file have the same few times
def exact_iso(seconds: float) -> str:
    """Write seconds since 1970 UTC with their fraction, as fixture files have them."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


@lru_cache(maxsize=4096)  # records that were made in the same second have different times
def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def years_later(seconds: float, years: int) -> float:
    """Return the same day of the calendar some years on; 29 February may become the 28th."""
    moment = datetime.fromtimestamp(seconds, UTC)
    try:
        return moment.replace(year=moment.year + years).timestamp()
    except ValueError:
        return moment.replace(year=moment.year + years, day=28).timestamp()


def parse_iso(text: str) -> float:
    """Read an ISO 8601 time with a zone, or with none for UTC. Raises ValueError, which does not quote the text."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("the form is ISO 8601, such as 2030-01-31T12:00:00Z") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()
