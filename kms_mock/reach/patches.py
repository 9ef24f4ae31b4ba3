"""The functions that interception replaces, so that they ask `Routes` for names, addresses and trust.

| what | why this one |
|---|---|
| `socket.getaddrinfo`, `gethostbyname`, `gethostbyname_ex` | names; asyncio and trio look them up in the module, too |
| `socket.socket.connect`, `connect_ex` | every connection but those of uvloop; anyio keeps the port that it was asked for |
| `ssl.SSLContext.wrap_socket`, `wrap_bio` | trust, for the names that are mocked only; asyncio and uvloop call `wrap_bio` |
| `uvloop.Loop.getaddrinfo`, `sock_connect`, `create_connection` | uvloop does all of it itself |
| `aiohttp.TCPConnector._resolve_host` | with aiodns, aiohttp never asks `getaddrinfo`; its cache may hold real addresses |
"""

from __future__ import annotations

import socket
import ssl
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from kms_mock.reach.hosts import RESERVED_ADDRESS, normal
from kms_mock.reach.replacing import Make, Replacements

AnyFunction = Callable[..., Any]
AnyCoroutine = Callable[..., Awaitable[Any]]


class Routes(Protocol):
    """What the replaced functions ask; each raises NotMockedError for a host that must not be reached."""

    def takes(self, name: str) -> bool:
        """Return whether a host name is the mock's."""

    def redirected(self, address: Any) -> Any:
        """Return the address to connect to instead of this one."""

    def trust(self, context: Any, server_hostname: Any) -> None:
        """Make a TLS context trust the mock if the name is the mock's."""


def replace_standard(replacements: Replacements, routes: Routes) -> None:
    """Replace the functions of the standard library."""

    def resolve(original: AnyFunction) -> AnyFunction:
        def function(host: Any, *args: Any, **options: Any) -> Any:
            return original(RESERVED_ADDRESS if routes.takes(normal(host)) else host, *args, **options)

        return function

    def connect(original: AnyFunction) -> AnyFunction:
        def method(self: Any, address: Any, /) -> Any:
            return original(self, routes.redirected(address))

        return method

    def wrap(position: int) -> Make:
        def make(original: AnyFunction) -> AnyFunction:
            def method(self: Any, *args: Any, **options: Any) -> Any:
                name = args[position] if len(args) > position else options.get("server_hostname")
                routes.trust(self, name)
                return original(self, *args, **options)

            return method

        return make

    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
        replacements.replace(socket, name, resolve)
    for name in ("connect", "connect_ex"):
        replacements.replace(socket.socket, name, connect)
    replacements.replace(ssl.SSLContext, "wrap_socket", wrap(4))  # the position of server_hostname
    replacements.replace(ssl.SSLContext, "wrap_bio", wrap(3))


def replace_uvloop(replacements: Replacements, routes: Routes) -> None:
    """Replace the methods of uvloop's loop, on its class that is written in Python."""

    def getaddrinfo(original: AnyCoroutine) -> AnyCoroutine:
        async def method(self: Any, host: Any, *args: Any, **options: Any) -> Any:
            return await original(self, RESERVED_ADDRESS if routes.takes(normal(host)) else host, *args, **options)

        return method

    def sock_connect(original: AnyCoroutine) -> AnyCoroutine:
        async def method(self: Any, sock: Any, address: Any) -> Any:
            return await original(self, sock, routes.redirected(address))

        return method

    def create_connection(original: AnyCoroutine) -> AnyCoroutine:
        async def method(self: Any, factory: Any, host: Any = None, port: Any = None, **options: Any) -> Any:
            if host is not None:
                if options.get("ssl") and options.get("server_hostname") is None:
                    options["server_hostname"] = host
                host, port, *_ = routes.redirected((host, port))
            return await original(self, factory, host, port, **options)

        return method

    loop = sys.modules["uvloop"].Loop
    replacements.replace(loop, "getaddrinfo", getaddrinfo)
    replacements.replace(loop, "sock_connect", sock_connect)
    replacements.replace(loop, "create_connection", create_connection)


def replace_aiohttp(replacements: Replacements, routes: Routes) -> None:
    """Replace how aiohttp's connector finds the addresses of a host."""

    def resolve_host(original: AnyCoroutine) -> AnyCoroutine:
        async def method(self: Any, host: str, port: int, *args: Any, **options: Any) -> Any:
            if not routes.takes(normal(host)):
                return await original(self, host, port, *args, **options)
            address = {"hostname": host, "host": RESERVED_ADDRESS, "port": port}
            return [{**address, "family": socket.AF_INET, "proto": 0, "flags": socket.AI_NUMERICHOST}]

        return method

    replacements.replace(sys.modules["aiohttp.connector"].TCPConnector, "_resolve_host", resolve_host)


# What is replaced as soon as it is imported: module -> how.
WHEN_IMPORTED: Mapping[str, Callable[[Replacements, Routes], None]] = {
    "uvloop": replace_uvloop,
    "aiohttp.connector": replace_aiohttp,
}
