"""HTTP in, HTTP out. The only module that imports aiohttp; it knows nothing of the API but the calls that it is given."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Protocol

from aiohttp import HttpVersion11, StreamReader, web
from aiohttp.helpers import rfc822_formatted_time

from kms_mock.config import MAX_BODY_BYTES, Config
from kms_mock.control.api import PREFIX, ControlResponse
from kms_mock.logs import trace
from kms_mock.wire.decode import HttpRequest
from kms_mock.wire.encode import HttpResponse

log = logging.getLogger("kms_mock")

Answer = Callable[[HttpRequest], Awaitable[HttpResponse]]


class Malformed(Protocol):
    """Answers what never became a request."""

    def __call__(self, http: HttpRequest, reason: str, *, bug: bool = False) -> HttpResponse:
        """Give the envelope; `bug` when it is not the client's fault."""
        ...


Control = Callable[[HttpRequest, str | None], ControlResponse]

# Clients put a 32 KB secret into the URL, which makes a request line of 98 KB (clients.md 2.6).
_MAX_LINE = 262144
_SWEEP_SECONDS = 1.0
_FAREWELL_SECONDS = 2.0
_MAX_ONE_WRITE = 65536
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


class _Connection(web.RequestHandler):
    """One connection. Notes since when a request is on its way, and answers what is not HTTP in the API's envelope."""

    def __init__(self, manager: _Server, **options: Any) -> None:
        super().__init__(manager, **options)
        self.owner = manager
        self.waiting_since: float | None = None
        self.body: StreamReader | None = None
        self.answered = 0
        self.half_closed = False
        self.leaving = False
        self.gone = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.waiting_since = self._loop.time()
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self.gone.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.leaving:
            return
        if self.waiting_since is None:
            self.waiting_since = self._loop.time()
        super().data_received(data)
        if not self._messages:  # a request that is on its way is not idle: its own time limit is running
            self.keep_alive(True)
        elif self.body is not None and not self.body.is_eof():  # behind half a body there can only be a parser's error
            self.body.set_exception(web.RequestPayloadError("the body is malformed"))

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio asks for this; aiohttp always says no
        """Keep a connection whose client has closed its side until what it asked for is answered; say whether to."""
        self.half_closed = True
        if self.body is not None and not self.body.is_eof():
            self.body.set_exception(web.RequestPayloadError("the body ends too early"))
        return not self.leaving and self._request_count > self.answered

    def arrived(self, body: StreamReader) -> float:
        """Note that the head of a request is there; say at which time of the loop its body must be there too."""
        self.body = body
        if self.half_closed and not body.is_eof():
            body.set_exception(web.RequestPayloadError("the body ends too early"))
        since, self.waiting_since = self.waiting_since, None
        return (self._loop.time() if since is None else since) + self.owner.config.header_timeout

    async def part(self) -> None:
        """Close after the last answer, but let the client read it: what it still sends is thrown away meanwhile.

        To close while bytes wait unread would reset the connection, and the client might never see the answer.
        """
        self.leaving, self.waiting_since = True, None
        transport: Any = self.transport
        if transport is not None:
            if transport.can_write_eof():
                transport.write_eof()
            transport.resume_reading()
            with suppress(TimeoutError):
                async with asyncio.timeout(0 if self.half_closed else _FAREWELL_SECONDS):
                    await self.gone.wait()
        self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,  # noqa: ARG002 (the signature is aiohttp's)
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002
    ) -> web.StreamResponse:
        """Answer what aiohttp could not parse (or a bug in this module) without its own text or HTML pages."""
        bug = status >= 500  # noqa: PLR2004 (HTTP's own border)
        if bug:
            log.error("internal error outside the gateway\n%s", trace(exc))
        else:
            log.debug("not HTTP: %s", type(exc).__name__)
        reason = f"The request is not HTTP that this server understands ({type(exc).__name__})."
        if bug:
            reason = "A bug in kms-mock; its log has the traceback."
        return _LastResponse(self.owner.malformed(HttpRequest("GET", "/", {}), reason, bug=bug), self)

    def log_exception(self, *args: Any, **options: Any) -> None:
        """Keep aiohttp from logging a broken body as an error of this server: it was answered already."""
        error = options.get("exc_info")
        log.log(logging.DEBUG if isinstance(error, web.RequestPayloadError) else logging.ERROR, *args, **options)


class _LastResponse(web.Response):
    """The last answer on a connection."""

    def __init__(self, answer: HttpResponse, connection: _Connection) -> None:
        super().__init__(status=answer.status, body=answer.body, headers=_headers(answer))
        self.connection = connection
        self.force_close()

    async def write_eof(self, data: bytes = b"") -> None:
        await super().write_eof(data)
        await self.connection.part()


class _OneWrite(web.StreamResponse):
    """A short answer on a kept HTTP/1.1 connection: head and body in one write.

    What aiohttp does for any possible response costs nearly half as much as the gateway does for a request, and nothing
    of it is needed here; every other answer takes its way.
    """

    def __init__(self, answer: HttpResponse, transport: asyncio.Transport) -> None:
        # No super().__init__(): it makes status, headers and state, and nobody asks for them.
        self._answer = answer
        self._transport = transport

    @property
    def keep_alive(self) -> bool:
        return self._keep_alive is not False

    async def prepare(self, request: web.BaseRequest) -> None:
        """Do nothing: everything goes out in write_eof."""

    async def write_eof(self, data: bytes = b"") -> None:  # noqa: ARG002 (the signature is aiohttp's)
        if self._transport.is_closing():
            raise ConnectionResetError("the client is gone")
        # RFC 9110, 6.6.1 wants the date; aiohttp formats it once a second.
        self._transport.write(_raw(self._answer, f"Date: {rfc822_formatted_time()}\r\n"))


class _Server(web.Server):
    """The connections of one server, with a sweep that closes those on which a request takes too long to arrive."""

    def __init__(self, answer: Answer, malformed: Malformed, control: Control, config: Config) -> None:
        super().__init__(
            self._handle,
            max_line_size=_MAX_LINE,
            max_field_size=_MAX_LINE,
            keepalive_timeout=config.idle_timeout,
            access_log=None,
            auto_decompress=False,  # no client compresses; a compressed body is no form
        )
        self.answer = answer
        self.malformed = malformed
        self.control = control
        self.config = config
        self.farewells: set[asyncio.Task[None]] = set()

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        connection: Any = request.protocol
        deadline = connection.arrived(request.content)
        http, problem = HttpRequest(request.method, request.raw_path, request.headers), ""
        if request.can_read_body:
            body, problem = await _body(request, deadline)
            http = HttpRequest(http.method, http.target, http.headers, body)
        response: web.StreamResponse
        if problem:
            response = _LastResponse(self.malformed(http, problem), connection)
        elif http.target.startswith(PREFIX):
            told = self.control(http, request.remote)
            response = web.Response(status=told.status, body=told.body, content_type="application/json")
        else:
            answer = await self.answer(http)
            response = await _deliver(answer, request) if answer.delivery else _response(answer, request)
        connection.answered += 1
        if connection.half_closed and connection.answered == connection._request_count:  # noqa: SLF001 (aiohttp's count)
            response.force_close()
        return response

    def sweep(self, now: float) -> None:
        """Answer and close connections on which no request arrived in time (silent, or a client that sends byte by byte)."""
        for one in list(self.connections):
            connection: Any = one  # aiohttp declares its own class; __call__ makes ours
            since = connection.waiting_since
            if since is not None and now - since > self.config.header_timeout and connection.transport is not None:
                answer = self.malformed(HttpRequest("GET", "/", {}), "The request took too long to arrive.")
                connection.transport.write(_raw(answer, "Connection: close\r\n"))
                farewell = self._loop.create_task(connection.part())
                self.farewells.add(farewell)
                farewell.add_done_callback(self.farewells.discard)


def _response(answer: HttpResponse, request: web.BaseRequest) -> web.StreamResponse:
    """Make the response: in one write for a client that keeps an HTTP/1.1 connection and reads what it gets."""
    transport = request.transport
    if (
        request.version == HttpVersion11
        and request.keep_alive
        and request.method != "HEAD"
        and len(answer.body) < _MAX_ONE_WRITE
        and transport is not None
        and transport.get_write_buffer_size() == 0
    ):
        return _OneWrite(answer, transport)
    return web.Response(status=answer.status, body=answer.body, headers=_headers(answer))


async def _deliver(answer: HttpResponse, request: web.BaseRequest) -> web.StreamResponse:
    """Deliver an answer as a fault wants it: not at all, cut in half, or byte by byte."""
    transport = request.transport
    assert transport is not None  # noqa: S101 (the request has just arrived on it)
    response = web.StreamResponse(status=answer.status, headers=_headers(answer))
    if answer.delivery == "reset":
        # Without lingering, closing sends a reset instead of an orderly end.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        return response
    response.content_length = len(answer.body)
    await response.prepare(request)
    if answer.delivery == "truncate":
        await response.write(answer.body[: len(answer.body) // 2])
        transport.close()
        return response
    for place in range(len(answer.body)):
        await asyncio.sleep(answer.seconds / len(answer.body))
        await response.write(answer.body[place : place + 1])
    await response.write_eof()
    return response


async def _body(request: web.BaseRequest, deadline: float) -> tuple[bytes, str]:
    """Read the body; give it, or what is wrong with it in words."""
    expects = request.headers.get("Expect", "").lower() == "100-continue"
    try:
        async with asyncio.timeout_at(deadline):
            if expects and request.version >= HttpVersion11:
                await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return await request.read(), ""
    except TimeoutError:
        return b"", "The body took too long to arrive."
    except web.HTTPRequestEntityTooLarge:
        return b"", f"The body has more than {MAX_BODY_BYTES} bytes."
    except Exception as error:  # noqa: BLE001 (a broken chunk, a lost connection: whatever aiohttp raises for it)
        return b"", f"The body is malformed ({type(error).__name__})."


def _headers(answer: HttpResponse) -> dict[str, str]:
    return {"Content-Type": answer.content_type, "x-acs-request-id": answer.request_id, **_rare_headers(answer)}


def _rare_headers(answer: HttpResponse) -> dict[str, str]:
    headers = {}
    if answer.retry_after is not None:
        headers["x-acs-retry-after"] = str(answer.retry_after)  # clients.md 2.27
    if answer.reason:
        headers["x-kms-mock-reason"] = _one_line(answer.reason)
    return headers


def _raw(answer: HttpResponse, more: str) -> bytes:
    """Write an answer as bytes; `more` are further header lines."""
    if answer.reason or answer.retry_after is not None:
        more += "".join([f"{name}: {value}\r\n" for name, value in _rare_headers(answer).items()])
    head = (
        f"HTTP/1.1 {answer.status} {_PHRASES[answer.status]}\r\nContent-Type: {answer.content_type}\r\n"
        f"x-acs-request-id: {answer.request_id}\r\n{more}Content-Length: {len(answer.body)}\r\n\r\n"
    )
    return head.encode() + answer.body


def _one_line(text: str) -> str:
    """Make a text fit for a header: a reason may quote what the client sent."""
    return "".join(character if " " <= character <= "~" else "?" for character in text)[:1000]


class HttpServer:
    """A listening server on the running loop."""

    def __init__(self, answer: Answer, malformed: Malformed, control: Control, config: Config) -> None:
        self._connections = _Server(answer, malformed, control, config)
        self._config = config
        self._listener: asyncio.Server | None = None
        self._sweeper: asyncio.TimerHandle | None = None
        self.port = 0

    async def start(self) -> None:
        """Listen. Raises OSError at once when the port is taken."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self._connections, self._config.host, self._config.port, backlog=1024)
        self.port = self._listener.sockets[0].getsockname()[1]
        self._sweeper = loop.call_later(min(_SWEEP_SECONDS, self._config.header_timeout / 4), self._sweep)

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        self._connections.sweep(loop.time())
        self._sweeper = loop.call_later(min(_SWEEP_SECONDS, self._config.header_timeout / 4), self._sweep)

    async def stop(self) -> None:
        """Stop listening, let running requests finish (one second at most), close all connections."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        if self._listener is not None:
            self._listener.close()
        self._connections.pre_shutdown()
        await self._connections.shutdown(timeout=1.0)


class ServerThread:
    """A server on a thread and an event loop of its own."""

    def __init__(self, server: Callable[[], HttpServer]) -> None:
        self._make = server
        self._started: threading.Event = threading.Event()
        self._failure: BaseException | None = None
        self._stop: asyncio.Event | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.port = 0
        self._thread = threading.Thread(target=self._run, name="kms-mock", daemon=True)

    def start(self) -> None:
        """Return when the port accepts. Raises what kept the server from listening."""
        self._thread.start()
        self._started.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 (handed to the thread that waits in start)
            self._failure = error
        finally:
            self._started.set()

    async def _serve(self) -> None:
        server = self._make()
        await server.start()
        self.port = server.port
        self.loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._started.set()
        await self._stop.wait()
        await server.stop()

    def call(self, function: Callable[[], Any]) -> Any:
        """Run a function on the server's loop, between two requests, and give what it returns."""
        if self.loop is None or threading.current_thread() is self._thread:
            return function()

        async def run() -> Any:
            return function()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result()

    def stop(self) -> None:
        """Stop the server and wait for its thread."""
        if self.loop is not None and self._stop is not None:
            self.loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
