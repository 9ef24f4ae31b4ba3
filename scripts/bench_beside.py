"""Another checkout measured beside this one: scripts/bench --beside FOLDER, then parts of the names of rows.

The folder has a `kms_mock` of its own, which runs with the dependencies of this environment. Both servers are measured
round by round in turns; a ratio is ours / theirs. CPU time stands beside each, because on a busy machine it alone tells.
Fixtures are written in what the first edition reads.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bench_crypto import SIGNING, sign_and_verify, signing_keys
from bench_tools import (
    CONNECTIONS,
    GET,
    AnswerError,
    Cost,
    Server,
    ask,
    cost_of,
    fixture,
    in_turns,
    keys,
    plain_environment,
    puts,
    report_rates,
    report_times,
    request,
    running,
    secrets,
)
from bench_wire import new_connection

ROUNDS = 15
_STARTS = 11
_MANY = 100_000
_RATE, _TIME = ">= 0.97", "<= 1.03"
_OURS = Path(__file__).parents[1]
Payload = bytes | Iterator[bytes]
# What a mock costs that is started and stopped: seconds, and seconds of CPU.
_START_AND_STOP = """
import time
from kms_mock import KmsMock
def life():
    with KmsMock():
        pass
for _ in range(20):
    life()
began, used = time.perf_counter(), time.process_time()
for _ in range(50):
    life()
print((time.perf_counter() - began) / 50, (time.process_time() - used) / 50)
"""


class Tree(NamedTuple):
    """A checkout."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """The variables that make Python import this checkout's package."""
        return {"PYTHONPATH": str(self.folder)}

    def serve(self, *options: str) -> AbstractContextManager[Server]:
        """Run its server."""
        command = (sys.executable, "-m", "kms_mock", "serve", "--port", "0", *options)
        return running(*command, environment=self.environment, folder=self.folder)

    def run(self, code: str) -> str:
        """Run a program with its package; return what it prints."""
        environment = {**plain_environment(), **self.environment}
        return subprocess.check_output([sys.executable, "-c", code], text=True, cwd=self.folder, env=environment)

    def check(self) -> None:
        """Raise SystemExit if it has no package, or if Python imports that of another."""
        if not (self.folder / "kms_mock/__init__.py").is_file():
            raise SystemExit(f"--beside {self.folder}: there is no kms_mock in this folder")
        found = self.run("import kms_mock; print(kms_mock.__file__)").strip()
        if Path(found).resolve() != (self.folder / "kms_mock/__init__.py").resolve():
            raise SystemExit(f"--beside {self.folder}: Python imports {found} instead")

    def first_answer(self, path: str) -> Cost:
        """Return what its server costs from its start with a fixture file to its first answer."""
        began = time.perf_counter()
        with self.serve("--fixture", path) as server:
            ask(server.port, GET)
            return Cost(time.perf_counter() - began, server.cpu())

    def start_and_stop(self) -> Cost:
        """Return what a mock costs in the process of a test."""
        return Cost(*map(float, self.run(_START_AND_STOP).split()))


def _ciphertext(port: int) -> bytes:
    answer = ask(port, request("Encrypt", KeyId="alias/key-5", Plaintext="x" * 1024))
    return request("Decrypt", CiphertextBlob=answer["CiphertextBlob"])


LIST = request("ListSecrets", PageNumber=1, PageSize=10)
# Of each row, a function from the server's port to what is sent.
WIRE: dict[str, Callable[[int], Payload]] = {
    "GetSecretValue": lambda _: GET,
    "PutSecretValue": lambda _: puts(),
    "ListSecrets": lambda _: LIST,
    "Encrypt": lambda _: request("Encrypt", KeyId="alias/key-5", Plaintext="x" * 1024),
    "Decrypt": _ciphertext,
    "GenerateDataKey": lambda _: request("GenerateDataKey", KeyId="alias/key-5", NumberOfBytes=1024),
    "CreateKey": lambda _: request("CreateKey"),
    "DescribeKey": lambda _: request("DescribeKey", KeyId="key-5"),
    **{
        f"{action} {spec}": lambda port, s=spec, a=action: sign_and_verify(port, s)[a]  # type: ignore[misc]
        for spec in SIGNING
        for action in ("AsymmetricSign", "AsymmetricVerify")
    },
}


def main(folder: Path, names: list[str]) -> None:
    """Measure, and print two rows for each; with names, only what has one of them in its name."""
    if sys.platform != "linux":
        raise SystemExit("--beside reads the CPU time of other processes, which only Linux tells")
    beside = Beside(Tree(_OURS), Tree(folder.resolve()), names)
    beside.ours.check()
    beside.theirs.check()
    beside.wire()
    beside.starts()
    beside.large()


class Beside(NamedTuple):
    """Two checkouts, and parts of the names of the rows to measure; without any, all."""

    ours: Tree
    theirs: Tree
    names: list[str]

    def wire(self) -> None:
        """Requests over the wire."""
        document = keys(10)
        document["keys"] += signing_keys()
        with fixture(document) as path, self._servers(path) as servers:
            for what, make in WIRE.items():
                self._load(what, servers, make)
            self._load("GetSecretValue, one kept connection", servers, WIRE["GetSecretValue"], connections=1)
            what = "GetSecretValue, new connection"
            if self._wanted(what):
                ours, theirs = (partial(_new_connections, server) for server in servers)
                _report(what, in_turns(ours, theirs, ROUNDS))

    def starts(self) -> None:
        """Start of a server process; start and stop in the process of a test."""
        with fixture(secrets(10)) as path:
            self._first_answers("start to first answer", path, _STARTS)
        if self._wanted("start + stop"):
            _report("start + stop", in_turns(self.ours.start_and_stop, self.theirs.start_and_stop, _STARTS))

    def large(self) -> None:
        """A server that holds many secrets."""
        title = f"{_MANY:,} secrets"
        rows = {f"GetSecretValue, {title}": GET, f"ListSecrets, {title}": LIST}
        with fixture(secrets(_MANY)) as path:
            self._first_answers(f"start to first answer, {title}", path, 3)
            if any(map(self._wanted, rows)):
                with self._servers(path) as servers:
                    for what, payload in rows.items():
                        self._load(what, servers, lambda _, p=payload: p)  # type: ignore[misc]

    def _wanted(self, what: str) -> bool:
        return not self.names or any(name in what for name in self.names)

    @contextmanager
    def _servers(self, path: str) -> Iterator[tuple[Server, Server]]:
        with self.ours.serve("--fixture", path) as ours, self.theirs.serve("--fixture", path) as theirs:
            yield ours, theirs

    def _load(
        self,
        what: str,
        servers: tuple[Server, Server],
        make: Callable[[int], Payload],
        connections: int = CONNECTIONS,
    ) -> None:
        if not self._wanted(what):
            return
        try:
            ours, theirs = (partial(cost_of, server, make(server.port), connections) for server in servers)
            costs = in_turns(ours, theirs, ROUNDS)
        except AnswerError as error:
            print(f"{what}: not measured, {error}", flush=True)
            return
        report_rates(
            f"{what}, req/s, ours / theirs", _RATE, [(1 / our.seconds, 1 / their.seconds) for our, their in costs]
        )
        _report_cpu(what, costs)

    def _first_answers(self, what: str, path: str, rounds: int) -> None:
        if self._wanted(what):
            ours, theirs = partial(self.ours.first_answer, path), partial(self.theirs.first_answer, path)
            ours()  # the first start compiles what was never imported
            theirs()
            _report(what, in_turns(ours, theirs, rounds))


def _new_connections(server: Server) -> Cost:
    before, count = server.cpu(), 200
    seconds = new_connection(server.port, GET, count=count)
    return Cost(seconds, (server.cpu() - before) / count)


def _report(what: str, costs: list[tuple[Cost, Cost]]) -> None:
    report_times(f"{what}, time, ours / theirs", _TIME, [(ours.seconds, theirs.seconds) for ours, theirs in costs])
    _report_cpu(what, costs)


def _report_cpu(what: str, costs: list[tuple[Cost, Cost]]) -> None:
    report_times(f"{what}, CPU, ours / theirs", _TIME, [(ours.cpu, theirs.cpu) for ours, theirs in costs])
