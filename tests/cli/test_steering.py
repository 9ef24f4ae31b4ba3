"""Commands that show and steer a running server: `requests`, `tail`, `faults`, and the forms that they print."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from msgspec.structs import fields

from kms_mock import FixtureError, KmsMock
from kms_mock.control.faults import FaultSpec
from tests.support.cli import (
    CLEAN,
    COMMAND,
    PATIENCE,
    SECRET_VALUE,
    Server,
    control,
    get,
    plain_call,
    run_command,
    serving,
)

ESCAPE = "\x1b["


@pytest.fixture
def calls(shared: Server) -> Iterator[Server]:
    """The shared server with three calls: a success, a refusal, one that changed something."""
    control(shared, "requests", "--clear")
    plain_call(shared.url, "ListSecrets")
    plain_call(shared.url, "GetSecretValue", SecretName="missing")
    plain_call(shared.url, "PutSecretValue", SecretName="db", VersionId="v7", SecretData=SECRET_VALUE)
    yield shared
    control(shared, "reset")


def test_requests(calls: Server) -> None:
    """`requests` is a table with the reason of a refusal and what a call changed; secrets are masked."""
    told = run_command("requests", "--url", calls.url)[0]
    heading, listed, refused, put, count = told.splitlines()
    assert heading.split() == ["#", "time", "operation", "resource", "answer"]
    assert listed.split()[2:] == ["ListSecrets", "200", "ok"]
    assert " missing   404 Forbidden.ResourceNotFound  There is no secret missing in " in refused
    assert " 200 ok                          secret db got version v7, version v7 of secret db is ACSCurrent now" in put
    assert count == "3 calls"
    document = control(calls, "requests", "--action", "PutSecretValue")
    assert [call["parameters"] for call in document["requests"]] == [
        {"SecretName": "db", "VersionId": "v7", "SecretData": "***"}
    ]
    assert SECRET_VALUE not in told + json.dumps(document)
    assert yaml.safe_load(run_command("requests", "--url", calls.url, "--yaml")[0])["requests"][0]["number"] > 0


@pytest.mark.parametrize(
    ("options", "actions"),
    [
        (["--code", "Forbidden.ResourceNotFound"], ["GetSecretValue"]),
        (["--code", ""], ["ListSecrets", "PutSecretValue"]),
        (["--caller", "nobody"], []),
        (["--caller", ""], ["ListSecrets", "GetSecretValue", "PutSecretValue"]),
        (["--text", "MISSING"], ["GetSecretValue"]),
        (["--text", "got version v7", "--action", "put_secret_value"], ["PutSecretValue"]),
    ],
)
def test_requests_are_filtered(calls: Server, options: list[str], actions: list[str]) -> None:
    """By error code, caller and a text in what a call shows, in capitals or not; all of them together."""
    assert [call["action"] for call in control(calls, "requests", *options)["requests"]] == actions


def test_wrong_filters(shared: Server) -> None:
    """A name that does not exist is refused with the nearest one."""
    refused = run_command("requests", "--action", "PutSecretValu", "--url", shared.url, code=1)[1]
    assert refused == "Error: there is no operation 'PutSecretValu'; did you mean 'PutSecretValue'?\n"
    refused = run_command("requests", "--code", "Forbidden.ResourceNotFond", "--url", shared.url, code=1)[1]
    assert "did you mean 'Forbidden.ResourceNotFound'?" in refused


def test_one_whole_call(calls: Server) -> None:
    """`requests NUMBER` shows what was sent and answered, secrets masked; --json and --yaml are the control API's document."""
    plain_call(calls.url, "GetSecretValue", SecretName="db")
    put, got = (call["number"] for call in control(calls, "requests")["requests"][-2:])
    document = json.loads(get(f"{calls.url}/_kms_mock/requests/{got}")[1])
    assert control(calls, "requests", str(got)) == document
    assert yaml.safe_load(run_command("requests", str(got), "--url", calls.url, "--yaml")[0]) == document
    told = run_command("requests", str(got), "--url", calls.url)[0]
    rows = [re.split(" {2,}", line.rstrip()) for line in told.splitlines()]
    assert [row[0] for row in rows if len(row) == 1] == ["call", "sent", "answer"]
    for row in (["number", str(got)], ["action", "GetSecretValue"], ["SecretName", "db"], ["SecretData", "***"]):
        assert row in rows
    assert ["request id", document["call"]["request_id"]] in rows
    changed = run_command("requests", str(put), "--url", calls.url)[0]
    assert "version v7 of secret db is ACSCurrent now" in changed
    assert SECRET_VALUE not in told + changed + json.dumps(document)


def test_a_call_that_is_not_remembered(calls: Server) -> None:
    """A sentence; so is a number together with what chooses several."""
    assert run_command("requests", "999999", "--url", calls.url, code=1)[1].startswith("Error: there is no call ")
    for option in (["--clear"], ["--code", ""], ["--text", "x"]):
        problem = run_command("requests", "1", *option, "--url", calls.url, code=2)[1]
        assert "a number chooses one call: leave out --clear and the filters" in problem
    assert len(control(calls, "requests")["requests"]) == 3


@contextmanager
def tailing(server: Server, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Run `tail`; it must end in order with SIGINT."""
    arguments = [COMMAND, "tail", "--url", server.url, *options]
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**CLEAN, "PYTHONUNBUFFERED": "1"}
    ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            try:
                assert process.wait(PATIENCE) == 0
            finally:
                process.kill()


def test_tail(calls: Server) -> None:
    """`tail` shows the last calls and then each that comes in: resource, status, code and why, on one line."""
    with tailing(calls, "--lines", "1") as process:
        assert process.stdout is not None
        assert "PutSecretValue" in process.stdout.readline()
        plain_call(calls.url, "GetSecretValue", SecretName="another")
        line = process.stdout.readline()
        assert line.split()[1:5] == ["GetSecretValue", "another", "404", "Forbidden.ResourceNotFound"]
        assert line.rstrip().endswith("There is no secret another in cn-hangzhou of account 1234567890123456.")
        control(calls, "requests", "--clear")
        plain_call(calls.url, "ListKeys")
        assert "ListKeys" in process.stdout.readline()


def test_tail_filters_and_prints_json(calls: Server) -> None:
    """Its filters are those of `requests`; with --json each call is a line."""
    with tailing(calls, "--json", "--code", "Forbidden.ResourceNotFound", "--text", "issing") as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["resource"] == "missing"
        plain_call(calls.url, "ListKeys")
        plain_call(calls.url, "GetSecretValue", SecretName="also-missing")
        assert json.loads(process.stdout.readline())["resource"] == "also-missing"


def test_tail_waits_for_a_server_that_starts_anew(files: Path) -> None:
    """When the server is gone it says so once and goes on when there is one again."""
    with serving(files, "--port", "0") as first:
        plain_call(first.url, "ListSecrets")
        plain_call(first.url, "ListSecrets")
        with tailing(first) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert "ListSecrets" in process.stdout.readline() + process.stdout.readline()
            assert first.end() == 0
            assert process.stderr.readline().startswith(f"no kms-mock at {first.url}: ")
            with serving(files, "--port", str(first.port)) as second:
                plain_call(second.url, "ListKeys")
                assert "ListKeys" in process.stdout.readline()


def test_faults(shared: Server) -> None:
    """`faults add` asks for a fault, `faults` shows how often it struck, `remove` takes it back."""
    try:
        made = control(
            shared, "faults", "add", "--operation", "list_secrets", "--code", "Rejected.Throttling", "--times", "1"
        )
        assert (made["operation"], made["times"]) == ("ListSecrets", 1)
        assert plain_call(shared.url, "ListSecrets")[0] == 429
        heading, fault = run_command("faults", "--url", shared.url)[0].splitlines()
        assert heading.split() == ["id", "strikes", "with", "phase", "struck", "matched"]
        assert fault.split()[1:] == [
            *("operation=ListSecrets", "code=Rejected.Throttling", "before", "1", "of", "1,", "spent", "1"),
        ]
        assert control(shared, "faults", "remove", str(made["id"]))["faults"] == []
        assert run_command("faults", "--url", shared.url)[0] == "there are no faults\n"
        made = control(shared, "faults", "add", "--latency", "0.1,0.2")
        assert control(shared, "faults")["faults"][0]["latency"] == [0.1, 0.2]
        problem = run_command("faults", "remove", str(made["id"]), "99999", "--url", shared.url, code=1)[1]
        assert problem == "Error: there is no fault 99999\n"
        assert len(control(shared, "faults")["faults"]) == 1  # nothing is half done
    finally:
        control(shared, "faults", "remove", "--all")


def test_every_field_of_a_fault_is_an_option() -> None:
    """With its description and choices; they are made from the type."""
    told = " ".join(run_command("faults", "add", "--help")[0].split())
    for field in fields(FaultSpec):
        assert f"--{field.name.replace('_', '-')} " in told
    assert "--effect [malformed|reset|slow|truncate] What happens to the answer" in told
    assert "Examples: kms-mock faults add" in told
    assert "None" not in told  # the bound of a number that has none


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (["add", "--operation", "Nonsense", "--latency", "1"], 1, "Nonsense"),
        (["add", "--code", "Rejected.Throtling"], 1, "did you mean 'Rejected.Throttling'?"),
        (["add", "--times", "0", "--latency", "1"], 2, "--times"),
        (["add", "--probability", "0", "--latency", "1"], 2, "--probability"),
        (["add", "--latency", "soon"], 2, "write seconds like 0.5"),
        (["add", "--effect", "rest"], 2, "--effect"),
        (["add"], 1, "a fault needs a code, a latency or an effect"),
        (["remove"], 2, "name the numbers of faults, or --all"),
        (["remove", "99999"], 1, "there is no fault 99999"),
    ],
)
def test_wrong_faults(shared: Server, arguments: list[str], code: int, problem: str) -> None:
    """What is wrong is named, and there is no fault."""
    assert problem in run_command("faults", *arguments, "--url", shared.url, code=code)[1]
    assert control(shared, "faults")["faults"] == []


def test_masked_documents_do_not_load(shared: Server, tmp_path: Path) -> None:
    """`state --yaml` without secrets is marked, says so, and is refused by name wherever it would be loaded."""
    document, note = run_command("state", "--yaml", "--url", shared.url)
    assert "--reveal-secrets" in note
    (tmp_path / "masked.yaml").write_text(document)
    with pytest.raises(FixtureError, match=r"masked\.yaml:1:9: \$\.masked: secret values are masked.*--reveal-secrets"):
        KmsMock([tmp_path / "masked.yaml"])
    told = run_command("state", "--replace", str(tmp_path / "masked.yaml"), "--url", shared.url, code=1)[1]
    assert "secret values are masked" in told
    (tmp_path / "open.yaml").write_text("secrets: []\n")
    with serving(tmp_path, "--port", "0", "--fixture", "open.yaml") as server:
        assert run_command("state", "--yaml", "--url", server.url)[1] == ""


def test_state_is_a_fixture_file(files: Path, tmp_path: Path) -> None:
    """`state --yaml` of a server that reveals secrets loads to the same state, with texts of several lines too."""
    secret = {"name": "many", "value": "one\ntwo\n", "description": "\x1b[31m\u202e"}
    (tmp_path / "one.json").write_text(json.dumps({"secrets": [secret], "keys": [{"id": "k", "spec": "RSA_2048"}]}))
    with serving(files, "--port", "0", "--fixture", str(tmp_path / "one.json"), "--reveal-secrets") as server:
        text = run_command("state", "--yaml", "--url", server.url)[0]
    (tmp_path / "again.yaml").write_text(text)
    assert KmsMock([tmp_path / "again.yaml"]).snapshot() == yaml.safe_load(text)
    assert text.replace("\n", "").isprintable()


def test_state_tables(shared: Server) -> None:
    """`state` is a table for each kind of resource in each region."""
    told = run_command("state", "--url", shared.url)[0]
    assert told.splitlines()[0] == "SECRETS: 2 in cn-hangzhou, account 1234567890123456"
    assert [line.split()[0] for line in told.splitlines()[1:]] == ["name", "db", "more"]


def test_state_tables_show_accounts_and_lists(tmp_path: Path) -> None:
    """What belongs to an account is a table of its own; lists show three entries; an empty server says so."""
    names = ["alias/a", "alias/b", "alias/c", "alias/d"]
    users = [{"name": "alice", "id": "201234567890123456"}]
    document = {"accounts": [{"id": "1234567890123456", "users": users}], "keys": [{"id": "k", "aliases": names}]}
    (tmp_path / "f.json").write_text(json.dumps(document))
    with serving(tmp_path, "--port", "0", "--fixture", "f.json") as server:
        lines = run_command("state", "--url", server.url)[0].splitlines()
        assert lines[0] == "USERS: 1 in account 1234567890123456"
        assert lines[2].split()[0] == "alice"
        assert lines[3] == "KEYS: 1 in cn-hangzhou, account 1234567890123456"
        assert "aliases: alias/a, alias/b, alias/c and 1 more" in lines[5]
        (tmp_path / "empty.json").write_text("{}")
        control(server, "state", "--replace", str(tmp_path / "empty.json"))
        assert run_command("state", "--url", server.url)[0] == "nothing is there\n"


def in_terminal(*arguments: str, **environment: str) -> str:
    """Run a command whose output is a terminal; return what it wrote there."""
    leader, follower = os.openpty()
    with subprocess.Popen(
        [COMMAND, *arguments],
        stdout=follower,
        stderr=subprocess.PIPE,
        stdin=follower,
        env={**CLEAN, "TERM": "xterm-256color", "COLUMNS": "80", **environment},
    ) as process:
        os.close(follower)
        written = b""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                data = os.read(leader, 65536)
            except OSError:  # the other side is closed
                break
            if not data:
                break
            written += data
        assert process.wait(PATIENCE) == 0
    os.close(leader)
    return written.decode()


def test_colours_are_for_terminals(calls: Server) -> None:
    """A terminal gets colours, not with NO_COLOR; a pipe never gets an escape sequence."""
    coloured = in_terminal("requests", "--url", calls.url)
    assert f"{ESCAPE}32m" in coloured
    assert f"{ESCAPE}31m" in coloured
    plain = in_terminal("requests", "--url", calls.url, NO_COLOR="1")
    assert f"{ESCAPE}32m" not in plain
    assert "200 ok" in plain
    for command in ("requests", "state", "faults", "clock", "health", "docs"):
        arguments = () if command == "docs" else ("--url", calls.url)
        assert ESCAPE not in run_command(command, *arguments)[0]


def test_a_narrow_terminal_shortens_the_widest_column(calls: Server) -> None:
    """Each line fits, whatever the resource is called; a pipe gets it whole."""
    name = "n" * 100
    plain_call(calls.url, "GetSecretValue", SecretName=name)
    shown = in_terminal("requests", "--url", calls.url, NO_COLOR="1")
    lines = re.sub(r"\x1b\[[0-9;]*m|\r", "", shown).splitlines()
    assert max(map(len, lines)) <= 80
    assert any("GetSecretValue  nnn" in line and "n…  404" in line for line in lines)
    assert name in run_command("requests", "--url", calls.url)[0]


def test_a_page_of_the_documentation_on_a_terminal() -> None:
    """Its Markdown is rendered, in the pager."""
    shown = in_terminal("docs", "run", PAGER="cat")
    assert "```" not in shown
    assert f"{ESCAPE}1m" in shown


def test_a_certificate_that_is_not_trusted() -> None:
    """A command that asks a kms-mock over https says where its certificate is."""
    with KmsMock() as kms:
        problem = run_command("health", "--url", kms.https_url, code=1, environment={"SSL_CERT_FILE": ""})[1]
        assert problem == (
            f"Error: the certificate of {kms.https_url} is not trusted; if it is a kms-mock, "
            "set SSL_CERT_FILE=$(kms-mock ca)\n"
        )
        trusting = {"SSL_CERT_FILE": str(kms.ca_file)}
        assert run_command("health", "--url", kms.https_url, environment=trusting)[0].startswith("ok: kms-mock ")
