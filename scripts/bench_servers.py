"""The servers that scripts/bench measures, each in a process of its own, and the fixtures that they start with."""

from __future__ import annotations

import contextlib
import json
import math
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

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


class Server(NamedTuple):
    """A running server on 127.0.0.1."""

    port: int
    pid: int

    def cpu(self) -> float:
        """Return the seconds of CPU that the process has used; NaN where the system does not tell."""
        if sys.platform != "linux":
            return math.nan
        return time.clock_gettime((~self.pid << 3) | 2)  # the clock id of a process, as clock_getcpuclockid makes it

    def memory(self) -> int | None:
        """Return the resident bytes of the process, or None where the system does not tell."""
        if sys.platform != "linux":
            return None
        pages = Path(f"/proc/{self.pid}/statm").read_text("ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def running(
    *command: str,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    port: int | None = None,
) -> Iterator[Server]:
    """Run a server until it listens: it prints a line which ends in its port, unless it was told one."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE if port is None else subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**plain_environment(), **(environment or {})},
        cwd=folder,
    )
    try:
        if port is None:
            with cast("IO[str]", process.stdout) as output:
                line = output.readline()
                if not line:
                    raise SystemExit(f"it ended before it listened: {' '.join(command)[:200]}")
                yield Server(int(line.rsplit(":", 1)[1]), process.pid)
        else:
            _wait_for(port, process)
            yield Server(port, process.pid)
    finally:
        process.terminate()
        process.wait()


def plain_environment() -> dict[str, str]:
    """Return the environment without what changes how Python or kms-mock run."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("KMS_MOCK_", "PYTHON"))}


def _wait_for(port: int, process: subprocess.Popen[str]) -> None:
    while True:
        try:
            connect(port).close()
        except ConnectionRefusedError:
            if process.poll() is not None:
                raise SystemExit(f"it ended before it listened: {process.args!r}") from None
            time.sleep(0.05)
        else:
            return


@contextlib.contextmanager
def server(*command: str) -> Iterator[int]:
    """Run a server; yield its port."""
    with running(*command) as found:
        yield found.port


def bare_command(size: int = 320, *certificate: str) -> list[str]:
    """Return the command of the yardstick, with TLS if the file of a certificate and its key is given."""
    return [sys.executable, "-c", BARE, str(size), *certificate]


def bare(size: int = 320, *certificate: str) -> contextlib.AbstractContextManager[int]:
    """Run the yardstick; yield its port."""
    return server(*bare_command(size, *certificate))


def serve_command(*options: str) -> list[str]:
    """Return the command that runs kms-mock as a user would, with its request log on."""
    return [sys.executable, "-m", "kms_mock", "serve", "--port", "0", *options]


def mock(*options: str) -> contextlib.AbstractContextManager[int]:
    """Run kms-mock; yield its port."""
    return server(*serve_command(*options))


# -- fixtures ---------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def fixture(document: Mapping[str, object]) -> Iterator[str]:
    """Write a fixture file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.json"
        path.write_text(json.dumps(document), "utf-8")
        yield str(path)


def secrets(count: int) -> dict[str, object]:
    """Return a document of many secrets."""
    return {"secrets": [{"name": f"app/secret-{number}", "value": f"value-{number}"} for number in range(count)]}


def keys(count: int) -> dict[str, Any]:
    """Return a document of many keys, each with an alias, and ten secrets; there are no quotas."""
    material = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    return {
        "accounts": [{"id": "1234567890123456", "quotas": {"keys": None, "key_versions": None, "aliases": None}}],
        "keys": [
            {"id": f"key-{number}", "material": material, "aliases": [f"alias/key-{number}"]} for number in range(count)
        ],
        **secrets(10),
    }


def connect(port: int) -> socket.socket:
    """Return a connection to a server of this machine."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection
