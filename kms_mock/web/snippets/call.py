"""One call as the languages need it: its parameters with the types that the official SDKs declare for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from kms_mock.control.catalogue import FieldKind, form_field
from kms_mock.rpc.api import Api, Operation, find_operation
from kms_mock.suggestions import did_you_mean
from kms_mock.web.documents import Answer, SnippetsRequest
from kms_mock.web.snippets.literals import double_quoted

# What the SDKs (the V2 family: Python, Go, Java, PHP, .NET, made from one description) do not have; a test compares.
NOT_IN_V2 = frozenset(
    {
        *("AdvanceEncrypt", "CertificatePrivateKeyDecrypt", "CertificatePrivateKeySign", "CertificatePublicKeyEncrypt"),
        *("CertificatePublicKeyVerify", "CreateCertificate", "DeleteCertificate", "DescribeAccountKmsStatus"),
        *("DescribeCertificate", "DescribeRegions", "GetCertificate", "GetDefaultKmsInstance", "OpenKmsService"),
        *("UpdateCertificateStatus", "UpdateKmsInstance", "UploadCertificate"),
    }
)
# Numbers and Booleans that the SDKs declare as strings.
_STRINGS = frozenset(
    {
        *("DryRun", "ExcludeLowercase", "ExcludeNumbers", "ExcludePunctuation", "ExcludeUppercase", "FetchTags"),
        *("ForceDeleteWithoutBackup", "ForceDeleteWithoutRecovery", "IncludeDeprecated", "PasswordLength"),
        *("RecoveryWindowInDays", "RequireEachIncludedType"),
    }
)
_KINDS: dict[FieldKind, Kind] = {"integer": "integer", "boolean": "boolean", "list": "list", "object": "object"}
_MOST_PARAMETERS = 1000
_LONGEST_TREE = 32768  # characters, as the longest value of the API
_MOST_BRACKETS = 200
_CUSTOM_DATA = "ExtendedConfig.CustomData"
_FIELD = re.compile("[A-Za-z][A-Za-z0-9]*")  # the name of a field: it becomes code too
_SNAKE = {"DKMSInstanceId": "dkmsinstance_id", "KMProvider": "kmprovider"}

Kind = Literal["text", "integer", "boolean", "object", "list", "struct", "structs"]


class Value(Struct, frozen=True):
    """One parameter as an SDK takes it.

    `value` is str, int, bool, a dict, a list of str, the fields of a struct, or a list of such fields.
    """

    name: str
    kind: Kind
    value: Any

    @property
    def snake(self) -> str:
        """The name in Python's SDK."""
        return _SNAKE.get(self.name) or snake_case(self.name)


class WrittenCall(Struct, frozen=True):
    """A call to write code for. `wire` are the parameters as they travel, flattened; `values` as the V2 SDKs take them.

    Names in `values` are those of the operation, and of fields; whatever else was sent is `left_out` of them.

    `region` is None where it is `home_region`, that of the server. `fixture` has the resources that the call names, as
    they were before it.
    """

    operation: Operation
    values: tuple[Value, ...]
    left_out: tuple[str, ...]
    wire: tuple[tuple[str, str], ...]
    endpoint: str
    region: str | None
    home_region: str
    access_key_id: str
    access_key_secret: str
    answer: Answer | None
    fixture: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The operation's name."""
        return self.operation.name

    @property
    def api(self) -> Api:
        """The operation's API."""
        return self.operation.api

    @property
    def in_v2(self) -> bool:
        """Whether the SDKs of the V2 family have the operation."""
        return self.api.product == "Kms" and self.name not in NOT_IN_V2

    @property
    def system(self) -> tuple[tuple[str, str], ...]:
        """What a client without an SDK sends besides: the region, where it is not the server's."""
        return () if self.region is None else (("RegionId", self.region),)

    def client(self, quote: Callable[[str], str] = double_quoted) -> dict[str, str]:
        """Return what every client is made with, as literals: `key`, `secret`, `endpoint`, `region`."""
        values = {"key": self.access_key_id, "secret": self.access_key_secret, "endpoint": self.endpoint}
        values["region"] = self.region or self.home_region
        return {name: quote(value) for name, value in values.items()}


def written_call(
    apis: Iterable[Api],
    asked: SnippetsRequest,
    region: str | None,
    home_region: str,
    fixture: Mapping[str, Any],
) -> WrittenCall:
    """Return a call in every form that the languages need. Raises ValueError for an unknown operation."""
    apis = tuple(api for api in apis if api.wire_form is None)
    if len(asked.parameters) > _MOST_PARAMETERS:
        raise ValueError(f"a call with more than {_MOST_PARAMETERS} parameters is no call that code can be written for")
    operation = find_operation(apis, asked.operation)
    if operation is None:
        names = [name for api in apis for name in api.operations]
        raise ValueError(f"there is no operation {asked.operation[:60]!r}{did_you_mean(asked.operation, names) or '.'}")
    fields = {parameter.name: form_field(parameter)["kind"] for parameter in operation.parameters}
    # Names become code, and anybody can send any.
    known = {name: text for name, text in asked.parameters.items() if name in fields or name == _CUSTOM_DATA}
    return WrittenCall(
        operation,
        tuple(_value(name, text, fields.get(name, "text")) for name, text in known.items()),
        tuple(name for name in asked.parameters if name not in known),
        tuple(pair for name, text in asked.parameters.items() for pair in _flattened(name, text, fields.get(name))),
        asked.endpoint,
        region,
        home_region,
        asked.access_key_id,
        asked.access_key_secret,
        asked.answer,
        fixture,
    )


def snake_case(name: str) -> str:
    """Return `GetSecretValue` as `get_secret_value`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _value(name: str, text: str, field: FieldKind) -> Value:
    """Return a parameter for an SDK; what cannot be read as its type stays the text that it is."""
    kind: Kind = "text" if name in _STRINGS else _KINDS.get(field, "text")
    if name in ("ExtendedConfig", "SecretsList"):  # one JSON text on the wire, an object or a list in the SDKs
        kind = "object" if name == "ExtendedConfig" else "structs"
    tree = _tree(text)
    if kind == "boolean" and text.lower() in ("true", "false"):
        return Value(name, kind, text.lower() == "true")
    if kind == "integer" and re.fullmatch("-?[0-9]{1,18}", text):
        return Value(name, kind, int(text))
    if name == _CUSTOM_DATA and isinstance(tree, dict):
        return Value("ExtendedConfig", "struct", {"CustomData": tree})
    if kind == "object" and isinstance(tree, dict):
        return Value(name, kind, tree)
    if kind in ("list", "structs") and isinstance(tree, list):
        is_structs = all(isinstance(item, dict) and all(map(_FIELD.fullmatch, item)) for item in tree)
        return Value(name, "structs" if is_structs and tree else "list", tree)
    return Value(name, "text", text)


def _flattened(name: str, text: str, field: FieldKind | None) -> list[tuple[str, str]]:
    tree = _tree(text)
    if field == "object" and isinstance(tree, dict) and all(isinstance(item, str) for item in tree.values()):
        return [(f"{name}.{key}", item) for key, item in tree.items()]
    if field == "list" and isinstance(tree, list):
        pairs: list[tuple[str, str]] = []
        for number, item in enumerate(tree, 1):
            entry = item if isinstance(item, dict) else {"": item}
            pairs += [(f"{name}.{number}{'.' if key else ''}{key}", str(value)) for key, value in entry.items()]
        return pairs
    return [(name, text)]


def _tree(text: str) -> Any:
    if len(text) > _LONGEST_TREE or text.count("[") + text.count("{") > _MOST_BRACKETS:
        return None  # it would take long, or be too deep to be written
    try:  # not by `json`, which takes half of a surrogate pair: no answer can hold it
        return msgspec.json.decode(text)
    except ValueError:
        return None
