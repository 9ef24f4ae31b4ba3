"""`mock_kms` around functions of all kinds, and around classes."""

from __future__ import annotations

import asyncio
import inspect
import os
import socket
import unittest
from collections.abc import AsyncIterator, Generator
from typing import Any

import pytest

from kms_mock import mock_kms
from tests.support.https import holding, read_secret

UNTOUCHED = socket.getaddrinfo
WITH_SECRET = mock_kms(holding("one"))


def ask_mock() -> str:
    return read_secret(scheme="http")


def test_function() -> None:
    """Arguments, result, name and docstring are the function's; each call has a mock of its own."""

    @WITH_SECRET
    def add(first: str, *, second: str) -> str:
        """Add."""
        return first + second + ask_mock()

    assert add("a", second="b") == "abone"
    assert add("a", second="b") == "abone"
    assert (add.__name__, add.__doc__) == ("add", "Add.")
    assert socket.getaddrinfo is UNTOUCHED


def test_bare_decorator() -> None:
    """Without parentheses it is an empty mock."""

    @mock_kms
    def function() -> bool:
        return socket.getaddrinfo is not UNTOUCHED

    assert function()


def test_a_result_and_an_exception_pass() -> None:
    """What the function raises, its caller sees."""

    @WITH_SECRET
    def function() -> None:
        raise LookupError(ask_mock())

    with pytest.raises(LookupError, match="one"):
        function()
    assert socket.getaddrinfo is UNTOUCHED


def test_recursion() -> None:
    """A decorated function that calls itself has a mock for each call."""

    @WITH_SECRET
    def count(down: int) -> list[str]:
        return [ask_mock(), *(count(down - 1) if down else [])]

    assert count(2) == ["one"] * 3


async def test_coroutine_function() -> None:
    """The mock runs until the coroutine has ended."""

    @WITH_SECRET
    async def function(text: str) -> str:
        await asyncio.sleep(0)
        return text + await asyncio.to_thread(ask_mock)

    assert inspect.iscoroutinefunction(function)
    assert await function("a") == "aone"
    assert socket.getaddrinfo is UNTOUCHED


def test_generator() -> None:
    """The mock runs from the first step to the last; what is sent, thrown and returned passes."""

    @WITH_SECRET
    def function() -> Generator[str, str, str]:
        try:
            sent = yield ask_mock()
            yield sent + ask_mock()
        except LookupError:
            yield "caught"
        return "returned"

    assert inspect.isgeneratorfunction(function)
    generator: Any = function()
    assert next(generator) == "one"
    assert generator.send("b") == "bone"
    assert generator.throw(LookupError) == "caught"
    with pytest.raises(StopIteration, match="returned"):
        next(generator)
    assert socket.getaddrinfo is UNTOUCHED


async def test_asynchronous_generator() -> None:
    """The same for an asynchronous generator, and its end before its last step."""
    closed = []

    @WITH_SECRET
    async def function() -> AsyncIterator[Any]:
        try:
            sent = yield "first"
            yield sent
        except LookupError:
            yield "caught"
        finally:
            closed.append(socket.getaddrinfo is not UNTOUCHED)

    assert inspect.isasyncgenfunction(function)
    generator: Any = function()
    assert await anext(generator) == "first"
    assert await generator.asend("b") == "b"
    assert await generator.athrow(LookupError) == "caught"
    with pytest.raises(StopAsyncIteration):
        await anext(generator)
    early: Any = function()
    assert await anext(early) == "first"
    await early.aclose()
    assert closed == [True, True]
    assert socket.getaddrinfo is UNTOUCHED


async def test_asynchronous_context_manager() -> None:
    """`async with` is the same as `with`."""
    async with WITH_SECRET as kms, kms.intercept():
        assert await asyncio.to_thread(ask_mock) == "one"


def test_fixtures_that_can_be_read_once() -> None:
    """Fixtures from an iterator are there for every call."""
    mock = mock_kms(iter([holding("one")]))
    for _ in range(2):
        with mock:
            assert ask_mock() == "one"


def test_access_keys() -> None:
    """The environment has the key pair that is asked for, else the account's own, else the dummy."""

    def pair() -> tuple[str, str]:
        return os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"], os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]

    user = {"id": "of-user", "secret": "u", "user": "bob"}
    keys = [
        {"id": "off", "secret": "x", "active": False},
        user,
        {"id": "of-account", "secret": "a"},
        {"id": "no-secret"},
    ]
    fixture = {"accounts": [{"id": "1234567890123456", "access_keys": keys}]}
    with mock_kms():
        assert pair() == ("mock", "mock")
    with mock_kms(fixture) as kms:
        assert pair() == ("of-account", "a")
        with kms.intercept(access_key_id="of-user"):
            assert pair() == ("of-user", "u")
        with kms.intercept(access_key_id="unknown", access_key_secret="secret"):
            assert pair() == ("unknown", "secret")
    with mock_kms(fixture, access_key_id="no-secret"):
        assert pair() == ("no-secret", "mock")


# -- classes ----------------------------------------------------------------------------------------------------------
class Base(unittest.TestCase):
    def setUp(self) -> None:
        self.in_setup = ask_mock()
        self.addCleanup(ask_mock)


@WITH_SECRET
class DecoratedCase(Base):
    def test_setup_and_test(self) -> None:
        assert self.in_setup == ask_mock() == "one"

    def test_failure(self) -> None:
        self.fail(ask_mock())


class Derived(DecoratedCase):
    def setUp(self) -> None:
        self.in_setup = ask_mock()


@WITH_SECRET
class AsynchronousCase(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.in_setup = await asyncio.to_thread(ask_mock)

    async def test_setup_and_test(self) -> None:
        assert self.in_setup == "one"


@pytest.mark.parametrize(("case", "failures"), [(DecoratedCase, 1), (Derived, 1), (AsynchronousCase, 0)])
def test_unittest(case: type[unittest.TestCase], failures: int) -> None:
    """setUp, test and cleanups of a test case, and of those that derive from it, are within the mock of each test."""
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    assert (len(result.failures), result.errors) == (failures, [])
    assert all("AssertionError: one" in text for _, text in result.failures)
    assert socket.getaddrinfo is UNTOUCHED


del Base, DecoratedCase, Derived, AsynchronousCase  # pytest would collect them, without the mock that they need


@WITH_SECRET
class TestClass:
    """Of a plain class every test has a mock of its own, also static and asynchronous ones; nothing else is touched."""

    test_data = "not a function"

    def helper(self) -> bool:
        return socket.getaddrinfo is UNTOUCHED

    def test_method(self) -> None:
        assert ask_mock() == "one"
        assert not self.helper()

    async def test_asynchronous(self) -> None:
        assert await asyncio.to_thread(ask_mock) == "one"

    @staticmethod
    def test_static() -> None:
        assert ask_mock() == "one"

    @classmethod
    def test_class(cls) -> None:
        assert ask_mock() == "one"


def test_what_is_no_test_is_untouched() -> None:
    """Only tests are decorated."""
    assert TestClass().helper()
    assert TestClass.test_data == "not a function"


@WITH_SECRET
class TestSetup:
    """With `setup_method` the mock runs from there to `teardown_method`."""

    def setup_method(self) -> None:
        self.in_setup = ask_mock()

    def test_method(self) -> None:
        assert self.in_setup == ask_mock() == "one"

    def teardown_method(self) -> None:
        assert ask_mock() == "one"


def test_a_setup_that_fails_leaves_nothing_behind() -> None:
    """There is no teardown then."""

    @WITH_SECRET
    class Failing:
        def setup_method(self) -> None:
            raise LookupError(ask_mock())

    with pytest.raises(LookupError, match="one"):
        Failing().setup_method()
    assert socket.getaddrinfo is UNTOUCHED
