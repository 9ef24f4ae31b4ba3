"""The straight line of a request: decode -> find -> authenticate -> bind -> handler -> encode.

Every way out is the API's own envelope with a RequestId, a bug of ours included.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any

from kms_mock import errors
from kms_mock.context import Context
from kms_mock.errors import ApiError
from kms_mock.model import permissions
from kms_mock.model.account import Caller
from kms_mock.model.store import Store
from kms_mock.operation import REGISTRY, Operation
from kms_mock.operations import load_all
from kms_mock.sources import Sources
from kms_mock.wire.decode import ApiRequest, HttpRequest, decode, format_of
from kms_mock.wire.encode import HttpResponse, encode, encode_error

log = logging.getLogger("kms_mock")

load_all()

_STATUS_ERRORS = {
    "NotEnabled": errors.SERVICE_NOT_ENABLED,
    "InDebt": errors.IN_DEBT,
    "InDebtOverdue": errors.IN_DEBT_OVERDUE,
    "RiskControl": errors.RISK_CONTROL,
}


class Gateway:
    """Answers API requests from a store."""

    def __init__(self, store: Store, sources: Sources) -> None:
        self.store = store
        self.sources = sources
        self._unknown_parameters: set[tuple[str, str]] = set()

    async def answer(self, http: HttpRequest) -> HttpResponse:
        """Answer one HTTP request; never raises for what a client sent."""
        began = time.perf_counter()
        request_id = self.sources.new_id()
        request: ApiRequest | None = None
        try:
            request = decode(http)
            operation = find(request.action)
            result = await self.run(operation, request, request_id)
            response = encode(result, xml=request.xml, request_id=request_id)
        except ApiError as error:
            response = self._refuse(error, http, request, request_id)
        except Exception:
            log.exception("internal error, request id %s", request_id)
            response = self._refuse(
                errors.INTERNAL_FAILURE("A bug in kms-mock; its log has the traceback."), http, request, request_id
            )
        if log.isEnabledFor(logging.INFO):
            self._log(request, response, (time.perf_counter() - began) * 1000)
        return response

    def malformed(self, http: HttpRequest, reason: str) -> HttpResponse:
        """Answer what never became a request: not HTTP, too large, too slow."""
        return self._refuse(errors.PARSE_REQUEST_PARAMETER(reason), http, None, self.sources.new_id())

    async def run(self, operation: Operation, request: ApiRequest, request_id: str) -> Mapping[str, Any]:
        """Run one operation; give its result tree. Raises ApiError, in the words of the operation's own table."""
        try:
            caller = self.authenticate(operation, request)
            arguments = operation.bind(request.parameters)
            dry_run = arguments.pop("dry_run", False)
            context = self._context(operation, caller, request, request_id)
            if operation.prepare is not None:
                work = operation.prepare(context, **arguments)
                if work is not None:
                    prepared = await asyncio.get_running_loop().run_in_executor(None, work)
                    # The store went on meanwhile: the handler sees it as it is now.
                    context = self._context(operation, caller, request, request_id)
                    context.prepared = prepared
            result = operation.handler(context, **arguments)
        except ApiError as error:
            raise operation.own(error) from error
        if dry_run:  # operations with DryRun change nothing, so running them is the check
            raise errors.DRY_RUN("DryRun: without it this request succeeds.")
        return {**result, "RequestId": request_id}

    def authenticate(self, operation: Operation, request: ApiRequest) -> Caller:
        """Find the caller, and check what does not depend on a resource: service status, RAM at all."""
        caller = self.store.caller(request.access_key_id)
        status = self.store.account(caller.account).status
        if status != "Enabled" and operation.needs_service:
            raise _STATUS_ERRORS[status](f"Account {caller.account} is {status} in the fixture file.")
        ram = caller.access_key.policy
        if ram is not None and permissions.effect(ram, operation.ram_action, "*") != "Allow":
            raise errors.NO_PERMISSION(f"The RAM policy of {caller.arn} never allows {operation.ram_action}.")
        return caller

    def _context(self, operation: Operation, caller: Caller, request: ApiRequest, request_id: str) -> Context:
        now = self.sources.now()
        partition = self.store.open(caller.account, request.region or self.store.default_region, now)
        return Context(self.store, partition, self.sources, caller, operation, now, request_id)

    def _refuse(self, error: ApiError, http: HttpRequest, request: ApiRequest | None, request_id: str) -> HttpResponse:
        xml = request.xml if request is not None else format_of(http)
        return encode_error(error, xml=xml, request_id=request_id)

    def _log(self, request: ApiRequest | None, response: HttpResponse, milliseconds: float) -> None:
        action = request.action[:60] if request is not None else "-"
        code = response.code or "ok"
        log.info("%s %s %s %.1f ms %s", action, response.status, code, milliseconds, response.request_id)


def find(action: str) -> Operation:
    """Find an operation by its name on the wire. Raises INVALID_ACTION."""
    found = REGISTRY.get(action)
    if found is None:
        raise errors.INVALID_ACTION(f"There is no operation {action[:60]!r} in version 2016-01-20.")
    return found
