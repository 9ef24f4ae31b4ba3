"""Requests of an operation, made in process from its example: as GET, as a form, split between both."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from multidict import CIMultiDict

from kms_mock import KmsMock
from kms_mock.kms.errors import ErrorSpec
from kms_mock.rpc.binding import Parameter
from kms_mock.rpc.decode import HttpRequest
from kms_mock.rpc.encode import HttpResponse
from tests.support.examples import EXAMPLES
from tests.support.raw_http import api_version
from tests.support.registry import (
    Operation,
)

_NOW = "2026-01-31T08:00:00Z"
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
Parameters = Mapping[str, str]


def as_get(action: str, parameters: Parameters) -> HttpRequest:
    query = urlencode({**parameters, "Action": action, "Version": api_version(action)})
    return HttpRequest("GET", f"/?{query}", CIMultiDict())


def as_form(action: str, parameters: Parameters) -> HttpRequest:
    body = urlencode({**parameters, "Action": action, "Version": api_version(action)}).encode()
    return HttpRequest("POST", "/", CIMultiDict(_FORM), body)


def as_split(action: str, parameters: Parameters) -> HttpRequest:
    headers = CIMultiDict({**_FORM, "x-acs-action": action, "x-acs-version": api_version(action)})
    half = len(parameters) // 2
    query, form = dict(list(parameters.items())[:half]), dict(list(parameters.items())[half:])
    return HttpRequest("POST", f"/?{urlencode(query)}", headers, urlencode(form).encode())


class Asked:
    """A mock that repeats byte for byte, its clock standing still, with the fixture of an operation's example."""

    def __init__(self, operation: Operation, seed: int | None = 1) -> None:
        self.operation = operation
        self.kms = KmsMock(seed=seed)
        self.kms.clock.freeze()
        self.kms.clock.set(_NOW)
        self.kms.load(EXAMPLES[operation.name].fixture)
        self.parameters = EXAMPLES[operation.name].parameters(self.call)

    def call(self, action: str, **parameters: str) -> dict[str, Any]:
        answer = self.send(as_form(action, parameters))
        tree: dict[str, Any] = json.loads(answer.body)
        assert answer.status == 200, (action, tree, answer.reason)
        return tree

    def send(self, request: HttpRequest) -> HttpResponse:
        return asyncio.run(self.kms.gateway.answer(request))

    def ask(self, parameters: Parameters | None = None, **more: str) -> HttpResponse:
        """Send the operation with these parameters instead of the example's."""
        chosen = self.parameters if parameters is None else parameters
        return self.send(as_form(self.operation.name, {**chosen, **more}))

    def refused(self, spec: ErrorSpec, parameters: Parameters, name: str) -> None:
        """The request is refused in the operation's own words for this error, and the store stays as it was."""
        before = self.kms.snapshot()
        answer = self.ask(parameters)
        tree = json.loads(answer.body)
        own = self.operation.reworded(spec("", name=name))
        problem = (self.operation.name, name, sorted(parameters.items()), answer.reason)
        assert answer.status == own.spec.status, problem
        assert (tree.get("Code"), tree.get("Message")) == (own.spec.code, own.message), problem
        assert self.kms.snapshot() == before, problem


def without(parameters: Parameters, parameter: Parameter) -> dict[str, str]:
    """Drop a parameter, also when it is flattened."""
    return {
        name: value
        for name, value in parameters.items()
        if name != parameter.name and not (parameter.flattened and parameter.flattened.fullmatch(name))
    }
