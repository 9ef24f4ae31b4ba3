"""The listening side of a server: its ports, each for HTTP, HTTPS and proxy requests, and the time limits of both."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket

from kms_mock.config import Config
from kms_mock.server.certificates import Certificates
from kms_mock.server.hosts import Hosts
from kms_mock.server.intake import Intake
from kms_mock.server.pool import ConnectionPool, RequestHandlers
from kms_mock.server.proxy import Proxy

log = logging.getLogger("kms_mock")

_BACKLOG = 1024
_ACCEPTED_AT_ONCE = 128  # then running requests get their turn
_CHECK_SECONDS = 1.0
_RETRY_SECONDS = 0.2
_NOT_HERE = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)  # an address that this machine does not have
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class HttpServer:
    """A listening server on a loop, which may run already, or later."""

    def __init__(
        self,
        handlers: RequestHandlers,
        config: Config,
        certificates: Certificates,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._hosts = Hosts(handlers.is_mocked, config.host)
        self._proxy = Proxy(self._hosts, config, self._addresses, loop)
        self._connections = ConnectionPool(handlers, config, self._proxy, loop)
        self._intake = Intake(self._connections, certificates, self._proxy, config, loop)
        self._config = config
        self._check_seconds = min(_CHECK_SECONDS, config.header_timeout / 4, config.idle_timeout / 4)
        self._loop = loop
        self._sockets: list[socket.socket] = []
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._exhausted = False
        self.port = 0
        self.ports: dict[str, int] = {}  # of the listeners that are the endpoint of a region

    def start(self) -> None:
        """Listen. Raises OSError at once when a port is taken; its `filename` is the endpoint."""
        try:
            opened = [self._open(region, port) for region, port in self._config.listeners]
        except BaseException:  # also when interrupted between two ports
            self.close()
            raise
        self.port = opened[0]
        self._watch_sockets()
        self._timers["check"] = self._loop.call_later(self._check_seconds, self._check_timeouts)

    def open_region(self, region: str) -> int:
        """Listen on a free port as the endpoint of one more region; return the port. Raises OSError."""
        port = self._open(region, 0)
        self._watch_sockets()
        return port

    def _open(self, region: str | None, port: int) -> int:
        """Bind a port, and return it. What comes in there is for `region`, unless that is None. Raises OSError."""
        try:
            sockets = _listen(self._config.host, port)
        except OSError as error:
            error.filename = self._config.endpoint(port)
            raise
        self._sockets += sockets
        taken: int = sockets[0].getsockname()[1]
        self._hosts.ports |= {listening.getsockname()[1] for listening in sockets}
        if region is not None:
            self.ports[region] = taken
            for listening in sockets:
                self._connections.regions[listening.getsockname()[1]] = region
        return taken

    async def stop(self) -> None:
        """Stop listening, cancel running requests, close all connections."""
        self.close()
        await self._intake.stop()
        await self._proxy.stop()
        await self._connections.stop()

    def close(self) -> None:
        """Stop listening, and no more: for a server whose loop never ran."""
        for timer in self._timers.values():
            timer.cancel()
        for listening in self._sockets:
            self._loop.remove_reader(listening.fileno())
            listening.close()
        self._sockets = []

    def close_kept_connections(self) -> int:
        """End all connections that wait for another request; return how many connections there are."""
        return self._connections.close_kept()

    def close_in_child(self) -> None:
        """Close all sockets in a forked process, without the loop: it belongs to the parent, and so does its selector.

        Objects that would close a descriptor later still own its number, so the number stays taken.
        """
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in [
            *(listening.fileno() for listening in self._sockets),
            *self._intake.descriptors(),
            *self._proxy.descriptors(),
            *self._connections.descriptors(),
        ]:
            if descriptor >= 0:
                os.dup2(null, descriptor, inheritable=False)
        os.close(null)

    def _addresses(self) -> list[tuple[str, int]]:
        """Return addresses and ports of the listening sockets."""
        return [listening.getsockname()[:2] for listening in self._sockets]

    def _watch_sockets(self) -> None:
        """Accept from now on. The loop gets numbers: it describes each new socket in words, for an error of its own."""
        for listening in self._sockets:
            self._loop.add_reader(listening.fileno(), self._accept, listening)

    def _accept(self, listening: socket.socket) -> None:
        """Accept the connections that wait; called when there are any."""
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                accepted, _ = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    raise
                self._pause(error)
                return
            self._exhausted = False
            self._intake.accept(accepted)

    def _pause(self, error: OSError) -> None:
        """Accept nothing for a while: the system has no descriptor (or memory) left, and would report it without end."""
        if not self._exhausted:
            self._exhausted = True
            log.warning("cannot accept more connections: %s", os.strerror(error.errno or 0))
        for listening in self._sockets:
            self._loop.remove_reader(listening.fileno())
        self._timers["listen"] = self._loop.call_later(_RETRY_SECONDS, self._watch_sockets)

    def _check_timeouts(self) -> None:
        now = self._loop.time()
        self._intake.enforce_timeouts(now)
        self._proxy.enforce_timeouts(now)
        self._connections.enforce_timeouts(now)
        self._timers["check"] = self._loop.call_later(self._check_seconds, self._check_timeouts)


def _listen(host: str, port: int) -> list[socket.socket]:
    """Return sockets that listen on a port of a host: one for an address, for a name one for each of its addresses.

    Not by asyncio, whose servers accept 1,024 times in a row at the limit of open files, and log each. Raises OSError.
    """
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    problem: OSError | None = None
    try:
        for address, family in {address: family for family, _, _, _, address in found}.items():
            try:
                bound = socket.create_server(address, family=family, backlog=_BACKLOG)
            except OSError as error:
                if error.errno not in _NOT_HERE:
                    raise
                problem = error  # `localhost` is ::1 also where there is no IPv6
                continue
            sockets.append(bound)
            bound.setblocking(False)
    except BaseException:
        for bound in sockets:
            bound.close()
        raise
    if not sockets and problem is not None:
        raise problem
    return sockets
