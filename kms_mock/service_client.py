"""Calls of a service by the official SDK: the real one, or a mock that stands in for it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

_ATTEMPTS = 10
_FIRST_WAIT_SECONDS = 0.2
_LONGEST_WAIT_SECONDS = 20.0
_PAGE_SIZE = 100
_MOST_PAGES = 1000  # the quotas of an account are far below
_THROTTLED = re.compile(r"(Rejected\.)?Throttling(\..*)?")
# Codes that another attempt may answer otherwise.
_PASSING = re.compile(rf"{_THROTTLED.pattern}|ServiceUnavailable(Temporary)?|(Rejected\.)?Unavailable|InternalFailure")


class UnreachableError(Exception):
    """A call that got no answer from the service, or was throttled to the end."""


class Answer(Struct, frozen=True):
    """What a service answered: HTTP status, error code and text ("" for a success), the body of a success."""

    status: int
    code: str = ""
    text: str = ""
    body: dict[str, Any] = {}
    request_id: str = ""


class RefusedError(Exception):
    """A call that had to succeed and was refused."""

    def __init__(self, action: str, answer: Answer) -> None:
        request = f" (request {answer.request_id})" if answer.request_id else ""
        super().__init__(f"{action} was refused with {answer.code}{request}")
        self.code = answer.code


class ServiceClient:
    """Calls operations of one service by name. `calls` counts attempts, `waits` those that were repeated.

    A throttled call is repeated. One that only reads may be `patient`: it is repeated, too, when the service fails or
    when no answer comes.
    """

    def __init__(self, config: Any, *, patient: bool = False, sleep: Callable[[float], None] = time.sleep) -> None:
        """Take the SDK's `Config`: credentials, region, endpoint, protocol."""
        from alibabacloud_tea_openapi.client import Client  # noqa: PLC0415 (an extra)

        self.region: str = config.region_id
        self._client = Client(config)
        self._patient = patient
        self._sleep = sleep
        self.calls = 0
        self.waits = 0

    def ask(self, action: str, parameters: Mapping[str, str]) -> Answer:
        """Return what the service answers. Raises UnreachableError."""
        wait = _FIRST_WAIT_SECONDS
        passing = _PASSING if self._patient else _THROTTLED
        for left in reversed(range(_ATTEMPTS)):  # pragma: no branch (the last one ends it)
            try:
                answer = self._once(action, parameters)
            except UnreachableError:
                if not (self._patient and left):
                    raise
            else:
                if not (passing.fullmatch(answer.code) and left):
                    break
            self.waits += 1
            self._sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT_SECONDS)
        if _THROTTLED.fullmatch(answer.code):
            raise UnreachableError(f"{action} is throttled")
        return answer

    def call(self, action: str, **parameters: str) -> dict[str, Any]:
        """Return the body of an answer. Raises RefusedError, UnreachableError."""
        answer = self.ask(action, parameters)
        if answer.code:
            raise RefusedError(action, answer)
        return answer.body

    def pages(self, action: str, path: str, **parameters: str) -> Iterator[dict[str, Any]]:
        """Yield the entries of all pages of a list, which is in an answer at a path. Raises as `call` does.

        UnreachableError for a list that does not end: whoever answers is no KMS.
        """
        seen = 0
        for number in range(1, _MOST_PAGES + 1):
            answer = self.call(action, PageNumber=str(number), PageSize=str(_PAGE_SIZE), **parameters)
            entries = field(answer, path) or []  # an empty list may be left out
            yield from entries
            seen += len(entries)
            if not entries or seen >= int(answer.get("TotalCount") or 0):
                return
        raise UnreachableError(f"{action} has no end: {seen} entries came")

    def _once(self, action: str, parameters: Mapping[str, str]) -> Answer:
        from alibabacloud_tea_openapi import models  # noqa: PLC0415
        from alibabacloud_tea_util.models import RuntimeOptions  # noqa: PLC0415

        self.calls += 1
        names = {"action": action, "version": "2016-01-20", "protocol": "HTTPS", "pathname": "/", "method": "POST"}
        kinds = {"auth_type": "AK", "style": "RPC", "req_body_type": "formData", "body_type": "json"}
        request = models.OpenApiRequest(query=dict(parameters))
        try:
            found = self._client.call_api(models.Params(**names, **kinds), request, RuntimeOptions())
        except Exception as error:  # noqa: BLE001 (the SDK's errors and its HTTP library's share no class)
            code = str(getattr(error, "code", "") or "")
            data = getattr(error, "data", None) or {}
            status = getattr(error, "status_code", None) or data.get("statusCode") or data.get("HttpStatus")
            if not code or status is None:  # the text of the error may hold the request
                raise UnreachableError(f"{action} got no answer: {type(error).__name__}") from None
            text = _plain_text(str(getattr(error, "message", "")), code)
            return Answer(int(status), code, text, request_id=str(data.get("RequestId") or ""))
        return Answer(int(found["statusCode"]), body=dict(found["body"]))


def field(body: Any, path: str) -> Any:
    """Return a field of an answer by a path such as `KeyMetadata.KeyId`, None where there is none."""
    found = body
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _plain_text(message: str, code: str) -> str:
    """Return the service's own text, without what the SDK puts around it."""
    text = message.removeprefix(f"{code}: ").removeprefix("code: ")
    return re.sub(r"^\d+, (.*) request id: \S+$", r"\1", text, flags=re.DOTALL)
