"""What the pytest plugin does for interception and for mocks that many tests share; imported when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from kms_mock.pytest_plugin import read_mark
from kms_mock.reach.intercept import Interception

if TYPE_CHECKING:
    from kms_mock.mock import KmsMock

_SHARING = {"kms_mock_session", "kms_mock_shared"}
_SEPARATE = {"kms_mock", "kms_client"}


class InterceptEverything:
    """The ini option `kms_mock_intercept`: a plugin by which every test is intercepted, and no test reaches the cloud.

    From before collection to the end of the run every host of Alibaba Cloud is refused, until a mock answers for it.
    """

    def __init__(self) -> None:
        self._guard = Interception(None).start()

    def pytest_unconfigure(self) -> None:
        """End it."""
        self._guard.stop()

    @pytest.fixture(autouse=True)
    def _kms_mock_intercepted(self, kms_mock_intercept: KmsMock) -> None:
        """Make every test use the fixture."""


@contextmanager
def intercepted(request: pytest.FixtureRequest) -> Iterator[KmsMock]:
    """Intercept for a test: the run's mock for one that shares it, within its namespace if it has one, else its own."""
    names = set(request.fixturenames)
    if "kms_namespace" in names and not names & _SEPARATE:
        namespace = request.getfixturevalue("kms_namespace")
        keys = {"access_key_id": namespace.access_key_id, "access_key_secret": namespace.access_key_secret}
        mock = request.getfixturevalue("kms_mock_session")
    else:
        keys = {}
        shared = "kms_mock_shared" if "kms_mock_shared" in names else "kms_mock_session"
        mock = request.getfixturevalue(shared if names & _SHARING and not names & _SEPARATE else "kms_mock")
    with mock.intercept(**keys):
        yield mock


@contextmanager
def intercepted_by_option(config: pytest.Config, mock: KmsMock) -> Iterator[None]:
    """Intercept for the run's mock if the ini option `kms_mock_intercept` asks for it."""
    if config.getini("kms_mock_intercept"):
        with mock.intercept():
            yield
    else:
        yield


def session_options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return the keyword arguments for the run's mock: from the ini option, and from marks of session and modules.

    They count when a test shares that mock: a namespace loads them itself, for its own account. Raises UsageError when
    two marks disagree.
    """
    marks: dict[int, tuple[Any, pytest.Mark]] = {}
    fixtures: list[Any] = []
    for item in request.session.items:
        names = set(getattr(item, "fixturenames", ()))
        if names & _SHARING and "kms_namespace" not in names:
            fixtures = list(request.config.getini("kms_mock_fixtures"))
            for node in _wide_nodes(item):
                marks |= {id(mark): (node, mark) for mark in node.own_markers if mark.name == "kms_mock"}
    options: dict[str, Any] = {}
    for node, mark in marks.values():
        asked, added = read_mark(mark, node.path if node.path.is_dir() else node.path.parent)
        fixtures += [fixture for fixture in added if fixture not in fixtures]
        for name, value in asked.items():
            if options.setdefault(name, value) != value:
                raise pytest.UsageError(
                    f"the mark kms_mock of {node.nodeid} asks for {name}={value!r}, another one for "
                    f"{name}={options[name]!r}: the run has one mock only"
                )
    return {**options, "fixtures": fixtures}


def fixtures_of_test(item: pytest.Item) -> list[Any]:
    """Return the fixtures that the marks of a test and its classes add to the run's mock. Raises UsageError."""
    wide = _wide_nodes(item)
    fixtures = []
    for node in item.listchain():
        for mark in node.own_markers if node not in wide else ():
            if mark.name == "kms_mock":
                asked, added = read_mark(mark, item.path.parent)
                if asked:
                    raise pytest.UsageError(f"a test that shares its mock cannot ask for {', '.join(asked)}")
                fixtures += added
    return fixtures


def _wide_nodes(item: pytest.Item) -> list[Any]:
    """Return the nodes of an item whose marks are for the whole run: its session, folders and module."""
    return [node for node in item.listchain() if isinstance(node, pytest.Session | pytest.Directory | pytest.File)]


@contextmanager
def shared(mock: KmsMock, fixtures: list[Any]) -> Iterator[KmsMock]:
    """Run a test with the run's mock: with fixtures of its own, and afterwards as it was."""
    with mock.checkpoint():
        for fixture in fixtures:
            mock.load(fixture)
        mock.calls.clear()
        try:
            yield mock
        finally:
            mock.faults.clear()
            mock.clock.reset()
