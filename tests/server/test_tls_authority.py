"""Certificates of the user's own, and the authority in a folder."""

from __future__ import annotations

import os
import re
import ssl
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kms_mock import KmsMock
from kms_mock.config import Config
from kms_mock.server.authority_files import AuthorityError, load_or_make
from tests.support.tls import TLS_FIXTURE, secret_over_tls, tls_connection


@pytest.fixture
def own(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for kms.internal and *.kms.internal that is its own authority, and its key."""
    certificate, key = tmp_path / "own.pem", tmp_path / "own-key.pem"
    names = "subjectAltName=DNS:kms.internal,DNS:*.kms.internal"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=own"
    subprocess.run(
        [*command.split(), "-addext", names, "-keyout", key, "-out", certificate], check=True, capture_output=True
    )
    return certificate, key


def test_a_certificate_of_the_users_own(own: tuple[Path, Path]) -> None:
    """It is shown for every name but those of Alibaba Cloud, which a program reaches through the proxy."""
    certificate, key = own
    with KmsMock(TLS_FIXTURE, config=Config(tls_cert=certificate, tls_key=key)) as kms:
        its = ssl.create_default_context(cafile=certificate)
        for name in ("kms.internal", "a.kms.internal"):
            with tls_connection(kms, name, its) as wrapped:
                assert secret_over_tls(wrapped) == "one"
        with (
            pytest.raises(ssl.SSLCertVerificationError, match="not valid for 'localhost'"),
            tls_connection(kms, "localhost", its),
        ):
            pass
        with tls_connection(kms, "kms.cn-hangzhou.aliyuncs.com") as wrapped:
            assert secret_over_tls(wrapped) == "one"


def test_a_certificate_that_cannot_be_used_is_told_at_once(own: tuple[Path, Path], tmp_path: Path) -> None:
    """A missing file, a key of another certificate, and a file that is none: the message says which."""
    certificate, key = own
    other = tmp_path / "other.pem"
    other.write_text("not PEM")
    trusted = tmp_path / "trusted.pem"
    subprocess.run(["openssl", "x509", "-in", certificate, "-trustout", "-out", trusted], check=True)
    for config, message in (
        (Config(tls_cert=tmp_path / "none.pem"), r"cannot read .*none\.pem or its key: No such file"),
        (Config(tls_cert=certificate), "cannot use the certificate"),
        (Config(tls_cert=certificate, tls_key=other), "cannot use the certificate"),
        (Config(tls_cert=other, tls_key=key), "cannot use the certificate"),
        (Config(tls_cert=trusted, tls_key=key), r"trusted\.pem is not a certificate in PEM"),
    ):
        with pytest.raises(AuthorityError, match=message):
            KmsMock(config=config)
    with pytest.raises(ValueError, match="a TLS key comes with its certificate"):
        Config(tls_key=key)


def test_a_certificate_without_names(tmp_path: Path) -> None:
    """As old ones are, with a common name alone: it is shown for all names but those of Alibaba Cloud."""
    certificate, key = tmp_path / "own.pem", tmp_path / "own-key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost"
    bare = tmp_path / "bare.cnf"
    bare.write_text("[req]\ndistinguished_name=dn\n[dn]\n")
    subprocess.run(
        [*command.split(), "-config", bare, "-keyout", key, "-out", certificate], check=True, capture_output=True
    )
    with KmsMock(TLS_FIXTURE, config=Config(tls_cert=certificate, tls_key=key)) as kms:
        assert ssl.get_server_certificate(("127.0.0.1", kms.port)) == certificate.read_text()
        with tls_connection(kms, "kms.cn-hangzhou.aliyuncs.com") as wrapped:
            assert secret_over_tls(wrapped) == "one"


def test_an_authority_is_made_once_and_kept(tmp_path: Path) -> None:
    """Several at once agree on one; only its owner can read the key; the certificate is in a file of its own."""
    folder = tmp_path / "new" / "ca"
    barrier = threading.Barrier(8)

    def load() -> bytes:
        barrier.wait()
        return load_or_make(folder).private_pem

    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: load(), range(8)))
    assert len(found) == 1
    assert sorted(path.name for path in folder.iterdir()) == ["ca-key.pem", "ca.pem"]
    assert stat.S_IMODE((folder / "ca-key.pem").stat().st_mode) == 0o600
    assert load_or_make(folder).pem == (folder / "ca.pem").read_bytes()
    with KmsMock(config=Config(ca_dir=folder)) as kms:
        assert kms.ca_file == str(folder / "ca.pem")
    assert (folder / "ca.pem").exists()


def test_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system without hard links keeps an authority, too."""

    def link(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", link)
    made = load_or_make(tmp_path)
    assert load_or_make(tmp_path).private_pem == made.private_pem
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ca-key.pem", "ca.pem"]


def test_another_process_is_first_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its authority counts: programs may trust it already."""
    other = load_or_make(tmp_path / "other")

    def link(_: Path, path: Path) -> None:
        path.write_bytes(other.private_pem)
        path.chmod(0o600)
        raise PermissionError

    monkeypatch.setattr(os, "link", link)
    assert load_or_make(tmp_path / "ca").private_pem == other.private_pem
    assert sorted(path.name for path in (tmp_path / "ca").iterdir()) == ["ca-key.pem", "ca.pem"]


def test_a_certificate_that_cannot_be_put_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's reason is told, and nothing unfinished stays."""
    load_or_make(tmp_path)
    (tmp_path / "ca.pem").unlink()

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(AuthorityError, match=r"cannot keep a certificate authority in .*: No space left on device"):
        load_or_make(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["ca-key.pem"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_the_end_of_a_fork_leaves_the_file_of_the_certificate() -> None:
    """The parent's programs read it still; it goes with the parent."""
    script = """
import os, sys
from kms_mock import KmsMock
from kms_mock.config import Config
kms = KmsMock(config=Config(keep_ca=False)).start()
assert kms.ca_file == kms.ca_file
child = os.fork()
if child == 0:
    sys.exit(3)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
assert open(kms.ca_file).read() == kms.ca_pem
print(kms.ca_file)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not Path(done.stdout.strip()).exists()


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    """A damaged key, a key that others can read, a file in place of the folder: each is told in words."""
    load_or_make(tmp_path / "ca")
    key = tmp_path / "ca" / "ca-key.pem"
    key.chmod(0o644)
    with pytest.raises(AuthorityError, match=r"ca-key\.pem can be read by others \(mode 0644\): run chmod 600"):
        load_or_make(tmp_path / "ca")
    key.write_text("damaged")
    key.chmod(0o600)
    with pytest.raises(AuthorityError, match=r"ca-key\.pem is damaged"):
        load_or_make(tmp_path / "ca")
    load_or_make(tmp_path / "other")
    key.write_bytes(
        (tmp_path / "other" / "ca-key.pem").read_bytes().partition(b"-----BEGIN CERTIFICATE-----")[0]
        + (tmp_path / "ca" / "ca.pem").read_bytes()
    )
    with pytest.raises(AuthorityError, match=r"ca-key\.pem is damaged"):
        load_or_make(tmp_path / "ca")
    with pytest.raises(AuthorityError, match="cannot keep a certificate authority in"):
        load_or_make(key / "below")


def test_without_a_state_folder_there_is_an_authority_for_the_time_being(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the user's state cannot be written (a container), https works with an authority that is not kept."""
    (tmp_path / "file").touch()
    monkeypatch.setattr("kms_mock.server.certificates.default_folder", lambda: tmp_path / "file" / "ca")
    with KmsMock(TLS_FIXTURE, config=Config(keep_ca=True)) as kms, tls_connection(kms) as wrapped:
        assert secret_over_tls(wrapped) == "one"
        assert Path(kms.ca_file).read_text() == kms.ca_pem
    assert re.search("cannot keep a certificate authority in .*; until this server ends", caplog.text)
