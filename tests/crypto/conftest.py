"""Fixtures of the crypto tests: repeatable byte streams, and a key of every spec."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from kms_mock.crypto.material import KeyMaterial, generate

Stream = Callable[[int], bytes]
Streams = Callable[[str], Stream]


@pytest.fixture(scope="session")
def stream() -> Streams:
    """Return a function from a seed to a source of bytes; two sources of one seed return the same bytes."""

    def start(seed: str) -> Stream:
        position = 0

        def read(count: int) -> bytes:
            nonlocal position
            position += 1
            return hashlib.shake_256(f"{seed}/{position}".encode()).digest(count)

        return read

    return start


@pytest.fixture(scope="session")
def keys() -> Callable[[str], KeyMaterial]:
    """Return a function from a spec name to its key, generated once for the whole run, by OpenSSL where it can."""
    made: dict[str, KeyMaterial] = {}

    def key(spec: str) -> KeyMaterial:
        if spec not in made:
            made[spec] = generate(spec)
        return made[spec]

    return key
