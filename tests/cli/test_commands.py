"""The other commands, as processes of their own: validate, operations, and those that talk to a server."""

from __future__ import annotations

import json
import re
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from kms_mock.cli import main
from kms_mock.cli.options import default_url
from tests.support.cli import PATIENCE, SECRET_VALUE, Server, control, plain_call, run_command, secret_names
from tests.support.registry import DECLARED

# -- validate, operations -----------------------------------------------------------------------------------------------


def test_validate_good(files: Path) -> None:
    """`validate` says of each good file that it is ok, each alone: two files may hold the same names."""
    told, complained = run_command("validate", "one.yaml", "two.yaml", "one.yaml", folder=files)
    assert told == "one.yaml: ok\ntwo.yaml: ok\none.yaml: ok\n"
    assert complained == ""


def test_validate_bad(files: Path) -> None:
    """`validate` names each wrong file with place and problem, checks the others all the same, and exits with 1."""
    told, complained = run_command("validate", "wrong.yaml", "one.yaml", "missing.yaml", code=1, folder=files)
    assert told == "one.yaml: ok\n"
    wrong, missing = complained.splitlines()
    assert wrong.startswith("Error: wrong.yaml:3:15: $.secrets[1]: unknown field 'valu'; did you mean 'value'?")
    assert missing.startswith("Error: missing.yaml: cannot be read")


def test_validate_examples() -> None:
    """The example files that come with the project are good."""
    examples = sorted(map(str, (Path(__file__).parents[2] / "fixtures").glob("*.yaml")))
    assert examples
    assert run_command("validate", *examples)[0] == "".join(f"{file}: ok\n" for file in examples)


def test_operations() -> None:
    """`operations` prints the page of operations: every one has its heading, its parameters and its errors."""
    page = run_command("operations")[0]
    headings = [line.removeprefix("#### ").partition(" (")[0] for line in page.splitlines() if line.startswith("#### ")]
    assert sorted(headings) == sorted(operation.name for operation in DECLARED)
    section = page.partition("\n#### GetSecretValue\n")[2].partition("\n####")[0]
    assert "| `SecretName` | string | yes |" in section
    assert "| 404 | Forbidden.ResourceNotFound | `Resource not found.` |" in section


def test_one_operation() -> None:
    """`operations NAME` prints that one alone, with the rules it shares; a wrong name is an error with the nearest one."""
    page = run_command("operations", "PutSecretValue")[0]
    assert page.startswith("#### PutSecretValue\n")
    assert page.count("####") == 1
    assert "| 409 | Rejected.ResourceExist |" in page
    assert "Version ids with control characters are refused" in page
    assert "did you mean 'PutSecretValue'?" in run_command("operations", "PutSecretVale", code=1)[1]


def test_help() -> None:
    """Without a command, and with --help, it says which commands there are."""
    told = run_command("--help")[0]
    for name in ("serve", "validate", "operations", "health", "reset", "state", "clock", "requests", "faults"):
        assert re.search(rf"^  {name} ", told, re.MULTILINE)


# -- commands that talk to a server -------------------------------------------------------------------------------------


def test_health(shared: Server) -> None:
    """`health` prints what the server says of itself; KMS_MOCK_URL says where it is, a slash at its end does no harm."""
    assert control(shared, "health")["status"] == "ok"
    told = run_command("health", environment={"KMS_MOCK_URL": f"{shared.url}/", "HTTP_PROXY": "http://127.0.0.1:9"})[0]
    assert re.fullmatch(rf"ok: kms-mock \d+\.\d+\.\d+ at {shared.url}/?, its clock: \S+Z\n", told)


@pytest.mark.parametrize("command", ["health", "env", "requests"])
def test_commands_find_the_server_at_the_port_that_serve_took_from_the_environment(
    command: str, shared: Server, tmp_path: Path
) -> None:
    """The image's health check failed where KMS_MOCK_PORT was set: it read KMS_MOCK_URL alone, which still goes first."""
    state = {"XDG_STATE_HOME": str(tmp_path)}
    assert run_command(command, environment={"KMS_MOCK_PORT": str(shared.port), **state})[0]
    both = {"KMS_MOCK_PORT": "1", "KMS_MOCK_URL": shared.url, **state}
    assert run_command(command, environment=both)[0]
    assert run_command(command, "--url", shared.url, environment={"KMS_MOCK_PORT": "tcp://10.0.0.1:4588", **state})[0]
    assert "no kms-mock at http://127.0.0.1:1: " in run_command(command, environment={"KMS_MOCK_PORT": "1"}, code=1)[1]


@pytest.mark.parametrize(("text", "url"), [("", ":4588"), ("0", ":4588"), ("4600", ":4600")])
def test_the_url_by_default(text: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is set, or a free port whose number nobody knows: 4588."""
    monkeypatch.setenv("KMS_MOCK_PORT", text)
    assert default_url() == f"http://127.0.0.1{url}"


@pytest.mark.parametrize("text", ["tcp://10.0.0.1:4588", "65536", "-1"])
def test_what_is_no_port(text: str) -> None:
    """Kubernetes sets KMS_MOCK_PORT beside a service of that name; a sentence says what to do."""
    problem = run_command("health", environment={"KMS_MOCK_PORT": text}, code=2)[1]
    assert "Invalid value for KMS_MOCK_PORT: " in problem
    assert "Unset it, or name the server by KMS_MOCK_URL." in problem


def test_state(shared: Server, files: Path) -> None:
    """`state` shows the store with secrets masked; --add adds a file, --replace puts one in the place of everything."""
    for form in (), ("--yaml",), ("--json",):
        assert SECRET_VALUE not in run_command("state", "--url", shared.url, *form)[0]
    try:
        (files / "third.json").write_text('{"secrets": [{"name": "third", "value": "3"}]}')
        control(shared, "state", "--add", str(files / "third.json"))
        assert secret_names(shared.url) == ["db", "more", "third"]
        control(shared, "state", "--replace", str(files / "two.yaml"))
        assert secret_names(shared.url) == ["more"]
        problem = run_command("state", "--add", str(files / "two.yaml"), "--url", shared.url, code=1)[1]
        assert problem.startswith(f"Error: {files / 'two.yaml'}: $.secrets[0]")
        problem = run_command("state", "--replace", str(files / "wrong.yaml"), "--url", shared.url, code=1)[1]
        assert problem.startswith(f"Error: {files / 'wrong.yaml'}:3:15: $.secrets[1]")
        assert secret_names(shared.url) == ["more"]
    finally:
        control(shared, "reset")
    assert secret_names(shared.url) == ["db", "more"]


def test_state_changes_whole_or_not(shared: Server, files: Path) -> None:
    """`--replace good --add bad` does neither, whether the second file is wrong by itself or beside the first."""
    (files / "clash.json").write_text('{"secrets": [{"name": "more", "value": "again"}]}')
    for bad, place in (("wrong.yaml", ":3:15: $.secrets[1]"), ("clash.json", ": $.secrets[0]")):
        arguments = ("--replace", str(files / "two.yaml"), "--add", str(files / bad))
        problem = run_command("state", *arguments, "--url", shared.url, code=1)[1]
        assert problem.startswith(f"Error: {files / bad}{place}")
        assert secret_names(shared.url) == ["db", "more"]
    try:
        (files / "third.json").write_text('{"secrets": [{"name": "third", "value": "3"}]}')
        control(shared, "state", "--replace", str(files / "two.yaml"), "--add", str(files / "third.json"))
        assert secret_names(shared.url) == ["more", "third"]
    finally:
        control(shared, "reset")


def test_state_takes_many_secrets(shared: Server, files: Path) -> None:
    """12,000 secrets: it said "no kms-mock at …: it answers 400"."""
    many = [{"name": f"s{number}", "value": "x" * 100} for number in range(12_000)]
    (files / "many.json").write_text(json.dumps({"secrets": many}))
    try:
        control(shared, "state", "--replace", str(files / "many.json"))
        assert json.loads(plain_call(shared.url, "ListSecrets")[1])["TotalCount"] == 12_000
    finally:
        control(shared, "reset")


def test_terminals_get_no_control_characters(shared: Server, files: Path) -> None:
    """What clients and files wrote is escaped in `requests`, `state` and errors: C0, DEL, C1, marks of direction."""
    nasty = "\x1b[31m\x7f\x9b31m\u202e\u2028é汉"
    (files / "nasty.json").write_text(json.dumps({"secrets": [{"name": "nasty", "value": "x", "description": nasty}]}))
    try:
        control(shared, "state", "--add", str(files / "nasty.json"))
        plain_call(shared.url, "GetSecretValue", SecretName=nasty)
        for command in ("state", "requests"):
            for form in (), ("--json",), ("--yaml",):
                told = run_command(command, "--url", shared.url, *form)[0]
                assert told.replace("\n", "").isprintable()
                assert "é汉" in told
                if form:
                    assert repr(nasty)[1:-1] in str(yaml.safe_load(told))  # JSON is YAML
        problem = run_command("faults", "add", "--code", nasty, "--url", shared.url, code=1)[1]
        assert problem.removesuffix("\n").isprintable()
    finally:
        control(shared, "reset")


def test_clock(shared: Server) -> None:
    """`clock` shows the time and moves it, and prints what became due."""
    try:
        assert control(shared, "clock")["frozen"] is False
        assert control(shared, "clock", "--set", "2040-01-01T00:00:00Z", "--freeze")["now"] == "2040-01-01T00:00:00Z"
        plain_call(shared.url, "DeleteSecret", SecretName="more", RecoveryWindowInDays="7")
        moved = control(shared, "clock", "--advance", "8d")
        assert moved["now"] == "2040-01-09T00:00:00Z"
        assert [event["at"] for event in moved["events"]] == ["2040-01-08T00:00:00Z"]
        assert control(shared, "clock", "--unfreeze", "--tick-rate", "2")["tick_rate"] == 2
        assert "1h30m" in run_command("clock", "--advance", "soon", "--url", shared.url, code=1)[1]
    finally:
        control(shared, "reset")


def test_no_server() -> None:
    """Where nothing listens, the error says so, in one line."""
    with socket.socket() as reserved:  # bound but not listening: nobody else gets this port
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        complained = run_command("health", "--url", url, code=1)[1]
    assert complained.startswith(f"Error: no kms-mock at {url}: ")
    assert complained.count("\n") == 1


@pytest.mark.parametrize(
    "url", ["127.0.0.1:4588", "http://", "ftp://localhost", "http://127.0.0.1:4588/?Action=x", "http://a:99999"]
)
def test_wrong_url(url: str) -> None:
    """What is not the URL of a server is refused with an example of one."""
    assert "http://127.0.0.1:4588" in run_command("reset", "--url", url, code=2)[1]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone", "it answers 404"),
        (b'HTTP/1.1 403 No\r\nContent-Length: 6\r\n\r\n["no"]', "it answers 403"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", "it does not answer in JSON"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", "its answer has no version"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "SSH-2.0"),
        (b"", "Remote end closed connection"),
    ],
)
def test_other_server(answer: bytes, problem: str) -> None:
    """Where something else listens, the error says so instead of showing a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        other = threading.Thread(target=serve, daemon=True)
        other.start()
        complained = run_command("health", "--url", url, code=1)[1]
        other.join(PATIENCE)
    assert complained.startswith(f"Error: no kms-mock at {url}: ")
    assert problem in complained


@pytest.mark.parametrize("command", ["health", "requests", "tail", "faults", "clock", "policy", "client-key"])
def test_a_server_that_answers_other_json(command: str) -> None:
    """Each command that reads an answer says whose it is not, in a line: some showed a traceback."""

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{}")

        do_POST = do_GET  # noqa: N815 (the name that the library calls)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Other) as other:
        url = f"http://127.0.0.1:{other.server_port}"
        thread = threading.Thread(target=other.serve_forever, daemon=True)
        thread.start()
        done = CliRunner().invoke(main, [command, "--url", url])
        other.shutdown()
        thread.join(PATIENCE)
    assert done.exit_code == 1
    assert done.output.startswith(f"Error: no kms-mock at {url}: its answer has no ")
