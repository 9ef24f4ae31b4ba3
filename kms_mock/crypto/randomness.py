"""Random bytes: from the caller's stream, or from OpenSSL where the caller has none."""

from __future__ import annotations

from collections.abc import Callable

RandomBytes = Callable[[int], bytes]


def openssl_bytes(length: int) -> bytes:
    """Return `length` bytes from OpenSSL's generator."""
    from ssl import RAND_bytes  # not needed in a seeded run

    return RAND_bytes(length)


def scalar_below(limit: int, random_bytes: RandomBytes) -> int:
    """Draw a number in 1..limit-1, from 8 bytes more than the limit has: the bias is below 2^-64 (FIPS 186-5, A.2.1)."""
    length = (limit.bit_length() + 7) // 8 + 8
    return int.from_bytes(random_bytes(length), "big") % (limit - 1) + 1
