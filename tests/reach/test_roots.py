"""The authorities that other programs trust already: found, read from Java's files, and written for Java."""

from __future__ import annotations

import ssl
import struct
import sys
import warnings
from pathlib import Path

import pytest

from kms_mock.reach.roots import JAVA_PASSWORD, java_roots, java_store, system_roots
from kms_mock.server.authority import Authority
from kms_mock.server.java_trust import make_trust_store, pem_to_der, read_roots

PEMS = [Authority.make().pem.decode().strip() for _ in range(3)]
DERS = [pem_to_der(pem) for pem in PEMS]


def jks(certificates: list[bytes], *, version: int = 2, kind: int = 2) -> bytes:
    """Return a trust store as `keytool -storetype JKS` writes it, without the digest that nobody here checks."""
    store = struct.pack(">III", 0xFEEDFEED, version, len(certificates))
    for number, certificate in enumerate(certificates):
        alias = f"root{number}".encode()
        store += struct.pack(">IH", kind, len(alias)) + alias + struct.pack(">Q", 0)
        if version > 1:
            store += struct.pack(">H", 5) + b"X.509"
        store += struct.pack(">I", len(certificate)) + certificate
    return store


@pytest.mark.parametrize("version", [1, 2])
def test_java_s_own_files(version: int) -> None:
    """JKS, of both versions; what is damaged, or holds keys, is refused."""
    assert read_roots(jks(DERS, version=version), "any") == DERS
    with pytest.raises(ValueError, match="damaged"):
        read_roots(jks(DERS)[:16], "any")
    with pytest.raises(ValueError, match="has a key in it"):
        read_roots(jks(DERS, kind=1), "any")


def test_what_is_written_is_read() -> None:
    """PKCS#12; a certificate that cannot be read is left out, and a wrong password refused."""
    store = make_trust_store([DERS[0], b"nonsense", DERS[1]], "password")
    assert read_roots(store, "password") == DERS[:2]
    with pytest.raises(ValueError, match="password"):
        read_roots(store, "other")


def test_old_roots_are_kept() -> None:
    """Roots with the serial number 0, which clients still need, are kept without a warning."""
    roots = system_roots({})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        store = make_trust_store(map(pem_to_der, roots), "password")
        assert len(read_roots(store, "password")) == len(roots)


def test_the_jdk_of_the_program(tmp_path: Path) -> None:
    """That of JAVA_HOME, else of `java` in PATH; without one, or with one of another password, the given roots."""
    home, other = tmp_path / "jdk8", tmp_path / "jdk21"
    for folder, inside in ((home, "jre/lib/security"), (other, "lib/security")):
        (folder / inside).mkdir(parents=True)
    (home / "jre/lib/security/cacerts").write_bytes(jks(DERS[:1]))
    (other / "lib/security/cacerts").write_bytes(make_trust_store(DERS[1:2], JAVA_PASSWORD))
    (other / "bin").mkdir()
    (other / "bin" / "java").touch(mode=0o755)
    assert java_roots({"JAVA_HOME": str(home), "PATH": str(other / "bin")}, PEMS[2:]) == DERS[:1]
    assert java_roots({"PATH": str(other / "bin")}, PEMS[2:]) == DERS[1:2]
    assert java_store({"PATH": str(tmp_path)}) is None
    assert java_roots({"PATH": str(tmp_path)}, PEMS[2:]) == DERS[2:]
    (other / "lib/security/cacerts").write_bytes(make_trust_store(DERS[1:2], "their own"))
    assert java_roots({"PATH": str(other / "bin")}, PEMS[2:]) == DERS[2:]


def test_what_the_environment_names_is_kept(tmp_path: Path) -> None:
    """SSL_CERT_FILE instead of the system's roots, the others in addition, each once; what is no file is left out."""
    first, second = tmp_path / "first.pem", tmp_path / "second.pem"
    first.write_text("\n".join(PEMS[:2]))
    second.write_text("a comment\n" + "\n".join(PEMS[1:]))
    named = {"SSL_CERT_FILE": str(first), "CURL_CA_BUNDLE": str(second), "REQUESTS_CA_BUNDLE": str(tmp_path)}
    assert system_roots(named) == PEMS


def test_a_system_without_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then what Python's own contexts trust (the store of Windows) and what requests brings along."""
    contexts = ssl.create_default_context()
    contexts.load_verify_locations(cadata=PEMS[0])
    monkeypatch.setattr(ssl, "create_default_context", lambda: contexts)
    found = system_roots({"SSL_CERT_FILE": "/nowhere"})
    assert PEMS[0] in [pem.strip() for pem in found]
    assert len(found) > len(contexts.get_ca_certs())
    monkeypatch.setitem(sys.modules, "certifi", None)  # it is not installed
    alone = {pem.strip() for pem in system_roots({"SSL_CERT_FILE": "/nowhere"})}
    assert alone == {ssl.DER_cert_to_PEM_cert(found).strip() for found in contexts.get_ca_certs(binary_form=True)}
