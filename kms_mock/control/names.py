"""Names of operations and parameters as test authors write them: as on the wire, or as the official SDK spells them.

`CreateSecret` and `create_secret`, `SecretName` and `secret_name` are the same. A name that nothing has is a mistake of
the test, which would otherwise pass for the wrong reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from kms_mock.rpc.api import Api, Operation
from kms_mock.rpc.binding import Parameter
from kms_mock.rpc.decode import EXTRA_PARAMETERS, SYSTEM_PARAMETERS
from kms_mock.suggestions import did_you_mean


def operations_named(apis: Iterable[Api], name: str) -> list[Operation]:
    """Return the operations of this name, in one API or several. Raises ValueError with the nearest one."""
    apis = tuple(apis)
    for spelled in (name, pascal_case(name)):
        if found := [api.operations[spelled] for api in apis if spelled in api.operations]:
            return found
    raise ValueError(f"there is no operation {name!r}{did_you_mean(name, _operations(apis))}")


def operation_pattern(apis: Iterable[Api], pattern: str) -> str:
    """Return a pattern of operations, such as `get_*`, in the spelling of the wire. Raises ValueError if none matches."""
    apis = tuple(apis)
    for spelled in (pattern, pascal_case(pattern)):
        if any(fnmatchcase(name, spelled) for name in _operations(apis)):
            return spelled
    raise ValueError(f"no operation matches {pattern!r}{did_you_mean(pattern, _operations(apis))}")


def parameter_named(operations: Iterable[Operation], name: str) -> str:
    """Return the wire's spelling of a parameter that one of these operations has. Raises ValueError.

    What travels with every request counts, and of a flattened list each entry, such as `Tag.1.Key`.
    """
    operations = tuple(operations)
    root, dot, rest = name.partition(".")
    known = dict.fromkeys(found for operation in operations for found in operation.by_name)
    for wire in (*known, *SYSTEM_PARAMETERS, *EXTRA_PARAMETERS):
        if name == wire or _is_snake_case(name, wire):
            return wire
        if dot and (root == wire or _is_snake_case(root, wire)) and _is_flattened(operations, wire):
            return f"{wire}.{rest}"
    names = {operation.name for operation in operations}
    problem = f"{names.pop()} has no parameter" if len(names) == 1 else "no operation has a parameter"
    raise ValueError(f"{problem} {name!r}{did_you_mean(name, known)}")


def declared_parameter(operation: Operation | None, wire: str) -> Parameter | None:
    """Return the declaration of a parameter, or None for one that the operation does not have."""
    return None if operation is None else operation.by_name.get(wire)


def pascal_case(name: str) -> str:
    """Return `get_secret_value` as `GetSecretValue`; what is not in snake case stays as it is."""
    return "".join(word.capitalize() for word in name.split("_")) if name == name.lower() else name


def _is_snake_case(name: str, wire: str) -> bool:
    return name == name.lower() and name.replace("_", "") == wire.replace(".", "").lower()


def _is_flattened(operations: Iterable[Operation], wire: str) -> bool:
    found = [declared_parameter(operation, wire) for operation in operations]
    return any(parameter is not None and parameter.flattened for parameter in found)


def _operations(apis: Iterable[Api]) -> Iterator[str]:
    return (name for api in apis for name in api.operations)
