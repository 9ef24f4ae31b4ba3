"""The endpoint that the V1 SDK (aliyun-python-sdk-core) keeps for all clients of a process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kms_mock.mock import KmsMock


@contextmanager
def v1_endpoint(mock: KmsMock) -> Iterator[None]:
    """Send the V1 clients of this process to a mock for the mock's region; they find the former endpoint afterwards."""
    from aliyunsdkcore.endpoint.default_endpoint_resolver import DefaultEndpointResolver  # noqa: PLC0415 (not ours)

    resolver = DefaultEndpointResolver.predefined_endpoint_resolver
    former = dict(resolver.endpoints_data)
    resolver.put_endpoint_entry(mock.config.default_region, "Kms", mock.url)
    try:
        yield
    finally:
        resolver.endpoints_data = former
