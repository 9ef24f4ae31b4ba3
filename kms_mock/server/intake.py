"""New connections, from their acceptance until it is known what they speak: HTTP, TLS, or CONNECT to a proxy.

What a client has sent is looked at without being taken, so that the socket can be handed to whoever understands it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import select
import socket
import ssl
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

from kms_mock.config import Config
from kms_mock.logs import trace
from kms_mock.server import client_hello
from kms_mock.server.certificates import Certificates
from kms_mock.server.client_hello import NotTlsError
from kms_mock.server.hosts import Place, refusal_text
from kms_mock.server.pool import ConnectionPool
from kms_mock.server.proxy import ESTABLISHED, MAX_HEAD, NOT_THIS_MACHINE, ConnectRequest, Proxy, is_connect, refusal

log = logging.getLogger("kms_mock")

_FIRST_LOOK = 8  # enough to tell CONNECT
_SHORTEST_WAIT = 0.005
_LONGEST_WAIT = 0.25
_TLS_CLOSE_SECONDS = 2.0
# An API behind another port is none: its client would not understand the error envelope.
_WEB_PORTS = (80, 443, 8443)


class _Arrival:
    """A connection that has not shown what it speaks. `tunnel` is the CONNECT request that it began with, if any."""

    __slots__ = ("at", "is_watched", "socket", "timer", "tunnel")

    def __init__(self, accepted: socket.socket, at: float) -> None:
        self.socket = accepted
        self.at = at
        self.tunnel: ConnectRequest | None = None
        self.is_watched = False
        self.timer: asyncio.TimerHandle | None = None


class Intake:
    """The connections of one server that belong to no protocol yet."""

    def __init__(
        self,
        connections: ConnectionPool,
        certificates: Certificates,
        proxy: Proxy,
        config: Config,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._connections = connections
        self._certificates = certificates
        self._proxy = proxy
        self._timeout = config.header_timeout
        self._loop = loop
        self._arrivals: set[_Arrival] = set()
        self._tasks: dict[asyncio.Task[None], socket.socket] = {}

    def accept(self, accepted: socket.socket) -> None:
        """Take a new connection."""
        accepted.setblocking(False)
        arrival = _Arrival(accepted, self._loop.time())
        self._arrivals.add(arrival)
        self._loop.call_soon(self._look, arrival)  # most clients have sent something by then

    def enforce_timeouts(self, now: float) -> None:
        """End what takes too long. What is not TLS goes to HTTP, which answers that in words."""
        for arrival in [found for found in self._arrivals if now - found.at > self._timeout]:
            try:
                begins = arrival.socket.recv(1, socket.MSG_PEEK)
            except OSError:
                begins = b""
            if begins and begins[0] == client_hello.HANDSHAKE:
                self._drop(arrival, "the first message of TLS took too long to arrive")
            else:
                self._start_http(arrival)

    def descriptors(self) -> list[int]:
        """Return the file descriptors of all sockets here."""
        return [
            *(arrival.socket.fileno() for arrival in self._arrivals),
            *(accepted.fileno() for accepted in self._tasks.values()),
        ]

    async def stop(self) -> None:
        """Close all connections at once."""
        for arrival in list(self._arrivals):
            self._release(arrival)
            arrival.socket.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks))

    # -- what it speaks -----------------------------------------------------------------------------------------------

    def _look(self, arrival: _Arrival) -> None:
        """Find out what a connection speaks, if enough has arrived for that."""
        if arrival not in self._arrivals:
            return
        try:
            data = arrival.socket.recv(_FIRST_LOOK, socket.MSG_PEEK)
            if not data:
                self._drop(arrival, "the client has closed it without a byte")
            elif data[0] == client_hello.HANDSHAKE:
                self._look_for_hello(arrival)
            elif arrival.tunnel is None and is_connect(data):
                self._look_for_connect(arrival)
            else:
                self._start_http(arrival)
        except (BlockingIOError, InterruptedError):
            if not arrival.is_watched:
                arrival.is_watched = True
                self._loop.add_reader(arrival.socket, self._look, arrival)
        except NotTlsError:
            self._drop(arrival, "it begins like TLS, but is not")
        except OSError as error:
            self._drop(arrival, _reason(error))

    def _look_for_hello(self, arrival: _Arrival) -> None:
        data = arrival.socket.recv(client_hello.MAX_RECORD, socket.MSG_PEEK)
        if not client_hello.is_complete(data):
            self._look_later(arrival)
            return
        reached = arrival.socket.getsockname()[0] if arrival.tunnel is None else arrival.tunnel.host
        name = client_hello.server_name(data) or reached
        self._run(arrival, self._start_tls(arrival, self._certificates.context(name)))

    def _look_for_connect(self, arrival: _Arrival) -> None:
        data = arrival.socket.recv(MAX_HEAD, socket.MSG_PEEK)
        head, end, _ = data.partition(b"\r\n\r\n")
        if not end and len(data) < MAX_HEAD:
            self._look_later(arrival)
            return
        arrival.socket.recv(len(head) + len(end))
        try:
            request = ConnectRequest.parse(head)
        except ValueError as error:
            self._refuse(arrival, 400, str(error))
            return
        place = self._proxy.hosts.place(request.host, request.port)
        if not self._proxy.serves(arrival.socket.getpeername()[0]):
            self._refuse(arrival, 403, NOT_THIS_MACHINE)
        elif place is Place.REFUSED and request.port not in _WEB_PORTS:
            self._refuse(arrival, 403, refusal_text(request.host))
        elif place is Place.ELSEWHERE:
            self._run(arrival, self._open_tunnel(arrival, request))
        else:
            self._answer_here(arrival, request)

    def _look_later(self, arrival: _Arrival) -> None:
        """Look again when more may have arrived: while bytes wait unread, the loop would report them without end."""
        if _has_ended(arrival.socket):
            self._drop(arrival, "the client has closed it in the middle of its first message")
            return
        self._release(arrival)
        self._arrivals.add(arrival)
        wait = min(max(self._loop.time() - arrival.at, _SHORTEST_WAIT), _LONGEST_WAIT)
        arrival.timer = self._loop.call_later(wait, self._look, arrival)

    # -- what becomes of it -------------------------------------------------------------------------------------------

    def _start_http(self, arrival: _Arrival) -> None:
        protocol = partial(self._connections.new_connection, arrival.at, arrival.tunnel)
        self._run(arrival, self._loop.connect_accepted_socket(protocol, arrival.socket))

    async def _start_tls(self, arrival: _Arrival, context: ssl.SSLContext) -> None:
        try:
            await self._loop.connect_accepted_socket(
                partial(self._connections.new_connection, arrival.at, arrival.tunnel),
                arrival.socket,
                ssl=context,
                ssl_handshake_timeout=self._timeout,
                ssl_shutdown_timeout=_TLS_CLOSE_SECONDS,
            )
        except OSError as error:  # what OpenSSL refuses is an OSError too
            log.debug("a TLS handshake failed: %s", getattr(error, "reason", None) or type(error).__name__)
            arrival.socket.close()

    async def _open_tunnel(self, arrival: _Arrival, request: ConnectRequest) -> None:
        try:
            if not await self._proxy.open_tunnel(arrival.socket, request):
                self._answer_here(arrival, request)  # the name leads back to this server
        except OSError as error:
            status = 504 if isinstance(error, TimeoutError) else 502
            self._refuse(arrival, status, f"kms-mock cannot reach {request.host}:{request.port}: {_reason(error)}")

    def _answer_here(self, arrival: _Arrival, request: ConnectRequest) -> None:
        """Begin anew with a connection whose client believes that it has reached a host."""
        try:
            arrival.socket.send(ESTABLISHED)
        except OSError as error:
            self._drop(arrival, _reason(error))
            return
        arrival.tunnel, arrival.at = request, self._loop.time()
        self._arrivals.add(arrival)
        self._look(arrival)

    def _refuse(self, arrival: _Arrival, status: int, text: str) -> None:
        """Answer a CONNECT that cannot be served, and close."""
        log.info("CONNECT %d %s", status, text)
        self._release(arrival)
        with suppress(OSError):
            arrival.socket.send(refusal(status, text))
            arrival.socket.shutdown(socket.SHUT_WR)
        arrival.socket.close()

    def _drop(self, arrival: _Arrival, reason: str) -> None:
        log.debug("a connection was dropped: %s", reason)
        self._release(arrival)
        arrival.socket.close()

    def _run(self, arrival: _Arrival, work: Coroutine[Any, Any, Any]) -> None:
        self._release(arrival)
        task = self._loop.create_task(work)
        self._tasks[task] = arrival.socket
        task.add_done_callback(self._end_task)

    def _end_task(self, task: asyncio.Task[Any]) -> None:
        accepted = self._tasks.pop(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, OSError):
            log.debug("a connection was dropped: %s", _reason(error))
        elif error is not None:
            log.error("internal error before a connection was made\n%s", trace(error))
        if task.cancelled() or error is not None:
            accepted.close()  # its transport may never have been made

    def _release(self, arrival: _Arrival) -> None:
        """Stop waiting for what a client sends."""
        self._arrivals.discard(arrival)
        if arrival.is_watched:
            arrival.is_watched = False
            self._loop.remove_reader(arrival.socket)
        if arrival.timer is not None:
            arrival.timer.cancel()
            arrival.timer = None


def _has_ended(accepted: socket.socket) -> bool:
    """Return whether a client will send nothing more, where the system tells that while bytes wait unread."""
    if not hasattr(select, "POLLRDHUP"):  # pragma: no cover (macOS, Windows)
        return False  # then its time limit ends it
    poll = select.poll()
    poll.register(accepted, select.POLLRDHUP)
    return bool(poll.poll(0))


def _reason(error: OSError) -> str:
    """Return why something failed: asyncio wraps the system's words in its own; failed look-ups have negative numbers."""
    number = error.errno or 0
    return os.strerror(number) if number > 0 else error.strerror or "no answer"
