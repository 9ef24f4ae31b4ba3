"""A mock with the keys of fixtures/keys.yaml, for the tests of keys at work."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kms_mock import KmsMock
from tests.support.known_keys import KEYS


@pytest.fixture(scope="module")
def _started_with_known_keys() -> Iterator[KmsMock]:
    with KmsMock([KEYS]) as started:
        yield started


@pytest.fixture
def with_known_keys(_started_with_known_keys: KmsMock) -> KmsMock:
    """A mock as it was when it started with the keys; one for all tests of a module, since RSA keys take a while to load."""
    _started_with_known_keys.reset()
    return _started_with_known_keys
