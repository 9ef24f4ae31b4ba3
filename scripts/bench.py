"""Performance as ratios within one run: scripts/bench [throughput] [start] [scale] …; without names, everything.

The yardstick is a bare aiohttp server that answers a constant of the same size, run interleaved with kms-mock on the
same machine. Load comes from this process over 8 kept connections; servers run in processes of their own.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import os
import selectors
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import IO, cast
from urllib.parse import urlencode

import bench_dedicated
import bench_large
import bench_page
import bench_policies
import bench_rows
import bench_signatures
import bench_state
import bench_worst

CONNECTIONS = 8
SECONDS = 0.5
ROUNDS = 15

BARE = """
import asyncio, ssl, sys
from aiohttp import web
BODY = b"x" * int(sys.argv[1])
context = None
if len(sys.argv) > 2:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2])
async def answer(request):
    return web.Response(body=BODY, content_type="application/json")
async def main():
    app = web.Application()
    app.router.add_route("*", "/", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    print("listening on http://127.0.0.1:%d" % runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


@contextlib.contextmanager
def server(*command: str) -> Iterator[int]:
    """Run a server process; give its port once it says that it listens."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("KMS_MOCK_", "PYTHON"))}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
    output = cast("IO[str]", process.stdout)
    try:
        line = output.readline()
        yield int(line.rsplit(":", 1)[1])
    finally:
        process.terminate()
        process.wait()


def bare(size: int = 320, *certificate: str) -> contextlib.AbstractContextManager[int]:
    """Run the yardstick, with TLS if the file of a certificate and its key is given."""
    return server(sys.executable, "-c", BARE, str(size), *certificate)


def mock(*options: str) -> contextlib.AbstractContextManager[int]:
    """Run kms-mock as a user would, with its request log on."""
    return server(sys.executable, "-m", "kms_mock", "serve", "--port", "0", *options)


def request(action: str, **parameters: object) -> bytes:
    """Write one RPC request as the official SDK does: POST, parameters in the query, an empty form."""
    query = urlencode({name: str(value) for name, value in parameters.items()})
    return (
        f"POST /?{query} HTTP/1.1\r\nhost: 127.0.0.1\r\nx-acs-action: {action}\r\nx-acs-version: 2016-01-20\r\n"
        "user-agent: bench\r\naccept: application/json\r\nx-acs-date: 2026-01-01T00:00:00Z\r\n"
        "x-acs-signature-nonce: 0123456789abcdef\r\nx-acs-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4\r\n"
        "Authorization: ACS3-HMAC-SHA256 Credential=bench,SignedHeaders=accept;host,Signature=0123456789abcdef\r\n"
        "content-length: 0\r\n\r\n"
    ).encode()


def load(port: int, payload: bytes | Iterator[bytes], seconds: float = SECONDS) -> float:
    """Keep 8 connections busy with a request, or with several in turn; return how many a second are answered with 200."""
    payloads = itertools.repeat(payload) if isinstance(payload, bytes) else payload
    selector = selectors.DefaultSelector()
    sockets = []
    for _ in range(CONNECTIONS):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection, selectors.EVENT_READ)
        connection.sendall(next(payloads))
        sockets.append(connection)
    answered = 0
    began = time.perf_counter()
    end = began + seconds
    while time.perf_counter() < end:
        for key, _ in selector.select(1.0):
            connection = cast("socket.socket", key.fileobj)
            data = connection.recv(262144)
            if not data.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"unexpected answer: {data[:600]!r}")
            answered += 1
            connection.sendall(next(payloads))
    elapsed = time.perf_counter() - began
    for connection in sockets:
        connection.close()
    return answered / elapsed


def ask(port: int, payload: bytes) -> dict[str, object]:
    """Send one request; give the answer's document."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(payload)
        data = b""
        while b"\r\n\r\n" not in data or len(data) < _length(data):
            data += connection.recv(262144)
    found: dict[str, object] = json.loads(data.partition(b"\r\n\r\n")[2])
    return found


def _length(data: bytes) -> int:
    head, _, _ = data.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return len(head) + 4 + int(line.partition(b":")[2])
    return 0


def compare(
    first: Callable[[], float], second: Callable[[], float], rounds: int = ROUNDS
) -> tuple[float, float, float]:
    """Run two measurements in turns; give the median of the ratios first/second, and both medians."""
    pairs = []
    for number in range(rounds):
        if number % 2:
            other = second()
            pairs.append((first(), other))
        else:
            pairs.append((first(), second()))
    ratio = bench_rows.Ratio.of([one / other for one, other in pairs])
    return ratio, statistics.median(one for one, _ in pairs), statistics.median(other for _, other in pairs)


ROWS = bench_rows.Rows()
report = ROWS.report


@contextlib.contextmanager
def fixture(document: dict[str, object]) -> Iterator[str]:
    """Write a fixture file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.json"
        path.write_text(json.dumps(document))
        yield str(path)


def secrets(count: int) -> dict[str, object]:
    """Make a fixture of many secrets."""
    return {"secrets": [{"name": f"app/secret-{number}", "value": f"value-{number}"} for number in range(count)]}


def throughput() -> None:
    """Requests per second of GetSecretValue against the bare server."""
    get = request("GetSecretValue", SecretName="app/secret-5")
    with fixture(secrets(10)) as path, mock("--fixture", path) as port, bare() as other:
        ratio, ours, theirs = compare(lambda: load(port, get), lambda: load(other, get))
        report(
            "GetSecretValue, 8 connections, req/s",
            ratio,
            ">= 0.50 (floor 0.40)",
            f"{ours:.0f} / {theirs:.0f} per second",
        )


def signatures() -> None:
    """Requests per second of GetSecretValue, signed and verified, against the bare server."""
    with fixture(bench_signatures.FIXTURE) as path, mock("--fixture", path) as port, bare() as other:
        for name, goal, signed in (
            ("ACS3", ">= 0.33", bench_signatures.acs3()),
            ("HMAC-SHA1", ">= 0.18", bench_signatures.hmac_sha1()),
        ):
            ratio, ours, theirs = compare(lambda p=signed: load(port, p), lambda p=signed: load(other, p))  # type: ignore[misc]
            report(f"GetSecretValue, {name} verified, req/s", ratio, goal, f"{ours:.0f} / {theirs:.0f} per second")


def start() -> None:
    """Time from process start to the first answer."""
    get = request("GetSecretValue", SecretName="app/secret-5")

    def first_answer(make: Callable[[], contextlib.AbstractContextManager[int]]) -> float:
        began = time.perf_counter()
        with make() as port, socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(get)
            connection.recv(65536)
            return time.perf_counter() - began

    with fixture(secrets(10)) as path:
        ratio, ours, theirs = compare(
            lambda: first_answer(lambda: mock("--fixture", path)), lambda: first_answer(bare), 11
        )
        report("process start to first answer, time", ratio, "<= 1.5", f"{ours * 1000:.0f} / {theirs * 1000:.0f} ms")


def scale() -> None:
    """The cost of a request when the store holds 100,000 secrets instead of 10."""
    with (
        fixture(secrets(100_000)) as many,
        fixture(secrets(10)) as few,
        mock("--fixture", many) as large,
        mock("--fixture", few) as small,
    ):
        for name, goal, payload in (
            ("GetSecretValue", "<= 1.2", request("GetSecretValue", SecretName="app/secret-5")),
            ("ListSecrets", "<= 1.5", request("ListSecrets", PageNumber=1, PageSize=10)),
        ):
            ratio, ours, theirs = compare(lambda p=payload: 1 / load(large, p), lambda p=payload: 1 / load(small, p))  # type: ignore[misc]
            report(f"{name}, 100,000 secrets / 10, time", ratio, goal, f"{ours * 1e6:.0f} / {theirs * 1e6:.0f} µs")
        deep = request("ListSecrets", PageNumber=5000, PageSize=10)
        first = request("ListSecrets", PageNumber=1, PageSize=10)
        ratio, ours, theirs = compare(lambda: 1 / load(large, deep), lambda: 1 / load(large, first))
        report("ListSecrets, page 5,000 / page 1, time", ratio, "none set", f"{ours * 1e6:.0f} / {theirs * 1e6:.0f} µs")


def tools() -> None:
    """The test author's tools: what a journal costs that nobody reads, and a checkpoint of 10,000 secrets."""
    from kms_mock import KmsMock  # noqa: PLC0415 (every other section runs servers in processes of their own)

    get = request("GetSecretValue", SecretName="app/secret-5")
    with fixture(secrets(10)) as path, mock("--fixture", path) as on, mock("--fixture", path, "--journal", "0") as off:
        ratio, ours, theirs = compare(lambda: load(on, get), lambda: load(off, get), 15)
        report("GetSecretValue, journal on / off, req/s", ratio, ">= 0.95", f"{ours:.0f} / {theirs:.0f} per second")
    with KmsMock([secrets(10_000)]) as kms:
        times = []
        for _ in range(50):
            began = time.perf_counter()
            with kms.checkpoint():
                pass
            times.append((time.perf_counter() - began) * 1000)
    detail = f"slowest of 50: {max(times):.2f} ms"
    report("checkpoint + restore of 10,000 secrets, ms", statistics.median(times), "<= 5", detail)


def keys(count: int) -> dict[str, object]:
    """Make a fixture of many keys, each with an alias."""
    material = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    return {
        "accounts": [{"id": "1234567890123456", "quotas": {"keys": None, "key_versions": None, "aliases": None}}],
        "keys": [
            {"id": f"key-{number}", "material": material, "aliases": [f"alias/key-{number}"]} for number in range(count)
        ],
        **secrets(10),
    }


def ciphers() -> None:
    """Encrypt, Decrypt and GenerateDataKey of 1 KiB against the bare server; CreateKey against GetSecretValue."""
    with fixture(keys(10)) as path, mock("--fixture", path) as port:
        encrypt = request("Encrypt", KeyId="alias/key-5", Plaintext="x" * 1024)
        blob = ask(port, encrypt)["CiphertextBlob"]
        for name, payload in (
            ("Encrypt", encrypt),
            ("Decrypt", request("Decrypt", CiphertextBlob=blob)),
            ("GenerateDataKey", request("GenerateDataKey", KeyId="alias/key-5", NumberOfBytes=1024)),
        ):
            with bare(len(json.dumps(ask(port, payload), separators=(",", ":")))) as other:
                ratio, ours, theirs = compare(lambda p=payload: load(port, p), lambda p=payload: load(other, p))  # type: ignore[misc]
            report(f"{name} of 1 KiB, req/s", ratio, ">= 0.45", f"{ours:.0f} / {theirs:.0f} per second")
        create, get = request("CreateKey"), request("GetSecretValue", SecretName="app/secret-5")
        ratio, ours, theirs = compare(lambda: 1 / load(port, create, 0.5), lambda: 1 / load(port, get, 0.5))
        report(
            "CreateKey (symmetric) / GetSecretValue, time", ratio, "<= 2", f"{ours * 1e6:.0f} / {theirs * 1e6:.0f} µs"
        )


def key_scale() -> None:
    """The cost of a request when the store holds 100,000 keys instead of 10."""
    with (
        fixture(keys(100_000)) as many,
        fixture(keys(10)) as few,
        mock("--fixture", many) as large,
        mock("--fixture", few) as small,
    ):
        for name, goal, payload in (
            ("DescribeKey", "<= 1.2", request("DescribeKey", KeyId="key-5")),
            ("DescribeKey by alias", "<= 1.2", request("DescribeKey", KeyId="alias/key-5")),
            ("ListKeys", "<= 1.5", request("ListKeys")),
            ("ListAliases", "<= 1.5", request("ListAliases")),
        ):
            ratio, ours, theirs = compare(lambda p=payload: 1 / load(large, p), lambda p=payload: 1 / load(small, p))  # type: ignore[misc]
            report(f"{name}, 100,000 keys / 10, time", ratio, goal, f"{ours * 1e6:.0f} / {theirs * 1e6:.0f} µs")


def generation() -> None:
    """How long GetSecretValue takes at the worst while four RSA_3072 keys are being made."""
    create, get = request("CreateKey", KeySpec="RSA_3072"), request("GetSecretValue", SecretName="app/secret-5")
    with fixture(keys(10)) as path, mock("--fixture", path) as port, contextlib.ExitStack() as stack:
        ask(port, get)
        asking = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        making = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(4)]
        for connection in making:
            connection.sendall(create)
            connection.setblocking(False)
        waiting, times = set(making), []
        while waiting:
            began = time.perf_counter()
            asking.sendall(get)
            asking.recv(65536)
            times.append(time.perf_counter() - began)
            for connection in list(waiting):
                with contextlib.suppress(BlockingIOError):
                    connection.recv(65536)
                    waiting.remove(connection)
        p99 = statistics.quantiles(times, n=100)[98] * 1000
        report(
            "GetSecretValue p99 while 4 RSA_3072 are made, ms",
            p99,
            "<= 20",
            f"{len(times)} calls, max {max(times) * 1000:.0f} ms",
        )


def connections(port: int, payload: bytes, context: ssl.SSLContext | None = None, count: int = 200) -> float:
    """Return how many seconds a new connection takes, with one request on it."""
    began = time.perf_counter()
    for _ in range(count):
        with contextlib.ExitStack() as stack:
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            if context is not None:
                connection = stack.enter_context(context.wrap_socket(connection, server_hostname="localhost"))
            connection.sendall(payload)
            if not connection.recv(65536).startswith(b"HTTP/1.1 200"):
                raise SystemExit("unexpected answer")
    return (time.perf_counter() - began) / count


def tls() -> None:
    """New connections, through TLS and plain, against the bare server; start and stop of a mock in process."""
    from kms_mock import KmsMock, mock_kms  # noqa: PLC0415 (most sections run servers in processes of their own)
    from kms_mock.server.authority import Authority  # noqa: PLC0415

    get = request("GetSecretValue", SecretName="app/secret-5")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with tempfile.TemporaryDirectory() as folder, fixture(secrets(10)) as path:
        certificate = Path(folder) / "bare.pem"
        certificate.write_bytes(Authority.make().issue(["localhost"]))
        with (
            mock("--fixture", path, "--ca-dir", f"{folder}/ca") as port,
            bare(320, str(certificate)) as other,
            bare() as plain,
        ):
            ratio, ours, theirs = compare(
                lambda: connections(port, get, context), lambda: connections(other, get, context)
            )
            report("new TLS connection, time", ratio, "<= 1.3", f"{ours * 1e6:.0f} / {theirs * 1e6:.0f} µs")
            ratio, ours, theirs = compare(lambda: connections(port, get), lambda: connections(plain, get))
            report("new plain connection, time", ratio, "none set", f"{ours * 1e6:.0f} / {theirs * 1e6:.0f} µs")
    _report_life("start + stop of a mock without TLS, ms", "<= 1", KmsMock)
    _report_life("the same, intercepted, ms", "<= 3", mock_kms)


def _report_life(what: str, goal: str, make: Callable[[], contextlib.AbstractContextManager[object]]) -> None:
    """Report the median time from the start of a mock to its end."""
    times = []
    for _ in range(100):
        began = time.perf_counter()
        with make():
            pass
        times.append((time.perf_counter() - began) * 1000)
    report(what, statistics.median(times), goal, f"slowest of 100: {max(times):.2f} ms")


def state() -> None:
    """What a state file costs."""
    bench_state.main(SimpleNamespace(**globals()))


SECTIONS: dict[str, Callable[[], None]] = {
    "tls": tls,
    "throughput": throughput,
    "signatures": signatures,
    "start": start,
    "scale": scale,
    "ciphers": ciphers,
    "dedicated": lambda: bench_dedicated.main(SimpleNamespace(**globals())),
    "key_scale": key_scale,
    "large": functools.partial(bench_large.main, report),
    "generation": generation,
    "tools": tools,
    "page": lambda: bench_page.open_and_closed(mock, lambda: fixture(secrets(10)), request, load, compare, report),
    "policies": functools.partial(bench_policies.decisions, report),
    "state": state,
}


def main(names: list[str]) -> None:
    """Run the named sections, or all; `--worst` with parts of the names of rows is a section of its own."""
    if names[:1] == ["--worst"]:
        bench_worst.main(mock, fixture, names[1:])
        return
    saved = _taken(names, "--save")
    former = _taken(names, "--against")
    if "--help" in names or any(name not in SECTIONS for name in names):
        usage = f"usage: scripts/bench [--save FILE] [--against FILE] [{'] ['.join(SECTIONS)}]"
        raise SystemExit(f"{usage}\n       scripts/bench --worst [part of a row's name]…\n\n{__doc__}")
    if former is not None:
        ROWS.compare_with(former)
    for name in names or SECTIONS:
        SECTIONS[name]()
    if saved is not None:
        ROWS.save(saved)


def _taken(names: list[str], option: str) -> Path | None:
    """Take an option and its file out of the names."""
    if option not in names:
        return None
    place = names.index(option)
    if place + 1 == len(names):
        raise SystemExit(f"{option} needs a file")
    file = names[place + 1]
    del names[place : place + 2]
    return Path(file)


if __name__ == "__main__":
    main(sys.argv[1:])
