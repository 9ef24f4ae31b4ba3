"""Small helpers of the contract tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from Tea.exceptions import TeaException

from kms_mock import KmsMock
from kms_mock.errors import ErrorSpec


def refused(
    kms: KmsMock, spec: ErrorSpec, call: Callable[..., Any], *args: Any, message: str | None = None
) -> TeaException:
    """Make a call through the SDK that must be refused: with this status, code and text, leaving the store as it was."""
    before = kms.snapshot()
    with pytest.raises(TeaException) as caught:
        call(*args)
    error = caught.value
    assert (error.statusCode, error.code) == (spec.status, spec.code), error
    assert error.data["Message"] == (message or spec.text({})), error
    assert kms.snapshot() == before
    return error
