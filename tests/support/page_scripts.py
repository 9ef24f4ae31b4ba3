"""Runs the Python blocks of pages, each as a program of its own, in one process that forks.

A fork has what every block imports already; a new interpreter for each would take most of the time of the tests.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import Struct, to_builtins

_IMPORTED = (
    "kms_mock.mock",
    "kms_mock.reach.decorator",
    "alibabacloud_kms20160120.client",
    "alibabacloud_tea_openapi.utils_models",
)


class Script(Struct, frozen=True):
    """A program: its code, its name in tracebacks, and the folder that it runs in."""

    place: str
    code: str
    folder: str


class Result(NamedTuple):
    """How a program ended, and what it printed."""

    status: int
    printed: str
    errors: str


def run_scripts(scripts: list[Script], environment: dict[str, str]) -> dict[str, Result]:
    """Run programs one after the other; return how each ended, by its place."""
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        input=json.dumps(to_builtins(scripts)),
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return {
        script.place: Result(status, *(Path(f"{script.folder}.{name}").read_text("utf-8") for name in ("out", "err")))
        for script, status in zip(scripts, json.loads(done.stdout), strict=True)
    }


def _run(script: dict[str, Any]) -> None:
    """Be the program; never returns."""
    for descriptor, name in ((1, "out"), (2, "err")):
        file = os.open(f"{script['folder']}.{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, descriptor)
    os.chdir(script["folder"])
    sys.path.insert(0, "")
    status = 1
    try:
        exec(compile(script["code"], script["place"], "exec"), {"__name__": "__main__"})  # noqa: S102 (the project's own pages)
        status = 0
    except BaseException:  # noqa: BLE001 (the program ends here, whatever it raised)
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def main() -> None:
    """Run the programs that standard input names; print their statuses."""
    for name in _IMPORTED:
        importlib.import_module(name)
    statuses = []
    for script in json.load(sys.stdin):
        child = os.fork()
        if child == 0:
            _run(script)
        statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    print(json.dumps(statuses))  # noqa: T201 (its result)


if __name__ == "__main__":
    main()
