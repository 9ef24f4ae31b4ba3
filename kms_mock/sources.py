"""The only module that reads the clock and makes ids and random bytes.

Every other module gets them as arguments, so that a test can freeze the clock and a seeded run repeats byte for byte.
After `os.fork` a child continues with random bytes of its own: see `_renew`.
"""

from __future__ import annotations

import io
import os
import random
import ssl
import time
import weakref
from collections.abc import Callable
from operator import itemgetter

from msgspec import Struct

_VARIANTS = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
# Of 16 bytes as `bytes.hex("-", 6)` writes them: 8-12-12 digits.
_UUID_FIELDS = itemgetter(slice(13), slice(14, 17), 17, slice(18, 34))

_RESERVE = 16384  # bytes drawn at once


class _Reservoir:
    """Random bytes of OpenSSL's generator, drawn many at a time: a draw costs as much as looking up a secret.

    Threads may share one: reading a BytesIO is one step, so no byte is returned twice.
    """

    def __init__(self) -> None:
        self._drawn = io.BytesIO()

    def take(self, count: int) -> bytes:
        """Return `count` bytes that were not returned before."""
        while len(data := self._drawn.read(count)) < count:
            self._drawn = io.BytesIO(ssl.RAND_bytes(max(count, _RESERVE)))
        return data

    def clear(self) -> None:
        """Forget what was drawn ahead."""
        self._drawn = io.BytesIO()


class Sources(Struct, frozen=True):
    """Where time, ids and random bytes come from.

    `now()` returns seconds since 1970 UTC; `random_bytes(n)` returns n bytes; `deterministic` tells whether a seed
    decides them, in which case key pairs are derived from `random_bytes` too instead of from OpenSSL's own generator.
    `real_now()` is the machine's clock even where `now` was set to another time: clients sign their requests by it.
    """

    now: Callable[[], float]
    random_bytes: Callable[[int], bytes]
    deterministic: bool = False
    real_now: Callable[[], float] = time.time

    @classmethod
    def system(cls) -> Sources:
        """Return the machine's clock and OpenSSL's randomness."""
        return cls(time.time, _RESERVOIR.take)

    @classmethod
    def seeded(cls, seed: int) -> Sources:
        """Return the machine's clock and a random stream that `seed` alone decides."""
        return cls(time.time, _generator(seed).randbytes, deterministic=True)

    def stream(self) -> Callable[[int], bytes] | None:
        """Return a stream of bytes for work off the event loop, or None where the system's own generator serves.

        With a seed, 32 bytes are drawn here and now and alone decide the stream: runs repeat whatever threads do.
        """
        return _generator(self.random_bytes(32)).randbytes if self.deterministic else None

    def new_id(self) -> str:
        """Return a random lower-case UUID (version 4), the form of request ids and key version ids (behaviour.md 16)."""
        low_mid, high, variant, clock_node = _UUID_FIELDS(self.random_bytes(16).hex("-", 6))
        return f"{low_mid}-4{high}-{_VARIANTS[variant]}{clock_node}"


_RESERVOIR = _Reservoir()
_GENERATORS: weakref.WeakSet[random.Random] = weakref.WeakSet()
_forks = 0


def _generator(seed: int | bytes) -> random.Random:
    generator = random.Random(seed)  # noqa: S311 (repeatable on purpose)
    _GENERATORS.add(generator)
    return generator


def _count_fork() -> None:
    global _forks  # noqa: PLW0603 (one number for the process)
    _forks += 1


def _renew() -> None:
    """Separate a child's random bytes from its parent's: equal ones would be equal ids, keys and GCM nonces.

    A seeded child still repeats: its stream follows from where the parent's stood and from how many forks the parent
    had made. The parent's stream is not touched, so that a fork by some library changes nothing in a seeded run.
    """
    _RESERVOIR.clear()
    for generator in _GENERATORS:
        generator.seed(generator.randbytes(32) + _forks.to_bytes(8, "big"))


if hasattr(os, "register_at_fork"):  # not on Windows, where there is no fork
    os.register_at_fork(before=_count_fork, after_in_child=_renew)
