"""Whether memory grows with requests: scripts/bench rss. Takes minutes, so it runs only when it is asked for."""

from __future__ import annotations

import itertools

from bench_tools import (
    GET,
    Limits,
    Server,
    ask,
    fixture,
    keys,
    measured_load,
    report,
    request,
    running,
    serve_command,
)

_FIRST, _MANY, _SHORT = 10_000, 1_000_000, 50_000


def main() -> None:
    """Report by how many MB the server grew from 10,000 requests to 1,000,000, of several operations in turn."""
    many = _MANY if Limits.rounds is None else _SHORT
    with fixture(keys(10)) as path, running(*serve_command("--fixture", path)) as server:
        if server.memory() is None:
            print("memory after 1,000,000 requests: not measured, for only Linux tells the memory of another process")
            return
        encrypt = request("Encrypt", KeyId="alias/key-5", Plaintext="text")
        payloads = (
            GET,
            encrypt,
            request("Decrypt", CiphertextBlob=ask(server.port, encrypt)["CiphertextBlob"]),
            request("DescribeKey", KeyId="key-5"),
            request("ListSecrets", PageNumber=1, PageSize=10),
            request("GenerateDataKey", KeyId="alias/key-5"),
        )
        before = _memory_after(server, payloads, _FIRST)
        after = _memory_after(server, payloads, many - _FIRST)
    growth = (after - before) / 1e6
    report(
        f"memory after {many:,} requests, less after 10,000, MB", growth, "<= 10", f"{after / 1e6:.1f} MB in the end"
    )


def _memory_after(server: Server, payloads: tuple[bytes, ...], count: int) -> int:
    answered, turns = 0, itertools.cycle(payloads)
    while answered < count:
        answered += len(measured_load(server.port, turns, 1.0).times)
    return server.memory() or 0
