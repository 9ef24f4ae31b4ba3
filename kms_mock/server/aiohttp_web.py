"""What is used of `aiohttp.web`, from the modules that define it.

`aiohttp.web` itself imports applications, routes and file responses too, for which every start would wait.
"""

from __future__ import annotations

from aiohttp.web_exceptions import HTTPRequestEntityTooLarge
from aiohttp.web_protocol import RequestHandler, RequestPayloadError
from aiohttp.web_request import BaseRequest
from aiohttp.web_response import Response, StreamResponse, json_response
from aiohttp.web_server import Server

__all__ = [
    "BaseRequest",
    "HTTPRequestEntityTooLarge",
    "RequestHandler",
    "RequestPayloadError",
    "Response",
    "Server",
    "StreamResponse",
    "json_response",
]
