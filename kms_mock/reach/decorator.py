"""`mock_kms`: a mock and its interception around a block, a function, a generator or the tests of a class."""

from __future__ import annotations

import inspect
import unittest
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, aclosing, contextmanager
from functools import wraps
from types import TracebackType
from typing import Any, TypeVar, overload

from kms_mock.fixtures import Fixture, fixture_list
from kms_mock.mock import KmsMock
from kms_mock.reach.credentials import CredentialOptions

Target = TypeVar("Target", bound=Callable[..., Any])

_OF_INTERCEPTION = frozenset(CredentialOptions.__annotations__)


@overload
def mock_kms(fixtures: Fixture | Iterable[Fixture] = (), **options: Any) -> MockKms: ...


@overload
def mock_kms(fixtures: Target) -> Target: ...


def mock_kms(fixtures: Any = (), **options: Any) -> Any:
    """Send calls of the real endpoints to a new mock: in a `with` statement, or as a decorator.

    `fixtures` and `options` are those of `KmsMock`, and `access_key_id`, `access_key_secret`, `role`, `via` and
    `oidc_subject` those of `intercept`.
    Every call of a decorated function, and every test of a decorated class, has a mock of its own.
    """
    if callable(fixtures):
        return MockKms((), options)(fixtures)
    return MockKms(fixtures, options)


class MockKms:
    """What `mock_kms` returns: a context manager, also an asynchronous one, that can be used again, and a decorator."""

    def __init__(self, fixtures: Fixture | Iterable[Fixture], options: Mapping[str, Any]) -> None:
        self._fixtures = fixture_list(fixtures)
        self._interception = {name: value for name, value in options.items() if name in _OF_INTERCEPTION}
        self._options = {name: value for name, value in options.items() if name not in _OF_INTERCEPTION}
        self._entered: list[ExitStack] = []

    @contextmanager
    def running(self) -> Iterator[KmsMock]:
        """Run a mock of its own, intercepted, and yield it."""
        with KmsMock(self._fixtures, **self._options) as mock, mock.intercept(**self._interception):
            yield mock

    def __enter__(self) -> KmsMock:
        stack = ExitStack()
        mock = stack.enter_context(self.running())
        self._entered.append(stack)
        return mock

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._entered.pop().close()

    async def __aenter__(self) -> KmsMock:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def __call__(self, target: Target) -> Target:
        """Return the function or class with a mock around every call of it, or every test in it."""
        if inspect.isclass(target):
            _decorate_class(self, target)
            return target
        decorated: Target = _decorated(self, target)
        return decorated


def _decorated(mock: MockKms, function: Any) -> Any:
    """Return a wrapper of the same kind: function, coroutine function, generator or asynchronous generator."""
    if inspect.isasyncgenfunction(function):
        return _decorated_async_generator(mock, function)
    if inspect.isgeneratorfunction(function):

        @wraps(function)
        def generate(*args: Any, **options: Any) -> Generator[Any, Any, Any]:
            with mock.running():
                return (yield from function(*args, **options))

        return generate
    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def run(*args: Any, **options: Any) -> Any:
            with mock.running():
                return await function(*args, **options)

        return run

    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        with mock.running():
            return function(*args, **options)

    return call


def _decorated_async_generator(mock: MockKms, function: Any) -> Any:
    """Return a wrapper that passes on what is sent and thrown, as `yield from` does for other generators."""

    @wraps(function)
    async def generate(*args: Any, **options: Any) -> AsyncIterator[Any]:
        with mock.running():
            async with aclosing(function(*args, **options)) as generator:
                step = generator.asend(None)
                while True:
                    try:
                        value = await step
                    except StopAsyncIteration:
                        return
                    try:
                        step = generator.asend((yield value))
                    except GeneratorExit:
                        raise
                    except BaseException as error:  # noqa: BLE001 (raised in the generator)
                        step = generator.athrow(error)

    return generate


def _decorate_class(mock: MockKms, target: type) -> None:
    """Wrap a test case's `run`, so that setUp and cleanups are within; of other classes each test."""
    if issubclass(target, unittest.TestCase):
        target.run = _decorated(mock, target.run)  # type: ignore[method-assign]
    elif hasattr(target, "setup_method") or hasattr(target, "teardown_method"):
        _decorate_setup(mock, target)
    else:
        for name in [name for name in dir(target) if name.startswith("test")]:
            attribute = inspect.getattr_static(target, name)
            if isinstance(attribute, staticmethod | classmethod):
                setattr(target, name, type(attribute)(_decorated(mock, attribute.__func__)))
            elif inspect.isfunction(attribute):
                setattr(target, name, _decorated(mock, attribute))


def _decorate_setup(mock: MockKms, target: Any) -> None:
    """Run the mock from pytest's `setup_method` to its `teardown_method`: what the first makes, the test finds."""
    setup: Callable[..., Any] = getattr(target, "setup_method", lambda _, __=None: None)
    teardown: Callable[..., Any] = getattr(target, "teardown_method", lambda _, __=None: None)

    @wraps(setup)
    def setup_method(self: Any, *args: Any) -> None:
        with ExitStack() as stack:
            stack.enter_context(mock.running())
            setup(self, *args)
            self.kms_mock_stack = stack.pop_all()

    @wraps(teardown)
    def teardown_method(self: Any, *args: Any) -> None:
        with self.kms_mock_stack:
            teardown(self, *args)

    target.setup_method = setup_method
    target.teardown_method = teardown_method
