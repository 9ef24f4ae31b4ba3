"""Faults on demand: which requests they hit, when they strike, and what the client sees.

A fault strikes `before` the operation (nothing happened) or `after` it was committed (it happened, and the client does
not know): the second is what makes retries dangerous, and cannot be had from the real service.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import translate
from typing import Annotated, Any, Literal, TypedDict, get_args

import msgspec
from msgspec import Meta, Struct

from kms_mock.control.names import operation_pattern
from kms_mock.rpc.api import Api, Operation
from kms_mock.rpc.decode import ApiRequest
from kms_mock.rpc.encode import HttpResponse
from kms_mock.rpc.errors import ApiError, ErrorSpec
from kms_mock.suggestions import did_you_mean

Phase = Literal["before", "after"]
Effect = Literal["reset", "truncate", "slow", "malformed"]
Seconds = Annotated[float, Meta(ge=0, le=86400)]
Pattern = Annotated[str, Meta(max_length=1024)]
MAX_FAULTS = 10_000


class FaultSpec(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What to do to which requests: a code, a latency or an effect.

    Without `phase`, a spoiled body is that of an operation that happened, so it comes `after`; everything else comes
    `before`. A request that was refused is not struck after.
    """

    operation: Pattern = "*"
    """Operations it strikes, a pattern with `*`, in the API's spelling or the SDK's."""
    resource: Pattern = "*"
    """Resources it strikes, a pattern with `*`: id, name, alias or ARN of a key, secret, …."""
    caller: Pattern = "*"
    """Callers it strikes, a pattern with `*`: AccessKey ids."""
    skip: Annotated[int, Meta(ge=0)] = 0
    """How many matching requests pass first."""
    times: Annotated[int, Meta(ge=1)] | None = None
    """How often it strikes; by default always."""
    probability: Annotated[float, Meta(gt=0, le=1)] = 1.0
    """How likely it strikes a matching request."""
    seed: int = 0
    """Makes the dice of `probability` and `latency` repeat."""
    phase: Phase | None = None
    """Strikes before the operation, which then does not happen, or after it was committed."""
    code: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_. -]{1,100}\Z")] | None = None
    """Error code that is answered; one of your own needs a status and a message."""
    status: Annotated[int, Meta(ge=400, le=599)] | None = None
    """HTTP status of the error, instead of the code's own."""
    message: Annotated[str, Meta(max_length=4096)] | None = None
    """Text of the error, instead of the code's own."""
    latency: Seconds | list[Seconds] | None = None
    """Seconds to wait, or `[least, most]` for any time between."""
    effect: Effect | None = None
    """What happens to the answer: the connection is reset, the body is cut in half, slow or no JSON."""
    seconds: Seconds = 2.0
    """How long a `slow` answer takes."""
    retry_after: Annotated[int, Meta(ge=0)] | None = None
    """Seconds in the header x-acs-retry-after."""

    @property
    def is_complete(self) -> bool:
        """Whether it has all that an error needs, so that the code need not be known."""
        return None not in (self.code, self.status, self.message)

    @property
    def when(self) -> Phase:
        """When it strikes, said or not."""
        spoils = self.code is None and self.effect not in (None, "reset")
        return self.phase or ("after" if spoils else "before")


class FaultOptions(TypedDict, total=False):
    """The arguments of `fail` besides the operation: the fields of `FaultSpec`."""

    resource: str
    caller: str
    skip: int
    times: int | None
    probability: float
    seed: int
    phase: Phase | None
    code: str | None
    status: int | None
    message: str | None
    latency: float | list[float] | None
    effect: Effect | None
    seconds: float
    retry_after: int | None


def fault_spec(operation: str, options: Mapping[str, Any]) -> FaultSpec:
    """Return the spec for the arguments of `fail`. Raises TypeError for an argument that does not exist."""
    for name in options:
        if name not in FaultOptions.__annotations__:
            raise TypeError(f"fail() has no argument {name!r}{did_you_mean(name, FaultOptions.__annotations__)}")
    return FaultSpec(operation=operation, **options)


class Fault:
    """One fault at work: its spec, how many requests matched, how often it struck."""

    def __init__(self, number: int, spec: FaultSpec) -> None:
        self.number = number
        self.spec = spec
        self.matched = 0
        self.struck = 0
        # `fnmatchcase` keeps every pattern that it ever saw, up to 32,768 of them.
        self._operation, self._caller, self._resource = (
            re.compile(translate(pattern)).match for pattern in (spec.operation, spec.caller, spec.resource)
        )
        self._chance = random.Random(spec.seed)  # noqa: S311 (repeatable on purpose)

    @property
    def spent(self) -> bool:
        """Whether it will not strike again."""
        return self.spec.times is not None and self.struck >= self.spec.times

    @property
    def unused(self) -> bool:
        """Whether it never struck, or less often than asked for: the test did not do what it was written for."""
        return self.struck == 0 or (self.spec.times or 0) > self.struck

    def hits(self, operation: Operation, request: ApiRequest, names: Callable[[], Iterable[str]]) -> bool:
        """Count a request, and return whether the fault strikes it. `names` are those of the resources it names."""
        spec = self.spec
        if self.spent or not self._operation(operation.name):
            return False
        if not spec.is_complete and spec.code is not None and spec.code not in operation.api.errors:
            return False  # an error of another product
        if spec.caller != "*" and not self._caller(request.access_key_id):
            return False
        if spec.resource != "*" and not any(self._resource(name) for name in names()):
            return False
        self.matched += 1
        if self.matched <= spec.skip or (spec.probability < 1 and self._chance.random() >= spec.probability):
            return False
        self.struck += 1
        return True

    def delay(self) -> float:
        """Return how long to wait, in seconds."""
        latency = self.spec.latency
        if latency is None:
            return 0.0
        return self._chance.uniform(*latency) if isinstance(latency, list) else latency

    def __str__(self) -> str:
        aim = ", ".join(
            f"{name}={value}"
            for name in ("operation", "resource", "caller")
            if (value := getattr(self.spec, name)) != "*"
        )
        what = self.spec.code or self.spec.effect or f"latency {self.spec.latency}"
        return (
            f"{what} {self.spec.when} {aim or 'everything'}, struck {self.struck} of {self.spec.times or 'any number'}"
        )

    def document(self) -> dict[str, Any]:
        """Return the fault for the control API."""
        counts = {"id": self.number, "matched": self.matched, "struck": self.struck, "spent": self.spent}
        return {**counts, **msgspec.to_builtins(self.spec), "phase": self.spec.when}


class Strike:
    """One fault at one request. It has its place among the fault's `times`, and gives it back if it never strikes."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.done = False

    async def strike(self, phase: Phase, operation: Operation) -> None:
        """Do what the spec says of this phase: wait, and raise the error."""
        spec = self.fault.spec
        if spec.when != phase:
            return
        self.done = True
        await asyncio.sleep(self.fault.delay())
        code = spec.code or ("InternalFailure" if spec.effect == "reset" and phase == "before" else None)
        if code is not None:
            raise _error(spec, code, operation, f"Fault {self.fault.number} ({self}).")

    def spoil(self, response: HttpResponse) -> HttpResponse:
        """Return the response as the client shall see it."""
        spec = self.fault.spec
        if not self.done:
            self.fault.struck -= 1
            return response
        body, delivery = response.body, spec.effect or ""
        if delivery == "malformed":
            body, delivery = body[:-1] + b',"', ""
        return msgspec.structs.replace(
            response, body=body, retry_after=spec.retry_after, delivery=delivery, seconds=spec.seconds
        )

    def __str__(self) -> str:
        return str(self.fault) if self.done else ""


class Faults:
    """The faults of one server, in the order they were asked for; the first that hits a request strikes it."""

    def __init__(
        self,
        apis: Iterable[Api],
        names_of: Callable[[Operation, ApiRequest, str], Iterable[str]] = lambda _operation, _request, _name: (),
    ) -> None:
        """`names_of` returns the other names of a resource that a request names."""
        self._apis = tuple(apis)
        self._names_of = names_of
        self.active: list[Fault] = []
        self._count = 0

    def add(self, spec: FaultSpec) -> Fault:
        """Ask for a fault. Raises ValueError for a spec that is wrong, or could never do anything."""
        if len(self.active) >= MAX_FAULTS:
            raise ValueError(f"there are {MAX_FAULTS} faults already: take some back first")
        spec = _checked(spec, self._apis)
        self._count += 1
        fault = Fault(self._count, spec)
        self.active.append(fault)
        return fault

    def pick(self, operation: Operation, request: ApiRequest) -> Strike | None:
        """Find the fault that strikes this request."""

        def names() -> Iterator[str]:
            for name in operation.resources_named(request.parameters):
                yield name
                yield from self._names_of(operation, request, name)

        return next((Strike(fault) for fault in self.active if fault.hits(operation, request, names)), None)

    def remove(self, number: int) -> bool:
        """Remove a fault; return whether there was one."""
        before = len(self.active)
        self.active = [fault for fault in self.active if fault.number != number]
        return len(self.active) < before

    def clear(self) -> None:
        """Remove all faults."""
        self.active.clear()

    @property
    def unused(self) -> list[Fault]:
        """Faults that never struck, or less often than asked for."""
        return [fault for fault in self.active if fault.unused]

    def __bool__(self) -> bool:
        return bool(self.active)

    def __iter__(self) -> Iterator[Fault]:
        return iter(tuple(self.active))


def _checked(spec: FaultSpec, apis: Iterable[Api]) -> FaultSpec:
    for name, value, known in (("phase", spec.phase, get_args(Phase)), ("effect", spec.effect, get_args(Effect))):
        if value is not None and value not in known:
            near = did_you_mean(str(value), known)
            raise ValueError(f"there is no {name} {value!r}{near or '; there are ' + ', '.join(known)}")
    try:
        spec = msgspec.convert(msgspec.to_builtins(spec), FaultSpec)  # Python's keywords were not checked yet
    except msgspec.ValidationError as error:
        raise ValueError(f"no such fault: {error}") from None
    if spec.code is None and spec.latency is None and spec.effect is None:
        raise ValueError("a fault needs a code, a latency or an effect")
    operation = operation_pattern(apis, spec.operation)
    aims_at = re.compile(translate(operation)).match
    matching = [api for api in apis if any(aims_at(name) for name in api.operations)]
    _check_error(spec, apis, matching)
    if isinstance(spec.latency, list) and (len(spec.latency) != 2 or spec.latency[0] > spec.latency[1]):  # noqa: PLR2004 (a pair)
        raise ValueError("latency is a number of seconds, or [least, most]")
    return msgspec.structs.replace(spec, operation=operation)


def _check_error(spec: FaultSpec, apis: Iterable[Api], matching: Iterable[Api]) -> None:
    """Check that code, status and message make an error of one of the matching products."""
    if spec.message is not None and not spec.message.isprintable():
        raise ValueError("message is printable text on one line")
    if spec.code is None and (spec.status is not None or spec.message is not None):
        raise ValueError("status and message belong to a code")
    if spec.code is None or spec.is_complete:
        return
    codes = {code for api in apis for code in api.errors}
    if spec.code not in codes:
        near = did_you_mean(spec.code, sorted(codes)) or _with_part(spec.code, codes)
        raise ValueError(
            f"there is no error code {spec.code!r}{near}{'' if near.endswith('?') else '.'} "
            "A code of your own needs a status and a message."
        )
    if not any(spec.code in api.errors for api in matching):
        raise ValueError(f"{', '.join(api.product for api in matching)} has no error code {spec.code!r}")


def _with_part(part: str, codes: set[str]) -> str:
    found = sorted(code for code in codes if part.lower() in code.lower())
    return f"; near it: {', '.join(found)}" if found else ""


def _error(spec: FaultSpec, code: str, operation: Operation, reason: str) -> ApiError:
    """Make the error, in the words of the operation's own table where it has the code and the spec no others."""
    row = operation.rows_by_code.get(code) or operation.api.errors.get(code)
    if row is None or spec.status is not None or spec.message is not None:
        status, message = (row.status, row.message) if row is not None else (500, "")
        if spec.message is not None:
            message = spec.message.replace("{", "{{").replace("}", "}}")
        row = ErrorSpec(spec.status or status, code, message)
    # A text that names a parameter names one of this operation.
    names = [parameter.name for parameter in operation.required or operation.parameters]
    return row(reason, name=names[0] if names else "", key="key", detail="fault")
