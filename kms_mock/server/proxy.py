"""The proxy: CONNECT requests, and the tunnels that they open."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable

from msgspec import Struct

from kms_mock.config import Config
from kms_mock.regex import regex
from kms_mock.server.hosts import Hosts, is_loopback, split_authority
from kms_mock.server.tunnel import Tunnel

MAX_HEAD = 16384
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
NOT_THIS_MACHINE = "the proxy of kms-mock serves only this machine; see --proxy-remote"
_CONNECT = b"CONNECT "
_REQUEST_LINE = regex(r"CONNECT (\S+) HTTP/1\.[01]")


class ConnectRequest(Struct, frozen=True):
    """A request for a tunnel to a host (lower case, without brackets) and a port."""

    host: str
    port: int

    @classmethod
    def parse(cls, head: bytes) -> ConnectRequest:
        """Read the head of a request. Raises ValueError."""
        line = head.partition(b"\r\n")[0].decode("latin-1")
        found = _REQUEST_LINE.fullmatch(line)
        if found is None:
            raise ValueError("this is not a CONNECT request that kms-mock understands")
        return cls(*split_authority(found[1]))


class Proxy:
    """The tunnels of one server. `addresses` returns those that the server itself listens on."""

    def __init__(
        self,
        hosts: Hosts,
        config: Config,
        addresses: Callable[[], list[tuple[str, int]]],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.hosts = hosts
        self._config = config
        self._addresses = addresses
        self._loop = loop
        self._tunnels: set[Tunnel] = set()

    def serves(self, peer: str | None) -> bool:
        """Return whether a client may use the proxy: those of this machine may."""
        return self._config.proxy_remote or is_loopback(peer)

    async def open_tunnel(self, client: socket.socket, request: ConnectRequest) -> bool:
        """Connect a client with a host; return False, and do nothing, when that is this server itself.

        Raises OSError when the host cannot be reached; TimeoutError is one.
        """
        tunnel = Tunnel(self._loop, self._tunnels.discard)
        self._tunnels.add(tunnel)
        try:
            await self._connect(tunnel, request)
            if self._leads_back(tunnel):
                return False
            client.send(ESTABLISHED)
            await self._loop.connect_accepted_socket(lambda: tunnel.client, client)
        except BaseException:
            self._tunnels.discard(tunnel)
            raise
        finally:
            if tunnel.client.transport is None:
                tunnel.close()
        return True

    def _leads_back(self, tunnel: Tunnel) -> bool:
        """Return whether the host of a tunnel is this server, which may listen on all addresses of its machine."""
        (host, port), (own_host, _) = tunnel.addresses
        return port in self.hosts.ports and (host == own_host or (host, port) in self._addresses())

    async def _connect(self, tunnel: Tunnel, request: ConnectRequest) -> None:
        async with asyncio.timeout(self._config.header_timeout):
            try:
                await self._loop.create_connection(
                    lambda: tunnel.host, request.host, request.port, happy_eyeballs_delay=0.25
                )
            except UnicodeError as error:  # from the codec of host names, for a label of more than 63 letters
                raise socket.gaierror(socket.EAI_NONAME, "this is not the name of a host") from error

    def enforce_timeouts(self, now: float) -> None:
        """Close tunnels that nothing has gone through for too long."""
        for tunnel in [found for found in self._tunnels if now - found.used_at > self._config.tunnel_timeout]:
            tunnel.close()

    def descriptors(self) -> list[int]:
        """Return the file descriptors of all tunnels."""
        return [descriptor for tunnel in self._tunnels for descriptor in tunnel.descriptors()]

    async def stop(self) -> None:
        """Close all tunnels at once."""
        tunnels = list(self._tunnels)
        for tunnel in tunnels:
            tunnel.close()
        if tunnels:
            await asyncio.sleep(0)  # asyncio closes the sockets in its next step


def is_connect(data: bytes) -> bool:
    """Return whether a request begins like CONNECT, as far as it has arrived."""
    return data.startswith(_CONNECT) or _CONNECT.startswith(data)


def refusal(status: int, text: str) -> bytes:
    """Return the answer to a CONNECT that is not served.

    Most clients show no body of such an answer but its reason phrase (Python, Go, Java), so the text is there too.
    """
    phrase = "".join(character if " " <= character <= "~" else "?" for character in text)
    body = json.dumps({"error": text}).encode()
    return (
        f"HTTP/1.1 {status} {phrase}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    ).encode() + body
