"""`kms-mock ca`, and the options of `serve` for https."""

from __future__ import annotations

import ssl
import subprocess
import tempfile
import urllib.request
from pathlib import Path

import pytest

from kms_mock import KmsMock
from tests.support.calls import outside
from tests.support.cli import get, run_command, serving


def https(url: str, authority: str) -> int:
    """Ask a server through https, trusting one authority."""
    context = ssl.create_default_context(cafile=authority)
    handlers = urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    with urllib.request.build_opener(*handlers).open(f"{url}/_kms_mock/health", timeout=10) as answer:
        return int(answer.status)


def test_the_authority_is_trusted_once(tmp_path: Path) -> None:
    """It is in the user's state folder: `ca` prints where, and every server uses it; `--pem` prints it."""
    environment = {"XDG_STATE_HOME": str(tmp_path / "state"), "HOME": str(tmp_path)}
    path = run_command("ca", environment=environment)[0].strip()
    assert Path(path).is_relative_to(tmp_path)
    assert run_command("ca", "--pem", environment=environment)[0] == Path(path).read_text()
    for _ in range(2):
        with serving(tmp_path, "--port", "0", environment=environment) as server:
            assert https(server.url.replace("http:", "https:"), path) == 200


def test_a_folder_for_the_authority(tmp_path: Path) -> None:
    """`--ca-dir` names another folder for both commands; one that cannot be used ends them with a line."""
    folder = tmp_path / "ca"
    with serving(tmp_path, "--port", "0", "--ca-dir", str(folder)) as server:
        assert https(server.url.replace("http:", "https:"), str(folder / "ca.pem")) == 200
    assert run_command("ca", "--ca-dir", str(folder))[0] == f"{folder / 'ca.pem'}\n"
    (folder / "ca-key.pem").write_text("damaged")
    for command in ("ca",), ("serve", "--port", "0"):
        _, complaint = run_command(*command, "--ca-dir", str(folder), code=1)
        assert complaint == f"Error: {folder / 'ca-key.pem'} is damaged: remove it, and trust the new ca.pem instead\n"


def test_a_trust_store_for_java(tmp_path: Path) -> None:
    """`--p12` writes a file that Java reads as a trust store with one trusted certificate."""
    store = tmp_path / "trust.p12"
    assert run_command("ca", "--ca-dir", str(tmp_path), "--p12", str(store), "--password", "abcdef")[0] == f"{store}\n"
    listed = subprocess.run(
        [outside("keytool"), "-list", "-keystore", store, "-storepass", "abcdef"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "kms-mock," in listed.stdout
    assert "trustedCertEntry" in listed.stdout


def test_a_trust_store_that_cannot_be_written(tmp_path: Path) -> None:
    """The message names the file."""
    file = tmp_path / "none" / "trust.p12"
    _, complaint = run_command("ca", "--ca-dir", str(tmp_path), "--p12", str(file), code=1)
    assert complaint == f"Error: cannot write {file}: No such file or directory\n"


def test_a_certificate_that_cannot_be_used(tmp_path: Path) -> None:
    """`serve` with a wrong certificate ends at once, with a line that says why."""
    _, complaint = run_command("serve", "--port", "0", "--tls-cert", str(tmp_path / "none.pem"), code=1)
    assert complaint.startswith(f"Error: cannot read {tmp_path / 'none.pem'} or its key: ")
    _, complaint = run_command("serve", "--port", "0", "--tls-key", str(tmp_path / "none.pem"), code=2)
    assert "a TLS key comes with its certificate" in complaint


def test_https_without_a_folder_for_temporary_files(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """A read-only root, such as a container's: http works, and the log says why https does not."""
    with KmsMock() as kms:
        ca_file = kms.ca_file
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
        with pytest.raises(OSError, match=r"reset|EOF|closed"):
            https(kms.https_url, ca_file)
        assert caplog.messages == [
            "no https: a certificate needs a temporary file (No such file or directory); set TMPDIR to a folder for it"
        ]
        assert get(f"{kms.url}/_kms_mock/health")[0] == 200
