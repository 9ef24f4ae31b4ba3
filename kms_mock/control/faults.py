"""Faults on demand: which requests they hit, when they strike, and what the client sees.

A fault strikes `before` the operation (nothing happened) or `after` it was committed (it happened, and the client does
not know): the second is what makes retries dangerous, and cannot be had from the real service.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from kms_mock import errors
from kms_mock.errors import ApiError, ErrorSpec
from kms_mock.operation import REGISTRY, Operation
from kms_mock.wire.decode import ApiRequest
from kms_mock.wire.encode import HttpResponse

Phase = Literal["before", "after"]
# Parameters that name the resource of a request; ResourceId.1 and the like too.
_RESOURCES = frozenset(
    {
        "AapName",
        "AliasName",
        "CertificateId",
        "ClientKeyId",
        "DataKeyName",
        "DestinationKeyId",
        "KeyId",
        "KmsInstanceId",
        "Name",
        "PolicyName",
        "ProtectedResourceArn",
        "ResourceId",
        "SecretName",
        "SourceKeyId",
    }
)
Seconds = Annotated[float, Meta(ge=0, le=86400)]


class FaultSpec(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What to do to which requests.

    Aim: `operation`, `resource` (the key, secret, … as the request names it; of an ARN also what follows its `/`) and
    `caller` (AccessKey id) are patterns with `*`. `skip` lets that many matching requests pass first; `times` is how
    often it strikes (None: always); `probability` is tossed with `seed`.
    What: an error `code`; `latency` in seconds, or `[least, most]` for any time between; `effect` for what happens to
    the answer: `reset` (of the connection), `truncate` (half the body), `slow` (a byte at a time over `seconds`),
    `malformed` (JSON that is none).
    When: `before` the operation, which then does not happen if there is an error or a reset, or `after` it was
    committed; a request that was refused is not struck then. Without `phase`, a spoiled body is that of an operation
    that happened, so it comes `after`; everything else comes `before`.
    """

    operation: str = "*"
    resource: str = "*"
    caller: str = "*"
    skip: Annotated[int, Meta(ge=0)] = 0
    times: Annotated[int, Meta(ge=1)] | None = None
    probability: Annotated[float, Meta(gt=0, le=1)] = 1.0
    seed: int = 0
    phase: Phase | None = None
    code: str | None = None
    latency: Seconds | list[Seconds] | None = None
    effect: Literal["reset", "truncate", "slow", "malformed"] | None = None
    seconds: Seconds = 2.0
    retry_after: Annotated[int, Meta(ge=0)] | None = None

    @property
    def when(self) -> Phase:
        """When it strikes, said or not."""
        spoils = self.code is None and self.effect not in (None, "reset")
        return self.phase or ("after" if spoils else "before")


class Fault:
    """One fault at work: its spec, how many requests matched, how often it struck."""

    def __init__(self, number: int, spec: FaultSpec) -> None:
        self.number = number
        self.spec = spec
        self.matched = 0
        self.struck = 0
        self._chance = random.Random(spec.seed)  # noqa: S311 (repeatable on purpose)

    @property
    def spent(self) -> bool:
        """Whether it will not strike again."""
        return self.spec.times is not None and self.struck >= self.spec.times

    @property
    def unused(self) -> bool:
        """Whether it never struck, or less often than asked for: the test did not do what it was written for."""
        return self.struck == 0 or (self.spec.times or 0) > self.struck

    def hits(self, operation: Operation, request: ApiRequest) -> bool:
        """Count a request, and say whether the fault strikes it."""
        spec = self.spec
        if self.spent or not fnmatchcase(operation.name, spec.operation):
            return False
        if spec.caller != "*" and not fnmatchcase(request.access_key_id, spec.caller):
            return False
        if spec.resource != "*" and not any(fnmatchcase(name, spec.resource) for name in _named(request)):
            return False
        self.matched += 1
        if self.matched <= spec.skip or (spec.probability < 1 and self._chance.random() >= spec.probability):
            return False
        self.struck += 1
        return True

    def delay(self) -> float:
        """Give how long to wait, in seconds."""
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
        """Give the fault for the control API."""
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
            raise _error(code, operation, f"Fault {self.fault.number} ({self}).")

    def mangle(self, response: HttpResponse) -> HttpResponse:
        """Give the response as the client shall see it."""
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

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._count = 0

    def add(self, spec: FaultSpec) -> Fault:
        """Ask for a fault. Raises ValueError for a spec that is wrong, or could never do anything."""
        spec = _checked(spec)
        self._count += 1
        fault = Fault(self._count, spec)
        self._faults.append(fault)
        return fault

    def pick(self, operation: Operation, request: ApiRequest) -> Strike | None:
        """Find the fault that strikes this request."""
        return next((Strike(fault) for fault in self._faults if fault.hits(operation, request)), None)

    def remove(self, number: int) -> bool:
        """Take a fault back; say whether there was one."""
        before = len(self._faults)
        self._faults = [fault for fault in self._faults if fault.number != number]
        return len(self._faults) < before

    def clear(self) -> None:
        """Take all faults back."""
        self._faults.clear()

    @property
    def unused(self) -> list[Fault]:
        """Faults that never struck, or less often than asked for."""
        return [fault for fault in self._faults if fault.unused]

    def __bool__(self) -> bool:
        return bool(self._faults)

    def __iter__(self) -> Iterator[Fault]:
        return iter(tuple(self._faults))


def catalogue() -> Mapping[str, ErrorSpec]:
    """Give every error code that is known, with its first text."""
    found: dict[str, ErrorSpec] = {}
    for value in vars(errors).values():
        if isinstance(value, ErrorSpec):
            found.setdefault(value.code, value)
    return found


def _named(request: ApiRequest) -> Iterator[str]:
    """Give the resources that a request names; of an ARN also the name in it."""
    for name, value in request.parameters.items():
        if name.partition(".")[0] in _RESOURCES:
            yield value
            if value.startswith("acs:"):
                yield value.rpartition(":")[2]
                yield value.partition("/")[2]


def _checked(spec: FaultSpec) -> FaultSpec:
    try:
        spec = msgspec.convert(msgspec.to_builtins(spec), FaultSpec)  # Python's keywords were not checked yet
    except msgspec.ValidationError as error:
        raise ValueError(f"no such fault: {error}") from error
    if spec.code is None and spec.latency is None and spec.effect is None:
        raise ValueError("a fault needs a code, a latency or an effect")
    if spec.code is not None and spec.code not in catalogue():
        near = [code for code in catalogue() if spec.code.lower() in code.lower()]
        raise ValueError(f"there is no error code {spec.code!r}; near it: {', '.join(near) or 'none'}")
    if not any(fnmatchcase(name, spec.operation) for name in REGISTRY):
        raise ValueError(f"no operation matches {spec.operation!r}")
    if isinstance(spec.latency, list) and (len(spec.latency) != 2 or spec.latency[0] > spec.latency[1]):  # noqa: PLR2004 (a pair)
        raise ValueError("latency is a number of seconds, or [least, most]")
    return spec


def _error(code: str, operation: Operation, reason: str) -> ApiError:
    """Make the error, in the words of the operation's own table where it has the code."""
    row = operation.own_rows.get(code) or catalogue()[code]
    # A text that names a parameter names one of this operation.
    names = [parameter.name for parameter in operation.required or operation.parameters]
    return row(reason, name=names[0] if names else "", key="key", detail="fault")
