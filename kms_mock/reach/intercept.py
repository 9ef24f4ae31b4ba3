"""Interception: for its duration, this process finds the mock where the mocked products are.

The URL stays what the code asked for, so that signatures verify and the region comes from the host name.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable
from ssl import SSLContext
from typing import TYPE_CHECKING, Any, Self

from kms_mock.defaults import DEFAULT_REGION
from kms_mock.lifecycle import Startable
from kms_mock.reach import patches
from kms_mock.reach.asked import AskedHosts, Outcome
from kms_mock.reach.credentials import DUMMY_KEY, Credentials
from kms_mock.reach.environment import EnvironmentChange, in_process
from kms_mock.reach.hosts import RESERVED_ADDRESS, normal, not_mocked, place
from kms_mock.reach.replacing import LateImports, Replacements
from kms_mock.server.hosts import Place

if TYPE_CHECKING:
    from kms_mock.mock import KmsMock

# What replaces the socket module itself, with the function that tells whether it has: (module, function, argument).
_OTHER_SOCKETS = (
    ("gevent.monkey", "is_module_patched"),
    ("eventlet.patcher", "is_monkey_patched"),
)


class Interception(Startable):
    """Connections of this process to mocked products go to `mock`; other hosts of Alibaba Cloud raise NotMockedError.

    A context manager, also an asynchronous one. Interceptions nest, in any order and from any thread: the one that was
    started last counts. Without a mock, every host of Alibaba Cloud is refused.
    """

    def __init__(self, mock: KmsMock | None, credentials: Credentials = DUMMY_KEY) -> None:
        """Make an interception that is off. Raises ValueError for a mock that does not listen on IPv4."""
        if mock is not None and ":" in mock.config.host:
            raise ValueError(f"interception needs a mock that listens on an IPv4 address, not on {mock.config.host}")
        self.mock = mock
        region = DEFAULT_REGION if mock is None else mock.config.default_region
        self.environment = EnvironmentChange(in_process(credentials.variables, region), credentials.files)

    def start(self) -> Self:
        """Turn it on. Raises RuntimeError when it is on, when the mock does not run, or under gevent or eventlet."""
        if self.mock is not None:
            self.mock.port  # noqa: B018 (raises RuntimeError)
        former = _table.add(self)
        if former is not None and former.mock is not None:
            former.mock.close_kept_connections()
        return self

    def stop(self) -> None:
        """Turn it off; nothing happens when it is off."""
        if _table.remove(self) and self.mock is not None:
            self.mock.close_kept_connections()


class _Table:
    """The interceptions that are on, in the order of their start, and what they have replaced."""

    def __init__(self) -> None:
        self.active: tuple[Interception, ...] = ()  # replaced, never changed: it is read without the lock
        self.asked = AskedHosts()
        self._lock = threading.RLock()
        self._replacements = Replacements()
        self._late = LateImports(list(patches.WHEN_IMPORTED), self._imported)
        self._trusting: weakref.WeakKeyDictionary[SSLContext, set[str]] = weakref.WeakKeyDictionary()

    # -- on and off ---------------------------------------------------------------------------------------------------

    def add(self, interception: Interception) -> Interception | None:
        """Make an interception the one that counts; return the one that counted before."""
        with self._lock:
            if interception in self.active:
                raise RuntimeError("this interception is on already")
            if not self.active:
                self._install()
            interception.environment.apply()
            former = self.active[-1] if self.active else None
            self.active = (*self.active, interception)
            self.asked.intercepting = True
            return former

    def remove(self, interception: Interception) -> bool:
        """Take an interception away; return whether it was there."""
        with self._lock:
            if interception not in self.active:
                return False
            position = self.active.index(interception)
            later = self.active[position + 1 : position + 2]
            self.active = tuple(other for other in self.active if other is not interception)
            interception.environment.undo(later[0].environment if later else None)
            if not self.active:
                self._late.remove()
                self._replacements.undo()
            return True

    def _install(self) -> None:
        _refuse_other_sockets()
        try:
            patches.replace_standard(self._replacements, self)
            for name, replace in patches.WHEN_IMPORTED.items():
                if name in sys.modules:
                    replace(self._replacements, self)
        except BaseException:
            self._replacements.undo()
            raise
        self._late.install()

    def _imported(self, name: str) -> None:
        with self._lock:
            if self.active:
                patches.WHEN_IMPORTED[name](self._replacements, self)

    # -- what the replaced functions ask ------------------------------------------------------------------------------

    def takes(self, name: str) -> bool:
        return self._answering(name) is not None

    def redirected(self, address: Any) -> Any:
        if not isinstance(address, tuple) or len(address) < 2:  # noqa: PLR2004 (the path of a Unix socket, say)
            return address
        name = normal(address[0])
        mock = self._innermost() if name == RESERVED_ADDRESS else self._answering(name)
        if mock is None:
            return address
        try:
            port = mock.port
        except RuntimeError:  # it has stopped this moment
            return (RESERVED_ADDRESS, address[1])
        host = mock.config.host
        return ("127.0.0.1" if host in {"", "0.0.0.0"} else host, port)  # noqa: S104 (compared, not bound)

    def trust(self, context: SSLContext, server_hostname: Any) -> None:
        name = normal(server_hostname)
        # Also for the hosts that are refused: through a proxy, the refusal comes over TLS.
        mock = self._innermost() if name and place(name) is not Place.ELSEWHERE else None
        if mock is None:
            return
        authority = mock.ca_pem
        with self._lock:
            trusted = self._trusting.setdefault(context, set())
            if authority not in trusted:
                context.load_verify_locations(cadata=authority)
                trusted.add(authority)

    def _innermost(self) -> KmsMock | None:
        """Return the mock that counts; None when there is none, or it has stopped."""
        active = self.active
        mock = active[-1].mock if active else None
        return mock if mock is not None and mock.is_running else None

    def _answering(self, name: str) -> KmsMock | None:
        """Return the mock that answers for a host; None for no host of Alibaba Cloud. Raises NotMockedError."""
        if not self.active or not name:
            return None
        found = place(name)
        mock = self._innermost() if found is Place.HERE else None
        if found is not Place.ELSEWHERE and mock is None:
            self.asked.note(name, Outcome.REFUSED)
            raise not_mocked(name)
        self.asked.note(name, Outcome.UNTOUCHED if mock is None else Outcome.MOCKED)
        return mock


def _refuse_other_sockets() -> None:
    for module, function in _OTHER_SOCKETS:
        asks: Callable[[str], bool] | None = getattr(sys.modules.get(module), function, None)
        if asks is not None and asks("socket"):
            library = module.partition(".")[0]
            raise RuntimeError(
                f"kms-mock cannot intercept the sockets of {library}, which has replaced the socket module: run the "
                "program without its monkey patches, or point it at the mock's endpoint"
            )


_table = _Table()


def asked_hosts() -> AskedHosts:
    """Return the hosts that were asked for since the last `forget_asked_hosts`."""
    return _table.asked


def forget_asked_hosts() -> None:
    """Begin a new list of hosts."""
    _table.asked.clear(intercepting=bool(_table.active))
