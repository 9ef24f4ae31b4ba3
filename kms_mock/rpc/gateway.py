"""Answers one request: from its bytes to the answer, in this order.

decode -> find -> authenticate -> refuse early -> bind -> admit -> authorize -> prepare -> handler -> encode -> save ->
commit. Most operations that name a resource are authorized when `prepare` or the handler looks it up.

Every error is answered in the API's own envelope with a RequestId, even one caused by a bug in kms-mock.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kms_mock.defaults import MAX_BODY_BYTES, REGION
from kms_mock.identity.access import refusal_everywhere
from kms_mock.identity.accounts import AccessKey, Caller
from kms_mock.logs import LogRequest, trace
from kms_mock.rpc import errors
from kms_mock.rpc.api import Api, Operation
from kms_mock.rpc.authentication import Authenticator
from kms_mock.rpc.context import Check, Context
from kms_mock.rpc.decode import (
    EXTRA_PARAMETERS,
    SYSTEM_PARAMETERS,
    ApiRequest,
    HttpRequest,
    decode,
    is_name,
    wants_xml_answer,
)
from kms_mock.rpc.encode import HttpResponse, encode_error, encode_json, encode_xml
from kms_mock.rpc.errors import ApiError
from kms_mock.rpc.hooks import Fault, Faults, Record
from kms_mock.sources import Sources
from kms_mock.store.changes import Change
from kms_mock.store.store import Store
from kms_mock.suggestions import did_you_mean

log = logging.getLogger("kms_mock")

_REGION = re.compile(REGION)
_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
MAX_WARNED_NAME = 60  # characters
MAX_WARNINGS = 1000  # clients choose the names, so there must be an end


class Gateway:
    """Answers API requests from a store.

    The request hooks are optional, and cost nothing when absent. `guard` returns the reason to refuse a request before
    it is decoded, or "" to let it pass; `faults` picks the fault to inject; `save` writes what changed to the state
    file, or rolls it back and raises ApiError; `record` keeps each call for the journal and `log_request` writes a line
    for each answer. `sources` gives the time, ids and random bytes.
    """

    def __init__(
        self,
        apis: Iterable[Api],
        store: Store,
        sources: Sources,
        *,
        authenticator: Authenticator | None = None,
        guard: Callable[[HttpRequest], str] | None = None,
        faults: Faults | None = None,
        save: Callable[[], None] | None = None,
        record: Record | None = None,
        log_request: LogRequest | None = None,
    ) -> None:
        self.apis = tuple(apis)
        self._other_forms = tuple((api.wire_form, (api,)) for api in self.apis if api.wire_form is not None)
        rpc_apis = tuple(api for api in self.apis if api.wire_form is None)
        # For requests in none of the other forms; where no API is of the RPC style, others must answer those too.
        self._default_apis = rpc_apis or self.apis
        self.store = store
        self.sources = sources
        self._authenticator = authenticator or Authenticator(store, sources)
        self._guard = guard
        self._faults = faults
        self._save = save
        self._record = record
        self._log_request = log_request
        self._anonymous = Caller(store.default_account, AccessKey(""))
        # Which accounts passed the `check_account` of an API; the store empties it when that may have changed.
        self._may_use: dict[tuple[Api, str], bool] = store.account_cache()
        # Accounts that an API admits without counting their requests; emptied likewise.
        self._uncounted: dict[tuple[Api, str], bool] = store.account_cache()
        self._warned: set[tuple[str, str]] = set()

    async def answer(self, http: HttpRequest) -> HttpResponse:
        """Answer one HTTP request; never raises for what a client sent."""
        began = time.perf_counter()
        request_id = self.sources.new_id()
        request: ApiRequest | None = None
        operation: Operation | None = None
        fault: Fault | None = None
        committed: tuple[Change, ...] = ()
        apis = self._apis_of(http)
        checks: list[Check] = []  # for the journal: filled on the way by what is asked of policies
        try:
            request = self._decode(http, apis)
            operation = self._find(request, apis)
            fault = self._faults.pick(operation, request) if self._faults is not None and self._faults.active else None
            if fault:
                await fault.strike("before", operation)
            result = await self._run(operation, request, request_id, checks)
            response = self._encode(operation, request, result, request_id)
            # `unsaved` also holds what time caused, such as a purge; `changes` only what this request did.
            if self._save and self.store.unsaved:
                self._save()  # before the answer leaves
            if self.store.changes:
                committed = self.store.commit()  # before an await lets other requests run
            if fault:  # it may raise, and the changes stay: the client sees an error for work that was done
                await fault.strike("after", operation)
        except ApiError as error:
            self.store.roll_back()  # does nothing after the commit
            response = self._error_response(error, http, request, operation, request_id)
        except Exception as error:  # noqa: BLE001 (whatever it is: a bug must not leave the client without an answer)
            log.error("internal error, request id %s\n%s", request_id, trace(error))  # noqa: TRY400 (see trace)
            self.store.roll_back()
            bug = errors.INTERNAL_FAILURE("A bug in kms-mock; its log has the traceback.")
            response = self._error_response(bug, http, request, operation, request_id)
        delivered = fault.spoil(response) if fault else response  # journal and log keep the answer as it was before
        milliseconds = (time.perf_counter() - began) * 1000
        if self._record:
            self._record(request, operation, response, milliseconds, str(fault) if fault else "", committed, checks)
        if self._log_request:
            self._log(request, operation, response, milliseconds)
        return delivered

    async def _run(
        self, operation: Operation, request: ApiRequest, request_id: str, checks: list[Check]
    ) -> Mapping[str, Any]:
        """Run one operation; return its result tree. Raises ApiError, in the words of the operation's own table."""
        context: Context | None = None
        try:
            api = operation.api
            caller = self._authenticate(operation, request)
            is_limited = caller.policies is not None or caller.access_key.policy is not None
            if is_limited and operation.needs_permission:
                self._refuse_early(operation, caller, request, request_id, checks)
            arguments = operation.bind(request.parameters)
            dry_run = arguments.pop("dry_run", False)  # declared with @operation(dry_run=True); handlers do not take it
            self._warn_ignored(operation, request)
            context = self._context(operation, caller, request, request_id, checks)
            if (api, caller.account) not in self._uncounted:
                self._admit(context)
            if operation.container is not None:
                context.authorize_container()
            if operation.prepare is not None:
                work = operation.prepare(context, **arguments)  # must change nothing: other requests would commit it
                if work is not None:
                    prepared = await asyncio.get_running_loop().run_in_executor(None, work)
                    # Other requests ran meanwhile: the handler gets the partition as it is now.
                    context = self._context(operation, caller, request, request_id, checks, prepared)
            result = operation.handler(context, **arguments)
            if dry_run:
                if self.store.changes:
                    log.error("a dry run of %s changed something: it is undone", operation.name)
                raise errors.DRY_RUN("DryRun: without it this request succeeds.")
        except ApiError as error:
            if context is not None and operation.needs_permission:  # for the journal: what it never came to ask RAM
                context.add_checks_not_reached(context.named_arn(request.parameters), "unasked")
            raise _as_reported(operation, request, error) from error
        return {**result, "RequestId": request_id}

    def body_limit(self, http: HttpRequest) -> int:
        """Return how many bytes of body a request may have, from its head."""
        form = self._apis_of(http)[0].wire_form
        return MAX_BODY_BYTES if form is None else form.max_body

    def malformed(self, http: HttpRequest, reason: str, *, too_large: bool = False, bug: bool = False) -> HttpResponse:
        """Answer what is no whole request (not HTTP, too large, too slow), or was ended by a bug outside the gateway.

        `http` is what arrived of it, else a blank one; it decides the form of the answer.
        """
        spec = errors.INTERNAL_FAILURE if bug else errors.PARSE_REQUEST_PARAMETER
        if too_large and (form := self._apis_of(http)[0].wire_form) is not None:
            spec = form.too_large
        response = self._error_response(spec(reason), http, None, None, self.sources.new_id())
        if self._log_request:
            self._log(None, None, response, 0.0)
        return response

    def not_mocked(self, http: HttpRequest, text: str) -> HttpResponse:
        """Answer a request for a product that is not mocked; the text tells the client so."""
        host = http.headers.get("Host", "")
        xml = wants_xml_answer(http) or ".oss-" in f".{host}"  # clients of OSS read nothing else
        error = errors.HOST_NOT_MOCKED(text, detail=text)
        response = encode_error(error, xml=xml, root="Error", request_id=self.sources.new_id())
        if self._record:
            self._record(None, None, response, 0.0, "", (), ())
        if self._log_request:
            self._log(None, None, response, 0.0)
        return response

    def is_mocked(self, host: str) -> bool:
        """Return whether a host, in lower case, is a public one of the products that are answered here."""
        return any(api.has_host(host) for api in self.apis)

    def _apis_of(self, http: HttpRequest) -> tuple[Api, ...]:
        """Return the APIs whose requests travel as this one does: all of the RPC style, or the one of another form."""
        for form, apis in self._other_forms:
            if form.matches(http):
                return apis
        return self._default_apis

    def _decode(self, http: HttpRequest, apis: tuple[Api, ...]) -> ApiRequest:
        """Read a request that the guard lets pass. Raises FOREIGN_REQUEST, and what `decode` raises."""
        if self._guard and (problem := self._guard(http)):
            raise errors.FOREIGN_REQUEST(problem, detail=problem)
        form = apis[0].wire_form
        return decode(http, apis) if form is None else form.decode(http, apis[0].operations, self.store)

    def _find(self, request: ApiRequest, apis: tuple[Api, ...]) -> Operation:
        """Return the operation that a request names. Raises INVALID_VERSION, INVALID_ACTION."""
        for api in apis:
            if api.version == request.version and (found := api.find(request.action)) is not None:
                return found
        names = [name for api in apis if api.version == request.version for name in api.operations]
        if names:
            suggestion = did_you_mean(request.action, names) or "."
            raise errors.INVALID_ACTION(
                f"There is no operation {request.action[:60]!a} in version {request.version}{suggestion}",
                name=request.action[:60],
            )
        known = " or ".join(f"{api.version} ({api.product})" for api in apis)
        other = f"not {request.version}" if _DATE.fullmatch(request.version or "") else "no other"
        raise errors.INVALID_VERSION(f"The version is {known}, {other}.", name=(request.version or "")[:60])

    def _authenticate(self, operation: Operation, request: ApiRequest) -> Caller:
        """Return who sent a request. Raises what refuses the sender, or an account that may not use the product."""
        api = operation.api
        if operation.anonymous:
            caller = self._anonymous
        elif api.wire_form is None:
            caller = self._authenticator.authenticate(request)
        else:
            caller = api.wire_form.authenticate(request, self.sources)
        if operation.needs_service and api.check_account is not None and (api, caller.account) not in self._may_use:
            api.check_account(self.store, caller.account)
            self._may_use[api, caller.account] = True
        return caller

    def _refuse_early(
        self,
        operation: Operation,
        caller: Caller,
        request: ApiRequest,
        request_id: str,
        checks: list[Check],
    ) -> None:
        """Refuse what RAM denies on every resource, before parameters are bound; the handler checks the resource."""
        api, account = operation.api, caller.account
        for action in operation.ram_actions:
            if action in caller.possible_actions:  # a cache, filled by refusal_everywhere()
                continue
            denial = refusal_everywhere(
                caller,
                action,
                # A resource's own policy may allow what RAM does not; asked last, for it goes through all partitions.
                resources_have_policies=lambda: any(map(api.has_policies, self.store.partitions(account))),
            )
            if denial is not None:
                context = self._context(operation, caller, request, request_id, checks)
                arn = context.named_arn(request.parameters)
                context.add_checks_not_reached(arn, "refused")
                # An application gets the text without an ARN (behaviour.md 21).
                names_arn = arn is not None and caller.application is None
                spec = errors.NO_PERMISSION_ON if names_arn else errors.NO_PERMISSION
                raise spec(denial.explain(arn), arn=arn or "")

    def _warn_ignored(self, operation: Operation, request: ApiRequest) -> None:
        # Cheap, and enough for most requests; _warn_unknown_parameters() looks closely.
        if not request.parameters.keys() <= operation.accepted:
            self._warn_unknown_parameters(operation, request)
        if request.http.listener_region is not None:
            self._warn_ignored_region(request)

    def _warn_unknown_parameters(self, operation: Operation, request: ApiRequest) -> None:
        """Warn once about each parameter that the operation does not know: it is ignored, and may be misspelt."""
        for name in operation.unknown(request.parameters.keys() - SYSTEM_PARAMETERS - EXTRA_PARAMETERS):
            # What is no plausible name may be a secret, from a body that is no form: it is not logged.
            shown = ascii(name[:MAX_WARNED_NAME]) if is_name(name, request.parameters[name]) else ""
            warning = (operation.name, shown)
            if warning not in self._warned and len(self._warned) < MAX_WARNINGS:
                self._warned.add(warning)
                what = shown or "of a name like that (is the body not form-encoded?)"
                log.warning("%s has no parameter %s: it is ignored", operation.name, what)

    def _warn_ignored_region(self, request: ApiRequest) -> None:
        """Warn once about each RegionId that differs from the region of the endpoint: that of the endpoint is used."""
        named = request.parameters.get("RegionId")
        warning = (request.region or "", (named or "")[:MAX_WARNED_NAME])
        if named and named != request.region and warning not in self._warned and len(self._warned) < MAX_WARNINGS:
            self._warned.add(warning)
            log.warning("RegionId %s is ignored: this is the endpoint of %s", ascii(warning[1]), request.region)

    def _admit(self, context: Context) -> None:
        """Count a request against the limits of its account. Raises what its API raises for one too many."""
        api = context.operation.api
        is_counted = api.admit is not None and api.admit(context)
        if not is_counted:
            self._uncounted[api, context.caller.account] = True

    def _context(  # noqa: PLR0917 (on the way of every request, where names cost)
        self,
        operation: Operation,
        caller: Caller,
        request: ApiRequest,
        request_id: str,
        checks: list[Check],
        prepared: Any = None,
    ) -> Context:
        store, sources, region = self.store, self.sources, request.region
        now = sources.now()
        if region is None:
            region = store.default_region
        elif region != store.default_region and not _REGION.fullmatch(region):
            raise errors.INVALID_PARAMETER("RegionId is not a region's name.", name="RegionId")
        partition = store.open(caller.account, region, now)  # what is due by now, such as a purge, happens here
        return operation.api.context(
            store, partition, sources, caller, operation, now, request_id, request.http, checks, prepared
        )

    def _encode(
        self, operation: Operation, request: ApiRequest, result: Mapping[str, Any], request_id: str
    ) -> HttpResponse:
        """Encode a result in the form that the client asked for. Raises ApiError for what XML cannot carry."""
        form = operation.api.wire_form
        if form is not None:
            return form.encode(operation, result)
        if not request.xml:
            return encode_json(result, request_id)
        # XML cannot carry all characters: after a change they are replaced, since refusing would undo the change.
        return encode_xml(result, request_id, operation.xml_root, changed=bool(self.store.changes))

    def _error_response(
        self,
        error: ApiError,
        http: HttpRequest,
        request: ApiRequest | None,
        operation: Operation | None,
        request_id: str,
    ) -> HttpResponse:
        """Encode an error in the form that the client asked for."""
        form = self._apis_of(http)[0].wire_form
        if form is not None:
            return form.encode_error(error, request_id)
        xml = request.xml if request is not None else wants_xml_answer(http)
        root = self._asked_root(request) if operation is None else operation.xml_root
        return encode_error(error, xml=xml, root=root, request_id=request_id)

    def _asked_root(self, request: ApiRequest | None) -> str:
        """Return the root of an error whose operation is unknown: by the request's version, else of the first API."""
        version = None if request is None else request.version
        asked = next((api for api in self.apis if api.version == version), self.apis[0])
        return asked.xml_root.replace("{operation}", "Error")  # "{operation}Response" becomes "ErrorResponse"

    def _log(
        self, request: ApiRequest | None, operation: Operation | None, response: HttpResponse, milliseconds: float
    ) -> None:
        assert self._log_request is not None  # noqa: S101 (where it is called, this is checked)
        resource, code = "", response.code
        if code and request is not None and operation is not None:
            resource = ", ".join(operation.resources_named(request.parameters))
        action = "" if request is None else request.action
        self._log_request(action, response.status, code, milliseconds, response.request_id, resource, response.reason)


def _as_reported(operation: Operation, request: ApiRequest, error: ApiError) -> ApiError:
    """Return an error in the words of the operation's table; in a dry run some have DryRun's codes (design.md 6)."""
    if operation.is_dry_run(request.parameters):  # of the request: it may have failed before its arguments were bound
        code = error.spec.code
        if code == errors.NO_PERMISSION.code:
            return errors.DRY_RUN_ACCESS_DENIED(error.reason)
        if code in (errors.MISSING_PARAMETER.code, errors.INVALID_PARAMETER.code) and error.names.get("name"):
            return errors.DRY_RUN_VALIDATION(error.reason, **error.names)
    return operation.reworded(error)
