"""Points in time as the API writes them: `yyyy-MM-dd'T'HH:mm:ss'Z'`, UTC (behaviour.md 17)."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

DAY = 86400


def iso(seconds: float) -> str:
    """Write seconds since 1970 UTC."""
    return _iso(int(seconds))


def exact_iso(seconds: float) -> str:
    """Write seconds since 1970 UTC with their fraction, as fixture files have them."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


@lru_cache(maxsize=4096)  # the same few times come in answer after answer, and writing one takes microseconds
def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def years_later(seconds: float, years: int) -> float:
    """Give the same day of the calendar some years on; 29 February may become the 28th."""
    moment = datetime.fromtimestamp(seconds, UTC)
    try:
        return moment.replace(year=moment.year + years).timestamp()
    except ValueError:
        return moment.replace(year=moment.year + years, day=28).timestamp()


def parse_iso(text: str) -> float:
    """Read an ISO 8601 time with a zone, or with none for UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()
