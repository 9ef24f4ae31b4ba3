"""The connections of one server, and what answers the requests that come in on them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from math import inf
from typing import Any, Protocol, cast

from msgspec import Struct
from msgspec.structs import replace

from kms_mock.config import Config
from kms_mock.defaults import MAX_BODY_BYTES
from kms_mock.rpc.decode import HttpRequest
from kms_mock.rpc.encode import HttpResponse
from kms_mock.server import aiohttp_web as web
from kms_mock.server.connection import Connection, check_aiohttp
from kms_mock.server.delivery import FinalResponse, ask_for_body, deliver_fault, deliver_stream, to_response
from kms_mock.server.forward import Destination, Forwarder, ForwardError, destination, not_forwarded
from kms_mock.server.hosts import Place, is_loopback, refusal_text
from kms_mock.server.outbox import Outbox
from kms_mock.server.proxy import NOT_THIS_MACHINE, ConnectRequest, Proxy
from kms_mock.server.special import SPECIAL_TARGETS, VISITED, SpecialHandlers

# Clients put a 32 KB secret into the URL, which makes a request line of 98 KB (clients.md 2.6).
_MAX_LINE = 262144


class Malformed(Protocol):
    """Answers what never became a request."""

    def __call__(self, http: HttpRequest, reason: str, *, too_large: bool = False, bug: bool = False) -> HttpResponse:
        """Return the error envelope, for a body that is too large or otherwise; `bug` when it is not the client's fault."""
        ...


class RequestHandlers(Struct, frozen=True):
    """What answers requests: those of the API, and those that are not for the API.

    `body_limit` returns how many bytes of body the API reads after a head. `is_mocked` tells public host names of the
    mocked products; `not_mocked` refuses requests for other products in words. `after_answers` does what need not be done
    before answers are written.
    """

    answer: Callable[[HttpRequest], Coroutine[Any, Any, HttpResponse]]
    malformed: Malformed
    special: SpecialHandlers
    body_limit: Callable[[HttpRequest], int]
    is_mocked: Callable[[str], bool]
    not_mocked: Callable[[HttpRequest, str], HttpResponse]
    after_answers: Callable[[], None]


class ConnectionPool(web.Server):
    """The open connections of one server, and what answers their requests."""

    def __init__(
        self, handlers: RequestHandlers, config: Config, proxy: Proxy, loop: asyncio.AbstractEventLoop
    ) -> None:
        check_aiohttp()
        super().__init__(self._handle, loop=loop)
        self.handlers = handlers
        self.config = config
        self.outbox = Outbox(loop, handlers.after_answers)
        self._proxy = proxy
        self._forwarder = Forwarder(config.header_timeout)
        self.regions: dict[int, str] = {}  # by the ports that are the endpoint of a region
        self._tasks: set[asyncio.Task[None]] = set()  # besides those of the connections

    def new_connection(self, since: float, tunnel: ConnectRequest | None) -> Connection:
        """Return the protocol of a connection; see `Connection`."""
        return Connection(
            self,
            since,
            tunnel,
            loop=asyncio.get_running_loop(),
            max_line_size=_MAX_LINE,
            max_field_size=_MAX_LINE,
            keepalive_timeout=inf,  # Connection ends idle ones itself
            access_log=None,
            auto_decompress=False,  # no client compresses; a compressed body is no form
        )

    def run_task(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine until it is done, or the server stops."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def enforce_timeouts(self, now: float) -> None:
        """End connections that are too slow; `now` is the loop's time."""
        for connection in self._tracked():
            connection.enforce_timeouts(now)

    def close_kept(self) -> int:
        """End all connections that wait for another request; return how many connections there are."""
        self.outbox.flush()
        connections = self._tracked()
        for connection in connections:
            connection.close_kept()
        return len(connections)

    def descriptors(self) -> list[int]:
        """Return the file descriptors of all open connections."""
        transports = [connection.open_transport for connection in self._tracked()]
        return [transport.get_extra_info("socket").fileno() for transport in transports if transport is not None]

    async def stop(self) -> None:
        """Cancel all running requests and close all connections at once."""
        self.outbox.flush()
        connections = self._tracked()
        for connection in connections:
            connection.end_now()
        for task in self._tasks:
            task.cancel()
        tasks = [*self._tasks, *(connection.handler_task for connection in connections)]
        if waiting := [task for task in tasks if task is not None]:
            await asyncio.wait(waiting)
        await self._forwarder.stop()
        if connections:
            await asyncio.sleep(0)  # asyncio closes the sockets in its next step

    def _tracked(self) -> list[Connection]:
        """Return the connections that are open or still answering: aiohttp keeps those until their task is done."""
        return cast("list[Connection]", self.connections)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request in aiohttp's task."""
        connection: Any = request.protocol  # aiohttp declares its own class; new_connection makes ours
        deadline = connection.begin_request(request.content)
        response: web.StreamResponse | None = None
        answer = connection.take_begun()
        if answer is None:
            http, response = await self._read(request, connection, deadline)
            answer = None if response is not None else self.handlers.answer(http)
        if response is None:
            answer = answer if isinstance(answer, HttpResponse) else await answer
            response = await deliver_fault(answer, request) if answer.delivery else to_response(answer)
        connection.end_request(response)
        self.outbox.flush()
        return response

    async def _read(
        self, request: web.BaseRequest, connection: Connection, deadline: float
    ) -> tuple[HttpRequest, web.StreamResponse | None]:
        """Return a whole request; the response too if that is not the API's to answer."""
        target, headers = request.raw_path, request.headers
        http = HttpRequest(request.method, target, headers, b"", connection.peer, connection.is_tls, connection.region)
        if connection.tunnel is not None or not target.startswith("/"):
            http, response = await self._unwrap(request, http, connection)
            if response is not None:
                return http, response
        if request.can_read_body or http.target.startswith(SPECIAL_TARGETS) or http.target in VISITED:
            return await self._receive(request, http, connection, deadline)
        return http, None

    async def _unwrap(
        self, request: web.BaseRequest, http: HttpRequest, connection: Connection
    ) -> tuple[HttpRequest, web.StreamResponse | None]:
        """Return a request that came through the proxy as its destination sees it; the response too if that is not here."""
        wanted = destination(self._proxy.hosts, connection.tunnel, http.target, http.headers)
        if wanted is None:
            return http, None
        region = self.regions.get(wanted.port) if wanted.port in self._proxy.hosts.ports else http.listener_region
        http = replace(http, target=wanted.target, headers=wanted.headers, listener_region=region)
        return http, await self._send_elsewhere(request, http, wanted, connection)

    async def _receive(
        self, request: web.BaseRequest, http: HttpRequest, connection: Connection, deadline: float
    ) -> tuple[HttpRequest, web.StreamResponse | None]:
        """Return a request with its body; the response too if that is not the API's to answer."""
        special = self.handlers.special.find(http)
        if request.can_read_body:
            limit = self.handlers.body_limit(http) if special is None else special.body_limit(http)
            body, problem, too_large = await _read_body(request, deadline, limit)
            if problem:
                refusal = (
                    self.handlers.malformed(http, problem, too_large=too_large)
                    if special is None
                    else special.unreadable(problem)
                )
                return http, FinalResponse(refusal, connection.close_gently)
            http = replace(http, body=body)
        if special is None:
            return http, None
        self.outbox.flush()  # no answer waits for what may take long
        result = await special.answer(http)
        if result.stream is not None:
            return http, await deliver_stream(result.stream, result.content_type, result.headers, request)
        return http, web.Response(
            status=result.status, body=result.body, content_type=result.content_type, headers=result.headers
        )

    async def _send_elsewhere(
        self, request: web.BaseRequest, http: HttpRequest, wanted: Destination, connection: Connection
    ) -> web.StreamResponse | None:
        """Answer a request that came through the proxy and is not answered here; None when it is."""
        if wanted.place is Place.HERE:
            return None
        if wanted.place is Place.REFUSED:
            refusal = self.handlers.not_mocked(http, refusal_text(wanted.host))
            return FinalResponse(refusal, connection.close_gently)
        if not self._proxy.serves(http.peer):
            return not_forwarded(403, NOT_THIS_MACHINE)
        try:
            return await self._forwarder.forward(request)
        except ForwardError as error:
            if error.is_refused and is_loopback(wanted.host):
                return None  # nobody listens there: this server, whose port something maps to another one
            return not_forwarded(502, f"kms-mock cannot reach {wanted.host}:{wanted.port}: {error}")


async def _read_body(request: web.BaseRequest, deadline: float, limit: int) -> tuple[bytes, str, bool]:
    """Return the body, what is wrong with it in words ("" if nothing is), and whether it has more than `limit` bytes."""
    try:
        async with asyncio.timeout_at(deadline):
            await ask_for_body(request)
            if limit != MAX_BODY_BYTES:  # aiohttp's own limit
                request = request.clone(client_max_size=limit)
            return await request.read(), "", False
    except TimeoutError:
        return b"", "The body took too long to arrive.", False
    except web.HTTPRequestEntityTooLarge:
        return b"", f"The body has more than {limit} bytes.", True
    except Exception as error:  # noqa: BLE001 (a broken chunk, a lost connection: whatever aiohttp raises for it)
        return b"", f"The body is malformed ({type(error).__name__}).", False
