"""HTTP as bytes on a socket: what a client library would hide, or could not send."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

from kms_mock import KmsMock
from kms_mock.products import APIS
from kms_mock.rpc.api import find_operation

VERSION = "2016-01-20"
JSON_TYPE = "application/json;charset=utf-8"
XML_TYPE = "text/xml;charset=utf-8"
FORM = "application/x-www-form-urlencoded"

Pairs = Mapping[str, str]


def api_version(action: str) -> str:
    """Return the version of the API that has an operation; KMS's for a name that none has."""
    found = find_operation(APIS, action)
    return VERSION if found is None else found.api.version


@dataclass
class Answer:
    """One HTTP answer; header names in lower case."""

    version: str
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def tree(self) -> dict[str, Any]:
        """The body, read as its Content-Type says; checked to be the API's: a dict with the RequestId of the header."""
        kind = self.headers["content-type"]
        if kind == XML_TYPE:
            root = ET.fromstring(self.body)  # noqa: S314 (this server's own answer)
            assert root.tag == "KMS"
            tree = {child.tag: child.text for child in root}
        else:
            assert kind == JSON_TYPE
            tree = json.loads(self.body)
        assert tree["RequestId"] == self.headers["x-acs-request-id"]
        return tree

    @property
    def refusal(self) -> tuple[int, str, str]:
        """Status, code and text of a refusal, checked to be the whole envelope and nothing else (design.md 6)."""
        tree = self.tree
        assert list(tree) == ["HttpStatus", "Code", "Message", "RequestId"]
        assert str(tree["HttpStatus"]) == str(self.status)
        assert all(isinstance(tree[name], str) and tree[name] for name in ("Code", "Message", "RequestId"))
        return self.status, tree["Code"], tree["Message"]


class Wire:
    """One connection to a mock."""

    def __init__(self, kms: KmsMock, timeout: float = 5.0) -> None:
        self.socket = socket.create_connection((kms.config.host, kms.port), timeout)
        self.buffer = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(self, data: bytes) -> Self:
        self.socket.sendall(data)
        return self

    def _more(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise EOFError(self.buffer)
        self.buffer += data

    def _until(self, mark: bytes) -> bytes:
        while mark not in self.buffer:
            self._more()
        head, _, self.buffer = self.buffer.partition(mark)
        return head

    def receive(self, *, head_only: bool = False) -> Answer:
        """Read one answer. Raises EOFError when the server closes instead."""
        lines = self._until(b"\r\n\r\n").decode("ascii").split("\r\n")
        version, status, _ = lines[0].split(" ", 2)
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        length = 0 if head_only or status == "100" else int(headers["content-length"])
        while len(self.buffer) < length:
            self._more()
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return Answer(version, int(status), headers, body)

    def closed(self) -> bool:
        """Return whether the server has closed the connection, without a byte more, within the timeout."""
        assert self.buffer == b""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False


def http(
    method: str = "GET",
    query: Pairs | str = "",
    *,
    path: str = "/",
    form: Pairs | None = None,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    host: str = "127.0.0.1",
) -> bytes:
    """Write one request. A form sets Content-Type; a body sets only Content-Length; headers given here win."""
    text = query if isinstance(query, str) else urlencode(query)
    fields = {"Host": host}
    if form is not None:
        body = urlencode(form).encode()
        fields["Content-Type"] = FORM
    if body or form is not None:
        fields["Content-Length"] = str(len(body))
    fields |= headers or {}
    lines = [
        f"{method} {path}{'?' if text else ''}{text} HTTP/1.1",
        *(f"{name}: {value}" for name, value in fields.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def request_parameters(action: str, **parameters: str) -> dict[str, str]:
    """Return an operation's parameters with the two system parameters that name it."""
    return {
        "Action": action,
        "Version": VERSION,
        **{name.replace("__", "."): value for name, value in parameters.items()},
    }


def ask(kms: KmsMock, request: bytes) -> Answer:
    """Send one request on a connection of its own and read the answer."""
    with Wire(kms) as wire:
        return wire.send(request).receive()
