"""Helpers of the tests on the test author's tools: the control API over plain HTTP, and short set-ups."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import Any

from alibabacloud_kms20160120.client import Client
from Tea.exceptions import TeaException

from kms_mock import KmsMock
from tests.support.secrets import sdk

SECRET_FIXTURE = {"secrets": [{"name": "db", "value": "hunter2hunter2"}]}


def exchange(
    kms: KmsMock, method: str, path: str, body: bytes | None = None, **headers: str | None
) -> tuple[int, dict[str, str], Any]:
    """Send one control request with exactly these headers (`_` stands for `-`); give status, headers, document."""
    connection = HTTPConnection(kms.config.host, kms.port, timeout=10)
    given = {"Host": kms.endpoint, **{name.replace("_", "-"): value for name, value in headers.items()}}
    connection.putrequest(method, f"/_kms_mock/{path}", skip_host=True, skip_accept_encoding=True)
    for name, value in given.items():
        if value is not None:
            connection.putheader(name, value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    told = {name.lower(): value for name, value in answer.getheaders()}
    return answer.status, told, json.loads(text)


def control_request(kms: KmsMock, method: str, path: str, document: Any = None) -> Any:
    """Use the control API as a well-meaning client; give the document of a 200."""
    kind = None if document is None else "application/json"
    body = None if document is None else json.dumps(document).encode()
    status, _, answer = exchange(kms, method, path, body, Content_Type=kind)
    assert status == 200, answer
    return answer


RAW_GET = b"GET /?Action=GetSecretValue&Version=2016-01-20&SecretName=db HTTP/1.1\r\nHost: x\r\n\r\n"


def refusal_code(client: Client, operation: str, **fields: Any) -> str:
    """Call an operation; return the error's code, "" for a success."""
    try:
        sdk(client, operation, **fields)
    except TeaException as error:
        return str(error.code)
    return ""


def codes(client: Client, count: int, name: str = "db") -> list[str]:
    """Read a secret several times; return what each got."""
    return [refusal_code(client, "GetSecretValue", secret_name=name) for _ in range(count)]


FOREIGN_ORIGIN = "https://evil.example"
