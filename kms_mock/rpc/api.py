"""How an operation is declared, and the API of a product as a value.

The keyword-only signature of a handler is its parameter list; `Annotated` types carry the constraints; the returned
TypedDict, in wire spelling, is the response. Everything that needs to know operations is derived from an `Api`, which
is made from a list of modules' names and handed to the gateway.
"""

from __future__ import annotations

import inspect
import re
import threading
import typing
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from kms_mock.regex import regex
from kms_mock.rpc import errors
from kms_mock.rpc.authentication import ClientKeys
from kms_mock.rpc.binding import DryRun, Parameter, declare
from kms_mock.rpc.context import Context
from kms_mock.rpc.decode import SYSTEM_PARAMETERS
from kms_mock.rpc.errors import COMMON_ERRORS, GATEWAY_ERRORS, ApiError, ErrorSpec
from kms_mock.rpc.wire_form import WireForm
from kms_mock.store.partition import Partition
from kms_mock.store.resource import Resource
from kms_mock.store.store import Store

Handler = Callable[..., Mapping[str, Any]]
Preparation = Callable[..., Callable[[], Any] | None]


class Operation(Struct, frozen=True, eq=False):
    """One operation: its name on the wire, its parameters in declared order, the rows of its own error table.

    `prepare` names work that takes long (key generation): called with the context and the bound parameters it returns
    a function without arguments, which runs off the event loop before the handler; the handler finds its result in
    `ctx.prepared`. `inferred` are the rules that no document states, each as a sentence.
    """

    name: str
    handler: Handler
    parameters: tuple[Parameter, ...]
    response: type
    errors: tuple[ErrorSpec, ...]
    inferred: tuple[str, ...] = ()
    prepare: Preparation | None = None
    dry_run: bool = False
    needs_service: bool = True
    needs_permission: bool = True
    anonymous: bool = False
    container: str | None = None
    actions: tuple[str, ...] = ()
    required: tuple[Parameter, ...] = ()
    by_name: dict[str, Parameter] = {}  # the parameters, in declared order
    naming: tuple[Parameter, ...] = ()  # those that name the resource of a request
    rows_by_code: dict[str, ErrorSpec] = {}
    accepted: frozenset[str] = frozenset()  # its own names, and those that travel with every request
    xml_root: str = ""
    ram_action: str = ""  # its name in RAM policies and in the policies of resources
    api: Api = typing.cast("Api", None)  # set by the API that it belongs to

    @property
    def ram_actions(self) -> tuple[str, ...]:
        """Every action that a caller of this operation needs: its own name, unless it was declared with others."""
        return self.actions or (self.ram_action,)

    def bind(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """Turn wire strings into the handler's arguments: all missing ones first, then constraints in declared order."""
        for parameter in self.required:
            if not parameters.get(parameter.name) and parameter.absent(parameters):
                raise errors.MISSING_PARAMETER(f"{self.name} needs {parameter.name}.", name=parameter.name)
        arguments: dict[str, Any] = {}
        names: Iterable[str] = self.by_name
        if "." not in "".join(parameters):  # else some may be flattened
            names = filter(parameters.__contains__, names)  # most optional ones are not there
        for name in names:
            parameter = self.by_name[name]
            if parameters.get(name) or not parameter.absent(parameters):
                arguments[parameter.argument] = parameter.read(parameters)
        return arguments

    def unknown(self, names: Iterable[str]) -> list[str]:
        """Return the names that no parameter of this operation has, not even flattened as `Tag.1.Key`."""
        roots = tuple(parameter.name + "." for parameter in self.parameters if parameter.flattened)
        return sorted(name for name in names if name not in self.by_name and not name.startswith(roots))

    def resources_named(self, parameters: Mapping[str, str]) -> list[str]:
        """Return the resources that a request names, as it spells them: ids, names, aliases, ARNs."""
        return [value for parameter in self.naming for value in parameter.values(parameters)]

    def is_dry_run(self, parameters: Mapping[str, str]) -> bool:
        """Return whether a request asks to be checked only, with a DryRun that is valid."""
        if not self.dry_run:
            return False
        flag = self.by_name["DryRun"]
        try:
            return not flag.absent(parameters) and bool(flag.read(parameters))
        except ApiError:
            return False

    def reworded(self, error: ApiError) -> ApiError:
        """Return a refusal in the words of this operation's own table, where the same code has another text there.

        A table that has a code for the very parameter (`InvalidParameter.RoleArn`) comes first. A missing permission on
        a resource names its ARN whatever the table says, unless status or an exact text differ.
        """
        spec, rows = error.spec, self.rows_by_code
        row = rows.get(f"{spec.code}.{error.names.get('name', '')}") or rows.get(spec.code)
        if row is None or spec in self.errors:
            return error
        if spec is errors.NO_PERMISSION_ON and row.status == spec.status and not row.exact:
            return error
        return ApiError(row, error.reason, error.names)


def operation(
    name: str,
    *,
    errors: tuple[ErrorSpec, ...] = (),
    inferred: tuple[str, ...] = (),
    prepare: Preparation | None = None,
    dry_run: bool = False,
    needs_service: bool = True,
    needs_permission: bool = True,
    anonymous: bool = False,
    container: str | None = None,
    actions: tuple[str, ...] = (),
) -> Callable[[Handler], Operation]:
    """Declare a handler as the operation `name`.

    `errors` are the rows of its documented table, the text to prefer first where a code has two. `inferred` are the
    rules that no document states. `dry_run` adds the parameter DryRun and what follows from it. `needs_service=False`
    is for what works while the account has not opened the product, `needs_permission=False` for what RAM never refuses,
    `anonymous` for what takes neither AccessKey nor signature.
    `container` is for an operation that names no resource: the resource on which it needs its permission, such as `key`
    (KMS, "Use RAM to control access to KMS resources"), or `*` where there is none. `actions` are the RAM actions that
    it needs instead of the one with its own name.
    """

    def declared(handler: Handler) -> Operation:
        hints = typing.get_type_hints(handler, include_extras=True)
        parameters = [
            declare(argument, hints[argument.name])
            for argument in inspect.signature(handler).parameters.values()
            if argument.kind is inspect.Parameter.KEYWORD_ONLY
        ]
        if dry_run:
            flag = inspect.Parameter("dry_run", inspect.Parameter.KEYWORD_ONLY, default=False)
            parameters.append(declare(flag, DryRun))
        rows: dict[str, ErrorSpec] = {}
        for row in errors:
            rows.setdefault(row.code, row)
        by_name = {parameter.name: parameter for parameter in parameters}
        return Operation(
            name=name,
            handler=handler,
            parameters=tuple(parameters),
            response=hints["return"],
            errors=errors,
            inferred=inferred,
            prepare=prepare,
            dry_run=dry_run,
            needs_service=needs_service,
            needs_permission=needs_permission,
            anonymous=anonymous,
            container=container,
            actions=actions,
            required=tuple(parameter for parameter in parameters if parameter.required),
            by_name=by_name,
            naming=tuple(parameter for parameter in parameters if parameter.names_resource),
            rows_by_code=rows,
            accepted=SYSTEM_PARAMETERS.union(by_name),
        )

    return declared


class Api:
    """The API of a product in one version: its operations and its kinds of resources.

    `modules` are the names of the modules of operations, those of what is used most first: they are imported one after
    the other until an operation that is asked for is found. `service` is the product's name in ARNs and RAM actions. `host` finds the region in the product's public host
    names, `other_hosts` matches those that name none; `hosts` are both patterns. `xml_root` is the root element of its
    XML answers, with the operation's name for `{operation}`. `context` is what its handlers receive. `errors` is its
    catalogue, `common_errors` are rows that any operation may answer besides its own. `check_account` refuses callers
    whose account may not use the product: it is asked again when a record of an account changes. `admit` refuses
    requests of which there are too many, and returns whether an account's are counted: where they are not, it is asked
    again when a record of the account changes. `inferred` are rules for all operations that no document states, each as
    a sentence. `client_keys` are the key pairs that the product issues for signing requests. `has_policies` returns
    whether a resource in a partition has a policy of its own. `names_of` returns the other names of the resource that a
    request from a partition names. `wire_form` is how its requests travel if not in the RPC style. What the gateway
    itself answers is in every catalogue.
    """

    def __init__(
        self,
        product: str,
        version: str,
        *,
        modules: Iterable[str] = (),
        resources: Iterable[Resource[Any]] = (),
        service: str | None = None,
        host: str | None = None,
        other_hosts: str = "",
        xml_root: str | None = None,
        context: type[Context] = Context,
        errors: Mapping[str, ErrorSpec] | None = None,
        common_errors: Iterable[ErrorSpec] = (),
        check_account: Callable[[Store, str], None] | None = None,
        admit: Callable[[Context], bool] | None = None,
        inferred: Iterable[str] = (),
        client_keys: ClientKeys | None = None,
        has_policies: Callable[[Partition], bool] = lambda _: False,
        names_of: Callable[[Partition, str], Iterable[str]] = lambda _partition, _name: (),
        wire_form: WireForm | None = None,
    ) -> None:
        self.product = product
        self.version = version
        self.resources = tuple(resources)
        self.service = service or product.lower()
        self.host = regex(host or rf"{re.escape(self.service)}(?:-vpc|-intl)?\.([a-z0-9-]+)\.aliyuncs\.com")
        self.hosts = (self.host, regex(other_hosts)) if other_hosts else (self.host,)
        self.xml_root = xml_root or product.upper()
        self.context = context
        self.wire_form = wire_form
        self.common_errors = (*(COMMON_ERRORS if wire_form is None else wire_form.common_errors), *common_errors)
        self._errors: dict[str, ErrorSpec] = {**GATEWAY_ERRORS, **_ERRORS_OF_EVERY_PRODUCT, **(errors or {})}
        self.check_account = check_account
        self.admit = admit
        self.inferred = tuple(inferred)
        self.client_keys = client_keys
        self.has_policies = has_policies
        self.names_of = names_of
        self._operations: dict[str, Operation] = {}
        self._modules = deque(modules)  # those whose operations were not added yet
        self._importing = threading.RLock()

    @property
    def operations(self) -> Mapping[str, Operation]:
        """All operations by name."""
        if self._modules:
            self._import_modules()
        return self._operations

    @property
    def errors(self) -> Mapping[str, ErrorSpec]:
        """The catalogue: what the product, its operations and every product may answer, by code."""
        self._import_modules()
        return self._errors

    def find(self, name: str) -> Operation | None:
        """Return the operation of this name, or None."""
        found = self._operations.get(name)
        if found is None and self._modules:
            self._import_modules(until=name)
            found = self._operations.get(name)
        return found

    def _import_modules(self, until: str | None = None) -> None:
        """Add the operations of the modules that were not imported yet: of all, or until one of this name is there."""
        with self._importing:
            while self._modules and until not in self._operations:
                module = import_module(self._modules[0])
                for found in [found for found in vars(module).values() if isinstance(found, Operation)]:
                    self._add(found)
                self._modules.popleft()

    def has_host(self, name: str) -> bool:
        """Return whether a host name, in lower case, is one of the product's public ones."""
        return any(pattern.fullmatch(name) for pattern in self.hosts)

    def add(self, declared: Operation) -> Operation:
        """Add an operation; also after the gateway was made. Raises ValueError when its name is taken."""
        self._import_modules()
        return self._add(declared)

    def _add(self, declared: Operation) -> Operation:
        if declared.name in self._operations:
            raise ValueError(f"{declared.name} is declared twice")
        found = self._operations[declared.name] = replace(
            declared,
            api=self,
            xml_root=self.xml_root.replace("{operation}", declared.name),
            ram_action=f"{self.service}:{declared.name}",
        )
        for row in declared.errors:
            self._errors.setdefault(row.code, row)
        return found


def find_operation(apis: Iterable[Api], name: str) -> Operation | None:
    """Return the operation of this name in the first API that has it, or None."""
    return next((found for api in apis if (found := api.find(name)) is not None), None)


def catalogue(module: ModuleType) -> dict[str, ErrorSpec]:
    """Return the rows of a module of errors by code; of a code with several texts the first."""
    rows: dict[str, ErrorSpec] = {}
    for value in vars(module).values():
        if isinstance(value, ErrorSpec):
            rows.setdefault(value.code, value)
    return rows


_ERRORS_OF_EVERY_PRODUCT = catalogue(errors)
