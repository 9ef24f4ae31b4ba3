"""`kms-mock env`: the environment of a running server, as shells and tools read it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.resources import files
from pathlib import Path
from textwrap import indent
from typing import Any

import jsonschema
import pytest
import yaml

from kms_mock.reach.formats import FORMATS, compose_service
from kms_mock.reach.program import ProgramFiles, environment_of
from tests.support.calls import outside
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
    script = f"{FORMATS['export'](ODD)}{shlex.quote(sys.executable)} -c 'import json, os; print(json.dumps(dict(os.environ)))'"
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


def compose_schema() -> Any:
    """Return the schema of compose files, as check-jsonschema ships it."""
    file = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    return json.loads(file.read_text("utf-8"))


def pasted(fragment: str) -> Any:
    """Return a compose file with a service of its own that gets a fragment."""
    text = f"services:\n  app:\n    image: app\n{indent(fragment, '    ')}"
    return yaml.safe_load(text)


def test_a_service_in_a_compose_file(server: Server, tmp_path: Path) -> None:
    """It is pasted below the service's name: variables, the folder that they name, a name for the machine."""
    kept = {"PYTHONPATH": "/their/path"}
    document = pasted(env_command(server, tmp_path, "--format", "compose", environment=kept))
    jsonschema.validate(document, compose_schema())
    service = document["services"]["app"]
    url = f"http://host.docker.internal:{server.port}"
    found = service["environment"]
    assert found["HTTPS_PROXY"] == found["KMS_MOCK_URL"] == url
    folder = str(tmp_path / "files")
    assert service["volumes"] == [{"type": "bind", "source": folder, "target": folder, "read_only": True}]
    assert service["extra_hosts"] == ["host.docker.internal:host-gateway"]
    assert found["PYTHONPATH"] == f"{folder}/python"  # a container's is not this shell's
    assert Path(found["SSL_CERT_FILE"]).parent == tmp_path / "files"
    assert json.loads((tmp_path / "files" / "intercept.json").read_text())["host"] == "host.docker.internal"
    assert "ALIBABA_CLOUD_SECURITY_TOKEN" not in found


def test_a_neighbour_in_a_compose_file(server: Server, tmp_path: Path) -> None:
    """Where the mock is a service too, its name is in the variables; no name for the machine is needed."""
    service_url = ("--service-url", "http://kms-mock:4588")
    service = pasted(env_command(server, tmp_path, "--format", "compose", *service_url))["services"]["app"]
    assert service["environment"]["HTTP_PROXY"] == "http://kms-mock:4588"
    assert "extra_hosts" not in service
    found = json.loads(env_command(server, tmp_path, "--format", "json", *service_url))
    assert found["HTTP_PROXY"] == "http://kms-mock:4588"
    wrong = ("--service-url", "kms-mock:4588")
    assert "for --service-url: write it like" in run_command("env", "--url", server.url, *wrong, code=2)[1]


def test_compose_reads_back_what_is_written() -> None:
    """Dollars, which compose would replace, are doubled; quotes and blanks are as they were."""
    odd = {**ODD, "LINES": "a\nb: c # d", "ANSWER": "yes", "NUMBER": "1e3", "HAN": "值"}
    document = pasted(compose_service(odd, Path("/a b/$c"), None))
    jsonschema.validate(document, compose_schema())
    service = document["services"]["app"]
    found = {name: value.replace("$$", "$") for name, value in service["environment"].items()}
    assert found == {name: value for name, value in odd.items() if value is not None}
    assert service["volumes"][0]["source"] == "/a b/$$c"


def test_files_for_other_urls_are_other_files(server: Server, tmp_path: Path) -> None:
    """The environment of a shell and that of a service are used at the same time."""
    state = {"XDG_STATE_HOME": str(tmp_path)}
    texts = {
        form: run_command("env", "--url", server.url, "--format", form, environment=state)[0]
        for form in ("json", "compose")
    }
    here = Path(json.loads(texts["json"])["KMS_MOCK_CA_FILE"])
    there = Path(pasted(texts["compose"])["services"]["app"]["environment"]["KMS_MOCK_CA_FILE"])
    assert here != there
    assert here.read_text() == there.read_text()


def test_paths_with_blanks() -> None:
    """NODE_OPTIONS and JAVA_TOOL_OPTIONS are split at blanks, so such paths are in quotes."""
    found = environment_of("http://127.0.0.1:1", "cn-hangzhou", {}, ProgramFiles(Path("/a b")), {})
    assert found["NODE_OPTIONS"] == '--require "/a b/intercept.js"'
    assert '"-Djavax.net.ssl.trustStore=/a b/trust.p12"' in str(found["JAVA_TOOL_OPTIONS"])


def test_the_trust_store_is_one_of_java(server: Server, tmp_path: Path) -> None:
    """Keytool counts the roots of the JDK and the mock's authority."""
    store = json.loads(env_command(server, tmp_path, "--format", "json"))["JAVA_TOOL_OPTIONS"]
    file = store.partition("trustStore=")[2].split()[0]
    command = [outside("keytool"), "-list", "-storepass", "changeit", "-keystore"]
    listed = subprocess.run([*command, file], capture_output=True, text=True, check=True).stdout
    assert listed.count("trustedCertEntry") > 1
