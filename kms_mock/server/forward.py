"""Requests that come through the proxy: where they go, and the way there for those that are not answered here."""

from __future__ import annotations

import errno
import logging
import re
from collections.abc import Mapping

import aiohttp
from msgspec import Struct
from multidict import CIMultiDict
from yarl import URL

from kms_mock.regex import regex
from kms_mock.server import aiohttp_web as web
from kms_mock.server.delivery import ask_for_body
from kms_mock.server.hosts import Hosts, Place, split_authority
from kms_mock.server.proxy import ConnectRequest

log = logging.getLogger("kms_mock")

_ABSOLUTE = regex(r"(https?)://([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)
_PORTS = {"http": 80, "https": 443}
# RFC 9110, 7.6.1: what concerns one connection and is not passed on.
_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding"}
    | {"upgrade", "proxy-authenticate"}
)
_DEFAULT_HEADERS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")  # aiohttp would add its own


class ForwardError(Exception):
    """A request that could not be passed on, in words; `is_refused` when nobody listens where it goes."""

    def __init__(self, text: str, *, is_refused: bool = False) -> None:
        super().__init__(text)
        self.is_refused = is_refused


class Destination(Struct, frozen=True):
    """Where a request goes: the host that it names, its target in origin form, and headers whose Host agrees."""

    place: Place
    host: str
    port: int
    target: str
    headers: Mapping[str, str]


def destination(
    hosts: Hosts, tunnel: ConnectRequest | None, target: str, headers: Mapping[str, str]
) -> Destination | None:
    """Return where a request goes, None for one that names no other host than a plain request would.

    `tunnel` is the CONNECT request of the tunnel that it came through, None if it came through none.
    """
    absolute = _ABSOLUTE.fullmatch(target)
    origin = target
    if absolute is not None:
        origin = absolute[3].partition("#")[0]
        origin = origin if origin.startswith("/") else f"/{origin}"
    if tunnel is not None:
        is_refused = hosts.place(tunnel.host, tunnel.port) is Place.REFUSED
        place = Place.REFUSED if is_refused else Place.HERE  # by whatever name it leads here
        return Destination(place, tunnel.host, tunnel.port, origin, _with_host(headers, tunnel.host, tunnel.host))
    if absolute is None:
        return None
    scheme, authority = absolute[1].lower(), absolute[2].rpartition("@")[2]
    try:
        host, port = split_authority(authority, _PORTS[scheme])
    except ValueError:
        return None
    return Destination(hosts.place(host, port), host, port, origin, _with_host(headers, host, authority))


def _with_host(headers: Mapping[str, str], host: str, authority: str) -> Mapping[str, str]:
    """Return headers whose Host names a host (RFC 9112, 3.2.2: the target decides)."""
    try:
        if split_authority(headers.get("Host", ""), 443)[0] == host:
            return headers
    except ValueError:
        pass
    changed = CIMultiDict(headers)
    changed["Host"] = authority
    return changed


class Forwarder:
    """Passes plain HTTP requests on to other hosts, bodies as they come."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._session: aiohttp.ClientSession | None = None

    async def forward(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request, whose target is a whole URL, as its host does. Raises ForwardError before the answer."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._seconds),
                auto_decompress=False,
                skip_auto_headers=_DEFAULT_HEADERS,
                # The system's resolver, as tunnels use it; with aiodns installed aiohttp would take another one.
                connector=aiohttp.TCPConnector(limit=0, resolver=aiohttp.ThreadedResolver()),
            )
        headers = _passed_on(request.headers)
        headers.popall("Expect", None)
        try:
            await ask_for_body(request)
            answer = await self._session.request(
                request.method,
                URL(request.raw_path, encoded=True),
                headers=headers,
                data=request.content if request.body_exists else None,
                allow_redirects=False,
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:  # TimeoutError is an OSError
            is_refused = isinstance(error, aiohttp.ClientConnectorError) and error.errno == errno.ECONNREFUSED
            raise ForwardError(f"it does not answer ({type(error).__name__})", is_refused=is_refused) from error
        async with answer:
            return await _pass_back(answer, request)

    async def stop(self) -> None:
        """Close all connections to other hosts."""
        if self._session is not None:
            await self._session.close()


def not_forwarded(status: int, text: str) -> web.Response:
    """Return the answer to a request that is not passed on."""
    log.info("proxy %d %s", status, text)
    response = web.json_response({"error": text}, status=status)
    response.force_close()
    return response


async def _pass_back(answer: aiohttp.ClientResponse, request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=_passed_on(answer.headers))
    await response.prepare(request)
    try:
        async for piece in answer.content.iter_any():
            await response.write(piece)
        await response.write_eof()
    except aiohttp.ClientError:  # the host has broken off: so does this answer
        if request.transport is not None:
            request.transport.abort()
    return response


def _passed_on(headers: Mapping[str, str]) -> CIMultiDict[str]:
    """Return headers without those of one connection."""
    named = {name.strip().lower() for name in headers.get("Connection", "").split(",")}
    return CIMultiDict(
        (name, value)
        for name, value in headers.items()
        if name.lower() not in _HOP_BY_HOP and name.lower() not in named
    )
