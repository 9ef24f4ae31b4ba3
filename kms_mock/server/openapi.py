"""The OpenAPI 3.1 description of the control API, made from the types that its routes declare."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, get_origin

import msgspec

from kms_mock.server.routes import Empty, ErrorDocument, Route
from kms_mock.version import VERSION

if TYPE_CHECKING:
    from kms_mock.server.control_api import ControlApi

# What every route may refuse, or its guard: a wrong query or body, a page of another origin, a body that is not JSON.
_REFUSALS = (400, 403, 415)


def describe_routes(routes: Iterable[Route], version: str) -> dict[str, Any]:
    """Return the OpenAPI document of routes."""
    from kms_mock.fixtures.json_schema import portable  # noqa: PLC0415 (reads sources, and few ask)

    routes = tuple(routes)
    types = [found for route in routes for found in (route.body, *_answers(route)) if found is not None]
    types += [ErrorDocument]
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    schema_of = {id(found): schema for found, schema in zip(types, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schema_of)
    found: dict[str, Any] = portable(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "The control API of kms-mock",
                "version": version,
                "description": "Inspects and steers a running server. It answers only to this machine unless the server "
                "was told otherwise, and never to web pages of other origins. Secrets are masked.",
            },
            "paths": paths,
            "components": {"schemas": components},
        }
    )
    return found


def _operation(route: Route, schema_of: Mapping[int, Any]) -> dict[str, Any]:
    summary, _, description = inspect.cleandoc(route.handler.__doc__ or "").partition("\n\n")
    described: dict[str, Any] = {
        "operationId": _operation_id(route),
        "summary": " ".join(summary.split()),
        "responses": {"200": _response(route, schema_of), **_refusals(route, schema_of)},
    }
    if description:
        described["description"] = description
    if parameters := [*_path_parameters(route), *_query_parameters(route)]:
        described["parameters"] = parameters
    if route.body is not None:
        content = {"application/json": {"schema": schema_of[id(route.body)]}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _operation_id(route: Route) -> str:
    parts = (route.method.lower(), route.name or "page", *([f"of_{route.rest}"] if route.rest else []))
    return re.sub(r"\W", "_", "_".join(parts))


def _response(route: Route, schema_of: Mapping[int, Any]) -> dict[str, Any]:
    answers = [schema_of[id(found)] for found in _answers(route)]
    if route.answer is Empty and route.content_type != "application/json":
        answers = [{"type": "string"}]
    schema = answers[0] if len(answers) == 1 else {"anyOf": answers}
    return {"description": _documented(route), "content": {route.content_type: {"schema": schema}}}


def _answers(route: Route) -> tuple[Any, ...]:
    return route.answer if isinstance(route.answer, tuple) else (route.answer,)


def _documented(route: Route) -> str:
    kinds = [kind for kind in _answers(route) if isinstance(kind, type) and get_origin(kind) is None]
    texts = [" ".join((inspect.getdoc(kind) or "").split()) for kind in kinds if kind is not Empty]
    return " ".join(texts) or "It is done, or what was asked for follows."


def _refusals(route: Route, schema_of: Mapping[int, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": schema_of[id(ErrorDocument)]}}
    return {
        str(status): {"description": HTTPStatus(status).phrase, "content": content}
        for status in sorted({*_REFUSALS, *route.refusals})
    }


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    if not route.rest:
        return []
    return [{"name": route.rest, "in": "path", "required": True, "schema": {"type": "string"}}]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    described = msgspec.json.schema(route.query)
    (schema,) = described["$defs"].values()
    return [
        {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": field}
        for name, field in schema["properties"].items()
    ]


def get_openapi(api: ControlApi, _query: Mapping[str, str], _body: bytes, _rest: str) -> Any:
    """Return this description."""
    return describe_routes(api.router.routes, VERSION)


ROUTES = (Route("GET", "openapi.json", get_openapi, answer=dict[str, Any]),)
