"""Small helpers of the contract tests."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_kms20160120.client import Client
from alibabacloud_tea_openapi.utils_models import OpenApiRequest, Params
from darabonba.runtime import RuntimeOptions
from Tea.exceptions import TeaException

from kms_mock import KmsMock
from kms_mock.control.calls import Call
from kms_mock.kms.errors import ErrorSpec
from tests.support.raw_http import api_version

OpenSsl = Callable[..., bytes]  # the fixture `openssl`: a command with files by name, its standard output


def outside(program: str) -> str:
    """Return a program of this machine that judges from outside, such as openssl; skip the test where there is none."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"the {program} command is not on this machine")
    return found


def run_openssl(
    folder: Path, command: str, given: bytes = b"", /, **files: bytes
) -> subprocess.CompletedProcess[bytes]:
    """Run the `openssl` command in a folder with files by name; a failure is an AssertionError."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    program = outside("openssl")
    done = subprocess.run([program, *command.split()], cwd=folder, input=given, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done


def refused(
    kms: KmsMock, spec: ErrorSpec, call: Callable[..., Any], *args: Any, message: str | None = None
) -> TeaException:
    """Make a call through the SDK that must be refused: with this status, code and text, leaving the store as it was.

    Where the text names an ARN and `message` does not tell which, any ARN will do.
    """
    before = kms.snapshot()
    with pytest.raises(TeaException) as caught:
        call(*args)
    error = caught.value
    assert (error.statusCode, error.code) == (spec.status, spec.code), error
    if message is None and "{arn}" in spec.message:
        assert re.fullmatch(spec.text({"arn": r"acs:kms:[a-z0-9-]+:\d+:\S+"}), error.data["Message"]), error
    else:
        assert error.data["Message"] == (message or spec.text({})), error
    assert kms.snapshot() == before
    return error


def tag_parameter(**tags: str) -> str:
    """Return tags as the parameter Tags takes them."""
    return json.dumps([{"TagKey": key, "TagValue": value} for key, value in tags.items()])


def call(client: Client, action: str, **parameters: str) -> dict[str, Any]:
    """Call an operation that the official SDK has no method for, through its generic call; give the answer's body."""
    params = Params(
        action=action,
        version=api_version(action),
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


def last_call(kms: KmsMock) -> Call:
    """Return the journal's entry of the last request."""
    return list(kms.calls)[-1]
