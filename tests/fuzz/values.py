"""Values of parameters, made from their declared types: good ones, boundaries, wrong and hostile ones."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterable
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from kms_mock.rpc.api import Operation
from kms_mock.rpc.binding import Flattenable, Json, Parameter, Repeated
from tests.fuzz.damage import damaged, hostile_text, odd_value, written
from tests.fuzz.tokens import TOKENS

PLANTED = "Planted-S3cret-v4lu"
"""Stands in the values of secret parameters; 19 characters, so that no other value has it by chance."""

PLANTED_BYTES = (PLANTED + "--").encode()  # 21 bytes: its Base64 is the same wherever it stands at a multiple of 3
PLANTED_BASE64 = base64.b64encode(PLANTED_BYTES).decode()

Pairs = list[tuple[str, str]]
_WORDS = ("a", "db", "app/x", "v1", "v2", "ACSCurrent", "ACSPrevious", "KeyState", "SecretName", "Enabled", "team", "*")
_MOST_VALUES = 48


class Pool:
    """Values that were seen under a name: of a parameter, or of a field of an answer. The latest of each name stay."""

    def __init__(self) -> None:
        self._values: dict[str, list[str]] = {}
        self.ids: dict[str, list[str]] = {}
        """The ids and ARNs of the records in the store, by kind of resource."""

    def add(self, name: str, value: str) -> None:
        """Remember a value."""
        values = self._values.setdefault(name, [])
        if value in values:
            return
        if len(values) >= _MOST_VALUES:
            del values[0]
        values.append(value)

    def pick(self, chance: random.Random, name: str) -> str | None:
        """Return a value that was seen under a name, or None."""
        values = self._values.get(name)
        return chance.choice(values) if values else None

    def harvest(self, tree: Any) -> None:
        """Remember the values in an answer."""
        if isinstance(tree, dict):
            for name, value in tree.items():
                if isinstance(value, str) and value and len(value) < 4096:
                    self.add(name, value)
                else:
                    self.harvest(value)
        elif isinstance(tree, list):
            for item in tree[:8]:
                self.harvest(item)

    def resource(self, chance: random.Random, hint: str) -> str | None:
        """Return the id of a record, mostly of a kind that `hint` (names of operation and parameter) speaks of."""
        kinds = [kind for kind in self.ids if self.ids[kind]]
        if not kinds:
            return None
        hint = hint.lower()
        fitting = [kind for kind in kinds if kind.replace(" ", "") in hint]
        kind = chance.choice(fitting if fitting and chance.random() < 0.8 else kinds)
        return chance.choice(self.ids[kind])


def _parts(hint: Any) -> tuple[Any, list[Any]]:
    """Return a type without its annotations, and these."""
    if get_origin(hint) is Annotated:
        inner, marks = _parts(get_args(hint)[0])
        return inner, [*marks, *hint.__metadata__]
    return hint, []


def _metas(marks: Iterable[Any]) -> list[msgspec.Meta]:
    return [mark for mark in marks if isinstance(mark, msgspec.Meta)]


@cache
def _fields(struct: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(struct)  # takes long


class Values:
    """Makes values for the parameters of operations."""

    def __init__(self, chance: random.Random, pool: Pool) -> None:
        self.chance = chance
        self.pool = pool

    def pairs(self, operation: Operation, parameter: Parameter) -> Pairs:
        """Return what a request sends for one parameter: mostly one pair, several when it is flattened."""
        chance = self.chance
        draw = chance.random()
        if (parameter.sensitive and draw < 0.3) or (parameter.name in TOKENS and draw < 0.8):
            make_token = TOKENS.get(parameter.name)
            return [(parameter.name, self.planted(parameter) if make_token is None else make_token(chance))]
        if draw < 0.72:
            text = self._good(operation, parameter)
            if text is not None:
                return [(parameter.name, text)]
            return self._typed(parameter)
        if draw < 0.82:
            return [(parameter.name, self.boundary(parameter.type))]
        if draw < 0.9:
            return self._typed(parameter, damage=True)
        good = self._good(operation, parameter) or ""
        return [(parameter.name, hostile_text(chance, good))]

    def planted(self, parameter: Parameter) -> str:
        """Return a value of a secret parameter that can be found again in logs."""
        base, _ = _parts(parameter.type)
        number = self.chance.randrange(10)
        if base is bytes:
            return base64.b64encode(PLANTED_BYTES * (number + 1)).decode()
        return self.chance.choice((PLANTED, f"{PLANTED}\x00", f"[{PLANTED}", f'{{"a":"{PLANTED}"}}', PLANTED * 8))

    def _good(self, operation: Operation, parameter: Parameter) -> str | None:
        chance = self.chance
        if parameter.names_resource and chance.random() < 0.7:
            found = self.pool.resource(chance, operation.name + parameter.name)
            if found is not None:
                return found
        return self.pool.pick(chance, parameter.name) if chance.random() < 0.75 else None

    def _typed(self, parameter: Parameter, *, damage: bool = False) -> Pairs:
        base, marks = _parts(parameter.type)
        value = self.of(parameter.type)
        if damage:
            value = damaged(value, self.chance) if isinstance(value, dict | list) else odd_value(self.chance)
        repeated = any(isinstance(mark, Repeated) for mark in marks)
        flattenable = any(isinstance(mark, Flattenable) for mark in marks)
        if (repeated or (flattenable and self.chance.random() < 0.5)) and isinstance(value, dict | list):
            return self._flattened(parameter.name, value)
        if any(isinstance(mark, Json) for mark in marks) or isinstance(value, dict | list):
            return [(parameter.name, written(value))]
        return [(parameter.name, _text(value, base))]

    def _flattened(self, name: str, value: Any) -> Pairs:
        found: Pairs = []
        entries = (
            value.items() if isinstance(value, dict) else ((number + 1, item) for number, item in enumerate(value))
        )
        for key, item in entries:
            if isinstance(item, dict):
                found += [(f"{name}.{key}.{inner}", _text(each)) for inner, each in item.items()]
            else:
                found.append((f"{name}.{key}", _text(item)))
        return found

    def boundary(self, hint: Any) -> str:
        """Return a value at or just beyond a limit of a type."""
        base, marks = _parts(hint)
        choices: list[str] = []
        for meta in _metas(marks):
            choices += [
                str(number + step) for number in (meta.ge, meta.le) if number is not None for step in (-1, 0, 1)
            ]
            lengths = [length for length in (meta.min_length, meta.max_length) if length is not None]
            choices += ["x" * max(0, length + step) for length in lengths for step in (-1, 0, 1)]
        if not choices:
            choices = ["", "0", "-1", str(2**31), str(2**63), "x" * 64, "x" * 65, "[]", "{}"]
        if base is bytes:
            size = self.chance.choice((0, 1, 15, 16, 17, 31, 32, 33, 190, 191, 256, 1024, 6144, 6145))
            return base64.b64encode(self.chance.randbytes(size)).decode()
        return self.chance.choice(choices)

    def of(self, hint: Any, depth: int = 0) -> Any:
        """Return a value of a type, as JSON has it."""
        chance = self.chance
        base, marks = _parts(hint)
        origin, arguments = get_origin(base), get_args(base)
        if origin in (Union, UnionType):
            return self.of(chance.choice(arguments), depth)
        if origin is Literal:
            return chance.choice(arguments)
        if origin is list:
            most = min([meta.max_length for meta in _metas(marks) if meta.max_length is not None] or [4])
            return [self.of(arguments[0], depth + 1) for _ in range(chance.randrange(min(most, 4) + 1))]
        if origin is dict:
            return {self._word(): self.of(arguments[1], depth + 1) for _ in range(chance.randrange(4))}
        if isinstance(base, type) and issubclass(base, msgspec.Struct):
            fields = _fields(base)
            return {
                field.encode_name: self.pool.pick(chance, field.encode_name) or self.of(field.type, depth + 1)
                for field in fields
                if field.required or chance.random() < 0.5
            }
        return self._scalar(base, _metas(marks))

    def _scalar(self, base: Any, metas: list[msgspec.Meta]) -> Any:
        chance = self.chance
        if base is bool:
            return chance.random() < 0.5
        if base is int:
            least = max([int(meta.ge) for meta in metas if meta.ge is not None] or [0])
            most = min([int(meta.le) for meta in metas if meta.le is not None] or [least + 400])
            return chance.randint(least, max(least, min(most, least + 1000)))
        if base is float:
            return chance.choice((0.0, 0.5, 1.0, 60.0, 1e9))
        if base is bytes:
            return base64.b64encode(chance.randbytes(chance.choice((16, 24, 32, 32, 48, 256)))).decode()
        if base is type(None):
            return None
        return self._word()

    def _word(self) -> str:
        chance = self.chance
        return chance.choice(_WORDS) if chance.random() < 0.7 else f"n{chance.randrange(30)}"


def _text(value: Any, base: Any = str) -> str:
    """Return a value in the spelling of the wire."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and base is int else written(value)
