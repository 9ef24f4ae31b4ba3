"""One HTTP connection. The only module that uses private attributes of aiohttp; `PRIVATE_NAMES` lists them.

aiohttp offers no public way to see that a request has begun to arrive, to answer it without a task, to answer unparsable
input in one's own words, or to cancel a request at once. `check_aiohttp` tells at start-up when a release lacks what is
used here, and pyproject.toml admits only releases with which the tests have passed.

Plain requests are answered as soon as they have arrived (see `lane`), all others in aiohttp's task.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import aiohttp
from aiohttp import EMPTY_PAYLOAD, StreamReader
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http import RawRequestMessage
from aiohttp.tcp_helpers import tcp_keepalive

from kms_mock.logs import trace
from kms_mock.rpc.decode import HttpRequest
from kms_mock.rpc.encode import HttpResponse
from kms_mock.server import aiohttp_web as web
from kms_mock.server.delivery import MAX_SINGLE_WRITE, FinalResponse, reset, serialize
from kms_mock.server.lane import SHORT_BODY, begin, is_plain
from kms_mock.server.proxy import ConnectRequest

if TYPE_CHECKING:
    from kms_mock.server.pool import ConnectionPool

log = logging.getLogger("kms_mock")

_LINGER_SECONDS = 2.0
_receive = web.RequestHandler.data_received
PRIVATE_NAMES = ("_buffer", "_loop", "_messages", "_parser", "_request_count", "_task_handler", "_waiter")


@cache
def check_aiohttp(base: type = web.RequestHandler) -> None:
    """Check that aiohttp has the private attributes that are used here. Raises RuntimeError."""
    missing = [name for name in PRIVATE_NAMES if not hasattr(base, name) and not hasattr(StreamReader, name)]
    if missing:
        raise RuntimeError(
            f"kms-mock does not work with aiohttp {aiohttp.__version__}: its RequestHandler has no {', '.join(missing)}. "
            "Install a release that kms-mock's requirements allow."
        )


class Connection(web.RequestHandler):
    """Answers plain requests at once, tracks how long a request has been arriving, refuses unparsable input in the API's words.

    aiohttp's task, which answers all other requests, begins with the first of them.
    """

    def __init__(self, pool: ConnectionPool, since: float, tunnel: ConnectRequest | None, **options: Any) -> None:
        """Serve a connection accepted at a time of the loop; `tunnel` is the CONNECT request that it began with."""
        super().__init__(pool, **options)
        self.pool = pool
        self.tunnel = tunnel
        self.event_loop = self._loop
        # Requests whose heads have arrived, and that are not being answered yet.
        self.queued_requests: deque[tuple[Any, StreamReader]] = self._messages
        self.has_lane = pool.config.lane and tunnel is None
        self.answer_request = pool.handlers.answer
        self.send_answer = pool.outbox.add
        # aiohttp forgets its transport and its task as soon as it wants to close; these last until they have ended.
        self.open_transport: asyncio.Transport | None = None
        self.handler_task: asyncio.Task[None] | None = None
        self.loss: asyncio.Future[None] | None = None
        self.is_tls = False
        self.peer: str | None = None  # the client's address
        self.region: str | None = None  # whose endpoint the client has connected to
        # The request that is arriving or running.
        self.arriving_since: float | None = since
        self.begun: HttpResponse | Awaitable[HttpResponse] | Exception | None = None
        self.body: StreamReader | None = None
        self.body_is_late = False  # whether it came after the head
        self.answered = 0
        # Since when no answer was sent: found at the first look after the last one.
        self.idle_after = 0
        self.idle_since = since
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

    @property
    def is_free(self) -> bool:
        """Whether no request is being answered: aiohttp's task waits for one, or has not begun."""
        return self.handler_task is None or (self._waiter is not None and not self._waiter.done())

    # -- what asyncio calls -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a new connection as aiohttp does, but for its task and its timer of idle connections."""
        super(web.RequestHandler, self).connection_made(transport)
        self.open_transport = opened = cast("asyncio.Transport", transport)
        tcp_keepalive(opened)
        self.pool.connection_made(self, opened)
        self.is_tls = transport.get_extra_info("sslcontext") is not None
        peer = transport.get_extra_info("peername")
        self.peer = peer[0] if isinstance(peer, tuple) else None
        if self.pool.regions and (address := transport.get_extra_info("sockname")):
            self.region = self.pool.regions.get(address[1])

    def connection_lost(self, exc: BaseException | None) -> None:
        """Wake up what waits for the client to finish: the connection is closed."""
        self.open_transport = None
        if self.loss is not None and not self.loss.done():
            self.loss.set_result(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what has arrived: answer a plain request as soon as it is whole, leave any other to aiohttp's task."""
        if self.lingering:
            return
        if self.handler_task is None:
            _receive(self, data)
        elif self.is_free:
            waiter, self._waiter = self._waiter, None  # aiohttp would wake its task
            _receive(self, data)
            self._waiter = waiter
        else:
            self._receive_meanwhile(data)
            return
        requests = self.queued_requests
        if requests:
            message, body = requests[0]
            if len(requests) > 1 or not self.has_lane or not is_plain(message, body):
                self._wake_task()
            elif (body is EMPTY_PAYLOAD or body.is_eof()) and self._answer_plain(message, body):
                return
        if data and self.arriving_since is None:
            self.arriving_since = self.event_loop.time()

    def _wake_task(self) -> None:
        """Wake aiohttp's task, or start it: it answers what is in the queue."""
        if self._waiter is not None:
            self._waiter.set_result(None)
        else:
            self.handler_task = self._task_handler = self.event_loop.create_task(self.start())

    def _receive_meanwhile(self, data: bytes) -> None:
        """Take what arrives while a request is being answered: the rest of its body, or a pipelined one."""
        # The body of the running request begins no other one, nor does the empty data that aiohttp passes itself.
        if data and self.arriving_since is None and (self.body is None or self.body.is_eof()):
            self.arriving_since = self.event_loop.time()
        _receive(self, data)
        # Only a parser's error can follow half a body.
        if self.queued_requests and self.body is not None and not self.body.is_eof():
            self.body.set_exception(web.RequestPayloadError("the body is malformed"))

    def _answer_plain(self, message: Any, body: StreamReader) -> bool:
        """Answer the plain request in the queue; if that takes longer than this moment, let the task do it: return False."""
        transport = self.transport
        if transport is None or transport.get_write_buffer_size():
            self._wake_task()  # the client reads slowly: the answer waits for that
            return False
        self.queued_requests.popleft()  # first: reading a body looks for the next request
        content = b"" if body is EMPTY_PAYLOAD else _content(body)
        http = HttpRequest(message.method, message.path, message.headers, content, self.peer, self.is_tls, self.region)
        answer: HttpResponse | Awaitable[HttpResponse] | Exception
        try:
            answer = begin(self.answer_request(http))
        except Exception as error:  # noqa: BLE001 (a bug beside the gateway: aiohttp's task answers it)
            answer = error
        if (
            not isinstance(answer, HttpResponse)
            or answer.delivery
            or len(answer.body) > MAX_SINGLE_WRITE
            or self.ends_after_answer
        ):
            self.begun = answer
            self.queued_requests.appendleft((message, body))
            self._wake_task()
            return False
        if self._parser is not None:  # which it is only when the connection is lost
            self._parser.message_consumed()
        self.answered += 1
        self.arriving_since = None
        # RFC 9110, 6.6.1 wants the date; aiohttp formats it once a second.
        self.send_answer(transport, serialize(answer, f"Date: {rfc822_formatted_time()}\r\n"))
        return True

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio asks for this; aiohttp always says no
        """Return whether to keep a connection whose client has closed its side: until its requests are answered."""
        self.half_closed = True
        self.pool.outbox.flush()  # TLS may tell of a request and of the end in one turn
        if self.body is not None and not self.body.is_eof():
            self.body.set_exception(web.RequestPayloadError("the body ends too early"))
        if self.queued_requests and self.is_free:
            self._wake_task()  # the body of a plain request will not become whole
        # TLS cannot be closed on one side only.
        return not self.lingering and not self.is_tls and self.received > self.answered

    # -- requests -----------------------------------------------------------------------------------------------------

    def begin_request(self, body: StreamReader) -> float:
        """Note that the head of a request is complete; return the loop's time by which its body must be."""
        self.body = body
        self.body_is_late = not body.is_eof()
        if self.half_closed and not body.is_eof():
            body.set_exception(web.RequestPayloadError("the body ends too early"))
        since, self.arriving_since = self.arriving_since, None
        return (self.event_loop.time() if since is None else since) + self.pool.config.header_timeout

    def end_request(self, response: web.StreamResponse) -> None:
        """Count the answer; close after it what shall end, and after the last one what the client has closed on its side."""
        self.answered += 1
        if self.body_is_late and self._parser is not None:
            self._parser.message_consumed()  # aiohttp counted a request that had not arrived whole once too little
        if self.arriving_since is not None:
            self.arriving_since = self.event_loop.time()  # until now the next request had to wait
        if self.ends_after_answer or (self.half_closed and self.answered == self.received):
            response.force_close()

    def take_begun(self) -> HttpResponse | Awaitable[HttpResponse] | None:
        """Return the answer that was begun for the request of aiohttp's task, None if none was. Raises what it raised."""
        begun, self.begun = self.begun, None
        if isinstance(begun, Exception):
            raise begun
        return begun

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
        if self.arriving_since is not None:
            return
        self.ends_after_answer = True
        if self.received > self.answered:
            return  # it still reads the body of the request that it answers
        if self.handler_task is None:
            self._close_transport()
        else:
            self.handler_task.add_done_callback(lambda _: self._close_transport())
            self.close()  # ends the task of an idle connection, but leaves its transport open

    def _close_transport(self) -> None:
        if self.open_transport is not None and not self.open_transport.is_closing():  # asyncio's TLS takes one close
            self.open_transport.close()

    def enforce_timeouts(self, now: float) -> None:
        """Cut off a client that has stopped reading; refuse a request that takes too long to arrive; end what is idle."""
        since, transport = self.arriving_since, self.transport
        if self._is_stalled(now):
            self.end_now()
        elif transport is None or self.lingering or not self.is_free:
            return  # while a request is being answered, the next one waits for that, not for its client
        elif since is None:
            self._end_if_idle(now)
        elif now - since > self.pool.config.header_timeout:
            answer = self.pool.handlers.malformed(self._arriving(), "The request took too long to arrive.")
            transport.write(serialize(answer, "Connection: close\r\n"))
            self.pool.run_task(self.close_gently())

    def _arriving(self) -> HttpRequest:
        """Return the request whose body is awaited, which says in what form to refuse it; without a head a blank one."""
        message = self.queued_requests[0][0] if self.queued_requests else None
        if not isinstance(message, RawRequestMessage):
            return HttpRequest("GET", "/", {})
        return HttpRequest(message.method, message.path, message.headers)

    def _end_if_idle(self, now: float) -> None:
        if self.idle_after != self.answered:
            self.idle_after, self.idle_since = self.answered, now
        elif now - self.idle_since > self.pool.config.idle_timeout:
            self.force_close()

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


def _content(body: StreamReader) -> bytes:
    """Return a body that has arrived. Reading a short one was never paused, so that aiohttp need not go on with it."""
    return b"".join(body._buffer) if body.total_bytes <= SHORT_BODY else body.read_nowait()  # noqa: SLF001
