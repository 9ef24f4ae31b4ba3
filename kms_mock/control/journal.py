"""The journal: what the code under test asked for, what it got, and what that changed.

Bounded in calls and in bytes; evictions are counted.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from kms_mock.control.calls import MASK, Call, Facts, effects_size
from kms_mock.control.names import declared_parameter, operations_named, parameter_named
from kms_mock.control.uses import Uses
from kms_mock.defaults import JOURNAL_BYTES
from kms_mock.rpc.api import Api, Operation
from kms_mock.rpc.binding import Parameter
from kms_mock.rpc.errors import ApiError
from kms_mock.store.changes import Change
from kms_mock.suggestions import did_you_mean

_MOST_NEAR = 5  # calls that are shown when none is the one
_CALL_BYTES = 100  # of a call besides its facts, about
_EFFECTS_BYTES = 300  # of its effects besides records, about
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(tuple[Facts, int]).decode
_NO_EFFECTS: tuple[tuple[Change, ...], int] = ((), 0)


class Calls(ABC):
    """Calls in order, and what tests ask about them. Iterating gives `Call` objects, oldest first."""

    def __init__(self, apis: Iterable[Api], max_bytes: int) -> None:
        self.apis = tuple(apis)
        self.max_bytes = max_bytes

    @property
    @abstractmethod
    def size(self) -> int:
        """How many calls are kept at most, of all callers together."""

    @property
    @abstractmethod
    def evicted(self) -> int:
        """How many calls were dropped for newer ones, since these calls began."""

    @abstractmethod
    def clear(self) -> None:
        """Forget these calls; their numbers are not given again."""

    @abstractmethod
    def __iter__(self) -> Iterator[Call]: ...

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @property
    def last(self) -> Call | None:
        """The newest call, or None."""
        return next(reversed(list(self)), None)

    def filter(
        self,
        action: str | None = None,
        /,
        *,
        code: str | None = None,
        access_key_id: str | None = None,
        **parameters: Any,
    ) -> list[Call]:
        """Return the calls of an operation, with an error code ("" for successes), by a caller, with these parameters.

        Names may be spelled as on the wire or as in the SDK: `filter("GetSecretValue", SecretName="db")`,
        `filter("get_secret_value", secret_name="db")`. Raises ValueError for a name that does not exist, unless a
        client called an operation by that name.
        """
        return self._matching(self._wanted(action, code, access_key_id, parameters))

    def assert_called(
        self, action: str, /, *, times: int | None = None, code: str | None = None, **parameters: Any
    ) -> list[Call]:
        """Assert that an operation was called with these parameters: at least once, or exactly `times`. Return the calls.

        Raises ValueError for an operation, a parameter or a code that does not exist; see `filter`.
        """
        wanted = self._wanted(action, code, None, parameters)
        found = self._matching(wanted)
        if (times is None and not found) or (times is not None and len(found) != times):
            expected = "at least once" if times is None else f"{times} times"
            raise AssertionError(f"expected {wanted} {expected}, got {len(found)}.{self._evidence(wanted, found)}")
        return found

    def assert_not_called(self, action: str, /, *, code: str | None = None, **parameters: Any) -> None:
        """Assert that an operation was not called with these parameters. Fails too when evicted calls may hide one.

        Raises ValueError for an operation, a parameter or a code that does not exist; see `filter`.
        """
        wanted = self._wanted(action, code, None, parameters)
        found = self._matching(wanted)
        if found:
            raise AssertionError(f"expected no {wanted}, got {len(found)}.{self._evidence(wanted, found)}")
        if self.evicted:
            raise AssertionError(f"cannot tell whether {wanted.action} was called: {self._eviction()}.")

    def nearest(self, action: str, /, *, code: str | None = None, **parameters: Any) -> list[Call]:
        """Return the calls that come nearest to what is looked for, the nearest first, at most 5; see `filter`."""
        return self._nearest(self._wanted(action, code, None, parameters))

    def _nearest(self, wanted: _Wanted) -> list[Call]:
        return sorted(self, key=wanted.distance)[:_MOST_NEAR]

    def _wanted(
        self, action: str | None, code: str | None, access_key_id: str | None, parameters: Mapping[str, Any]
    ) -> _Wanted:
        operations = [each for api in self.apis for each in api.operations.values()]
        if action is not None and not any(call.operation is None and call.action == action for call in self):
            operations = operations_named(self.apis, action)
            action = operations[0].name
        if code:
            self._check_code(code)
        named = {parameter_named(operations, name): value for name, value in parameters.items()}
        secret = {each.name for operation in operations for each in operation.parameters if each.sensitive}
        return _Wanted(action, code, access_key_id, named, frozenset(secret.intersection(named)))

    def _check_code(self, code: str) -> None:
        """Refuse a code that is near a known one, and that no call got: it is misspelled. Others may be faults'."""
        known = {known for api in self.apis for known in api.errors}
        near = did_you_mean(code, known)
        if near and code not in known and all(call.code != code for call in self):
            raise ValueError(f"there is no error code {code!r}{near}")

    def _matching(self, wanted: _Wanted) -> list[Call]:
        return [call for call in self if wanted.matches(call)]

    def _evidence(self, wanted: _Wanted, found: list[Call]) -> str:
        shown, title = found, "These match:"
        if not found:
            shown = self._nearest(wanted)
            title = "The nearest calls:" if shown else "There was no call at all."
        lines = [f"\n  {call}" for call in shown[:10]]
        lost = f"\n  ({self._eviction()})" if self.evicted else ""
        return f" {title}{''.join(lines)}{lost}"

    def _eviction(self) -> str:
        kept = f"{self.size} calls of {self.max_bytes // 2**20} MiB in all"
        return f"{self.evicted} older calls were evicted; the journal keeps {kept}"


class Journal(Calls):
    """The last calls, in order. Iterating gives `Call` objects, oldest first.

    The facts of each are kept in one piece of memory: to let go of the dozen objects that they are would cost every new
    request a dozen cache misses.
    """

    def __init__(self, size: int = 1000, apis: Iterable[Api] = (), *, max_bytes: int = JOURNAL_BYTES) -> None:
        """Keep at most `size` calls, which take at most `max_bytes` of memory together; 0 keeps none."""
        super().__init__(apis, max_bytes)
        self._size = size
        self._facts: deque[bytes] = deque()
        # By the numbers of calls that changed something; with the bytes that they take.
        self._effects: dict[int, tuple[tuple[Change, ...], int]] = {}
        self._operations: dict[int, Operation | None] = {}  # by their `id`, which is packed beside the facts
        self._bytes = 0
        self._forgotten = 0
        self._watchers: tuple[Callable[[Call], None], ...] = ()
        self.count = 0
        self.wanted = size > 0  # whether anybody wants to know of calls
        self.uses = Uses()

    def watch(self, watcher: Callable[[Call], None]) -> None:
        """Call a function for every call from now on, kept or not."""
        self._watchers = (*self._watchers, watcher)
        self.wanted = True

    @property
    def size(self) -> int:
        """How many calls are kept at most."""
        return self._size

    @property
    def used_bytes(self) -> int:
        """How many bytes of memory the calls take, about."""
        return self._bytes

    @property
    def evicted(self) -> int:
        """How many calls were dropped for newer ones."""
        return self.count - self._forgotten - len(self._facts)

    def add(self, facts: Facts, operation: Operation | None, effects: tuple[Change, ...]) -> None:
        """Keep the call that was counted last, and let the oldest go that there is no room for."""
        if self._size:
            kept, packed = self._facts, _pack((facts, id(operation)))
            kept.append(packed)
            self._operations[id(operation)] = operation
            used = self._bytes + _CALL_BYTES + len(packed)
            if effects:
                size = _EFFECTS_BYTES + effects_size(effects)
                self._effects[self.count] = effects, size
                used += size
            while used > self.max_bytes or len(kept) > self._size:
                used -= _CALL_BYTES + len(kept.popleft())
                if self._effects:
                    used -= self._effects.pop(self.count - len(kept), _NO_EFFECTS)[1]
            self._bytes = used
        if self._watchers:
            call = Call(*facts, operation, effects)
            for watcher in self._watchers:
                watcher(call)

    def clear(self) -> None:
        """Forget all calls and what they used; their numbers are not given again."""
        self._facts.clear()
        self._effects.clear()
        self._bytes = 0
        self._forgotten = self.count
        self.uses.forget()

    def __iter__(self) -> Iterator[Call]:
        return iter(self._read(slice(None)))

    def __len__(self) -> int:
        return len(self._facts)

    @property
    def last(self) -> Call | None:
        """The newest call, or None."""
        return next(iter(self._read(slice(-1, None))), None)

    @property
    def oldest(self) -> int:
        """The number of the oldest call that is kept, of the next one if none is."""
        return self.count - len(self._facts) + 1

    def newer_than(self, number: int, most: int) -> list[Call]:
        """Return the calls that came after the one of this number, at most the `most` newest."""
        wanted = min(self.count - number, most)
        return self._read(slice(-wanted, None)) if wanted > 0 else []

    def numbered(self, number: int) -> Call | None:
        """Return the call of this number, None if it is not kept."""
        place = number - self.oldest
        return next(iter(self._read(slice(place, place + 1))), None) if place >= 0 else None

    def _read(self, places: slice) -> list[Call]:
        """Return the calls at some places. The server goes on meanwhile: it may add calls and let others go."""
        before = dict(self._effects)
        kept = [_unpack(packed) for packed in tuple(self._facts)[places]]
        effects = before | self._effects
        return [Call(*facts, self._operations[key], effects.get(facts[0], _NO_EFFECTS)[0]) for facts, key in kept]


class CallsOf(Calls):
    """The calls of one caller in a journal that others fill too, from now on."""

    def __init__(self, journal: Journal, access_key_id: str) -> None:
        super().__init__(journal.apis, journal.max_bytes)
        self._journal = journal
        self._access_key_id = access_key_id
        self.since = journal.count  # the number of the last call that does not count

    @property
    def size(self) -> int:
        """How many calls are kept at most, of all callers together."""
        return self._journal.size

    @property
    def evicted(self) -> int:
        """How many calls of all callers were dropped since this caller began: some may be its own."""
        dropped = self._journal.count - len(self._journal)  # the numbers up to this one
        return max(0, min(self._journal.evicted, dropped - self.since))  # the rest was forgotten on demand

    def clear(self) -> None:
        """Forget the calls of this caller so far."""
        self.since = self._journal.count

    def __iter__(self) -> Iterator[Call]:
        return (
            call for call in self._journal if call.access_key_id == self._access_key_id and call.number > self.since
        )


class _Wanted(Struct, frozen=True):
    """What calls are looked for; None stands for any. `parameters` are in the spelling of the wire, some are `secret`."""

    action: str | None
    code: str | None
    access_key_id: str | None
    parameters: dict[str, Any]
    secret: frozenset[str]

    def matches(self, call: Call) -> bool:
        """Return whether a call is one of those."""
        return (
            (self.action is None or call.action == self.action)
            and (self.code is None or call.code == self.code)
            and (self.access_key_id is None or call.access_key_id == self.access_key_id)
            and not self._misses(call)
        )

    def distance(self, call: Call) -> int:
        """Return how far a call is from those, for showing the nearest ones."""
        return self._misses(call) + (0 if call.action == self.action else 1000)

    def _misses(self, call: Call) -> int:
        sent = call.sent if self.parameters else {}
        return sum(
            not _is_same(declared_parameter(call.operation, name), sent, name, value)
            for name, value in self.parameters.items()
        )

    def __str__(self) -> str:
        given = ", ".join(
            f"{name}={MASK if name in self.secret else value!r}" for name, value in self.parameters.items()
        )
        ending = "" if self.code is None else f" with code {self.code or 'ok'!r}"
        return f"{self.action}({given}){ending}"


def _is_same(parameter: Parameter | None, sent: Mapping[str, str], name: str, wanted: Any) -> bool:
    """Return whether a parameter was sent with a value; a list or dict is compared with what the parameter says."""
    if isinstance(wanted, list | dict) and parameter is not None and not parameter.absent(sent):
        try:
            return bool(msgspec.to_builtins(parameter.read(sent)) == wanted)
        except ApiError:
            return False
    text = sent.get(name)
    if wanted is None or text is None:
        return text is wanted
    if isinstance(wanted, bool):  # Python clients send True, Go clients true
        return text.lower() == str(wanted).lower()
    return text == str(wanted)
