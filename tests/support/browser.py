"""Helpers of the tests of the page in a browser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

BROWSER_FIXTURE = {
    "accounts": [
        {
            "id": "1234567890123456",
            "access_keys": [{"id": "LTAI-app", "secret": "app-secret-0123", "user": "app"}],
            "users": [{"name": "app", "policies": ["AliyunKMSFullAccess"]}],
        }
    ],
    "secrets": [
        {"name": "app/database-url", "value": "postgres://hunter2", "description": "where the data is"},
        {
            "name": "rds/orders",
            "type": "Rds",
            "extended_config": {"SecretSubType": "SingleUser", "DBInstanceId": "rm-1"},
            "rotation_interval": "7d",
            "value": '{"AccountName":"orders","AccountPassword":"s3cret-Orders"}',
        },
    ],
    "keys": [{"id": "11111111-2222-4333-8444-555555555555", "aliases": ["alias/app"], "rotation_interval": "365d"}],
}


@dataclass
class Visit:
    """One page of a browser on a mock, and what went wrong in it."""

    page: Any
    url: str
    problems: list[str] = field(default_factory=list)

    def go(self, place: str) -> None:
        """Show a view."""
        self.page.goto(f"{self.url}/_kms_mock/{place}")
        self.page.locator("#view > :not(noscript)").first.wait_for(state="attached")

    def watch(self) -> None:
        """Note errors in the console, exceptions, and requests to other hosts."""
        self.page.on("console", self._note_message)
        self.page.on("pageerror", lambda error: self.problems.append(f"exception: {error}"))
        self.page.on("request", self._note_request)

    def _note_message(self, message: Any) -> None:
        # The browser itself notes every refused call; the page shows them.
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            self.problems.append(f"console: {message.text}")

    def _note_request(self, request: Any) -> None:
        if not request.url.startswith(f"{self.url}/"):
            self.problems.append(f"request: {request.url}")


Open = Callable[..., Visit]
