"""The straight line of a request: decode -> find -> authenticate -> bind -> handler -> encode.

Every way out is the API's own envelope with a RequestId, a bug of ours included.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol

from kms_mock import errors
from kms_mock.context import Context
from kms_mock.errors import ApiError
from kms_mock.logs import trace
from kms_mock.model import permissions
from kms_mock.model.account import Caller
from kms_mock.model.store import Store
from kms_mock.model.table import Change
from kms_mock.operation import REGISTRY, Operation
from kms_mock.operations import load_all
from kms_mock.sources import Sources
from kms_mock.wire import signature
from kms_mock.wire.decode import (
    EXTRA_PARAMETERS,
    SYSTEM_PARAMETERS,
    ApiRequest,
    HttpRequest,
    decode,
    format_of,
    signed_request,
)
from kms_mock.wire.encode import HttpResponse, encode, encode_error

log = logging.getLogger("kms_mock")

load_all()

_STATUS_ERRORS = {
    "NotEnabled": errors.SERVICE_NOT_ENABLED,
    "InDebt": errors.IN_DEBT,
    "InDebtOverdue": errors.IN_DEBT_OVERDUE,
    "RiskControl": errors.RISK_CONTROL,
    "UbsmsInvalidUserid": errors.UBSMS_INVALID_USER,
    "UbsmsInvalidBid": errors.UBSMS_INVALID_BID,
}
_REGION = re.compile(r"[a-z0-9-]{1,64}")
_SIGNATURE_ERRORS: dict[signature.Kind, errors.ErrorSpec] = {
    "missing-access-key": errors.MISSING_PARAMETER,
    "incomplete": errors.INCOMPLETE_SIGNATURE,
    "missing-timestamp": errors.ILLEGAL_TIMESTAMP,
    "expired": errors.TIMESTAMP_EXPIRED,
    "unknown-access-key": errors.INVALID_ACCESS_KEY_ID,
    "missing-security-token": errors.MISSING_SECURITY_TOKEN,
    "mismatch": errors.SIGNATURE_DOES_NOT_MATCH,
}
_KNOWN = {operation.name: operation.names | SYSTEM_PARAMETERS for operation in REGISTRY.values()}
_MOST_NOTED = 1000
_LINE = "%s %s %s %.1f ms %s"  # what the log says of a request: action, status, code, how long, request id


class Fault(Protocol):
    """What strikes a request, and how its answer looks then."""

    async def strike(self, phase: Literal["before", "after"], operation: Operation) -> None:
        """Wait, or raise ApiError, if this is the phase for it."""

    def mangle(self, response: HttpResponse) -> HttpResponse:
        """Give the answer as the client shall see it."""


class Faults(Protocol):
    """Finds the fault for a request; false when there is none at all."""

    def __bool__(self) -> bool: ...

    def pick(self, operation: Operation, request: ApiRequest) -> Fault | None:
        """Find the fault that strikes this request."""


Record = Callable[[ApiRequest | None, Operation | None, HttpResponse, float, str, tuple[Change, ...]], None]


class Gateway:
    """Answers API requests from a store."""

    def __init__(self, store: Store, sources: Sources) -> None:
        self.store = store
        self.sources = sources
        # What stands beside the line; see `control`. Without them requests are just answered.
        self.faults: Faults | None = None
        self.record: Record | None = None
        self.say: Callable[..., None] | None = None
        self._noted: set[tuple[str, str]] = set()

    async def answer(self, http: HttpRequest) -> HttpResponse:
        """Answer one HTTP request; never raises for what a client sent."""
        began = time.perf_counter()
        request_id = self.sources.new_id()
        request: ApiRequest | None = None
        operation: Operation | None = None
        fault: Fault | None = None
        effects: tuple[Change, ...] = ()
        try:
            request = decode(http)
            operation = find(request.action)
            fault = self.faults.pick(operation, request) if self.faults else None
            if fault:
                await fault.strike("before", operation)
            result = await self.run(operation, request, request_id)
            if self.store.changes:  # taken before other requests get their turn
                effects = self.store.take_changes()
            if fault:
                await fault.strike("after", operation)
            response = encode(result, xml=request.xml, request_id=request_id, changed=bool(effects))
        except ApiError as error:
            response = self._refuse(error, http, request, request_id)
        except Exception as error:  # noqa: BLE001 (whatever it is: a bug must not leave the client without an answer)
            log.error("internal error, request id %s\n%s", request_id, trace(error))  # noqa: TRY400 (see trace)
            response = self._refuse(
                errors.INTERNAL_FAILURE("A bug in kms-mock; its log has the traceback."), http, request, request_id
            )
        delivered = fault.mangle(response) if fault else response
        milliseconds = (time.perf_counter() - began) * 1000
        if self.record:
            self.record(request, operation, response, milliseconds, str(fault or ""), effects)
        if self.say or log.isEnabledFor(logging.INFO):
            self._log(request, response, milliseconds)
        return delivered

    def malformed(self, http: HttpRequest, reason: str, *, bug: bool = False) -> HttpResponse:
        """Answer what never became a request (not HTTP, too large, too slow), or what a bug beside the line ended."""
        error = errors.INTERNAL_FAILURE if bug else errors.PARSE_REQUEST_PARAMETER
        response = self._refuse(error(reason), http, None, self.sources.new_id())
        if self.say or log.isEnabledFor(logging.INFO):
            self._log(None, response, 0.0)
        return response

    async def run(self, operation: Operation, request: ApiRequest, request_id: str) -> Mapping[str, Any]:
        """Run one operation; give its result tree. Raises ApiError, in the words of the operation's own table."""
        try:
            caller = self.authenticate(operation, request)
            arguments = operation.bind(request.parameters)
            dry_run = arguments.pop("dry_run", False)
            if not request.parameters.keys() <= _KNOWN[operation.name]:
                self._note_unknown(operation, request)
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
        """Find the caller, and check what does not depend on a resource: signature, service status, RAM at all."""
        if request.access_key_id != request.access_key_id.strip():
            raise errors.INVALID_ACCESS_KEY_ID_PARAMETER(
                "There are blanks around the AccessKey id.", name="AccessKeyId"
            )
        if self.store.authentication.verify_signatures:
            self._verify(request)
        caller = self.store.caller(request.access_key_id)
        status = self.store.account(caller.account).status
        if status != "Enabled" and operation.needs_service:
            raise _STATUS_ERRORS[status](f"Account {caller.account} is {status} in the fixture file.")
        ram = caller.access_key.policy
        if ram is not None:
            for action in operation.ram_actions:
                if permissions.effect(ram, action, "*") != "Allow":
                    raise errors.NO_PERMISSION(f"The RAM policy of {caller.arn} never allows {action}.")
        return caller

    def _verify(self, request: ApiRequest) -> None:
        """Check the signature of a request, and that it was not sent before."""
        now, signed = self.sources.real_now(), signed_request(request.http)
        problem = signature.check(signed, self.store.access_key_secret, now)
        if problem is not None:
            # The string to sign holds parameter values: it goes to the client, never into a log.
            refusal, reason = _SIGNATURE_ERRORS[problem.kind], problem.reason
            if problem.kind == "unknown-access-key" and self.store.owner(request.access_key_id):
                reason = f"AccessKey {request.access_key_id} has no secret in the fixture file to verify with."
            raise refusal(reason, name="AccessKeyId", detail=problem.string_to_sign)
        nonce = signed.header("x-acs-signature-nonce") or signed.parameter("SignatureNonce")
        if nonce and not self.store.is_new_nonce(request.access_key_id, nonce, now):
            raise errors.SIGNATURE_NONCE_USED("A request with this SignatureNonce was answered in the last 15 minutes.")

    def _note_unknown(self, operation: Operation, request: ApiRequest) -> None:
        """Log parameters that the operation does not know, each once: they are ignored, and may be misspelt."""
        for name in operation.unknown(request.parameters.keys() - SYSTEM_PARAMETERS - EXTRA_PARAMETERS):
            noted = (operation.name, name)
            if noted not in self._noted and len(self._noted) < _MOST_NOTED:
                self._noted.add(noted)
                log.warning("%s has no parameter %s: it is ignored", operation.name, ascii(name[:60]))

    def _context(self, operation: Operation, caller: Caller, request: ApiRequest, request_id: str) -> Context:
        now = self.sources.now()
        region = request.region or self.store.default_region
        if region != self.store.default_region and not _REGION.fullmatch(region):
            raise errors.INVALID_PARAMETER("RegionId is not a region's name.", name="RegionId")
        partition = self.store.open(caller.account, region, now)
        return Context(self.store, partition, self.sources, caller, operation, now, request_id)

    def _refuse(self, error: ApiError, http: HttpRequest, request: ApiRequest | None, request_id: str) -> HttpResponse:
        xml = request.xml if request is not None else format_of(http)
        return encode_error(error, xml=xml, request_id=request_id)

    def _log(self, request: ApiRequest | None, response: HttpResponse, milliseconds: float) -> None:
        action = (
            "-" if request is None else request.action if request.action in REGISTRY else ascii(request.action[:60])
        )
        said = (_LINE, action, response.status, response.code or "ok", milliseconds, response.request_id)
        if self.say:  # a tenth of what a log record costs
            self.say(*said)
        else:
            log.info(*said, extra={"reason": response.reason})


def find(action: str) -> Operation:
    """Find an operation by its name on the wire. Raises INVALID_ACTION."""
    found = REGISTRY.get(action)
    if found is None:
        raise errors.INVALID_ACTION(f"There is no operation {action[:60]!r} in version 2016-01-20.")
    return found
