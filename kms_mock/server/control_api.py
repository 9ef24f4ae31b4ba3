"""The control API under `/_kms_mock/`: what the Python handle can do, for other languages and for curl.

It answers only to this machine unless told otherwise, refuses what a web page of another origin can send (see
`guards`), takes only JSON, and shows no secret unless the server was started with --reveal-secrets, but for the client
keys that it hands out. `health` is never refused: it is for whoever waits for the server.
"""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from kms_mock.config import Config
from kms_mock.control.clock import Clock
from kms_mock.control.controls import Controls
from kms_mock.control.coverage import operations
from kms_mock.control.faults import FaultSpec
from kms_mock.control.minimal_policy import access_points, minimal_policies, named_identity
from kms_mock.defaults import CLIENT_KEY_PASSWORD, MAX_BODY_BYTES, MAX_DOCUMENT_BYTES
from kms_mock.fixtures import FixtureError, client_keys
from kms_mock.fixtures.files import FixtureDocument
from kms_mock.fixtures.key_pairs import missing_key_pairs
from kms_mock.fixtures.reader import Reading, read_body, read_json
from kms_mock.logs import printable
from kms_mock.rpc.decode import HttpRequest, writable
from kms_mock.rpc.encode import HttpResponse
from kms_mock.server import documents, inspection, live, openapi, page
from kms_mock.server.certificates import Certificates
from kms_mock.server.documents import RequestsQuery
from kms_mock.server.guards import ControlGuard
from kms_mock.server.routes import ControlProblem, ControlResponse, Route, Router, json_response
from kms_mock.server.special import PREFIX
from kms_mock.server.state_document import state_document
from kms_mock.store.changes import describe, difference
from kms_mock.store.errors import StateError
from kms_mock.store.events import Event
from kms_mock.store.store import StoreState
from kms_mock.store.times import iso
from kms_mock.suggestions import did_you_mean
from kms_mock.version import VERSION

MAX_CHECKPOINTS = 100  # each holds on to everything that was there
_HEALTH = PREFIX + "health"
_MAX_SOURCE = 200  # characters
_FILTERS = frozenset(RequestsQuery.__struct_fields__)
_POLICY_OPTIONS = frozenset(documents.PoliciesQuery.__struct_fields__)


class ClockRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What to do with the clock; several are done in this order."""

    reset: bool = False
    set: str | float | None = None
    advance: str | float | None = None
    tick_rate: float | None = None
    freeze: bool | None = None

    def move(self, clock: Clock) -> list[Event]:
        """Move the clock; return what became due. Raises ValueError."""
        events: list[Event] = []
        if self.reset:
            clock.reset()
        if self.freeze is not None:
            clock.tick_rate = 0.0 if self.freeze else 1.0
        if self.tick_rate is not None:
            clock.tick_rate = self.tick_rate
        if self.set is not None:
            events += clock.set(self.set)
        if self.advance is not None:
            events += clock.advance(self.advance)
        return events


class ClientKeyRequest(msgspec.Struct, forbid_unknown_fields=True):
    """For which KMS instance a client key is wanted, and the password of its file."""

    instance: str | None = None
    password: str = CLIENT_KEY_PASSWORD


class ControlApi:
    """Answers control requests for one server."""

    def __init__(self, controls: Controls, config: Config, certificates: Certificates) -> None:
        self.controls = controls
        self.config = config
        self.certificates = certificates
        self.router = Router(ROUTES)
        self.changes = 0  # how many requests may have changed something
        self.streams = 0  # of events
        self.run = f"{os.getpid()}-{id(self):x}"  # tells it from another server at the same address
        self._guard = ControlGuard(config)
        self._checkpoints: dict[str, StoreState] = {}
        self._checkpoint_count = 0

    async def answer(self, http: HttpRequest) -> ControlResponse:
        """Answer one request; never raises for what a client sent."""
        try:
            path, query_text = http.origin
            if path != _HEALTH:
                self._check(http)
            if not path.startswith(PREFIX):
                return page.REDIRECT
            route, rest = self.router.find(http.method, path)
            query = dict(parse_qsl(query_text, keep_blank_values=True))
            if last_event := http.headers.get("Last-Event-ID"):  # a browser that reconnects
                query["since"] = last_event
            result = route.handler(self, query, http.body, rest)
            if inspect.isawaitable(result):
                result = await result
        except ControlProblem as problem:
            return _refusal(problem.status, problem, {"Allow": problem.allow} if problem.allow else {})
        except (FixtureError, msgspec.MsgspecError, ValueError) as error:
            return _refusal(400, error)
        except StateError as error:
            return _refusal(500, error)
        if http.method not in ("GET", "HEAD") and not route.reads_only:
            self.changes += 1
        return result if isinstance(result, ControlResponse) else json_response(200, result)

    def body_limit(self, http: HttpRequest) -> int:
        """Return how many bytes of body to read after the head of a request: of a stranger's no more than usual."""
        try:
            self._check(http)
        except ControlProblem:
            return MAX_BODY_BYTES
        return MAX_DOCUMENT_BYTES

    def unreadable(self, problem: str) -> HttpResponse:
        """Return the last answer on a connection, to a request whose body could not be read."""
        return HttpResponse(400, "application/json", "", json_response(400, {"error": problem}).body)

    def _check(self, http: HttpRequest) -> None:
        """Check that a program or an own page on an allowed machine sent this. Raises ControlProblem."""
        refusal = self._guard(http)
        if refusal:
            raise ControlProblem(403, refusal)
        kind = http.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if (http.body or kind) and kind != "application/json":  # the type alone: an empty form is a page's too
            raise ControlProblem(415, "the control API takes only application/json")

    # -- what it can do -----------------------------------------------------------------------------------------------

    def health(self, _query: Mapping[str, str], _body: bytes, _rest: str) -> Any:
        """Confirm that the server works."""
        return {"status": "ok", "version": VERSION, "now": iso(self.controls.clock.now())}

    def reset(self, _query: Mapping[str, str], _body: bytes, _rest: str) -> Any:
        """Go back to the fixture files; clock, faults, calls and checkpoints start anew."""
        self.controls.reset()
        self._checkpoints.clear()
        return {}

    async def get_state(self, _query: Mapping[str, str], _body: bytes, _rest: str) -> Any:
        """Return the store as a fixture document; secrets masked unless the server may reveal them."""
        return await self.state_document(as_json=True)

    async def state_document(self, *, as_json: bool = False) -> dict[str, Any]:
        """Return what is in the store now as a fixture document, as this server shows it."""
        return await state_document(self.controls.store, reveal_secrets=self.config.reveal_secrets, as_json=as_json)

    async def put_state(self, query: Mapping[str, str], body: bytes, _rest: str) -> Any:
        """Replace the store by a fixture document, or by a list of them: all or nothing."""
        self.controls.replace(*await self._documents(query, body))
        return {}

    async def post_state(self, query: Mapping[str, str], body: bytes, _rest: str) -> Any:
        """Add a fixture document to the store, or a list of them: all or nothing."""
        self.controls.add(*await self._documents(query, body))
        return {}

    async def _documents(self, query: Mapping[str, str], body: bytes) -> list[Reading]:
        """Read fixture documents, and make the key pairs in them, which take long, off the loop."""
        found = _documents(query, body)
        for document in found:
            for missing in missing_key_pairs(document.tree, self.controls.store.sources):
                missing.fill_in(await asyncio.get_running_loop().run_in_executor(None, missing.make))
        return found

    def get_clock(self, _query: Mapping[str, str], _body: bytes, _rest: str) -> Any:
        """Return the time of the clock."""
        return self._clock_document([])

    def put_clock(self, _query: Mapping[str, str], body: bytes, _rest: str) -> Any:
        """Set, advance, freeze the clock, or nothing of it if something is wrong; return what became due."""
        wanted = read_json(body, ClockRequest)
        wanted.move(self.controls.clock.detached())
        return self._clock_document(self.controls.commit(lambda: wanted.move(self.controls.clock)))

    def _clock_document(self, events: list[Event]) -> Any:
        clock = self.controls.clock
        happened = [{**msgspec.to_builtins(event), "at": iso(event.at)} for event in events]
        return {"now": iso(clock.now()), "frozen": clock.frozen, "tick_rate": clock.tick_rate, "events": happened}

    def get_requests(self, query: Mapping[str, str], _body: bytes, _rest: str) -> Any:
        """List calls: all, or those with this action, code, access_key_id, or newer than the number `since`.

        `unmasked=true` shows secret values too, if the server may reveal them.
        """
        filters = {name: query[name] for name in ("code", "access_key_id") if name in query}
        for name in query.keys() - _FILTERS:
            raise ValueError(f"requests have no filter {name[:40]!r}{did_you_mean(name, _FILTERS) or '.'}")
        journal, since = self.controls.journal, int(query.get("since", 0))
        calls = [call for call in journal.filter(query.get("action"), **filters) if call.number > since]
        unmasked = self.may_unmask(query)
        return {
            "requests": [call.document(unmasked=unmasked) for call in calls],
            "evicted": journal.evicted,
            "size": journal.size,
            "bytes": journal.used_bytes,
            "max_bytes": journal.max_bytes,
        }

    def may_unmask(self, query: Mapping[str, str]) -> bool:
        """Return whether a query asks for secret values. Raises ControlProblem when they may not be shown."""
        unmasked = query.get("unmasked") == "true"
        if unmasked and not self.config.reveal_secrets:
            raise ControlProblem(403, "secret values are shown only by a server started with --reveal-secrets")
        return unmasked

    def delete_requests(self, _query: Mapping[str, str], _body: bytes, _rest: str) -> Any:
        """Forget all calls."""
        self.controls.journal.clear()
        return {}

    def get_policies(self, query: Mapping[str, str], _body: bytes, _rest: str) -> Any:
        """Return the least RAM policies for what was used, of all identities or of one; with what RAM refused, too.

        The access points whose client keys were used are told apart: no policy of RAM is about them.
        """
        for name in query.keys() - _POLICY_OPTIONS:
            raise ValueError(f"policies have no option {name[:40]!r}{did_you_mean(name, _POLICY_OPTIONS) or '.'}")
        uses = self.controls.journal.uses.since(0)
        found = minimal_policies(uses, include_refused=query.get("include_refused") == "true")
        if "identity" in query:
            identity = named_identity(found, query["identity"])
            found = {identity: found[identity]}
        return {"policies": found, "access_points": access_points(uses)}

    def get_faults(self, _query: Mapping[str, str], _body: bytes, _rest: str) -> Any:
        """List the faults with how often each struck."""
        return {"faults": [fault.document() for fault in self.controls.faults]}

    def post_faults(self, _query: Mapping[str, str], body: bytes, _rest: str) -> Any:
        """Ask for a fault."""
        return self.controls.faults.add(read_json(body, FaultSpec)).document()

    def delete_faults(self, _query: Mapping[str, str], _body: bytes, rest: str) -> Any:
        """Remove one fault, or all."""
        if not rest:
            self.controls.faults.clear()
        elif not rest.isdecimal() or not self.controls.faults.remove(int(rest)):
            raise ControlProblem(404, f"there is no fault {rest[:40]}")
        return {}

    def get_operations(self, _query: Mapping[str, str], _body: bytes, _rest: str) -> Any:
        """List the operations with their parameters and errors."""
        return {"operations": operations(self.controls.apis, self.controls.settled())}

    async def post_client_key(self, _query: Mapping[str, str], body: bytes, _rest: str) -> Any:
        """Return a client key for a KMS instance as its clients read it: one that a fixture file has with its private key, else a new one."""
        wanted = read_json(body, ClientKeyRequest)
        controls, password = self.controls, client_keys.check_password(wanted.password)
        found = client_keys.find(controls.store, wanted.instance, controls.clock.now())
        if found is None:
            work = client_keys.work(controls.store)
            pair = await asyncio.get_running_loop().run_in_executor(None, work)
            controls.add(client_keys.document(controls.store, wanted.instance, pair))
            found = client_keys.find(controls.store, wanted.instance, controls.clock.now())
        assert found is not None  # noqa: S101 (it was added)
        return msgspec.to_builtins(client_keys.file_of(found, password))

    def get_ca(self, _query: Mapping[str, str], _body: bytes, _rest: str) -> Any:
        """Return the certificate that a client must trust to use https."""
        return ControlResponse(200, self.certificates.ca_pem.encode(), content_type="application/x-pem-file")

    def post_checkpoints(self, _query: Mapping[str, str], _body: bytes, _rest: str) -> Any:
        """Remember the store's state; `PUT checkpoints/<id>` goes back to it."""
        if len(self._checkpoints) >= MAX_CHECKPOINTS:
            raise ControlProblem(409, f"there are {MAX_CHECKPOINTS} checkpoints already: delete some first")
        self._checkpoint_count += 1
        number = str(self._checkpoint_count)
        self._checkpoints[number] = self.controls.store.state()
        return {"id": number}

    def get_checkpoints(self, _query: Mapping[str, str], _body: bytes, _rest: str) -> Any:
        """Return the ids of all checkpoints."""
        return {"checkpoints": list(self._checkpoints)}

    def changes_since(self, _query: Mapping[str, str], _body: bytes, rest: str) -> Any:
        """Return what changed since a checkpoint, a line for each change."""
        return {"id": rest, "changes": describe(difference(self._checkpoint(rest), self.controls.store.state()))}

    def put_checkpoints(self, _query: Mapping[str, str], _body: bytes, rest: str) -> Any:
        """Go back to a checkpoint."""
        self.controls.restore(self._checkpoint(rest))
        return {}

    def delete_checkpoints(self, _query: Mapping[str, str], _body: bytes, rest: str) -> Any:
        """Forget a checkpoint; the store stays as it is."""
        self._checkpoint(rest)
        del self._checkpoints[rest]
        return {}

    def _checkpoint(self, number: str) -> StoreState:
        if number not in self._checkpoints:
            raise ControlProblem(404, f"there is no checkpoint {number[:40]!r}")
        return self._checkpoints[number]


ROUTES = (
    Route("GET", "health", ControlApi.health, answer=documents.Health),
    Route("POST", "reset", ControlApi.reset),
    Route("GET", "state", ControlApi.get_state, answer=FixtureDocument),
    Route(
        "PUT", "state", ControlApi.put_state, query=documents.SourceQuery, body=FixtureDocument | list[FixtureDocument]
    ),
    Route(
        "POST",
        "state",
        ControlApi.post_state,
        query=documents.SourceQuery,
        body=FixtureDocument | list[FixtureDocument],
    ),
    Route("GET", "clock", ControlApi.get_clock, answer=documents.ClockDocument),
    Route("PUT", "clock", ControlApi.put_clock, body=ClockRequest, answer=documents.ClockDocument),
    Route("GET", "requests", ControlApi.get_requests, query=RequestsQuery, answer=documents.RequestsDocument),
    Route("DELETE", "requests", ControlApi.delete_requests),
    Route("GET", "policies", ControlApi.get_policies, query=documents.PoliciesQuery, answer=documents.PoliciesDocument),
    Route("GET", "faults", ControlApi.get_faults, answer=documents.FaultsDocument),
    Route("POST", "faults", ControlApi.post_faults, body=FaultSpec, answer=documents.FaultDocument),
    Route("DELETE", "faults", ControlApi.delete_faults),
    Route("DELETE", "faults", ControlApi.delete_faults, rest="id", refusals=(404,)),
    Route("GET", "operations", ControlApi.get_operations, answer=documents.OperationsDocument),
    Route("GET", "ca.pem", ControlApi.get_ca, content_type="application/x-pem-file"),
    Route("POST", "client-key", ControlApi.post_client_key, body=ClientKeyRequest, answer=client_keys.ClientKeyFile),
    Route("POST", "checkpoints", ControlApi.post_checkpoints, answer=documents.CheckpointDocument, refusals=(409,)),
    Route("GET", "checkpoints", ControlApi.get_checkpoints, answer=documents.CheckpointsDocument),
    Route("GET", "checkpoints", ControlApi.changes_since, rest="id", answer=documents.ChangesDocument, refusals=(404,)),
    Route("PUT", "checkpoints", ControlApi.put_checkpoints, rest="id", refusals=(404,)),
    Route("DELETE", "checkpoints", ControlApi.delete_checkpoints, rest="id", refusals=(404,)),
    *live.ROUTES,
    *inspection.ROUTES,
    *page.ROUTES,
    *openapi.ROUTES,
)


def _refusal(status: int, problem: Exception, headers: Mapping[str, str] | None = None) -> ControlResponse:
    """Return a refusal in words, which may quote a path with bytes that are not UTF-8."""
    return json_response(status, {"error": writable(str(problem))}, headers)


def _documents(query: Mapping[str, str], body: bytes) -> list[Reading]:
    """Read one fixture document or a list of them. `source.1`, `source.2`, … say what messages call them."""
    source = printable(query.get("source.1", "request body"), _MAX_SOURCE)
    reading = read_body(body, source)
    if isinstance(reading.tree, Mapping):
        return [reading]
    if not isinstance(reading.tree, list) or not reading.tree:
        raise reading.error((), "expected a fixture document, which is a JSON object, or a list of them")
    found = []
    for number, tree in enumerate(reading.tree, 1):
        source = query.get(f"source.{number}", f"document {number} of the request body")
        found.append(Reading(printable(source, _MAX_SOURCE), tree))
    return found
