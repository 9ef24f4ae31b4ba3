"""Requests over the wire: a second, signed and verified, how long one waits, and what a new connection costs."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import tempfile
import time
from pathlib import Path

import bench_signatures
from bench_tools import (
    GET,
    bare,
    body_of,
    compare_rates,
    compare_times,
    compare_with_bare,
    fixture,
    load,
    measured_load,
    mock,
    request,
    running,
    secrets,
    serve_command,
)

_BATCH = json.dumps([{"SecretName": f"app/secret-{number}"} for number in range(10)])
READS = (
    ("GetSecretValue, 8 connections, req/s", ">= 0.75", GET),
    ("BatchGetSecretValue of 10, req/s", ">= 0.40", request("BatchGetSecretValue", SecretsList=_BATCH)),
    ("ListSecrets, page of 10, req/s", ">= 0.62", request("ListSecrets", PageNumber=1, PageSize=10)),
)


def reads() -> None:
    """Requests a second against the bare server, and how long one of them waits."""
    with fixture(secrets(10)) as path, running(*serve_command("--fixture", path)) as server:
        compare_with_bare(server, READS)
        port = server.port
        with bare(len(body_of(port, GET))) as other:
            for percent in (50, 99):
                compare_times(
                    f"GetSecretValue, 8 connections, p{percent}, time",
                    "none set",
                    lambda p=percent: measured_load(port, GET).percentile(p),  # type: ignore[misc]
                    lambda p=percent: measured_load(other, GET).percentile(p),  # type: ignore[misc]
                )
            compare_rates(
                "GetSecretValue, 1 connection, req/s",
                "none set",
                lambda: load(port, GET, connections=1),
                lambda: load(other, GET, connections=1),
            )


def signatures() -> None:
    """Requests a second of GetSecretValue, signed and verified, against the bare server."""
    with fixture(bench_signatures.FIXTURE) as path, running(*serve_command("--fixture", path)) as server:
        compare_with_bare(
            server,
            (
                ("GetSecretValue, ACS3 verified, req/s", ">= 0.33", bench_signatures.acs3()),
                ("GetSecretValue, HMAC-SHA1 verified, req/s", ">= 0.18", bench_signatures.hmac_sha1()),
            ),
        )


def new_connection(port: int, payload: bytes, context: ssl.SSLContext | None = None, count: int = 200) -> float:
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


def connections() -> None:
    """New connections, through TLS and plain, against the bare server."""
    from kms_mock.server.authority import Authority  # noqa: PLC0415 (most sections run servers in their own processes)

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
            compare_times(
                "new TLS connection, time",
                "<= 1.3",
                lambda: new_connection(port, GET, context),
                lambda: new_connection(other, GET, context),
            )
            compare_times(
                "new plain connection, time",
                "none set",
                lambda: new_connection(port, GET),
                lambda: new_connection(plain, GET),
            )
