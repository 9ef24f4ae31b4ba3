"""`kms-mock serve` as a process of its own: ready, ended, its options, its log."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from kms_mock import KmsMock
from kms_mock.config import Config
from kms_mock.server.authority import Authority
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
    secret_names,
    serving,
)

# -- serve: ready, ended ------------------------------------------------------------------------------------------------


def test_ready_line(shared: Server) -> None:
    """The first line on stdout says where it listens; it is flushed into a pipe; the port 0 is a free port."""
    assert shared.ready == f"kms-mock listening on http://127.0.0.1:{shared.port}\n"
    assert shared.port != 0
    assert get(f"{shared.url}/_kms_mock/health")[0] == 200


def test_plain_json(shared: Server) -> None:
    """GetSecretValue with plain urllib, unsigned, gives JSON."""
    status, body, headers = plain_call(shared.url, "GetSecretValue", SecretName="db")
    tree = json.loads(body)
    assert (status, tree["SecretData"], tree["VersionId"]) == (200, SECRET_VALUE, "v1")
    assert headers["Content-Type"] == "application/json;charset=utf-8"
    assert headers["x-acs-request-id"] == tree["RequestId"]


def test_plain_xml(shared: Server) -> None:
    """GetSecretValue with Format=XML gives XML."""
    status, body, headers = plain_call(shared.url, "GetSecretValue", SecretName="db", Format="XML")
    tree = ET.fromstring(body)  # noqa: S314 (our own server)
    assert (status, tree.tag, tree.findtext("SecretData")) == (200, "KMS", SECRET_VALUE)
    assert headers["Content-Type"] == "text/xml;charset=utf-8"


def test_plain_write(shared: Server) -> None:
    """PutSecretValue changes what GetSecretValue gives; `kms-mock reset` goes back to the fixture files."""
    assert plain_call(shared.url, "PutSecretValue", SecretName="db", VersionId="v2", SecretData="changed")[0] == 200
    assert json.loads(plain_call(shared.url, "GetSecretValue", SecretName="db")[1])["SecretData"] == "changed"
    assert control(shared, "reset") == {}
    assert json.loads(plain_call(shared.url, "GetSecretValue", SecretName="db")[1])["SecretData"] == SECRET_VALUE


def test_fixture_files(shared: Server) -> None:
    """`--fixture` may be given more than once: everything in all of the files is there."""
    assert secret_names(shared.url) == ["db", "more"]


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
    """A request that takes for ever (a fault) does not keep it from ending."""
    with serving(files, "--port", "0") as server:
        control(server, "faults", "add", "--operation", "ListSecrets", "--latency", "60")
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as waiting:
            waiting.sendall(b"GET /?Action=ListSecrets&Version=2016-01-20 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            while not control(server, "faults")["faults"][0]["struck"]:
                time.sleep(0.01)
            began = time.monotonic()
            assert server.end() == 0
            assert time.monotonic() - began < 15
        assert "Traceback" not in server.log


@pytest.mark.parametrize("buffering", [{}, {"PYTHONUNBUFFERED": "1"}])
def test_log_reader_gone(files: Path, buffering: dict[str, str]) -> None:
    """When whoever read its log is gone, it goes on answering, and still ends in order, however Python buffers."""
    with subprocess.Popen(
        [COMMAND, "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**CLEAN, **buffering},
        cwd=files,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stdout.readline().split()[-1]
        process.stderr.close()
        try:
            for _ in range(3):
                assert plain_call(url, "ListSecrets")[0] == 200
                assert plain_call(url, "Nonsense")[0] == 404
                time.sleep(0.15)  # a log line is written a tenth of a second later
        finally:
            process.terminate()
        assert process.wait(PATIENCE) == 0


def test_module(files: Path) -> None:
    """`python -m kms_mock` is the same command."""
    with serving(files, "--port", "0", command=(sys.executable, "-m", "kms_mock")) as server:
        assert secret_names(server.url) == []
    told = subprocess.run([sys.executable, "-m", "kms_mock", "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"python -m kms_mock, version \d+\.\d+\.\d+\n", told.stdout)


# -- serve: options -----------------------------------------------------------------------------------------------------


def test_environment(files: Path, tmp_path: Path) -> None:
    """Every option of `serve` has its environment variable, named in the help, and what is on the command line wins."""
    chosen = {
        "KMS_MOCK_HOST": "localhost",
        "KMS_MOCK_PORT": "0",
        "KMS_MOCK_FIXTURE": os.pathsep.join(["one.yaml", str(files / "two.yaml")]),
        "KMS_MOCK_REGION": "eu-central-1",
        "KMS_MOCK_ACCOUNT": "42",
        "KMS_MOCK_SEED": "7",
        "KMS_MOCK_JOURNAL": "2",
        "KMS_MOCK_JOURNAL_BYTES": "1000000",
        "KMS_MOCK_CONTROL_REMOTE": "true",
        "KMS_MOCK_REVEAL_SECRETS": "1",
        "KMS_MOCK_REGION_PORT": "cn-beijing=0 cn-shanghai=0",
        "KMS_MOCK_ALLOW_HOST": "kms.example.com kms.example.net",
        "KMS_MOCK_CONTROL_HOST": "control.example.com",
        "KMS_MOCK_LOG_LEVEL": "warning",
        "KMS_MOCK_TLS_CERT": str(tmp_path / "own.pem"),
        "KMS_MOCK_TLS_KEY": str(tmp_path / "own.pem"),
        "KMS_MOCK_CA_DIR": str(tmp_path / "ca"),
        "KMS_MOCK_PROXY_REMOTE": "true",
    }
    own = Authority.make()
    (tmp_path / "own.pem").write_bytes(own.issue(["localhost"]))
    helped = run_command("serve", "--help")[0]
    elsewhere = {"KMS_MOCK_STATE", "KMS_MOCK_STATE_PASSPHRASE_FILE"}  # test_state_file.py: they exclude a seed
    assert set(re.findall(r"KMS_MOCK_\w+", helped)) == chosen.keys() | elsewhere
    assert len(re.findall(r"^  --", helped, re.MULTILINE)) == len(chosen) + len(elsewhere)
    assert f"several are joined by '{os.pathsep}'" in " ".join(helped.split())
    with serving(files, "--region", "eu-west-1", environment=chosen) as server:
        assert server.ready == f"kms-mock listening on http://localhost:{server.port}\n"
        _, body, headers = plain_call(
            server.url, "CreateSecret", SecretName="new", VersionId="v1", SecretData=SECRET_VALUE
        )
        assert json.loads(body)["Arn"] == "acs:kms:eu-west-1:42:secret/new"
        twin = KmsMock([files / "one.yaml", files / "two.yaml"], config=Config(seed=7))
        assert headers["x-acs-request-id"] == twin.sources.new_id()
        assert secret_names(server.url) == ["db", "more", "new"]
        assert secret_names(server.url)
        journal = json.loads(get(f"{server.url}/_kms_mock/requests")[1])
        assert (journal["size"], journal["evicted"]) == (2, 1)
        assert get(f"{server.url}/_kms_mock/clock", {"Host": "10.1.2.3"})[0] == 200
        assert get(server.url, {"Host": "kms.example.net"})[0] == 400
        control_page = {"Host": "control.example.com", "Origin": "http://control.example.com"}
        assert get(f"{server.url}/_kms_mock/clock", control_page)[0] == 200
        assert SECRET_VALUE in get(f"{server.url}/_kms_mock/state")[1]
        context = ssl.create_default_context(cadata=own.pem.decode())
        with (
            socket.create_connection(("localhost", server.port)) as plain,
            context.wrap_socket(plain, server_hostname="localhost"),
        ):
            assert sorted(path.name for path in (tmp_path / "ca").iterdir()) == ["ca-key.pem", "ca.pem"]
        assert server.end() == 0
        assert server.log == ""


def test_guarded_by_default(shared: Server) -> None:
    """Without the options for it, the control API neither shows secrets nor answers to a foreign host name."""
    assert get(f"{shared.url}/_kms_mock/clock", {"Host": "10.1.2.3"})[0] == 403
    state = get(f"{shared.url}/_kms_mock/state")[1]
    assert SECRET_VALUE not in state
    assert "db" in state


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--port", "99999"], "--port"),
        (["--region", "Hang Zhou"], "'Hang Zhou' is not a region"),
        (["--account", "me"], "'me' is not an account"),
        (["--region-port", "cn-shanghai"], "'cn-shanghai': write it like cn-shanghai=4589"),
        (["--region-port", "cn-shanghai=65536"], "write it like cn-shanghai=4589"),
        (["--region-port", f"cn-shanghai={'9' * 5000}"], "write it like cn-shanghai=4589"),
        (["--region-port", "Hang Zhou=0"], "'Hang Zhou' is not a region"),
        (["--region", "cn-beijing", "--region-port", "cn-beijing=0"], "two listeners have the same region"),
        (["--region-port", "cn-a=4590", "--region-port", "cn-b=4590"], "two listeners have the same port"),
        (["--allow-host", "http://kms.example.com"], "is not a host name"),
        (["--control-host", "kms:4588"], "is not a host name"),
        (["--log-level", "loud"], "--log-level"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_wrong_options(arguments: list[str], problem: str) -> None:
    """A wrong option is named, with exit code 2 and how to get help, and nothing listens."""
    told, complained = run_command("serve", "--port", "0", *arguments, code=2)
    assert told == ""
    assert problem in complained
    assert "Try 'kms-mock serve --help'" in complained


@pytest.mark.parametrize(
    ("fixture", "problem"),
    [
        ("wrong.yaml", "wrong.yaml:3:15: $.secrets[1]: unknown field 'valu'; did you mean 'value'?"),
        ("missing.yaml", "missing.yaml: cannot be read"),
    ],
)
def test_wrong_fixture(files: Path, fixture: str, problem: str) -> None:
    """A wrong fixture file ends it with exit code 1 and the file, place and problem; it never says that it listens."""
    told, complained = run_command(
        "serve", "--port", "0", "--fixture", "one.yaml", "--fixture", fixture, code=1, folder=files
    )
    assert told == ""
    assert problem in complained
    assert complained.count("\n") == 1


def test_busy_port(shared: Server) -> None:
    """A busy port ends it at once, with exit code 1 and one clear line."""
    told, complained = run_command("serve", "--port", str(shared.port), code=1)
    assert told == ""
    assert complained == f"Error: cannot listen on 127.0.0.1:{shared.port}: {os.strerror(errno.EADDRINUSE)}\n"


def test_unknown_host() -> None:
    """A host name that does not exist is told in one line too."""
    told, complained = run_command("serve", "--port", "0", "--host", "nosuchhost.invalid", code=1)
    assert told == ""
    assert re.fullmatch(r"Error: cannot listen on nosuchhost\.invalid:0: .+\n", complained)


# -- the log ------------------------------------------------------------------------------------------------------------


def test_log_line(shared: Server) -> None:
    """Within a second of its answer a request is in the log: action, status, code, milliseconds, request id.

    A refusal's line goes on with the reason, which is last.
    """
    for action, more, outcome, reason in (
        ("ListSecrets", {}, "200 ok", ""),
        (
            "GetSecretValue",
            {"SecretName": "missing"},
            "404 Forbidden.ResourceNotFound",
            " reason=There is no secret .+",
        ),
        ("GetSecretValue", {}, "400 MissingParameter", " reason=.+"),
    ):
        _, _, headers = plain_call(shared.url, action, **more)
        line = shared.logged(headers["x-acs-request-id"], 1.0)
        stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
        request_id = headers["x-acs-request-id"]
        line = re.sub(r" resource=\S+", "", line)
        assert re.fullmatch(rf"{stamp} INFO {action} {outcome} \d+\.\d ms {request_id}{reason}", line)


def malformed(secret: str) -> list[bytes]:
    """Requests that are refused at every stage, each with a secret in all the places where one may be.

    Names are no such place: the reason of a refusal quotes them.
    """
    query = f"Version=2016-01-20&SecretName=db2&SecretData={secret}&VersionId=v9&Plaintext={secret}"
    head = f"Host: 127.0.0.1\r\nX-Token: {secret}\r\nConnection: close\r\n"
    form = f"{head}Content-Type: application/x-www-form-urlencoded\r\n"
    json_form = f"{head}Content-Type: application/json\r\nContent-Length: {len(secret) + 2}\r\n"
    return [
        text.encode()
        for text in (
            f"GET /?Action=CreateSecret&{query} HTTP/1.1\r\n{head}\r\n",
            f"GET /?Action=PutSecretValue&{query} HTTP/1.1\r\n{head}\r\n",
            f"GET /?Action=Encrypt&KeyId=no-such-key&{query} HTTP/1.1\r\n{head}\r\n",
            f"GET /?Action=Nonsense&{query} HTTP/1.1\r\n{head}\r\n",
            f"GET /elsewhere?Action=ListSecrets&{query} HTTP/1.1\r\n{head}\r\n",
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
        assert plain_call(server.url, "GetSecretValue", SecretName="db")[0] == 200
        server.logged("GetSecretValue 200 ok")
        assert server.end() == 0
        assert secret not in server.log
        assert SECRET_VALUE not in server.log
        for text in ("CreateSecret 200 ok", "PutSecretValue", "Encrypt 404", "Nonsense", "- 400 MissingParameter"):
            assert text in server.log
        assert "Traceback" not in server.log
        assert " ERROR " not in server.log
