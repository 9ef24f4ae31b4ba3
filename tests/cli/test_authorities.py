"""What is a server and no client does not read the machine's certificate authorities when it starts."""

from __future__ import annotations

import os
import ssl
import sys
from pathlib import Path

import pytest

from kms_mock import KmsMock
from kms_mock.cli.authorities import no_authorities
from tests.support.cli import serving


def authorities() -> int:
    """Return how many authorities a client of this process trusts."""
    return len(ssl.create_default_context().get_ca_certs())


@pytest.fixture
def one_authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The file that the environment names, with a single authority."""
    file = tmp_path / "authorities.pem"
    with KmsMock() as kms:
        file.write_text(kms.ca_pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return str(file)


def test_none_are_read_meanwhile(one_authority: str) -> None:
    """The file of the environment is not read within the block, and is read again after it."""
    assert authorities() == 1
    with no_authorities():
        assert authorities() == 0
    assert os.environ["SSL_CERT_FILE"] == one_authority
    assert authorities() == 1


def test_an_import_that_fails_leaves_the_environment_as_it_was(one_authority: str) -> None:
    """What is raised within the block changes nothing about what comes after it."""
    with pytest.raises(ImportError), no_authorities():
        raise ImportError
    assert os.environ["SSL_CERT_FILE"] == one_authority


def test_the_variable_is_unset_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the environment names no file, OpenSSL's own one counts again."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with no_authorities():
        assert "SSL_CERT_FILE" in os.environ
    assert "SSL_CERT_FILE" not in os.environ


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in its file system")
def test_serve_reads_none(files: Path, tmp_path: Path) -> None:
    """`serve` starts, though the file of authorities is a pipe that nobody writes to: who opens it waits for ever."""
    pipe = tmp_path / "authorities"
    os.mkfifo(pipe)
    with serving(files, "--port", "0", environment={"SSL_CERT_FILE": str(pipe)}) as server:
        assert server.port
