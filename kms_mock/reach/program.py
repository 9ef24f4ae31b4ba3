"""What another process needs to reach a mock unchanged: files, and an environment that names them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from kms_mock.products import APIS
from kms_mock.reach.credentials import DUMMY_KEY
from kms_mock.reach.environment import in_process
from kms_mock.reach.roots import JAVA_PASSWORD, java_roots, system_roots
from kms_mock.server.hosts import ALIBABA_CLOUD, METADATA_HOST, MIRRORS

_LOOPBACK = "localhost,127.0.0.1,::1"
# Java's own form of it.
_JAVA_LOOPBACK = "localhost|127.*|[::1]"
# What clients read a KMS endpoint from: its real name, which leads here, so that the region comes from the host.
_ENDPOINTS = (
    "ALIBABA_CLOUD_ENDPOINT_KMS",  # Terraform, as the next one
    "KMS_ENDPOINT",
    "ALICLOUD_DOMAIN",  # Vault, OpenBao
    "ACK_KMS_DOMAIN",  # ack-kms-plugin
)
_BUNDLES = (
    "SSL_CERT_FILE",  # OpenSSL, Go, Rust, .NET
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "ALIBABA_CLOUD_CA_BUNDLE",  # aliyun-python-sdk-core (V1)
)

# What stands between the entries of a list of options.
_SEPARATORS = {"PYTHONPATH": os.pathsep, "NODE_OPTIONS": " ", "JAVA_TOOL_OPTIONS": " "}


@dataclass(frozen=True)
class ProgramFiles:
    """The files that an environment names, in one folder."""

    folder: Path

    @property
    def ca(self) -> Path:
        """The certificate of the mock's authority."""
        return self.folder / "ca.pem"

    @property
    def bundle(self) -> Path:
        """The roots of the system, and that authority."""
        return self.folder / "ca-bundle.pem"

    @property
    def java_store(self) -> Path:
        """The roots of the JDK, and that authority."""
        return self.folder / "trust.p12"

    @property
    def node_hook(self) -> Path:
        """The script that Node loads first; its settings are next to it."""
        return self.folder / "intercept.js"

    @property
    def python_folder(self) -> Path:
        """The folder of the `sitecustomize` that Python imports first."""
        return self.folder / "python"


def write_files(folder: Path, url: str, ca_pem: str, environment: Mapping[str, str]) -> ProgramFiles:
    """Write the files for programs that would have this environment, and reach the mock at `url`. Raises OSError."""
    from kms_mock.server import java_trust  # noqa: PLC0415 (imports cryptography.x509)

    written = ProgramFiles(folder)
    written.python_folder.mkdir(parents=True, exist_ok=True)
    roots = system_roots(environment)
    written.ca.write_text(ca_pem, "utf-8")
    written.bundle.write_text("\n".join([*roots, ca_pem]), "utf-8")
    certificates = [*java_roots(environment, roots), java_trust.pem_to_der(ca_pem)]
    written.java_store.write_bytes(java_trust.make_trust_store(certificates, JAVA_PASSWORD))
    scripts = files("kms_mock.reach") / "child"
    written.node_hook.write_text((scripts / "intercept.js").read_text("utf-8"), "utf-8")
    written.node_hook.with_suffix(".json").write_text(json.dumps(_node_settings(url)), "utf-8")
    hook = (scripts / "sitecustomize.py").read_text("utf-8")
    (written.python_folder / "sitecustomize.py").write_text(hook, "utf-8")
    return written


def environment_of(
    url: str, region: str, credentials: Mapping[str, str], written: ProgramFiles, inherited: Mapping[str, str]
) -> dict[str, str | None]:
    """Return the variables that lead a program to the mock at `url`; None is a variable that it must not have.

    What lists of options the program inherits, it keeps: PYTHONPATH, NODE_OPTIONS, JAVA_TOOL_OPTIONS.
    """
    bundle = str(written.bundle)
    lists = {
        name: _with(inherited.get(name), added, _SEPARATORS[name], first=name == "PYTHONPATH")
        for name, added in _added_options(url, written).items()
    }
    proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"), url)
    return {
        **in_process(credentials, region),
        **proxies,
        "NO_PROXY": _LOOPBACK,
        "no_proxy": _LOOPBACK,
        **dict.fromkeys(_BUNDLES, bundle),
        **dict.fromkeys(_ENDPOINTS, f"kms.{region}.aliyuncs.com"),
        "KMS_MOCK_URL": url,
        "KMS_MOCK_CA_FILE": str(written.ca),
        **lists,
    }


def undone_environment(environment: Mapping[str, str]) -> dict[str, str | None]:
    """Return the variables that take an environment of `environment_of` back; None is a variable to be removed.

    Lists of options keep what else is in them. The values that other variables had before are not known. Raises KeyError
    for another environment.
    """
    url, written = environment["KMS_MOCK_URL"], ProgramFiles(Path(environment["KMS_MOCK_CA_FILE"]).parent)
    made = environment_of(url, "", DUMMY_KEY.variables, written, {})
    lists = {
        name: _without(environment.get(name, ""), added, _SEPARATORS[name])
        for name, added in _added_options(url, written).items()
    }
    return {**dict.fromkeys(name for name, value in made.items() if value is not None), **lists}


def _added_options(url: str, written: ProgramFiles) -> dict[str, str]:
    """Return what is added to each list of options."""
    return {
        "PYTHONPATH": str(written.python_folder),
        "NODE_OPTIONS": f"--require {_quoted(str(written.node_hook))}",
        "JAVA_TOOL_OPTIONS": _java_options(url, written),
    }


def _without(inherited: str, added: str, separator: str) -> str | None:
    """Return a list of options as it was before `_with`, None for an empty one."""
    before, _, after = inherited.partition(added)
    kept = (before.removesuffix(separator), after.removeprefix(separator))
    return separator.join(filter(None, kept)) or None


def _with(inherited: str | None, added: str, separator: str, *, first: bool = False) -> str:
    """Return a list of options with one more, unless it is there already."""
    if not inherited:
        return added
    if added in inherited:
        return inherited
    return f"{added}{separator}{inherited}" if first else f"{inherited}{separator}{added}"


def _java_options(url: str, written: ProgramFiles) -> str:
    proxy = urlsplit(url)
    options = {
        "http.proxyHost": proxy.hostname,
        "http.proxyPort": proxy.port,
        "https.proxyHost": proxy.hostname,
        "https.proxyPort": proxy.port,
        "http.nonProxyHosts": _JAVA_LOOPBACK,  # for https, too
        "javax.net.ssl.trustStore": written.java_store,
        "javax.net.ssl.trustStoreType": "PKCS12",
        "javax.net.ssl.trustStorePassword": JAVA_PASSWORD,
    }
    return " ".join(_quoted(f"-D{name}={value}") for name, value in options.items())


def _quoted(option: str) -> str:
    """Return an option as NODE_OPTIONS and JAVA_TOOL_OPTIONS take it: in quotes when there is a blank in it."""
    return f'"{option}"' if any(character.isspace() for character in option) else option


def _node_settings(url: str) -> dict[str, object]:
    """Return what the script for Node must know: where the mock is, and which hosts are whose."""
    mock = urlsplit(url)
    patterns = [pattern.pattern.replace("(?P<", "(?<") for api in APIS for pattern in api.hosts]
    return {
        "host": mock.hostname,
        "port": mock.port,
        "mocked": [*patterns, METADATA_HOST.replace(".", r"\.")],
        "alibabaCloud": ALIBABA_CLOUD,
        "mirrors": sorted(MIRRORS),
    }
