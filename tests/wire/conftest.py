"""What tests of the wire share: a mock with each of the ways to answer, and signed requests of the official SDK."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kms_mock import KmsMock
from kms_mock.config import Config
from tests.support.signed_requests import SignedRequests, recorded_requests


@pytest.fixture(scope="module", params=[True, False], ids=["lane", "aiohttp"])
def with_each_lane(request: pytest.FixtureRequest) -> Iterator[KmsMock]:
    """A mock with the secret `db` that answers by its lane, and one that leaves everything to aiohttp."""
    with KmsMock([{"secrets": [{"name": "db", "value": "one"}]}], config=Config(lane=request.param)) as running:
        yield running


@pytest.fixture(scope="module")
def recorder() -> Iterator[SignedRequests]:
    """The official SDK, and the requests that it signs."""
    with recorded_requests() as found:
        yield found
