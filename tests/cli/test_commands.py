"""The other commands, as processes of their own: validate, operations, and those that talk to a server."""

from __future__ import annotations

import json
import re
import socket
import threading
from pathlib import Path

import pytest

from kms_mock.operation import REGISTRY
from tests.cli_support import PATIENCE, SECRET, Server, api, control, names, run

# -- validate, operations -----------------------------------------------------------------------------------------------


def test_validate_good(files: Path) -> None:
    """`validate` says of each good file that it is ok, each alone: two files may hold the same names."""
    told, complained = run("validate", "one.yaml", "two.yaml", "one.yaml", folder=files)
    assert told == "one.yaml: ok\ntwo.yaml: ok\none.yaml: ok\n"
    assert complained == ""


def test_validate_bad(files: Path) -> None:
    """`validate` names each wrong file with place and problem, checks the others all the same, and exits with 1."""
    told, complained = run("validate", "wrong.yaml", "one.yaml", "missing.yaml", code=1, folder=files)
    assert told == "one.yaml: ok\n"
    wrong, missing = complained.splitlines()
    assert wrong == "error: wrong.yaml: $.secrets[1]: Object contains unknown field `valu`"
    assert missing.startswith("error: missing.yaml: $: cannot be read")


def test_validate_examples() -> None:
    """The example files that come with the project are good."""
    examples = sorted(map(str, (Path(__file__).parents[2] / "fixtures").glob("*.yaml")))
    assert examples
    assert run("validate", *examples)[0] == "".join(f"{file}: ok\n" for file in examples)


def test_operations() -> None:
    """`operations` lists every registered operation, once, with its parameters and codes."""
    told = run("operations")[0]
    rows = {
        line.split(":")[0].removeprefix("| "): line for line in told.splitlines() if ": " in line and line[0] == "|"
    }
    assert list(rows) == sorted(REGISTRY)
    assert "**SecretName**" in rows["GetSecretValue"]
    assert "404 Forbidden.ResourceNotFound" in rows["GetSecretValue"]


def test_help() -> None:
    """Without a command, and with --help, it says which commands there are."""
    told = run("--help")[0]
    for name in ("serve", "validate", "operations", "health", "reset", "state", "clock", "requests", "faults"):
        assert re.search(rf"^  {name} ", told, re.MULTILINE)


# -- commands that talk to a server -------------------------------------------------------------------------------------


def test_health(shared: Server) -> None:
    """`health` prints what the server says of itself; KMS_MOCK_URL says where it is, a slash at its end does no harm."""
    assert control(shared, "health")["status"] == "ok"
    told = run("health", environment={"KMS_MOCK_URL": f"{shared.url}/", "HTTP_PROXY": "http://127.0.0.1:9"})[0]
    assert json.loads(told)["status"] == "ok"


def test_state(shared: Server, files: Path) -> None:
    """`state` shows the store with secrets masked; --add adds a file, --replace puts one in the place of everything."""
    assert SECRET not in run("state", "--url", shared.url)[0]
    try:
        (files / "third.json").write_text('{"secrets": [{"name": "third", "value": "3"}]}')
        control(shared, "state", "--add", str(files / "third.json"))
        assert names(shared.url) == ["db", "more", "third"]
        control(shared, "state", "--replace", str(files / "two.yaml"))
        assert names(shared.url) == ["more"]
        problem = run("state", "--add", str(files / "two.yaml"), "--url", shared.url, code=1)[1]
        assert problem.startswith("Error: fixture: $.secrets[0]")
        problem = run("state", "--replace", str(files / "wrong.yaml"), "--url", shared.url, code=1)[1]
        assert problem.startswith(f"Error: {files / 'wrong.yaml'}: $.secrets[1]")
        assert names(shared.url) == ["more"]
    finally:
        control(shared, "reset")
    assert names(shared.url) == ["db", "more"]


def test_clock(shared: Server) -> None:
    """`clock` shows the time and moves it, and prints what became due."""
    try:
        assert control(shared, "clock")["frozen"] is False
        assert control(shared, "clock", "--set", "2040-01-01T00:00:00Z", "--freeze")["now"] == "2040-01-01T00:00:00Z"
        api(shared.url, "DeleteSecret", SecretName="more", RecoveryWindowInDays="7")
        moved = control(shared, "clock", "--advance", "8d")
        assert moved["now"] == "2040-01-09T00:00:00Z"
        assert [event["at"] for event in moved["events"]] == ["2040-01-08T00:00:00Z"]
        assert control(shared, "clock", "--unfreeze", "--tick-rate", "2")["tick_rate"] == 2
        assert "1h30m" in run("clock", "--advance", "soon", "--url", shared.url, code=1)[1]
    finally:
        control(shared, "reset")


def test_requests(shared: Server) -> None:
    """`requests` shows the calls, of one action if asked for, with secrets masked; --clear forgets them."""
    control(shared, "requests", "--clear")
    api(shared.url, "ListSecrets")
    api(shared.url, "PutSecretValue", SecretName="missing", VersionId="v1", SecretData=SECRET)
    told = run("requests", "--url", shared.url)[0]
    assert [call["action"] for call in json.loads(told)["requests"]] == ["ListSecrets", "PutSecretValue"]
    assert SECRET not in told
    (put,) = control(shared, "requests", "--action", "PutSecretValue")["requests"]
    assert put["parameters"] == {"SecretName": "missing", "VersionId": "v1", "SecretData": "***"}
    assert control(shared, "requests", "--action", "no such & thing")["requests"] == []


def test_faults(shared: Server) -> None:
    """`faults` asks for a fault, shows how often it struck, and takes all back; a wrong one is refused with the reason."""
    try:
        control(shared, "faults", '{"operation": "ListSecrets", "code": "Rejected.Throttling", "times": 1}')
        assert api(shared.url, "ListSecrets")[0] == 429
        assert api(shared.url, "ListSecrets")[0] == 200
        (fault,) = control(shared, "faults")["faults"]
        assert (fault["struck"], fault["spent"]) == (1, True)
        assert "Nonsense" in run("faults", '{"operation": "Nonsense", "latency": 1}', "--url", shared.url, code=1)[1]
        assert "not JSON" in run("faults", "{", "--url", shared.url, code=2)[1]
    finally:
        control(shared, "faults", "--clear")
    assert control(shared, "faults")["faults"] == []


def test_no_server() -> None:
    """Where nothing listens, the error says so, in one line."""
    with socket.socket() as reserved:  # bound but not listening: nobody else gets this port
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        complained = run("health", "--url", url, code=1)[1]
    assert complained.startswith(f"Error: no kms-mock at {url}: ")
    assert complained.count("\n") == 1


@pytest.mark.parametrize(
    "url", ["127.0.0.1:4588", "http://", "ftp://localhost", "http://127.0.0.1:4588/?Action=x", "http://a:99999"]
)
def test_wrong_url(url: str) -> None:
    """What is not the URL of a server is refused with an example of one."""
    assert "http://127.0.0.1:4588" in run("reset", "--url", url, code=2)[1]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone", "it answers 404"),
        (b'HTTP/1.1 403 No\r\nContent-Length: 6\r\n\r\n["no"]', "it answers 403"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", "it does not answer in JSON"),
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
        complained = run("health", "--url", url, code=1)[1]
        other.join(PATIENCE)
    assert complained.startswith(f"Error: no kms-mock at {url}: ")
    assert problem in complained
