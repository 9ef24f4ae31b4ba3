"""A local server that stands in for Alibaba Cloud KMS and Secrets Manager in tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kms_mock.fixtures import FixtureError
    from kms_mock.mock import KmsMock
    from kms_mock.reach.decorator import mock_kms
    from kms_mock.store.errors import StateError

__all__ = ["FixtureError", "KmsMock", "StateError", "mock_kms"]


def __getattr__(name: str) -> Any:
    # Imported when asked for: pytest imports this package for its plugin in every run, whether a test needs it or not.
    if name == "KmsMock":
        from kms_mock.mock import KmsMock  # noqa: PLC0415

        return KmsMock
    if name == "FixtureError":
        from kms_mock.fixtures import FixtureError  # noqa: PLC0415

        return FixtureError
    if name == "StateError":
        from kms_mock.store.errors import StateError  # noqa: PLC0415

        return StateError
    if name == "mock_kms":
        from kms_mock.reach.decorator import mock_kms  # noqa: PLC0415

        return mock_kms
    raise AttributeError(f"module 'kms_mock' has no attribute {name!r}")
