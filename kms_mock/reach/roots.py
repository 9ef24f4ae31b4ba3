"""The certificate authorities that programs on this machine trust already."""

from __future__ import annotations

import importlib
import re
import shutil
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path

JAVA_PASSWORD = "changeit"  # noqa: S105 (every JDK's; what it protects is public)

# Variables that name further authorities, each for some clients.
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "ALIBABA_CLOUD_CA_BUNDLE")
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_CACERTS = ("lib/security/cacerts", "jre/lib/security/cacerts")


def system_roots(environment: Mapping[str, str]) -> list[str]:
    """Return the certificates, in PEM, that a program with this environment trusts: the system's, and its own."""
    system = environment.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    files = [system, *(environment.get(name) for name in _BUNDLES)]
    found = dict.fromkeys(pem for file in files if file for pem in _read(Path(file)))
    return list(found) or list(_other_roots())


def java_store(environment: Mapping[str, str]) -> Path | None:
    """Return the trust store of the JDK that a program with this environment finds, None if there is no JDK."""
    homes = []
    if home := environment.get("JAVA_HOME"):
        homes.append(Path(home))
    if program := shutil.which("java", path=environment.get("PATH")):
        homes.append(Path(program).resolve().parents[1])
    stores = (home / name for home in homes for name in _CACERTS)
    return next((store for store in stores if store.is_file()), None)


def java_roots(environment: Mapping[str, str], otherwise: list[str]) -> list[bytes]:
    """Return the certificates, in DER, that Java programs trust; where no JDK tells, those that are given in PEM."""
    from kms_mock.server import java_trust  # noqa: PLC0415 (imports cryptography.x509)

    store = java_store(environment)
    if store is not None:
        try:
            return java_trust.read_roots(store.read_bytes(), JAVA_PASSWORD)
        except (OSError, ValueError):  # it has a password of its own, or is of a kind that only that JDK reads
            pass
    return [java_trust.pem_to_der(pem) for pem in otherwise]


def _read(file: Path) -> list[str]:
    try:
        return _CERTIFICATE.findall(file.read_text("utf-8", errors="replace"))
    except OSError:  # a folder, or a variable that is out of date
        return []


def _other_roots() -> Iterator[str]:
    """Yield the authorities where no file has them: the store of Windows, else what requests brings along."""
    for certificate in ssl.create_default_context().get_ca_certs(binary_form=True):
        yield ssl.DER_cert_to_PEM_cert(certificate).strip()
    try:
        yield from _read(Path(importlib.import_module("certifi").where()))
    except ImportError:
        return
