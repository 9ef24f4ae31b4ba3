"""The log of a standalone server: one line a request, cheap enough to stay on."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime


class BufferedHandler(logging.Handler):
    """Writes log lines to stderr a tenth of a second later, many at a time; warnings and errors at once.

    A write for every line would cost a request about as much as answering it does. `later` is the loop's `call_later`
    once there is one; until then every line is written at once. `now` gives seconds since 1970 UTC.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__()
        self.later: Callable[[float, Callable[[], None]], object] | None = None
        self._now = now
        self._kept: list[tuple[float, str, str, tuple[object, ...]]] = []
        self._exceptions = logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record; called under the handler's lock."""
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + self._exceptions.formatException(record.exc_info)
        self._keep(record.levelname, text)
        if record.levelno >= logging.WARNING:
            self.flush()

    def say(self, text: str, *arguments: object) -> None:
        """Keep the line of one request (`text % arguments`), without the cost of a record."""
        self._keep("INFO", text, arguments)

    def _keep(self, level: str, text: str, arguments: tuple[object, ...] = ()) -> None:
        self._kept.append((self._now(), level, text, arguments))
        if self.later is None:
            self.flush()
        elif len(self._kept) == 1:
            self.later(0.1, self.flush)

    def flush(self) -> None:
        """Write what was kept. The lines are made only here: many at a time cost a third of as many one by one."""
        kept, self._kept = self._kept, []
        lines = []
        second, stamp = -1, ""
        for at, level, text, arguments in kept:
            if int(at) != second:
                second = int(at)
                stamp = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            lines.append(f"{stamp} {level} {text % arguments if arguments else text}\n")
        if lines:
            try:
                sys.stderr.write("".join(lines))
                sys.stderr.flush()
            except (OSError, ValueError):
                _forget_stderr()

    def close(self) -> None:
        """Write what was kept; logging calls this when the process ends."""
        self.flush()
        super().close()


def _forget_stderr() -> None:
    """Go on without a log: whoever read it is gone, and its pipe closed, which is no reason for a server to end.

    What Python has not written yet would fail once more at the end, and make the exit code 120 (Python's signal module,
    note on SIGPIPE).
    """
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stderr.fileno())
        os.close(nowhere)


def configure(level: str, now: Callable[[], float]) -> BufferedHandler:
    """Log to stderr, this package's records from `level` on and other packages' from WARNING."""
    handler = BufferedHandler(now)
    # What a line does not show need not be found out for every record (Python's logging HOWTO, Optimization).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # noqa: SLF001 (the documented switch has this name)
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("kms_mock").setLevel(level.upper())
    return handler


def trace(error: BaseException | None) -> str:
    """Give the traceback of an error and of what caused it, without their texts: those may quote a secret value."""
    parts: list[str] = []
    while error is not None:
        parts.append("".join(traceback.format_tb(error.__traceback__)) + type(error).__name__)
        error = error.__cause__ or error.__context__
    return "\ncaused by\n".join(parts)
