"""A property that is computed when first asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")
R = TypeVar("R")


class cached(Generic[T, R]):  # noqa: N801 (used as a decorator)
    """`functools.cached_property` without the lock that it has before Python 3.12, which costs more than many a value."""

    def __init__(self, compute: Callable[[T], R]) -> None:
        self._compute = compute
        self._name = compute.__name__
        self.__doc__ = compute.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> cached[T, R]: ...

    @overload
    def __get__(self, instance: T, owner: type) -> R: ...

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        value = instance.__dict__[self._name] = self._compute(instance)
        return value
