"""A mock that steps are done to, and what must be true after each: the oracle of a campaign.

The mock runs in this process, without HTTP but for the steps of the wire, on a clock that stands still, and every step
has random bytes of its own: the same steps have the same results, also when some before them are left out.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import traceback
from pathlib import Path
from typing import Any

from multidict import CIMultiDict, CIMultiDictProxy

from kms_mock import KmsMock
from kms_mock.control.calls import Call
from kms_mock.fixtures import FixtureError
from kms_mock.kms.dedicated.wire import MEDIA_TYPE as PROTOBUF_TYPE
from kms_mock.products import APIS
from kms_mock.recording import Recording
from kms_mock.rpc.api import Operation
from kms_mock.rpc.decode import HttpRequest
from kms_mock.rpc.encode import JSON_TYPE, XML_TYPE, HttpResponse
from kms_mock.server.control_api import ControlApi
from kms_mock.server.credential_endpoints import CredentialEndpoints
from kms_mock.server.listener import HttpServer
from kms_mock.server.special import PREFIX
from kms_mock.store.changes import difference
from kms_mock.store.store import StoreState
from kms_mock.store.times import END_OF_TIME
from tests.fuzz import wire
from tests.fuzz.checks import (
    Finding,
    document_of,
    exposed,
    first_difference,
    has_planted,
    is_for_proxy,
    is_misplaced,
    last_line,
    require,
    without_counts,
    words,
)
from tests.fuzz.looks import Writes, first_events, saved_records, values_of, with_state_file
from tests.fuzz.steps import ApiStep, ControlStep, DedicatedStep, EndpointStep, FixtureStep, Pairs, Step, WireStep
from tests.fuzz.worlds import LIMITED, World, make_worlds

START = "2030-01-01T00:00:00Z"
OPERATIONS: dict[str, Operation] = {
    name: found for api in APIS if api.wire_form is None for name, found in api.operations.items()
}
DEDICATED: dict[str, Operation] = {
    name: found for api in APIS if api.wire_form is not None for name, found in api.operations.items()
}
_BUG = 500
_BAD_GATEWAY = 502
_CONTROL_STATUSES = (200, 400, 403, 404, 405, 409, 413, 415)
_ENDPOINT_STATUSES = (200, 400, 403, 404, 405)
_SECONDS_OF_STEP = 0.2  # where rates are limited
_MAX_STEP = 0.1  # seconds that a fault of the campaign may hold a request


class _Lines(logging.Handler):
    """Keeps the lines of the log."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.errors: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        if record.levelno >= logging.ERROR:
            self.errors.append(record.getMessage())

    def take(self) -> tuple[list[str], list[str]]:
        """Return all lines, and those of errors, and forget them."""
        found = self.lines, self.errors
        self.lines, self.errors = [], []
        return found


class Machine:
    """One mock. `signal` is what the last step reached: what a guided campaign keeps a step for."""

    def __init__(self, state_file: Path | None = None) -> None:
        self.kms = KmsMock(seed=1, log_request=self._log_request)
        self.state_file = None if state_file is None else with_state_file(state_file, self.kms)
        self.clock = self.kms.clock
        self.control = ControlApi(self.kms.controls, self.kms.config, self.kms.certificates)
        self.endpoints = CredentialEndpoints(self.kms.store, self.kms._guard, self.kms._commit)  # noqa: SLF001 (as `http_server` makes it)
        self.recording = Recording(self.kms.store)
        self.kms.calls.watch(lambda call: self.recording.add(call))  # noqa: PLW0108 (each world has its own)
        self.misplaced = False
        """Whether a step may have put the planted value where no secret belongs: then it may be shown."""
        self.runner = asyncio.Runner()
        self.server: HttpServer | None = None
        self.signal: tuple[str, ...] = ()
        self.answer: HttpResponse | None = None
        self._log = _Lines()
        self._writes = Writes()
        logging.getLogger("kms_mock").addHandler(self._log)
        self._generator: random.Random = self.kms.sources.random_bytes.__self__  # type: ignore[attr-defined]
        self._set_clock()
        self.worlds = make_worlds(self.kms, self._call)
        self.state: StoreState = self.kms.store.state()
        self.world = ""

    def close(self) -> None:
        """End what the machine started."""
        logging.getLogger("kms_mock").removeHandler(self._log)
        self._writes.stop()
        if self.server is not None:
            self.runner.run(self.server.stop())
        self.runner.close()
        self.kms.stop()

    def enter(self, world: World) -> None:
        """Go back to a state, with the clock, the faults and the journal as at first."""
        self.kms.reset()
        self._set_clock()
        self.kms.controls.restore(world.state)
        self.recording = Recording(self.kms.store)
        self.kms.store.changes.clear()
        self.misplaced = False
        self.world = world.name
        self.state = self.kms.store.state()
        self._log.take()

    def _set_clock(self) -> None:
        self.clock.freeze()
        self.clock.set(START)

    def _log_request(  # noqa: PLR0917 (the signature of the hook)
        self, action: str, status: int, code: str, milliseconds: float, request_id: str, resource: str, reason: str
    ) -> None:
        self._log.lines.append(f"{action} {status} {code} {milliseconds} {request_id} {resource} {reason}")

    def _call(self, operation: str, **parameters: str) -> dict[str, Any]:
        step = ApiStep(operation, OPERATIONS[operation].api.version, tuple(parameters.items()))
        answer = self.runner.run(self.kms.gateway.answer(step.http()))
        assert answer.status == 200, answer.body
        found: dict[str, Any] = json.loads(answer.body)
        return found

    # -- steps --------------------------------------------------------------------------------------------------------

    async def do(self, number: int, step: Step) -> None:
        """Do one step. Raises Finding; `number` alone decides the random bytes."""
        self._generator.seed(number)
        before = self.state
        try:
            if isinstance(step, ApiStep | DedicatedStep):
                await self._api(step, before)
            elif isinstance(step, EndpointStep):
                await self._endpoint(step, before)
            elif isinstance(step, ControlStep):
                await self._control(step, before)
            elif isinstance(step, FixtureStep):
                self._fixture(step, before)
            else:
                await self._wire(step, before)
        except Finding:
            raise
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            kind = f"{type(error).__name__} in {last.name}, {last.filename.rpartition('/')[2]}:{last.lineno}"
            raise Finding(f"{type(step).__name__}: {kind}", traceback.format_exc()[-3000:]) from error
        _, errors = self._log.take()
        require(not errors, f"error in the log: {last_line(errors)}", "\n".join(errors))
        require(not self.kms.store.changes, "changes left over", self.kms.store.changes)

    async def _api(self, step: ApiStep | DedicatedStep, before: StoreState) -> None:
        if self.world == LIMITED:
            self.clock.advance(min(_SECONDS_OF_STEP, END_OF_TIME - self.clock.now()))
            before = self.kms.store.state()
        http = step.http()
        count = self.kms.calls.count
        writes = self._writes.count
        answer = await self.kms.gateway.answer(http)
        # A copy of the state is a tenth of the work, and most requests write nothing; `check_state` looks for the rest.
        after = self.state = before if self._writes.count == writes else self.kms.store.state()
        self.answer = answer
        call = self.kms.calls.last
        reason = "".join(letter for letter in answer.reason[:60] if letter.isalpha() or letter == " ")
        operation = OPERATIONS.get(step.operation) if isinstance(step, ApiStep) else DEDICATED.get(step.name)
        self.signal = ("" if operation is None else operation.name, answer.code, reason)
        assert call is not None
        self._check_answer(answer, call.fault)
        require(self.kms.calls.count == count + 1, "a call missing in the journal")
        self._check_call(call, answer, before, after)
        self._check_secrecy(values_of(step, operation), answer, operation)

    def _check_answer(self, answer: HttpResponse, fault: str) -> None:
        if answer.status >= _BUG and not fault:
            errors = self._log.take()[1]
            raise Finding(f"status {answer.status}: {last_line(errors)}", "\n".join(errors)[-3000:])
        if answer.content_type == PROTOBUF_TYPE:
            require(answer.request_id.encode() in answer.body, "no RequestId", answer.body)
            return
        require(answer.content_type in (JSON_TYPE, XML_TYPE), "content type", answer.content_type)
        if fault and "malformed" in fault:
            return
        tree = document_of(answer.content_type, answer.body)
        require(tree.get("RequestId") == answer.request_id, "no RequestId", answer.body[:500])
        if answer.code:
            require(list(tree) == ["HttpStatus", "Code", "Message", "RequestId"], "the envelope of errors", tree)
            require((tree["Code"], str(tree["HttpStatus"])) == (answer.code, str(answer.status)), "code", tree)
        else:
            require(answer.status == 200, "a success has status 200", answer.status)

    def _check_call(self, call: Call, answer: HttpResponse, before: StoreState, after: StoreState) -> None:
        require((call.status, call.code) == (answer.status, answer.code), "journal and answer differ", call)
        if answer.code and " after " not in call.fault:
            if after != before and without_counts(after) != without_counts(before):
                changes = [change.describe() for change in difference(before, after)]
                raise Finding(f"a refusal changed the store: {call.action} {call.code}", repr(changes or "unlogged"))
            require(not call.effects, f"effects of a refusal: {call.action} {call.code}", call.changes)
        elif after != before:
            changed = {(change.place, change.resource.name, change.id) for change in difference(before, after)}
            noted = {(effect.place, effect.resource.name, effect.id) for effect in call.effects}
            require(changed <= noted, f"changes that the journal lacks: {call.action}", changed - noted)

    def _check_secrecy(self, sent: Pairs, answer: HttpResponse, operation: Operation | None) -> None:
        sensitive = (
            {parameter.name for parameter in operation.parameters if parameter.sensitive} if operation else set()
        )
        harmless = [value for name, value in sent if name not in sensitive]
        if not has_planted("\n".join(value for _, value in sent)):
            return
        if has_planted("\n".join(harmless)):
            self.misplaced = True
            return
        require(not has_planted(answer.reason), "a secret value in a reason", answer.reason)
        if answer.code and answer.code != "SignatureDoesNotMatch":  # that one has the string to sign, as the service's
            require(not has_planted(answer.body.decode(errors="replace")), "a secret value in an error", answer.body)
        require(not any(map(has_planted, self._log.lines)), "a secret value in the log", self._log.lines)
        call = self.kms.calls.last
        assert call is not None
        require(not has_planted(str(call.parameters) + "".join(call.changes)), "a secret value in the journal", call)

    async def _control(self, step: ControlStep, before: StoreState) -> None:
        self.misplaced = self.misplaced or is_misplaced(step.body + step.path.encode("utf-8", "surrogatepass"))
        headers = CIMultiDictProxy(CIMultiDict(step.headers))
        now, faults = self.clock.now(), len(list(self.kms.faults))
        calls = len(self.kms.calls)
        http = HttpRequest(step.method, PREFIX + step.path, headers, step.body, peer="127.0.0.1")
        answer = await self.control.answer(http)
        shown = answer.body + await first_events(answer)
        after = self.kms.store.state()
        self.signal = (
            "control",
            step.method + step.path.partition("?")[0][:20],
            str(answer.status),
            words(answer.body),
        )
        require(answer.status in _CONTROL_STATUSES, f"control status {answer.status}", answer.body[:500])
        document = json.loads(answer.body) if answer.content_type == "application/json" else {}
        if answer.status != 200:
            require(list(document) == ["error"], "the control API's errors", document)
            require(after == before, "a refused control request changed the store", step)
            require((now, faults) == (self.clock.now(), len(list(self.kms.faults))), "clock or faults changed", step)
            require(calls == len(self.kms.calls), "calls forgotten", step)
            require(not exposed(step.body, answer.body.decode()), "a secret value in a control error", answer.body)
        if not self.misplaced:
            require(
                not has_planted(shown.decode(errors="replace")), f"shown by {step.path[:20]}: a secret value", shown
            )
        require(self.control.streams == 0, "a stream that does not end", step)
        self._settle_down()

    async def _endpoint(self, step: EndpointStep, before: StoreState) -> None:
        http = step.http()
        if not self.endpoints.answers(http):  # the API does, or the control API
            self.signal = ("endpoint", "", "", "")
            return
        answer = await self.endpoints.answer(http)
        after = self.state = self.kms.store.state()
        self.signal = ("endpoint", step.target[:40], str(answer.status), words(answer.body))
        require(answer.status in _ENDPOINT_STATUSES, f"endpoint status {answer.status}", answer.body)
        if answer.status != 200:
            require(after == before, "a refused request for credentials changed the store", step)
        elif answer.content_type == "application/json":
            require(json.loads(answer.body)["Code"] == "Success", "credentials", answer.body)
        require(not difference(before, after) or answer.status == 200, "changes", step)

    def _settle_down(self) -> None:
        """Make the next steps possible: the clock stands still, and no fault takes long."""
        self.clock.freeze()
        self.clock.advance(0)
        for fault in self.kms.faults:
            latency = fault.spec.latency
            longest = max([0.0, *latency]) if isinstance(latency, list) else latency or 0.0
            if longest > _MAX_STEP or fault.spec.effect == "slow":
                self.kms.controls.faults.remove(fault.number)
        self.state = self.kms.store.state()

    def _fixture(self, step: FixtureStep, before: StoreState) -> None:
        document = json.loads(step.text)
        self.misplaced = self.misplaced or is_misplaced(step.text.encode())
        try:
            self.kms.load(document)
        except FixtureError as error:
            text = "".join(traceback.format_exception(error))
            self.signal = ("fixture", "refused", words(str(error).encode()))
            require(self.kms.store.state() == before, "a refused fixture changed the store", str(error))
            require(not exposed(step.text.encode(), text), "a secret value in a fixture error", text)
        else:
            self.signal = ("fixture", "loaded")
            saved = self.kms.snapshot()
            msgspec_size = len(json.dumps(saved))
            require(msgspec_size < 64 * 2**20, "a fixture that grows", msgspec_size)
            self._settle_down()

    def check_state(self) -> None:
        """Compare the store with what the steps were told of it. Raises Finding."""
        state = self.kms.store.state()
        require(state == self.state, "a change that no step saw", difference(self.state, state))

    def round_trip(self) -> None:
        """Load the snapshot of the store into another mock, whose snapshot is the same. Raises Finding."""
        saved = self.kms.snapshot()
        twin = KmsMock(seed=2)
        twin.clock.freeze()
        twin.clock.set(self.clock.now())
        try:
            twin.controls.replace(saved)
        except FixtureError as error:
            raise Finding(f"a snapshot does not load: {error.path}", str(error)[:2000]) from error
        again = twin.snapshot()
        for document in (saved, again):
            for account in document.get("accounts", []):
                account.get("regions", []).sort(key=lambda region: region["id"])
        require(saved == again, "a snapshot loads to another store", first_difference(saved, again))

    def check_recording(self) -> None:
        """Load what was recorded, which is what calls did not find. Raises Finding."""
        document = self.recording.document({})
        try:
            KmsMock(document)
        except FixtureError as error:
            raise Finding(
                f"what was recorded does not load: {words(error.problem.encode())}", str(error)[:2000]
            ) from error

    def restart(self) -> None:
        """Close the state file and open it again, which fills the store anew: it is as it was. Raises Finding."""
        state = self.state_file
        assert state is not None
        state.close()
        before, clock = saved_records(self.kms.store), self.clock.state
        self.kms.store.clear()
        state.open()
        require(
            saved_records(self.kms.store) == before,
            "a state file holds another store",
            before.keys() ^ saved_records(self.kms.store).keys(),
        )
        require(self.clock.state == clock, "a state file holds another clock", clock)

    async def _wire(self, step: WireStep, before: StoreState) -> None:
        self.misplaced = self.misplaced or is_misplaced(b"".join(step.writes))
        if self.server is None:
            self.server = self.kms.http_server()
            self.server.start()
        count = self.kms.calls.count
        received = await wire.send_and_read(self.server.port, step.writes)
        require(received is not None, "the server does not close", step)
        assert received is not None
        answers = wire.parse(received)
        self.signal = ("wire", *(str(status) for status, _, _ in answers[:4]))
        for status, kind, body in answers:
            refused = status == _BAD_GATEWAY and is_for_proxy(b"".join(step.writes))
            if status >= _BUG and not refused and not self.kms.faults:
                raise Finding(f"wire status {status}: {last_line(self._log.take()[1])}", repr(step)[:2000])
            if body and kind in (JSON_TYPE, XML_TYPE):
                require("RequestId" in document_of(kind, body) or any(self.kms.faults), "no RequestId", body)
        after = self.kms.store.state()
        if difference(before, after):
            calls = [call for call in self.kms.calls if call.number > count]
            controlled = PREFIX.encode() in b"".join(step.writes)
            require(controlled or any(call.effects for call in calls), "bytes that changed the store unnoticed", calls)
        self._settle_down()
