"""The log of a standalone server: one line a request, cheap enough to stay on."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime


class BufferedHandler(logging.Handler):
    """Writes log lines to stderr a tenth of a second later, many at a time; warnings and errors at once.

    A write for every line would cost a request about as much as answering it does. `later` is the loop's `call_later`
    once there is one; until then every line is written at once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.later: Callable[[float, Callable[[], None]], object] | None = None
        self._lines: list[str] = []
        self._second = 0
        self._stamp = ""
        self._exceptions = logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line; called under the handler's lock."""
        second = int(record.created)
        if second != self._second:
            self._second = second
            self._stamp = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        line = f"{self._stamp} {record.levelname} {record.getMessage()}\n"
        if record.exc_info:
            line += self._exceptions.formatException(record.exc_info) + "\n"
        self._lines.append(line)
        if record.levelno >= logging.WARNING or self.later is None:
            self.flush()
        elif len(self._lines) == 1:
            self.later(0.1, self.flush)

    def flush(self) -> None:
        """Write what was kept."""
        lines, self._lines = self._lines, []
        if lines:
            # Whoever read the log may be gone by now, and its pipe closed: no reason for a server to end.
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.write("".join(lines))
                sys.stderr.flush()

    def close(self) -> None:
        """Write what was kept; logging calls this when the process ends."""
        self.flush()
        super().close()


def configure(level: str) -> BufferedHandler:
    """Log to stderr, this package's records from `level` on and other packages' from WARNING."""
    handler = BufferedHandler()
    # What a line does not show need not be found out for every record (Python's logging HOWTO, Optimization).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # noqa: SLF001 (the documented switch has this name)
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("kms_mock").setLevel(level.upper())
    return handler
