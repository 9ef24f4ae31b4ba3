"""Secret types: what the configuration of each must hold, what its values look like, what rotation makes of them.

Each type is a row of `SECRET_TYPES`. A managed secret of sub-type DoubleUsers has two accounts: ACSCurrent holds one,
ACSPrevious the other; rotation sets a new password for the previous account and swaps the two (api-docs CreateSecret,
ExtendedConfig).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from kms_mock.crypto import ssh
from kms_mock.crypto.randomness import RandomBytes
from kms_mock.kms.model import passwords
from kms_mock.regex import regex
from kms_mock.store.times import iso

SecretType = Literal["Generic", "Rds", "Redis", "RAMCredentials", "ECS", "PolarDB"]

AUTO = "$Auto"
NAME_CHARACTERS = "[A-Za-z0-9_/+=.@-]+"
MAX_NAME_LENGTH = 192
_NAME = regex(NAME_CHARACTERS)
_MAX_CUSTOM_DATA = 10
_PASSWORD_CLASSES = [passwords.LOWERCASE, passwords.UPPERCASE, passwords.NUMBERS, "!@#$%^&*()_+-="]

Config = Mapping[str, Any]


class Values(Struct, frozen=True):
    """The values of a managed secret: of ACSCurrent, and of ACSPrevious where there are two accounts."""

    current: str
    previous: str | None = None

    def __repr__(self) -> str:
        return "Values(...)"


# -- forms of values --------------------------------------------------------------------------------------------------


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


def _decoded(data: str, form: type[_S]) -> _S:
    """Read a value of a known form. The reason shows the form only: msgspec's own text would quote the value."""
    try:
        return msgspec.json.decode(data, type=form)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the value is JSON of the form {_form_text(form)}") from error


def _form_text(form: Any) -> str:
    if form is str:
        return '""'
    if get_origin(form) is list:
        return f"[{_form_text(get_args(form)[0])}]"
    return "{" + ",".join(f'"{name}":{_form_text(hint)}' for name, hint in get_type_hints(form).items()) + "}"


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


# -- what the rows are made of ----------------------------------------------------------------------------------------


class TypeRules(Struct, frozen=True):
    """The rules of one managed type.

    `sub_types` are the values of SecretSubType, `required` the further fields of ExtendedConfig. `name` returns the
    full name of a new secret, `form` what each value looks like, `first` the stored values of CreateSecret's
    SecretData, `rotated` the value of the new current version. All raise ValueError with a plain reason.
    """

    sub_types: tuple[str, ...]
    required: tuple[str, ...]
    name: Callable[[str, Config], str]
    form: Callable[[Config], type[Struct]]
    first: Callable[[Config, str, float, RandomBytes], Values]
    rotated: Callable[[Config, Values, float, RandomBytes], str]
    complete: Callable[[dict[str, Any]], None] = lambda _: None  # checks the rest of a config and fills in defaults


def _unreserved_name(name: str, _config: Config) -> str:
    if name == AUTO or name.startswith("acs/"):
        raise ValueError(f"{name} is no name for a secret of this type")
    return name


def _any_name(name: str, _config: Config) -> str:
    if name == AUTO:
        raise ValueError(f"{name} is no name for a secret of this type")
    return name


def _ecs_name(name: str, _config: Config) -> str:
    if not name.startswith("acs/ecs/"):
        raise ValueError(f"{name} is no name for a secret of this type, which starts with acs/ecs/")
    return name


def _ram_name(name: str, config: Config) -> str:
    if name != AUTO:
        raise ValueError(f"the name of a RAMCredentials secret is given as {AUTO}")
    full = f"acs/ram/user/{config['UserName']}"
    if not is_name(full):
        raise ValueError("the UserName makes no name for a secret")
    return full


def _clone_name(config: dict[str, Any]) -> None:
    if config["CloneAccountName"] != f"{config['AccountName']}_clone":
        raise ValueError("CloneAccountName is AccountName followed by _clone")


def _polar_db_config(config: dict[str, Any]) -> None:
    if config["DBType"] not in ("MySQL", "PostgreSQL"):
        raise ValueError("DBType is MySQL or PostgreSQL")
    if config.get("AccountType", "Normal") != "Normal":
        raise ValueError("AccountType is Normal")
    config.setdefault("CloneAccountName", config["AccountName"] + "_clone")
    _clone_name(config)


def _generated_accounts(config: Config, data: str, _now: float, random_bytes: RandomBytes) -> Values:
    if data != AUTO:
        raise ValueError(f"SecretData of a secret of this type is {AUTO}")
    names = (config["AccountName"], config["CloneAccountName"])
    return Values(*(_account(name, random_bytes) for name in names))


def _rds_accounts(config: Config, data: str, _now: float, _random_bytes: RandomBytes) -> Values:
    accounts = _decoded(data, _Accounts).Accounts
    expected = 1 if config["SecretSubType"] == "SingleUser" else 2
    if len(accounts) != expected:
        raise ValueError(f"Accounts of a {config['SecretSubType']} secret has {expected} entries")
    return Values(*(_json(account) for account in accounts))


def _ram_access_keys(_config: Config, data: str, now: float, _random_bytes: RandomBytes) -> Values:
    pairs = _decoded(data, _AccessKeys).AccessKeys
    if not 1 <= len(pairs) <= 2:  # noqa: PLR2004 (a RAM user has at most two AccessKey pairs)
        raise ValueError("AccessKeys has the one or two AccessKey pairs of the RAM user")
    return Values(*(_ram_value(pair.AccessKeyId, pair.AccessKeySecret, now) for pair in pairs))


def _ecs_login(config: Config, data: str, _now: float, _random_bytes: RandomBytes) -> Values:
    return Values(_json(_decoded(data, _login_form(config))))


def _login_form(config: Config) -> type[Struct]:
    return _Login if config["SecretSubType"] == "Password" else _SshLogin


def _rotated_account(config: Config, values: Values, _now: float, random_bytes: RandomBytes) -> str:
    """Set a new password: for the previous account where there are two, which becomes the current one."""
    two = config["SecretSubType"] == "DoubleUsers" and values.previous is not None
    account = msgspec.json.decode(values.previous if two and values.previous else values.current)
    return _account(account["AccountName"], random_bytes)


def _rotated_access_key(_config: Config, _values: Values, now: float, random_bytes: RandomBytes) -> str:
    letters = passwords.LETTERS_AND_NUMBERS
    key_id = "LTAI5t" + passwords.random_text(18, letters, random_bytes)
    return _ram_value(key_id, passwords.random_text(30, letters, random_bytes), now)


def _rotated_login(config: Config, values: Values, _now: float, random_bytes: RandomBytes) -> str:
    login = msgspec.json.decode(values.current)
    if config["SecretSubType"] == "Password":
        return _json(_Login(login["UserName"], _password(random_bytes)))
    public, private = ssh.key_pair("imported-openssh-key", random_bytes)
    return _json(_SshLogin(login["UserName"], public, private))


def _password(random_bytes: RandomBytes) -> str:
    return passwords.random_password(32, _PASSWORD_CLASSES, random_bytes, one_of_each=True)


def _account(name: str, random_bytes: RandomBytes) -> str:
    return _json(_Account(name, _password(random_bytes)))


def _ram_value(key_id: str, key_secret: str, now: float) -> str:
    return _json(_RamValue(key_id, key_secret, iso(now)))


# api-docs CreateSecret. Generic, which KMS does not manage, has no row.
SECRET_TYPES: Final[Mapping[SecretType, TypeRules]] = {
    "Rds": TypeRules(
        sub_types=("SingleUser", "DoubleUsers"),
        required=("DBInstanceId",),
        name=_unreserved_name,
        form=lambda _: _Account,
        first=_rds_accounts,
        rotated=_rotated_account,
    ),
    "Redis": TypeRules(
        sub_types=("DoubleUsers",),
        required=("AccountName", "CloneAccountName", "AccountPrivilege", "InstanceId", "RegionId"),
        name=_unreserved_name,
        form=lambda _: _Account,
        first=_generated_accounts,
        rotated=_rotated_account,
        complete=_clone_name,
    ),
    "RAMCredentials": TypeRules(
        sub_types=("RamUserAccessKey",),
        required=("UserName",),
        name=_ram_name,
        form=lambda _: _RamValue,
        first=_ram_access_keys,
        rotated=_rotated_access_key,
    ),
    "ECS": TypeRules(
        sub_types=("Password", "SSHKey"),
        required=("RegionId", "InstanceId"),
        name=_ecs_name,
        form=_login_form,
        first=_ecs_login,
        rotated=_rotated_login,
    ),
    "PolarDB": TypeRules(
        sub_types=("DoubleUsers",),
        required=("RegionId", "DBClusterId", "DBType", "AccountName"),
        name=_any_name,
        form=lambda _: _Account,
        first=_generated_accounts,
        rotated=_rotated_account,
        complete=_polar_db_config,
    ),
}

# -- the rules, applied -----------------------------------------------------------------------------------------------


def is_name(name: str) -> bool:
    """Return whether a secret may have this name (behaviour.md 7)."""
    return len(name) <= MAX_NAME_LENGTH and _NAME.fullmatch(name) is not None


def full_name(secret_type: SecretType, name: str, config: Config | None) -> str:
    """Return the name of a new secret, checked for its type (behaviour.md 7). Raises ValueError with a plain reason."""
    rules = SECRET_TYPES.get(secret_type)
    return _unreserved_name(name, {}) if rules is None else rules.name(name, config or {})


def parse_config(secret_type: SecretType, text: str) -> dict[str, Any] | None:
    """Read the ExtendedConfig of CreateSecret; that of a Generic secret is ignored. Raises ValueError."""
    if secret_type not in SECRET_TYPES:
        return None
    try:
        config = msgspec.json.decode(text, type=dict[str, Any])
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return checked_config(secret_type, config)


def checked_config(secret_type: SecretType, config: Config) -> dict[str, Any]:
    """Return an ExtendedConfig with its defaults filled in. Raises ValueError with a plain reason."""
    rules = SECRET_TYPES[secret_type]
    if config.get("SecretSubType") not in rules.sub_types:
        raise ValueError(f"SecretSubType of a {secret_type} secret is one of {', '.join(rules.sub_types)}")
    for name in rules.required:
        if not isinstance(config.get(name), str) or not config[name]:
            raise ValueError(f"a {secret_type} secret needs {name}")
    filled = dict(config)
    rules.complete(filled)
    filled["CustomData"] = _checked_custom_data(config.get("CustomData", {}))
    return filled


def _checked_custom_data(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict) or len(data) > _MAX_CUSTOM_DATA:
        raise ValueError(f"CustomData is an object of at most {_MAX_CUSTOM_DATA} pairs")
    return data


def first_values(secret_type: SecretType, config: Config, data: str, now: float, random_bytes: RandomBytes) -> Values:
    """Return what is stored for the SecretData of CreateSecret. Raises ValueError with a plain reason."""
    return SECRET_TYPES[secret_type].first(config, data, now, random_bytes)


def check_value(secret_type: SecretType, config: Config, data: str) -> None:
    """Check that a stored value has the form that GetSecretValue documents. Raises ValueError with a plain reason."""
    _decoded(data, SECRET_TYPES[secret_type].form(config))


def rotated_value(
    secret_type: SecretType, config: Config, values: Values, now: float, random_bytes: RandomBytes
) -> str:
    """Return the value of the new current version: fresh, and of the form that the type documents."""
    return SECRET_TYPES[secret_type].rotated(config, values, now, random_bytes)
