"""Requests that are not for the API: which these are, and what answers them, imported and made with the first of them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

from kms_mock.config import Config
from kms_mock.control.controls import Controls
from kms_mock.rpc.cached import cached
from kms_mock.rpc.decode import HttpRequest
from kms_mock.rpc.encode import HttpResponse
from kms_mock.server.certificates import Certificates
from kms_mock.server.hosts import METADATA_HOST

if TYPE_CHECKING:
    from kms_mock.server.control_api import ControlApi
    from kms_mock.server.credential_endpoints import CredentialEndpoints
    from kms_mock.server.routes import ControlResponse

PREFIX: Final = "/_kms_mock/"
SPECIAL_TARGETS: Final = (PREFIX, "/latest/", f"http://{METADATA_HOST}/")
VISITED: Final = frozenset({"/", PREFIX.rstrip("/")})
_API_HEADERS: Final = ("Authorization", "x-acs-action", "x-acs-version")


class SpecialHandler(Protocol):
    """Answers requests that are not for the API."""

    def answer(self, http: HttpRequest) -> Coroutine[Any, Any, ControlResponse]:
        """Return the answer; never raises for what a client sent."""

    def body_limit(self, http: HttpRequest) -> int:
        """Return how many bytes of body to read after the head of a request."""

    def unreadable(self, problem: str) -> HttpResponse:
        """Return the last answer on a connection, to a request whose body could not be read."""


class SpecialHandlers:
    """The control API and the credential endpoints of one server; most runs need neither."""

    def __init__(
        self, controls: Controls, config: Config, certificates: Certificates, guard: Callable[[HttpRequest], str]
    ) -> None:
        self._controls = controls
        self._config = config
        self._certificates = certificates
        self._guard = guard

    @cached
    def _control(self) -> ControlApi:
        from kms_mock.server.control_api import ControlApi  # noqa: PLC0415 (see the class)

        return ControlApi(self._controls, self._config, self._certificates)

    @cached
    def _endpoints(self) -> CredentialEndpoints:
        from kms_mock.server.credential_endpoints import CredentialEndpoints  # noqa: PLC0415 (see the class)

        return CredentialEndpoints(self._controls.store, self._guard, self._controls.commit)

    def find(self, http: HttpRequest) -> SpecialHandler | None:
        """Return what answers a request, by its head; None when it is for the API."""
        if http.target.startswith(SPECIAL_TARGETS) and is_special(http):
            return self._endpoints if self._endpoints.answers(http) else self._control
        return self._control if is_visit(http) else None


def is_special(http: HttpRequest) -> bool:
    """Return whether a request is no API request: one below `/_kms_mock/`, or one to the metadata address."""
    return http.target.startswith(PREFIX) or is_metadata(http)


def is_metadata(http: HttpRequest) -> bool:
    """Return whether a request is one to the metadata address of ECS."""
    target = http.target
    if target.startswith("http://"):
        return urlsplit(target).hostname == METADATA_HOST
    return target.startswith("/latest/") and http.headers.get("Host", "").partition(":")[0] == METADATA_HOST


def is_visit(http: HttpRequest) -> bool:
    """Return whether a browser opens the address of the server: it asks for HTML, and nothing of the API."""
    return (
        http.target in VISITED
        and http.method in ("GET", "HEAD")
        and "text/html" in http.headers.get("Accept", "")
        and not any(name in http.headers for name in _API_HEADERS)
    )
