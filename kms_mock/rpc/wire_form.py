"""A wire form: how requests and answers of an API travel where that is not the RPC style.

Between the two ends nothing is different: parameters have names, are checked and bound, and a result is a tree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from kms_mock.identity.accounts import Caller
from kms_mock.rpc.decode import ApiRequest, HttpRequest
from kms_mock.rpc.encode import HttpResponse
from kms_mock.rpc.errors import ApiError, ErrorSpec
from kms_mock.sources import Sources
from kms_mock.store.store import Store

if TYPE_CHECKING:
    from kms_mock.rpc.api import Operation


class WireForm(Struct, frozen=True):
    """What the gateway asks of a wire form; whatever refuses a request raises ApiError.

    `matches` returns whether a request is of this form, and so an answer has to be. `decode` reads a request for one of
    these operations; its parameters may be values of their types in place of texts, bytes raw. `authenticate` returns
    who sent it. `encode` and `encode_error` write the answer to one.
    `read_parameters` and `read_answer` read bodies again, for the journal. `common_errors` are what any operation may
    answer besides its table, in place of those of the RPC style; `description` says on the page of operations what
    every request carries. A body of more than `max_body` bytes is refused with `too_large`.
    """

    matches: Callable[[HttpRequest], bool]
    decode: Callable[[HttpRequest, Mapping[str, Operation], Store], ApiRequest]
    authenticate: Callable[[ApiRequest, Sources], Caller]
    encode: Callable[[Operation, Mapping[str, Any]], HttpResponse]
    encode_error: Callable[[ApiError, str], HttpResponse]
    read_parameters: Callable[[Operation, bytes], dict[str, str]]
    read_answer: Callable[[Operation, bytes], Mapping[str, Any]]
    common_errors: tuple[ErrorSpec, ...]
    description: str
    max_body: int
    too_large: ErrorSpec
