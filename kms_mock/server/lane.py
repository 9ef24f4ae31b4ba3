"""The lane of plain requests: those that are answered as soon as they have arrived, without a task of their own.

A request is plain when nothing but its answer is left to do: it has arrived whole on an HTTP/1.1 connection that is kept,
it is for the API, and it asks nothing of the transport. Both ways call the same function for the answer. One that turns
out to wait (a fault, an RSA key that is made off the loop) goes on in the task of its connection.
"""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine, Generator
from types import coroutine
from typing import Any, TypeVar

from aiohttp import EMPTY_PAYLOAD, HttpVersion11, StreamReader
from aiohttp.http import RawRequestMessage

from kms_mock.server.special import SPECIAL_TARGETS, VISITED

T = TypeVar("T")

SHORT_BODY = 65536  # bytes: of more than twice as many aiohttp reads no more until somebody takes them


def is_plain(message: Any, body: StreamReader) -> bool:
    """Return whether a request, or what aiohttp's parser returned in place of one, is plain, once its body has arrived."""
    if type(message) is not RawRequestMessage or message.version != HttpVersion11:
        return False
    path, method = message.path, message.method
    is_for_api = path.startswith("/?") or (path.startswith("/") and not path.startswith(SPECIAL_TARGETS))
    return (
        is_for_api
        and (method == "POST" or (method == "GET" and path not in VISITED))
        and not (message.should_close or message.upgrade)
        and (body is EMPTY_PAYLOAD or body.at_eof() or _is_short(message, body))
    )


def _is_short(message: RawRequestMessage, body: StreamReader) -> bool:
    """Return whether a body is there, or will be with nobody reading it, and whether its client waits for nothing."""
    headers = message.headers
    is_coming = not message.chunked and int(headers["Content-Length"]) <= SHORT_BODY
    return (is_coming or body.is_eof()) and "Expect" not in headers


def begin(work: Coroutine[Any, Any, T]) -> T | Awaitable[T]:
    """Run a coroutine to its end, or to where it first waits: return its result, or what a task awaits for it."""
    try:
        waits_for = work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    return _rest(work, waits_for)


@coroutine
def _rest(work: Coroutine[Any, Any, T], waits_for: Any) -> Generator[Any, Any, T]:
    """Go on with a coroutine in the task that awaits this, which waits for `waits_for` first."""
    while True:
        thrown: BaseException | None = None
        try:
            yield waits_for
        except BaseException as error:  # noqa: BLE001 (the cancellation of the task is the coroutine's)
            thrown = error
        try:
            waits_for = work.send(None) if thrown is None else work.throw(thrown)
        except StopIteration as end:
            result: T = end.value
            return result
