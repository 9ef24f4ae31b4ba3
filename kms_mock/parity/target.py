"""A service that cases are run against: the real one, or a mock."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

_ATTEMPTS = 8
_FIRST_WAIT_SECONDS = 0.5
_THROTTLED = re.compile(r"(Rejected\.)?Throttling(\..*)?")


class UnreachableError(Exception):
    """A call that got no answer from the service."""


class Answer(Struct, frozen=True):
    """What a service answered: HTTP status, error code and text ("" for a success), the body of a success."""

    status: int
    code: str = ""
    text: str = ""
    body: dict[str, Any] = {}


class Target:
    """Calls operations of one service by name, signed by the official SDK. `calls` counts them."""

    def __init__(self, config: Any, sleep: Callable[[float], None] = time.sleep) -> None:
        """Take the SDK's `Config`: credentials, region, endpoint, protocol."""
        from alibabacloud_tea_openapi.client import Client  # noqa: PLC0415 (an extra)

        self.region: str = config.region_id
        self._client = Client(config)
        self._sleep = sleep
        self.calls = 0

    def call(self, action: str, parameters: Mapping[str, str]) -> Answer:
        """Return what the service answers; a throttled call is repeated. Raises UnreachableError."""
        wait = _FIRST_WAIT_SECONDS
        for _ in range(_ATTEMPTS):
            answer = self._once(action, parameters)
            if not _THROTTLED.fullmatch(answer.code):
                return answer
            self._sleep(wait)
            wait *= 2
        raise UnreachableError(f"{action} is throttled")

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
            status = getattr(error, "status_code", None) or getattr(error, "statusCode", None)
            data = getattr(error, "data", None) or {}
            status = status or data.get("statusCode") or data.get("httpCode") or data.get("HttpStatus")
            if not code or status is None:
                raise UnreachableError(f"{action} got no answer: {type(error).__name__}") from None
            return Answer(int(status), code, _plain_text(str(getattr(error, "message", "")), code))
        return Answer(int(found["statusCode"]), body=dict(found["body"]))


def _plain_text(message: str, code: str) -> str:
    """Return the service's own text, without what the SDK puts around it."""
    text = message.removeprefix(f"{code}: ").removeprefix("code: ")
    return re.sub(r"^\d+, (.*) request id: \S+$", r"\1", text, flags=re.DOTALL)
