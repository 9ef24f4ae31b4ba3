"""KmsMock: a server with its store, in one object that a test can hold."""

from __future__ import annotations

import logging
from asyncio import AbstractEventLoop, get_running_loop
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

from msgspec import structs

from kms_mock import fixtures as fixture_files
from kms_mock.config import Config, check_region
from kms_mock.control.clock import Clock
from kms_mock.control.controls import Controls
from kms_mock.control.faults import Fault, FaultOptions, Faults, fault_spec
from kms_mock.control.journal import Journal
from kms_mock.crypto.library import missing_for_seed
from kms_mock.defaults import CLIENT_KEY_PASSWORD, DEFAULT_ACCOUNT, OIDC_SUBJECT
from kms_mock.fixtures import Fixture, fixture_list
from kms_mock.lifecycle import Startable
from kms_mock.logs import LogRequest, log_request
from kms_mock.products import APIS
from kms_mock.rpc.api import Api
from kms_mock.rpc.authentication import Authenticator
from kms_mock.rpc.gateway import Gateway
from kms_mock.sdk_sessions import close_sessions, open_session
from kms_mock.server.certificates import Certificates
from kms_mock.server.guards import ProductGuard
from kms_mock.server.listener import HttpServer
from kms_mock.server.pool import RequestHandlers
from kms_mock.server.special import SpecialHandlers
from kms_mock.server.thread import ServerThread
from kms_mock.sources import Sources
from kms_mock.store.events import Event
from kms_mock.store.store import Store

if TYPE_CHECKING:
    from alibabacloud_kms20160120.client import Client

    from kms_mock.control.checkpoints import Checkpoint
    from kms_mock.control.namespaces import Namespace
    from kms_mock.fixtures.client_keys import ClientKeyFile
    from kms_mock.kms.model.access import ClientKey
    from kms_mock.persistence.state import State
    from kms_mock.reach.credentials import CredentialOptions, Credentials
    from kms_mock.reach.intercept import Interception

T = TypeVar("T")
_log = logging.getLogger(__name__)


class KmsMock(Startable):
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
        region: str | None = None,
        account: str = DEFAULT_ACCOUNT,
        seed: int | None = None,
        state: str | Path | None = None,
        config: Config | None = None,
        log_request: LogRequest = log_request,
        apis: Iterable[Api] = APIS,
    ) -> None:
        """Load the fixtures. Raises FixtureError when one is wrong; nothing listens before `start`.

        With a `region` the mock is that region's endpoint, whatever `RegionId` a client sends; without one, requests
        choose their region, and those that name none are in cn-hangzhou.

        With a `state` file the store and the clock are those of the file, if there is one, and whatever is answered is in
        it; the fixtures are what `reset` goes back to. `stop` lets others open the file, `start` opens it again. Raises
        StateError for one that cannot be used.

        Raises AuthorityError when the config names a certificate, or a folder for one, that cannot be used.
        A `config` holds what host, port, region, account, seed and state set, so it excludes them: ValueError.
        `log_request` is called for every answered request; see `kms_mock.logs`. `apis` are the products to serve.
        """
        file = None if state is None else Path(state)
        options = Config(host=host, port=port, region=region, account=account, seed=seed, state=file)
        if config is not None and options != Config():
            raise ValueError("pass either a config, or host, port, region, account, seed and state")
        self.config = config or options
        apis = tuple(apis)
        system = Sources.system() if self.config.seed is None else Sources.seeded(self.config.seed)
        if self.config.seed is not None and (missing := missing_for_seed()):
            _log.warning(missing)
        self.clock = Clock(system.now, settle=self._settle, between_requests=self._between_requests)
        self.sources = structs.replace(system, now=self.clock.now)
        self.store = Store(self.sources, self.config.account, self.config.default_region)
        self._state: State | None = None
        client_keys = next((api.client_keys for api in apis if api.client_keys), None)
        authenticator = Authenticator(self.store, self.sources, client_keys)
        self.controls = Controls(
            apis,
            self.store,
            self.clock,
            journal=Journal(self.config.journal, apis, max_bytes=self.config.journal_bytes),
            load=fixture_files.load,
            fixtures=fixture_list(fixtures),
            on_reset=authenticator.reset,
            settled=_settled_rules,
            commit=self._commit,
        )
        if self.config.state is not None:
            from kms_mock.persistence.state import make_state  # noqa: PLC0415 (only for who has a file)

            self._state = make_state(self.config, self.store, self.clock, apis)
        self._guard = ProductGuard(self.config, [pattern for api in apis for pattern in api.hosts])
        self.gateway = Gateway(
            apis,
            self.store,
            self.sources,
            authenticator=authenticator,
            guard=self._guard,
            faults=self.controls.faults,
            save=self._state.save_request if self._state else None,
            record=self.controls.record,
            log_request=log_request,
        )
        self.certificates = Certificates(self.config)
        self._server = ServerThread(self.http_server)
        if self._state is not None:  # the last thing that can fail, so that nobody is left with an open file
            self._state.open()

    # -- life ---------------------------------------------------------------------------------------------------------

    def http_server(self, loop: AbstractEventLoop | None = None) -> HttpServer:
        """Return the HTTP side of this mock, for a loop: by default the one that runs."""
        handlers = RequestHandlers(
            self.gateway.answer,
            self.gateway.malformed,
            SpecialHandlers(self.controls, self.config, self.certificates, self._guard),
            body_limit=self.gateway.body_limit,
            is_mocked=self.gateway.is_mocked,
            not_mocked=self.gateway.not_mocked,
            after_answers=self.controls.keep_calls,
        )
        return HttpServer(handlers, self.config, self.certificates, loop or get_running_loop())

    def start(self) -> Self:
        """Listen. Raises OSError at once when the port is taken, RuntimeError when this mock is running already."""
        if self._state is not None:
            self._state.open()
        self._server.start()
        return self

    def stop(self) -> None:
        """Cancel running requests, close all connections and end the thread; the store stays as it is."""
        ports = self._server.stop()
        if self._state is not None:
            self._state.close()
        self.certificates.remove_file()
        for port in ports:
            close_sessions(self.config.endpoint(port))

    # -- where it is --------------------------------------------------------------------------------------------------

    @property
    def is_running(self) -> bool:
        """Whether it listens."""
        return self._server.port is not None

    @property
    def port(self) -> int:
        """The port it listens on. Raises RuntimeError before `start` and after `stop`."""
        return _running(self._server.port)

    @property
    def endpoint(self) -> str:
        """`host:port`, as the official SDKs take it."""
        return self.config.endpoint(self.port)

    @property
    def url(self) -> str:
        """`http://host:port`."""
        return f"http://{self.endpoint}"

    @property
    def https_url(self) -> str:
        """`https://host:port`, on the same port; clients must trust `ca_pem`."""
        return f"https://{self.endpoint}"

    @property
    def ca_pem(self) -> str:
        """The certificate, in PEM, of the authority that issues this mock's certificates; made when first used."""
        return self.certificates.ca_pem

    @property
    def ca_file(self) -> str:
        """The path of a file that holds `ca_pem`; it is removed when the mock stops."""
        return str(self.certificates.ca_file)

    def endpoint_of(self, region: str) -> str:
        """Return the endpoint of a region, `host:port`: a listener of its own, opened when first asked for.

        Of the region of requests that name none it is `endpoint`. Raises ValueError for what is no region,
        RuntimeError like `port`, OSError when no port can be opened.
        """
        check_region(region)
        if region == self.config.default_region:
            return self.endpoint
        return self.config.endpoint(_running(self._server.port_of(region)))

    def client(self, *, access_key_id: str = "mock", access_key_secret: str = "mock", **options: Any) -> Client:  # noqa: S107 (any pair will do)
        """Return a client of the official SDK (alibabacloud-kms20160120) that talks to this mock.

        `options` go to its Config; with a `region_id` it talks to the endpoint of that region. Needs the extra
        `kms-mock[sdk]`.
        """
        from alibabacloud_kms20160120.client import Client  # noqa: PLC0415 (slow to import, and an extra)
        from alibabacloud_tea_openapi.utils_models import Config as SdkConfig  # noqa: PLC0415

        # The client names no region in its requests: the endpoint does.
        options = {"region_id": self.config.default_region, "protocol": "http", **options}
        if "endpoint" not in options:
            options["endpoint"] = self.endpoint_of(options["region_id"])
            open_session(options["endpoint"])
        return Client(SdkConfig(access_key_id=access_key_id, access_key_secret=access_key_secret, **options))

    def intercept(self, **options: Unpack[CredentialOptions]) -> Interception:
        """Send this process's calls of the real endpoints to this mock: `with kms.intercept(): ...`.

        The environment gets the AccessKey pair named by `access_key_id` and `access_key_secret`, else the first one that
        the default account has, else `mock`; with a `role` what leads to that role's credentials, `via` ecs, oidc, uri,
        sts, profile or keys (docs/roles.md). Raises ValueError for a mock that listens on an IPv6 address, for a role that
        this way does not lead to, and for an AccessKey without a secret where signatures are verified.
        """
        from kms_mock.reach.intercept import Interception  # noqa: PLC0415 (only when asked for)

        return Interception(self, self.credentials(**options))

    def credentials(self, **options: Unpack[CredentialOptions]) -> Credentials:
        """Return the variables and files by which a program finds credentials, as `intercept` and `kms-mock run` do."""
        from kms_mock.reach.credentials import find_credentials  # noqa: PLC0415 (only when asked for)

        url = self.url if options.get("role") else ""  # what an AccessKey needs not know, a mock that is off has not
        return self._between_requests(lambda: find_credentials(self.store, url, **options))

    def close_kept_connections(self) -> None:
        """Close the connections that clients keep for another request; those in use end with their answer."""
        self._server.close_kept_connections()

    # -- state --------------------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Go back to the fixtures it was made with; the clock, the faults and the calls start anew too."""
        self._between_requests(self.controls.reset)

    def load(self, fixture: Fixture) -> None:
        """Add what a fixture file or document describes. Raises FixtureError and changes nothing when it is wrong."""
        self._between_requests(lambda: self.controls.add(fixture))

    def snapshot(self) -> dict[str, Any]:
        """Return everything in the store as a fixture document, secret values included.

        Requests are answered meanwhile; it is of the moment of this call.
        """
        return fixture_files.exhausted(fixture_files.snapshot_in_steps(self.store), run=self._between_requests)

    def checkpoint(self) -> Checkpoint:
        """Remember the state: `with kms.checkpoint() as before: ...` comes back to it at the end."""
        from kms_mock.control.checkpoints import Checkpoint  # noqa: PLC0415 (a server alone needs none)

        return Checkpoint(self.store, self._between_requests)

    def namespace(self, fixtures: Fixture | Iterable[Fixture] = ()) -> Namespace:
        """Make an isolated account on this server, reached through an AccessKey of its own."""
        from kms_mock.control.namespaces import Namespace  # noqa: PLC0415 (few tests need it)

        return Namespace(self.controls, self._between_requests, self.client, _load_for_account, fixture_list(fixtures))

    def client_key(self, instance: str | None = None, *, password: str = CLIENT_KEY_PASSWORD) -> ClientKeyFile:
        """Return a client key for a KMS instance, as the clients of its gateway read it: `.write(folder)`.

        It is one whose private key a fixture file has, else a new one. Without `instance` it is the only one, or the
        default one. Raises ValueError for an unknown instance, and for a password that CreateClientKey would refuse.
        """
        from kms_mock.fixtures import client_keys  # noqa: PLC0415 (few tests need it)

        def find() -> ClientKey | None:
            return client_keys.find(self.store, instance, self.clock.now())

        client_keys.check_password(password)
        found = self._between_requests(find)
        if found is None:
            pair = self._between_requests(
                lambda: client_keys.work(self.store)
            )()  # takes long: not on the server's loop
            self._between_requests(lambda: self.controls.add(client_keys.document(self.store, instance, pair)))
            found = self._between_requests(find)
        assert found is not None  # noqa: S101 (it was added)
        return client_keys.file_of(found, password)

    def oidc_token(
        self,
        subject: str = OIDC_SUBJECT,
        *,
        provider: str | None = None,
        account: str | None = None,
        lifetime: float = 3600,
        claims: Mapping[str, Any] | None = None,
    ) -> str:
        """Make a token that AssumeRoleWithOIDC takes, as an OIDC provider of the fixture files would.

        Without `provider` it is the only one of the account. `lifetime` is in seconds by the mock's clock; `claims` come
        on top, to make one that is refused. Raises ValueError.
        """
        from kms_mock.sts.oidc import find_provider, make_token  # noqa: PLC0415 (few tests need it)

        def make() -> str:
            found = find_provider(self.store, account or self.config.account, provider)
            return make_token(found, subject, self.clock.now(), lifetime=lifetime, claims=claims)

        return self._between_requests(make)

    # -- faults and calls ---------------------------------------------------------------------------------------------

    @property
    def calls(self) -> Journal:
        """What was asked for and answered: iterate, `filter`, `last`, `assert_called`, `assert_not_called`."""
        self._server.check_process()
        return self.controls.journal

    def fail(self, operation: str = "*", **options: Unpack[FaultOptions]) -> Fault:
        """Ask for a fault: `kms.fail("GetSecretValue", code="Rejected.Throttling", times=2)`.

        The arguments are the fields of `FaultSpec`. Raises ValueError for a fault that could never do anything,
        TypeError for an argument that does not exist.
        """
        spec = fault_spec(operation, options)
        return self._between_requests(lambda: self.controls.faults.add(spec))

    @property
    def faults(self) -> Faults:
        """The faults that were asked for; `unused` are those that did not strike as often as they should."""
        self._server.check_process()
        return self.controls.faults

    def minimal_policy(self, identity: str | None = None, *, include_refused: bool = False) -> dict[str, Any]:
        """Return the least RAM policy that permits what an identity used, since the start or `calls.clear()`.

        `identity` is an ARN or its end, such as `role/app`; it may be left out where only one used anything. With
        `include_refused` it permits what RAM refused, too. Raises ValueError.
        """
        from kms_mock.control.minimal_policy import choose  # noqa: PLC0415 (few tests need it)

        return choose(self.minimal_policies(include_refused=include_refused), identity)

    def minimal_policies(self, *, include_refused: bool = False) -> dict[str, dict[str, Any]]:
        """Return the least RAM policy of each identity that used something, by its ARN; see `minimal_policy`."""
        from kms_mock.control.minimal_policy import minimal_policies  # noqa: PLC0415 (few tests need it)

        found = self._between_requests(lambda: self.controls.journal.uses.since(0))
        return minimal_policies(found, include_refused=include_refused)

    def assert_no_leaks(self, subject: Any) -> None:
        """Assert that no secret value of a remembered call is in a text, bytes, a log record, or several of them."""
        from kms_mock.control.leaks import assert_no_leaks  # noqa: PLC0415 (few tests need it)

        assert_no_leaks(self.calls, subject)

    def _settle(self, now: float) -> list[Event]:
        return self.store.settle(now)

    def _between_requests(self, function: Callable[[], T]) -> T:
        return self._server.call(function if self._state is None else lambda: self._commit(function))

    def _commit(self, function: Callable[[], T]) -> T:
        return function() if self._state is None else self._state.commit(function)


def _running(port: int | None) -> int:
    if port is None:
        raise RuntimeError("this KmsMock is not running: use it in a with statement, or call start()")
    return port


def _load_for_account(store: Store, fixture: Fixture, account: str) -> None:
    fixture_files.load(store, fixture, account=account)


def _settled_rules() -> Mapping[str, str]:
    from kms_mock.parity.results import settled_rules  # noqa: PLC0415 (few ask for it)

    return settled_rules()
