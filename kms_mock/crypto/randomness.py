"""Where random bytes come from: the caller, or OpenSSL when the caller brings none."""

from collections.abc import Callable

RandomBytes = Callable[[int], bytes]


def openssl_bytes(length: int) -> bytes:
    """Return `length` bytes from OpenSSL's own generator, for a caller that gave no source of its own."""
    from ssl import RAND_bytes  # never needed in a run that brings its own bytes

    return RAND_bytes(length)


def scalar_below(limit: int, random_bytes: RandomBytes) -> int:
    """Draw a number in 1..limit-1, from 8 bytes more than the limit has: the bias is below 2^-64 (FIPS 186-5, A.2.1)."""
    length = (limit.bit_length() + 7) // 8 + 8
    return int.from_bytes(random_bytes(length), "big") % (limit - 1) + 1
