"""What tests of the wire share: a mock with the secret `db`, with each of the ways to answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kms_mock import KmsMock
from kms_mock.config import Config


@pytest.fixture(scope="module", params=[True, False], ids=["lane", "aiohttp"])
def with_each_lane(request: pytest.FixtureRequest) -> Iterator[KmsMock]:
    """A mock that answers by its lane, and one that leaves everything to aiohttp."""
    with KmsMock([{"secrets": [{"name": "db", "value": "one"}]}], config=Config(lane=request.param)) as running:
        yield running
