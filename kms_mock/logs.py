"""The log: one line a request, cheap enough to stay on, and without the value of any secret."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

_log = logging.getLogger("kms_mock")

# Action, status, code, milliseconds, request id, resource, reason: what `log_request` takes.
LogRequest = Callable[[str, int, str, float, str, str, str], None]
_REQUEST = "%s %s %s %.1f ms %s"
_MAX_ACTION = 60
_MAX_RESOURCE = 100
_MAX_REASON = 300
_WRITE_AFTER_SECONDS = 0.1


def log_request(  # noqa: PLR0917 (called once a request: keywords cost)
    action: str, status: int, code: str, milliseconds: float, request_id: str, resource: str, reason: str
) -> None:
    """Log an answered request through `logging`, at the level INFO.

    `action` is "" for what never became a request; `code` is the error code, "" for a success. A refusal's line ends
    with the resource that it is about ("" if none) and the reason.
    """
    if _log.isEnabledFor(logging.INFO):
        arguments = _request_arguments(action, status, code, milliseconds, request_id, resource, reason)
        _log.info(_REQUEST, *arguments, extra={"reason": reason})


def _request_arguments(  # noqa: PLR0917 (as log_request)
    action: str, status: int, code: str, milliseconds: float, request_id: str, resource: str, reason: str
) -> tuple[object, ...]:
    """Return what `_REQUEST` is filled with: whatever a client may have written is made printable."""
    if not (action.isascii() and action.isidentifier()):
        action = ascii(action[:_MAX_ACTION]) if action else "-"
    details = request_id
    if resource and code:
        details += f" resource={printable(resource, _MAX_RESOURCE)}"
    if reason:
        details += f" reason={printable(reason, _MAX_REASON)}"
    return action, status, code or "ok", milliseconds, details


def printable(text: str, most: int) -> str:
    """Return at most `most` characters of a text on one line, fit for a terminal.

    Control characters (C1 too), line and paragraph separators and marks that change the direction are escaped.
    """
    text = text[: most + 1]
    if not text.isprintable():
        text = "".join(
            character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
        )
    return text if len(text) <= most else f"{text[: most - 1]}…"


class BufferedHandler(logging.Handler):
    """Writes log lines to stderr a tenth of a second later, many at a time; warnings and errors at once.

    A write for every line would cost a request about as much as answering it does. Until `buffering`, and after it,
    every line is written at once. `now` returns seconds since 1970 UTC.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__()
        self._now = now
        self._call_later: Callable[[float, Callable[[], None]], object] | None = None
        # Time, level, and a line or the arguments of `log_request`.
        self._waiting: list[tuple[float, str, str | tuple[str, int, str, float, str, str, str]]] = []
        self._exceptions = logging.Formatter()

    @contextlib.contextmanager
    def buffering(self, call_later: Callable[[float, Callable[[], None]], object]) -> Iterator[None]:
        """Write lines together while a loop runs; `call_later` is the loop's."""
        self._call_later = call_later
        try:
            yield
        finally:
            self._call_later = None
            self.flush()

    def emit(self, record: logging.LogRecord) -> None:
        """Take one record; called under the handler's lock."""
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + self._exceptions.formatException(record.exc_info)
        self._waiting.append((self._now(), record.levelname, text))
        self._flush_soon()
        if record.levelno >= logging.WARNING:
            self.flush()

    def log_request(  # noqa: PLR0917 (as the function of this name)
        self, action: str, status: int, code: str, milliseconds: float, request_id: str, resource: str, reason: str
    ) -> None:
        """Log an answered request at a tenth of what a log record costs; see the function of this name."""
        waiting = self._waiting
        waiting.append((self._now(), "INFO", (action, status, code, milliseconds, request_id, resource, reason)))
        if len(waiting) == 1 or self._call_later is None:
            self._flush_soon()

    def _flush_soon(self) -> None:
        if self._call_later is None:
            self.flush()
        elif len(self._waiting) == 1:
            self._call_later(_WRITE_AFTER_SECONDS, self.flush)

    def flush(self) -> None:
        """Write the waiting lines. They are made only here: many at a time cost a third of as many one by one."""
        waiting, self._waiting = self._waiting, []
        lines = []
        second, stamp = -1, ""
        for at, level, line in waiting:
            if int(at) != second:
                second = int(at)
                stamp = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            text = line if isinstance(line, str) else _REQUEST % _request_arguments(*line)
            lines.append(f"{stamp} {level} {text}\n")
        if lines:
            try:
                sys.stderr.write("".join(lines))
                sys.stderr.flush()
            except (OSError, ValueError):
                _forget_stderr()

    def close(self) -> None:
        """Write the waiting lines; logging calls this when the process ends."""
        self.flush()
        super().close()


def _forget_stderr() -> None:
    """Go on without a log: its reader has closed the pipe, which is no reason for a server to end.

    What Python has not written yet would fail once more at the end, and make the exit code 120 (Python's signal module,
    note on SIGPIPE).
    """
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stderr.fileno())
        os.close(nowhere)


def configure(level: str, now: Callable[[], float]) -> BufferedHandler:
    """Log to stderr: this package's records from `level` on and other packages' from WARNING."""
    handler = BufferedHandler(now)
    # Do not look up for every record what no line shows (Python's logging HOWTO, Optimization).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # noqa: SLF001 (the documented switch has this name)
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    _log.setLevel(level.upper())
    return handler


def trace(error: BaseException | None) -> str:
    """Return the traceback of an error and of what caused it, without their texts: those may quote a secret value."""
    tracebacks: list[str] = []
    while error is not None:
        tracebacks.append("".join(traceback.format_tb(error.__traceback__)) + type(error).__name__)
        error = error.__cause__ or error.__context__
    return "\ncaused by\n".join(tracebacks)
