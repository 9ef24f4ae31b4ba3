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


class Pair(NamedTuple):
    """The servers of two checkouts."""

    ours: Server
    theirs: Server


def _requests(name: str, **parameters: object) -> tuple[str, Callable[[int], Payload]]:
    return name, lambda _port: request(name, **parameters)


def _ciphertext(port: int) -> bytes:
    answer = ask(port, request("Encrypt", KeyId="alias/key-5", Plaintext="x" * 1024))
    return request("Decrypt", CiphertextBlob=answer["CiphertextBlob"])


# Of each row, a function from the server's port to what is sent.
WIRE: dict[str, Callable[[int], Payload]] = {
    "GetSecretValue": lambda _port: GET,
    "PutSecretValue": lambda _port: puts(),
    **dict(
        [
            _requests("ListSecrets", PageNumber=1, PageSize=10),
            _requests("Encrypt", KeyId="alias/key-5", Plaintext="x" * 1024),
            _requests("GenerateDataKey", KeyId="alias/key-5", NumberOfBytes=1024),
            _requests("CreateKey"),
            _requests("DescribeKey", KeyId="key-5"),
        ]
    ),
    "Decrypt": _ciphertext,
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
    ours, theirs = Tree(_OURS), Tree(folder.resolve())
    for tree in (ours, theirs):
        tree.check()

    def wanted(what: str) -> bool:
        return not names or any(name in what for name in names)

    _wire(ours, theirs, wanted)
    _starts(ours, theirs, wanted)
    _large(ours, theirs, wanted)


@contextmanager
def _servers(ours: Tree, theirs: Tree, path: str) -> Iterator[Pair]:
    with ours.serve("--fixture", path) as first, theirs.serve("--fixture", path) as second:
        yield Pair(first, second)


def _wire(ours: Tree, theirs: Tree, wanted: Callable[[str], bool]) -> None:
    document = keys(10)
    document["keys"] += signing_keys()
    with fixture(document) as path, _servers(ours, theirs, path) as pair:
        for what, payload in WIRE.items():
            if wanted(what):
                _loads(what, pair, payload)
        if wanted("kept connection"):
            _loads("GetSecretValue, one kept connection", pair, lambda _port: GET, connections=1)
        if wanted("new connection"):
            _report("GetSecretValue, new connection", in_turns(*_each(pair, _connections), ROUNDS))


def _starts(ours: Tree, theirs: Tree, wanted: Callable[[str], bool]) -> None:
    with fixture(secrets(10)) as path:
        if wanted("start to first answer"):
            _report("start to first answer", _first_answers(ours, theirs, path, _STARTS))
    if wanted("start + stop"):

        def measure(tree: Tree) -> Cost:
            return Cost(*map(float, tree.run(_START_AND_STOP).split()))

        _report("start + stop", in_turns(lambda: measure(ours), lambda: measure(theirs), _STARTS))


def _large(ours: Tree, theirs: Tree, wanted: Callable[[str], bool]) -> None:
    title = f"{_MANY:,} secrets"
    rows = {
        f"GetSecretValue, {title}": GET,
        f"ListSecrets, {title}": request("ListSecrets", PageNumber=1, PageSize=10),
    }
    with fixture(secrets(_MANY)) as path:
        if wanted(f"start to first answer, {title}"):
            _report(f"start to first answer, {title}", _first_answers(ours, theirs, path, 3))
        found = {what: payload for what, payload in rows.items() if wanted(what)}
        if found:
            with _servers(ours, theirs, path) as pair:
                for what, payload in found.items():
                    _loads(what, pair, lambda _port, p=payload: p)  # type: ignore[misc]


def _each(pair: Pair, measure: Callable[[Server], Cost]) -> tuple[Callable[[], Cost], Callable[[], Cost]]:
    return lambda: measure(pair.ours), lambda: measure(pair.theirs)


def _loads(what: str, pair: Pair, make: Callable[[int], Payload], connections: int = CONNECTIONS) -> None:
    try:
        payloads = {server: make(server.port) for server in pair}

        measured = in_turns(*_each(pair, lambda s: cost_of(s, payloads[s], connections)), ROUNDS)
    except AnswerError as error:
        print(f"{what}: not measured, {error}")
        return
    report_rates(f"{what}, req/s, ours / theirs", _RATE, [(1 / first[0], 1 / second[0]) for first, second in measured])
    _report_cpu(what, measured)


def _connections(server: Server) -> Cost:
    before, count = server.cpu(), 200
    seconds = new_connection(server.port, GET, count=count)
    return Cost(seconds, (server.cpu() - before) / count)


def _first_answers(ours: Tree, theirs: Tree, path: str, rounds: int) -> list[tuple[Cost, Cost]]:
    def measure(tree: Tree) -> Cost:
        began = time.perf_counter()
        with tree.serve("--fixture", path) as server:
            ask(server.port, GET)
            return Cost(time.perf_counter() - began, server.cpu())

    return in_turns(lambda: measure(ours), lambda: measure(theirs), rounds)


def _report(what: str, measured: list[tuple[Cost, Cost]]) -> None:
    report_times(f"{what}, time, ours / theirs", _TIME, [(first.seconds, second.seconds) for first, second in measured])
    _report_cpu(what, measured)


def _report_cpu(what: str, measured: list[tuple[Cost, Cost]]) -> None:
    report_times(f"{what}, CPU, ours / theirs", _TIME, [(first.cpu, second.cpu) for first, second in measured])
