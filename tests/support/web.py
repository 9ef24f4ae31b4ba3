"""Helpers of the tests of the page: requests as a browser makes them, events, code for calls."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any, Self

from kms_mock import KmsMock
from kms_mock.control.catalogue import form_field
from tests.support.control import control_request
from tests.support.registry import REGISTRY

HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@dataclass(frozen=True)
class Response:
    """What a server answered; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


def request_path(kms: KmsMock, path: str, method: str = "GET", **headers: str) -> Response:
    """Send one request with exactly these headers (`_` stands for `-`) and a Host that fits."""
    connection = HTTPConnection(kms.config.host, kms.port, timeout=10)
    given = {"Host": kms.endpoint, **{name.replace("_", "-"): value for name, value in headers.items()}}
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in given.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return Response(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)


class EventStream:
    """An open stream of events."""

    def __init__(self, kms: KmsMock, query: str = "", **headers: str) -> None:
        self._connection = HTTPConnection(kms.config.host, kms.port, timeout=10)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request("GET", f"/_kms_mock/events{query}", headers=given)
        self.response = self._connection.getresponse()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.response.close()
        self._connection.close()

    def lines(self) -> Iterator[str]:
        """Yield lines until the stream ends."""
        while line := self.response.readline():
            yield line.decode().rstrip("\n")

    def next_event(self, kind: str) -> dict[str, Any]:
        """Return the next event of this kind; others are passed over."""
        name = ""
        for line in self.lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: ") and name == kind:
                found: dict[str, Any] = json.loads(line.removeprefix("data: "))
                return found
        raise AssertionError(f"the stream ended without an event {kind}")


def form_values(operation: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """Return parameters as the page's form has them: flattened lists and objects as JSON."""
    fields = {parameter.name: form_field(parameter)["kind"] for parameter in REGISTRY[operation].parameters}
    values: dict[str, str] = {}
    trees: dict[str, Any] = {}
    for name, value in parameters.items():
        root, _, rest = name.partition(".")
        if name in fields or fields.get(root) not in ("list", "object"):
            values[name] = value
        elif fields[root] == "object":
            trees.setdefault(root, {})[rest] = value
        else:
            number, _, key = rest.partition(".")
            entries = trees.setdefault(root, {})
            if key:
                entries.setdefault(number, {})[key] = value
            else:
                entries[number] = value
    for root, tree in trees.items():
        values[root] = json.dumps(tree if fields[root] == "object" else list(tree.values()))
    return values


def snippets_of(kms: KmsMock, operation: str, parameters: Mapping[str, str], **more: Any) -> dict[str, Any]:
    """Ask for the code of a call; return the whole answer, the code by language under `code`."""
    body = {"operation": operation, "parameters": dict(parameters), "endpoint": kms.endpoint, **more}
    answer: dict[str, Any] = control_request(kms, "POST", "snippets", body)
    return {**answer, "code": {snippet["language"]: snippet["code"] for snippet in answer["snippets"]}}
