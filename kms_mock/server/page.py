"""The routes of the page; a browser that opens the server's address is sent there, an API client never is.

The page is served as strictly as it can be: it loads and calls this server only, runs no script that is not one of its
files, and no other page may frame it, script it or keep a handle on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kms_mock.fixtures.reader import read_json
from kms_mock.server.routes import ControlProblem, ControlResponse, Route
from kms_mock.server.special import PREFIX
from kms_mock.web.documents import SnippetsDocument, SnippetsRequest
from kms_mock.web.files import page_files

if TYPE_CHECKING:
    from kms_mock.server.control_api import ControlApi

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
        "trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
REDIRECT = ControlResponse(302, b"", {"Location": PREFIX, "Cache-Control": "no-store"}, "text/plain")


def get_page(_api: ControlApi, _query: Mapping[str, str], _body: bytes, _rest: str) -> ControlResponse:
    """Return the page for people."""
    return _file("index.html")


def get_page_file(_api: ControlApi, _query: Mapping[str, str], _body: bytes, rest: str) -> ControlResponse:
    """Return a file of the page."""
    return _file(rest)


def _file(name: str) -> ControlResponse:
    found = page_files().get(name)
    if found is None:
        raise ControlProblem(404, f"the page has no file {name[:40]!r}")
    return ControlResponse(200, found.body, _HEADERS, found.content_type)


async def post_snippets(api: ControlApi, _query: Mapping[str, str], body: bytes, _rest: str) -> SnippetsDocument:
    """Write code for a call, in several languages, with a fixture document of the resources that it names."""
    from kms_mock.web.snippets import snippets  # noqa: PLC0415 (only the page asks for it)

    asked = read_json(body, SnippetsRequest)
    controls = api.controls
    document: Mapping[str, Any] = {}
    if asked.fixture is None:
        document = await api.state_document()
    return snippets(controls.apis, asked, document, controls.store.default_account, controls.store.default_region)


ROUTES = (
    Route("GET", "", get_page, content_type="text/html"),
    Route("GET", "page", get_page_file, rest="file", content_type="text/plain", refusals=(404,)),
    Route("POST", "snippets", post_snippets, body=SnippetsRequest, answer=SnippetsDocument, reads_only=True),
)
