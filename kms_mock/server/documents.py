"""What the control API takes and answers, as types; those of calls, faults and operations are in `control`."""

from __future__ import annotations

from typing import Any, TypedDict

from msgspec import Struct

from kms_mock.control.calls import CallDocument
from kms_mock.control.coverage import OperationEntry
from kms_mock.control.faults import FaultSpec


class Health(TypedDict):
    """That the server works, with its version and the time of its clock."""

    status: str
    version: str
    now: str


class EventDocument(TypedDict):
    """One thing that happened by itself. `count` is how often it did, where so much was due that it was done at once."""

    at: str
    kind: str
    resource: str
    detail: str
    count: int


class ClockDocument(TypedDict):
    """The time of the clock, and what became due when it was moved."""

    now: str
    frozen: bool
    tick_rate: float
    events: list[EventDocument]


class RequestsQuery(Struct):
    """Which calls: those with this action, error code ("" for successes) and caller, newer than the number `since`."""

    action: str | None = None
    code: str | None = None
    access_key_id: str | None = None
    since: int = 0
    unmasked: bool = False


class RequestsDocument(TypedDict):
    """The calls, oldest first, how many were evicted for newer ones, and how much memory they take and may take."""

    requests: list[CallDocument]
    evicted: int
    size: int
    bytes: int
    max_bytes: int


class PoliciesQuery(Struct):
    """Which policies: of one identity by its ARN or the end of that, or all; `include_refused` adds what RAM refused."""

    identity: str | None = None
    include_refused: bool = False


class PoliciesDocument(TypedDict):
    """The least RAM policy of each identity, by its ARN, and the access points whose client keys were used."""

    policies: dict[str, dict[str, Any]]
    access_points: list[str]


class FaultDocument(FaultSpec, frozen=True, kw_only=True):
    """One fault, with how many requests matched, and how often it struck."""

    id: int
    matched: int
    struck: int
    spent: bool


class FaultsDocument(TypedDict):
    """All faults."""

    faults: list[FaultDocument]


class OperationsDocument(TypedDict):
    """All operations."""

    operations: list[OperationEntry]


class CheckpointDocument(TypedDict):
    """A new checkpoint."""

    id: str


class CheckpointsDocument(TypedDict):
    """The ids of all checkpoints."""

    checkpoints: list[str]


class ChangesDocument(TypedDict):
    """What changed since a checkpoint, a line for each change."""

    id: str
    changes: list[str]


class SourceQuery(Struct, rename={"source": "source.1"}):
    """The names by which messages call the documents of the body: `source.1`, `source.2`, …."""

    source: str | None = None
