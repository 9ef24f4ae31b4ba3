"""What the tests of the command line share: a server as a process, and commands run to their end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

from tests.support.raw_http import VERSION

COMMAND = str(Path(sys.executable).with_name("kms-mock"))
# What a user's shell has: without our options, and without a setting of Python's that hides what is left unwritten.
CLEAN = {
    name: value for name, value in os.environ.items() if not name.startswith("KMS_MOCK_") and name != "PYTHONUNBUFFERED"
}
PATIENCE = 20.0
SECRET_VALUE = "hunter2-s3cret"
# Without the environment's proxies.
OPENER = build_opener(ProxyHandler({}))

ONE = f"secrets: [{{name: db, value: {SECRET_VALUE}}}]\n"
TWO = "secrets: [{name: more, value: other}]\n"
WRONG = "secrets:\n- {name: db, value: one}\n- {name: db2, valu: one}\n"


class Server:
    """A `kms-mock serve` process. `url` is what its ready line says."""

    def __init__(
        self, folder: Path, *arguments: str, command: tuple[str, ...] = (COMMAND,), environment: Mapping[str, str] = {}
    ) -> None:
        self.log_file = folder / f"log-{time.monotonic_ns()}"
        with self.log_file.open("w") as log:
            self.process = subprocess.Popen(
                [*command, "serve", *arguments],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=folder,
                env={**CLEAN, **environment},
            )
        watchdog = threading.Timer(PATIENCE, self.process.kill)
        watchdog.start()
        assert self.process.stdout is not None
        self.ready = self.process.stdout.readline()
        watchdog.cancel()
        assert self.ready, self.log
        self.url = self.ready.split()[-1]
        self.port = int(self.url.rpartition(":")[2])

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def logged(self, text: str, seconds: float = PATIENCE) -> str:
        """Wait for a line of the log that has a text in it; give the line."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for line in self.log.splitlines():
                if text in line:
                    return line
            time.sleep(0.01)
        raise AssertionError(f"no {text!r} in the log within {seconds} seconds: {self.log}")

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and give the exit code."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


@contextlib.contextmanager
def serving(folder: Path, *arguments: str, **options: Any) -> Iterator[Server]:
    server = Server(folder, *arguments, **options)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            assert server.end() == 0


def get(url: str, headers: Mapping[str, str] | None = None) -> tuple[int, str, Mapping[str, str]]:
    """Ask as a tool would that knows nothing of the API; give status, body and headers."""
    try:
        with OPENER.open(Request(url, headers=dict(headers or {})), timeout=PATIENCE) as answer:  # noqa: S310 (our own server)
            return answer.status, answer.read().decode(), dict(answer.headers)
    except HTTPError as error:
        return error.code, error.read().decode(), dict(error.headers)


def plain_call(url: str, action: str, **parameters: str) -> tuple[int, str, Mapping[str, str]]:
    """Call an operation without a signature, with plain urllib."""
    return get(f"{url}/?{urlencode({'Action': action, 'Version': VERSION, **parameters})}")


def secret_names(url: str) -> list[str]:
    return [one["SecretName"] for one in json.loads(plain_call(url, "ListSecrets")[1])["SecretList"]["Secret"]]


def run_command(
    *arguments: str, code: int = 0, folder: Path | None = None, environment: Mapping[str, str] = {}
) -> tuple[str, str]:
    """Run a command to its end, check its exit code, and give what it wrote to stdout and stderr."""
    ended = subprocess.run(
        [COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=folder,
        env={**CLEAN, **environment},
        check=False,
    )
    assert ended.returncode == code, ended
    assert "Traceback" not in ended.stderr
    return ended.stdout, ended.stderr


def run_program(
    *arguments: str, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `kms-mock run` away from any terminal."""
    return subprocess.run(
        [COMMAND, "run", *arguments],
        env={**CLEAN, **(environment or {})},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        start_new_session=True,
    )


def control(server: Server, *arguments: str) -> Any:
    """Run a command that talks to the server; return the JSON document that it prints."""
    return json.loads(run_command(*arguments, "--json", "--url", server.url)[0])
