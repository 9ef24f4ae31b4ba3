"""How a handler's argument is bound to what travels on the wire: the markers of parameter types, and their readers.

`msgspec` converts plain values; the markers here carry what it lacks: another spelling on the wire, JSON inside a
parameter, flattened lists, texts with a form of their own such as `7d`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from operator import itemgetter
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
from msgspec import Struct

from kms_mock.rpc import errors, refused_values
from kms_mock.rpc.errors import ApiError

MAX_JSON = 131_072  # characters of a JSON parameter: the longest documented one has 8,192; 1 MB of it takes 0.1 s

# -- markers ----------------------------------------------------------------------------------------------------------


class Wire(Struct, frozen=True):
    """The spelling on the wire, where it is not the argument's name in PascalCase."""

    name: str


class Parsed(Struct, frozen=True):
    """Read the wire's string with this function.

    It raises ValueError with a plain reason, in which no part of the string is.
    """

    parse: Callable[[str], Any]


class Json(Struct, frozen=True):
    """The wire's string is a JSON document of the annotated type."""


class Repeated(Struct, frozen=True):
    """A list flattened into `Name.1`, `Name.2`, or `Name.1.Key`, `Name.1.Value` (clients.md 2.10)."""

    most: int


class Flattenable(Struct, frozen=True):
    """A JSON object that some clients send flattened as `Name.key=value` (clients.md 2.11).

    `longest` is how many characters the whole string may have, or all keys and values together when flattened.
    """

    longest: int | None = None


class EmptyAllowed(Struct, frozen=True):
    """An empty string is a value here; elsewhere it counts as not provided."""


class Sensitive(Struct, frozen=True):
    """The value is secret: never logged, masked in the journal."""


class NamesResource(Struct, frozen=True):
    """The value names the resource that a request is about: a key, a secret, …, by id, name or ARN.

    `kind` is the resource's name in ARNs, such as `key`; "" where the value or other parameters decide it.
    """

    kind: str = ""


class Inferred(Struct, frozen=True):
    """A constraint that no document states; the text says what is inferred and why, in a sentence."""

    text: str


class NotOffered(Struct, frozen=True):
    """A parameter that the service has and this server refuses; the text says why, in a sentence or more."""

    text: str


DryRun = Annotated[bool, Wire("DryRun")]


# -- binding ----------------------------------------------------------------------------------------------------------


class Parameter(Struct, frozen=True):
    """One declared parameter: its wire name, the handler's argument, and how its value is read."""

    name: str
    argument: str
    type: Any
    required: bool
    default: Any
    sensitive: bool
    names_resource: bool
    resource_kind: str
    inferred: tuple[str, ...]
    not_offered: str
    empty_allowed: bool
    flattened: re.Pattern[str] | None
    read: Callable[[Mapping[str, str]], Any]

    @property
    def is_closed(self) -> bool:
        """Whether a value that fits is a number, a Boolean or one of a list: no text of the client's own."""
        plain = _plain(self.type)
        return plain in (int, float, bool) or get_origin(plain) is Literal

    def absent(self, parameters: Mapping[str, str]) -> bool:
        """Return whether the request does not provide this parameter."""
        value = parameters.get(self.name)
        if value is None:
            form = self.flattened
            return form is None or not any(form.fullmatch(key) for key in parameters)
        return value == "" and not self.empty_allowed

    def values(self, parameters: Mapping[str, str]) -> list[str]:
        """Return the values that a request sends for this parameter, those of a flattened one in their order there."""
        if self.flattened is None:
            return [parameters[self.name]] if parameters.get(self.name) else []
        return [value for name, value in parameters.items() if name.partition(".")[0] == self.name]


def declare(argument: inspect.Parameter, hint: Any) -> Parameter:
    """Make the declaration of one handler argument from its name, default and annotated type."""
    hint = _without_none(hint)
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
        names_resource=any(isinstance(mark, NamesResource) for mark in markers),
        resource_kind=next((mark.kind for mark in reversed(markers) if isinstance(mark, NamesResource)), ""),
        inferred=tuple(mark.text for mark in markers if isinstance(mark, Inferred)),
        not_offered=next((mark.text for mark in markers if isinstance(mark, NotOffered)), ""),
        empty_allowed=any(isinstance(mark, EmptyAllowed) for mark in markers),
        flattened=_flattened_form(name, markers),
        read=_reader(name, hint, markers),
    )


def _markers(hint: Any) -> list[Any]:
    """Collect the markers of an annotated type and of the members of a union around it."""
    if get_origin(hint) is Annotated:
        return [*_markers(get_args(hint)[0]), *hint.__metadata__]
    return [mark for member in get_args(hint) for mark in _markers(member)]


def _without_none(hint: Any) -> Any:
    """Strip None from an optional parameter's type: it is the default, nothing that a client can send (as `null`)."""
    members = [member for member in get_args(hint) if member is not NoneType]
    return members[0] if len(members) == 1 and NoneType in get_args(hint) else hint


def _list_form(name: str) -> re.Pattern[str]:
    return re.compile(rf"{re.escape(name)}\.(\d{{1,9}})(?:\.(\w+))?", re.ASCII)


def _flattened_form(name: str, markers: list[Any]) -> re.Pattern[str] | None:
    """Return the form of the names that a flattened list or object is spread over, None for any other parameter."""
    for mark in markers:
        if isinstance(mark, Repeated):
            return _list_form(name)
        if isinstance(mark, Flattenable):
            return re.compile(rf"{re.escape(name)}\.(.+)", re.DOTALL)
    return None


def _reader(name: str, hint: Any, markers: list[Any]) -> Callable[[Mapping[str, str]], Any]:
    for mark in markers:
        if isinstance(mark, Repeated):
            return _read_repeated(name, hint, mark.most)
        if isinstance(mark, Flattenable):
            return _read_flattenable(name, hint, mark.longest)
    parse = next((mark.parse for mark in markers if isinstance(mark, Parsed)), None)
    if any(isinstance(mark, Json) for mark in markers):
        parse = _json_parser(hint)
    if parse is not None:
        return _read_parsed(name, hint, parse)
    constraints = [mark for mark in markers if isinstance(mark, msgspec.Meta)]
    if _plain(hint) is str and not constraints:
        return itemgetter(name)
    read = _read_value(name, hint)
    longest = constraints[0].max_length if _plain(hint) is str and len(constraints) == 1 else None
    if longest is None or constraints[0] != msgspec.Meta(max_length=longest, description=constraints[0].description):
        return read
    return _read_bounded_text(name, longest, read)


def _plain(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _read_parsed(name: str, hint: Any, parse: Callable[[str], Any]) -> Callable[[Mapping[str, str]], Any]:
    def read(parameters: Mapping[str, str]) -> Any:
        return _checked(name, hint, parse, parameters[name])

    return read


def _read_bounded_text(
    name: str, longest: int, read_checked: Callable[[Mapping[str, str]], Any]
) -> Callable[[Mapping[str, str]], Any]:
    """Read a text that is bounded in length only: one that is not too long is what the request has."""

    def read(parameters: Mapping[str, str]) -> Any:
        text = parameters[name]
        return text if len(text) <= longest else read_checked(parameters)

    return read


def _read_value(name: str, hint: Any) -> Callable[[Mapping[str, str]], Any]:
    """Read a plain value. Its type stands in a struct: a bare one is analysed anew at each conversion."""
    holder: Any = None

    def read(parameters: Mapping[str, str]) -> Any:
        nonlocal holder
        holder = holder or msgspec.defstruct("Value", [("value", hint)])  # most parameters are never sent
        try:
            return msgspec.convert({"value": parameters[name]}, holder, strict=False).value
        except msgspec.ValidationError as error:
            raise _invalid(name, hint, error) from None  # it quotes the value

    return read


def _checked(name: str, hint: Any, parse: Callable[[Any], Any], value: Any) -> Any:
    try:
        return parse(value)
    except RecursionError as error:
        raise errors.INVALID_PARAMETER(f"{name}: the JSON is nested too deeply", name=name) from error
    except ValueError as error:  # msgspec.ValidationError is one
        raise _invalid(name, hint, error) from None


def _invalid(name: str, hint: Any, error: Exception) -> ApiError:
    """Make the refusal of a value; see `Parsed` for the reasons of other people's functions."""
    plain = type(error) is ValueError  # not a UnicodeError either, which quotes what it cannot read
    reason = str(error) if plain else refused_values.explain(error, hint)
    return errors.INVALID_PARAMETER(f"{name}: {reason}", name=name)


def _json_parser(hint: Any) -> Callable[[str], Any]:
    decode = msgspec.json.Decoder(hint).decode

    def parse(text: str) -> Any:
        if len(text) > MAX_JSON:
            raise ValueError(f"it has {len(text)} characters, {MAX_JSON} are allowed")
        return decode(text)

    return parse


def _read_flattenable(name: str, hint: Any, longest: int | None) -> Callable[[Mapping[str, str]], Any]:
    parse = _json_parser(hint)

    def collect(parameters: Mapping[str, str]) -> Any:
        text = parameters.get(name)
        folded = {key[len(name) + 1 :]: value for key, value in parameters.items() if key.startswith(name + ".")}
        length = len(text) if text else sum(len(key) + len(value) for key, value in folded.items())
        if longest is not None and length > longest:
            raise ValueError(f"it has {length} characters, {longest} are allowed")
        return parse(text) if text else msgspec.convert(folded, hint)

    def read(parameters: Mapping[str, str]) -> Any:
        return _checked(name, hint, collect, parameters)

    return read


def _read_repeated(name: str, hint: Any, most: int) -> Callable[[Mapping[str, str]], Any]:
    """Read `Name.1`, `Name.2.Key` ...; the numbers give the order, gaps are allowed, JSON under `Name` works too."""
    form = _list_form(name)
    parse = _json_parser(hint)

    def collect(parameters: Mapping[str, str]) -> Any:
        if parameters.get(name):
            return parse(parameters[name])
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
        items = _checked(name, hint, collect, parameters)
        if len(items) > most:
            raise errors.INVALID_PARAMETER(f"{name} has {len(items)} entries, {most} are allowed.", name=name)
        return items

    return read
