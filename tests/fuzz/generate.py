"""Steps: new ones, and changed forms of those that reached something new."""

from __future__ import annotations

import json
import random

from msgspec.structs import replace

from kms_mock import fixtures
from kms_mock.products import APIS
from kms_mock.rpc.api import Operation
from tests.fuzz import wire
from tests.fuzz.control import ControlRequests
from tests.fuzz.damage import HOSTILE_TEXTS, damaged, hostile_text, written
from tests.fuzz.machine import DEDICATED, OPERATIONS, Machine
from tests.fuzz.others import dedicated_step, endpoint_step
from tests.fuzz.steps import ApiStep, DedicatedStep, EndpointStep, FixtureStep, Pairs, Step
from tests.fuzz.values import Pool, Values
from tests.fuzz.worlds import ACCESS_KEYS, ACCOUNTS, LIMITS, PLACES, SECRET, SETTINGS, World
from tests.support.dedicated import INSTANCE_FIXTURE
from tests.support.record_samples import filled_store

_SERVICES = {resource: api.service for api in APIS for resource in api.resources}
_MOST_KEPT = 4000
_MOST_OF_A_SIGNAL = 3
_REGIONS = ("cn-hangzhou", "cn-beijing", "cn-beijing", "eu-central-1", "CN", "a" * 65, "../x", "")
_HEADERS: tuple[tuple[str, str], ...] = (
    ("Accept", "application/xml"),
    ("Accept", "text/html"),
    ("Host", "kms.cn-beijing.aliyuncs.com"),
    ("Host", "evil.example.com"),
    ("Host", "[::1"),
    ("Host", ""),
    ("Origin", "https://evil.example.com"),
    ("Sec-Fetch-Site", "cross-site"),
    ("x-acs-action", "GetSecretValue"),
    ("x-acs-accesskey-id", "AK"),
    ("x-acs-security-token", "token"),
    ("x-acs-bearer-token", "token"),
    ("x-acs-signature-nonce", "same"),
    ("Authorization", "ACS3-HMAC-SHA256 Credential=AK,SignedHeaders=host,Signature=0"),
    ("Authorization", "ACS4-HMAC-SHA256 Credential=AK/20300101/cn-hangzhou/Kms/aliyun_v4_request"),
    ("Content-Type", "application/json"),
    ("Content-Type", "application/protobuf"),
    ("Content-Type", "application/x-www-form-urlencoded; charset=gbk"),
)
_PATHS = ("/", "", "/x", "//", "/?x=1", "/" + "a" * 300)


# Those that make key pairs take a hundred times as long.
_QUICK, _DEDICATED_QUICK = (
    [found for found in all_.values() if found.prepare is None] for all_ in (OPERATIONS, DEDICATED)
)
_SLOW, _DEDICATED_SLOW = (
    [found for found in all_.values() if found.prepare is not None] for all_ in (OPERATIONS, DEDICATED)
)


class Generator:
    """Makes steps for a machine; `learn` after each tells it what the step reached."""

    def __init__(self, chance: random.Random, machine: Machine) -> None:
        self.chance = chance
        self.machine = machine
        self.pool = Pool()
        self.values = Values(chance, self.pool)
        self.reached: dict[tuple[str, ...], int] = {}
        self.kept: list[ApiStep] = []
        self._world: World | None = None
        self._has_client_keys = False
        self._control = ControlRequests(chance, self.document, _QUICK, _HEADERS)
        self._records = fixtures.snapshot(filled_store())
        """A document with every section and every field."""

    def enter(self, world: World) -> None:
        """Take the names of what is in a world, and its requests."""
        self._world = world
        self._has_client_keys = world.name == INSTANCE_FIXTURE.name
        for _, parameters in world.seeds:
            for name, value in parameters:
                self.pool.add(name.partition(".")[0], value)
        self._list_ids()

    def _list_ids(self) -> None:
        found: dict[str, list[str]] = {}
        for partition in self.machine.kms.store.partitions():
            for resource, table in partition.state().tables.items():
                names, service = found.setdefault(resource.name, []), _SERVICES.get(resource, "ram")
                for record_id in list(table.records)[-12:]:
                    arn = f"acs:{service}:{partition.region}:{partition.account_id}:{resource.name}/{record_id}"
                    names += [record_id, record_id, record_id, arn]
        self.pool.ids = found

    def learn(self, step: Step) -> None:
        """Keep a step that reached something new; remember the values in a good answer."""
        signal = self.machine.signal
        times = self.reached[signal] = self.reached.get(signal, 0) + 1
        if not isinstance(step, ApiStep):
            if not isinstance(step, DedicatedStep | EndpointStep):
                self._list_ids()
            return
        if times <= _MOST_OF_A_SIGNAL:
            if len(self.kept) >= _MOST_KEPT:
                del self.kept[self.chance.randrange(len(self.kept))]
            self.kept.append(step)
        answer = self.machine.answer
        if answer is not None and not answer.code and answer.body.startswith(b"{") and len(answer.body) < 65536:
            self.pool.harvest(
                json.loads(answer.body[:-1] if answer.delivery else answer.body)
                if not any(self.machine.kms.faults)
                else {}
            )
            call = self.machine.kms.calls.last
            if call is not None and call.effects:
                self._list_ids()

    def step(self, *, wires: float = 0.02) -> Step:
        """Return the next step; `wires` is the share of those that use sockets."""
        draw = self.chance.random()
        if draw < wires:
            count = self.chance.choice((1, 1, 1, 2, 4))
            return wire.make_step([self.api().http() for _ in range(count)], self.chance)
        if draw < wires + 0.03:
            return self._control.step()
        if draw < wires + 0.04:
            return FixtureStep(written(self.document()))
        if draw < wires + 0.05:
            return endpoint_step(self.chance)
        if draw < wires + (0.5 if self._has_client_keys else 0.06):
            wanted = _DEDICATED_SLOW if self.chance.random() < 0.005 else _DEDICATED_QUICK
            return dedicated_step(self.chance.choice(wanted), self.chance, self.values.pairs)
        return self.api()

    # -- the API ------------------------------------------------------------------------------------------------------

    def api(self) -> ApiStep:
        """Return a request: one that is known to work, a changed one, or a new one."""
        chance = self.chance
        seeds = self._world.seeds if self._world is not None else ()
        draw = chance.random()
        if draw < 0.45 and self.kept:
            step = chance.choice(self.kept)
            if OPERATIONS.get(step.operation) in _SLOW and chance.random() < 0.95:
                step = chance.choice(self.kept)
        elif draw < 0.6 and seeds:
            operation, parameters = chance.choice(seeds)
            step = self._envelope(ApiStep(operation, OPERATIONS[operation].api.version, parameters))
        else:
            slow = _SLOW and chance.random() < 0.005
            found = chance.choice(_SLOW if slow else _QUICK)
            step = self._envelope(ApiStep(found.name, found.api.version, self._parameters(found)))
        for _ in range(chance.choice((0, 1, 1, 1, 2, 4))):
            step = self._changed(step)
        return step

    def _parameters(self, operation: Operation) -> Pairs:
        pairs: list[tuple[str, str]] = []
        for parameter in operation.parameters:
            if self.chance.random() < (0.97 if parameter.required else 0.35):
                pairs += self.values.pairs(operation, parameter)
        return tuple(pairs)

    def _changed(self, step: ApiStep) -> ApiStep:
        chance = self.chance
        operation = OPERATIONS.get(step.operation)
        draw = chance.random()
        if draw < 0.7 and operation is not None and operation.parameters:
            parameter = chance.choice(operation.parameters)
            rest = [pair for pair in step.parameters if pair[0].partition(".")[0] != parameter.name]
            return replace(step, parameters=(*rest, *self.values.pairs(operation, parameter)))
        if draw < 0.8:
            return self._envelope(step)
        if draw < 0.88 and step.parameters:
            number = chance.randrange(len(step.parameters))
            return replace(step, parameters=(*step.parameters[:number], *step.parameters[number + 1 :]))
        if draw < 0.93 and step.parameters:
            pairs = list(step.parameters)
            name, value = pairs[chance.randrange(len(pairs))]
            if chance.random() < 0.5:
                name = chance.choice(
                    (f"{name}.1", f"{name}.", f"{name}.a", f"{name}.1.Key", name.lower(), hostile_text(chance, name))
                )
            else:
                value = hostile_text(chance, value)
            pairs.insert(chance.randrange(len(pairs) + 1), (name, value))
            return replace(step, parameters=tuple(pairs))
        if draw < 0.97:
            other = chance.choice(_QUICK)
            return replace(step, operation=other.name, version=other.api.version)
        oddity = chance.choice(
            ({"version": hostile_text(chance, step.version)}, {"operation": hostile_text(chance, step.operation)},
             {"path": chance.choice(_PATHS)}, {"method": chance.choice(("GET", "PUT", "DELETE", "HEAD", "x"))})
        )  # fmt: skip
        return replace(step, **oddity)

    def _envelope(self, step: ApiStep) -> ApiStep:
        """Return a step with another way of sending it: method, format, headers, caller, signature, region."""
        chance = self.chance
        system: list[tuple[str, str]] = []
        if chance.random() < 0.35:
            system.append(("Format", chance.choice(("XML", "XML", "JSON", "xml", "yaml"))))
        if chance.random() < 0.12:
            system.append(("RegionId", chance.choice(_REGIONS)))
        if chance.random() < 0.03:
            system.append((chance.choice(("Unknown", "SecurityToken", "SignatureNonce")), chance.choice(HOSTILE_TEXTS)))
        headers = [chance.choice(_HEADERS)] if chance.random() < 0.06 else []
        return replace(
            step,
            system=tuple(system),
            headers=tuple(headers),
            method=chance.choice(("POST", "POST", "GET")),
            in_form=chance.random() < 0.4,
            action_in_header=chance.random() < 0.4,
            scheme=chance.choice(("", "", "ACS3", "ACS4", "HMAC-SHA1")),
            access_key_id=chance.choice(ACCESS_KEYS),
            secret=SECRET,
            break_signature=chance.random() < 0.05,
        )

    # -- the control API and fixtures ---------------------------------------------------------------------------------

    def document(self) -> object:
        """Return a fixture document, mostly damaged in some places."""
        chance = self.chance
        source = chance.random()
        if source < 0.3:
            tree: object = self.machine.kms.snapshot() if chance.random() < 0.1 else ACCOUNTS
        elif source < 0.45:
            tree = {**PLACES, **chance.choice([*SETTINGS.values(), LIMITS])}
        elif source < 0.65:
            tree = self._records
        else:
            name = chance.choice(list(PLACES))
            tree = {
                name: [
                    {**entry, "id" if name == "keys" else "name": f"new-{chance.randrange(1000)}", "aliases": []}
                    if name == "keys"
                    else {**entry, "name": f"new-{chance.randrange(1000)}"}
                    for entry in chance.sample(PLACES[name], 2)
                ]
            }
        return damaged(tree, chance, chance.choice((0, 1, 1, 2, 3)))
