"""Reading an account through the official SDK: pages, throttling, what may not be read."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alibabacloud_kms20160120.client import Client

_ATTEMPTS = 10
_FIRST_WAIT_SECONDS = 0.2
_LONGEST_WAIT_SECONDS = 20.0
_PAGE_SIZE = 100
# Codes that another attempt may answer otherwise; every other one is final.
_PASSING = re.compile(
    r"(Rejected\.)?Throttling(\..*)?|ServiceUnavailable(Temporary)?|(Rejected\.)?Unavailable|InternalFailure"
)


class ReadError(Exception):
    """A call that the service refused, or that did not get through: `code` is its error code, "" for none."""

    def __init__(self, problem: str, code: str) -> None:
        super().__init__(problem)
        self.code = code


class AccountReader:
    """Calls of one account in one region. `waits` counts how often a call was made to wait."""

    def __init__(self, client: Client, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._sleep = sleep
        self.waits = 0

    def call(self, action: str, **parameters: Any) -> dict[str, Any]:
        """Return the answer of an operation in wire spelling; a throttled call is repeated. Raises ReadError."""
        from alibabacloud_kms20160120 import models  # noqa: PLC0415 (an extra)

        request = getattr(models, f"{action}Request")(**parameters)
        method = getattr(self._client, re.sub(r"(?<!^)(?=[A-Z])", "_", action).lower())
        wait = _FIRST_WAIT_SECONDS
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                body: dict[str, Any] = method(request).body.to_map()
            except Exception as error:  # noqa: BLE001 (the SDK's errors and its HTTP library's share no class)
                code = str(getattr(error, "code", "") or "")
                if attempt == _ATTEMPTS or (code and not _PASSING.fullmatch(code)):
                    raise ReadError(
                        f"{action} {_describe(error, code)}", code
                    ) from None  # its text may hold the request
            else:
                return body
            self.waits += 1
            self._sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT_SECONDS)
        raise AssertionError("the last attempt returns or raises")

    def pages(self, action: str, *path: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Yield the entries of all pages of a list, which is found in an answer by its path. Raises ReadError."""
        number = 0
        seen = 0
        while True:
            number += 1
            answer = self.call(action, page_number=number, page_size=_PAGE_SIZE, **parameters)
            entries = entries_of(answer, *path)
            yield from entries
            seen += len(entries)
            if not entries or seen >= int(answer.get("TotalCount") or 0):
                return


def entries_of(answer: dict[str, Any], *path: str) -> list[dict[str, Any]]:
    """Return a list inside an answer; an empty one may be left out by the service."""
    found: Any = answer
    for name in path:
        found = (found or {}).get(name)
    return list(found or [])


def _describe(error: Exception, code: str) -> str:
    request_id = str(
        (getattr(error, "data", None) or {}).get("RequestId", "") or getattr(error, "request_id", "") or ""
    )
    if code:
        return f"was refused with {code}" + (f" (request {request_id})" if request_id else "")
    return f"got no answer: {type(error).__name__}"
