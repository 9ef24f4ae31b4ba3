"""A pytest test that makes the same call and asserts what it was answered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kms_mock.control.calls import MASK
from kms_mock.web.snippets import python_v2
from kms_mock.web.snippets.call import WrittenCall, snake_case
from kms_mock.web.snippets.literals import block, double_quoted, python

TITLE = "pytest"
_SDK_IMPORTS = """\
import pytest
from alibabacloud_kms20160120 import models
"""
_URLLIB_IMPORTS = """\
import json
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
"""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT")


def write(call: WrittenCall) -> str:
    """Return a test file."""
    region = "" if call.region is None else f", region={double_quoted(call.region)}"
    return (
        f"{_SDK_IMPORTS if call.in_v2 else _URLLIB_IMPORTS}\nFIXTURE = {python(dict(call.fixture))}\n\n\n"
        f"@pytest.mark.kms_mock(fixture=FIXTURE{region})\n"
        f"def test_{snake_case(call.name)}(kms_mock):\n"
        f"{block(_with_sdk(call) if call.in_v2 else _with_urllib(call), 4)}"
    )


def _with_sdk(call: WrittenCall) -> Iterator[str]:
    yield f"client = kms_mock.client(access_key_id={double_quoted(call.access_key_id)})"
    yield from python_v2.request(call).splitlines()
    send = f"client.{snake_case(call.name)}(request)"
    if _code(call):
        yield "with pytest.raises(Exception) as caught:"
        yield f"    {send}"
        yield f"assert caught.value.code == {double_quoted(_code(call))}"
    else:
        yield f"answer = {send}.body.to_map()"
    yield from _assertions(call)


def _with_urllib(call: WrittenCall) -> Iterator[str]:
    """Yield lines without an SDK, for what the SDK does not have."""
    parameters = {
        "Action": call.name,
        "Version": call.api.version,
        "AccessKeyId": call.access_key_id,
        **dict(call.wire),
    }
    yield from f"parameters = {python(parameters)}".splitlines()
    send = 'urlopen(f"{kms_mock.url}/?{urlencode(parameters)}")'
    if _code(call):
        yield "with pytest.raises(HTTPError) as caught:"
        yield f"    {send}"
        yield f'assert json.load(caught.value)["Code"] == {double_quoted(_code(call))}'
    else:
        yield f"with {send} as response:"
        yield "    answer = json.load(response)"
    yield from _assertions(call)


def _assertions(call: WrittenCall) -> Iterator[str]:
    if call.answer is None:
        yield 'assert answer["RequestId"]'
        return
    if not _code(call):
        for name, value in call.answer.document.items():
            if name != "RequestId":
                yield from _about(call, name, value)
    yield f"kms_mock.calls.assert_called({double_quoted(call.name)}, code={double_quoted(_code(call))}, times=1)"


def _about(call: WrittenCall, name: str, value: Any) -> Iterator[str]:
    """Yield an assertion on a field: its value where that is the same in every run, else that it is there."""
    field = f"answer[{double_quoted(name)}]"
    if isinstance(value, bool):
        yield f"assert {field} is {value}"
    elif isinstance(value, int):
        yield f"assert {field} == {value}"
    elif isinstance(value, str) and value != MASK and _is_known(call, value):
        yield f"assert {field} == {double_quoted(value)}"
    elif value:
        yield f"assert {field}"


def _is_known(call: WrittenCall, value: str) -> bool:
    """Return whether a value comes from the request or the fixture, and not from the moment or from chance."""
    return value not in ("", MASK) and not _TIME.match(value) and value in set(_texts([dict(call.wire), call.fixture]))


def _texts(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for item in tree.values():
            yield from _texts(item)
    elif isinstance(tree, list):
        for item in tree:
            yield from _texts(item)


def _code(call: WrittenCall) -> str:
    """Return the error's code, "" for a success or where there is no answer yet."""
    if call.answer is None or call.answer.status < 400:  # noqa: PLR2004 (HTTP's border)
        return ""
    return str(call.answer.document.get("Code") or "")
