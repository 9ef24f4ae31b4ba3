"""Regular expressions that are compiled when they are first used: that takes 0.1 ms of each, and most runs need few.

What most requests use is better compiled at once: a method of these is looked up a little slower.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any, AnyStr, Generic, cast


class _Regex(Generic[AnyStr]):
    """Has what is used of a compiled pattern; from the second use on a method is the compiled pattern's own."""

    def __init__(self, pattern: AnyStr, flags: int) -> None:
        self.pattern: AnyStr = pattern
        self._flags = flags

    @cached_property
    def _compiled(self) -> re.Pattern[AnyStr]:
        return re.compile(self.pattern, self._flags)

    @cached_property
    def fullmatch(self) -> Any:
        return self._compiled.fullmatch

    @cached_property
    def match(self) -> Any:
        return self._compiled.match

    @cached_property
    def search(self) -> Any:
        return self._compiled.search

    @cached_property
    def findall(self) -> Any:
        return self._compiled.findall

    @cached_property
    def finditer(self) -> Any:
        return self._compiled.finditer

    @cached_property
    def sub(self) -> Any:
        return self._compiled.sub

    @cached_property
    def split(self) -> Any:
        return self._compiled.split


def regex(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return a regular expression with the methods of a compiled one, and its `pattern`.

    It is no argument for the functions of `re`. A wrong one raises re.error at its first use.
    """
    return cast("re.Pattern[AnyStr]", _Regex(pattern, flags))
