"""A certificate authority in a folder, made by whoever needs it first, so that it is trusted once."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kms_mock.server.authority import Authority

CERTIFICATE = "ca.pem"
KEY = "ca-key.pem"


class AuthorityError(Exception):
    """A folder that cannot keep a certificate authority, in words for its owner."""


def default_folder() -> Path:
    """Return the folder in the user's state where servers keep their authority."""
    from platformdirs import user_state_path  # noqa: PLC0415 (only servers that speak TLS need it)

    return user_state_path("kms-mock", appauthor=False) / "ca"


def load_or_make(folder: Path) -> Authority:
    """Return the authority of a folder; the first of several processes makes it. Raises AuthorityError.

    `ca-key.pem` holds key and certificate, readable by its owner only; `ca.pem` is the certificate alone.
    """
    from kms_mock.server.authority import Authority  # noqa: PLC0415 (see there)

    key_file = folder / KEY
    try:
        if not key_file.exists():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write_new(key_file, Authority.make().private_pem)
        _check_mode(key_file)
        authority = Authority.from_pem(key_file.read_bytes())
        certificate = folder / CERTIFICATE
        if not certificate.exists() or certificate.read_bytes() != authority.pem:
            _replace(certificate, authority.pem)
    except OSError as error:
        raise AuthorityError(f"cannot keep a certificate authority in {folder}: {error.strerror or error}") from error
    except ValueError as error:
        raise AuthorityError(f"{key_file} is damaged: remove it, and trust the new {CERTIFICATE} instead") from error
    return authority


def _check_mode(key_file: Path) -> None:
    """Refuse a key that others can read: with it they could pass for any server in front of this user."""
    mode = stat.S_IMODE(key_file.stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        raise AuthorityError(f"{key_file} can be read by others (mode {mode:04o}): run chmod 600 on it")


def _write_new(path: Path, data: bytes) -> None:
    """Write a file that appears whole, unless there is one by then: the first process wins."""
    temporary = _write_temporary(path.parent, data)
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    except OSError:  # a file system without hard links
        if not path.exists():
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _replace(path: Path, data: bytes) -> None:
    temporary = _write_temporary(path.parent, data)
    temporary.chmod(0o644)
    try:
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def _write_temporary(folder: Path, data: bytes) -> Path:
    """Write a file with a name of its own, mode 0600."""
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=".new-")
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return Path(name)
