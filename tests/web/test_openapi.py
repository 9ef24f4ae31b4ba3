"""The OpenAPI description of the control API: valid, whole, and true: answers fit what it says."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from kms_mock import KmsMock
from kms_mock.server.control_api import ROUTES
from tests.support.control import SECRET_FIXTURE, control_request, exchange
from tests.support.example_documents import INSTANCE_DOCUMENT
from tests.support.secrets import put, value

BODIES: dict[tuple[str, str], Any] = {
    ("POST", "state"): {"secrets": [{"name": "more", "value": "x"}]},
    ("PUT", "state"): [{"secrets": [{"name": "more", "value": "x"}]}],
    ("PUT", "clock"): {"freeze": True, "advance": "400d"},
    ("POST", "faults"): {"operation": "ListKeys", "code": "Throttling", "times": 1},
    ("POST", "client-key"): {"password": "Passw0rd-of-the-file"},
    ("POST", "near-misses"): {"action": "ListKeys"},
    ("POST", "snippets"): {"operation": "ListKeys"},
}
RESTS = {"id": "1", "number": "1", "file": "main.js"}
JSON_ROUTES = [route for route in ROUTES if route.content_type == "application/json"]


@pytest.fixture(scope="module")
def description() -> Any:
    with KmsMock() as kms:
        return control_request(kms, "GET", "openapi.json")


def validator(description: Any, schema: Any) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": description["components"]})


def test_it_is_valid(description: Any) -> None:
    """By the specification's own schema, references included."""
    from openapi_spec_validator import validate  # noqa: PLC0415 (slow to import, and needed once)

    validate(description)
    assert description["openapi"] == "3.1.0"


def test_every_route_is_in_it(description: Any) -> None:
    """With a summary, a response, and what it refuses."""
    described = {(method.upper(), path) for path, operations in description["paths"].items() for method in operations}
    assert described == {(route.method, route.path) for route in ROUTES}
    for operations in description["paths"].values():
        for operation in operations.values():
            assert operation["summary"].endswith(".")
            assert {"200", "400", "403", "415"} <= operation["responses"].keys()


def test_events_are_described(description: Any) -> None:
    """The stream with both kinds of events, and the parameter for going on."""
    operation = description["paths"]["/_kms_mock/events"]["get"]
    schema = operation["responses"]["200"]["content"]["text/event-stream"]["schema"]
    names = {entry["$ref"].rpartition("/")[2] for entry in schema["anyOf"]}
    assert names == {"CallsEvent", "StateEvent"}
    assert [parameter["name"] for parameter in operation["parameters"]] == ["since"]


@pytest.mark.parametrize("route", JSON_ROUTES, ids=[f"{route.method} {route.path}" for route in JSON_ROUTES])
def test_answers_fit_the_description(description: Any, route: Any) -> None:
    """A real answer of each route, and the body that it takes; an answer has no field that is not described."""
    with KmsMock([SECRET_FIXTURE, {"keys": [{"id": "k"}], **INSTANCE_DOCUMENT}]) as kms:
        value(kms.client())
        put(kms.client(), "v2", "two")
        kms.fail("ListKeys", code="Throttling")
        control_request(kms, "POST", "checkpoints")
        operation = description["paths"][route.path][route.method.lower()]
        body = BODIES.get((route.method, route.name))
        assert (body is not None) == ("requestBody" in operation)
        if body is not None:
            validator(description, operation["requestBody"]["content"]["application/json"]["schema"]).validate(body)
        answer = control_request(
            kms, route.method, f"{route.name}/{RESTS[route.rest]}" if route.rest else route.name, body
        )
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    validator(description, schema).validate(answer)
    named = description["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2])
    if named is not None:
        assert answer.keys() <= named["properties"].keys()


def test_a_refusal_fits_too(description: Any) -> None:
    """One sentence."""
    schema = description["paths"]["/_kms_mock/clock"]["put"]["responses"]["400"]["content"]["application/json"][
        "schema"
    ]
    with KmsMock() as kms:
        _, _, answer = exchange(kms, "PUT", "clock", b'{"set": "x"}', Content_Type="application/json")
    validator(description, schema).validate(answer)
