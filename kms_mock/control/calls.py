"""One call in the journal: what was asked for, what was answered, what it changed; secrets masked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from sys import getsizeof
from typing import Any, TypedDict

from msgspec import Struct
from msgspec.structs import astuple

from kms_mock.logs import printable
from kms_mock.rpc.api import Operation
from kms_mock.rpc.binding import Parameter
from kms_mock.rpc.decode import EXTRA_PARAMETERS, SYSTEM_PARAMETERS, is_name, parameters_of
from kms_mock.rpc.encode import decode_document
from kms_mock.rpc.errors import INVALID_PARAMETER, ApiError
from kms_mock.rpc.wire_form import WireForm
from kms_mock.store.changes import Change, describe
from kms_mock.store.times import iso

MASK = "***"
# RegionId is among them, though TagResources and its like declare it: V1 clients send it with everything.
_SYSTEM = SYSTEM_PARAMETERS | EXTRA_PARAMETERS
_MAX_SHOWN = 300  # characters of an action or a reason in a line of text
_LEAVES = frozenset({bool, bytes, float, int, str, type(None)})  # what most fields of records hold
_LISTS = frozenset({list, tuple, set, frozenset})


class CallDocument(TypedDict):
    """One call as the control API has it; parameters as they were sent, without the system parameters.

    `resource` is the first one that the request names, "" for none; `region` is the one that the request was for.
    """

    number: int
    at: str
    action: str
    parameters: dict[str, str]
    resource: str
    access_key_id: str
    status: int
    code: str
    reason: str
    request_id: str
    milliseconds: float
    changes: list[str]
    fault: str
    region: str


class Call(Struct, frozen=True, gc=False):
    """One answered request. `at` is the mock's time in seconds since 1970 UTC; calls are counted by `number`.

    `status`, `code`, `reason`, `request_id` and `body` are those of the answer, before a fault spoiled its delivery;
    `code` is "" for a success, and `reason` says to a person why a request was refused. `parameters` masks secret values,
    plaintexts and what was refused, since nobody knows what that is; `unmasked_parameters` returns them as they were
    sent. `query` and `form` are what went over the wire, read when somebody asks. `region` is the one that the request
    was for, "" where it could not be read.
    """

    number: int
    at: float
    action: str
    access_key_id: str
    region: str
    milliseconds: float
    query: bytes
    form: bytes
    status: int
    code: str
    reason: str
    request_id: str
    body: bytes
    fault: str
    operation: Operation | None
    effects: tuple[Change, ...]

    @property
    def sent(self) -> dict[str, str]:
        """Everything that was sent, the system parameters included."""
        if self._wire_form is None:
            return parameters_of(self._query_text, self.form.decode())
        assert self.operation is not None  # noqa: S101 (else it has no wire form)
        return {**self._wire_form.read_parameters(self.operation, self.form), **parameters_of(self._query_text, "")}

    @property
    def answered(self) -> Mapping[str, Any]:
        """The answer's document, secrets included, as it was before a fault spoiled its delivery."""
        if self._wire_form is None:
            return decode_document(self.body)
        assert self.operation is not None  # noqa: S101 (as above)
        return {} if self.code else self._wire_form.read_answer(self.operation, self.body)

    @property
    def _query_text(self) -> str:
        return self.query.decode("utf-8", "surrogatepass")  # bytes that came unescaped and are not UTF-8 are surrogates

    @property
    def _wire_form(self) -> WireForm | None:
        """How it travelled, if not in the RPC style."""
        return None if self.operation is None else self.operation.api.wire_form

    @property
    def parameters(self) -> dict[str, str]:
        """What was sent, without the system parameters, secrets masked."""
        # Of an operation that does not exist nothing is known, so everything might be a secret.
        declared = () if self.operation is None else self.operation.parameters
        sent = self.sent
        is_refused = self.code.startswith(INVALID_PARAMETER.code)
        open_names = {parameter.name for parameter in declared if _is_open(parameter, sent, is_refused=is_refused)}
        secret_names = {parameter.name: parameter.sensitive for parameter in declared}
        return {
            _shown_name(name, value, secret_names): value
            if name in open_names or name.partition(".")[0] in open_names
            else MASK
            for name, value in sent.items()
            if name not in _SYSTEM
        }

    @property
    def unmasked_parameters(self) -> dict[str, str]:
        """What was sent, without the system parameters, secrets included."""
        return {name: value for name, value in self.sent.items() if name not in _SYSTEM}

    @property
    def resource(self) -> str:
        """The first resource that was named, "" for none."""
        return "" if self.operation is None else next(iter(self.operation.resources_named(self.sent)), "")

    @property
    def changes(self) -> list[str]:
        """What the request changed, in words."""
        return describe(self.effects)

    def __repr__(self) -> str:
        return f"<Call {self}>"

    def __str__(self) -> str:
        given = ", ".join(f"{name}={value!r:.60}" for name, value in self.parameters.items())
        reason = f": {printable(self.reason, _MAX_SHOWN)}" if self.reason else ""
        action = printable(self.action, _MAX_SHOWN)
        return f"#{self.number} {action}({given}) -> {self.status} {self.code or 'ok'}{reason}"

    def document(self, *, unmasked: bool = False) -> CallDocument:
        """Return the call for the control API, secrets masked unless they are asked for."""
        return {
            "number": self.number,
            "at": iso(self.at),
            "action": self.action,
            "parameters": self.unmasked_parameters if unmasked else self.parameters,
            "resource": self.resource,
            "access_key_id": self.access_key_id,
            "status": self.status,
            "code": self.code,
            "reason": self.reason,
            "request_id": self.request_id,
            "milliseconds": round(self.milliseconds, 3),
            "changes": self.changes,
            "fault": self.fault,
            "region": self.region,
        }


# What a call has, in its order, but for its operation and its effects.
Facts = tuple[int, float, str, str, str, float, bytes, bytes, int, str, str, str, bytes, str]


def effects_size(effects: tuple[Change, ...]) -> int:
    """Return how many bytes of memory the records take, about, of which a call's effects alone remember how they were."""
    return sum([_size_of_former(change.before, change.after) for change in effects if change.before is not None])


def _is_open(parameter: Parameter, sent: Mapping[str, str], *, is_refused: bool) -> bool:
    """Return whether a parameter's value may be shown: it is no secret, and fits, or else is a resource's name.

    Of a call in which a value was refused, free text may be that value.
    """
    if parameter.sensitive or parameter.names_resource or parameter.absent(sent):
        return not parameter.sensitive
    if is_refused and not parameter.is_closed:
        return False
    try:
        parameter.read(sent)
    except ApiError:
        return False
    return True


def _shown_name(name: str, value: str, declared: Mapping[str, bool]) -> str:
    """Return a parameter's name as it may be shown; `declared` says which are secret. The body of a form can be anything."""
    first, dot, _ = name.partition(".")
    if name in declared or declared.get(first) is False:
        return name
    if first in declared:
        return f"{first}{dot}{MASK}"
    return name if is_name(name, value) else MASK


def _size_of_former(before: Any, after: Any) -> int:
    """Return the size in bytes of what a record no longer has: the journal alone keeps it."""
    kind, size = type(before), 0
    if kind is dict and type(after) is dict:
        for name, value in before.items():
            other = after.get(name)
            if value is not other:
                size += getsizeof(value) if type(value) in _LEAVES else _size_of_former(value, other)
        return size
    # Asking whether it is a subclass of Struct takes several times as long.
    if kind is type(after) and hasattr(kind, "__struct_fields__"):
        for value, other in zip(astuple(before), astuple(after), strict=True):
            if value is not other:
                size += getsizeof(value) if type(value) in _LEAVES else _size_of_former(value, other)
        return size
    return _size(before)


def _size(value: Any) -> int:
    kind, size = type(value), getsizeof(value)
    if kind in _LEAVES:
        return size
    parts: Iterable[Any] = ()
    if hasattr(kind, "__struct_fields__"):
        parts = astuple(value)
    elif kind is dict:
        parts = value.values()
    elif kind in _LISTS:
        parts = value
    for part in parts:
        size += getsizeof(part) if type(part) in _LEAVES else _size(part)
    return size
