"""Attributes of other people's modules and classes, replaced and put back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import update_wrapper
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, NamedTuple

_MISSING = object()

Make = Callable[[Callable[..., Any]], Callable[..., Any]]


class _Replaced(NamedTuple):
    owner: Any
    name: str
    former: Any  # what the owner itself had, _MISSING when it inherited
    replacement: Any


class Replacements:
    """Functions replaced by wrappers, and put back exactly as they were, in the reverse order."""

    def __init__(self) -> None:
        self._replaced: list[_Replaced] = []

    def replace(self, owner: Any, name: str, make: Make) -> None:
        """Replace a function of a module or class by what `make` makes of it."""
        original = getattr(owner, name)
        replacement = update_wrapper(make(original), original)
        self._replaced.append(_Replaced(owner, name, vars(owner).get(name, _MISSING), replacement))
        setattr(owner, name, replacement)

    def undo(self) -> None:
        """Put all back. What somebody else has replaced since stays: it may call ours, which then changes nothing."""
        while self._replaced:
            replaced = self._replaced.pop()
            if vars(replaced.owner).get(replaced.name) is not replaced.replacement:
                continue
            if replaced.former is _MISSING:
                delattr(replaced.owner, replaced.name)
            else:
                setattr(replaced.owner, replaced.name, replaced.former)


class LateImports(MetaPathFinder):
    """Calls a function with the name of each of the given modules after it was imported, until it is removed."""

    def __init__(self, names: Sequence[str], imported: Callable[[str], None]) -> None:
        self.executing = set[str]()  # those whose import has begun and not ended
        self._names = names
        self._imported = imported

    def install(self) -> None:
        """Start to watch."""
        sys.meta_path.insert(0, self)

    def remove(self) -> None:
        """Stop watching."""
        sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not self]

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return what the other finders find, with a loader that tells of the end of the import."""
        if fullname not in self._names:
            return None
        others = (finder for finder in list(sys.meta_path) if finder is not self)
        specs = (finder.find_spec(fullname, path, target) for finder in others)
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is None or spec.loader is None:
            return spec
        loader: Any = spec.loader
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            del loader.exec_module  # the loader is as it was
            self.executing.add(fullname)
            try:
                execute(module)
            finally:
                self.executing.discard(fullname)
            self._imported(fullname)

        loader.exec_module = exec_module
        return spec
