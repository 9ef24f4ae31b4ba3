"""The one place where exceptions about a client's bytes become errors of this package.

`cryptography` and OpenSSL refuse bytes in many ways (ValueError, TypeError, UnsupportedAlgorithm, InternalError,
InvalidVersion, DuplicateExtension, ...), some of them only when a key is used, and their texts can quote what they read.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from kms_mock.crypto.errors import CryptoError

__all__ = ["guard", "passes"]


class guard:  # noqa: N801 (read as a word of the language, like contextlib's)
    """Context for code that works on a client's bytes: whatever is raised about them becomes `error(text)`.

    Errors of this package pass as they are; so do all that bytes cannot cause (AttributeError, MemoryError, ...).
    """

    __slots__ = ("_error", "_text")

    def __init__(self, error: type[CryptoError], text: str) -> None:
        self._error = error
        self._text = text

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if raised is not None and not isinstance(raised, CryptoError) and _is_about_bytes(raised):
            raise self._error(self._text) from None


def passes(verify: Callable[..., object], *arguments: object) -> bool:
    """Return whether a verification raises nothing; False for whatever it raises about a client's bytes."""
    try:
        verify(*arguments)
    except Exception as raised:
        if not _is_about_bytes(raised):
            raise
        return False
    return True


def _is_about_bytes(raised: BaseException) -> bool:
    return isinstance(raised, (ValueError, TypeError, OverflowError)) or type(raised).__module__.startswith(
        "cryptography."
    )
