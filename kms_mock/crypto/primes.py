"""Prime search for RSA keys that follow from a byte stream; only used when a run has to repeat byte for byte.

It takes up to seconds in a worker thread, and Python's `pow` holds the interpreter lock until it returns (20 ms for 2048
bits). So powers are computed here in steps, and about every millisecond the other threads get their turn.
"""

from __future__ import annotations

from itertools import compress
from time import sleep
from typing import Final

from kms_mock.crypto.randomness import RandomBytes

PUBLIC_EXPONENT: Final = 65537

_SIEVE_LIMIT: Final = 20_000
_WINDOW: Final = 8192  # odd candidates checked from each starting point; about 20 of them are prime for 1024 bits
_STEP: Final = 8  # bits of an exponent: base ** 255 is still shorter than a candidate
_TURN: Final = 128  # bits of an exponent, 16 steps: 1.2 ms for a candidate of 2048 bits
_BASES: Final = (2, 3, 5, 7, 11, 13)  # candidates are random, not chosen by an attacker: the error is far below 2^-80


def rsa_primes(bits: int, random_bytes: RandomBytes) -> tuple[int, int]:
    """Find two primes of `bits` / 2 bits each, the larger first, whose product has exactly `bits` bits (FIPS 186-5, A.1.3)."""
    small = _small_primes()
    p = _prime(bits // 2, small, random_bytes)
    while True:
        q = _prime(bits // 2, small, random_bytes)
        if abs(p - q).bit_length() > bits // 2 - 100:
            return max(p, q), min(p, q)


def _prime(bits: int, small: list[int], random_bytes: RandomBytes) -> int:
    while True:
        # The two top bits make the product of two such primes as long as it should be.
        start = int.from_bytes(random_bytes(bits // 8), "big") | 3 << bits - 2 | 1
        for candidate in _survivors(start, small):
            if candidate.bit_length() == bits and candidate % PUBLIC_EXPONENT != 1 and is_probable_prime(candidate):
                return candidate


def _survivors(start: int, small: list[int]) -> compress[int]:
    """Return the numbers start, start + 2, ... that no small prime divides."""
    keep = bytearray(b"\x01") * _WINDOW
    for prime in small:
        # start + 2 * index = 0 (mod prime)  <=>  index = -start / 2 (mod prime)
        first = -start * ((prime + 1) // 2) % prime
        keep[first::prime] = bytes(len(range(first, _WINDOW, prime)))
    return compress(range(start, start + 2 * _WINDOW, 2), keep)


def _small_primes() -> list[int]:
    """Return the odd primes below the sieve limit."""
    keep = bytearray(b"\x01") * _SIEVE_LIMIT
    for number in range(3, int(_SIEVE_LIMIT**0.5) + 1, 2):
        if keep[number]:
            keep[number * number :: number] = bytes(len(range(number * number, _SIEVE_LIMIT, number)))
    return [number for number in range(3, _SIEVE_LIMIT, 2) if keep[number]]


def is_probable_prime(number: int) -> bool:
    """Run Miller-Rabin with fixed bases, for odd numbers above the largest base."""
    odd = number - 1
    twos = (odd & -odd).bit_length() - 1
    odd >>= twos
    return all(_passes(number, base, odd, twos) for base in _BASES)


def _passes(number: int, base: int, odd: int, twos: int) -> bool:
    value = power(base, odd, number)
    if value in (1, number - 1):
        return True
    for _ in range(twos - 1):
        value = value * value % number
        if value == number - 1:
            return True
    return False


def power(base: int, exponent: int, modulus: int) -> int:
    """Return what pow(base, exponent, modulus) returns, for a small base; other threads run between the steps."""
    result = 1
    for position in range((exponent.bit_length() - 1) // _STEP * _STEP, -1, -_STEP):
        digit = exponent >> position & (1 << _STEP) - 1
        result = pow(result, 1 << _STEP, modulus) * base**digit % modulus
        if not position % _TURN:
            sleep(0)
    return result
