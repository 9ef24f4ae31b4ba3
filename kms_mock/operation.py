"""How an operation is declared, and the registry of all of them.

The keyword-only signature of a handler is its parameter list; `Annotated` types carry the constraints; the returned
TypedDict, in wire spelling, is the response. Everything that needs to know operations is derived from `REGISTRY`.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct

from kms_mock import errors
from kms_mock.binding import Parameter, declare
from kms_mock.errors import ApiError, ErrorSpec
from kms_mock.parameters import DryRun

Handler = Callable[..., Mapping[str, Any]]
Preparation = Callable[..., Callable[[], Any] | None]


class Operation(Struct, frozen=True):
    """One operation of the API: its name on the wire, its parameters in declared order, its own error table.

    `prepare` names work that takes long (key generation): called with the context and the bound parameters it returns
    a function without arguments, which runs off the event loop before the handler; the handler finds its result in
    `ctx.prepared`.
    """

    name: str
    handler: Handler
    parameters: tuple[Parameter, ...]
    response: type
    errors: tuple[ErrorSpec, ...]
    prepare: Preparation | None = None
    dry_run: bool = False
    needs_service: bool = True
    actions: tuple[str, ...] = ()
    required: tuple[Parameter, ...] = ()
    own_rows: dict[str, ErrorSpec] = {}
    names: frozenset[str] = frozenset()
    ram_action: str = ""  # its name in RAM and resource policies

    @property
    def ram_actions(self) -> tuple[str, ...]:
        """Every action that a caller of this operation needs: its own name, unless it was declared with others."""
        return self.actions or (self.ram_action,)

    def bind(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """Turn wire strings into the handler's arguments: all missing ones first, then constraints in declared order."""
        for parameter in self.required:
            if parameter.absent(parameters):
                raise errors.MISSING_PARAMETER(f"{self.name} needs {parameter.name}.", name=parameter.name)
        arguments: dict[str, Any] = {}
        dotted = "." in "".join(parameters)  # else nothing can be flattened
        for parameter in self.parameters:
            # Most optional parameters are not there, and most that are have their plain name.
            if (parameter.name in parameters or (dotted and parameter.flattened)) and not parameter.absent(parameters):
                arguments[parameter.argument] = parameter.read(parameters)
        return arguments

    def unknown(self, names: Iterable[str]) -> list[str]:
        """Give the names that no parameter of this operation has, not even flattened as `Tag.1.Key`."""
        roots = tuple(parameter.name + "." for parameter in self.parameters if parameter.flattened)
        return sorted(name for name in names if name not in self.names and not name.startswith(roots))

    def own(self, error: ApiError) -> ApiError:
        """Give a refusal in the words of this operation's own table, where the same code has another text there."""
        row = self.own_rows.get(error.spec.code)
        if row is None or error.spec in self.errors:
            return error
        return ApiError(row, error.reason, error.names)


REGISTRY: dict[str, Operation] = {}


def operation(
    name: str,
    *,
    errors: tuple[ErrorSpec, ...] = (),
    prepare: Preparation | None = None,
    dry_run: bool = False,
    needs_service: bool = True,
    actions: tuple[str, ...] = (),
) -> Callable[[Handler], Handler]:
    """Declare a handler as the operation `name`.

    `errors` are the rows of its documented table, the text to prefer first where a code has two. `dry_run` adds the
    parameter DryRun and what follows from it. `needs_service=False` is for what works while KMS is not open. `actions`
    are the RAM actions that it needs instead of one with its own name.
    """

    def register(handler: Handler) -> Handler:
        if name in REGISTRY:
            raise ValueError(f"{name} is declared twice")
        hints = typing.get_type_hints(handler, include_extras=True)
        signature = inspect.signature(handler)
        parameters = [
            declare(argument, hints[argument.name])
            for argument in signature.parameters.values()
            if argument.kind is inspect.Parameter.KEYWORD_ONLY
        ]
        if dry_run:
            flag = inspect.Parameter("dry_run", inspect.Parameter.KEYWORD_ONLY, default=False)
            parameters.append(declare(flag, DryRun))
        own_rows: dict[str, ErrorSpec] = {}
        for row in errors:
            own_rows.setdefault(row.code, row)
        REGISTRY[name] = Operation(
            name=name,
            handler=handler,
            parameters=tuple(parameters),
            response=hints["return"],
            errors=errors,
            prepare=prepare,
            dry_run=dry_run,
            needs_service=needs_service,
            actions=actions,
            required=tuple(parameter for parameter in parameters if parameter.required),
            own_rows=own_rows,
            names=frozenset(parameter.name for parameter in parameters),
            ram_action=f"kms:{name}",
        )
        return handler

    return register
