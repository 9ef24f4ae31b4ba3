"""HTTP in, HTTP out. The only module that imports aiohttp; it knows nothing of the API but the gateway's two calls."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from kms_mock.config import MAX_BODY_BYTES, Config
from kms_mock.wire.decode import HttpRequest
from kms_mock.wire.encode import HttpResponse

log = logging.getLogger("kms_mock")

Answer = Callable[[HttpRequest], Awaitable[HttpResponse]]
Malformed = Callable[[HttpRequest, str], HttpResponse]

# Clients put a 32 KB secret into the URL, which makes a request line of 98 KB (clients.md 2.6).
_MAX_LINE = 262144
_SWEEP_SECONDS = 1.0


class _Connection(web.RequestHandler):
    """One connection. Notes since when a request is on its way, and answers what is not HTTP in the API's envelope."""

    def __init__(self, manager: _Server, **options: Any) -> None:
        super().__init__(manager, **options)
        self.owner = manager
        self.waiting_since: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.waiting_since = self._loop.time()
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self.waiting_since is None:
            self.waiting_since = self._loop.time()
        super().data_received(data)

    def handle_error(
        self,
        request: web.BaseRequest,  # noqa: ARG002 (the signature is aiohttp's)
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002
    ) -> web.StreamResponse:
        """Answer what aiohttp could not parse (or a bug in this module) without its own text or HTML pages."""
        log.debug("malformed request: %s", type(exc).__name__, exc_info=exc if status >= 500 else None)  # noqa: PLR2004
        self.force_close()
        reason = f"The request is not HTTP that this server understands ({type(exc).__name__})."
        response = _to_aiohttp(self.owner.malformed(HttpRequest("GET", "/", {}), reason))
        response.force_close()
        return response


class _Server(web.Server):
    """The connections of one server, with a sweep that closes those on which a request takes too long to arrive."""

    def __init__(self, answer: Answer, malformed: Malformed, config: Config) -> None:
        super().__init__(
            self._handle,
            max_line_size=_MAX_LINE,
            max_field_size=_MAX_LINE,
            keepalive_timeout=config.idle_timeout,
            access_log=None,
        )
        self.answer = answer
        self.malformed = malformed
        self.config = config

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        headers = request.headers
        target = request.raw_path
        http = HttpRequest(request.method, target, headers)
        if request.can_read_body:
            if headers.get("Expect", "").lower() == "100-continue":
                await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            try:
                async with asyncio.timeout(self.config.header_timeout):
                    body = await request.read()
            except TimeoutError:
                return self._cut_off(http, "The body took too long to arrive.")
            except web.HTTPRequestEntityTooLarge:
                return self._cut_off(http, f"The body has more than {MAX_BODY_BYTES} bytes.")
            except Exception as error:  # noqa: BLE001 (a broken chunk or encoding: whatever aiohttp raises for it)
                return self._cut_off(http, f"The body is malformed ({type(error).__name__}).")
            http = HttpRequest(request.method, target, headers, body)
        protocol: Any = request.protocol
        protocol.waiting_since = None
        return _to_aiohttp(await self.answer(http))

    def _cut_off(self, http: HttpRequest, reason: str) -> web.Response:
        response = _to_aiohttp(self.malformed(http, reason))
        response.force_close()
        return response

    def sweep(self, now: float) -> None:
        """Answer and close connections whose request did not arrive in time (a client that sends byte by byte)."""
        for connection in list(self.connections):
            since = getattr(connection, "waiting_since", None)
            transport = connection.transport
            if since is not None and transport is not None and now - since > self.config.header_timeout:
                answer = self.malformed(HttpRequest("GET", "/", {}), "The request took too long to arrive.")
                transport.write(_raw(answer))
                transport.close()


def _to_aiohttp(answer: HttpResponse) -> web.Response:
    headers = {"Content-Type": answer.content_type, "x-acs-request-id": answer.request_id}
    if answer.reason:
        headers["x-kms-mock-reason"] = _one_line(answer.reason)
    return web.Response(status=answer.status, body=answer.body, headers=headers)


def _raw(answer: HttpResponse) -> bytes:
    head = (
        f"HTTP/1.1 {answer.status} Bad Request\r\nContent-Type: {answer.content_type}\r\n"
        f"Content-Length: {len(answer.body)}\r\nConnection: close\r\nx-acs-request-id: {answer.request_id}\r\n\r\n"
    )
    return head.encode() + answer.body


def _one_line(text: str) -> str:
    """Make a text fit for a header: a reason may quote what the client sent."""
    return "".join(character if " " <= character <= "~" else "?" for character in text)[:1000]


class HttpServer:
    """A listening server on the running loop."""

    def __init__(self, answer: Answer, malformed: Malformed, config: Config) -> None:
        self._connections = _Server(answer, malformed, config)
        self._config = config
        self._listener: asyncio.Server | None = None
        self._sweeper: asyncio.TimerHandle | None = None
        self.port = 0

    async def start(self) -> None:
        """Listen. Raises OSError at once when the port is taken."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self._connections, self._config.host, self._config.port, backlog=1024)
        self.port = self._listener.sockets[0].getsockname()[1]
        self._sweeper = loop.call_later(_SWEEP_SECONDS, self._sweep)

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        self._connections.sweep(loop.time())
        self._sweeper = loop.call_later(_SWEEP_SECONDS, self._sweep)

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
