"""The only door to the outside world: time, ids and random bytes.

Every other module gets them as arguments, so that a test can freeze the clock and a seeded run repeats byte for byte.
"""

from __future__ import annotations

import io
import random
import ssl
import time
from collections.abc import Callable

from msgspec import Struct

_VARIANTS = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}

_DRAWN_BYTES = 16384


class _Reservoir:
    """Random bytes from OpenSSL's generator, drawn many at a time: each draw costs as much as the look-up of a secret.

    Threads may share one: reading a BytesIO is one step, so that no byte is given twice.
    """

    def __init__(self) -> None:
        self._drawn = io.BytesIO()

    def take(self, count: int) -> bytes:
        """Give bytes that were not given before."""
        while len(data := self._drawn.read(count)) < count:
            self._drawn = io.BytesIO(ssl.RAND_bytes(max(count, _DRAWN_BYTES)))
        return data


class Sources(Struct, frozen=True):
    """Where time, ids and chance come from.

    `now()` is seconds since 1970 UTC; `random_bytes(n)` gives n bytes; `deterministic` says whether a seed rules them,
    in which case key pairs are derived from `random_bytes` too instead of from OpenSSL's own generator. `real_now()` is
    the machine's clock even where `now` was set to another time: clients sign their requests by it.
    """

    now: Callable[[], float]
    random_bytes: Callable[[int], bytes]
    deterministic: bool = False
    real_now: Callable[[], float] = time.time

    @classmethod
    def system(cls) -> Sources:
        """Give the machine's clock and OpenSSL's randomness."""
        return cls(time.time, _Reservoir().take)

    @classmethod
    def seeded(cls, seed: int) -> Sources:
        """Give the machine's clock and a random stream that `seed` alone decides."""
        return cls(time.time, random.Random(seed).randbytes, deterministic=True)  # noqa: S311 (repeatable on purpose)

    def stream(self) -> Callable[[int], bytes] | None:
        """Give a stream of bytes for work off the event loop, or None where the system's own generator serves.

        With a seed, 32 bytes are drawn here and now and alone decide the stream: runs repeat whatever threads do.
        """
        return random.Random(self.random_bytes(32)).randbytes if self.deterministic else None  # noqa: S311 (as above)

    def new_id(self) -> str:
        """Give a random lower-case UUID (version 4), the form of request ids and key version ids (behaviour.md 16)."""
        digits = self.random_bytes(16).hex()
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{_VARIANTS[digits[16]]}{digits[17:20]}-{digits[20:]}"
