"""The environment variables that clients of Alibaba Cloud read, and a change of them that can be undone."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kms_mock.reach.credentials import CREDENTIALS, NamedFile

if TYPE_CHECKING:
    from tempfile import TemporaryDirectory

_REGIONS = ("ALIBABA_CLOUD_REGION_ID", "ALIBABACLOUD_REGION_ID", "ALICLOUD_REGION")

PROXIES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")

# alibabacloud-credentials reads the environment once, when it imports this module.
_CREDENTIALS_MODULE = "alibabacloud_credentials.utils.auth_util"


def in_process(credentials: Mapping[str, str], region: str) -> dict[str, str | None]:
    """Return the variables of an intercepted program: these credentials and no others, no proxy (None: unset)."""
    return {
        **dict.fromkeys((*CREDENTIALS, *PROXIES)),
        **dict.fromkeys(_REGIONS, region),
        "cache_client_region_id": json.dumps([{"regionId": region}], separators=(",", ":")),
        **credentials,
    }


class EnvironmentChange:
    """Variables that are set (or, where None, unset) until the change is undone, and files that live as long.

    Changes are undone in any order: undoing one on which another was made hands its former values to that other.
    """

    def __init__(self, variables: Mapping[str, str | None], files: Sequence[NamedFile] = ()) -> None:
        self._variables = variables
        self._files = files
        self._former: dict[str, str | None] = {}
        self._attributes: dict[str, Any] | None = None  # None: the module was not there
        self._folder: TemporaryDirectory[str] | None = None

    def apply(self) -> None:
        """Set the variables, and what was read from them at import. Raises OSError when a file cannot be written."""
        variables = {**self._variables, **self._write_files()}
        self._former = {name: os.environ.get(name) for name in variables}
        self._attributes = _attributes()
        _set(variables)
        _read_again()

    def undo(self, later: EnvironmentChange | None = None) -> None:
        """Restore the former values; `later` is the next change, if that is still in force."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
        if later is not None:
            former = {name: value for name, value in self._former.items() if name in later._former}  # noqa: SLF001
            later._former |= former  # noqa: SLF001
            later._attributes = self._attributes  # noqa: SLF001
            return
        _set(self._former)
        if self._attributes is None:
            _read_again()
        elif module := sys.modules.get(_CREDENTIALS_MODULE):
            vars(module).update(self._attributes)

    def _write_files(self) -> dict[str, str]:
        if not self._files:
            return {}
        from tempfile import TemporaryDirectory  # noqa: PLC0415 (few roles need files)

        self._folder = TemporaryDirectory(prefix="kms-mock-")
        written: dict[str, str] = {}
        for file in self._files:
            written |= file.write(Path(self._folder.name))
        return written


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _attributes() -> dict[str, Any] | None:
    module = sys.modules.get(_CREDENTIALS_MODULE)
    return None if module is None else vars(module).copy()


def _read_again() -> None:
    """Make a loaded credentials library read the variables as they are now."""
    if module := sys.modules.get(_CREDENTIALS_MODULE):
        importlib.reload(module)
