"""The command line, as processes of its own."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener
from xml.etree import ElementTree as ET

import pytest

from kms_mock import KmsMock
from kms_mock.config import Config
from kms_mock.operation import REGISTRY

COMMAND = str(Path(sys.executable).with_name("kms-mock"))
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("KMS_MOCK_")}
PATIENCE = 20.0
SECRET = "hunter2-s3cret"
# Without the environment's proxies.
OPENER = build_opener(ProxyHandler({}))

ONE = f"secrets: [{{name: db, value: {SECRET}}}]\n"
TWO = "secrets: [{name: more, value: other}]\n"
WRONG = "secrets:\n- {name: db, value: one}\n- {name: db2, valu: one}\n"


class Server:
    """A `kms-mock serve` process. `url` is what its ready line says."""

    def __init__(
        self, folder: Path, *arguments: str, command: tuple[str, ...] = (COMMAND,), environment: Mapping[str, str] = {}
    ) -> None:
        self.log_file = folder / f"log-{time.monotonic_ns()}"
        with self.log_file.open("w") as log:
            self.process = subprocess.Popen(
                [*command, "serve", *arguments],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=folder,
                env={**CLEAN, **environment},
            )
        watchdog = threading.Timer(PATIENCE, self.process.kill)
        watchdog.start()
        assert self.process.stdout is not None
        self.ready = self.process.stdout.readline()
        watchdog.cancel()
        assert self.ready, self.log
        self.url = self.ready.split()[-1]
        self.port = int(self.url.rpartition(":")[2])

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def logged(self, text: str, seconds: float = PATIENCE) -> str:
        """Wait for a line of the log that has a text in it; give the line."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for line in self.log.splitlines():
                if text in line:
                    return line
            time.sleep(0.01)
        raise AssertionError(f"no {text!r} in the log within {seconds} seconds: {self.log}")

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and give the exit code."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


@contextlib.contextmanager
def serving(folder: Path, *arguments: str, **options: Any) -> Iterator[Server]:
    server = Server(folder, *arguments, **options)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            assert server.end() == 0


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with fixture files, two good and one wrong."""
    folder = tmp_path_factory.mktemp("cli")
    for name, text in (("one", ONE), ("two", TWO), ("wrong", WRONG)):
        (folder / f"{name}.yaml").write_text(text)
    return folder


@pytest.fixture(scope="module")
def shared(files: Path) -> Iterator[Server]:
    """One server for the tests that leave it as it was, at the most talkative log level."""
    with serving(
        files, "--port", "0", "--fixture", "one.yaml", "--fixture", "two.yaml", "--log-level", "debug"
    ) as server:
        yield server


def get(url: str, headers: Mapping[str, str] | None = None) -> tuple[int, str, Mapping[str, str]]:
    """Ask as a tool would that knows nothing of the API; give status, body and headers."""
    try:
        with OPENER.open(Request(url, headers=dict(headers or {})), timeout=PATIENCE) as answer:  # noqa: S310 (our own server)
            return answer.status, answer.read().decode(), dict(answer.headers)
    except HTTPError as error:
        return error.code, error.read().decode(), dict(error.headers)


def api(url: str, action: str, **parameters: str) -> tuple[int, str, Mapping[str, str]]:
    """Call an operation without a signature, with plain urllib."""
    return get(f"{url}/?{urlencode({'Action': action, 'Version': '2016-01-20', **parameters})}")


def names(url: str) -> list[str]:
    return [one["SecretName"] for one in json.loads(api(url, "ListSecrets")[1])["SecretList"]["Secret"]]


def run(
    *arguments: str, code: int = 0, folder: Path | None = None, environment: Mapping[str, str] = {}
) -> tuple[str, str]:
    """Run a command to its end, check its exit code, and give what it wrote to stdout and stderr."""
    ended = subprocess.run(
        [COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=folder,
        env={**CLEAN, **environment},
        check=False,
    )
    assert ended.returncode == code, ended
    assert "Traceback" not in ended.stderr
    return ended.stdout, ended.stderr


def control(server: Server, *arguments: str) -> Any:
    """Run a command that talks to the server; give the JSON document that it prints."""
    return json.loads(run(*arguments, "--url", server.url)[0])


# -- serve: ready, ended ------------------------------------------------------------------------------------------------


def test_ready_line(shared: Server) -> None:
    """The one line on stdout says where it listens; it is flushed into a pipe; the port 0 is a free port."""
    assert shared.ready == f"kms-mock listening on http://127.0.0.1:{shared.port}\n"
    assert shared.port != 0
    assert get(f"{shared.url}/_kms_mock/health")[0] == 200


def test_plain_json(shared: Server) -> None:
    """GetSecretValue with plain urllib, unsigned, gives JSON."""
    status, body, headers = api(shared.url, "GetSecretValue", SecretName="db")
    tree = json.loads(body)
    assert (status, tree["SecretData"], tree["VersionId"]) == (200, SECRET, "v1")
    assert headers["Content-Type"] == "application/json;charset=utf-8"
    assert headers["x-acs-request-id"] == tree["RequestId"]


def test_plain_xml(shared: Server) -> None:
    """GetSecretValue with Format=XML gives XML."""
    status, body, headers = api(shared.url, "GetSecretValue", SecretName="db", Format="XML")
    tree = ET.fromstring(body)  # noqa: S314 (our own server)
    assert (status, tree.tag, tree.findtext("SecretData")) == (200, "KMS", SECRET)
    assert headers["Content-Type"] == "text/xml;charset=utf-8"


def test_plain_write(shared: Server) -> None:
    """PutSecretValue changes what GetSecretValue gives; `kms-mock reset` goes back to the fixture files."""
    assert api(shared.url, "PutSecretValue", SecretName="db", VersionId="v2", SecretData="changed")[0] == 200
    assert json.loads(api(shared.url, "GetSecretValue", SecretName="db")[1])["SecretData"] == "changed"
    assert control(shared, "reset") == {}
    assert json.loads(api(shared.url, "GetSecretValue", SecretName="db")[1])["SecretData"] == SECRET


def test_fixture_files(shared: Server) -> None:
    """`--fixture` may be given more than once: everything in all of the files is there."""
    assert names(shared.url) == ["db", "more"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals(files: Path, number: int) -> None:
    """SIGINT and SIGTERM end it at once with exit code 0 and nothing to complain, also while connections are open."""
    with (
        serving(files, "--port", "0") as server,
        socket.create_connection(("127.0.0.1", server.port), PATIENCE) as kept,
    ):
        kept.sendall(b"GET /?Action=ListSecrets&Version=2016-01-20 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert kept.recv(65536).startswith(b"HTTP/1.1 200 OK")
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE):
            began = time.monotonic()
            assert server.end(number) == 0
            assert time.monotonic() - began < 15
        assert kept.recv(1) == b""
        assert re.fullmatch(r"\S+ INFO ListSecrets 200 ok .*\n", server.log)


def test_signal_while_busy(files: Path) -> None:
    """A request that takes for ever (a fault) keeps it from ending for a second or so, and no longer."""
    with serving(files, "--port", "0") as server:
        control(server, "faults", '{"operation": "ListSecrets", "latency": 60}')
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as waiting:
            waiting.sendall(b"GET /?Action=ListSecrets&Version=2016-01-20 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            while not control(server, "faults")["faults"][0]["struck"]:
                time.sleep(0.01)
            began = time.monotonic()
            assert server.end() == 0
            assert time.monotonic() - began < 15
        assert "Traceback" not in server.log


def test_log_reader_gone(files: Path) -> None:
    """When whoever read its log is gone, it goes on answering, and still ends in order."""
    with subprocess.Popen(
        [COMMAND, "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=CLEAN,
        cwd=files,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stdout.readline().split()[-1]
        process.stderr.close()
        try:
            for _ in range(3):
                assert api(url, "ListSecrets")[0] == 200
                assert api(url, "Nonsense")[0] == 404
                time.sleep(0.15)  # a log line is written a tenth of a second later
        finally:
            process.terminate()
        assert process.wait(PATIENCE) == 0


def test_module(files: Path) -> None:
    """`python -m kms_mock` is the same command."""
    with serving(files, "--port", "0", command=(sys.executable, "-m", "kms_mock")) as server:
        assert names(server.url) == []
    told = subprocess.run([sys.executable, "-m", "kms_mock", "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"python -m kms_mock, version \d+\.\d+\.\d+\n", told.stdout)


# -- serve: options -----------------------------------------------------------------------------------------------------


def test_environment(files: Path) -> None:
    """Every option of `serve` has its environment variable, named in the help, and what is on the command line wins."""
    chosen = {
        "KMS_MOCK_HOST": "localhost",
        "KMS_MOCK_PORT": "0",
        "KMS_MOCK_FIXTURE": os.pathsep.join(["one.yaml", str(files / "two.yaml")]),
        "KMS_MOCK_REGION": "eu-central-1",
        "KMS_MOCK_ACCOUNT": "42",
        "KMS_MOCK_SEED": "7",
        "KMS_MOCK_JOURNAL": "2",
        "KMS_MOCK_CONTROL_REMOTE": "true",
        "KMS_MOCK_REVEAL_SECRETS": "1",
        "KMS_MOCK_LOG_LEVEL": "warning",
    }
    helped = run("serve", "--help")[0]
    assert set(re.findall(r"KMS_MOCK_\w+", helped)) == set(chosen)
    assert len(re.findall(r"^  --", helped, re.MULTILINE)) == len(chosen)
    assert f"several are joined by '{os.pathsep}'" in " ".join(helped.split())
    with serving(files, "--region", "eu-west-1", environment=chosen) as server:
        assert server.ready == f"kms-mock listening on http://localhost:{server.port}\n"
        _, body, headers = api(server.url, "CreateSecret", SecretName="new", VersionId="v1", SecretData=SECRET)
        assert json.loads(body)["Arn"] == "acs:kms:eu-west-1:42:secret/new"
        twin = KmsMock([files / "one.yaml", files / "two.yaml"], config=Config(seed=7))
        assert headers["x-acs-request-id"] == twin.sources.new_id()
        assert names(server.url) == ["db", "more", "new"]
        assert names(server.url)
        journal = json.loads(get(f"{server.url}/_kms_mock/requests")[1])
        assert (journal["size"], journal["evicted"]) == (2, 1)
        assert get(f"{server.url}/_kms_mock/health", {"Host": "10.1.2.3"})[0] == 200
        assert SECRET in get(f"{server.url}/_kms_mock/state")[1]
        assert server.end() == 0
        assert server.log == ""


def test_guarded_by_default(shared: Server) -> None:
    """Without the options for it, the control API neither shows secrets nor answers to a foreign host name."""
    assert get(f"{shared.url}/_kms_mock/health", {"Host": "10.1.2.3"})[0] == 403
    state = get(f"{shared.url}/_kms_mock/state")[1]
    assert SECRET not in state
    assert "db" in state


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--port", "99999"], "--port"),
        (["--region", "Hang Zhou"], "'Hang Zhou' is not a region"),
        (["--account", "me"], "'me' is not an account"),
        (["--log-level", "loud"], "--log-level"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_wrong_options(arguments: list[str], problem: str) -> None:
    """A wrong option is named, with exit code 2 and how to get help, and nothing listens."""
    told, complained = run("serve", "--port", "0", *arguments, code=2)
    assert told == ""
    assert problem in complained
    assert "Try 'kms-mock serve --help'" in complained


@pytest.mark.parametrize(
    ("fixture", "problem"),
    [
        ("wrong.yaml", "wrong.yaml: $.secrets[1]: Object contains unknown field `valu`"),
        ("missing.yaml", "missing.yaml: $: cannot be read"),
    ],
)
def test_wrong_fixture(files: Path, fixture: str, problem: str) -> None:
    """A wrong fixture file ends it with exit code 1 and the file, place and problem; it never says that it listens."""
    told, complained = run("serve", "--port", "0", "--fixture", "one.yaml", "--fixture", fixture, code=1, folder=files)
    assert told == ""
    assert problem in complained
    assert complained.count("\n") == 1


def test_busy_port(shared: Server) -> None:
    """A busy port ends it at once, with exit code 1 and one clear line."""
    told, complained = run("serve", "--port", str(shared.port), code=1)
    assert told == ""
    assert complained == f"Error: cannot listen on 127.0.0.1:{shared.port}: {os.strerror(errno.EADDRINUSE)}\n"


def test_unknown_host() -> None:
    """A host name that does not exist is told in one line too."""
    told, complained = run("serve", "--port", "0", "--host", "nosuchhost.invalid", code=1)
    assert told == ""
    assert re.fullmatch(r"Error: cannot listen on nosuchhost\.invalid:0: .+\n", complained)


# -- the log ------------------------------------------------------------------------------------------------------------


def test_log_line(shared: Server) -> None:
    """Within a second of its answer a request is in the log: action, status, code, milliseconds, request id."""
    for action, more, outcome in (
        ("ListSecrets", {}, "200 ok"),
        ("GetSecretValue", {"SecretName": "missing"}, "404 Forbidden.ResourceNotFound"),
        ("GetSecretValue", {}, "400 MissingParameter"),
    ):
        _, _, headers = api(shared.url, action, **more)
        line = shared.logged(headers["x-acs-request-id"], 1.0)
        stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
        assert re.fullmatch(rf"{stamp} INFO {action} {outcome} \d+\.\d ms {headers['x-acs-request-id']}", line)


def malformed(secret: str) -> list[bytes]:
    """Requests that are refused at every stage, each with a secret in all the places where one may be."""
    query = f"Version=2016-01-20&SecretName={secret}&SecretData={secret}&VersionId=v9&Plaintext={secret}"
    head = f"Host: 127.0.0.1\r\nX-Token: {secret}\r\nConnection: close\r\n"
    form = f"{head}Content-Type: application/x-www-form-urlencoded\r\n"
    json_form = f"{head}Content-Type: application/json\r\nContent-Length: {len(secret) + 2}\r\n"
    return [
        text.encode()
        for text in (
            f"GET /?Action=CreateSecret&{query} HTTP/1.1\r\n{head}\r\n",
            f"GET /?Action=PutSecretValue&{query} HTTP/1.1\r\n{head}\r\n",
            f"GET /?Action=Encrypt&KeyId={secret}&{query} HTTP/1.1\r\n{head}\r\n",
            f"GET /?Action=Nonsense&{query} HTTP/1.1\r\n{head}\r\n",
            f"GET /elsewhere/{secret}?Action=ListSecrets&{query} HTTP/1.1\r\n{head}\r\n",
            f"DELETE /?Action=DeleteSecret&{query} HTTP/1.1\r\n{head}\r\n",
            f"GET /?{query} HTTP/1.1\r\n{head}\r\n",
            f"GET /?Action=ListSecrets&SecretData={secret} HTTP/1.1\r\n{head}\r\n",
            f"GET /?Action=ListSecrets&{query} HTTP/9.9{secret}\r\n{head}\r\n",
            f"GET /?Action=ListSecrets&{query} HTTP/1.1\r\n{secret} {secret}\r\n{head}\r\n",
            f"{secret}\r\n\r\n",
            f"POST /?Action=PutSecretValue&{query} HTTP/1.1\r\n{form}Content-Length: 4\r\n\r\n%ff{secret}",
            f"POST / HTTP/1.1\r\n{form}Content-Length: {len(secret)}x\r\n\r\n{secret}",
            f"POST / HTTP/1.1\r\n{form}Transfer-Encoding: chunked\r\n\r\n{secret}\r\n{secret}\r\n",
            f"POST / HTTP/1.1\r\n{json_form}\r\n[{secret}]",
            f"GET /_kms_mock/{secret} HTTP/1.1\r\n{head}\r\n",
            f"PUT /_kms_mock/state HTTP/1.1\r\n{json_form}\r\n[{secret}]",
        )
    ]


def test_log_keeps_secrets(files: Path) -> None:
    """At the level debug, too, no request puts a secret into the log: granted, refused, or not even HTTP."""
    secret = "s3cret-of-the-log"
    with serving(files, "--port", "0", "--fixture", "one.yaml", "--log-level", "debug") as server:
        for request in malformed(secret):
            with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as wire:
                wire.sendall(request)
                assert wire.recv(65536).startswith(b"HTTP/1."), request
        assert api(server.url, "GetSecretValue", SecretName="db")[0] == 200
        server.logged("GetSecretValue 200 ok")
        assert server.end() == 0
        assert secret not in server.log
        assert SECRET not in server.log
        for text in ("CreateSecret 200 ok", "PutSecretValue", "Encrypt 404", "Nonsense", "- 400 MissingParameter"):
            assert text in server.log
        assert "Traceback" not in server.log
        assert " ERROR " not in server.log


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
    examples = sorted(map(str, (Path(__file__).parent.parent / "fixtures").glob("*.yaml")))
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
