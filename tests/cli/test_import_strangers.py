"""`kms-mock import` of an endpoint that is no KMS: it ends, with a sentence."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kms_mock import service_client
from kms_mock.cli import main

KEY = {"KeyId": "a", "KeyArn": "acs:kms:cn-hangzhou:1:key/a"}
ENDLESS = {"Keys": {"Key": [KEY]}, "TotalCount": 10**12}


class Stranger(BaseHTTPRequestHandler):
    """Answers every request with the same document, that of the server."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps(self.server.document).encode()  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


@pytest.fixture
def stranger(sdk_credentials: None) -> Iterator[ThreadingHTTPServer]:  # noqa: ARG001 (it is for its effect)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def imported(stranger: ThreadingHTTPServer, document: Any, output: Path) -> Result:
    """Run the command against a server that answers everything with a document."""
    stranger.document = document  # type: ignore[attr-defined]
    endpoint = f"http://127.0.0.1:{stranger.server_port}"
    arguments = ["import", "--region", "cn-hangzhou", "--endpoint", endpoint, "-o", str(output)]
    return CliRunner().invoke(main, arguments)


def test_a_list_that_does_not_end_is_an_error(
    stranger: ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that ignores PageNumber was asked for ever, and its answers were kept."""
    monkeypatch.setattr(service_client, "_MOST_PAGES", 3)
    result = imported(stranger, ENDLESS, tmp_path / "f.yaml")
    assert (result.exit_code, result.output) == (1, "Error: ListKeys has no end: 3 entries came\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "document",
    [
        {"Keys": {"Key": [{}]}, "TotalCount": 1},
        {"Keys": {"Key": [KEY]}, "TotalCount": "many"},
        {"Keys": {"Key": ["a"]}, "TotalCount": 1},
        {"Keys": {"Key": "abc"}, "TotalCount": 1},
        {"Keys": {"Key": [{"KeyId": ["a"]}]}, "TotalCount": 1},
        {"SecretList": {"Secret": [{"SecretName": "s"}]}, "TotalCount": 1, "ExtendedConfig": "{S3CRET"},
    ],
)
def test_answers_of_another_form_are_an_error(stranger: ThreadingHTTPServer, tmp_path: Path, document: Any) -> None:
    """Something else than KMS that answers JSON: a sentence, not a traceback, and nothing of the answer is quoted."""
    result = imported(stranger, document, tmp_path / "f.yaml")
    assert result.exit_code == 1
    assert result.output.startswith("Error: the answers are not those of KMS (")
    assert "S3CRET" not in result.output
    assert not list(tmp_path.iterdir())


def test_what_no_fixture_can_hold_is_named(stranger: ThreadingHTTPServer, tmp_path: Path) -> None:
    """An account may have what this version does not know, such as a new spec of keys: place and value are told."""
    versions = {"KeyVersion": [{"KeyVersionId": "v1", "CreationDate": "2026-01-01T00:00:00Z"}]}
    metadata = {"KeySpec": "Quantum_1", "KeyUsage": "ENCRYPT/DECRYPT", "KeyState": "Enabled"}
    found = {"Keys": {"Key": [KEY]}, "TotalCount": 1, "KeyMetadata": metadata, "KeyVersions": versions}
    result = imported(stranger, found, tmp_path / "f.yaml")
    assert result.exit_code == 1
    assert result.output.startswith("Error: what was read: $.keys[0].spec: ")
    assert "Quantum_1" in result.output
    assert not list(tmp_path.iterdir())
