"""One HTTP connection. The only module that uses private attributes of aiohttp, each behind a named property.

aiohttp offers no public way to see that a request has begun to arrive, to answer unparsable input in one's own words,
or to cancel a request at once. `check_aiohttp` tells at start-up when a release lacks what is used here, and
pyproject.toml admits only releases with which the tests have passed.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol, cast

import aiohttp
from aiohttp import StreamReader, web
from msgspec.structs import replace

from kms_mock.config import MAX_BODY_BYTES, Config
from kms_mock.logs import trace
from kms_mock.rpc.decode import HttpRequest
from kms_mock.rpc.encode import HttpResponse
from kms_mock.server.control_api import ControlApi
from kms_mock.server.credential_endpoints import SPECIAL_TARGETS, CredentialEndpoints, is_special
from kms_mock.server.delivery import (
    FinalResponse,
    ask_for_body,
    deliver_fault,
    deliver_stream,
    reset,
    respond,
    serialize,
)
from kms_mock.server.forward import Destination, Forwarder, ForwardError, destination, not_forwarded
from kms_mock.server.hosts import Place, is_loopback, refusal_text
from kms_mock.server.page import VISITED, is_visit
from kms_mock.server.proxy import NOT_THIS_MACHINE, ConnectRequest, Proxy

log = logging.getLogger("kms_mock")

# Clients put a 32 KB secret into the URL, which makes a request line of 98 KB (clients.md 2.6).
_MAX_LINE = 262144
_LINGER_SECONDS = 2.0
PRIVATE_NAMES = ("_loop", "_messages", "_request_count", "_task_handler")
# From 3.12 on aiohttp starts the task of a request at once, which costs little.
_TASKS_WAIT = sys.version_info < (3, 12)


class Malformed(Protocol):
    """Answers what never became a request."""

    def __call__(self, http: HttpRequest, reason: str, *, bug: bool = False) -> HttpResponse:
        """Return the error envelope; `bug` when it is not the client's fault."""
        ...


@dataclass(frozen=True, slots=True)
class RequestHandlers:
    """What answers requests: those of the API, of the control API, and for the credentials of roles.

    `is_mocked` tells public host names of the mocked products; `not_mocked` refuses requests for other products in words.
    """

    answer: Callable[[HttpRequest], Awaitable[HttpResponse]]
    malformed: Malformed
    control: ControlApi
    endpoints: CredentialEndpoints
    is_mocked: Callable[[str], bool]
    not_mocked: Callable[[HttpRequest, str], HttpResponse]


@cache
def check_aiohttp(base: type = web.RequestHandler) -> None:
    """Check that aiohttp has the private attributes that are used here. Raises RuntimeError."""
    missing = [name for name in PRIVATE_NAMES if not hasattr(base, name)]
    if missing:
        raise RuntimeError(
            f"kms-mock does not work with aiohttp {aiohttp.__version__}: its RequestHandler has no {', '.join(missing)}. "
            "Install a release that kms-mock's requirements allow."
        )


class InlineLoop:
    """A loop as aiohttp uses it for the requests of a connection: each runs in the task of its connection.

    Before Python 3.12 aiohttp makes a task for each request, so that it has context variables of its own. Nothing here
    sets one, and the task would cost a tenth of a request.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.time = loop.time
        self.call_at = loop.call_at
        self.create_future = loop.create_future

    def create_task(self, request: Coroutine[Any, Any, Any]) -> Awaitable[Any]:
        """Return what aiohttp awaits next."""
        return request


class Connection(web.RequestHandler):
    """Tracks how long the current request has been arriving; answers unparsable input with an API error."""

    def __init__(self, pool: ConnectionPool, since: float, tunnel: ConnectRequest | None, **options: Any) -> None:
        """Serve a connection accepted at a time of the loop; `tunnel` is the CONNECT request that it began with."""
        super().__init__(pool, **options)
        self.pool = pool
        self.tunnel = tunnel
        self.event_loop = self._loop
        self.queued_requests = self._messages  # whose heads have arrived, and that are not being answered yet
        # aiohttp forgets its transport and its task as soon as it wants to close; these last until they have ended.
        self.open_transport: asyncio.Transport | None = None
        self.handler_task: asyncio.Task[None] | None = None
        self.loss: asyncio.Future[None] | None = None
        self.is_tls = False
        self.peer: str | None = None  # the client's address
        self.region: str | None = None  # whose endpoint the client has connected to
        # The request that is arriving or running.
        self.arriving_since: float | None = since
        self.body: StreamReader | None = None
        self.answered = 0
        # How the connection ends.
        self.half_closed = False
        self.ends_after_answer = False
        self.lingering = False
        # The answer that the client is reading.
        self.unsent = 0
        self.unsent_since = 0.0

    # -- private attributes of aiohttp --------------------------------------------------------------------------------

    @property
    def received(self) -> int:
        """How many requests have begun on this connection (their heads are complete)."""
        return self._request_count

    # -- what asyncio calls -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start to wait for the first request."""
        super().connection_made(transport)
        self.open_transport = self.transport
        self.is_tls = transport.get_extra_info("sslcontext") is not None
        peer = transport.get_extra_info("peername")
        self.peer = peer[0] if isinstance(peer, tuple) else None
        self.handler_task = self._task_handler
        if _TASKS_WAIT:  # that task has not begun, and takes the loop from here
            self._loop = cast("asyncio.AbstractEventLoop", InlineLoop(self.event_loop))
        if self.pool.regions and (address := transport.get_extra_info("sockname")):
            self.region = self.pool.regions.get(address[1])

    def connection_lost(self, exc: BaseException | None) -> None:
        """Wake up what waits for the client to finish: the connection is closed."""
        self.open_transport = None
        if self.loss is not None and not self.loss.done():
            self.loss.set_result(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Note when the first byte of a request arrives, and that half a body will not become whole."""
        if self.lingering:
            return
        # The body of the running request begins no other one, nor does the empty data that aiohttp passes itself.
        if data and self.arriving_since is None and (self.body is None or self.body.is_eof()):
            self.arriving_since = self.event_loop.time()
        super().data_received(data)
        if not self.queued_requests:
            self.keep_alive(True)  # a request that is arriving is not idle: its own time limit is running
        elif self.body is not None and not self.body.is_eof():  # only a parser's error can follow half a body
            self.body.set_exception(web.RequestPayloadError("the body is malformed"))

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio asks for this; aiohttp always says no
        """Return whether to keep a connection whose client has closed its side: until its requests are answered."""
        self.half_closed = True
        if self.body is not None and not self.body.is_eof():
            self.body.set_exception(web.RequestPayloadError("the body ends too early"))
        # TLS cannot be closed on one side only.
        return not self.lingering and not self.is_tls and self.received > self.answered

    # -- requests -----------------------------------------------------------------------------------------------------

    def begin_request(self, body: StreamReader) -> float:
        """Note that the head of a request is complete; return the loop's time by which its body must be."""
        self.body = body
        if self.half_closed and not body.is_eof():
            body.set_exception(web.RequestPayloadError("the body ends too early"))
        since, self.arriving_since = self.arriving_since, None
        return (self.event_loop.time() if since is None else since) + self.pool.config.header_timeout

    def end_request(self, response: web.StreamResponse) -> None:
        """Count the answer; close after it what shall end, and after the last one what the client has closed on its side."""
        self.answered += 1
        if self.arriving_since is not None:
            self.arriving_since = self.event_loop.time()  # until now the next request had to wait
        if self.ends_after_answer or (self.half_closed and self.answered == self.received):
            response.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,  # noqa: ARG002 (the signature is aiohttp's)
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002
    ) -> web.StreamResponse:
        """Answer what aiohttp could not parse (or a bug in this package) without its own text or HTML pages."""
        bug = status >= 500  # noqa: PLR2004 (HTTP's own border)
        reason = f"The request is not HTTP that this server understands ({type(exc).__name__})."
        if bug:
            log.error("internal error outside the gateway\n%s", trace(exc))
            reason = "A bug in kms-mock; its log has the traceback."
        else:
            log.debug("not HTTP: %s", type(exc).__name__)
        answer = self.pool.handlers.malformed(HttpRequest("GET", "/", {}), reason, bug=bug)
        return FinalResponse(answer, self.close_gently)

    def log_exception(self, *args: Any, **options: Any) -> None:
        """Log what aiohttp takes for its own errors: a broken body was answered already, a lost client is no error."""
        harmless = isinstance(options.get("exc_info"), (web.RequestPayloadError, ConnectionError))
        log.log(logging.DEBUG if harmless else logging.ERROR, *args, **options)

    # -- the end ------------------------------------------------------------------------------------------------------

    async def close_gently(self) -> None:
        """Close after the last answer, but let the client read it: what it still sends is thrown away meanwhile.

        Closing while bytes wait unread would reset the connection, and the client might never see the answer.
        """
        self.lingering, self.arriving_since = True, None
        transport = self.open_transport
        if transport is not None:
            with suppress(OSError):  # the socket may be dead before asyncio knows
                if transport.can_write_eof():
                    transport.write_eof()
            transport.resume_reading()
            self.loss = self.event_loop.create_future()
            with suppress(TimeoutError):
                async with asyncio.timeout(0 if self.half_closed else _LINGER_SECONDS):
                    await self.loss
        self.force_close()

    def close_kept(self) -> None:
        """Close an idle connection, and one that is in use after its answer; one on which a request arrives stays."""
        if self.arriving_since is None and self.handler_task is not None:
            self.ends_after_answer = True
            self.handler_task.add_done_callback(lambda _: self._close_transport())
            self.close()  # ends the task of an idle connection, but leaves its transport open

    def _close_transport(self) -> None:
        if self.open_transport is not None and not self.open_transport.is_closing():  # asyncio's TLS takes one close
            self.open_transport.close()

    def enforce_timeouts(self, now: float) -> None:
        """Cut off a client that has stopped reading; refuse a request that takes too long to arrive."""
        # While a request is being answered, the next one waits for that, not for its client.
        since, transport = self.arriving_since if self.received == self.answered else None, self.transport
        if self._is_stalled(now):
            self.end_now()
        elif since is not None and transport is not None and now - since > self.pool.config.header_timeout:
            answer = self.pool.handlers.malformed(HttpRequest("GET", "/", {}), "The request took too long to arrive.")
            transport.write(serialize(answer, "Connection: close\r\n"))
            self.pool.run_task(self.close_gently())

    def _forget_task(self, _: asyncio.Task[None]) -> None:
        """Free the answer at once: the traceback of a cancelled task holds it, and the task would hold itself by this."""
        self.handler_task = None

    def _is_stalled(self, now: float) -> bool:
        """Return whether the client has read nothing of what waits for it during the idle timeout."""
        unsent = 0 if self.open_transport is None else self.open_transport.get_write_buffer_size()
        if unsent == 0 or unsent != self.unsent:
            self.unsent, self.unsent_since = unsent, now
        return unsent > 0 and now - self.unsent_since > self.pool.config.idle_timeout

    def end_now(self) -> None:
        """Close without waiting for anything; what the client has not read is thrown away."""
        if self.handler_task is not None:
            self.handler_task.cancel()
            self.handler_task.add_done_callback(self._forget_task)
        if self.open_transport is not None:
            if self.open_transport.get_write_buffer_size():
                reset(self.open_transport)  # an orderly end would wait for the client to read
            else:
                self.open_transport.close()
                if self.is_tls:  # an orderly end would wait for the client's
                    self.open_transport.abort()


class ConnectionPool(web.Server):
    """The open connections of one server, and what answers their requests."""

    def __init__(self, handlers: RequestHandlers, config: Config, proxy: Proxy) -> None:
        check_aiohttp()
        super().__init__(self._handle)
        self.handlers = handlers
        self.config = config
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
            keepalive_timeout=self.config.idle_timeout,
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
        connections = self._tracked()
        for connection in connections:
            connection.end_now()
        for task in self._tasks:
            task.cancel()
        tasks = [*self._tasks, *(connection.handler_task for connection in connections)]
        if waiting := [task for task in tasks if task is not None]:
            await asyncio.wait(waiting)
        await self._forwarder.stop()
        await asyncio.sleep(0)  # asyncio closes the sockets in its next step

    def _tracked(self) -> list[Connection]:
        """Return the connections that are open or still answering: aiohttp keeps those until their task is done."""
        return cast("list[Connection]", self.connections)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        connection: Any = request.protocol  # aiohttp declares its own class; new_connection makes ours
        deadline = connection.begin_request(request.content)
        target, headers = request.raw_path, request.headers
        http = HttpRequest(request.method, target, headers, b"", connection.peer, connection.is_tls, connection.region)
        response: web.StreamResponse | None = None
        if connection.tunnel is not None or not target.startswith("/"):
            http, response = await self._unwrap(request, http, connection)
        if response is None and (
            request.can_read_body or http.target.startswith(SPECIAL_TARGETS) or http.target in VISITED
        ):
            http, response = await self._receive(request, http, connection, deadline)
        if response is None:
            answer = await self.handlers.answer(http)
            response = await deliver_fault(answer, request) if answer.delivery else respond(answer, request)
        connection.end_request(response)
        return response

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
        control = None
        if http.target.startswith(SPECIAL_TARGETS) and is_special(http):
            control = self.handlers.endpoints if self.handlers.endpoints.answers(http) else self.handlers.control
        elif is_visit(http):
            control = self.handlers.control
        if request.can_read_body:
            limit = MAX_BODY_BYTES if control is None else control.body_limit(http)
            body, problem = await _read_body(request, deadline, limit)
            if problem:
                refusal = self.handlers.malformed(http, problem) if control is None else control.unreadable(problem)
                return http, FinalResponse(refusal, connection.close_gently)
            http = replace(http, body=body)
        if control is None:
            return http, None
        result = await control.answer(http)
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


async def _read_body(request: web.BaseRequest, deadline: float, limit: int) -> tuple[bytes, str]:
    """Return the body of at most `limit` bytes, and what is wrong with it in words ("" if nothing is)."""
    try:
        async with asyncio.timeout_at(deadline):
            await ask_for_body(request)
            if limit != MAX_BODY_BYTES:  # aiohttp's own limit
                request = request.clone(client_max_size=limit)
            return await request.read(), ""
    except TimeoutError:
        return b"", "The body took too long to arrive."
    except web.HTTPRequestEntityTooLarge:
        return b"", f"The body has more than {limit} bytes."
    except Exception as error:  # noqa: BLE001 (a broken chunk, a lost connection: whatever aiohttp raises for it)
        return b"", f"The body is malformed ({type(error).__name__})."
