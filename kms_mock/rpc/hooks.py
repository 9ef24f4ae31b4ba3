"""What the gateway calls beside the way of a request: faults, and what keeps each call for the journal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from kms_mock.rpc.api import Operation
from kms_mock.rpc.context import Check
from kms_mock.rpc.decode import ApiRequest
from kms_mock.rpc.encode import HttpResponse
from kms_mock.store.changes import Change


class Fault(Protocol):
    """What a fault does to one request."""

    async def strike(self, phase: Literal["before", "after"], operation: Operation) -> None:
        """Wait, raise ApiError, or both, if this is the phase for it."""

    def __str__(self) -> str:
        """Return what the fault did, for the journal; "" if it has not struck."""

    def spoil(self, response: HttpResponse) -> HttpResponse:
        """Return the response as the client will receive it, such as malformed or cut short."""


class Faults(Protocol):
    """Finds the fault for a request; `active` is empty when there is none at all."""

    @property
    def active(self) -> Sequence[object]:
        """The faults."""
        ...

    def pick(self, operation: Operation, request: ApiRequest) -> Fault | None:
        """Return the fault that strikes this request, or None."""


# Keeps one call: request, operation, response, milliseconds, the fault that struck ("" for none), changes, checks of
# permissions.
Record = Callable[
    [ApiRequest | None, Operation | None, HttpResponse, float, str, tuple[Change, ...], Sequence[Check]], None
]
