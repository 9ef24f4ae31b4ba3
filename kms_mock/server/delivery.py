"""Answers on their way out: as HTTP responses, as bytes in one write, or spoiled as a fault asks for.

Nothing here knows a connection: what a response must do at the end is handed to it.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from http import HTTPStatus

from aiohttp import HttpVersion11

from kms_mock.rpc.encode import HttpResponse
from kms_mock.server import aiohttp_web as web

MAX_SINGLE_WRITE = 65536  # bytes: of a longer body, aiohttp waits until the client has read enough
_MAX_REASON = 1000
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}" for status in HTTPStatus}
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER for zero seconds: closing sends RST instead of FIN


class FinalResponse(web.Response):
    """The last response on a connection; `close` is awaited once it is written."""

    def __init__(self, answer: HttpResponse, close: Callable[[], Awaitable[None]]) -> None:
        super().__init__(status=answer.status, body=answer.body, headers=_headers(answer))
        self._close_connection = close
        self.force_close()

    async def write_eof(self, data: bytes = b"") -> None:
        """Write the rest of the response and close the connection."""
        await super().write_eof(data)
        await self._close_connection()


async def ask_for_body(request: web.BaseRequest) -> None:
    """Ask a client that waits for this to send the body (RFC 9110, 10.1.1)."""
    if request.version >= HttpVersion11 and request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")


def to_response(answer: HttpResponse) -> web.Response:
    """Return an answer as a response for aiohttp to send."""
    return web.Response(status=answer.status, body=answer.body, headers=_headers(answer))


async def deliver_stream(
    chunks: AsyncGenerator[bytes], content_type: str, headers: Mapping[str, str], request: web.BaseRequest
) -> web.StreamResponse:
    """Deliver what comes as it comes, until the client goes away."""
    response = web.StreamResponse(headers={**headers, "Content-Type": content_type})
    response.force_close()
    await response.prepare(request)
    if request.method != "HEAD":
        async with aclosing(chunks) as open_chunks:
            with suppress(ConnectionError):
                async for chunk in open_chunks:
                    await response.write(chunk)
    return response


async def deliver_fault(answer: HttpResponse, request: web.BaseRequest) -> web.StreamResponse:
    """Deliver an answer as its fault asks: not at all (reset), cut in half (truncate), or byte by byte (slow).

    A client that goes away meanwhile ends the delivery; aiohttp notices when it finishes the returned response.
    """
    response = web.StreamResponse(status=answer.status, headers=_headers(answer))
    response.content_length = len(answer.body)
    transport = request.transport
    if transport is None:
        return response
    with suppress(ConnectionError):
        if answer.delivery == "reset":
            reset(transport)
        elif answer.delivery == "truncate":
            await response.prepare(request)
            await response.write(answer.body[: len(answer.body) // 2])
            transport.close()
        else:
            await response.prepare(request)
            await _write_slowly(response, answer)
    return response


async def _write_slowly(response: web.StreamResponse, answer: HttpResponse) -> None:
    pause = answer.seconds / max(len(answer.body), 1)
    for place in range(len(answer.body)):
        await asyncio.sleep(pause)
        await response.write(answer.body[place : place + 1])
    await response.write_eof()


def reset(transport: asyncio.Transport) -> None:
    """Close a connection with a reset; what has not been sent is thrown away, by the system too."""
    with suppress(OSError):  # some systems refuse options of a socket whose peer has disconnected
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()


def serialize(answer: HttpResponse, more: str) -> bytes:
    """Return an answer as the bytes of an HTTP/1.1 response; `more` are further header lines."""
    headers = answer.headers
    if answer.reason or answer.retry_after is not None:
        headers = tuple(_optional_headers(answer).items())
    for name, value in headers:
        more += f"{name}: {value}\r\n"
    status_line = _STATUS_LINES.get(answer.status) or f"HTTP/1.1 {answer.status} "
    head = (
        f"{status_line}\r\nContent-Type: {answer.content_type}\r\n"
        f"x-acs-request-id: {answer.request_id}\r\n{more}Content-Length: {len(answer.body)}\r\n\r\n"
    )
    return head.encode() + answer.body


def _headers(answer: HttpResponse) -> dict[str, str]:
    return {"Content-Type": answer.content_type, "x-acs-request-id": answer.request_id, **_optional_headers(answer)}


def _optional_headers(answer: HttpResponse) -> dict[str, str]:
    headers = dict(answer.headers)
    if answer.retry_after is not None:
        headers["x-acs-retry-after"] = str(answer.retry_after)  # clients.md 2.27
    if answer.reason:
        headers["x-kms-mock-reason"] = _header_text(answer.reason)
    return headers


def _header_text(text: str) -> str:
    """Return a text fit for a header: a reason may quote what the client sent."""
    return "".join(character if " " <= character <= "~" else "?" for character in text)[:_MAX_REASON]
