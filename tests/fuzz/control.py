"""Requests to the control API: every route, with good and damaged bodies, queries and names."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from kms_mock.control.faults import FaultSpec
from kms_mock.rpc.api import Operation
from kms_mock.server.control_api import ROUTES
from tests.fuzz.damage import HOSTILE_TEXTS, damaged, damaged_bytes, hostile_text, odd_value, written
from tests.fuzz.steps import ControlStep
from tests.support.dedicated import INSTANCE

_ROUTES = [(route.method, route.name, bool(route.rest)) for route in ROUTES]
_LONG = ("openapi.json", "catalogue", "operations")  # the same every time, and of hundreds of KB
_RESTS = {
    "checkpoints": ("1", "2", "3"),
    "faults": ("1", "2", "3"),
    "requests": ("1", "2", "40", "1e3"),
    "page": ("index.html", "app.js", "../__init__.py", "%2e%2e/files.py", "/etc/passwd", "index.html/", "INDEX.HTML"),
}
_ODD_RESTS = ("", "x", "\u0661", "-1", "9" * 30, "9" * 5000, "%00", "\ud800", ".", "..", "a/b")
_QUERIES = {
    "requests": (
        "since=1",
        "since=x",
        "since=-5",
        "since=" + "9" * 5000,
        "action=GetSecretValue",
        "unmasked=true",
        "unmasked=",
        "code=",
        "access_key_id=AK&since=3",
        "nothing=1",
    ),
    "policies": (
        "include_refused=true",
        "identity=AK",
        "identity=user/reader",
        "identity=role/app&include_refused=true",
        "identity=",
        "nothing=1",
    ),
    "events": ("since=0", "since=7", "since=x", "since=1-2.9", "since=" + "9" * 5000, "since=-1"),
    "state": ("source.1=a.yaml", "source.1=%1b%5b31m", "source=", "source.1=" + "x" * 5000),
}
_CLOCK = {
    "set": ("2030-06-01T00:00:00Z", "1970-01-01T00:00:00Z", "2100-01-01T00:00:00Z", 0, 4e9, 1e300, "x", "9998-12-31",
            "9899-12-31T23:59:59Z"),
    "advance": ("1d", "40d", "400d", "36500d", 3600, -1, 1e300, "1x", 0),
    "tick_rate": (0, 1, 1000, 1e300, -1, "fast"),
    "freeze": (True, False, None, "no"),
    "reset": (True, False),
}  # fmt: skip
_HEADERS = (("Last-Event-ID", "3"), ("Last-Event-ID", "x.\u0661"), ("Accept", "text/event-stream"))


class ControlRequests:
    """Makes requests to the control API. `document` makes a fixture document, `operations` are what calls are of."""

    def __init__(
        self,
        chance: random.Random,
        document: Callable[[], object],
        operations: Sequence[Operation],
        headers: Sequence[tuple[str, str]],
    ) -> None:
        self.chance = chance
        self._operations = operations
        self._headers = headers
        self._bodies: dict[tuple[str, str], Callable[[], object]] = {
            ("PUT", "state"): self._documents(document),
            ("POST", "state"): self._documents(document),
            ("PUT", "clock"): self._clock,
            ("POST", "faults"): self._fault,
            ("POST", "near-misses"): self._assertion,
            ("POST", "snippets"): self._snippets,
            ("POST", "client-key"): self._client_key,
        }

    def step(self) -> ControlStep:
        """Return a request."""
        chance = self.chance
        method, name, has_rest = chance.choice(_ROUTES)
        if name in _LONG and chance.random() < 0.9:
            method, name, has_rest = chance.choice(_ROUTES)
        maker = self._bodies.get((method, name))
        tree = maker() if maker is not None else None
        if chance.random() < 0.3:
            tree = damaged(tree, chance)
        body = b"" if maker is None else written(tree).encode()
        path = name
        if has_rest:
            path += "/" + chance.choice(_ODD_RESTS if chance.random() < 0.3 else _RESTS[name])
        elif name in _QUERIES and chance.random() < 0.6:
            path += "?" + chance.choice(_QUERIES[name])
        draw = chance.random()
        if draw < 0.1:
            body = damaged_bytes(body, chance)
        elif draw < 0.13:
            method = chance.choice(("GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "TRACE", ""))
        elif draw < 0.16:
            path = hostile_text(chance, path)
        step = ControlStep(method, path, body)
        if chance.random() < 0.05:
            json_type = ("Content-Type", "application/json")
            return replace(step, headers=(("Host", "127.0.0.1"), chance.choice((*self._headers, *_HEADERS)), json_type))
        return step

    def _documents(self, document: Callable[[], object]) -> Callable[[], object]:
        return lambda: [document(), document()] if self.chance.random() < 0.1 else document()

    def _clock(self) -> object:
        names = self.chance.sample(list(_CLOCK), self.chance.choice((1, 1, 1, 2)))
        return {name: self.chance.choice(_CLOCK[name]) for name in names}

    def _fault(self) -> object:
        """Return a document for a fault that soon is spent."""
        chance = self.chance
        document = {
            "operation": chance.choice(("*", "Get*", "CreateSecret", chance.choice(self._operations).name)),
            "times": chance.randrange(1, 6),
            "phase": chance.choice(("before", "after")),
        }
        choices: tuple[dict[str, object], ...] = (
            {"code": "InternalFailure"},
            {"code": "Rejected.Throttling", "retry_after": 1},
            {"effect": chance.choice(("reset", "truncate", "malformed"))},
            {"latency": [0, 0.001]},
            {"code": odd_value(chance)},
            dict.fromkeys(chance.sample(FaultSpec.__struct_fields__, 2), odd_value(chance)),
        )
        return {**document, **chance.choice(choices)}

    def _assertion(self) -> object:
        chance = self.chance
        operation = chance.choice(self._operations)
        parameters = {parameter.name: odd_value(chance) for parameter in operation.parameters[:2]}
        return {"action": operation.name, "parameters": parameters, "times": chance.choice((None, 0, 1, "x"))}

    def _snippets(self) -> object:
        """Return a call to write code for, with an answer in half of the cases."""
        chance = self.chance
        operation = chance.choice(self._operations)
        parameters = {parameter.name: str(odd_value(chance)) for parameter in operation.parameters}
        document = {
            "operation": operation.name,
            "parameters": parameters,
            "region": chance.choice((None, "", "cn-beijing")),
        }
        if chance.random() < 0.5:
            return document
        answer = {"Code": odd_value(chance), "X": odd_value(chance), "Y": [odd_value(chance)]}
        return {**document, "fixture": {}, "answer": {"status": chance.choice((200, 404)), "document": answer}}

    def _client_key(self) -> object:
        """Return which client key is wanted; a new one takes a key pair, so most are none that there can be."""
        chance = self.chance
        instance = chance.choice((None, INSTANCE, "none", chance.choice(HOSTILE_TEXTS)))
        password = chance.choice(("short", "Secret-1234", chance.choice(HOSTILE_TEXTS)))
        return chance.choice(({"instance": instance}, {"instance": instance, "password": password}))
