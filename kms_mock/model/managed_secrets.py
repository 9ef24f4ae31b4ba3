"""Managed secrets: what their configuration must say, what their values look like, what rotation makes of them.

A managed secret of sub-type DoubleUsers has two accounts: ACSCurrent holds one, ACSPrevious the other; rotation gives
the previous account a new password and swaps the two (api-docs CreateSecret, ExtendedConfig).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from kms_mock.crypto import ssh
from kms_mock.model import passwords
from kms_mock.model.secret import MAX_NAME_LENGTH, NAME, SecretType
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


class _RamValue(Struct, frozen=True, forbid_unknown_fields=True):
    AccessKeyId: str
    AccessKeySecret: str
    GenerateTimestamp: str


_S = TypeVar("_S", bound=Struct)


class Values(Struct, frozen=True):
    """The first values of a managed secret: of ACSCurrent, and of ACSPrevious where there are two accounts."""

    current: str
    previous: str | None = None

    def __repr__(self) -> str:
        return "Values(...)"


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


def parse_config(kind: SecretType, text: str) -> dict[str, Any] | None:
    """Read the ExtendedConfig of CreateSecret; a Generic secret's is ignored. Raises ValueError with a plain reason."""
    if kind == "Generic":
        return None
    try:
        config = msgspec.json.decode(text, type=dict[str, Any])
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return checked_config(kind, config)


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


def full_name(kind: SecretType, name: str, config: dict[str, Any] | None) -> str:
    """Give the name of a new secret, checked for its type (behaviour.md 7). Raises ValueError with a plain reason."""
    if kind == "RAMCredentials" and config is not None:
        if name != AUTO:
            raise ValueError(f"the name of a RAMCredentials secret is given as {AUTO}")
        name = f"acs/ram/user/{config['UserName']}"
        if len(name) > MAX_NAME_LENGTH or not NAME.fullmatch(name):
            raise ValueError("the UserName makes no name for a secret")
        return name
    right = {"ECS": name.startswith("acs/ecs/"), "PolarDB": True}.get(kind, not name.startswith("acs/"))
    if name == AUTO or not right:
        raise ValueError(f"{name} is no name for a secret of type {kind}")
    return name


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
        pairs = _decoded(data, _AccessKeys).AccessKeys
        if not 1 <= len(pairs) <= 2:  # noqa: PLR2004 (a RAM user has at most two AccessKey pairs)
            raise ValueError("AccessKeys has the one or two AccessKey pairs of the RAM user")
        return Values(*(_ram_value(pair.AccessKeyId, pair.AccessKeySecret, now) for pair in pairs))
    return Values(_json(_decoded(data, _Login if config["SecretSubType"] == "Password" else _SshLogin)))


def _rds_values(config: dict[str, Any], data: str) -> Values:
    accounts = _decoded(data, _Accounts).Accounts
    expected = 1 if config["SecretSubType"] == "SingleUser" else 2
    if len(accounts) != expected:
        raise ValueError(f"Accounts of a {config['SecretSubType']} secret has {expected} entries")
    return Values(*(_json(account) for account in accounts))


def check_value(kind: SecretType, config: dict[str, Any], data: str) -> None:
    """Check that a stored value has the form that GetSecretValue documents. Raises ValueError with a plain reason."""
    if kind == "RAMCredentials":
        _decoded(data, _RamValue)
    elif kind == "ECS":
        _decoded(data, _Login if config["SecretSubType"] == "Password" else _SshLogin)
    else:
        _decoded(data, _Account)


def _decoded(data: str, shape: type[_S]) -> _S:
    """Read a value of a known shape. The reason names the shape only: msgspec's own text would quote the value."""
    try:
        return msgspec.json.decode(data, type=shape)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the value is JSON of the form {_form(shape)}") from error


def _form(shape: Any) -> str:
    if shape is str:
        return '""'
    if get_origin(shape) is list:
        return f"[{_form(get_args(shape)[0])}]"
    hints = get_type_hints(shape)
    return "{" + ",".join(f'"{name}":{_form(hint)}' for name, hint in hints.items()) + "}"


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
    return _json(_RamValue(key_id, key_secret, iso(now)))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
