"""A server on a thread and an event loop of its own, started, used and stopped from any other thread."""

from __future__ import annotations

import asyncio
import os
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeVar

from kms_mock.server.listener import HttpServer
from kms_mock.server.loop import ServerLoop

T = TypeVar("T")

# In how many steps of the loop an idle connection ends: its task is woken and ends, its transport closes, its socket.
_CLOSING_STEPS = 4


class _StoppedError(Exception):
    """The server stopped before it could run a function."""


class _Run:
    """One run of a server, from its start to its stop."""

    def __init__(self, make_server: Callable[[asyncio.AbstractEventLoop], HttpServer]) -> None:
        self._loop = ServerLoop()
        try:
            self.server = make_server(self._loop)
        except BaseException:
            self._loop.close()
            raise
        self._lock = threading.Lock()  # guards `_open`, which is true while the loop still takes calls
        self._open = True
        self._thread = threading.Thread(target=self._main, name="kms-mock", daemon=True)
        self.process = os.getpid()

    def start(self) -> None:
        """Return when the port accepts. Raises what kept the server from listening.

        It listens from this thread: to wait for the other one would cost a third of a start.
        """
        try:
            self.server.start()
            self._thread.start()
        except BaseException:  # KeyboardInterrupt, too, must not leave a server behind
            while self._thread in threading.enumerate() and not self._thread.is_alive():
                time.sleep(0)  # interrupted while the thread begins
            if self._thread.is_alive():
                self.stop()
            else:
                self.server.close()
                self._loop.close()
            raise

    def stop(self) -> None:
        """End the server and its thread, after the calls that it has accepted."""
        with self._lock:
            if self._open:
                self._open = False
                self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def call(self, function: Callable[[], T]) -> T:
        """Run a function on the loop, between two requests, and return its result. Raises _StoppedError."""
        if threading.current_thread() is self._thread:
            return function()
        result: Future[T] = Future()
        with self._lock:
            if not self._open:
                raise _StoppedError
            self._loop.call_soon_threadsafe(_run_into, result, function)
        return result.result()

    def close_kept_connections(self) -> int:
        """Begin to close connections; return how many there are. Called on the loop."""
        return self.server.close_kept_connections()

    def open_region(self, region: str) -> int:
        """Listen as the endpoint of one more region; return the port. Nothing may stop the server meanwhile."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("the endpoint of another region cannot be opened while a request is being answered")
        return self.call(lambda: self.server.open_region(region))

    def close_in_child(self) -> None:
        """Close the sockets in a forked process, where this server does not run."""
        self.server.close_in_child()

    def _main(self) -> None:
        try:
            self._loop.run_forever()
        finally:
            with self._lock:
                self._open = False
            self._loop.run_until_complete(self.server.stop())
            self._loop.close()  # does not wait for work on other threads: nobody needs its result any more


class ServerThread:
    """A server that can be started and stopped again; all methods may be called from any thread.

    In a forked process it does not run: `call` raises RuntimeError there, `port` still tells where the parent listens.
    """

    def __init__(self, make_server: Callable[[asyncio.AbstractEventLoop], HttpServer]) -> None:
        self._make_server = make_server
        self._lock = threading.RLock()  # held while the server starts or stops, and by calls while it does not run
        self._run: _Run | None = None
        _servers.add(self)

    @property
    def port(self) -> int | None:
        """The port it listens on; None while it does not run."""
        run = self._run
        return None if run is None else run.server.port

    def start(self) -> None:
        """Return when the port accepts. Raises OSError at once when it is taken, RuntimeError when already running."""
        with self._lock:
            if self._run is not None:
                raise RuntimeError("this KmsMock is running already")
            run = _Run(self._make_server)
            run.start()
            self._run = run

    def port_of(self, region: str) -> int | None:
        """The port that is the endpoint of a region, opened when first asked for; None while it does not run."""
        with self._lock:
            run = self._run
            if run is None:
                return None
            if region not in run.server.ports:
                self.check_process()
                return run.open_region(region)
            return run.server.ports[region]

    def stop(self) -> set[int]:
        """Close all connections and end the thread; return the ports it listened on, none if it did not run."""
        with self._lock:
            run = self._run
            if run is None:
                return set()
            if run.process == os.getpid():
                run.stop()
            self._run = None
            return {run.server.port, *run.server.ports.values()}

    def call(self, function: Callable[[], T]) -> T:
        """Run a function between two requests and return its result; on the calling thread if there is no server."""
        while True:
            run = self._run
            if run is None:
                with self._lock:
                    if self._run is None:
                        return function()
                continue
            self.check_process()
            with suppress(_StoppedError):
                return run.call(function)
            with self._lock:  # wait for the end of the stop, then run the function without the server
                pass

    def close_kept_connections(self) -> None:
        """Close connections that wait for another request, before this returns; the others end with their answer."""
        run = self._run
        if run is None or run.process != os.getpid():
            return
        with suppress(_StoppedError):
            steps = _CLOSING_STEPS if run.call(run.close_kept_connections) else 0
            for _ in range(steps):
                run.call(lambda: None)

    def check_process(self) -> None:
        """Raise RuntimeError in a fork of the process that the server runs in."""
        run = self._run
        if run is not None and run.process != os.getpid():
            raise RuntimeError(
                f"this KmsMock runs in process {run.process}, of which this one is a fork: it can only be reached by "
                "HTTP from here (url, endpoint, port and client() work)"
            )

    def close_in_child(self) -> None:
        """Close the sockets in a forked process; locks that other threads held at the fork are made anew."""
        self._lock = threading.RLock()
        if self._run is not None:
            self._run.close_in_child()


_servers: weakref.WeakSet[ServerThread] = weakref.WeakSet()


def _run_into(result: Future[T], function: Callable[[], T]) -> None:
    try:
        result.set_result(function())
    except BaseException as error:  # noqa: BLE001 (raised where the result is awaited)
        result.set_exception(error)


def _close_in_child() -> None:
    for server in list(_servers):
        server.close_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_child)
