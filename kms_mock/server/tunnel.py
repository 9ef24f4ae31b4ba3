"""Tunnels of the proxy: bytes carried between a client and a host, both ways, untouched."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from kms_mock.server.delivery import reset


class _End(asyncio.Protocol):
    """One end of a tunnel. What it receives is written to the other end, at the pace at which that one takes it."""

    def __init__(self, tunnel: Tunnel) -> None:
        self.tunnel = tunnel
        self.transport: asyncio.Transport | None = None
        self.other: _End | None = None
        self.ended = False  # it has sent everything

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 (asyncio makes no other one for a socket)
        self.transport = transport
        if self is self.tunnel.host:
            transport.pause_reading()  # the client's end is made next
        elif self.other is None or self.other.transport is None:
            transport.close()  # the host has gone away meanwhile
        else:
            self.other.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        self.tunnel.used()
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        self.tunnel.used()
        self.ended = True
        if self.other is None or self.other.ended:
            return False  # asyncio closes this end, and this end the other one
        if self.other.transport is not None:
            with suppress(OSError):  # the socket may be dead before asyncio knows
                self.other.transport.write_eof()
        return True  # the other direction goes on

    def pause_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        self.tunnel.used()
        if self.other is not None and self.other.transport is not None:
            self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self.other is not None and self.other.transport is not None:
            if exc is None:
                self.other.transport.close()
            else:
                reset(self.other.transport)
        self.tunnel.end_lost()


class Tunnel:
    """A tunnel between two sockets. `on_end` is called when both are closed."""

    def __init__(self, loop: asyncio.AbstractEventLoop, on_end: Callable[[Tunnel], None]) -> None:
        self._loop = loop
        self._on_end = on_end
        self.client, self.host = _End(self), _End(self)
        self.client.other, self.host.other = self.host, self.client
        self.used_at = loop.time()

    @property
    def addresses(self) -> tuple[tuple[str, int], tuple[str, int]]:
        """Address and port of the host, and those of this end of the connection with it."""
        assert self.host.transport is not None  # noqa: S101 (asked for as soon as it is connected)
        info = self.host.transport.get_extra_info
        return info("peername")[:2], info("sockname")[:2]

    def used(self) -> None:
        """Note that bytes went through."""
        self.used_at = self._loop.time()

    def end_lost(self) -> None:
        """Notify the owner when both ends are closed."""
        if self.client.transport is None and self.host.transport is None:
            self._on_end(self)

    def close(self) -> None:
        """Close both ends at once; what is on its way is thrown away."""
        for end in (self.client, self.host):
            if end.transport is not None:
                end.transport.abort()

    def descriptors(self) -> list[int]:
        """Return the file descriptors of the ends that are open."""
        transports = [end.transport for end in (self.client, self.host)]
        return [found.get_extra_info("socket").fileno() for found in transports if found is not None]
