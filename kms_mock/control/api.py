"""The control API under `/_kms_mock/`: what the Python handle can do, for other languages and for curl.

It answers only to this machine unless told otherwise, refuses what a web page of another origin can send (foreign
Origin or Host), takes only JSON, and shows no secret unless the server was started with --reveal-secrets.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
from msgspec import Struct

from kms_mock.config import Config
from kms_mock.control.clock import Clock
from kms_mock.control.controls import Controls
from kms_mock.control.coverage import operations
from kms_mock.control.faults import FaultSpec
from kms_mock.control.journal import MASK
from kms_mock.control.words import describe, difference
from kms_mock.fixtures import FixtureError, snapshot
from kms_mock.model.events import Event
from kms_mock.model.times import iso
from kms_mock.wire.decode import HttpRequest

PREFIX = "/_kms_mock/"
_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
_SECRET_KEYS = frozenset({"data", "value", "material", "secret", "private_key", "plaintext", "password", "token"})


class ControlResponse(Struct, frozen=True):
    """One answer of the control API."""

    status: int
    body: bytes


class ControlProblem(Exception):  # noqa: N818 (it is an answer, not a failure)
    """A request that the control API refuses."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class ClockRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What to do with the clock; several are done in this order."""

    reset: bool = False
    set: str | float | None = None
    advance: str | float | None = None
    tick_rate: float | None = None
    freeze: bool | None = None

    def move(self, clock: Clock) -> list[Event]:
        """Do it; give what became due. Raises ValueError."""
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


Handler = Callable[["ControlApi", Mapping[str, str], bytes, str], Any]


class ControlApi:
    """Answers control requests for one server."""

    def __init__(self, controls: Controls, config: Config) -> None:
        self.controls = controls
        self.config = config
        self._checkpoints: dict[str, dict[str, Any]] = {}
        self._checkpoint_count = 0

    def answer(self, http: HttpRequest, peer: str | None) -> ControlResponse:
        """Answer one request; never raises for what a client sent."""
        try:
            self._guard(http, peer)
            path, query = http.origin
            handler, rest = _route(http.method, path)
            result = handler(self, dict(parse_qsl(query, keep_blank_values=True)), http.body, rest)
        except ControlProblem as problem:
            return _json(problem.status, {"error": str(problem)})
        except (FixtureError, msgspec.MsgspecError, ValueError) as error:
            return _json(400, {"error": str(error)})
        return _json(200, result)

    def _guard(self, http: HttpRequest, peer: str | None) -> None:
        """Refuse strangers: other machines, and web pages that this machine's browser shows (DNS rebinding, forms)."""
        if not self.config.control_remote and not _is_loopback(peer):
            raise ControlProblem(403, "the control API answers only to this machine; see --control-remote")
        host = urlsplit(f"//{http.headers.get('Host', '')}").hostname or ""
        if host not in (*_LOCAL_NAMES, self.config.host) and not (self.config.control_remote and _is_address(host)):
            raise ControlProblem(403, f"the control API does not answer to the host name {host[:80]!r}")
        origin = http.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != http.headers.get("Host"):
            raise ControlProblem(403, "the control API does not answer to web pages of other origins")
        if http.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            raise ControlProblem(403, "the control API does not answer to web pages of other origins")
        kind = http.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if (http.body or kind) and kind != "application/json":  # the type alone: an empty form is a page's too
            raise ControlProblem(415, "the control API takes only application/json")

    # -- what it can do -----------------------------------------------------------------------------------------------

    def health(self, _query: Mapping[str, str], _body: bytes, _rest: str) -> Any:
        """Say that the server works."""
        from importlib.metadata import version  # noqa: PLC0415 (it takes long to import, and few ask)

        return {"status": "ok", "version": version("kms-mock"), "now": iso(self.controls.clock.now())}

    def reset(self, _query: Mapping[str, str], _body: bytes, _rest: str) -> Any:
        """Go back to the fixture files."""
        self.controls.reset()
        self._checkpoints.clear()
        return {}

    def get_state(self, _query: Mapping[str, str], _body: bytes, _rest: str) -> Any:
        """Give the store as a fixture document; secrets masked unless the server may reveal them."""
        document = snapshot(self.controls.store)
        return document if self.config.reveal_secrets else _masked(document)

    def put_state(self, _query: Mapping[str, str], body: bytes, _rest: str) -> Any:
        """Replace the store by a fixture document."""
        self.controls.replace(_object(body))
        return {}

    def post_state(self, _query: Mapping[str, str], body: bytes, _rest: str) -> Any:
        """Add a fixture document to the store."""
        self.controls.add(_object(body))
        return {}

    def get_clock(self, _query: Mapping[str, str], _body: bytes, _rest: str) -> Any:
        """Say what time it is."""
        return self._clock_document([])

    def put_clock(self, _query: Mapping[str, str], body: bytes, _rest: str) -> Any:
        """Set, advance, freeze the clock, or nothing of it if something is wrong; give what became due."""
        wanted = msgspec.json.decode(body, type=ClockRequest)
        wanted.move(self.controls.clock.rehearsal())
        return self._clock_document(wanted.move(self.controls.clock))

    def _clock_document(self, events: list[Event]) -> Any:
        clock = self.controls.clock
        happened = [{**msgspec.to_builtins(event), "at": iso(event.at)} for event in events]
        return {"now": iso(clock.now()), "frozen": clock.frozen, "tick_rate": clock.tick_rate, "events": happened}

    def get_requests(self, query: Mapping[str, str], _body: bytes, _rest: str) -> Any:
        """List calls: all, or those with this action, code, access_key_id, or newer than the number `since`.

        `unmasked=true` shows secret values too, if the server may reveal them.
        """
        filters = {name: query[name] for name in ("code", "access_key_id") if name in query}
        journal, since = self.controls.journal, int(query.get("since", 0))
        calls = [call for call in journal.filter(query.get("action"), **filters) if call.number > since]
        unmasked = query.get("unmasked") == "true"
        if unmasked and not self.config.reveal_secrets:
            raise ControlProblem(403, "secret values are shown only by a server started with --reveal-secrets")
        return {
            "requests": [call.document(unmasked=unmasked) for call in calls],
            "evicted": journal.evicted,
            "size": journal.size,
        }

    def delete_requests(self, _query: Mapping[str, str], _body: bytes, _rest: str) -> Any:
        """Forget all calls."""
        self.controls.journal.clear()
        return {}

    def get_faults(self, _query: Mapping[str, str], _body: bytes, _rest: str) -> Any:
        """List the faults with how often each struck."""
        return {"faults": [fault.document() for fault in self.controls.faults]}

    def post_faults(self, _query: Mapping[str, str], body: bytes, _rest: str) -> Any:
        """Ask for a fault."""
        return self.controls.faults.add(msgspec.json.decode(body, type=FaultSpec)).document()

    def delete_faults(self, _query: Mapping[str, str], _body: bytes, rest: str) -> Any:
        """Take back one fault, or all."""
        if not rest:
            self.controls.faults.clear()
        elif not rest.isdecimal() or not self.controls.faults.remove(int(rest)):
            raise ControlProblem(404, f"there is no fault {rest[:40]}")
        return {}

    def get_operations(self, _query: Mapping[str, str], _body: bytes, _rest: str) -> Any:
        """List the operations with their parameters and errors."""
        return {"operations": operations()}

    def post_checkpoints(self, _query: Mapping[str, str], _body: bytes, _rest: str) -> Any:
        """Remember the store's state; `PUT checkpoints/<id>` goes back to it."""
        self._checkpoint_count += 1
        number = str(self._checkpoint_count)
        self._checkpoints[number] = self.controls.store.state()
        return {"id": number}

    def get_checkpoints(self, _query: Mapping[str, str], _body: bytes, rest: str) -> Any:
        """Say in words what changed since a checkpoint."""
        return {"id": rest, "changes": describe(difference(self._checkpoint(rest), self.controls.store.state()))}

    def put_checkpoints(self, _query: Mapping[str, str], _body: bytes, rest: str) -> Any:
        """Go back to a checkpoint."""
        self.controls.store.restore(self._checkpoint(rest))
        return {}

    def delete_checkpoints(self, _query: Mapping[str, str], _body: bytes, rest: str) -> Any:
        """Forget a checkpoint; the store stays as it is."""
        self._checkpoint(rest)
        del self._checkpoints[rest]
        return {}

    def _checkpoint(self, number: str) -> dict[str, Any]:
        if number not in self._checkpoints:
            raise ControlProblem(404, f"there is no checkpoint {number[:40]!r}")
        return self._checkpoints[number]


_ROUTES: dict[tuple[str, str], Handler] = {
    ("GET", "health"): ControlApi.health,
    ("POST", "reset"): ControlApi.reset,
    ("GET", "state"): ControlApi.get_state,
    ("PUT", "state"): ControlApi.put_state,
    ("POST", "state"): ControlApi.post_state,
    ("GET", "clock"): ControlApi.get_clock,
    ("PUT", "clock"): ControlApi.put_clock,
    ("GET", "requests"): ControlApi.get_requests,
    ("DELETE", "requests"): ControlApi.delete_requests,
    ("GET", "faults"): ControlApi.get_faults,
    ("POST", "faults"): ControlApi.post_faults,
    ("DELETE", "faults"): ControlApi.delete_faults,
    ("GET", "operations"): ControlApi.get_operations,
    ("POST", "checkpoints"): ControlApi.post_checkpoints,
    ("GET", "checkpoints"): ControlApi.get_checkpoints,
    ("PUT", "checkpoints"): ControlApi.put_checkpoints,
    ("DELETE", "checkpoints"): ControlApi.delete_checkpoints,
}


def _route(method: str, path: str) -> tuple[Handler, str]:
    name, _, rest = path.removeprefix(PREFIX).partition("/")
    handler = _ROUTES.get((method, name))
    if handler is None:
        allowed = [verb for verb, known in _ROUTES if known == name]
        if allowed:
            raise ControlProblem(405, f"{name} takes {', '.join(allowed)}, not {method}")
        raise ControlProblem(404, f"the control API has {', '.join(sorted({known for _, known in _ROUTES}))}")
    return handler, rest


def _object(body: bytes) -> Mapping[str, Any]:
    found: Mapping[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
    return found


def _masked(tree: Any) -> Any:
    """Give a fixture document in which every secret is masked."""
    if isinstance(tree, dict):
        return {name: _masked_field(name, value) for name, value in tree.items()}
    return [_masked(item) for item in tree] if isinstance(tree, list) else tree


def _masked_field(name: str, value: Any) -> Any:
    if name == "tags":  # the names in it are their owner's
        return value
    return MASK if name in _SECRET_KEYS and isinstance(value, str) else _masked(value)


def _is_loopback(peer: str | None) -> bool:
    try:
        return ipaddress.ip_address(peer or "").is_loopback  # None: the client is gone already, whoever it was
    except ValueError:
        return False


def _is_address(host: str) -> bool:
    """Say whether a host is a plain IP address: no foreign name can be bound to one by DNS."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _json(status: int, document: Any) -> ControlResponse:
    return ControlResponse(status, msgspec.json.encode(document))
