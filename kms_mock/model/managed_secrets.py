"""Managed secrets: what their configuration must say, what their values look like, what rotation makes of them.

A managed secret of sub-type DoubleUsers has two accounts: ACSCurrent holds one, ACSPrevious the other; rotation gives
the previous account a new password and swaps the two (api-docs CreateSecret, ExtendedConfig).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from kms_mock.crypto import ssh
from kms_mock.model import passwords
from kms_mock.model.secret import SecretType
from kms_mock.model.times import iso

AUTO = "$Auto"
_RandomBytes = Callable[[int], bytes]
_PASSWORD_CLASSES = [passwords.LOWERCASE, passwords.UPPERCASE, passwords.NUMBERS, "!@#$%^&*()_+-="]


class _Account(Struct, frozen=True, forbid_unknown_fields=True):
    AccountName: str
    AccountPassword: str


class _Accounts(Struct, frozen=True, forbid_unknown_fields=True):
    Accounts: list[_Account]


class _AccessKey(Struct, frozen=True, forbid_unknown_fields=True):
    AccessKeyId: str
    AccessKeySecret: str


class _AccessKeys(Struct, frozen=True, forbid_unknown_fields=True):
    AccessKeys: list[_AccessKey]


class _Login(Struct, frozen=True, forbid_unknown_fields=True):
    UserName: str
    Password: str


class _SshLogin(Struct, frozen=True, forbid_unknown_fields=True):
    UserName: str
    PublicKey: str
    PrivateKey: str


class Values(Struct, frozen=True):
    """The first values of a managed secret: of ACSCurrent, and of ACSPrevious where there are two accounts."""

    current: str
    previous: str | None = None


# Required fields of ExtendedConfig by type, and the sub-types that each type knows (api-docs CreateSecret).
_REQUIRED: dict[str, tuple[str, ...]] = {
    "Rds": ("DBInstanceId",),
    "Redis": ("AccountName", "CloneAccountName", "AccountPrivilege", "InstanceId", "RegionId"),
    "RAMCredentials": ("UserName",),
    "ECS": ("RegionId", "InstanceId"),
    "PolarDB": ("RegionId", "DBClusterId", "DBType", "AccountName"),
}
_SUB_TYPES: dict[str, tuple[str, ...]] = {
    "Rds": ("SingleUser", "DoubleUsers"),
    "Redis": ("DoubleUsers",),
    "RAMCredentials": ("RamUserAccessKey",),
    "ECS": ("Password", "SSHKey"),
    "PolarDB": ("DoubleUsers",),
}


def checked_config(kind: SecretType, config: dict[str, Any]) -> dict[str, Any]:
    """Check an ExtendedConfig and fill in its defaults. Raises ValueError with a plain reason."""
    if config.get("SecretSubType") not in _SUB_TYPES[kind]:
        raise ValueError(f"SecretSubType of a {kind} secret is one of {', '.join(_SUB_TYPES[kind])}")
    for name in _REQUIRED[kind]:
        if not isinstance(config.get(name), str) or not config[name]:
            raise ValueError(f"a {kind} secret needs {name}")
    filled = dict(config)
    if kind == "PolarDB":
        if config["DBType"] not in ("MySQL", "PostgreSQL"):
            raise ValueError("DBType is MySQL or PostgreSQL")
        if config.get("AccountType", "Normal") != "Normal":
            raise ValueError("AccountType is Normal")
        filled.setdefault("CloneAccountName", config["AccountName"] + "_clone")
    if kind in ("Redis", "PolarDB") and filled["CloneAccountName"] != f"{config['AccountName']}_clone":
        raise ValueError("CloneAccountName is AccountName followed by _clone")
    filled["CustomData"] = checked_custom_data(config.get("CustomData", {}))
    return filled


def checked_custom_data(data: Any) -> dict[str, Any]:
    """Check CustomData: a JSON object of at most ten pairs. Raises ValueError."""
    most = 10
    if not isinstance(data, dict) or len(data) > most:
        raise ValueError(f"CustomData is an object of at most {most} pairs")
    return data


def first_values(kind: SecretType, config: dict[str, Any], data: str, now: float, random_bytes: _RandomBytes) -> Values:
    """Check the SecretData of CreateSecret and give what is stored. Raises ValueError with a plain reason."""
    if kind in ("Redis", "PolarDB"):
        if data != AUTO:
            raise ValueError(f"SecretData of a {kind} secret is {AUTO}")
        names = (config["AccountName"], config["CloneAccountName"])
        return Values(*(_account(name, random_bytes) for name in names))
    if kind == "Rds":
        return _rds_values(config, data)
    if kind == "RAMCredentials":
        pairs = msgspec.json.decode(data, type=_AccessKeys).AccessKeys
        if not 1 <= len(pairs) <= 2:  # noqa: PLR2004 (a RAM user has at most two AccessKey pairs)
            raise ValueError("AccessKeys has the one or two AccessKey pairs of the RAM user")
        return Values(*(_ram_value(pair.AccessKeyId, pair.AccessKeySecret, now) for pair in pairs))
    shape: type[Struct] = _Login if config["SecretSubType"] == "Password" else _SshLogin
    return Values(_json(msgspec.json.decode(data, type=shape)))


def _rds_values(config: dict[str, Any], data: str) -> Values:
    accounts = msgspec.json.decode(data, type=_Accounts).Accounts
    expected = 1 if config["SecretSubType"] == "SingleUser" else 2
    if len(accounts) != expected:
        raise ValueError(f"Accounts of a {config['SecretSubType']} secret has {expected} entries")
    return Values(*(_json(account) for account in accounts))


def rotated_value(
    kind: SecretType, config: dict[str, Any], values: Values, now: float, random_bytes: _RandomBytes
) -> str:
    """Give the value of the new current version: fresh, and of the form that the type documents."""
    if kind == "RAMCredentials":
        letters = passwords.LETTERS_AND_NUMBERS
        key_id = "LTAI5t" + passwords.random_text(18, letters, random_bytes)
        return _ram_value(key_id, passwords.random_text(30, letters, random_bytes), now)
    if kind == "ECS":
        login = msgspec.json.decode(values.current)
        if config["SecretSubType"] == "Password":
            return _json(_Login(login["UserName"], _password(random_bytes)))
        public, private = ssh.key_pair("imported-openssh-key", random_bytes)
        return _json(_SshLogin(login["UserName"], public, private))
    # With two accounts it is the previous one that gets the new password and becomes current.
    account = msgspec.json.decode(values.previous or values.current)
    return _account(account["AccountName"], random_bytes)


def _password(random_bytes: _RandomBytes) -> str:
    return passwords.random_password(32, _PASSWORD_CLASSES, random_bytes, each=True)


def _account(name: str, random_bytes: _RandomBytes) -> str:
    return _json(_Account(name, _password(random_bytes)))


def _ram_value(key_id: str, key_secret: str, now: float) -> str:
    return _json({"AccessKeyId": key_id, "AccessKeySecret": key_secret, "GenerateTimestamp": iso(now)})


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
