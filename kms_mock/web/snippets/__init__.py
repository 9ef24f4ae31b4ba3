"""Code for one call in the languages of its users: one module with one template per language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from kms_mock.rpc.api import Api
from kms_mock.web.documents import Snippet, SnippetsDocument, SnippetsRequest
from kms_mock.web.snippets import (
    cli,
    curl,
    dotnet,
    go_v2,
    java_v1,
    java_v2,
    node,
    php,
    pytest_test,
    python_v1,
    python_v2,
    terraform,
)
from kms_mock.web.snippets.call import WrittenCall, written_call
from kms_mock.web.snippets.fixture import fixture_of


class _Language(NamedTuple):
    """A language of the snippets. `needs` is what has to be installed; `write` returns "" where it has no code for a call.

    `is_typed` is for the V2 SDKs: clients of one product, which send no region.
    """

    id: str
    title: str
    write: Callable[[WrittenCall], str]
    needs: str
    is_typed: bool = False


_PYTHON = "pip install alibabacloud-kms20160120"
_LANGUAGES = (
    _Language("python", python_v2.TITLE, python_v2.write, _PYTHON, is_typed=True),
    _Language("python-async", f"{python_v2.TITLE}, async", python_v2.write_async, _PYTHON, is_typed=True),
    _Language("python-v1", python_v1.TITLE, python_v1.write, "pip install aliyun-python-sdk-core"),
    _Language("pytest", pytest_test.TITLE, pytest_test.write, "pip install 'kms-mock[sdk]' pytest"),
    _Language("go", go_v2.TITLE, go_v2.write, "go get github.com/alibabacloud-go/kms-20160120/v3", is_typed=True),
    _Language("java", java_v2.TITLE, java_v2.write, "com.aliyun:kms20160120", is_typed=True),
    _Language("java-v1", java_v1.TITLE, java_v1.write, "com.aliyun:aliyun-java-sdk-core"),
    _Language("node", node.TITLE, node.write, "npm install @alicloud/pop-core"),
    _Language("php", php.TITLE, php.write, "composer require alibabacloud/kms-20160120", is_typed=True),
    _Language("dotnet", dotnet.TITLE, dotnet.write, "dotnet add package AlibabaCloud.SDK.Kms20160120", is_typed=True),
    _Language("cli", cli.TITLE, cli.write, "aliyun, the command line of Alibaba Cloud"),
    _Language("terraform", terraform.TITLE, terraform.write, "provider aliyun/alicloud"),
    _Language("curl", curl.TITLE, curl.write, "curl"),
)


def snippets(
    apis: Iterable[Api], asked: SnippetsRequest, document: Mapping[str, Any], account: str, region: str
) -> SnippetsDocument:
    """Write the code. `document` is a snapshot; `account` and `region` are the server's. Raises ValueError as `written_call`."""
    other_region = asked.region if asked.region not in (None, "", region) else None
    call = written_call(apis, asked, other_region, region, asked.fixture or {})
    if asked.fixture is None:
        owner = _owner(document, asked.access_key_id, account)
        found = fixture_of(document, call.operation, dict(call.wire), owner, other_region or region)
        call = written_call(apis, asked, other_region, region, found)
    return {
        "snippets": [_snippet(call, language) for language in _LANGUAGES],
        "fixture": dict(call.fixture),
    }


def _snippet(call: WrittenCall, language: _Language) -> Snippet:
    code, note = "", language.needs
    if language.is_typed and not call.in_v2:
        note = "This SDK does not have the operation: take V1, curl or the command line."
    else:
        code = language.write(call)
        if not code:
            note = "No resource of the provider stands for this operation."
        elif language.is_typed and call.region is not None:
            note = f"{language.needs}. This client sends no region: point it at the endpoint of {call.region}."
    return {"language": language.id, "title": language.title, "code": code, "note": note}


def _owner(document: Mapping[str, Any], access_key_id: str, account: str) -> str:
    """Return the account of an AccessKey id, the server's own for an unknown one."""
    for entry in document.get("accounts", ()):
        if any(access_key["id"] == access_key_id for access_key in entry.get("access_keys", ())):
            return str(entry["id"])
    return account
