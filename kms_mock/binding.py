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
from typing import Annotated, Any, get_args, get_origin

import msgspec
from msgspec import Struct

from kms_mock import errors
from kms_mock.errors import ApiError

# -- markers ----------------------------------------------------------------------------------------------------------


class Wire(Struct, frozen=True):
    """The spelling on the wire, where it is not the argument's name in PascalCase."""

    name: str


class Parsed(Struct, frozen=True):
    """Read the wire's string with this function, which raises ValueError with a plain reason."""

    parse: Callable[[str], Any]


class Json(Struct, frozen=True):
    """The wire's string is a JSON document of the annotated type."""


class Repeated(Struct, frozen=True):
    """A list flattened into `Name.1`, `Name.2`, or `Name.1.Key`, `Name.1.Value` (clients.md 2.10)."""

    most: int


class Foldable(Struct, frozen=True):
    """A JSON object that some clients send flattened as `Name.key=value` (clients.md 2.11).

    `longest` is how many characters the whole string may have, or all keys and values together when flattened.
    """

    longest: int | None = None


class Blank(Struct, frozen=True):
    """An empty string is a value here; elsewhere it counts as not provided (`# inferred`)."""


class Sensitive(Struct, frozen=True):
    """The value is secret: never logged, masked in the journal."""


# -- binding ----------------------------------------------------------------------------------------------------------


class Parameter(Struct, frozen=True):
    """One declared parameter: its wire name, the handler's argument, and how its value is read."""

    name: str
    argument: str
    type: Any
    required: bool
    default: Any
    sensitive: bool
    blank: bool
    flattened: re.Pattern[str] | None
    read: Callable[[Mapping[str, str]], Any]

    def absent(self, parameters: Mapping[str, str]) -> bool:
        """Say whether the request does not provide this parameter."""
        value = parameters.get(self.name)
        if value is None:
            form = self.flattened
            return form is None or not any(form.fullmatch(key) for key in parameters)
        return value == "" and not self.blank


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
        blank=any(isinstance(mark, Blank) for mark in markers),
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
    """Give the form of the names that a flattened list or object is spread over, None for any other parameter."""
    for mark in markers:
        if isinstance(mark, Repeated):
            return _list_form(name)
        if isinstance(mark, Foldable):
            return re.compile(rf"{re.escape(name)}\.(.+)", re.DOTALL)
    return None


def _reader(name: str, hint: Any, markers: list[Any]) -> Callable[[Mapping[str, str]], Any]:
    for mark in markers:
        if isinstance(mark, Repeated):
            return _read_repeated(name, hint, mark.most)
        if isinstance(mark, Foldable):
            return _read_foldable(name, hint, mark.longest)
    parse = next((mark.parse for mark in markers if isinstance(mark, Parsed)), None)
    if any(isinstance(mark, Json) for mark in markers):
        parse = _json_parser(hint)
    if parse is not None:
        return _read_parsed(name, parse)
    constrained = any(isinstance(mark, msgspec.Meta) for mark in markers)
    return _read_text(name, hint) if constrained or _plain(hint) is not str else itemgetter(name)


def _plain(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _read_parsed(name: str, parse: Callable[[str], Any]) -> Callable[[Mapping[str, str]], Any]:
    def read(parameters: Mapping[str, str]) -> Any:
        return _checked(name, parse, parameters[name])

    return read


def _read_text(name: str, hint: Any) -> Callable[[Mapping[str, str]], Any]:
    """Read a plain value. Its type stands in a struct: a bare one is analysed anew at each conversion."""
    holder: Any = None

    def read(parameters: Mapping[str, str]) -> Any:
        nonlocal holder
        holder = holder or msgspec.defstruct("Value", [("value", hint)])  # most parameters are never sent
        try:
            return msgspec.convert({"value": parameters[name]}, holder, strict=False).value
        except msgspec.ValidationError as error:
            raise _invalid(name, error) from error

    return read


def _checked(name: str, parse: Callable[[Any], Any], value: Any) -> Any:
    try:
        return parse(value)
    except RecursionError as error:
        raise errors.INVALID_PARAMETER(f"{name}: the JSON is nested too deeply", name=name) from error
    except ValueError as error:  # msgspec.ValidationError is one
        raise _invalid(name, error) from error


def _invalid(name: str, error: Exception) -> ApiError:
    """Make the refusal of a value. msgspec quotes an invalid enum value; a parameter's value is never repeated."""
    reason = str(error).partition(" '")[0].removesuffix(" - at `$.value`")
    return errors.INVALID_PARAMETER(f"{name}: {reason}", name=name)


def _json_parser(hint: Any) -> Callable[[str], Any]:
    return msgspec.json.Decoder(hint).decode


def _read_foldable(name: str, hint: Any, longest: int | None) -> Callable[[Mapping[str, str]], Any]:
    parse = _json_parser(hint)

    def collect(parameters: Mapping[str, str]) -> Any:
        text = parameters.get(name)
        folded = {key[len(name) + 1 :]: value for key, value in parameters.items() if key.startswith(name + ".")}
        length = len(text) if text else sum(len(key) + len(value) for key, value in folded.items())
        if longest is not None and length > longest:
            raise ValueError(f"it has {length} characters, {longest} are allowed")
        return parse(text) if text else msgspec.convert(folded, hint)

    def read(parameters: Mapping[str, str]) -> Any:
        return _checked(name, collect, parameters)

    return read


def _read_repeated(name: str, hint: Any, most: int) -> Callable[[Mapping[str, str]], Any]:
    """Read `Name.1`, `Name.2.Key` ...; the numbers give the order, gaps are allowed, JSON under `Name` works too."""
    form = _list_form(name)
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
