"""A campaign: so many steps or minutes against one machine, its findings made small, and a report."""

# ruff: noqa: S311 (repeatable on purpose)

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from tests.fuzz.checks import Finding
from tests.fuzz.generate import Generator
from tests.fuzz.machine import Machine
from tests.fuzz.steps import ApiStep, DedicatedStep, Step

Steps = list[tuple[int, Step]]
_STEPS_IN_A_WORLD = 400
ROUND_TRIPS = 8  # worlds between two comparisons of a snapshot with what it loads to
_MOST_REPLAYS = 150
_WARM = 100  # worlds after which every one was there and the tables are full
MOST_GROWTH = 64 * 2**20  # bytes after that


class Shrunk(Struct):
    """A finding: its kind, what was seen, and the fewest steps found that lead to it from a world."""

    kind: str
    detail: str
    world: str
    steps: Steps
    times: int = 1

    def script(self) -> str:
        """Return a program that shows the finding."""
        lines = "".join(f"    ({number}, {step!r}),\n" for number, step in self.steps)
        return (
            f"from tests.fuzz.campaign import replay\nfrom tests.fuzz.steps import *\n\n"
            f"replay({self.world!r}, [\n{lines}])"
        )


class Report(Struct):
    """What a campaign did."""

    seed: int
    seconds: float = 0.0
    steps: Counter[str] = Counter()
    pairs: set[tuple[str, str]] = set()
    signals: int = 0
    findings: dict[str, Shrunk] = {}
    warm: int = 0
    memory: int = 0
    slowest: tuple[float, str] = (0.0, "")

    @property
    def grown(self) -> bool:
        """Whether memory grew by more than the allowed amount after every world had been there."""
        return bool(self.warm) and self.memory - self.warm > MOST_GROWTH

    def text(self) -> str:
        """Return the figures and the findings."""
        count = sum(self.steps.values())
        surfaces = ", ".join(f"{name} {number}" for name, number in sorted(self.steps.items()))
        lines = [
            f"seed {self.seed}: {count} steps in {self.seconds:.0f} s ({count / max(self.seconds, 0.001):.0f}/s): {surfaces}",
            f"distinct (operation, code) pairs: {len(self.pairs)}; signals: {self.signals}",
            f"memory: {self.warm / 2**20:.0f} MiB when warm, {self.memory / 2**20:.0f} MiB at the end",
            f"slowest step: {self.slowest[0] * 1000:.0f} ms, {self.slowest[1][:200]}",
            f"findings: {len(self.findings)}",
        ]
        for found in self.findings.values():
            lines += ["", f"== {found.kind} ({found.times} times)", found.detail[:1500], found.script()]
        return "\n".join(lines)


def resident() -> int:
    """Return the bytes of memory that this process holds; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096
    except OSError:
        return 0


class Campaign:
    """Steps from a seed against one machine."""

    def __init__(self, seed: int, *, wires: float = 0.02, state_file: Path | None = None) -> None:
        self.chance = random.Random(seed)
        self.machine = Machine(state_file)
        self.generator = Generator(self.chance, self.machine)
        self.report = Report(seed, steps=Counter())
        self._wires = wires
        self._done: Steps = []
        self._latest = ""  # the latest finding, in words

    def close(self) -> None:
        """End the machine."""
        self.machine.close()

    def run(self, goes_on: Callable[[int, float], bool], tell: Callable[[str], None] = lambda _: None) -> Report:
        """Do steps while `goes_on(steps so far, seconds)`; return the report."""
        return self.machine.runner.run(self._run(goes_on, tell))

    async def _run(self, goes_on: Callable[[int, float], bool], tell: Callable[[str], None]) -> Report:
        began = told = time.perf_counter()
        number = worlds = 0
        report = self.report
        while goes_on(number, time.perf_counter() - began):
            world = self.chance.choice(list(self.machine.worlds.values()))
            self._enter(world.name)
            worlds += 1
            for _ in range(_STEPS_IN_A_WORLD):
                number += 1
                if not goes_on(number, time.perf_counter() - began):
                    break
                if not await self._step(number):
                    tell(f"a finding at step {number}: {self._latest}")
                    break
            else:
                good = await self._guarded(self._check_state, "check")
                if good and worlds % ROUND_TRIPS == 0:
                    good = await self._guarded(self._round_trip, "round trip")
                if not good:
                    tell(f"a finding after step {number}: {self._latest}")
            report.seconds = time.perf_counter() - began
            report.memory = resident()
            if worlds == _WARM:
                report.warm = report.memory
            if time.perf_counter() - told > 20:
                told = time.perf_counter()
                tell(
                    f"{number} steps, {len(report.pairs)} pairs, {len(report.findings)} findings, {report.memory >> 20} MiB"
                )
        report.signals = len(self.generator.reached)
        return report

    def _enter(self, name: str) -> None:
        world = self.machine.worlds[name]
        self.machine.enter(world)
        self.generator.enter(world)
        self._done = []

    async def _step(self, number: int) -> bool:
        step = self.generator.step(wires=self._wires)
        self._done.append((number, step))
        began = time.perf_counter()
        good = await self._guarded(lambda: self.machine.do(number, step), type(step).__name__)
        took = time.perf_counter() - began
        if took > self.report.slowest[0]:
            self.report.slowest = (took, repr(step))
        if good:
            self.report.steps[type(step).__name__] += 1
            self.generator.learn(step)
            if isinstance(step, ApiStep | DedicatedStep):
                self.report.pairs.add((self.machine.signal[0], self.machine.signal[1]))
        return good

    async def _check_state(self) -> None:
        self.machine.check_state()
        self.machine.check_recording()

    async def _round_trip(self) -> None:
        self.machine.round_trip()
        if self.machine.state_file is not None:
            self.machine.restart()

    async def _guarded(self, work: Callable[[], Awaitable[None]], name: str) -> bool:
        noted: Finding | None = None
        try:
            await work()
        except Finding as finding:
            noted = finding
        if noted is not None:  # not inside `except`, or what is raised in a replay had this one as its context
            self._latest = f"{noted.kind}: {noted.detail}"
            await self._note(noted, name)
        return noted is None

    async def _note(self, finding: Finding, name: str) -> None:
        self.report.steps[name] += 1
        known = self.report.findings.get(finding.kind)
        if known is not None:
            known.times += 1
            return
        steps, world = list(self._done), self.machine.world
        found = Shrunk(finding.kind, finding.detail, world, steps)
        self.report.findings[finding.kind] = found
        if name not in {"check", "round trip"}:
            found.steps = await Shrinking(self.machine, world, finding.kind).shrink(steps)


class Shrinking:
    """Makes the steps that lead to a finding fewer and smaller."""

    def __init__(self, machine: Machine, world: str, kind: str) -> None:
        self.machine = machine
        self.world = world
        self.kind = kind
        self.replays = 0

    async def fails(self, steps: Steps) -> bool:
        """Return whether these steps still lead to the finding."""
        self.replays += 1
        if self.replays > _MOST_REPLAYS:
            return False
        return (await run_steps(self.machine, self.world, steps) or Finding("", "")).kind == self.kind

    async def shrink(self, steps: Steps) -> Steps:
        """Return the fewest steps found, the last of them with the fewest parameters found."""
        if await self.fails(steps[-1:]):
            steps = steps[-1:]
        size = len(steps) // 2
        while size:
            for start in range(0, len(steps) - 1, size):
                fewer = [*steps[:start], *steps[min(start + size, len(steps) - 1) :]]
                if len(fewer) < len(steps) and await self.fails(fewer):
                    steps = fewer
                    break
            else:
                size //= 2
        for place in range(len(steps)):
            steps = await self._smaller(steps, place)
        return steps

    async def _smaller(self, steps: Steps, place: int) -> Steps:
        number, step = steps[place]
        if not isinstance(step, ApiStep):
            return steps
        while True:
            for candidate in _candidates(step):
                tried = [*steps[:place], (number, candidate), *steps[place + 1 :]]
                if await self.fails(tried):
                    steps, step = tried, candidate
                    break
            else:
                break
        return steps


def _candidates(step: ApiStep) -> list[ApiStep]:
    """Return simpler forms of a request."""
    fewer = [
        replace(step, parameters=(*step.parameters[:number], *step.parameters[number + 1 :]))
        for number in range(len(step.parameters))
    ]
    plain = ApiStep(step.operation, step.version, step.parameters)
    fields = ("system", "headers", "scheme", "in_form", "action_in_header", "access_key_id", "method", "secret")
    changed = [field for field in fields if getattr(step, field) != getattr(plain, field)]
    return [*fewer, *(replace(step, **{field: getattr(plain, field)}) for field in changed)]


async def run_steps(machine: Machine, world: str, steps: Steps) -> Finding | None:
    """Do steps in a world; return the finding that they lead to, or None."""
    machine.enter(machine.worlds[world])
    try:
        for number, step in steps:
            await machine.do(number, step)
    except Finding as finding:
        return finding
    return None


def replay(world: str, steps: Steps) -> None:
    """Do the steps of a finding, as its script has them. Raises the Finding."""
    machine = Machine()
    try:
        finding = machine.runner.run(run_steps(machine, world, steps))
    finally:
        machine.close()
    if finding is not None:
        raise finding
