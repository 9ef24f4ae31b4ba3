"""What can be started and stopped, as a context manager."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Startable(ABC):
    """Runs from `start` to `stop`: in a `with` statement, or in an `async with`, on the thread that it is on.

    Both take about a millisecond. On another thread they could be cancelled, and leave behind what they started.
    """

    @abstractmethod
    def start(self) -> Self:
        """Begin; return itself."""

    @abstractmethod
    def stop(self) -> None:
        """End."""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
