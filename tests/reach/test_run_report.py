"""What `kms-mock run` tells on stderr of the calls that were refused: the mock is gone afterwards."""

from __future__ import annotations

import sys

import pytest

from tests.support.cli import run_program

HOST = "kms.cn-hangzhou.aliyuncs.com"
# Asks for each name of the list, in order, then ends with the status.
ASKS = f"""
import contextlib, sys, urllib.error, urllib.parse, urllib.request
status, *queries = sys.argv[1:]
for query in queries:
    with contextlib.suppress(urllib.error.HTTPError):
        urllib.request.urlopen("https://{HOST}/?Version=2016-01-20&" + query).close()
sys.exit(int(status))
"""
HEADING = "refused; more with --report or --log-level info"


def told(status: int, queries: list[str], *options: str) -> list[str]:
    """Return what a program's run printed on stderr, by line, when it called these and ended with a status."""
    done = run_program(*options, "--", sys.executable, "-c", ASKS, str(status), *queries)
    assert done.returncode == status, done.stderr
    return done.stderr.splitlines()


def asked(*names: str) -> list[str]:
    return [f"Action=GetSecretValue&SecretName={name}" for name in names]


def line(name: str) -> str:
    """Return the line about a secret that is not there."""
    return f"Forbidden.ResourceNotFound, {name}: There is no secret {name} in cn-hangzhou of account 1234567890123456."


def test_the_report_has_the_last_reasons_of_each_refusal() -> None:
    """It had only how often; each reason once, at most three for an operation and a code, the last ones."""
    assert told(0, asked("a", "b", "c", "b", "d"), "--report") == [
        "kms-mock: 1 operation, 5 calls",
        "  GetSecretValue: Forbidden.ResourceNotFound 5x",
        *(f"    {line(name)}" for name in ("c", "b", "d")),
    ]


def test_a_program_that_fails_is_told_which_calls_were_refused() -> None:
    """Without --report too: each refusal once, at most five, the last ones."""
    assert told(3, asked("a", "b", "c", "d", "b", "e", "f")) == [
        f"kms-mock: 7 calls {HEADING}",
        *(f"  GetSecretValue: {line(name)}" for name in ("c", "d", "b", "e", "f")),
    ]


@pytest.mark.parametrize(
    ("status", "queries"), [(0, asked("a")), (3, ["Action=ListSecrets"]), (3, [])], ids=["good", "served", "silent"]
)
def test_nothing_is_told_where_nothing_was_refused_or_nothing_failed(status: int, queries: list[str]) -> None:
    """A program that expects a refusal is not disturbed."""
    assert told(status, queries) == []


def test_a_log_with_every_call_needs_no_summary() -> None:
    """At the level info each refused call has its line already."""
    lines = told(3, asked("a"), "--log-level", "info")
    assert any("reason=There is no secret a" in each for each in lines)
    assert not any(HEADING in each for each in lines)


@pytest.mark.parametrize("options", [["--report"], []], ids=["report", "summary"])
def test_refusals_on_a_terminal_have_no_control_characters_and_no_secrets(options: list[str]) -> None:
    """What a client wrote is escaped as in the log; what it sent as a secret value is not there."""
    queries = [
        *asked("%1b[31m%e2%80%aered"),
        "Action=%1b[2J",
        "Action=PutSecretValue&SecretName=missing&VersionId=v1&SecretData=hunter2-s3cret",
        "Action=CreateSecret&SecretName=x&VersionId=v1&SecretData=hunter2-s3cret&SecretDataType=odd",
    ]
    text = "\n".join(told(3, queries, *options))
    assert text.replace("\n", "").isprintable()
    assert "\\x1b[31m\\u202ered" in text
    assert "\\x1b[2J" in text
    assert "PutSecretValue: Forbidden.ResourceNotFound" in text
    assert "hunter2-s3cret" not in text
