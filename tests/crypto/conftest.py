"""What the crypto tests share: repeatable byte streams, the `openssl` command as an outside judge, some RSA keys."""

import hashlib
from collections.abc import Callable

import pytest

from kms_mock.crypto.material import KeyMaterial, generate

Stream = Callable[[int], bytes]
Streams = Callable[[str], Stream]


@pytest.fixture(scope="session")
def stream() -> Streams:
    """Give a source of bytes for a seed; two sources of one seed give the same bytes."""

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
    """Give one key per spec name, made by OpenSSL where it can be, kept for the whole run."""
    made: dict[str, KeyMaterial] = {}

    def key(spec: str) -> KeyMaterial:
        if spec not in made:
            made[spec] = generate(spec)
        return made[spec]

    return key
