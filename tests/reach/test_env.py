"""`kms-mock env`: the environment of a running server, as shells and tools read it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from kms_mock.reach.formats import FORMATS
from kms_mock.reach.program import ProgramFiles, environment_of
from tests.support.cli import CLEAN, Server, run_command, serving
from tests.support.programs import FIXTURE, FOLDER

HOST = "kms.cn-hangzhou.aliyuncs.com"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    fixture = folder / "fixture.json"
    fixture.write_text(json.dumps(FIXTURE))
    with serving(folder, "--port", "0", "--fixture", str(fixture), "--ca-dir", str(folder / "ca")) as running:
        yield running


def env_command(server: Server, folder: Path, *options: str, environment: Mapping[str, str] | None = None) -> str:
    keys = ("--access-key-id", "LTAI-test", "--access-key-secret", "signs")
    command = ("env", "--url", server.url, "--dir", str(folder / "files"), *keys, *options)
    return run_command(*command, environment=environment or {})[0]


def test_a_shell_takes_the_environment(server: Server, tmp_path: Path) -> None:
    """`eval "$(kms-mock env)"`, then an unchanged program; what would lead to other credentials is unset."""
    text = env_command(server, tmp_path)
    script = f"{text}\n{shlex.quote(sys.executable)} {FOLDER / 'v2.py'}; echo ${{ALIBABA_CLOUD_SECURITY_TOKEN-unset}}"
    done = subprocess.run(
        ["sh", "-c", script],
        env={**CLEAN, "ALIBABA_CLOUD_SECURITY_TOKEN": "real"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout == "hunter2 4111 1111\nunset\n", done.stderr


def test_the_variables_of_the_environment(server: Server, tmp_path: Path) -> None:
    """Proxies in both cases, trust, endpoints with the real name, credentials; what lists options is kept."""
    kept = {"PYTHONPATH": "/their/path", "NODE_OPTIONS": "--no-warnings", "JAVA_TOOL_OPTIONS": "-Da=b"}
    found = json.loads(env_command(server, tmp_path, "--format", "json", environment=kept))
    assert {found[name] for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy")} == {server.url}
    assert found["NO_PROXY"] == found["no_proxy"] == "localhost,127.0.0.1,::1"
    assert found["KMS_MOCK_URL"] == server.url
    assert found["ALIBABA_CLOUD_ACCESS_KEY_ID"] == "LTAI-test"
    assert found["KMS_ENDPOINT"] == found["ALICLOUD_DOMAIN"] == HOST
    assert found["ALL_PROXY"] is None
    assert found["PYTHONPATH"].endswith(f"{os.pathsep}/their/path")
    assert found["NODE_OPTIONS"].startswith("--no-warnings --require ")
    assert found["JAVA_TOOL_OPTIONS"].startswith("-Da=b -Dhttp.proxyHost=127.0.0.1 ")
    bundle = Path(found["SSL_CERT_FILE"]).read_text()
    assert bundle.endswith(Path(found["KMS_MOCK_CA_FILE"]).read_text())
    assert "GIT_SSL_CAINFO" not in found
    again = {name: value for name, value in found.items() if value is not None}
    assert json.loads(env_command(server, tmp_path, "--format", "json", environment=again)) == found


def test_env_without_a_server() -> None:
    """A sentence, whether nothing listens or the URL is none."""
    assert "no kms-mock at http://127.0.0.1:1: " in run_command("env", "--url", "http://127.0.0.1:1", code=1)[1]
    assert "write it like" in run_command("env", "--url", "https://127.0.0.1:1", code=2)[1]


def test_env_with_another_server(server: Server, tmp_path: Path) -> None:
    """A server that is no kms-mock, and a folder that cannot be written."""

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\nhello")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Other) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{other.server_port}"
        assert f"no kms-mock at {url}: it has no certificate" in run_command("env", "--url", url, code=1)[1]
        other.shutdown()
    (tmp_path / "file").touch()
    inside = str(tmp_path / "file" / "folder")
    assert f"cannot write to {inside}: " in run_command("env", "--url", server.url, "--dir", inside, code=1)[1]


ODD = {"PLAIN": "a/b:c", "ODD": 'it\'s "$HOME" `id` \\ #', "JSON": '[{"a": "b"}]', "NONE": None}


def test_shells_read_back_what_is_written() -> None:
    """Quotes, dollars, backquotes and blanks."""
    script = f"{FORMATS['shell'](ODD)}{shlex.quote(sys.executable)} -c 'import json, os; print(json.dumps(dict(os.environ)))'"
    done = subprocess.run(["sh", "-c", script], env={"NONE": "x"}, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert {name: found.get(name) for name in ODD} == ODD


def test_the_other_formats() -> None:
    """Each quotes as its readers want it; variables that must not be there are told where that is possible."""
    assert json.loads(FORMATS["json"](ODD)) == ODD
    assert FORMATS["dotenv"]({**ODD, "LINES": "a\nb"}).splitlines() == [
        "PLAIN=a/b:c",
        'ODD="it\'s \\"\\$HOME\\" `id` \\\\ #"',
        'JSON=\'[{"a": "b"}]\'',
        'LINES="a\\nb"',
    ]
    assert FORMATS["github"]({"A": "b c", "B": "1\nEND", "C": None}) == "A=b c\nB<<END_\n1\nEND\nEND_\n"
    assert FORMATS["powershell"]({"A": "it's", "B": None}).splitlines() == [
        "$Env:A = 'it''s'",
        "Remove-Item Env:B -ErrorAction SilentlyContinue",
    ]


def test_paths_with_blanks() -> None:
    """NODE_OPTIONS and JAVA_TOOL_OPTIONS are split at blanks, so such paths are in quotes."""
    found = environment_of("http://127.0.0.1:1", "cn-hangzhou", {}, ProgramFiles(Path("/a b")), {})
    assert found["NODE_OPTIONS"] == '--require "/a b/intercept.js"'
    assert '"-Djavax.net.ssl.trustStore=/a b/trust.p12"' in str(found["JAVA_TOOL_OPTIONS"])


@pytest.mark.skipif(shutil.which("keytool") is None, reason="there is no JDK")
def test_the_trust_store_is_one_of_java(server: Server, tmp_path: Path) -> None:
    """Keytool counts the roots of the JDK and the mock's authority."""
    store = json.loads(env_command(server, tmp_path, "--format", "json"))["JAVA_TOOL_OPTIONS"]
    file = store.partition("trustStore=")[2].split()[0]
    command = ["keytool", "-list", "-storepass", "changeit", "-keystore"]
    listed = subprocess.run([*command, file], capture_output=True, text=True, check=True).stdout
    assert listed.count("trustedCertEntry") > 1
