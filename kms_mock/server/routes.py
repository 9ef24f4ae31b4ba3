"""The routes of the control API: what each takes and answers, by types, and how one is found.

Everything that describes the routes (the OpenAPI document, the page) is made from these declarations.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypedDict

import msgspec
from msgspec import Struct

from kms_mock.server.special import PREFIX

if TYPE_CHECKING:
    from kms_mock.server.control_api import ControlApi


class ControlResponse(Struct, frozen=True):
    """One answer of the control API; `headers` are further ones. A `stream` is sent in place of the body, piece by piece."""

    status: int
    body: bytes
    headers: Mapping[str, str] = {}
    content_type: str = "application/json"
    stream: AsyncGenerator[bytes] | None = None


class ControlProblem(Exception):  # noqa: N818 (it is an answer, not a failure)
    """A request that the control API, or a credential endpoint, refuses; `allow` are the methods of a path that lacks the one asked for."""

    def __init__(self, status: int, text: str, allow: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.allow = allow


class ErrorDocument(TypedDict):
    """What every refusal is: a sentence."""

    error: str


class Empty(TypedDict):
    """Nothing: it is done."""


class NoQuery(Struct):
    """No parameters."""


# Takes the API, the query, the body and the rest of the path; returns a response, or the document of one.
Handler = Callable[["ControlApi", Mapping[str, str], bytes, str], Any]


class Route(Struct, frozen=True):
    """One route: `name` is the first segment of its path, `rest` what the rest of the path stands for, "" for none.

    `query`, `body` and `answer` are types: `body` is None for a route without one, `answer` a tuple where it is one of
    several types, and only JSON has one. `content_type` is the answer's. `refusals` are the statuses that the route answers
    besides those of the guard. `reads_only` is for a POST that changes nothing.
    """

    method: str
    name: str
    handler: Handler
    rest: str = ""
    query: type[Struct] = NoQuery
    body: Any = None
    answer: Any = Empty
    content_type: str = "application/json"
    refusals: tuple[int, ...] = ()
    reads_only: bool = False

    @property
    def path(self) -> str:
        """The path as OpenAPI writes it."""
        return f"{PREFIX}{self.name}{f'/{{{self.rest}}}' if self.rest else ''}"


class Router:
    """Finds the route of a request."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._found = {(route.method, route.name, bool(route.rest)): route for route in self.routes}

    def find(self, method: str, path: str) -> tuple[Route, str]:
        """Return the route and the rest of its path. Raises ControlProblem. HEAD is GET without the body."""
        name, _, rest = path.removeprefix(PREFIX).partition("/")
        route = self._found.get(("GET" if method == "HEAD" else method, name, bool(rest)))
        if route is not None:
            return route, rest
        methods = [known.method for known in self.routes if known.name == name and bool(known.rest) == bool(rest)]
        if methods:
            allow = ", ".join([*methods, "HEAD"] if "GET" in methods else methods)
            raise ControlProblem(405, f"{name} takes {allow}, not {method}", allow)
        raise ControlProblem(
            404, f"the control API has {', '.join(sorted({known.name or 'the page' for known in self.routes}))}"
        )


def json_response(status: int, document: Any, headers: Mapping[str, str] | None = None) -> ControlResponse:
    """Return an answer in JSON."""
    return ControlResponse(status, msgspec.json.encode(document), headers or {})
