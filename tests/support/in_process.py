"""A server without HTTP: requests go straight to the gateway, and time stands still until a test moves it."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote, urlencode

from msgspec.structs import replace

from kms_mock import fixtures
from kms_mock.defaults import DEFAULT_ACCOUNT, DEFAULT_REGION
from kms_mock.products import APIS
from kms_mock.rpc.decode import HttpRequest
from kms_mock.rpc.encode import HttpResponse
from kms_mock.rpc.gateway import Gateway
from kms_mock.sources import Sources
from kms_mock.store.store import Store
from tests.support import provoked
from tests.support.raw_http import api_version

START = 1_800_000_000.0


class InProcess:
    """A gateway over a store of its own. `now` is its time in seconds since 1970 UTC, for tests to set."""

    def __init__(self, fixture: dict[str, Any] | None = None, seed: int = 1) -> None:
        self.now = START
        sources = replace(Sources.seeded(seed), now=lambda: round(self.now, 6))
        self.store = Store(sources, DEFAULT_ACCOUNT, DEFAULT_REGION)
        self.gateway = Gateway(APIS, self.store, sources, record=provoked.record)
        self._runner = asyncio.Runner()
        if fixture is not None:
            fixtures.load(self.store, fixture)

    def close(self) -> None:
        """Close the event loop."""
        self._runner.close()

    def call(self, operation: str, **parameters: str) -> tuple[str, dict[str, Any]]:
        """Send one request; give the error's code ("" for success) and the body. A refusal must change nothing."""
        region = parameters.get("RegionId", DEFAULT_REGION)
        self.store.open(DEFAULT_ACCOUNT, region, self.now)  # what is due happens to refused requests too
        before = self.store.state()
        answer = self.raw(operation, **parameters)
        body: dict[str, Any] = json.loads(answer.body)
        assert answer.status != 500, body
        if answer.code:
            assert self.store.state() == before, answer.code
        return answer.code, body

    def raw(self, operation: str, **parameters: str) -> HttpResponse:
        """Send one request; return the answer as it is."""
        query = urlencode({"Action": operation, "Version": api_version(operation), **parameters}, quote_via=quote)
        return self._runner.run(self.gateway.answer(HttpRequest("POST", f"/?{query}", {})))
