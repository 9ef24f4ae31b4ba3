"""The environment variables that clients of Alibaba Cloud read, and a change of them that can be undone."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

# Name -> value, in which {access_key_id}, {access_key_secret} and {region} are filled in.
CREDENTIALS: Mapping[str, str] = {
    # alibabacloud-credentials, the V2 SDKs of all languages, the command line.
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "{access_key_id}",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "{access_key_secret}",
    "ALIBABA_CLOUD_REGION_ID": "{region}",
    "ALIBABACLOUD_ACCESS_KEY_ID": "{access_key_id}",
    "ALIBABACLOUD_ACCESS_KEY_SECRET": "{access_key_secret}",
    "ALIBABACLOUD_REGION_ID": "{region}",
    # aliyun-python-sdk-core (V1).
    "ALIYUN_ACCESS_KEY_ID": "{access_key_id}",
    "ALIYUN_ACCESS_KEY_SECRET": "{access_key_secret}",
    # Terraform, Vault, OpenBao.
    "ALICLOUD_ACCESS_KEY": "{access_key_id}",
    "ALICLOUD_SECRET_KEY": "{access_key_secret}",
    "ALICLOUD_REGION": "{region}",
    # oss2.
    "OSS_ACCESS_KEY_ID": "{access_key_id}",
    "OSS_ACCESS_KEY_SECRET": "{access_key_secret}",
    # The secrets manager clients of all languages.
    "credentials_type": "ak",
    "credentials_access_key_id": "{access_key_id}",
    "credentials_access_secret": "{access_key_secret}",
    "cache_client_region_id": '[{{"regionId":"{region}"}}]',
}

# What would lead a client to credentials other than these.
OTHER_CREDENTIALS = (
    "ALIBABA_CLOUD_SECURITY_TOKEN",
    "ALIBABACLOUD_SECURITY_TOKEN",
    "ALIYUN_SECURITY_TOKEN",
    "ALICLOUD_SECURITY_TOKEN",
    "OSS_SESSION_TOKEN",
    "ALIBABA_CLOUD_CREDENTIALS_URI",
    "ALIBABA_CLOUD_CREDENTIALS_FILE",
    "ALIBABA_CLOUD_PROFILE",
    "ALIBABA_CLOUD_ECS_METADATA",
    "ALIBABA_CLOUD_ROLE_ARN",
    "ALIBABA_CLOUD_ROLE_SESSION_NAME",
    "ALIBABA_CLOUD_OIDC_PROVIDER_ARN",
    "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
)

PROXIES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")

# alibabacloud-credentials reads these once, when it is imported: attribute of the module -> variable.
_CREDENTIALS_MODULE = "alibabacloud_credentials.utils.auth_util"
_READ_AT_IMPORT: Mapping[str, str] = {
    "environment_access_key_id": "ALIBABA_CLOUD_ACCESS_KEY_ID",
    "environment_access_key_secret": "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "environment_security_token": "ALIBABA_CLOUD_SECURITY_TOKEN",
}


def in_process(access_key_id: str, access_key_secret: str, region: str) -> dict[str, str | None]:
    """Return the variables of an intercepted program: dummy credentials, no proxy (None: unset)."""
    filled = {
        name: value.format(access_key_id=access_key_id, access_key_secret=access_key_secret, region=region)
        for name, value in CREDENTIALS.items()
    }
    return {**dict.fromkeys((*OTHER_CREDENTIALS, *PROXIES)), **filled}


class EnvironmentChange:
    """Variables that are set (or, where None, unset) until the change is undone.

    Changes are undone in any order: undoing one on which another was made hands its former values to that other.
    """

    def __init__(self, variables: Mapping[str, str | None]) -> None:
        self._variables = variables
        self._former: dict[str, str | None] = {}
        self._attributes: dict[str, Any] | None = None  # None: the module was not there

    def apply(self) -> None:
        """Set the variables, and what was read from them at import."""
        self._former = {name: os.environ.get(name) for name in self._variables}
        self._attributes = _attributes()
        _set(self._variables)
        _read_again()

    def undo(self, later: EnvironmentChange | None = None) -> None:
        """Restore the former values; `later` is the next change, if that is still in force."""
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


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _attributes() -> dict[str, Any] | None:
    module = sys.modules.get(_CREDENTIALS_MODULE)
    return None if module is None else {name: getattr(module, name, None) for name in _READ_AT_IMPORT}


def _read_again() -> None:
    """Make a loaded credentials library read the variables as they are now."""
    if module := sys.modules.get(_CREDENTIALS_MODULE):
        vars(module).update({name: os.environ.get(variable) for name, variable in _READ_AT_IMPORT.items()})
