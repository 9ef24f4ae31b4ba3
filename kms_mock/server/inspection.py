"""The routes for inspection: one call as a whole, near misses, what is due, the catalogue of operations and errors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, TypedDict

from msgspec import Struct

from kms_mock.control.catalogue import CatalogueDocument, catalogue
from kms_mock.control.exchanges import ExchangeDocument, exchange
from kms_mock.control.near_misses import Assertion, NearMissesDocument, near_misses
from kms_mock.fixtures.reader import read_json
from kms_mock.server.routes import ControlProblem, Route
from kms_mock.store.times import iso
from kms_mock.version import VERSION

if TYPE_CHECKING:
    from kms_mock.server.control_api import ControlApi

MAX_DUE = 200  # dates
_MAX_DIGITS = 18  # of a call's number


class ServerDocument(TypedDict):
    """What the server was started with, as far as a client needs to know it."""

    version: str
    account: str
    region: str
    reveal_secrets: bool
    journal: int


class UnmaskedQuery(Struct):
    """`unmasked` shows secret values too, if the server may reveal them."""

    unmasked: bool = False


class DueDocument(TypedDict):
    """One date ahead: when something will have happened by itself (a full second), and to what."""

    at: str
    resource: str
    id: str
    account: str
    region: str


class DueListDocument(TypedDict):
    """The next dates, the earliest first."""

    due: list[DueDocument]


def get_server(api: ControlApi, _query: Mapping[str, str], _body: bytes, _rest: str) -> ServerDocument:
    """Return what the server was started with."""
    store = api.controls.store
    return {
        "version": VERSION,
        "account": store.default_account,
        "region": store.default_region,
        "reveal_secrets": api.config.reveal_secrets,
        "journal": api.controls.journal.size,
    }


def get_request(api: ControlApi, query: Mapping[str, str], _body: bytes, rest: str) -> ExchangeDocument:
    """Return one call with its whole request and answer, secrets masked."""
    is_number = rest.isascii() and rest.isdecimal() and len(rest) <= _MAX_DIGITS
    call = api.controls.journal.numbered(int(rest)) if is_number else None
    if call is None:
        raise ControlProblem(404, f"there is no call {rest[:40]!r} in the journal")
    return exchange(call, unmasked=api.may_unmask(query))


def post_near_misses(api: ControlApi, _query: Mapping[str, str], body: bytes, _rest: str) -> NearMissesDocument:
    """Check an assertion about the calls; if it does not hold, show the nearest calls and how they differ."""
    return near_misses(api.controls.journal, read_json(body, Assertion))


def get_due(api: ControlApi, _query: Mapping[str, str], _body: bytes, _rest: str) -> DueListDocument:
    """List what will happen by itself, the earliest first."""
    dates = islice(api.controls.store.dates(), MAX_DUE)
    return {
        "due": [
            {"at": iso(math.ceil(at)), "resource": kind, "id": record_id, "account": place[0], "region": place[1]}
            for at, place, kind, record_id in dates
        ]
    }


def get_catalogue(api: ControlApi, _query: Mapping[str, str], _body: bytes, _rest: str) -> Any:
    """Return all operations with what a form for them needs, and all errors with how to get them."""
    return catalogue(api.controls.apis, api.controls.settled())


ROUTES = (
    Route("GET", "server", get_server, answer=ServerDocument),
    Route("GET", "requests", get_request, rest="number", query=UnmaskedQuery, answer=ExchangeDocument, refusals=(404,)),
    Route("POST", "near-misses", post_near_misses, body=Assertion, answer=NearMissesDocument, reads_only=True),
    Route("GET", "due", get_due, answer=DueListDocument),
    Route("GET", "catalogue", get_catalogue, answer=CatalogueDocument),
)
