"""Ten threads on one mock: the SDK, raw HTTP, and everything that a test can do to a mock meanwhile."""

# ruff: noqa: S311 (repeatable on purpose)

from __future__ import annotations

import logging
import random
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace

from msgspec import Struct
from msgspec.structs import replace
from Tea.exceptions import TeaException

from kms_mock import KmsMock
from kms_mock.fixtures import FixtureError
from tests.fuzz.campaign import Campaign, resident
from tests.fuzz.steps import ApiStep
from tests.fuzz.wire import serialized
from tests.fuzz.worlds import ACCOUNTS, PLACES
from tests.machines.test_invariants import INVARIANTS
from tests.support.calls import call as sdk_call
from tests.support.raw_http import Wire

RAW_CALLER = "raw"
MOST_GROWTH = 20 * 2**20
_MINUTE = 60.0
_SDK_CALLS: tuple[tuple[str, dict[str, str]], ...] = (
    ("CreateKey", {}),
    ("ListKeys", {"PageSize": "100"}),
    ("DescribeKey", {"KeyId": "k-plain"}),
    ("Encrypt", {"KeyId": "alias/app", "Plaintext": "hello"}),
    ("GenerateDataKey", {"KeyId": "k-plain"}),
    ("ScheduleKeyDeletion", {"KeyId": "k-rotating", "PendingWindowInDays": "7"}),
    ("CancelKeyDeletion", {"KeyId": "k-rotating"}),
    ("DisableKey", {"KeyId": "k-plain"}),
    ("EnableKey", {"KeyId": "k-plain"}),
    ("UpdateAlias", {"AliasName": "alias/app", "KeyId": "k-rotating"}),
    ("CreateAlias", {"AliasName": "alias/app", "KeyId": "k-plain"}),
    ("DeleteAlias", {"AliasName": "alias/app"}),
    ("GetSecretValue", {"SecretName": "db"}),
    ("CreateSecret", {"SecretName": "db", "VersionId": "v0", "SecretData": "x"}),
    ("PutSecretValue", {"SecretName": "db", "VersionId": "v{}", "SecretData": "x"}),
    ("PutSecretValue", {"SecretName": "db", "VersionId": "w{}", "SecretData": "y", "VersionStages": '["s{}"]'}),
    ("RotateSecret", {"SecretName": "rds", "VersionId": "r{}"}),
    ("DeleteSecret", {"SecretName": "db", "RecoveryWindowInDays": "7"}),
    ("RestoreSecret", {"SecretName": "db"}),
    ("DeleteSecret", {"SecretName": "rds", "ForceDeleteWithoutRecovery": "true"}),
    ("ListSecrets", {"FetchTags": "true"}),
)


class SoakReport(Struct):
    """What a soak did: calls by thread, what was wrong, memory at the first minute's most and at the end."""

    seconds: float
    calls: Counter[str]
    problems: list[str]
    checks: int
    first: int
    last: int

    @property
    def good(self) -> bool:
        """Whether nothing was wrong; memory counts after two minutes, when there is a first one to compare with."""
        return not self.problems and (self.seconds < 2 * _MINUTE or self.last - self.first <= MOST_GROWTH)

    def text(self) -> str:
        """Return the figures."""
        calls = ", ".join(f"{name} {number}" for name, number in sorted(self.calls.items()))
        return "\n".join(
            [
                f"{self.seconds:.0f} s, {sum(self.calls.values())} actions ({calls}), {self.checks} checks",
                f"memory: {self.first / 2**20:.1f} MiB at most in the first minute, {self.last / 2**20:.1f} MiB at the end",
                f"problems: {len(self.problems)}",
                *self.problems[:10],
            ]
        )


class _Errors(logging.Handler):
    def __init__(self, problems: list[str]) -> None:
        super().__init__(logging.ERROR)
        self.problems = problems

    def emit(self, record: logging.LogRecord) -> None:
        self.problems.append(record.getMessage())


class Soak:
    """One mock and its threads. An action may be refused; anything else that it raises is a problem."""

    def __init__(self, seed: int, threads: int) -> None:
        self.kms = KmsMock([PLACES, ACCOUNTS])
        self.calls: Counter[str] = Counter()
        self.problems: list[str] = []
        self._seed = seed
        self._requests = _kept_requests(seed)
        self._stop = threading.Event()
        tools = (self._move_clock, self._go_back, self._use_namespace, self._fail)
        clients = (self._sdk, self._raw)
        others = [clients[number % 2] for number in range(max(0, threads - len(tools)))]
        self._actions: list[Callable[[random.Random], None]] = [*tools, *others]

    def run(self, seconds: float) -> SoakReport:
        """Let all threads act for so long, checking the store meanwhile and at the end."""
        handler = _Errors(self.problems)
        log = logging.getLogger("kms_mock")
        log.addHandler(handler)
        began = time.perf_counter()
        first = checks = 0
        with self.kms:
            threads = [
                threading.Thread(target=self._work, args=(action, number), name=f"soak-{number}")
                for number, action in enumerate(self._actions)
            ]
            for thread in threads:
                thread.start()
            while (passed := time.perf_counter() - began) < seconds and not self.problems:
                self._check()
                checks += 1
                if passed < _MINUTE:
                    first = max(first, resident())
                self._stop.wait(min(1.0, seconds / 10))
            self._stop.set()
            for thread in threads:
                thread.join(30)
                if thread.is_alive():
                    self.problems.append(f"{thread.name} does not end")
            self._check()
            last = resident()
        log.removeHandler(handler)
        return SoakReport(time.perf_counter() - began, self.calls, self.problems, checks + 1, first, last)

    def _check(self) -> None:
        """Check what is always true of a store, between two requests."""

        def check() -> None:
            holder = SimpleNamespace(store=self.kms.store)
            for invariant in INVARIANTS:
                invariant(holder)  # type: ignore[arg-type]  # they use nothing else of the machine
            assert not self.kms.store.changes
            assert len(self.kms.calls) <= self.kms.calls.size

        try:
            self.kms._between_requests(check)  # noqa: SLF001 (the only way to see the store as a whole)
        except Exception:  # noqa: BLE001 (whatever it is)
            self.problems.append(traceback.format_exc())

    def _work(self, action: Callable[[random.Random], None], number: int) -> None:
        chance = random.Random(f"{self._seed} {number}")
        name = action.__name__.strip("_")
        while not self._stop.is_set():
            try:
                action(chance)
            except Exception:  # noqa: BLE001 (whatever it is)
                self.problems.append(f"{threading.current_thread().name}, {name}:\n{traceback.format_exc()}")
                return
            self.calls[name] += 1

    # -- clients ------------------------------------------------------------------------------------------------------

    def _sdk(self, chance: random.Random) -> None:
        client = self.kms.client(access_key_id=chance.choice(("mock", "AK", "AK-other", "AK-reader")))
        for _ in range(20):
            action, parameters = chance.choice(_SDK_CALLS)
            number = str(chance.randrange(20))
            try:
                sdk_call(client, action, **{name: text.replace("{}", number) for name, text in parameters.items()})
            except TeaException as error:
                if error.code == "InternalFailure":
                    raise

    def _raw(self, chance: random.Random) -> None:
        with Wire(self.kms) as wire:
            for _ in range(20):
                data = serialized(chance.choice(self._requests).http())
                try:
                    answer = wire.send(data).receive()
                except (EOFError, ConnectionError):  # a fault, or the answer was the last one on the connection
                    return
                assert answer.status < 500, answer.body
                if answer.headers.get("connection") == "close":
                    return

    # -- tools --------------------------------------------------------------------------------------------------------

    def _move_clock(self, chance: random.Random) -> None:
        clock = self.kms.clock
        chance.choice(
            (
                lambda: clock.advance(chance.choice(("1h", "1d", "8d", "40d"))),
                lambda: clock.set(chance.choice(("2030-01-01T00:00:00Z", "2031-01-01T00:00:00Z"))),
                clock.freeze,
                clock.unfreeze,
                clock.reset,
            )
        )()
        self._stop.wait(0.02)

    def _go_back(self, chance: random.Random) -> None:
        draw = chance.random()
        if draw < 0.05:
            self.kms.reset()
        elif draw < 0.4:
            with self.kms.checkpoint() as before:
                self._stop.wait(0.02)
                before.changes()
        elif draw < 0.8:
            self.kms.snapshot()
            with suppress(FixtureError):  # the name may be taken
                self.kms.load({"secrets": [{"name": f"more-{chance.randrange(9)}", "value": "x"}]})
        else:
            [str(each) for each in self.kms.calls.filter("GetSecretValue")]
        self._stop.wait(0.02)

    def _use_namespace(self, chance: random.Random) -> None:
        fault = {"code": "Rejected.Throttling"} if chance.random() < 0.5 else {"latency": 0.001}
        with self.kms.namespace([PLACES]) as namespace:
            namespace.fail("GetSecretValue", times=1, **fault)
            client = namespace.client()
            for _ in range(10):
                action, parameters = chance.choice(_SDK_CALLS)
                with suppress(TeaException):
                    sdk_call(client, action, **parameters)
            list(namespace.calls)

    def _fail(self, chance: random.Random) -> None:
        effect = chance.choice(
            ({"effect": "reset"}, {"effect": "truncate"}, {"latency": 0.01}, {"code": "Rejected.Throttling"})
        )
        fault = self.kms.fail(caller=RAW_CALLER, times=2, phase=chance.choice(("before", "after")), **effect)
        self._stop.wait(0.05)
        self.kms._between_requests(lambda: self.kms.faults.remove(fault.number))  # noqa: SLF001 (as the control API does)


def _kept_requests(seed: int) -> list[ApiStep]:
    """Return requests that reached something new in a short campaign, from the caller that faults are aimed at."""
    campaign = Campaign(seed, wires=0)
    campaign.run(lambda done, _: done <= 1500)
    campaign.close()
    kept = [step for step in campaign.generator.kept if step.method in {"GET", "POST"} and _is_sendable(step)]
    return [replace(step, access_key_id=RAW_CALLER, scheme="") for step in kept]


def _is_sendable(step: ApiStep) -> bool:
    """Return whether a request is HTTP: what is not ends its connection."""
    http_request = step.http()
    text = http_request.target + "".join(http_request.headers.values())
    return text.isascii() and text.isprintable() and " " not in http_request.target
