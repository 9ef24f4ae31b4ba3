"""TLS of one server: its certificate authority, and a context for every name that clients ask for.

Everything is made with its first use, so a server that never sees TLS pays nothing.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import ssl
import tempfile
import threading
import weakref
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from kms_mock.config import Config
from kms_mock.regex import regex
from kms_mock.server.authority_files import CERTIFICATE, AuthorityError, default_folder, load_or_make
from kms_mock.server.hosts import LOCAL_NAMES, is_alibaba_cloud

if TYPE_CHECKING:
    from kms_mock.server.authority import Authority

log = logging.getLogger("kms_mock")

_HOST_NAME = regex(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
_MAX_CONTEXTS = 256  # a client that asks for ever new names costs no more


class Certificates:
    """The certificates of one server, made on demand; all methods may be called from any thread."""

    def __init__(self, config: Config) -> None:
        """Load what the options name. Raises AuthorityError, in words for the user."""
        self._config = config
        self._lock = threading.RLock()
        self._given = None if config.tls_cert is None else _load_given(config.tls_cert, config.tls_key)
        self._folder = config.ca_dir  # None for an authority that is in no folder, or not there yet
        self._authority = None if config.ca_dir is None else load_or_make(config.ca_dir)
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._file: _TemporaryFile | None = None

    @property
    def ca_pem(self) -> str:
        """The certificate of the authority."""
        return self._load_authority().pem.decode()

    @property
    def ca_file(self) -> Path:
        """A file that holds `ca_pem`: the authority's own, or a temporary one until `remove_file`."""
        with self._lock:
            pem = self._load_authority().pem
            if self._folder is not None:
                return self._folder / CERTIFICATE
            if self._file is None:
                self._file = _TemporaryFile(pem)
            return self._file.path

    def remove_file(self) -> None:
        """Remove the temporary file, if there is one."""
        with self._lock:
            if self._file is not None:
                self._file.remove()
                self._file = None

    def context(self, name: str) -> ssl.SSLContext:
        """Return the TLS context for a client that asks for a host name or address.

        What is no host name gets the certificate for this machine's names, and so does "".
        """
        name = name.lower().removesuffix(".")
        with self._lock:
            if self._given is not None:
                given, names = self._given
                if not is_alibaba_cloud(name) or any(_covers(pattern, name) for pattern in names):
                    return given
            if name in (*LOCAL_NAMES, self._config.host) or not _is_name(name):
                name = ""
            context = self._contexts.pop(name, None) or self._make_context(name)
            self._contexts[name] = context  # the latest used is the last
            if len(self._contexts) > _MAX_CONTEXTS:
                del self._contexts[next(iter(self._contexts))]
            return context

    def _make_context(self, name: str) -> ssl.SSLContext:
        names = [name] if name else list(dict.fromkeys((*LOCAL_NAMES, *filter(_is_name, [self._config.host]))))
        context = _new_context()
        certificate = self._load_authority().issue(names)
        try:
            with _TemporaryFile(certificate) as path:  # Python's ssl reads certificates from files only
                context.load_cert_chain(path)
        except OSError as error:
            problem = error.strerror or error
            log.warning("no https: a certificate needs a temporary file (%s); set TMPDIR to a folder for it", problem)
            raise
        return context

    def _load_authority(self) -> Authority:
        with self._lock:
            if self._authority is None:
                folder = default_folder() if self._config.keep_ca else None
                try:
                    self._authority = _process_authority() if folder is None else load_or_make(folder)
                    self._folder = folder
                except AuthorityError as error:
                    log.warning("%s; until this server ends it uses another one", error)
                    self._authority = _process_authority()
            return self._authority


class _TemporaryFile:
    """A file of this process, mode 0600, that is removed at the latest when the process ends."""

    def __init__(self, data: bytes) -> None:
        descriptor, name = tempfile.mkstemp(prefix="kms-mock-", suffix=".pem")
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        self.path = Path(name)
        self.remove = weakref.finalize(self, _remove, self.path, os.getpid())

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        self.remove()


def _remove(path: Path, process: int) -> None:
    if process == os.getpid():  # a fork ends without removing what its parent uses
        path.unlink(missing_ok=True)


@cache
def _process_authority() -> Authority:
    """Return the authority of all servers of this process that keep none: clients need to trust it only once."""
    from kms_mock.server.authority import Authority  # noqa: PLC0415 (see there)

    return Authority.make()


def _new_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _load_given(certificate: Path, key: Path | None) -> tuple[ssl.SSLContext, list[str]]:
    """Return the context of the user's own certificate, and the names that it is for. Raises AuthorityError."""
    from kms_mock.server.authority import names_in  # noqa: PLC0415 (see there)

    context = _new_context()
    try:
        # Without a password OpenSSL would ask for one on the terminal.
        context.load_cert_chain(certificate, key, password=lambda: b"")
        return context, names_in(certificate.read_bytes())
    except ssl.SSLError as error:
        reason = (error.reason or "no PEM file").lower().replace("_", " ")
        raise AuthorityError(f"cannot use the certificate {certificate} with its key: {reason}") from error
    except OSError as error:
        raise AuthorityError(f"cannot read {certificate} or its key: {error.strerror or error}") from error
    except ValueError as error:
        raise AuthorityError(f"{certificate} is not a certificate in PEM") from error


def _covers(pattern: str, name: str) -> bool:
    """Return whether a name of a certificate covers a host name (RFC 9525: `*` is one whole label, the first)."""
    if pattern.startswith("*."):
        return name.partition(".")[2] == pattern[2:]
    return name == pattern


def _is_name(name: str) -> bool:
    """Return whether a certificate can be made for a name: a host name, or an address that is not 0.0.0.0 or ::."""
    try:
        return not ipaddress.ip_address(name).is_unspecified
    except ValueError:
        return _HOST_NAME.fullmatch(name) is not None
