"""Every parameter type and constraint of the API, named once.

A type is an `Annotated` alias. `msgspec.Meta` carries length, range and pattern; the marker classes here carry what
msgspec lacks: another spelling on the wire, JSON inside a parameter, flattened lists, intervals such as `7d`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
from msgspec import Meta

from kms_mock import errors

# -- markers ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wire:
    """The spelling on the wire, where it is not the argument's name in PascalCase."""

    name: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """Read the wire's string with this function, which raises ValueError with a plain reason."""

    parse: Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Json:
    """The wire's string is a JSON document of the annotated type."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """A list flattened into `Name.1`, `Name.2`, or `Name.1.Key`, `Name.1.Value` (clients.md 2.10)."""

    most: int


@dataclass(frozen=True, slots=True)
class Foldable:
    """A JSON object that some clients send flattened as `Name.key=value` (clients.md 2.11)."""


@dataclass(frozen=True, slots=True)
class Blank:
    """An empty string is a value here; elsewhere it counts as not provided (`# inferred`)."""


@dataclass(frozen=True, slots=True)
class Sensitive:
    """The value is secret: never logged, masked in the journal."""


# -- binding ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parameter:
    """One declared parameter: its wire name, the handler's argument, and how its value is read."""

    name: str
    argument: str
    type: Any
    required: bool
    default: Any
    sensitive: bool
    blank: bool
    flattened: bool
    read: Callable[[Mapping[str, str]], Any]

    def absent(self, parameters: Mapping[str, str]) -> bool:
        """Say whether the request does not provide this parameter."""
        value = parameters.get(self.name)
        if value is None:
            return not (self.flattened and any(key.startswith(self.name + ".") for key in parameters))
        return value == "" and not self.blank


def declare(argument: inspect.Parameter, hint: Any) -> Parameter:
    """Make the declaration of one handler argument from its name, default and annotated type."""
    markers = _markers(hint)
    name = next((mark.name for mark in markers if isinstance(mark, Wire)), None)
    if name is None:
        name = "".join(word.capitalize() for word in argument.name.split("_"))
    required = argument.default is inspect.Parameter.empty
    return Parameter(
        name=name,
        argument=argument.name,
        type=hint,
        required=required,
        default=None if required else argument.default,
        sensitive=any(isinstance(mark, Sensitive) for mark in markers),
        blank=any(isinstance(mark, Blank) for mark in markers),
        flattened=any(isinstance(mark, Repeated | Foldable) for mark in markers),
        read=_reader(name, hint, markers),
    )


def _markers(hint: Any) -> list[Any]:
    """Collect the markers of an annotated type and of the members of a union around it."""
    if get_origin(hint) is Annotated:
        return [*_markers(get_args(hint)[0]), *hint.__metadata__]
    return [mark for member in get_args(hint) for mark in _markers(member)]


def _reader(name: str, hint: Any, markers: list[Any]) -> Callable[[Mapping[str, str]], Any]:
    for mark in markers:
        if isinstance(mark, Repeated):
            return _read_repeated(name, hint, mark.most)
        if isinstance(mark, Foldable):
            return _read_foldable(name, hint)
    parse = next((mark.parse for mark in markers if isinstance(mark, Parsed)), None)
    if parse is None:
        parse = _json_parser(hint) if any(isinstance(mark, Json) for mark in markers) else _text_parser(hint)
    return _read_one(name, parse)


def _read_one(name: str, parse: Callable[[str], Any]) -> Callable[[Mapping[str, str]], Any]:
    def read(parameters: Mapping[str, str]) -> Any:
        return _checked(name, parse, parameters[name])

    return read


def _checked(name: str, parse: Callable[[Any], Any], value: Any) -> Any:
    try:
        return parse(value)
    except ValueError as error:  # msgspec.ValidationError is one
        raise errors.INVALID_PARAMETER(f"{name}: {_without_value(error)}", name=name) from error


def _without_value(error: ValueError) -> str:
    """Give an error's text. msgspec quotes an invalid enum value; a parameter's value is never repeated."""
    return str(error).partition(" '")[0]


def _text_parser(hint: Any) -> Callable[[str], Any]:
    def parse(value: str) -> Any:
        return msgspec.convert(value, hint, strict=False)

    return str if hint is str else parse


def _json_parser(hint: Any) -> Callable[[str], Any]:
    return msgspec.json.Decoder(hint).decode


def _read_foldable(name: str, hint: Any) -> Callable[[Mapping[str, str]], Any]:
    parse = _json_parser(hint)

    def read(parameters: Mapping[str, str]) -> Any:
        if parameters.get(name):
            return _checked(name, parse, parameters[name])
        folded = {key[len(name) + 1 :]: value for key, value in parameters.items() if key.startswith(name + ".")}
        return msgspec.convert(folded, hint)

    return read


def _read_repeated(name: str, hint: Any, most: int) -> Callable[[Mapping[str, str]], Any]:
    """Read `Name.1`, `Name.2.Key` ...; the numbers give the order, gaps are allowed, JSON under `Name` works too."""
    form = re.compile(rf"{name}\.(\d{{1,9}})(?:\.(\w+))?")
    decoder = msgspec.json.Decoder(hint)

    def collect(parameters: Mapping[str, str]) -> Any:
        if parameters.get(name):
            return decoder.decode(parameters[name])
        found: dict[int, Any] = {}
        for key, value in parameters.items():
            match = form.fullmatch(key)
            if match and match[2]:
                entry = found.setdefault(int(match[1]), {})
                if isinstance(entry, dict):
                    entry[match[2]] = value
            elif match:
                found[int(match[1])] = value
        return msgspec.convert([found[number] for number in sorted(found)], hint)

    def read(parameters: Mapping[str, str]) -> Any:
        items = _checked(name, collect, parameters)
        if len(items) > most:
            raise errors.INVALID_PARAMETER(f"{name} has {len(items)} entries, {most} are allowed.", name=name)
        return items

    return read


# -- parsers ----------------------------------------------------------------------------------------------------------

_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_INTERVAL = re.compile(r"([0-9]{1,12})([dhms])")


def parse_interval(text: str) -> int:
    """Read `integer[unit]` as seconds; units are d, h, m, s (behaviour.md 7 and 9)."""
    match = _INTERVAL.fullmatch(text)
    if match is None:
        raise ValueError("the form is integer[unit], unit one of d, h, m, s")
    return int(match[1]) * _UNITS[match[2]]


def parse_string_map(text: str) -> dict[str, str]:
    """Read a JSON object of strings."""
    return msgspec.json.decode(text, type=dict[str, str])


# -- types: paging, flags ---------------------------------------------------------------------------------------------

PageNumber = Annotated[int, Meta(ge=1)]
PageSize = Annotated[int, Meta(ge=1, le=100)]
PageSizeFrom0To100 = Annotated[int, Meta(ge=0, le=100)]
PageSizeFrom0To101 = Annotated[int, Meta(ge=0, le=101)]
DryRun = Annotated[bool, Wire("DryRun")]
Interval = Annotated[int, Parsed(parse_interval)]
Description = Annotated[str, Meta(max_length=8192), Blank()]
InstanceId = Annotated[str, Wire("DKMSInstanceId")]


class Filter(msgspec.Struct):
    """One entry of a Filters parameter: any of the values matches (behaviour.md 5)."""

    Key: str
    Values: Annotated[list[str], Meta(max_length=10)] = []


Filters = Annotated[list[Filter], Meta(max_length=10), Json()]

# -- types: tags ------------------------------------------------------------------------------------------------------


class Tag(msgspec.Struct):
    """One tag as CreateKey, CreateSecret and TagResource take it."""

    TagKey: str
    TagValue: str = ""


class ResourceTag(msgspec.Struct):
    """One tag as TagResources and ListTagResources take it."""

    Key: str = ""
    Value: str | None = None


Tags = Annotated[list[Tag], Json()]
TagKeys = Annotated[list[Annotated[str, Meta(min_length=1, max_length=128)]], Json()]
ResourceIds = Annotated[list[str], Repeated(most=50), Wire("ResourceId")]
ResourceTags = Annotated[list[ResourceTag], Repeated(most=20), Wire("Tag")]
ResourceTagKeys = Annotated[list[str], Repeated(most=20), Wire("TagKey")]
ResourceType = Literal["key", "secret"]
RegionId = Annotated[str, Meta(pattern="^[a-z0-9-]{1,64}$")]

# -- types: keys ------------------------------------------------------------------------------------------------------

KeyId = Annotated[str, Meta(max_length=512)]

# -- types: policies --------------------------------------------------------------------------------------------------

PolicyName = str
PolicyText = str

# -- types: secrets ---------------------------------------------------------------------------------------------------

SecretName = Annotated[str, Meta(max_length=192, pattern=r"^(\$Auto|[A-Za-z0-9_/+=.@-]+)$")]
SecretNameOrArn = Annotated[str, Wire("SecretName")]
SecretType = Literal["Generic", "Rds", "Redis", "RAMCredentials", "ECS", "PolarDB"]
SecretDataType = Literal["text", "binary"]
# Generous: the 30720 bytes are counted in UTF-8, which a pattern cannot do.
SecretData = Annotated[str, Meta(max_length=30720), Sensitive()]
VersionId = Annotated[str, Meta(min_length=1, max_length=64)]
VersionStage = Annotated[str, Meta(min_length=1, max_length=64)]  # inferred: no document bounds a stage's name
VersionStages = Annotated[list[VersionStage], Meta(min_length=1, max_length=8), Json()]
ExtendedConfigText = Annotated[str, Meta(max_length=1024)]
CustomData = Annotated[dict[str, Any], Meta(max_length=10), Foldable(), Wire("ExtendedConfig.CustomData")]
ForceFlag = bool
RecoveryWindow = Annotated[int, Meta(ge=7, le=30)]
PasswordLength = Annotated[int, Meta(ge=8, le=128)]
Recipient = Annotated[str, Sensitive()]


class SecretRequest(msgspec.Struct):
    """One entry of BatchGetSecretValue's SecretsList."""

    SecretName: str
    VersionId: str | None = None
    VersionStage: str | None = None
    FetchExtendedConfig: bool | str | None = None


SecretsList = Annotated[list[SecretRequest], Meta(min_length=1, max_length=20), Json()]
