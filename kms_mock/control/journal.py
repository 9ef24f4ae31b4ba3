"""The journal: what the code under test asked for, what it got, and what that changed. Bounded; evictions are counted."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from kms_mock.control.words import describe
from kms_mock.model.table import Change
from kms_mock.model.times import iso
from kms_mock.operation import REGISTRY
from kms_mock.wire.decode import EXTRA_PARAMETERS, SYSTEM_PARAMETERS, parameters_of
from kms_mock.wire.encode import decode_document

MASK = "***"
# RegionId is among them, though TagResources and its like declare it: V1 clients send it with everything.
_SYSTEM = SYSTEM_PARAMETERS | EXTRA_PARAMETERS


class Call(Struct, frozen=True, gc=False):
    """One answered request. `at` is the mock's time in seconds since 1970 UTC; `code` is "" for a success.

    `parameters` masks secret values and plaintexts; `unmasked_parameters` gives them as they were sent. Request and answer
    are kept as they went over the wire (`query` and `form`, `body`) and read when somebody asks: to let go of the
    thousand small objects that they stand for costs every new request a few cache misses.
    """

    number: int
    at: float
    action: str
    access_key_id: str
    status: int
    code: str
    reason: str
    request_id: str
    milliseconds: float
    query: str = ""
    form: str = ""
    body: bytes = b""
    effects: tuple[Change, ...] = ()
    fault: str = ""

    @property
    def sent(self) -> dict[str, str]:
        """Everything that was sent, the system parameters included."""
        return parameters_of(self.query, self.form)

    @property
    def answered(self) -> Mapping[str, Any]:
        """The answer's document, secrets included, as it was before a fault spoiled its delivery."""
        return decode_document(self.body)

    @property
    def parameters(self) -> dict[str, str]:
        """What was sent, without the system parameters, secrets masked."""
        operation = REGISTRY.get(self.action)
        # Of an operation that does not exist nothing is known, so everything might be a secret.
        open_names = set() if operation is None else {one.name for one in operation.parameters if not one.sensitive}
        return {
            name: value if name in open_names or name.partition(".")[0] in open_names else MASK
            for name, value in self.unmasked_parameters.items()
        }

    @property
    def unmasked_parameters(self) -> dict[str, str]:
        """What was sent, without the system parameters, secrets included."""
        return {name: value for name, value in self.sent.items() if name not in _SYSTEM}

    @property
    def changes(self) -> list[str]:
        """What the request changed, in words."""
        return describe(self.effects)

    def __repr__(self) -> str:
        return f"<Call {self}>"

    def __str__(self) -> str:
        given = ", ".join(f"{name}={value!r:.60}" for name, value in self.parameters.items())
        return f"#{self.number} {self.action}({given}) -> {self.status} {self.code or 'ok'}"

    def document(self, *, unmasked: bool = False) -> dict[str, Any]:
        """Give the call for the control API, secrets masked unless they are asked for."""
        return {
            "number": self.number,
            "at": iso(self.at),
            "action": self.action,
            "parameters": self.unmasked_parameters if unmasked else self.parameters,
            "access_key_id": self.access_key_id,
            "status": self.status,
            "code": self.code,
            "reason": self.reason,
            "request_id": self.request_id,
            "milliseconds": round(self.milliseconds, 3),
            "changes": self.changes,
            "fault": self.fault,
        }


class Journal:
    """The last calls, in order. Iterating gives `Call` objects, oldest first."""

    def __init__(self, size: int = 1000) -> None:
        """Keep at most `size` calls; 0 keeps none."""
        self._calls: deque[Call] = deque(maxlen=size)
        self._forgotten = 0
        self.count = 0
        self.watcher: Callable[[Call], None] | None = None  # sees every call, kept or not

    @property
    def size(self) -> int:
        """How many calls are kept at most."""
        return self._calls.maxlen or 0

    @property
    def evicted(self) -> int:
        """How many calls are gone because newer ones needed their place."""
        return self.count - self._forgotten - len(self._calls)

    @property
    def wanted(self) -> bool:
        """Whether anybody wants to know of calls."""
        return self.watcher is not None or bool(self._calls.maxlen)

    def add(self, call: Call) -> None:
        """Keep one call."""
        self._calls.append(call)
        if self.watcher is not None:
            self.watcher(call)

    def clear(self) -> None:
        """Forget all calls; their numbers are not given again."""
        self._calls.clear()
        self._forgotten = self.count

    def __iter__(self) -> Iterator[Call]:
        return iter(tuple(self._calls))  # a copy: the server goes on while a test looks

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def last(self) -> Call | None:
        """The newest call, or None."""
        return self._calls[-1] if self._calls else None

    def filter(
        self,
        action: str | None = None,
        /,
        *,
        code: str | None = None,
        access_key_id: str | None = None,
        **parameters: Any,
    ) -> list[Call]:
        """Give the calls of an action, with an error code ("" for successes), by a caller, with these parameters."""
        return [
            call
            for call in self
            if (action is None or call.action == action)
            and (code is None or call.code == code)
            and (access_key_id is None or call.access_key_id == access_key_id)
            and _has(call, parameters)
        ]

    def assert_called(
        self, action: str, /, *, times: int | None = None, code: str | None = None, **parameters: Any
    ) -> list[Call]:
        """Assert that an action was called with these parameters: at least once, or exactly `times`. Give the calls."""
        found = self.filter(action, code=code, **parameters)
        if (times is None and not found) or (times is not None and len(found) != times):
            wanted = "at least once" if times is None else f"{times} times"
            raise AssertionError(
                f"expected {_spell(action, code, parameters)} {wanted}, got {len(found)}.{self._evidence(action, found, parameters)}"
            )
        return found

    def assert_not_called(self, action: str, /, *, code: str | None = None, **parameters: Any) -> None:
        """Assert that an action was not called with these parameters. Fails too when evicted calls may hide one."""
        found = self.filter(action, code=code, **parameters)
        if found:
            raise AssertionError(
                f"expected no {_spell(action, code, parameters)}, got {len(found)}.{self._evidence(action, found, parameters)}"
            )
        if self.evicted:
            raise AssertionError(
                f"cannot tell whether {action} was called: {self.evicted} calls were evicted, the journal keeps {self.size}."
            )

    def _evidence(self, action: str, found: list[Call], parameters: Mapping[str, Any]) -> str:
        shown, title = found, "These match:"
        if not found:
            shown = sorted(self, key=lambda call: _distance(call, action, parameters))[:5]
            title = "The nearest calls:" if shown else "There was no call at all."
        lines = [f"\n  {call}" for call in shown[:10]]
        lost = f"\n  ({self.evicted} older calls were evicted; the journal keeps {self.size})" if self.evicted else ""
        return f" {title}{''.join(lines)}{lost}"


class CallsOf(Journal):
    """The calls of one caller in a journal that others fill too, from now on."""

    def __init__(self, journal: Journal, access_key_id: str) -> None:
        super().__init__(0)
        self._journal = journal
        self._access_key_id = access_key_id
        self._since = journal.count

    @property
    def size(self) -> int:
        """How many calls are kept at most, of all callers together."""
        return self._journal.size

    @property
    def evicted(self) -> int:
        """How many calls of all callers are gone of those since this caller began: some may be its own."""
        gone = self._journal.count - len(self._journal)  # the numbers up to this one
        return max(0, gone - self._since) if self._journal.evicted else 0

    def clear(self) -> None:
        """Forget the calls of this caller so far."""
        self._since = self._journal.count

    def __iter__(self) -> Iterator[Call]:
        return (
            call for call in self._journal if call.access_key_id == self._access_key_id and call.number > self._since
        )

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @property
    def last(self) -> Call | None:
        """The newest call, or None."""
        return next(reversed(list(self)), None)


def _has(call: Call, wanted: Mapping[str, Any]) -> bool:
    sent = call.sent if wanted else {}
    return all(_same(sent.get(name), value) for name, value in wanted.items())


def _same(sent: str | None, value: Any) -> bool:
    if value is None or sent is None:
        return sent is value
    if isinstance(value, bool):  # Python clients send True, Go clients true
        return sent.lower() == str(value).lower()
    return sent == str(value)


def _distance(call: Call, action: str, wanted: Mapping[str, Any]) -> int:
    sent = call.sent
    misses = sum(not _same(sent.get(name), value) for name, value in wanted.items())
    return misses + (0 if call.action == action else 1000)


def _spell(action: str, code: str | None, parameters: Mapping[str, Any]) -> str:
    known = REGISTRY.get(action)
    secret = set() if known is None else {one.name for one in known.parameters if one.sensitive}
    given = ", ".join(f"{name}={MASK if name in secret else value!r}" for name, value in parameters.items())
    ending = "" if code is None else f" with code {code or 'ok'!r}"
    return f"{action}({given}){ending}"
