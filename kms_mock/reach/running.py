"""A program run to its end in place of this one: its signals, its exit status."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType

NOT_FOUND = 127
NOT_EXECUTABLE = 126
_BY_SIGNAL = 128

_FORWARDED = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
# What a terminal sends to all processes in the foreground.
_OF_TERMINAL = ("SIGINT", "SIGQUIT")


class CannotRunError(Exception):
    """A command that cannot be run, in words, with the exit status that shells have for it."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


def run_program(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a program; return its exit status, 128 + the number of the signal that ended it. Raises CannotRunError."""
    program = shutil.which(command[0], path=environment.get("PATH"))
    if program is None:
        exists = os.path.dirname(command[0]) and os.path.exists(command[0])  # noqa: PTH110, PTH120 (Path drops `./`)
        if exists:
            raise CannotRunError(f"{command[0]} cannot be executed", NOT_EXECUTABLE)
        raise CannotRunError(f"there is no command {command[0]}", NOT_FOUND)
    running: list[subprocess.Popen[bytes]] = []
    early: list[int] = []
    with _forwarding(running, early):
        try:
            process = subprocess.Popen(command, executable=program, env=dict(environment))  # noqa: S603 (the user's)
        except OSError as error:  # a script without an interpreter, say
            raise CannotRunError(f"{command[0]} cannot be executed: {error.strerror}", NOT_EXECUTABLE) from error
        running.append(process)
        for number in early:
            process.send_signal(number)
        status = process.wait()
    return status if status >= 0 else _BY_SIGNAL - status


@contextlib.contextmanager
def _forwarding(running: Sequence[subprocess.Popen[bytes]], early: list[int]) -> Iterator[None]:
    """Forward signals to the program. Those that come before it runs are noted; ignored ones stay ignored."""

    def forward(number: int, _frame: FrameType | None) -> None:
        if signal.Signals(number).name in _OF_TERMINAL and _is_in_foreground():
            return  # the program has it from the terminal, and twice means something else to many
        if running:
            running[0].send_signal(number)
        else:
            early.append(number)

    numbers = [signal.Signals[name] for name in _FORWARDED if name in signal.Signals.__members__]
    former = {number: signal.getsignal(number) for number in numbers}
    taken = [number for number in numbers if former[number] is not signal.SIG_IGN]
    for number in taken:
        signal.signal(number, forward)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, former[number])


def _is_in_foreground() -> bool:
    """Return whether this process is in the foreground of a terminal."""
    if os.name != "posix":
        return True  # pragma: no cover (on Windows a console's Ctrl+C reaches all of its processes)
    with contextlib.suppress(OSError):
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
        try:
            return os.tcgetpgrp(terminal) == os.getpgrp()
        finally:
            os.close(terminal)
    return False
