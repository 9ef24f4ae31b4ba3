"""The line of a request in the log: what it shows, and what it keeps off a terminal."""

from __future__ import annotations

import logging
import sys

import pytest

from kms_mock import logs

ID = "00000000-0000-4000-8000-000000000000"


def line_of(
    capsys: pytest.CaptureFixture[str], action: str, status: int, code: str, *, resource: str = "", reason: str = ""
) -> str:
    """What a standalone server writes of a request, without the time."""
    logs.BufferedHandler(lambda: 0.0).log_request(action, status, code, 1.25, ID, resource, reason)
    written = capsys.readouterr().err
    assert written.count("\n") == 1
    stamp, _, line = written.rstrip("\n").partition(" INFO ")
    assert stamp == "1970-01-01T00:00:00Z"
    return line


def test_a_success(capsys: pytest.CaptureFixture[str]) -> None:
    """A success has action, status, ok, milliseconds and request id, and names no resource."""
    assert line_of(capsys, "GetSecretValue", 200, "", resource="db") == f"GetSecretValue 200 ok 1.2 ms {ID}"


def test_an_exception_is_shown_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """What a library logs with a traceback, such as asyncio, has it in the log."""
    try:
        raise ValueError("broken")  # noqa: TRY301 (it is caught for its traceback)
    except ValueError:
        record = logging.LogRecord("asyncio", logging.ERROR, __file__, 1, "it failed", None, sys.exc_info())
    logs.BufferedHandler(lambda: 0.0).handle(record)
    first, *_, last = capsys.readouterr().err.splitlines()
    assert (first, last) == ("1970-01-01T00:00:00Z ERROR it failed", "ValueError: broken")


def test_a_refusal(capsys: pytest.CaptureFixture[str]) -> None:
    """A refusal also has the resource and, last, the reason."""
    line = line_of(capsys, "GetSecretValue", 404, "Forbidden.ResourceNotFound", resource="db", reason="There is none.")
    assert line == f"GetSecretValue 404 Forbidden.ResourceNotFound 1.2 ms {ID} resource=db reason=There is none."


def test_what_never_became_a_request(capsys: pytest.CaptureFixture[str]) -> None:
    """Without an action there is a dash."""
    assert line_of(capsys, "", 400, "X", reason="No.") == f"- 400 X 1.2 ms {ID} reason=No."


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\r\nINFO forged", r"a\r\nINFO forged"),
        ("\x1b[2J\x07", r"\x1b[2J\x07"),
        ("\x9b31m\x85", r"\x9b31m\x85"),
        ("\u2028\u202eabc", r"\u2028\u202eabc"),
        ("\ud800", r"\ud800"),
        ("密钥 é", "密钥 é"),
    ],
)
def test_control_characters_are_escaped(capsys: pytest.CaptureFixture[str], text: str, shown: str) -> None:
    """Neither resource nor reason can write a line of its own, or move the terminal: C0, C1, separators, directions."""
    line = line_of(capsys, "GetSecretValue", 400, "X", resource=text, reason=text)
    assert line == f"GetSecretValue 400 X 1.2 ms {ID} resource={shown} reason={shown}"


def test_an_action_that_is_none_is_quoted(capsys: pytest.CaptureFixture[str]) -> None:
    """An action with a blank in it cannot be mistaken for the fields that follow."""
    assert line_of(capsys, "GetSecretValue 200 ok", 404, "X").startswith("'GetSecretValue 200 ok' 404 X ")
    assert line_of(capsys, "\x9b" * 1000, 404, "X").startswith("'" + r"\x9b" * 60 + "' 404 X ")


def test_a_reason_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """A reason takes 300 characters at most, escapes included."""
    for text in ("x" * 10_000, "\x9b" * 10_000):
        reason = line_of(capsys, "GetSecretValue", 400, "X", reason=text).partition(" reason=")[2]
        assert len(reason) == 300
        assert reason.endswith("…")


def test_the_same_line_through_logging(caplog: pytest.LogCaptureFixture) -> None:
    """In a test's own process the same line goes through `logging`, at INFO, and costs nothing below that level."""
    with caplog.at_level(logging.INFO, "kms_mock"):
        logs.log_request("GetSecretValue", 404, "X", 1.25, ID, "db", "a\x9b")
    assert caplog.messages == [f"GetSecretValue 404 X 1.2 ms {ID} resource=db reason=a" + r"\x9b"]
    caplog.clear()
    with caplog.at_level(logging.WARNING, "kms_mock"):
        logs.log_request("GetSecretValue", 404, "X", 1.25, ID, "db", "a")
    assert caplog.messages == []


def test_lines_are_written_together(capsys: pytest.CaptureFixture[str]) -> None:
    """While a loop runs, lines wait a tenth of a second for others; a warning takes them along; the end writes the rest."""
    handler = logs.BufferedHandler(lambda: 0.0)
    timers: list[float] = []
    with handler.buffering(lambda seconds, _: timers.append(seconds)):
        for _ in range(2):
            handler.log_request("ListSecrets", 200, "", 0.0, ID, "", "")
        assert capsys.readouterr().err == ""
        assert timers == [0.1]
        handler.handle(logging.LogRecord("kms_mock", logging.WARNING, "", 0, "careful", (), None))
        assert capsys.readouterr().err.count("\n") == 3
        handler.log_request("ListSecrets", 200, "", 0.0, ID, "", "")
    assert capsys.readouterr().err.count("\n") == 1
