"""KmsMock: a server with its store, in one object that a test can hold."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from msgspec import structs

from kms_mock import fixtures as fixture_files
from kms_mock.config import DEFAULT_ACCOUNT, DEFAULT_REGION, Config
from kms_mock.control.api import ControlApi
from kms_mock.control.checkpoints import Checkpoint
from kms_mock.control.clock import Clock
from kms_mock.control.controls import Controls
from kms_mock.control.faults import Fault, Faults, FaultSpec
from kms_mock.control.journal import Journal
from kms_mock.control.leaks import assert_no_leaks
from kms_mock.control.namespaces import Namespace
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
        fixtures: Fixture | Iterable[Fixture] = (),
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        region: str = DEFAULT_REGION,
        account: str = DEFAULT_ACCOUNT,
        seed: int | None = None,
        config: Config | None = None,
    ) -> None:
        """Load the fixtures. Raises FixtureError when one is wrong; nothing listens before `start`.

        A `config` says everything that the other options say, so it comes without them: ValueError if not.
        """
        said = Config(host=host, port=port, region=region, account=account, seed=seed)
        if config is not None and said != Config():
            raise ValueError("give either a config, or host, port, region, account and seed")
        self.config = config or said
        system = Sources.system() if self.config.seed is None else Sources.seeded(self.config.seed)
        self.clock = Clock(system.now)
        self.sources = structs.replace(system, now=self.clock.now)
        self.store = Store(self.sources, self.config.account, self.config.region)
        self.gateway = Gateway(self.store, self.sources)
        self.controls = Controls(self.store, self.clock, self.config.journal)
        self.clock.between_requests = self._between_requests
        self.gateway.faults, self.gateway.record = self.controls.faults, self.controls.record
        for fixture in _several(fixtures):
            self.controls.add(fixture)
        self.controls.remember()
        self._thread: ServerThread | None = None

    # -- life ---------------------------------------------------------------------------------------------------------

    def http_server(self) -> HttpServer:
        """Make the HTTP side of this mock, for a caller that runs it on a loop of its own."""
        return HttpServer(
            self.gateway.answer, self.gateway.malformed, ControlApi(self.controls, self.config).answer, self.config
        )

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
            endpoint = self.endpoint
            self._thread.stop()
            self._thread = None
            _close_sessions(endpoint)

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
        return self.config.endpoint(self.port)

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
        _open_session(self.endpoint)
        return Client(SdkConfig(access_key_id=access_key_id, access_key_secret=access_key_secret, **options))

    # -- state --------------------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Go back to the fixtures it was made with; the clock, the faults and the calls start anew too."""
        self._between_requests(self.controls.reset)

    def load(self, fixture: Fixture) -> None:
        """Add what a fixture file or document describes. Raises FixtureError and changes nothing when it is wrong."""
        self._between_requests(lambda: self.controls.add(fixture))

    def snapshot(self) -> dict[str, Any]:
        """Give everything in the store as a fixture document, secret values included."""
        return self._between_requests(lambda: fixture_files.snapshot(self.store))

    def checkpoint(self) -> Checkpoint:
        """Remember the state: `with kms.checkpoint() as before: ...` comes back to it at the end."""
        return Checkpoint(self.store, self._between_requests)

    def namespace(self, fixtures: Fixture | Iterable[Fixture] = ()) -> Namespace:
        """Make an isolated account on this server, reached through an AccessKey of its own."""
        return Namespace(self.controls, self._between_requests, self.client, _several(fixtures))

    # -- faults and calls ---------------------------------------------------------------------------------------------

    @property
    def calls(self) -> Journal:
        """What was asked for and answered: iterate, `filter`, `last`, `assert_called`, `assert_not_called`."""
        return self.controls.journal

    def fail(self, operation: str = "*", **aim_and_effect: Any) -> Fault:
        """Ask for a fault: `kms.fail("GetSecretValue", code="Rejected.Throttling", times=2)`.

        The arguments are the fields of `FaultSpec`. Raises ValueError for one that could never do anything.
        """
        spec = FaultSpec(operation=operation, **aim_and_effect)
        return self._between_requests(lambda: self.controls.faults.add(spec))

    @property
    def faults(self) -> Faults:
        """The faults that were asked for; `unused` are those that did not strike as often as they should."""
        return self.controls.faults

    def assert_no_leaks(self, subject: Any) -> None:
        """Assert that no secret value of a remembered call is in a text, bytes, a log record, or several of them."""
        assert_no_leaks(self.calls, subject)

    def _between_requests(self, function: Callable[[], T]) -> T:
        return function() if self._thread is None else self._thread.call(function)


def _several(fixtures: Fixture | Iterable[Fixture]) -> Iterable[Fixture]:
    """Let one fixture stand for a list of one: a path is itself a sequence, of letters."""
    return [fixtures] if isinstance(fixtures, str | Path | Mapping) else fixtures


def _open_session(endpoint: str) -> None:
    """Spare the official SDK the TLS context that it makes for every endpoint: 25 ms a mock, and all is plain HTTP here.

    It keeps a session for each endpoint in a table of its own; should that change, it makes its own session again.
    """
    core: Any = sys.modules.get("darabonba.core")
    with contextlib.suppress(AttributeError):
        key, size = f"http://{endpoint}:80:pool={core.DEFAULT_POOL_MAXSIZE}", core.DEFAULT_POOL_MAXSIZE
        if key not in _sessions():
            session = core.Session()
            session.mount("http://", core.adapters.HTTPAdapter(pool_maxsize=size))
            _sessions()[key] = session


def _close_sessions(endpoint: str) -> None:
    """Close what the official SDK keeps for an endpoint until its process ends: open sockets among others.

    A run with a mock for every test would have no file descriptors left after a thousand tests, on macOS after 250.
    """
    sessions = _sessions()
    for key in [key for key in sessions if f"://{endpoint}:" in key]:
        sessions.pop(key).close()


def _sessions() -> dict[str, Any]:
    sessions: dict[str, Any] = getattr(getattr(sys.modules.get("darabonba.core"), "DaraCore", None), "_sessions", {})
    return sessions
