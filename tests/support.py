"""Small helpers of the contract tests."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client
from alibabacloud_tea_openapi.utils_models import OpenApiRequest, Params
from darabonba.runtime import RuntimeOptions
from Tea.exceptions import TeaException

from kms_mock import KmsMock
from kms_mock.errors import ErrorSpec

OpenSsl = Callable[..., bytes]  # the fixture `openssl`: a command with files by name, its standard output


def outside(program: str) -> str:
    """Give a program of this machine that judges from outside, such as openssl; skip the test where there is none."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"the {program} command is not on this machine")
    return found


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


def call(client: Client, action: str, **parameters: str) -> dict[str, Any]:
    """Call an operation that the official SDK has no method for, through its generic call; give the answer's body."""
    params = Params(
        action=action,
        version="2016-01-20",
        protocol="HTTP",
        pathname="/",
        method="POST",
        auth_type="AK",
        style="RPC",
        req_body_type="formData",
        body_type="json",
    )
    answer = client.call_api(params, OpenApiRequest(query=parameters), RuntimeOptions())
    body: dict[str, Any] = answer["body"]
    return body
