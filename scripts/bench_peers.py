"""Other projects' emulators beside this one: scripts/bench --peers installs them into the user's cache and measures.

Each has an environment of its own there, so nothing of this project's changes. What cannot be installed is said and left
out. They stand in for other services: compared is the same kind of request, GetSecretValue, or Encrypt of 1 KiB.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench_tools import (
    GET,
    Server,
    ask,
    bare_command,
    body_of,
    compare_rates,
    compare_times,
    fixture,
    keys,
    load,
    measured_load,
    mock,
    plain_environment,
    request,
    running,
    secrets,
)
from platformdirs import user_cache_path

MOTO = "moto[server,secretsmanager]==5.2.5"
MINISTACK = "ministack==1.5.33"
LOCAL_KMS = "github.com/nsmithuk/local-kms"
LOCAL_KMS_VERSION = "v0.0.0-20260228092603-2a5e92d09ab6"

# The server that moto has for tests, without the request log that its command writes.
_MOTO = """
import time
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print("listening on http://127.0.0.1:%d" % server.get_host_and_port()[1], flush=True)
while True:
    time.sleep(60)
"""
# local-kms listens on every address; its handler here listens on 127.0.0.1 only.
_LOCAL_KMS = f"""package main

import (
	"fmt"
	"net"
	"net/http"
	"os"

	"{LOCAL_KMS}/src"
	"{LOCAL_KMS}/src/config"
	"{LOCAL_KMS}/src/data"
)

func main() {{
	config.AWSAccountId, config.AWSRegion, config.DatabasePath = "111122223333", "eu-west-2", os.Args[1]
	database := data.NewDatabase(config.DatabasePath)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {{
		panic(err)
	}}
	fmt.Printf("listening on http://%s\\n", listener.Addr())
	http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {{
		src.HandleRequest(w, r, database)
	}}))
}}
"""

# Seconds of a test that has a mock of its own and makes three calls with the official SDK.
_TIMED = """
import time
for _ in range(5):
    test()
began = time.perf_counter()
for _ in range(20):
    test()
print((time.perf_counter() - began) / 20)
"""
_TEST_OF_MOTO = """
import boto3
from moto import mock_aws
def test():
    with mock_aws():
        client = boto3.client("secretsmanager", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        client.create_secret(Name="db", SecretString="x")
        client.get_secret_value(SecretId="db")
        client.delete_secret(SecretId="db")
"""
_TEST_OF_OURS = """
from alibabacloud_kms20160120.models import CreateSecretRequest, DeleteSecretRequest, GetSecretValueRequest
from kms_mock import KmsMock
def test():
    with KmsMock() as kms:
        client = kms.client()
        client.create_secret(CreateSecretRequest(secret_name="db", secret_data="x", version_id="1"))
        client.get_secret_value(GetSecretValueRequest(secret_name="db"))
        client.delete_secret(DeleteSecretRequest(secret_name="db"))
"""


class MissingError(Exception):
    """A peer cannot be had here; the message says why."""


def main() -> None:
    """Measure each peer that can be installed."""
    for name, measure in (("moto", moto), ("ministack", ministack), ("local-kms", local_kms)):
        try:
            measure()
        except MissingError as error:
            print(f"{name}: not measured, {error}", flush=True)


# -- the peers --------------------------------------------------------------------------------------------------------


def moto() -> None:
    """GetSecretValue against moto's server, which ends each connection after its answer, and a test with its mock."""
    python = environment("moto", MOTO) / "bin/python"
    with running(str(python), "-c", _MOTO) as peer:
        _get_secret_value("moto", peer, kept=False)
    compare_times(
        "a test of three SDK calls, moto's mock_aws / ours, time",
        "none set",
        lambda: _seconds(str(python), _TEST_OF_MOTO),
        lambda: _seconds(sys.executable, _TEST_OF_OURS),
        7,
    )


def _seconds(python: str, test: str) -> float:
    command = [python, "-c", f"{test}{_TIMED}"]
    return float(subprocess.check_output(command, text=True, env=plain_environment()))


def ministack() -> None:
    """GetSecretValue against ministack."""
    command = environment("ministack", MINISTACK) / "bin/ministack"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "LOG_LEVEL": "WARNING"}
    with running(str(command), environment=settings, port=port) as peer:
        _get_secret_value("ministack", peer, kept=True)


def local_kms() -> None:
    """Encrypt, Decrypt and CreateKey against local-kms, on one connection.

    So are answers of a bare aiohttp server that are as long: what is beyond those is beyond Python's server.
    """
    program = go_program("local-kms", _LOCAL_KMS, LOCAL_KMS, LOCAL_KMS_VERSION)
    with contextlib.ExitStack() as stack:
        path = stack.enter_context(fixture(keys(10)))
        port = stack.enter_context(mock("--fixture", path))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        peer = stack.enter_context(running(str(program), folder)).port
        key = ask(peer, _aws("TrentService.CreateKey", {}))["KeyMetadata"]["KeyId"]
        theirs = _aws("TrentService.Encrypt", {"KeyId": key, "Plaintext": "eHh4" * 256})
        ours = request("Encrypt", KeyId="alias/key-5", Plaintext="x" * 1024)
        for name, goal, here, there in (
            ("Encrypt", ">= 1.0", ours, theirs),
            (
                "Decrypt",
                ">= 0.9",
                request("Decrypt", CiphertextBlob=ask(port, ours)["CiphertextBlob"]),
                _aws("TrentService.Decrypt", {"CiphertextBlob": ask(peer, theirs)["CiphertextBlob"]}),
            ),
            ("CreateKey", ">= 0.8", request("CreateKey"), _aws("TrentService.CreateKey", {})),
        ):
            compare_rates(
                f"{name}, 1 connection, of local-kms, req/s",
                goal,
                lambda p=here: load(port, p, connections=1),  # type: ignore[misc]
                lambda p=there: load(peer, p, connections=1),  # type: ignore[misc]
            )
            with running(*bare_command(len(body_of(port, here)))) as other:
                compare_rates(
                    f"{name}, a bare aiohttp server's answer, of local-kms, req/s",
                    "none set",
                    lambda o=other.port, p=here: load(o, p, connections=1),  # type: ignore[misc]
                    lambda p=there: load(peer, p, connections=1),  # type: ignore[misc]
                )
        compare_times(
            "Encrypt, 8 connections, p99, of local-kms, time",
            "none set",
            lambda: measured_load(port, ours).percentile(99),
            lambda: measured_load(peer, theirs).percentile(99),
        )


def _get_secret_value(name: str, peer: Server, *, kept: bool) -> None:
    body_of(peer.port, _aws("secretsmanager.CreateSecret", {"Name": "app/secret-5", "SecretString": "value-5"}))
    get = _aws("secretsmanager.GetSecretValue", {"SecretId": "app/secret-5"})
    with fixture(secrets(10)) as path, mock("--fixture", path) as port:
        compare_rates(
            f"GetSecretValue, 8 connections, of {name}, req/s",
            "none set",
            lambda: load(port, GET),
            lambda: load(peer.port, get, kept=kept),
        )


def _aws(target: str, document: object) -> bytes:
    body = json.dumps(document)
    service = target.partition(".")[0].lower()
    return (
        f"POST / HTTP/1.1\r\nhost: 127.0.0.1\r\nx-amz-target: {target}\r\ncontent-type: application/x-amz-json-1.1\r\n"
        f"authorization: AWS4-HMAC-SHA256 Credential=bench/20260101/us-east-1/{service}/aws4_request, "
        "SignedHeaders=host, Signature=0123456789abcdef\r\n"
        f"content-length: {len(body)}\r\n\r\n{body}"
    ).encode()


# -- installing -------------------------------------------------------------------------------------------------------


def cache() -> Path:
    """Return the folder that peers are installed into."""
    return user_cache_path("kms-mock") / "bench-peers"


def environment(name: str, requirement: str) -> Path:
    """Return the folder of a virtual environment that has a package. Raises MissingError."""
    folder = cache() / name

    def install() -> None:
        _run(sys.executable, "-m", "venv", "--clear", str(folder))
        _run(str(folder / "bin/python"), "-m", "pip", "install", "--quiet", requirement)

    _once(folder, requirement, install)
    return folder


def go_program(name: str, source: str, module: str, version: str) -> Path:
    """Return a program built from a source that imports a Go module. Raises MissingError."""
    if shutil.which("go") is None:
        raise MissingError("there is no `go` on the path")
    folder = cache() / name

    def install() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "main.go").write_text(source, "utf-8")
        _run("go", "mod", "init", "bench", folder=folder)
        _run("go", "get", f"{module}/src@{version}", folder=folder)
        _run("go", "build", "-o", name, ".", folder=folder)

    _once(folder, f"{version} {source}", install)
    return folder / name


def _once(folder: Path, what: str, install: Callable[[], None]) -> None:
    """Install into a folder unless that is what is there."""
    stamp = folder / "installed"
    if not stamp.is_file() or stamp.read_text("utf-8") != what:
        print(f"installing into {folder}", flush=True)
        install()
        stamp.write_text(what, "utf-8")


def _run(*command: str, folder: Path | None = None) -> None:
    done = subprocess.run(command, cwd=folder, env=plain_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise MissingError(f"`{' '.join(command)}` failed: {lines[-1]}")
