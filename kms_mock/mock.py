"""KmsMock: a server with its store, in one object that a test can hold."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from kms_mock import fixtures as fixture_files
from kms_mock.config import DEFAULT_ACCOUNT, DEFAULT_REGION, Config
from kms_mock.gateway import Gateway
from kms_mock.model.store import Store
from kms_mock.server import HttpServer, ServerThread
from kms_mock.sources import Sources

if TYPE_CHECKING:
    from alibabacloud_kms20160120.client import Client

T = TypeVar("T")
Fixture = str | Path | Mapping[str, Any]


class KmsMock:
    """A mock KMS on a thread of its own, at a free port of 127.0.0.1 unless told otherwise.

    `with KmsMock(fixtures=["secrets.yaml"]) as kms: kms.client().get_secret_value(...)`. A fixture is the path of a
    YAML or JSON file, or the document itself. Methods may be called from any thread: each acts between two requests.
    """

    def __init__(
        self,
        fixtures: Iterable[Fixture] = (),
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        region: str = DEFAULT_REGION,
        account: str = DEFAULT_ACCOUNT,
        seed: int | None = None,
        config: Config | None = None,
    ) -> None:
        """Load the fixtures. Raises FixtureError when one is wrong; nothing listens before `start`."""
        self.config = config or Config(host=host, port=port, region=region, account=account, seed=seed)
        seed = self.config.seed
        self.sources = Sources.system() if seed is None else Sources.seeded(seed)
        self.store = Store(self.sources, self.config.account, self.config.region)
        self.gateway = Gateway(self.store, self.sources)
        for fixture in fixtures:
            fixture_files.load(self.store, fixture)
        self._initial = self.store.state()
        self._thread: ServerThread | None = None

    # -- life ---------------------------------------------------------------------------------------------------------

    def http_server(self) -> HttpServer:
        """Make the HTTP side of this mock, for a caller that runs it on a loop of its own."""
        return HttpServer(self.gateway.answer, self.gateway.malformed, self.config)

    def start(self) -> Self:
        """Listen. Raises OSError at once when the port is taken."""
        if self._thread is not None:
            raise RuntimeError("this KmsMock is running already")
        thread = ServerThread(self.http_server)
        thread.start()
        self._thread = thread
        return self

    def stop(self) -> None:
        """Close all connections and end the thread; the store stays as it is."""
        if self._thread is not None:
            self._thread.stop()
            self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.start)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)

    # -- where it is --------------------------------------------------------------------------------------------------

    @property
    def port(self) -> int:
        """The port it listens on. Raises RuntimeError before `start`."""
        if self._thread is None:
            raise RuntimeError("this KmsMock is not running: use it in a with statement, or call start()")
        return self._thread.port

    @property
    def endpoint(self) -> str:
        """`host:port`, as the official SDKs take it."""
        return f"{self.config.host}:{self.port}"

    @property
    def url(self) -> str:
        """`http://host:port`."""
        return f"http://{self.endpoint}"

    def client(self, *, access_key_id: str = "mock", access_key_secret: str = "mock", **options: Any) -> Client:  # noqa: S107 (any pair will do)
        """Make a client of the official SDK (alibabacloud-kms20160120) that talks to this mock.

        `options` go to its Config. Needs the extra `kms-mock[sdk]`.
        """
        from alibabacloud_kms20160120.client import Client  # noqa: PLC0415 (slow to import, and an extra)
        from alibabacloud_tea_openapi.utils_models import Config as SdkConfig  # noqa: PLC0415

        options = {"region_id": self.config.region, "endpoint": self.endpoint, "protocol": "http", **options}
        return Client(SdkConfig(access_key_id=access_key_id, access_key_secret=access_key_secret, **options))

    # -- state --------------------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Go back to the fixtures it was made with."""
        self._between_requests(lambda: self.store.restore(self._initial))

    def load(self, fixture: Fixture) -> None:
        """Add what a fixture file or document describes. Raises FixtureError and changes nothing when it is wrong."""
        self._between_requests(lambda: fixture_files.load(self.store, fixture))

    def snapshot(self) -> dict[str, Any]:
        """Give everything in the store as a fixture document, secret values included."""
        return self._between_requests(lambda: fixture_files.snapshot(self.store))

    def _between_requests(self, function: Callable[[], T]) -> T:
        return function() if self._thread is None else self._thread.call(function)
