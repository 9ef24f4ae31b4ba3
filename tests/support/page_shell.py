"""Runs the shell blocks of a page as a reader would: in bash, one command after the other, in one folder.

The port 4588 of a page is a free one here. `kms-mock serve` runs in the background until the shell is closed.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Self

from tests.support.blocks import ROOT, Block, matches
from tests.support.cli import CLEAN, PATIENCE

PORT = 4588
_ADDRESS = f"127.0.0.1:{PORT}"
_STATE = ".shell-state"
# Further ports of a page are any free ones here.
_FURTHER_PORT = re.compile(r"(?:(?<=[=])|:)45(?!88)\d\d\b")


def clean_environment() -> dict[str, str]:
    """Return what a reader's shell has: the command `kms-mock`, no options of ours, no proxies."""
    named = {name: text for name, text in CLEAN.items() if "proxy" not in name.lower()}
    named["PATH"] = f"{Path(sys.executable).parent}:{named.get('PATH', os.defpath)}"
    # Without the option this suite's pytest-asyncio prints a warning, which a reader of the pages does not have.
    options = "-p no:cacheprovider -o asyncio_default_fixture_loop_scope=function"
    return named | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1", "PYTEST_ADDOPTS": options}


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class PageShell:
    """A shell in a folder. `port` is that of the server which the page's commands talk to."""

    def __init__(self, folder: Path, port: int, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.port = port
        home = folder / "home/you"
        home.mkdir(parents=True, exist_ok=True)
        (home / ".curlrc").write_text("silent\nshow-error\n")  # no progress: output is no terminal here
        own = {"HOME": str(home), "KMS_MOCK_PORT": str(port), "KMS_MOCK_URL": f"http://127.0.0.1:{port}"}
        own["GITHUB_ENV"] = str(folder / "github-env")
        # A page's command must not get out: nothing listens at port 9, and no credentials are asked for.
        shut = {
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "NO_PROXY": "127.0.0.1",
            "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
        }
        self._environment = {**clean_environment(), **shut, **own} if environment is None else {**environment, **own}
        self._state = folder / _STATE
        self._state.write_text(f"cd {shlex.quote(str(folder))}\n", encoding="utf-8")
        self._server: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_server()

    def _stop_server(self) -> None:
        if self._server is None:
            return
        os.killpg(self._server.pid, signal.SIGTERM)
        self._server.wait(PATIENCE)
        assert self._server.stdout is not None
        self._server.stdout.close()
        self._server = None

    def follow(self, block: Block) -> None:
        """Do with a block what a reader does: save it under its name, or run it."""
        if block.note == "file":
            (self.folder / block.text).write_text(block.code, encoding="utf-8")
        else:
            self.run(block)

    def run(self, block: Block) -> str:
        """Run a block; return what it printed. AssertionError for a command that fails or prints something else."""
        printed = [self._run_one(block, *step) for step in commands(block)]
        return "".join(printed)

    def _run_one(self, block: Block, command: str, expected: str | None) -> str:
        if _serves(command):
            printed = self._start(command, len((expected or "\n").splitlines()))
        else:
            printed = self._finish(block, command, may_fail="error" in (expected or "").lower())
        # As with the default port, which needs no `--url`.
        printed = re.sub(rf"\b{self.port}\b", str(PORT), printed).replace(f" --url http://{_ADDRESS}", "")
        printed = printed.replace(f"{self.folder}/home/", "/home/").replace(f"{self.folder}/", "")
        if expected is not None:
            expected = _FURTHER_PORT.sub(":...", expected)
            assert matches(expected, printed), f"{block.place}: {command}\n{printed}"
        return printed

    def _finish(self, block: Block, command: str, *, may_fail: bool) -> str:
        state = shlex.quote(str(self._state))
        keep = f'{{ export -p; echo "cd $(printf %q "$PWD")"; }} >{state}'
        # The first command of a script that fails ends it: the status of the last one alone would hide the others.
        script = f". {state}\ntrap 'status=$?; {keep}; exit $status' EXIT\nset -e\n{self._with_port(command)}\n"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
        )
        assert may_fail or done.returncode == 0, f"{block.place}: {command}\n{done.stdout}"
        return done.stdout

    def _start(self, command: str, lines: int) -> str:
        """Start a server in place of the one before; return its first lines. Tests listen on this machine alone."""
        self._stop_server()
        plain = _FURTHER_PORT.sub(
            "0", self._with_port(command.rstrip("& ")).replace("--host 0.0.0.0", "--host 127.0.0.1")
        )
        server = subprocess.Popen(
            ["bash", "-c", f". {shlex.quote(str(self._state))}\nexec {plain}"],
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self._server = server
        watchdog = threading.Timer(PATIENCE, server.kill)
        watchdog.start()
        assert server.stdout is not None
        printed = "".join(server.stdout.readline() for _ in range(max(lines, 1)))
        watchdog.cancel()
        assert printed, f"{command} did not start"
        return printed

    def _with_port(self, command: str) -> str:
        return command.replace(_ADDRESS, f"127.0.0.1:{self.port}").replace(f"--port {PORT}", f"--port {self.port}")


def commands(block: Block) -> Iterator[tuple[str, str | None]]:
    """Yield each command with the output that the block shows for it; None where it shows none.

    A block that is no `console` is one script, except that a server in it is a command of its own.
    """
    if block.language != "console":
        for serves, lines in groupby(block.code.splitlines(), key=_serves):
            found = list(lines)
            yield from ((text, None) for text in (found if serves else ["\n".join(found)]))
        return
    for step in re.split(r"^\$ ", block.code, flags=re.MULTILINE)[1:]:
        shown = step.splitlines(keepends=True)
        count = 1 + next((number for number, line in enumerate(shown) if not line.endswith("\\\n")), 0)
        yield "".join(shown[:count]).strip(), "".join(shown[count:]) or None


def _serves(line: str) -> bool:
    return line.startswith("kms-mock serve")
